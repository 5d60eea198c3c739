package algorithm

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/hex"
	"testing"

	"github.com/cloudflare/circl/kem"

	"github.com/claviger/claviger"
)

// xwingVectors are the first two of draft-connolly-cfrg-xwing-kem-10 appendix C; public key and ciphertext by their
// SHA3-256 digest.
var xwingVectors = []struct{ seed, eseed, secret, public, ciphertext string }{
	{
		"7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
		"3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
		"d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
		"5121745904643ad9dfacca7869292c19a8a69533b53e60666b7db910b4ad6367",
		"c0abd149f83f45324ac3a7ddc7606c71f257e5ea86113522834a0ee1bcb34e3e",
	},
	{
		"badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
		"17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdefaee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
		"f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150",
		"799b6016e5daa56ffa1b5e79f7caf73413ceecd6df428642404cac41ddee4853",
		"7680b7ba47ae09bac4b43001edcef9d98e50df20026e70ba6a424447e1f2b961",
	},
}

func digestHex(b []byte) string {
	d := sha3.Sum256(b)
	return hex.EncodeToString(d[:])
}

// The draft's seeds give the draft's public keys, ciphertexts and secrets.
func TestXWingGivesTheAnswersOfTheDraft(t *testing.T) {
	keyRow, _ := Lookup("x-wing", FamilyKey)
	row, _ := Lookup("X-WING", FamilyKEM)
	for _, v := range xwingVectors {
		der, class, err := DecodeAs(claviger.Raw, "X-WING", claviger.PrivateKey, decoded(t, v.seed))
		if err != nil || class != claviger.PrivateKey {
			t.Fatalf("a %s key, %v", class, err)
		}
		key, err := keyRow.ParsePrivate(der)
		if err != nil {
			t.Fatal(err)
		}
		public := keyRow.PublicOf(key).(kem.PublicKey)
		if raw, err := public.MarshalBinary(); err != nil || digestHex(raw) != v.public {
			t.Errorf("another public key, %v", err)
		}
		ciphertext, secret, err := public.Scheme().EncapsulateDeterministically(public, decoded(t, v.eseed))
		if err != nil || digestHex(ciphertext) != v.ciphertext || hex.EncodeToString(secret) != v.secret {
			t.Errorf("another ciphertext or secret, %v", err)
		}
		if got, err := row.Decapsulate(key, ciphertext); err != nil || hex.EncodeToString(got) != v.secret {
			t.Errorf("another secret comes out, %v", err)
		}
	}
}

func decoded(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// PKCS #8 of X-Wing is the algorithm identifier 1.3.6.1.4.1.62253.25722 and the seed itself; a seed of another length, or
// one in the tag that ML-KEM's has, is none.
func TestXWingKeysInPKCS8(t *testing.T) {
	row, _ := Lookup("X-WING", FamilyKey)
	seed := sha256.Sum256(nil)
	head := decoded(t, "3034020100300d060b2b0601040183e62d81c87a0420")
	der := append(bytes.Clone(head), seed[:]...)
	key, err := row.ParsePrivate(der)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := row.MarshalPrivate(key); err != nil || !bytes.Equal(again, der) {
		t.Errorf("%x comes back, %v", again, err)
	}
	short := append(decoded(t, "3033020100300d060b2b0601040183e62d81c87a041f"), seed[1:]...)
	tagged := append(decoded(t, "3036020100300d060b2b0601040183e62d81c87a04228020"), seed[:]...)
	for what, bad := range map[string][]byte{"a short seed": short, "a seed in a tag": tagged, "half": der[:30]} {
		if _, err := row.ParsePrivate(bad); err == nil {
			t.Errorf("%s is a key", what)
		}
	}
}

// Encapsulation and decapsulation agree with each other, and an altered ciphertext gives another secret.
func TestXWingBothWays(t *testing.T) {
	keyRow, _ := Lookup("X-WING", FamilyKey)
	row, _ := Lookup("X-WING", FamilyKEM)
	key, err := keyRow.GeneratePair()
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, secret, err := row.Encapsulate(keyRow.PublicOf(key))
	if err != nil || len(ciphertext) != 1120 || len(secret) != 32 || row.Ciphertext != 1120 || row.Size != 32 {
		t.Fatalf("%d and %d bytes, %v", len(ciphertext), len(secret), err)
	}
	if got, err := row.Decapsulate(key, ciphertext); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("another secret, %v", err)
	}
	for _, i := range []int{0, 1100} { // the parts of ML-KEM and of X25519
		ciphertext[i] ^= 1
		if got, err := row.Decapsulate(key, ciphertext); err != nil || bytes.Equal(got, secret) {
			t.Errorf("byte %d does not count, %v", i, err)
		}
		ciphertext[i] ^= 1
	}
	if _, err := row.Decapsulate(key, ciphertext[1:]); err == nil {
		t.Error("a short ciphertext was taken")
	}
	kyber, _ := Lookup("ML-KEM-768", FamilyKey)
	other, err := kyber.GeneratePair()
	if err != nil {
		t.Fatal(err)
	}
	if der, err := kyber.MarshalPrivate(other); err != nil {
		t.Fatal(err)
	} else if _, err := keyRow.ParsePrivate(der); err == nil {
		t.Error("a key of ML-KEM-768 is one of X-WING")
	}
}
