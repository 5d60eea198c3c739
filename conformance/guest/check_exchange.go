package main

import "github.com/claviger/claviger/guest/raw"

// encapsulations lists the mechanisms of the specification, the cheap ones first.
func encapsulations() []string {
	return []string{"ML-KEM-768", "X-WING", "ML-KEM-1024", "ML-KEM-512"}
}

// firstPair gives a new pair of the first algorithm that the host has, and its name; none is "".
func (t *T) firstPair(algorithms ...string) (pair uint32, algorithm string) {
	for _, algorithm := range algorithms {
		h, e := keypairGenerate(raw.TypeKeyExchange, algorithm, maybe{})
		if e == unsupportedAlgorithm {
			continue
		}
		t.want("keypair_generate "+algorithm, e, success, inProgress)
		if e == inProgress {
			h = t.pair(raw.TypeKeyExchange, algorithm)
		}
		t.later(keypairClose, h)
		return h, algorithm
	}
	return 0, ""
}

// exchangeMechanisms holds rule 21: both sides of a mechanism of each class get the same secret, and X25519 that of RFC 7748.
func exchangeMechanisms(t *T) {
	groups := []string{"X25519", "P256-SHA256", "P384-SHA384", "X448"}
	one, algorithm := t.firstPair(groups...)
	if algorithm == "" {
		t.fail("no Diffie-Hellman mechanism: want one of %q", groups)
	}
	two := t.pair(raw.TypeKeyExchange, algorithm)
	t.same("the two sides of "+algorithm, t.agree(t.public(one), t.secret(two)), t.agree(t.public(two), t.secret(one)))
	if algorithm == "X25519" {
		secret, _, peer, shared := x25519Vector()
		sk := t.secretFrom(raw.TypeKeyExchange, algorithm, secret, raw.KeyRaw)
		t.same("shared secret, X25519", t.agree(t.publicFrom(raw.TypeKeyExchange, algorithm, peer, raw.KeyRaw), sk), shared)
	}

	pair, mechanism := t.firstPair(encapsulations()...)
	if mechanism == "" {
		t.fail("no encapsulation mechanism: want one of %q", encapsulations())
	}
	secret, encapsulated := t.encapsulate(pair)
	h, e := kxDecapsulate(t.secret(pair), encapsulated)
	t.must("kx_decapsulate "+mechanism, e)
	t.same("the two sides of "+mechanism, t.array(h), secret)
	again, _ := t.encapsulate(pair)
	t.differ("two secrets for one key, "+mechanism, again, secret)
}

// encapsulate gives a secret and its encapsulation for a pair.
func (t *T) encapsulate(pair uint32) (secret, encapsulated []byte) {
	s, c, e := kxEncapsulate(t.public(pair))
	t.must("kx_encapsulate", e)
	return t.array(s), t.array(c)
}

// decapsulationFailure holds rule 22. An encapsulation of the right length may be rejected by a secret that nobody has (FIPS 203,
// section 6.3), so that only a wrong length must fail.
func decapsulationFailure(t *T) {
	pair, mechanism := t.firstPair(encapsulations()...)
	if mechanism == "" {
		t.skip("the host offers no encapsulation mechanism of the specification")
	}
	_, encapsulated := t.encapsulate(pair)
	secret := t.secret(pair)
	for _, wrong := range [][]byte{nil, encapsulated[:1], encapsulated[:len(encapsulated)-1], append(encapsulated, 0)} {
		e := t.discard(kxDecapsulate(secret, wrong))
		t.want("kx_decapsulate of a wrong length, "+mechanism, e, verificationFailed)
	}
}
