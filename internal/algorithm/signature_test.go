package algorithm

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/claviger/claviger"
)

// TLS 1.2 signs with SHA-256 by a key on any curve (RFC 5246 section 7.4.1.4.1), and so do many certificates.
func TestEachCurveSignsWithEachHash(t *testing.T) {
	for _, c := range curves() {
		key, ok := Lookup("ECDSA-"+c.name, FamilyKey)
		if !ok {
			t.Fatalf("no keys of %s", c.name)
		}
		private, err := key.GeneratePair()
		if err != nil {
			t.Fatal(err)
		}
		public := key.PublicOf(private)
		for _, d := range digests()[:3] {
			row, ok := Lookup("ECDSA-"+c.name+"-"+d.name, FamilySignature)
			if !ok {
				t.Errorf("no ECDSA of %s with %s", c.name, d.name)
				continue
			}
			in := make([]byte, d.size)
			for _, der := range []bool{false, true} {
				signature, err := row.Sign(private, nil, in, der)
				if err != nil {
					t.Fatal(err)
				}
				good, err := row.Verify(public, in, signature, der)
				if err != nil || !good {
					t.Errorf("%s, DER %t: %t, %v", row.Name, der, good, err)
				}
			}
		}
	}
}

// The default salts of others are as long as fits: OpenSSL's and crypto/rsa's.
func TestPSSVerifiesSaltsOfAnyLength(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	row, _ := Lookup("RSA-PSS-SHA-256", FamilySignature)
	digest := sha256.Sum256([]byte("message"))
	for _, salt := range []int{rsa.PSSSaltLengthAuto, rsa.PSSSaltLengthEqualsHash, 20, 1} {
		signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		if good, err := row.Verify(&key.PublicKey, digest[:], signature, false); err != nil || !good {
			t.Errorf("salt %d: %t, %v", salt, good, err)
		}
		signature[100] ^= 1
		if good, err := row.Verify(&key.PublicKey, digest[:], signature, false); err != nil || good {
			t.Errorf("salt %d, altered: %t, %v", salt, good, err)
		}
	}
}

// A raw key without a name is refused in words that say what to do.
func TestRawBytesNeedAName(t *testing.T) {
	_, _, err := Decode(claviger.Raw, "", make([]byte, 32))
	if claviger.CodeOf(err) != claviger.ErrInvalidArgument {
		t.Errorf("raw bytes without an algorithm: %v", err)
	}
}
