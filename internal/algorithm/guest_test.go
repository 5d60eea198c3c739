package algorithm

import (
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// specified are the identifiers of the wasi-crypto specification, required, recommended and optional, and SHA-384.
var specified = map[claviger.GuestType]string{
	claviger.GuestSignatures: `RSA_PKCS1_2048_SHA256 RSA_PKCS1_3072_SHA384 RSA_PKCS1_4096_SHA512
		ECDSA_P256_SHA256 ECDSA_P384_SHA384 ECDSA_K256_SHA256 Ed25519 RSA_PKCS1_2048_SHA384 RSA_PKCS1_2048_SHA512 RSA_PKCS1_3072_SHA512
		RSA_PSS_2048_SHA256 RSA_PSS_2048_SHA384 RSA_PSS_2048_SHA512 RSA_PSS_3072_SHA384 RSA_PSS_3072_SHA512 RSA_PSS_4096_SHA512
		ML-DSA-44 ML-DSA-65 ML-DSA-87 Ed448`,
	claviger.GuestSymmetric: `HKDF-EXTRACT/SHA-256 HKDF-EXTRACT/SHA-512 HKDF-EXPAND/SHA-256 HKDF-EXPAND/SHA-512 HMAC/SHA-256 HMAC/SHA-512
		SHA-256 SHA-512 SHA-512/256 AES-128-GCM AES-256-GCM CHACHA20-POLY1305 SHA-384
		XOODYAK-128 XCHACHA20-POLY1305 XChaCha20-Poly1305 ASCON-AEAD ASCON-HASH BLAKE2B-256 BLAKE2B-512 BLAKE3 CSHAKE-128 CSHAKE-256
		TURBOSHAKE-128 TURBOSHAKE-256 KT128 KT256 AEGIS-128L AEGIS-128X2 AEGIS-128X4 AEGIS-256 AEGIS-256X2 AEGIS-256X4
		AES-128-GCM-SIV AES-256-GCM-SIV AES-128-SIV AES-256-SIV AES-128-CMAC AES-256-CMAC AES-128-CBC AES-256-CBC AES-128-CTR AES-256-CTR
		KMAC-128 KMAC-256`,
	claviger.GuestKeyExchange: `P256-SHA256 P384-SHA384 X25519 X-WING ML-KEM-512 ML-KEM-768 ML-KEM-1024 X448`,
}

// Every identifier of the specification is found in its family and in no other, in any letter case, under its own name.
func TestGuestsHaveTheIdentifiersOfTheSpecification(t *testing.T) {
	count := 0
	for family, names := range specified {
		for _, name := range strings.Fields(names) {
			count++
			for _, n := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
				g, ok := LookupGuest(family, n)
				if !ok || g.Type != family || !strings.EqualFold(string(g.Name), name) {
					t.Errorf("%s is not found as %s", name, n)
				}
			}
			for other := range specified {
				if _, ok := LookupGuest(other, name); ok && other != family {
					t.Errorf("%s is found in the family %d too", name, other)
				}
			}
		}
	}
	// 14 required, 18 recommended, 39 optional; SHA-384, and XCHACHA20-POLY1305 in its other spelling.
	if count != 14+18+39+2 {
		t.Errorf("there are %d identifiers", count)
	}
	for _, name := range []string{"", "SHA-1", "MD5", "RSA", "ARGON2-ID-13", "SCRYPT", "RSA_PKCS1_1024_SHA256", "HKDF-SHA-256", "XOODYAK-HASH", "SHA-256 "} {
		for family := range specified {
			if g, ok := LookupGuest(family, name); ok {
				t.Errorf("%q is %s", name, g.Name)
			}
		}
	}
}

// No spelling stands for two algorithms of one family, and all are names that may travel and are stored.
func TestGuestNamesAreUnique(t *testing.T) {
	seen := make(map[guestKey]claviger.Algorithm)
	for _, g := range Guests() {
		for _, n := range append([]string{string(g.Name)}, g.Aliases...) {
			k := guestKey{g.Type, strings.ToLower(n)}
			if other, ok := seen[k]; ok {
				t.Errorf("%q stands for %s and %s", n, g.Name, other)
			}
			seen[k] = g.Name
			if err := claviger.CheckName("algorithm", n); err != nil {
				t.Error(err)
			}
		}
	}
}

