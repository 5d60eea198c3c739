package algorithm

import (
	"bytes"
	"crypto"
	"crypto/mlkem"
	"crypto/sha512"
	"testing"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"

	"github.com/claviger/claviger/internal/primitive/mldsamu"
)

// What one library of ML-DSA signs, the other verifies, and both encode the same keys in
// the same bytes.
func TestMLDSAAgreesWithAnotherLibrary(t *testing.T) {
	for i, params := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		name := signatureLattices()[i].name
		keyRow, _ := Lookup(name, FamilyKey)
		row, _ := Lookup(name, FamilySignature)
		other, err := mldsa.GenerateKey(params)
		if err != nil {
			t.Fatal(err)
		}
		der, err := mldsax509.MarshalPKCS8PrivateKey(other)
		if err != nil {
			t.Fatal(err)
		}
		own, err := keyRow.ParsePrivate(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := keyRow.MarshalPrivate(own); err != nil || !bytes.Equal(again, der) {
			t.Errorf("%s: the private key is encoded otherwise, %v", name, err)
		}
		spki, err := mldsax509.MarshalPKIXPublicKey(other.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := keyRow.MarshalPublic(keyRow.PublicOf(own)); err != nil || !bytes.Equal(again, spki) {
			t.Errorf("%s: the public key is encoded otherwise, %v", name, err)
		}
		message := []byte("signed by one, verified by the other")
		signature, err := row.Sign(own, nil, message, false)
		if err != nil || len(signature) != params.SignatureSize() {
			t.Fatalf("%s: %d bytes, %v", name, len(signature), err)
		}
		if err := mldsa.Verify(other.PublicKey(), message, signature, nil); err != nil {
			t.Errorf("%s: the other library refuses our signature: %v", name, err)
		}
		theirs, err := other.Sign(nil, message, crypto.Hash(0))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := row.Verify(keyRow.PublicOf(own), message, theirs, false); err != nil || !ok {
			t.Errorf("%s: we refuse the other library's signature: %v", name, err)
		}
	}
}

// ML-KEM agrees with the standard library: keys of a seed, encapsulation, decapsulation,
// and rejection of an altered ciphertext.
func TestMLKEMAgreesWithTheStandardLibrary(t *testing.T) {
	keyRow, _ := Lookup("ML-KEM-768", FamilyKey)
	row, _ := Lookup("ML-KEM-768", FamilyKEM)
	std, err := mlkem.GenerateKey768()
	if err != nil {
		t.Fatal(err)
	}
	der, _, err := Decode(2, "ML-KEM-768", std.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	own, err := keyRow.ParsePrivate(der)
	if err != nil {
		t.Fatal(err)
	}
	public := keyRow.PublicOf(own)
	raw, err := keyRow.impl.pair.marshalRaw(3, public)
	if err != nil || !bytes.Equal(raw, std.EncapsulationKey().Bytes()) {
		t.Fatalf("the public keys of one seed differ: %v", err)
	}
	secret, ciphertext := std.EncapsulationKey().Encapsulate()
	if got, err := row.Decapsulate(own, ciphertext); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("decapsulating what the standard library made: %v", err)
	}
	ciphertext, secret, err = row.Encapsulate(public)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := std.Decapsulate(ciphertext); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("the standard library decapsulates another secret: %v", err)
	}
	ciphertext[0] ^= 1
	want, _ := std.Decapsulate(ciphertext)
	if got, err := row.Decapsulate(own, ciphertext); err != nil || !bytes.Equal(got, want) {
		t.Errorf("an altered ciphertext gives another secret than in the standard library: %v", err)
	}
}

// The pre-hash form signs what FIPS 204 algorithm 4 says, and is not the plain form of
// anything.
func TestPreHashFormIsItsOwn(t *testing.T) {
	digest := sha512.Sum512([]byte("message"))
	for i, plain := range signatureLattices() {
		keyRow, _ := Lookup(plain.name, FamilyKey)
		row, _ := Lookup(preHashedForms()[i].name, FamilySignature)
		plainRow, _ := Lookup(plain.name, FamilySignature)
		key, err := keyRow.GeneratePair()
		if err != nil {
			t.Fatal(err)
		}
		public := keyRow.PublicOf(key)
		signature, err := row.Sign(key, nil, digest[:], false)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := public.(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		formatted := append([]byte{1, 0, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3}, digest[:]...)
		if !preHashedForms()[i].sizes.Verify(raw, mldsamu.Mu(raw, formatted), signature) {
			t.Errorf("%s does not sign the formatted message", row.Name)
		}
		for _, message := range [][]byte{digest[:], formatted, formatted[2:], []byte("message")} {
			if ok, err := plainRow.Verify(public, message, signature, false); err != nil || ok {
				t.Errorf("a signature of %s is one of %s too, %v", row.Name, plainRow.Name, err)
			}
		}
		if signature, err = plainRow.Sign(key, nil, digest[:], false); err != nil {
			t.Fatal(err)
		}
		if ok, err := row.Verify(public, digest[:], signature, false); err != nil || ok {
			t.Errorf("a signature of %s is one of %s too, %v", plainRow.Name, row.Name, err)
		}
	}
}
