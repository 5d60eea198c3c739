package algorithm

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// The keys of RFC 8410 section 10 and RFC 9935 appendix C.1.1.1 (ML-KEM-512 in seed form).
const (
	ed25519PrivatePEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
	ed25519PublicPEM  = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
	mlkem512PEM       = "-----BEGIN PRIVATE KEY-----\nMFQCAQAwCwYJYIZIAWUDBAQBBEKAQAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\n" +
		"GhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n-----END PRIVATE KEY-----\n"
)

// openssl wrote this key on secp256k1: openssl ecparam -genkey -name secp256k1 -noout.
const k256SEC1Hex = "3074020101042053a9056e7e0b4f1bb75189f57746f85e4794ef89bc9c736747d13ddcbc47818da00706052b8104000aa14403420004" +
	"188363539741760dba1e4d724423fc114e831cfa09dedbe2a870c4439f76958b3603d575e154dc338fd80e605dc3f593af9d56f1f1f7456a8689d788ea14bc59"

// Published keys decode, encode to the same bytes, and have the published halves.
func TestPublishedKeys(t *testing.T) {
	for _, c := range []struct {
		alg   claviger.Algorithm
		class claviger.KeyClass
		text  string
	}{{"Ed25519", claviger.PrivateKey, ed25519PrivatePEM}, {"Ed25519", claviger.PublicKey, ed25519PublicPEM}, {"ML-KEM-512", claviger.PrivateKey, mlkem512PEM}} {
		material, class, err := Decode(claviger.PEM, c.alg, []byte(c.text))
		if err != nil || class != c.class {
			t.Errorf("%s: a %s key, %v", c.alg, class, err)
			continue
		}
		if again, err := Encode(claviger.PEM, c.alg, class, material); err != nil || string(again) != c.text {
			t.Errorf("%s: another text comes back, %v", c.alg, err)
		}
	}
	private, _, _ := Decode(claviger.PEM, "", []byte(ed25519PrivatePEM))
	public, _, _ := Decode(claviger.PEM, "", []byte(ed25519PublicPEM))
	row, _ := Lookup("Ed25519", FamilyKey)
	key, err := row.ParsePrivate(private)
	if err != nil {
		t.Fatal(err)
	}
	if own, err := row.MarshalPublic(row.PublicOf(key)); err != nil || !bytes.Equal(own, public) {
		t.Errorf("the published private key has another public half: %v", err)
	}
}

// pairOf makes a key of a row in canonical form, both halves.
func pairOf(t testing.TB, r *Row) (private, public []byte) {
	t.Helper()
	key, err := r.GeneratePair()
	if err != nil {
		t.Fatal(err)
	}
	if private, err = r.MarshalPrivate(key); err != nil {
		t.Fatal(err)
	}
	if public, err = r.MarshalPublic(r.PublicOf(key)); err != nil {
		t.Fatal(err)
	}
	return private, public
}

// Every pair goes through every format and back, and says what it is.
func TestFormatsRoundTrip(t *testing.T) {
	for i := range table {
		r := &table[i]
		if r.Family != FamilyKey || !r.Pair() || r.Name == "RSA-3072" || r.Name == "RSA-4096" {
			continue
		}
		private, public := pairOf(t, r)
		for class, material := range map[claviger.KeyClass][]byte{claviger.PrivateKey: private, claviger.PublicKey: public} {
			found, foundClass, err := Identify(material)
			if err != nil || foundClass != class || strings.Replace(string(found), "ECDSA", "ECDH", 1) != strings.Replace(string(r.Name), "ECDSA", "ECDH", 1) {
				t.Errorf("a %s key of %s is taken for a %s key of %s, %v", class, r.Name, foundClass, found, err)
			}
			for _, format := range []claviger.Format{claviger.DER, claviger.PEM, claviger.Raw} {
				encoded, err := Encode(format, r.Name, class, material)
				if err != nil {
					t.Errorf("%s as %s: %v", r.Name, format, err)
					continue
				}
				again, _, err := DecodeAs(format, r.Name, class, encoded)
				if err != nil || !bytes.Equal(again, material) {
					t.Errorf("a %s key of %s does not come back from %s: %v", class, r.Name, format, err)
				}
				_, ambiguous, err := Decode(format, r.Name, encoded)
				if either := format == claviger.Raw && r.impl.pair.rawSize(claviger.PrivateKey) == r.impl.pair.rawSize(claviger.PublicKey) && !strings.HasPrefix(string(r.Name), "RSA"); either {
					if claviger.CodeOf(err) != claviger.ErrInvalidArgument {
						t.Errorf("raw %s without a class: %v", r.Name, err)
					}
				} else if err != nil || ambiguous != class {
					t.Errorf("a %s key of %s as %s is taken for a %s one: %v", class, r.Name, format, ambiguous, err)
				}
			}
		}
	}
}

