// Package wycheproof runs the test vectors of Project Wycheproof (github.com/c2sp/wycheproof) through the software
// provider, and accounts for every file of them in docs/VECTORS.md: how many vectors passed, how many are refused by
// design and why, and which files are for algorithms that are not offered.
package wycheproof
