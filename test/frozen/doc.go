// Package frozen holds what has been promised to last: stores and conversations that were recorded once, and tests that the
// daemon and the client of today still understand them.
//
// A directory testdata/store-N is a store with its key file, its configuration and what was read from it. A directory
// testdata/token-N is that of a store whose keys lie in a token of SoftHSM, with the token and its PIN. A directory
// testdata/wire-N is what a client of that time and its daemon said to each other over such stores, and the shape of every
// message. Every test runs over all of them.
//
// A recording is made once, by the program that is to be remembered, and never again:
//
//	go test ./test/frozen -run TestRecord -record store-2   # a store, by the binary of this tree
//	go test ./test/frozen -run TestRecord -record token-2   # a store and a token, by the binary of this tree
//	go test ./test/frozen -run TestRecord -record wire-3    # conversations over the newest recorded stores
//
// An existing one is refused, and so is anything else that would change it: a test that fails over a recording says that
// the program has broken a promise, and the program is what is to be mended (docs/CONTRIBUTING.md). To record with an
// older program, copy this directory into a checkout of it and record there.
package frozen
