package providertest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// testKey holds what a generated key says of itself, and that it comes back from blob and
// export.
func (s *suite) testKey(t *testing.T, m provider.Mechanism) {
	r := row(t, m, algorithm.FamilyKey)
	k := s.key(t, m.Algorithm)
	if want := (provider.Spec{Algorithm: m.Algorithm, Class: r.Class}); k.Spec() != want {
		t.Fatalf("the key is %v, want %v", k.Spec(), want)
	}
	if k.Bits() != r.Bits {
		t.Errorf("%d bits, want %d", k.Bits(), r.Bits)
	}
	public, err := k.Public()
	if err != nil || (public != nil) != r.Pair() {
		t.Fatalf("a public half of %d bytes, %v", len(public), err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, k); len(text) > 100 {
			t.Errorf("a key printed with %s has %d characters", verb, len(text))
		}
	}
	s.testBlob(t, k)
	s.testExport(t, k, r)
	s.testMisfits(t, r)
	if r.Pair() {
		s.testPublicKey(t, m.Algorithm, public)
	}
	s.testTwoKeys(t, m.Algorithm, k)
}

func (s *suite) testBlob(t *testing.T, k provider.Key) {
	blob, err := k.Blob(t.Context(), tag())
	if err != nil {
		t.Fatalf("blob: %v", err)
	}
	defer blob.Close()
	again, err := s.provider.Load(t.Context(), blob.Bytes())
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	s.same(t, k, again)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if err := again.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	_, err = s.provider.Load(t.Context(), blob.Bytes()[:blob.Len()/2])
	wantCode(t, "half a blob", err, claviger.ErrInvalidFormat)
}

func (s *suite) testExport(t *testing.T, k provider.Key, r *algorithm.Row) {
	material, err := k.Export(t.Context())
	if s.options.NoExport {
		wantCode(t, "export", err, claviger.ErrKeyNotExportable)
		return
	}
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	defer material.Close()
	canonical, err := r.Canonical(k.Spec().Class, material.Bytes())
	if err != nil || !material.Equal(canonical) {
		t.Errorf("what was exported is not canonical: %v", err)
	}
	if _, ok := provider.Find(s.rows, provider.Import, r.Name, ""); ok {
		s.same(t, k, s.imported(t, k.Spec(), material.Bytes()))
	}
}

// same expects two handles to stand for one key.
func (s *suite) same(t *testing.T, a, b provider.Key) {
	t.Helper()
	if a.Spec() != b.Spec() || a.Bits() != b.Bits() {
		t.Errorf("%v of %d bits became %v of %d", a.Spec(), a.Bits(), b.Spec(), b.Bits())
	}
	p, _ := a.Public()
	q, _ := b.Public()
	if !bytes.Equal(p, q) {
		t.Error("the public halves differ")
	}
	if s.options.NoExport {
		return
	}
	x, err := a.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	y, err := b.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer y.Close()
	if !x.Equal(y.Bytes()) {
		t.Error("the keys differ")
	}
}

// testMisfits imports what is no key of the algorithm.
func (s *suite) testMisfits(t *testing.T, r *algorithm.Row) {
	if _, ok := provider.Find(s.rows, provider.Import, r.Name, ""); !ok {
		return
	}
	if !r.Pair() {
		for _, n := range []int{r.MinKey - 1, r.MaxKey + 1} {
			_, err := s.provider.Import(t.Context(), provider.Spec{Algorithm: r.Name, Class: claviger.SecretKey}, make([]byte, n))
			wantCode(t, fmt.Sprintf("a key of %d bytes", n), err, claviger.ErrIncompatibleKeyType)
		}
		_, err := s.provider.Import(t.Context(), provider.Spec{Algorithm: r.Name, Class: claviger.PrivateKey}, make([]byte, r.MinKey))
		wantCode(t, "a secret key as a private one", err, claviger.ErrIncompatibleKeyType)
		return
	}
	for _, class := range []claviger.KeyClass{claviger.PrivateKey, claviger.PublicKey} {
		for _, material := range [][]byte{nil, []byte("not DER"), {0x30, 0x80}, {0x30, 0x03, 0x02, 0x01, 0x00}} {
			_, err := s.provider.Import(t.Context(), provider.Spec{Algorithm: r.Name, Class: class}, material)
			wantCode(t, "malformed material", err, claviger.ErrInvalidFormat)
		}
	}
}

// testPublicKey holds the public half as a key of its own.
func (s *suite) testPublicKey(t *testing.T, alg claviger.Algorithm, spki []byte) {
	public := s.public(t, alg)
	if public == nil {
		return
	}
	if want := (provider.Spec{Algorithm: alg, Class: claviger.PublicKey}); public.Spec() != want {
		t.Errorf("the public key is %v", public.Spec())
	}
	if got, err := public.Public(); err != nil || !bytes.Equal(got, spki) {
		t.Errorf("the public key does not give itself: %v", err)
	}
	_, err := s.provider.Import(t.Context(), provider.Spec{Algorithm: alg, Class: claviger.PrivateKey}, spki)
	wantCode(t, "a public key as a private one", err, claviger.ErrInvalidFormat)
	_, err = s.provider.Import(t.Context(), provider.Spec{Algorithm: alg, Class: claviger.PublicKey}, append(bytes.Clone(spki), 0))
	wantCode(t, "a public key with a byte behind it", err, claviger.ErrInvalidFormat)
	for _, m := range s.rows {
		row, ok := algorithm.Lookup(m.Algorithm, algorithm.FamilyKey)
		if m.Op != provider.Import || !ok || !row.Pair() || m.Algorithm == alg || sameCurve(m.Algorithm, alg) {
			continue
		}
		_, err := s.provider.Import(t.Context(), provider.Spec{Algorithm: m.Algorithm, Class: claviger.PublicKey}, spki)
		wantCode(t, fmt.Sprintf("a public key of %s as one of %s", alg, m.Algorithm), err, claviger.ErrIncompatibleKeyType)
	}
	loaded, err := public.Blob(t.Context(), tag())
	if err != nil {
		t.Fatalf("blob of a public key: %v", err)
	}
	defer loaded.Close()
	again, err := s.provider.Load(t.Context(), loaded.Bytes())
	if err != nil || again.Spec() != public.Spec() {
		t.Fatalf("loading a public key: %v", err)
	}
	again.Close()
}

// sameCurve reports whether the encoded public keys of two algorithms look alike.
func sameCurve(a, b claviger.Algorithm) bool {
	cut := func(alg claviger.Algorithm) string {
		for _, p := range []string{"ECDSA-", "ECDH-"} {
			if rest, ok := bytes.CutPrefix([]byte(alg), []byte(p)); ok {
				return string(rest)
			}
		}
		return string(alg)
	}
	return cut(a) == cut(b)
}

// testTwoKeys holds that generation gives a new key each time; RSA is left out for its
// time.
func (s *suite) testTwoKeys(t *testing.T, alg claviger.Algorithm, k provider.Key) {
	if r, ok := algorithm.Lookup(alg, algorithm.FamilyKey); s.options.NoExport || !ok || !r.Inline {
		return
	}
	other, err := s.provider.Generate(t.Context(), provider.Spec{Algorithm: alg})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	x, err := k.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	y, err := other.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer y.Close()
	if x.Equal(y.Bytes()) {
		t.Error("the same key twice")
	}
}

// tag is what a device is to call a key of the suite.
func tag() provider.Tag {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // it never fails
	return provider.Tag{Label: "contract", ID: id}
}
