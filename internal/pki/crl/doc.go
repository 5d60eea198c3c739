// Package crl reads certificate revocation lists (RFC 5280, 5) and answers what a set of them says about one
// certificate at one time (RFC 5280, 6.3.3).
//
// A list counts only if it is authentic, in its window of validity at the time asked for, free of critical extensions
// that are not understood, and if its scope covers the certificate. Everything else is as if it were not there, and
// the answer says why. Complete lists, lists by distribution point, by reason and by kind of certificate, indirect
// lists and delta lists are understood.
//
// Everything here is pure: no I/O, no clock, no package state. A [CRL] never changes after it was parsed and may be
// used by many goroutines at once.
package crl
