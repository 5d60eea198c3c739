// Package wasicrypto is the host of wasi-crypto: it gives WebAssembly guests all 86 functions of the eight modules of the
// proposal (witx 0.10), on any wazero runtime. A guest's own short-lived keys live in this process, in host memory that the
// guest cannot read; managed keys and secrets stay with a keeper, which a stack of package client reaches.
//
// One file per witx module, each a list of functions over the same few rooms: call.go reads arguments and guest memory,
// table.go turns handles into objects, errno.go turns errors into numbers.
//
// Guest memory is hostile: any address and length may come. It is reached through views that are checked against its
// size, a bad one is guest_error, and nothing is stored on an error.
package wasicrypto
