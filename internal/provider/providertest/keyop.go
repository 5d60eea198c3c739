package providertest

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// The code and derivation that keys made by an operation are compared with, since not every
// provider gives keys out.
const (
	witness claviger.Algorithm = "HMAC-SHA-256"
	kdf     claviger.Algorithm = "HKDF-SHA-256"
)

// fingerprint tells keys apart without their bytes: the code of a fixed message.
func (s *suite) fingerprint(t *testing.T, k provider.Key) []byte {
	t.Helper()
	if k.Spec() != (provider.Spec{Algorithm: witness, Class: claviger.SecretKey}) {
		t.Fatalf("the key is %v", k.Spec())
	}
	return appended(t, k, provider.MAC, &provider.Params{Algorithm: witness}, []byte("fingerprint"))
}

// keyOp runs an operation that must give a key, which is closed with the test.
func keyOp(t *testing.T, k provider.Key, op provider.Op, params *provider.Params) (provider.Key, []byte) {
	t.Helper()
	made, extra, err := k.KeyOp(t.Context(), op, params)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	t.Cleanup(func() { made.Close() })
	return made, extra
}

// params asks for a witness key through the KDF.
func throughKDF(alg claviger.Algorithm, peer []byte, info string) *provider.Params {
	return &provider.Params{Algorithm: alg, Peer: peer, Result: provider.Spec{Algorithm: witness},
		KDF: &provider.KDF{Algorithm: kdf, Salt: []byte("salt"), Info: []byte(info)}}
}

// derives reports whether the provider derives keys.
func (s *suite) derives() bool {
	_, ok := provider.Find(s.rows, provider.Derive, kdf, algorithm.Generic)
	return ok
}

// agreed asks for a witness key: through the KDF where there is one, or the shared secret itself.
func (s *suite) agreed(alg claviger.Algorithm, peer []byte, info string) *provider.Params {
	p := throughKDF(alg, peer, info)
	if !s.derives() {
		p.KDF = nil
	}
	return p
}

// testAgree holds that both sides come to one key, with and without a KDF, and what peers
// are refused.
func (s *suite) testAgree(t *testing.T, m provider.Mechanism) {
	r := row(t, m, algorithm.FamilyAgreement)
	a := s.key(t, m.Key)
	b, err := s.provider.Generate(t.Context(), provider.Spec{Algorithm: m.Key})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	publicA, _ := a.Public()
	publicB, _ := b.Public()
	x, _ := keyOp(t, a, provider.Agree, s.agreed(m.Algorithm, publicB, "one"))
	y, _ := keyOp(t, b, provider.Agree, s.agreed(m.Algorithm, publicA, "one"))
	if !bytes.Equal(s.fingerprint(t, x), s.fingerprint(t, y)) {
		t.Error("the two sides have different keys")
	}
	if s.derives() {
		z, _ := keyOp(t, b, provider.Agree, throughKDF(m.Algorithm, publicA, "two"))
		if bytes.Equal(s.fingerprint(t, x), s.fingerprint(t, z)) {
			t.Error("another info gives the same key")
		}
	} else {
		_, _, err := b.KeyOp(t.Context(), provider.Agree, throughKDF(m.Algorithm, publicA, "one"))
		wantCode(t, "a derivation that is not offered", err, claviger.ErrUnsupportedAlgorithm)
	}
	plain := &provider.Params{Algorithm: m.Algorithm, Peer: publicB}
	secret, _ := keyOp(t, a, provider.Agree, plain)
	if secret.Spec().Algorithm != algorithm.Generic || secret.Bits() != 8*r.Size {
		t.Errorf("the plain secret is %v of %d bits", secret.Spec(), secret.Bits())
	}
	s.testResults(t, a, provider.Agree, *plain, r.Size)
	for what, peer := range map[string][]byte{"no peer": nil, "a malformed peer": []byte("peer"), "half a peer": publicB[:len(publicB)/2]} {
		_, _, err := a.KeyOp(t.Context(), provider.Agree, &provider.Params{Algorithm: m.Algorithm, Peer: peer})
		wantCode(t, what, err, claviger.ErrInvalidFormat)
	}
	if public := s.public(t, m.Key); public != nil {
		_, _, err := public.KeyOp(t.Context(), provider.Agree, plain)
		wantCode(t, "agreeing with a public key alone", err, claviger.ErrIncompatibleKeyType)
	}
	atOnce(t, func(int) error {
		made, _, err := a.KeyOp(t.Context(), provider.Agree, plain)
		if err != nil {
			return err
		}
		return made.Close()
	})
}

// testResults holds which keys a shared secret of size bytes can become without a KDF.
func (s *suite) testResults(t *testing.T, k provider.Key, op provider.Op, params provider.Params, size int) {
	t.Helper()
	for alg, keySize := range map[claviger.Algorithm]int{"AES-128": 16, "AES-256": 32} {
		params.Result = provider.Spec{Algorithm: alg, Class: claviger.SecretKey}
		made, _, err := k.KeyOp(t.Context(), op, &params)
		if keySize == size {
			if err != nil || made.Spec() != params.Result {
				t.Errorf("a secret of %d bytes as %s: %v", size, alg, err)
			}
		} else {
			wantCode(t, "a secret of the wrong size as "+string(alg), err, claviger.ErrIncompatibleKeyType)
		}
		if err == nil {
			made.Close()
		}
	}
	params.Result = provider.Spec{Algorithm: "RSA-2048"}
	_, _, err := k.KeyOp(t.Context(), op, &params)
	wantCode(t, "a secret as a pair", err, claviger.ErrIncompatibleKeyType)
	params.Result = provider.Spec{Algorithm: "AES-512"}
	_, _, err = k.KeyOp(t.Context(), op, &params)
	wantCode(t, "a secret as an unknown key", err, claviger.ErrUnsupportedAlgorithm)
}

