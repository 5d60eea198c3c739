package algorithm

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// No name or alias stands for two rows of one family, and all are names that may travel.
func TestNamesAreUnique(t *testing.T) {
	seen := make(map[indexKey]claviger.Algorithm)
	for i := range table {
		r := &table[i]
		for _, n := range append([]string{string(r.Name)}, r.Aliases...) {
			if err := claviger.CheckName("algorithm", n); err != nil {
				t.Error(err)
			}
			k := indexKey{strings.ToLower(n), r.Family}
			if other, ok := seen[k]; ok {
				t.Errorf("%q in family %s stands for %s and %s", n, r.Family, other, r.Name)
			}
			seen[k] = r.Name
		}
	}
}

// Every name that a row refers to is a row of the right family, and limits name a way out
// where there is one.
func TestReferencesHold(t *testing.T) {
	for i := range table {
		r := &table[i]
		for _, k := range r.Keys {
			if row, ok := Lookup(k, FamilyKey); !ok || row.Name != k {
				t.Errorf("%s takes keys of %s, which is no canonical key algorithm", r.Name, k)
			}
		}
		if row, ok := Lookup(r.Digest, FamilyHash); r.Digest != "" && (!ok || row.Name != r.Digest) {
			t.Errorf("%s has the hash %s, which is no canonical hash", r.Name, r.Digest)
		}
		if row, ok := Lookup(r.PreHash, FamilySignature); r.PreHash != "" && (!ok || row.MaxMessage != 0 || row.Digest == "") {
			t.Errorf("%s names %s as its pre-hash form", r.Name, r.PreHash)
		}
		if r.Family == FamilyKey && (r.Class == claviger.SecretKey) == r.Pair() {
			t.Errorf("%s is a %s key, and a pair: %v", r.Name, r.Class, r.Pair())
		}
		if r.Family == FamilySignature && r.MaxMessage != 0 && r.PreHash == "" {
			t.Errorf("%s has a limit and no pre-hash form", r.Name)
		}
	}
}

// The spellings of the S-CORE API and of common use find the canonical row.
func TestLookupFindsAliases(t *testing.T) {
	for _, c := range []struct {
		name   claviger.Algorithm
		family Family
		want   claviger.Algorithm
	}{
		{"SHA256", FamilyHash, "SHA-256"}, {"sha-256", FamilyHash, "SHA-256"}, {"SHA384", FamilyHash, "SHA-384"}, {"SHA3-256", FamilyHash, "SHA3-256"},
		{"shake256", FamilyHash, "SHAKE-256"}, {"SHA512/256", FamilyHash, "SHA-512/256"}, {"HMAC-SHA256", FamilyMAC, "HMAC-SHA-256"},
		{"HMAC-SHA256", FamilyKey, "HMAC-SHA-256"}, {"hmac-sha512", FamilySignature, "HMAC-SHA-512"}, {"AES256", FamilyKey, "AES-256"},
		{"aes-256-gcm", FamilyAEAD, "AES-256-GCM"}, {"ECDSA-P256-SHA256", FamilySignature, "ECDSA-P256-SHA-256"},
		{"SHA-256-RSA", FamilySignature, "RSA-PKCS1-SHA-256"}, {"EdDSA", FamilySignature, "Ed25519"}, {"HKDF-SHA256", FamilyKDF, "HKDF-SHA-256"},
		{"CTR-DRBG", FamilyRandom, "RANDOM"}, {"ml-dsa-65", FamilySignature, "ML-DSA-65"}, {"chacha20-poly1305", FamilyAEAD, "ChaCha20-Poly1305"},
		{"RSA-OAEP-SHA256", FamilyAsymmetric, "RSA-OAEP-SHA-256"}, {"X25519", FamilyAgreement, "X25519"},
		{"blake2b-256", FamilyHash, "BLAKE2B-256"}, {"cSHAKE128", FamilyHash, "CSHAKE-128"}, {"TurboSHAKE256", FamilyHash, "TURBOSHAKE-256"},
		{"KangarooTwelve", FamilyHash, "KT128"}, {"Ascon-Hash256", FamilyHash, "ASCON-HASH"}, {"KMAC256", FamilyMAC, "KMAC-256"}, {"AES-CMAC-128", FamilyMAC, "AES-128-CMAC"},
		{"HMAC/SHA-256", FamilyMAC, "HMAC-SHA-256"}, {"XChaCha20-Poly1305", FamilyAEAD, "XCHACHA20-POLY1305"}, {"Xoodyak-128", FamilyAEAD, "XOODYAK-128"},
		{"Ascon-AEAD128", FamilyAEAD, "ASCON-AEAD"}, {"AES-SIV-CMAC-256", FamilyAEAD, "AES-128-SIV"}, {"ECDSA_K256_SHA256", FamilySignature, "ECDSA-K256-SHA-256"},
		{"ECDSA_P256_SHA256", FamilySignature, "ECDSA-P256-SHA-256"}, {"ed448", FamilySignature, "Ed448"}, {"x448", FamilyAgreement, "X448"},
	} {
		if row, ok := Lookup(c.name, c.family); !ok || row.Name != c.want {
			t.Errorf("%s in family %s is not %s", c.name, c.family, c.want)
		}
	}
	for _, name := range []claviger.Algorithm{"", "P-256", "SHA-3", "RSA", "AES", "MD5", "SHA-1"} {
		if row, ok := Lookup(name, FamilyKey, FamilyHash, FamilyMAC, FamilyCipher, FamilyAEAD, FamilySignature, FamilyRandom); ok {
			t.Errorf("%q stands for %s", name, row.Name)
		}
	}
}

