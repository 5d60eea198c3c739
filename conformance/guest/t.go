package main

import (
	"fmt"
	"slices"
)

// T is one run of one check. Its methods with a plain name make the check fail unless the host does what they say, so that a check
// reads as the list of its steps; the functions of call*.go are for steps that may be refused. A T closes what it opened.
type T struct {
	config
	closers []func() errno
}

// check runs one check and gives its result.
func check(run func(*T), c config) (is result) {
	t := &T{config: c}
	defer func() {
		switch end := recover().(type) {
		case nil:
			is = result{verdict: passed}
		case result:
			is = end
		default:
			panic(end)
		}
		for _, closer := range slices.Backward(t.closers) {
			closer() // what the check has closed already answers closed
		}
	}()
	run(t)
	return is
}

// fail ends the check.
func (t *T) fail(format string, args ...any) {
	panic(result{failed, fmt.Sprintf(format, args...)})
}

// skip ends the check without a verdict: the host does not offer what the row is about, and need not.
func (t *T) skip(format string, args ...any) {
	panic(result{skipped, fmt.Sprintf(format, args...)})
}

// later closes a handle when the check is over.
func (t *T) later(closer func(uint32) errno, h uint32) {
	t.closers = append(t.closers, func() errno { return closer(h) })
}

// want holds that a call answered one of the numbers.
func (t *T) want(what string, got errno, accepted ...errno) {
	if !slices.Contains(accepted, got) {
		t.fail("%s: want %s, got %s", what, names(accepted), got)
	}
}

// must holds that a call succeeded.
func (t *T) must(what string, got errno) { t.want(what, got, success) }

// refused holds that a call did not succeed, whatever it answered.
func (t *T) refused(what string, got errno) {
	if got == success {
		t.fail("%s: want an error, got success", what)
	}
}

// same holds that two byte strings are the same.
func (t *T) same(what string, got, want []byte) {
	if !slices.Equal(got, want) {
		t.fail("%s: want %s, got %s", what, short(want), short(got))
	}
}

// differ holds that two byte strings are not the same.
func (t *T) differ(what string, a, b []byte) {
	if slices.Equal(a, b) {
		t.fail("%s: want two different values, got %s twice", what, short(a))
	}
}

// count holds a number.
func (t *T) count(what string, got, want uint32) {
	if got != want {
		t.fail("%s: want %d, got %d", what, want, got)
	}
}

// short writes bytes for a message: all of few, the first of many. No key and no secret that is not the kit's own comes here.
func short(b []byte) string {
	if len(b) > 24 {
		return fmt.Sprintf("%x... (%d bytes)", b[:24], len(b))
	}
	return fmt.Sprintf("%x (%d bytes)", b, len(b))
}

// required reports whether every host must offer an algorithm.
func required(algorithm string) bool {
	return slices.Contains([]string{"RSA_PKCS1_2048_SHA256", "RSA_PKCS1_3072_SHA384", "RSA_PKCS1_4096_SHA512",
		"HKDF-EXTRACT/SHA-256", "HKDF-EXTRACT/SHA-512", "HKDF-EXPAND/SHA-256", "HKDF-EXPAND/SHA-512", "HMAC/SHA-256",
		"HMAC/SHA-512", "SHA-256", "SHA-512", "SHA-512/256", "AES-128-GCM", "AES-256-GCM"}, algorithm)
}

// offered holds that a call that names an algorithm succeeded. It skips the row if the host lacks the algorithm and need not have it.
func (t *T) offered(what, algorithm string, got errno) {
	if got == unsupportedAlgorithm && !required(algorithm) {
		t.skip("the host does not offer %s", algorithm)
	}
	t.must(what+" "+algorithm, got)
}
