// Package conformance is a kit for hosts of wasi-crypto: a table of what the interface promises, a guest (the command in
// conformance/guest) that checks every promise that a guest can observe, and the account of how the others are tested.
//
// This package holds the table alone and imports nothing but the standard library, so that the guest reads the same rows as the tests and
// as ROWS.md, which is written from it.
package conformance

import "slices"

// Row is one promise and how it is tested. At least one of Check, Host and Not is set.
type Row struct {
	// ID names the row: a number for a rule of the specification in the order of its text, S1 to S6 for the functions of
	// external secrets, B1 to B8 for the batch functions, I1 to I86 for the imports.
	ID   string
	Rule string // the promise in a sentence
	// Check is the name of the guest's check, "" if a guest cannot observe the promise.
	Check string
	// Managed says that the check needs a secrets manager, which a host may lack.
	Managed bool
	// Host lists the tests of this host that hold the promise, as "directory.TestName".
	Host []string
	// Not says why the row is not applicable.
	Not string
}

// Rows gives all rows in order. The caller owns the slice.
func Rows() []Row {
	return slices.Concat(handleRows(), keyRows(), symmetricRows(), patternRows(), managedRows(), secretRows(), externalRows(), batchRows(), importRows())
}

// Chapter is a run of rows under one heading.
type Chapter struct {
	Title string
	Rows  []Row
}

// Chapters gives the rows under their headings, in the order of Rows.
func Chapters() []Chapter {
	return []Chapter{
		{"Handles, encodings, outputs and options", handleRows()},
		{"Algorithms, keys, exchange and signatures", keyRows()},
		{"Symmetric operations", symmetricRows()},
		{"Patterns of symmetric algorithms", patternRows()},
		{"Managed keys", managedRows()},
		{"External secrets", secretRows()},
		{"The functions of external secrets", externalRows()},
		{"Batch functions", batchRows()},
		{"Imports", importRows()},
	}
}