// testEncapsulate holds that the ciphertext carries the key, and that an altered one
// carries another (FIPS 203 section 6.3).
func (s *suite) testEncapsulate(t *testing.T, m provider.Mechanism) {
	r := row(t, m, algorithm.FamilyKEM)
	k := s.key(t, m.Key)
	from := k
	if public := s.public(t, m.Key); public != nil {
		from = public
		_, _, err := public.KeyOp(t.Context(), provider.Decapsulate, &provider.Params{Algorithm: m.Algorithm, Peer: make([]byte, r.Ciphertext)})
		wantCode(t, "decapsulating with a public key", err, claviger.ErrIncompatibleKeyType)
	}
	sent, ciphertext := keyOp(t, from, provider.Encapsulate, throughKDF(m.Algorithm, nil, "kem"))
	if len(ciphertext) != r.Ciphertext {
		t.Fatalf("a ciphertext of %d bytes, want %d", len(ciphertext), r.Ciphertext)
	}
	got, extra := keyOp(t, k, provider.Decapsulate, throughKDF(m.Algorithm, ciphertext, "kem"))
	if len(extra) != 0 {
		t.Error("decapsulation gave bytes beside the key")
	}
	if !bytes.Equal(s.fingerprint(t, sent), s.fingerprint(t, got)) {
		t.Error("the two sides have different keys")
	}
	altered := bytes.Clone(ciphertext)
	altered[len(altered)/2] ^= 1
	other, _ := keyOp(t, k, provider.Decapsulate, throughKDF(m.Algorithm, altered, "kem"))
	if bytes.Equal(s.fingerprint(t, other), s.fingerprint(t, got)) {
		t.Error("an altered ciphertext gives the same key")
	}
	for _, n := range []int{0, r.Ciphertext - 1, r.Ciphertext + 1} {
		_, _, err := k.KeyOp(t.Context(), provider.Decapsulate, &provider.Params{Algorithm: m.Algorithm, Peer: make([]byte, n)})
		wantCode(t, "a ciphertext of another length", err, claviger.ErrInvalidFormat)
	}
	s.testResults(t, k, provider.Decapsulate, provider.Params{Algorithm: m.Algorithm, Peer: ciphertext}, r.Size)
	atOnce(t, func(int) error {
		made, _, err := k.KeyOp(t.Context(), provider.Decapsulate, &provider.Params{Algorithm: m.Algorithm, Peer: ciphertext})
		if err != nil {
			return err
		}
		return made.Close()
	})
}

// testDerive holds that derivation depends on all its inputs and on nothing else.
func (s *suite) testDerive(t *testing.T, m provider.Mechanism) {
	k := s.key(t, m.Key)
	derive := func(salt, info string, result claviger.Algorithm) provider.Key {
		made, _ := keyOp(t, k, provider.Derive, &provider.Params{Algorithm: m.Algorithm, Result: provider.Spec{Algorithm: result},
			KDF: &provider.KDF{Algorithm: m.Algorithm, Salt: []byte(salt), Info: []byte(info)}})
		return made
	}
	first := s.fingerprint(t, derive("salt", "info", witness))
	if !bytes.Equal(first, s.fingerprint(t, derive("salt", "info", witness))) {
		t.Error("the same inputs give another key")
	}
	for _, other := range [][2]string{{"Salt", "info"}, {"salt", "Info"}, {"", "info"}, {"salt", ""}} {
		if bytes.Equal(first, s.fingerprint(t, derive(other[0], other[1], witness))) {
			t.Errorf("salt %q and info %q give the same key", other[0], other[1])
		}
	}
	if bits := derive("", "", "AES-192").Bits(); bits != 192 {
		t.Errorf("an AES-192 key of %d bits", bits)
	}
	refused := map[string]struct {
		kdf    *provider.KDF
		result claviger.Algorithm
		code   claviger.Code
	}{
		"no parameters":            {nil, "AES-128", claviger.ErrInvalidArgument},
		"a conflicting KDF":        {&provider.KDF{Algorithm: "HKDF-MD5"}, "AES-128", claviger.ErrInvalidArgument},
		"a size that does not fit": {&provider.KDF{Size: 17}, "AES-128", claviger.ErrIncompatibleKeyType},
		"more than HKDF gives":     {&provider.KDF{Algorithm: m.Algorithm, Size: 255*64 + 1}, algorithm.Generic, claviger.ErrIncompatibleKeyType},
	}
	for what, c := range refused {
		_, _, err := k.KeyOp(t.Context(), provider.Derive, &provider.Params{Algorithm: m.Algorithm, KDF: c.kdf, Result: provider.Spec{Algorithm: c.result}})
		wantCode(t, what, err, c.code)
	}
}
