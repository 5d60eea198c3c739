package mldsamu_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"filippo.io/mldsa"

	"github.com/claviger/claviger/internal/primitive/mldsamu"
)

// expanded gives a key of one library as its seed, and of the other in expanded form.
func (s set) expanded(t testing.TB) (*mldsa.PrivateKey, []byte) {
	t.Helper()
	key, err := mldsa.GenerateKey(s.other)
	if err != nil {
		t.Fatal(err)
	}
	_, private := s.scheme.DeriveKey(key.Bytes())
	b, err := private.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return key, b
}

// The sizes are those of FIPS 204 table 2, and the public key is the one of the seed.
func TestPublicKeyOfAnExpandedKey(t *testing.T) {
	for i, size := range []int{2560, 4032, 4896} {
		s := sets()[i]
		for range 8 {
			key, private := s.expanded(t)
			public, ok := s.own.PublicKey(private)
			if !ok || !bytes.Equal(public, key.PublicKey().Bytes()) || len(private) != size || s.own.PrivateKeySize() != size {
				t.Errorf("%s: another public key (%v), or one of %d bytes", s.other, ok, len(private))
			}
		}
	}
}

// A key with one bit altered is refused wherever the bit is, but in K, which nothing else follows from.
func TestAlteredPrivateKeysAreRefused(t *testing.T) {
	for _, s := range sets() {
		_, private := s.expanded(t)
		for at := 0; at < len(private); at += 1 + at/64 {
			altered := bytes.Clone(private)
			altered[at] ^= 1 << (at % 8)
			if _, ok := s.own.PublicKey(altered); ok != (at >= 32 && at < 64) {
				t.Errorf("%s: byte %d altered: %v", s.other, at, ok)
			}
		}
		for _, wrong := range [][]byte{nil, private[:len(private)-1], append(bytes.Clone(private), 0)} {
			if _, ok := s.own.PublicKey(wrong); ok {
				t.Errorf("%s: a key of %d bytes is taken", s.other, len(wrong))
			}
		}
		if _, ok := (mldsamu.Parameters{}).PublicKey(private); ok {
			t.Error("no parameters take a key")
		}
	}
}

// The deterministic signature is that of another library, byte for byte, and hedged ones verify there.
func TestSignsAsAnotherLibrary(t *testing.T) {
	for _, s := range sets() {
		for i := range 16 {
			key, private := s.expanded(t)
			mu := bytes.Repeat([]byte{byte(i)}, mldsamu.MuSize)
			want, err := key.SignDeterministic(mu, external{})
			if err != nil {
				t.Fatal(err)
			}
			got, ok := s.own.Sign(private, mu, make([]byte, mldsamu.RandomSize))
			if !ok || !bytes.Equal(got, want) {
				t.Errorf("%s %d: another signature, %v", s.other, i, ok)
			}
			message := mldsamu.Mu(key.PublicKey().Bytes(), []byte{0, 0}, mu)
			random := make([]byte, mldsamu.RandomSize)
			rand.Read(random)
			hedged, ok := s.own.Sign(private, message, random)
			if err := mldsa.Verify(key.PublicKey(), mu, hedged, nil); err != nil || !ok {
				t.Errorf("%s %d: the hedged signature is refused: %v", s.other, i, err)
			}
		}
	}
}

// Arguments of other lengths give no signature.
func TestSignRefusesOtherLengths(t *testing.T) {
	s := sets()[0]
	_, private := s.expanded(t)
	mu, random := make([]byte, mldsamu.MuSize), make([]byte, mldsamu.RandomSize)
	for what, got := range map[string]func() ([]byte, bool){
		"a short key":     func() ([]byte, bool) { return s.own.Sign(private[1:], mu, random) },
		"a short μ":       func() ([]byte, bool) { return s.own.Sign(private, mu[1:], random) },
		"no random bytes": func() ([]byte, bool) { return s.own.Sign(private, mu, nil) },
		"no parameters":   func() ([]byte, bool) { return mldsamu.Parameters{}.Sign(private, mu, random) },
	} {
		if out, ok := got(); ok || out != nil {
			t.Errorf("%s gives a signature", what)
		}
	}
}

// No bytes make the decoder fail, and a key that is taken is the one that signs for its public key.
func FuzzPrivateKey(f *testing.F) {
	s := sets()[0]
	_, private := s.expanded(f)
	f.Add(private)
	f.Add(make([]byte, len(private)))
	f.Fuzz(func(t *testing.T, private []byte) {
		public, ok := s.own.PublicKey(private)
		if !ok {
			return
		}
		mu := make([]byte, mldsamu.MuSize)
		if signature, ok := s.own.Sign(private, mu, make([]byte, mldsamu.RandomSize)); !ok || !s.own.Verify(public, mu, signature) {
			t.Error("a key that is taken does not sign")
		}
	})
}