// The older encodings that openssl writes are taken.
func TestOlderEncodings(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, _ := x509.MarshalECPrivateKey(ec)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	k256, _ := hex.DecodeString(k256SEC1Hex)
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 5, 43, 129, 4, 0, 34}})
	for _, c := range []struct {
		alg   claviger.Algorithm
		class claviger.KeyClass
		text  []byte
	}{
		{"ECDSA-P384", claviger.PrivateKey, append(parameters, pem.EncodeToMemory(&pem.Block{Type: pemEC, Bytes: sec1})...)},
		{"ECDH-P384", claviger.PrivateKey, pem.EncodeToMemory(&pem.Block{Type: pemEC, Bytes: sec1})},
		{"ECDSA-K256", claviger.PrivateKey, pem.EncodeToMemory(&pem.Block{Type: pemEC, Bytes: k256})},
		{"ECDSA-K256", claviger.PrivateKey, append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 5, 43, 129, 4, 0, 10}}),
			pem.EncodeToMemory(&pem.Block{Type: pemEC, Bytes: k256})...)},
		{"RSA-2048", claviger.PrivateKey, pem.EncodeToMemory(&pem.Block{Type: pemRSA, Bytes: x509.MarshalPKCS1PrivateKey(r)})},
		{"RSA-2048", claviger.PublicKey, pem.EncodeToMemory(&pem.Block{Type: pemRSAPublic, Bytes: x509.MarshalPKCS1PublicKey(&r.PublicKey)})},
	} {
		material, class, err := Decode(claviger.PEM, c.alg, c.text)
		if err != nil || class != c.class {
			t.Errorf("%s: a %s key, %v", c.alg, class, err)
			continue
		}
		if found, _, err := Identify(material); err != nil || found[:3] != c.alg[:3] && found[:2] != c.alg[:2] {
			t.Errorf("%s became %s, %v", c.alg, found, err)
		}
	}
}

// A key on secp256k1 in the older encoding is the one that its own public half says, and is refused with another's.
func TestOlderEncodingOfK256(t *testing.T) {
	der, err := hex.DecodeString(k256SEC1Hex)
	if err != nil {
		t.Fatal(err)
	}
	material, class, err := Decode(claviger.DER, "ECDSA-K256", der)
	if err != nil || class != claviger.PrivateKey || !bytes.Contains(material, der[7:39]) {
		t.Errorf("a %s key, %v", class, err)
	}
	for _, at := range []int{len(der) - 1, 7, 4} { // the point, the scalar, the version
		bad := bytes.Clone(der)
		bad[at] ^= 1
		if _, _, err := Decode(claviger.DER, "ECDSA-K256", bad); err == nil {
			t.Errorf("byte %d altered is taken", at)
		}
	}
	if _, _, err := Decode(claviger.DER, "ECDSA-P256", der); err == nil {
		t.Error("taken for a key on P-256")
	}
}