// Each entry has the rows and sizes that its kind needs, and they fit each other.
func TestGuestsFitTheTable(t *testing.T) {
	for _, g := range Guests() {
		switch {
		case g.Use == nil || g.Kind.String() == "" && g.Type == claviger.GuestSymmetric || g.String() != string(g.Name):
			t.Errorf("%s has no use or kind", g.Name)
		case g.Type != claviger.GuestSymmetric:
			if g.Kind != 0 || g.Key == nil || !g.Key.Pair() || !g.Use.Fits(g.Key.Name) {
				t.Errorf("%s does not fit its key", g.Name)
			}
		case g.Key != nil || g.DefaultKey < g.MinKey || g.DefaultKey > g.MaxKey:
			t.Errorf("%s: keys of %d to %d bytes, %d by default", g.Name, g.MinKey, g.MaxKey, g.DefaultKey)
		case g.Kind == KindAEAD:
			if a, err := g.Use.NewAEAD(make([]byte, g.DefaultKey)); err != nil || g.Nonce != 0 && a.NonceSize() != g.Nonce || g.Nonce == 0 != g.NonceOptional {
				t.Errorf("%s: %v", g.Name, err)
			}
		case g.Kind == KindExtract:
			if next, ok := LookupGuest(claviger.GuestSymmetric, string(g.Next)); !ok || next.Kind != KindExpand || next.Use != g.Use {
				t.Errorf("%s goes on with %s", g.Name, g.Next)
			}
		}
	}
}

// A name of RSA says modulus, padding and hash.
func TestGuestNamesBindTheKey(t *testing.T) {
	for name, want := range map[string][2]claviger.Algorithm{
		"RSA_PKCS1_2048_SHA256": {"RSA-2048", "RSA-PKCS1-SHA-256"}, "RSA_PSS_3072_SHA512": {"RSA-3072", "RSA-PSS-SHA-512"},
		"RSA_PKCS1_4096_SHA512": {"RSA-4096", "RSA-PKCS1-SHA-512"}, "ECDSA_K256_SHA256": {"ECDSA-K256", "ECDSA-K256-SHA-256"},
		"ECDSA_P384_SHA384": {"ECDSA-P384", "ECDSA-P384-SHA-384"}, "ML-DSA-65": {"ML-DSA-65", "ML-DSA-65"},
	} {
		if g, ok := LookupGuest(claviger.GuestSignatures, name); !ok || g.Key.Name != want[0] || g.Use.Name != want[1] {
			t.Errorf("%s stands for something else", name)
		}
	}
	for name, want := range map[string]claviger.Algorithm{"P256-SHA256": "ECDH-P256", "P384-SHA384": "ECDH-P384", "X-WING": "X-WING"} {
		if g, ok := LookupGuest(claviger.GuestKeyExchange, name); !ok || g.Key.Name != want || g.Use.Name != want {
			t.Errorf("%s stands for something else", name)
		}
	}
}

// The halves of HKDF are HKDF (RFC 5869 section 2.1).
func TestHalvesOfHKDF(t *testing.T) {
	row, _ := Lookup("HKDF-SHA-384", FamilyKDF)
	whole, err := row.Derive([]byte("secret"), []byte("salt"), []byte("info"), 100)
	if err != nil {
		t.Fatal(err)
	}
	key, err := row.Extract([]byte("secret"), []byte("salt"))
	if err != nil || len(key) != row.Size {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	if got, err := row.Expand(key, []byte("info"), 100); err != nil || string(got) != string(whole) {
		t.Errorf("%v", err)
	}
	for _, n := range []int{-1, 0, 255*48 + 1} {
		if _, err := row.Expand(key, nil, n); err == nil {
			t.Errorf("%d bytes were expanded", n)
		}
	}
}
