// Package cert reads X.509 certificates (RFC 5280) strictly and answers questions about one certificate: its names in
// canonical form, its constraints, its distribution points, its public key. It judges nothing: whether a certificate
// may be relied on is what package path decides.
//
// Everything here is pure: no I/O, no clock, no package state. A [Certificate] never changes after it was parsed and
// may be used by many goroutines at once.
package cert