// What is no key of the algorithm is refused with the code that says why.
func TestDecodeRefuses(t *testing.T) {
	p256, _ := Lookup("ECDSA-P256", FamilyKey)
	private, public := pairOf(t, p256)
	small, err := rsa.GenerateKey(rand.Reader, 2040)
	if err != nil {
		t.Fatal(err)
	}
	odd, _ := x509.MarshalPKCS8PrivateKey(small)
	block := func(kind string, data []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}) }
	offCurve := bytes.Clone(public)
	offCurve[len(offCurve)-1] ^= 1
	for _, c := range []struct {
		what   string
		format claviger.Format
		alg    claviger.Algorithm
		data   []byte
		code   claviger.Code
	}{
		{"nothing", claviger.DER, "ECDSA-P256", nil, claviger.ErrInvalidFormat},
		{"a byte behind the key", claviger.DER, "ECDSA-P256", append(bytes.Clone(private), 0), claviger.ErrInvalidFormat},
		{"half a key", claviger.DER, "ECDSA-P256", private[:len(private)/2], claviger.ErrInvalidFormat},
		{"a point off the curve", claviger.DER, "ECDSA-P256", offCurve, claviger.ErrInvalidFormat},
		{"another curve", claviger.DER, "ECDSA-P384", private, claviger.ErrIncompatibleKeyType},
		{"another algorithm", claviger.DER, "Ed25519", public, claviger.ErrIncompatibleKeyType},
		{"an unknown algorithm", claviger.DER, "DSA", public, claviger.ErrUnsupportedAlgorithm},
		{"an RSA size that is not offered", claviger.DER, "RSA-2048", odd, claviger.ErrUnsupportedAlgorithm},
		{"a secret key in DER", claviger.DER, "AES-128", make([]byte, 16), claviger.ErrInvalidFormat},
		{"a short secret key", claviger.Raw, "AES-128", make([]byte, 15), claviger.ErrIncompatibleKeyType},
		{"a short code key", claviger.Raw, "HMAC-SHA-256", make([]byte, 13), claviger.ErrIncompatibleKeyType},
		{"a raw scalar of the wrong length", claviger.Raw, "ECDSA-P256", make([]byte, 31), claviger.ErrInvalidFormat},
		{"a zero scalar", claviger.Raw, "ECDSA-P256", make([]byte, 32), claviger.ErrInvalidFormat},
		{"no PEM", claviger.PEM, "ECDSA-P256", private, claviger.ErrInvalidFormat},
		{"a certificate", claviger.PEM, "ECDSA-P256", block("CERTIFICATE", private), claviger.ErrInvalidFormat},
		{"an encrypted key", claviger.PEM, "ECDSA-P256", block(pemEncrypted, private), claviger.ErrInvalidFormat},
		{"two blocks", claviger.PEM, "ECDSA-P256", append(block(pemPrivate, private), block(pemPrivate, private)...), claviger.ErrInvalidFormat},
		{"an unknown format", 9, "ECDSA-P256", private, claviger.ErrInvalidArgument},
		{"far too much", claviger.DER, "ECDSA-P256", make([]byte, maxEncoding+1), claviger.ErrInvalidFormat},
	} {
		if _, _, err := Decode(c.format, c.alg, c.data); claviger.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", c.what, err, c.code.Name())
		}
	}
	if _, _, err := Decode(claviger.PEM, "ECDSA-P256", block(pemEncrypted, private)); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("an encrypted key is refused without saying why: %v", err)
	}
}

// Whatever decodes is canonical after one pass, and nothing else than errors comes of the
// rest.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{ed25519PrivatePEM, ed25519PublicPEM, mlkem512PEM} {
		f.Add(uint8(claviger.PEM), []byte(text))
		block, _ := pem.Decode([]byte(text))
		f.Add(uint8(claviger.DER), block.Bytes)
	}
	for _, alg := range []claviger.Algorithm{"ECDSA-P256", "ECDSA-K256", "X25519", "X448", "Ed448", "ML-DSA-44", "RSA-2048"} {
		row, _ := Lookup(alg, FamilyKey)
		private, public := pairOf(f, row)
		f.Add(uint8(claviger.DER), private)
		f.Add(uint8(claviger.DER), public)
	}
	for _, alg := range []claviger.Algorithm{"ML-DSA-44", "ML-KEM-512"} {
		e := expandedOf(f, alg)
		f.Add(uint8(claviger.DER), e.wrap(octetString(e.expanded)))
		f.Add(uint8(claviger.DER), e.wrap(e.both(e.expanded)))
	}
	f.Fuzz(func(t *testing.T, format uint8, data []byte) {
		material, class, err := Decode(claviger.Format(format%2), "", data)
		if err != nil {
			return
		}
		alg, found, err := Identify(material)
		if err != nil || found != class {
			t.Fatalf("a decoded key is not recognized: %v", err)
		}
		row, _ := Lookup(alg, FamilyKey)
		if again, err := row.Canonical(class, material); err != nil || !bytes.Equal(again, material) {
			t.Errorf("decoding twice gives other bytes: %v", err)
		}
	})
}

// TestX25519HasNoHighestBit holds that a public key comes out as the number that it counts as (RFC 7748 section 5).
func TestX25519HasNoHighestBit(t *testing.T) {
	row, ok := Lookup("X25519", FamilyKey)
	if !ok {
		t.Fatal("no row")
	}
	raw := bytes.Repeat([]byte{0xA5}, 32)
	key, err := row.ParseRaw(claviger.PublicKey, raw)
	if err != nil {
		t.Fatal(err)
	}
	prefix, _ := hex.DecodeString("302a300506032b656e032100") // RFC 8410 section 4
	spki := append(prefix, raw...)
	if same, err := row.ParsePublic(spki); err != nil || !same.(*ecdh.PublicKey).Equal(key) {
		t.Errorf("the same number in a SubjectPublicKeyInfo is another key: %v", err)
	}
	got, err := row.MarshalRaw(claviger.PublicKey, key)
	if err != nil || got[31] != 0x25 || raw[31] != 0xA5 || !bytes.Equal(got[:31], raw[:31]) {
		t.Errorf("%x became %x, %v", raw, got, err)
	}
}