// The sizes that the table states are those that the primitives have.
func TestSizesAreThoseOfThePrimitives(t *testing.T) {
	for i := range table {
		r := &table[i]
		switch {
		case r.Family == FamilyMAC:
			k, _ := Lookup(r.Keys[0], FamilyKey)
			h, err := r.NewMAC(make([]byte, max(k.KeySize, k.MinKey)))
			if err != nil || h.Size() != r.Size || h.BlockSize() != r.Block {
				t.Errorf("%s: %v", r.Name, err)
			}
		case r.impl.hash != nil && r.Family != FamilySignature && r.Family != FamilyAsymmetric && !r.Extendable:
			if h := r.NewHash(); h.Size() != r.Size || r.Block != 0 && h.BlockSize() != r.Block {
				t.Errorf("%s has %d bytes in blocks of %d", r.Name, h.Size(), h.BlockSize())
			}
		case r.Extendable:
			if x := r.NewXOF(); x.BlockSize() != r.Block {
				t.Errorf("%s has blocks of %d", r.Name, x.BlockSize())
			}
		case r.Family == FamilyAEAD:
			k, _ := Lookup(r.Keys[0], FamilyKey)
			a, err := r.NewAEAD(make([]byte, k.KeySize))
			if err != nil || a.NonceSize() != r.IV || a.Overhead() != r.Tag {
				t.Errorf("%s: %v", r.Name, err)
			}
		case r.Family == FamilyCipher:
			k, _ := Lookup(r.Keys[0], FamilyKey)
			if b, err := r.NewBlock(make([]byte, k.KeySize)); err != nil || b.BlockSize() != r.IV {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
}

// Exclusive-or modes need both permissions for either direction, others what was asked.
func TestNeeds(t *testing.T) {
	ctr, _ := Lookup("AES-256-CTR", FamilyCipher)
	cbc, _ := Lookup("AES-256-CBC", FamilyCipher)
	if got := ctr.Needs(claviger.Decrypt); got != claviger.Encrypt|claviger.Decrypt {
		t.Errorf("CTR needs %s", got)
	}
	if got := cbc.Needs(claviger.Decrypt); got != claviger.Decrypt {
		t.Errorf("CBC needs %s", got)
	}
}

// Padding comes off as it went on, and nothing else comes off.
func TestPadding(t *testing.T) {
	for n := range 16 {
		block := make([]byte, 16)
		Pad(block, n)
		if got, ok := Unpad(block); !ok || got != n {
			t.Errorf("%d bytes come back as %d, %v", n, got, ok)
		}
		for i := n; i < 16; i++ {
			block[i] ^= 0x20
			if _, ok := Unpad(block); ok {
				t.Errorf("%d bytes with padding byte %d changed are taken", n, i)
			}
			block[i] ^= 0x20
		}
	}
	for _, last := range []byte{0, 17, 255} {
		block := make([]byte, 16)
		for i := range block {
			block[i] = last
		}
		if _, ok := Unpad(block); ok {
			t.Errorf("padding of %d is taken", last)
		}
	}
	if _, ok := Unpad(nil); ok {
		t.Error("no block is taken")
	}
}

// cSHAKE sample 1 of NIST's cSHAKE_samples for SP 800-185, and the names that customization strings are taken under.
func TestNamedXOF(t *testing.T) {
	row, _ := Lookup("CSHAKE-128", FamilyHash)
	x, ok := row.NewNamedXOF([]byte("Email Signature"))
	if !ok {
		t.Fatal("CSHAKE-128 takes no customization string")
	}
	out := make([]byte, 32)
	x.Write([]byte{0, 1, 2, 3})
	x.Read(out)
	if got := hex.EncodeToString(out); got != "c1c36925b6409a04f1b504fcbca9d82b4017277cb5ed2b2065fc1d3814d5aaf5" {
		t.Errorf("got %s", got)
	}
	for i := range table {
		r := &table[i]
		if !r.Extendable {
			continue
		}
		named, ok := r.NewNamedXOF(nil)
		if want := strings.HasPrefix(string(r.Name), "CSHAKE") || strings.HasPrefix(string(r.Name), "KT"); ok != want {
			t.Errorf("%s takes a customization string: %v", r.Name, ok)
		}
		if !ok {
			continue
		}
		plain, own := make([]byte, 50), make([]byte, 50)
		r.NewXOF().Read(plain)
		named.Read(own)
		if !bytes.Equal(plain, own) {
			t.Errorf("%s with an empty customization string is another function", r.Name)
		}
	}
}
