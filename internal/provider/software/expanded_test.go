package software

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"testing"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// lattice is a key in the two forms of PKCS #8 that a store can have (RFC 9881 and 9935 section 6).
type lattice struct {
	name           claviger.Algorithm
	seed, expanded []byte
	signs          bool
}

// newLattice makes a key of a fixed seed.
func newLattice(t *testing.T, name string, arc, number int, seed, expanded []byte) lattice {
	t.Helper()
	document := func(tag int, b []byte) []byte {
		type identifier struct{ OID asn1.ObjectIdentifier }
		class := asn1.ClassUniversal
		if tag == 0 {
			class = asn1.ClassContextSpecific
		}
		inner, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, Bytes: b})
		if err != nil {
			t.Fatal(err)
		}
		der, err := asn1.Marshal(struct {
			Version   int
			Algorithm identifier
			Key       []byte
		}{0, identifier{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, arc, number}}, inner})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	return lattice{claviger.Algorithm(name), document(0, seed), document(asn1.TagOctetString, expanded), arc == 3}
}

func lattices(t *testing.T) []lattice {
	t.Helper()
	var all []lattice
	for i, s := range []sign.Scheme{mldsa44.Scheme(), mldsa65.Scheme(), mldsa87.Scheme()} {
		seed := bytes.Repeat([]byte{byte(i)}, s.SeedSize())
		_, private := s.DeriveKey(seed)
		expanded, err := private.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, newLattice(t, s.Name(), 3, 17+i, seed, expanded))
	}
	for i, s := range []kem.Scheme{mlkem512.Scheme(), mlkem768.Scheme(), mlkem1024.Scheme()} {
		seed := bytes.Repeat([]byte{byte(i)}, s.SeedSize())
		_, private := s.DeriveKeyPair(seed)
		expanded, err := private.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, newLattice(t, s.Name(), 4, 1+i, seed, expanded))
	}
	return all
}

// blobOf is what a store has of a private key.
func blobOf(name claviger.Algorithm, material []byte) []byte {
	blob := append([]byte{blobVersion, byte(claviger.PrivateKey), byte(len(name))}, name...)
	blob = binary.LittleEndian.AppendUint32(blob, uint32(len(material)))
	return append(blob, material...)
}

// A stored seed and a stored expanded key each load as what they are, and are stored as that again. Both are the same key.
func TestStoredLatticeKeys(t *testing.T) {
	p := New()
	for _, l := range lattices(t) {
		var loaded []provider.Key
		for _, material := range [][]byte{l.seed, l.expanded} {
			k, err := p.Load(t.Context(), blobOf(l.name, material))
			if err != nil {
				t.Fatalf("%s: %v", l.name, err)
			}
			defer k.Close()
			out, err := k.Export(t.Context())
			if err != nil || !out.Equal(material) {
				t.Errorf("%s: exported in another form, %v", l.name, err)
			}
			out.Close()
			blob, err := k.Blob(t.Context(), provider.Tag{})
			if err != nil || !blob.Equal(blobOf(l.name, material)) {
				t.Errorf("%s: stored in another form, %v", l.name, err)
			}
			blob.Close()
			loaded = append(loaded, k)
		}
		seeded, expanded := loaded[0], loaded[1]
		if l.signs {
			for _, row := range []claviger.Algorithm{l.name, "Hash" + l.name + "-SHA-512"} {
				verifies(t, row, expanded, seeded)
				verifies(t, row, seeded, expanded)
			}
			continue
		}
		opens(t, l.name, expanded, seeded)
		opens(t, l.name, seeded, expanded)
	}
}

// verifies holds that what one key signs, the other verifies.
func verifies(t *testing.T, name claviger.Algorithm, signer, verifier provider.Key) {
	t.Helper()
	signature, err := signer.OneShot(t.Context(), provider.Sign, &provider.Params{Algorithm: name}, nil, []byte("message"))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := verifier.OneShot(t.Context(), provider.Verify, &provider.Params{Algorithm: name, Signature: signature}, nil, []byte("message")); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// opens holds that what is encapsulated to one key, the other decapsulates.
func opens(t *testing.T, name claviger.Algorithm, to, by provider.Key) {
	t.Helper()
	made, ciphertext, err := to.KeyOp(t.Context(), provider.Encapsulate, &provider.Params{Algorithm: name})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer made.Close()
	got, _, err := by.KeyOp(t.Context(), provider.Decapsulate, &provider.Params{Algorithm: name, Peer: ciphertext})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer got.Close()
	if !got.(*key).material.Equal(made.(*key).material.Bytes()) {
		t.Errorf("%s: two secrets", name)
	}
}

// A stored expanded key that was spoilt is refused, as any blob is.
func TestSpoiltExpandedKeysDoNotLoad(t *testing.T) {
	p := New()
	for _, l := range lattices(t) {
		spoilt := bytes.Clone(l.expanded)
		spoilt[len(spoilt)-40] ^= 1
		for what, material := range map[string][]byte{"a bit": spoilt, "a cut": l.expanded[:len(l.expanded)-1]} {
			if _, err := p.Load(t.Context(), blobOf(l.name, material)); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Errorf("%s, %s: %v", l.name, what, err)
			}
		}
	}
}
