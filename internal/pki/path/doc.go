// Package path verifies certification paths (RFC 5280, 6.1) at a given time and says why one does not stand.
//
// Paths are built by the standard library's builder over copies of the certificates from which was taken what it
// judges differently from RFC 5280. Every path it finds is then judged here: path lengths, name constraints, profile,
// purpose, revocation. The shortest path that passes all of it makes the verdict Valid. When none does, a second,
// diagnostic walk finds the most telling reason.
//
// The zero value of a [Request] trusts nobody: no anchors, or no time, is an error and never the machine's own trust
// store or clock. Everything here is pure: no I/O, no clock, no package state; [Verify] may be called by many
// goroutines at once with the same certificates and lists.
package path
