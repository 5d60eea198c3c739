// Package guests runs programs that people would write for WebAssembly: the Go package guest inside a guest, the examples,
// a guest in C, and what docs/GUESTS.md shows. It also compares the bindings in Go and C with the host, function by function.
package guests
