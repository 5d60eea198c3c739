package algorithm

import (
	"bytes"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"testing"

	"filippo.io/mldsa"

	"github.com/claviger/claviger"
)

// expandedKey is a key of a row in all its forms.
type expandedKey struct {
	row      *Row
	oid      asn1.ObjectIdentifier
	seed     []byte
	expanded []byte
	public   []byte // SubjectPublicKeyInfo
}

// expandedOf makes a key and lets its library expand it.
func expandedOf(t testing.TB, alg claviger.Algorithm) expandedKey {
	t.Helper()
	row, ok := Lookup(alg, FamilyKey)
	if !ok {
		t.Fatal(alg)
	}
	key, err := row.GeneratePair()
	if err != nil {
		t.Fatal(err)
	}
	e := expandedKey{row: row}
	switch k := key.(type) {
	case *signPrivate:
		e.oid, e.seed = row.impl.pair.(signLattice).oid, k.seed
		e.expanded, err = marshaled(k.private)
	case *kemPrivate:
		e.oid, e.seed = row.impl.pair.(kemLattice).oid, k.seed
		e.expanded, err = marshaled(k.private)
	}
	if err != nil {
		t.Fatal(err)
	}
	if e.public, err = row.MarshalPublic(row.PublicOf(key)); err != nil {
		t.Fatal(err)
	}
	return e
}

// wrap is PKCS #8 around the private key's own encoding.
func (e expandedKey) wrap(body []byte) []byte {
	der, err := asn1.Marshal(struct {
		Version   int
		Algorithm struct{ OID asn1.ObjectIdentifier }
		Body      []byte
	}{0, struct{ OID asn1.ObjectIdentifier }{e.oid}, body})
	if err != nil {
		panic(err)
	}
	return der
}

// both is the form with the seed and an expanded key.
func (e expandedKey) both(expanded []byte) []byte {
	der, err := asn1.Marshal(struct{ Seed, Expanded []byte }{e.seed, expanded})
	if err != nil {
		panic(err)
	}
	return der
}

func octetString(b []byte) []byte {
	der, err := asn1.Marshal(b)
	if err != nil {
		panic(err)
	}
	return der
}

// expandedSizes are those of FIPS 203 table 3 and FIPS 204 table 2.
func expandedSizes() map[claviger.Algorithm]int {
	return map[claviger.Algorithm]int{"ML-KEM-512": 1632, "ML-KEM-768": 2400, "ML-KEM-1024": 3168, "ML-DSA-44": 2560, "ML-DSA-65": 4032, "ML-DSA-87": 4896}
}

// No other row has a second form.
func TestExpandedSizes(t *testing.T) {
	for i := range table {
		if r := &table[i]; r.Family == FamilyKey && r.ExpandedSize() != expandedSizes()[r.Name] {
			t.Errorf("%s: %d bytes", r.Name, r.ExpandedSize())
		}
	}
}

// An expanded key is taken raw, in DER and in PEM (RFC 9881 and 9935 section 6), has the public half of its seed, and comes
// out in the form it came in.
func TestExpandedKeysRoundTrip(t *testing.T) {
	for alg, size := range expandedSizes() {
		e := expandedOf(t, alg)
		der := e.wrap(octetString(e.expanded))
		text := pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der})
		if len(e.expanded) != size {
			t.Errorf("%s: %d bytes", alg, len(e.expanded))
		}
		for format, data := range map[claviger.Format][]byte{claviger.Raw: e.expanded, claviger.DER: der, claviger.PEM: text} {
			material, class, err := Decode(format, alg, data)
			if err != nil || class != claviger.PrivateKey || !bytes.Equal(material, der) {
				t.Errorf("%s as %s: a %s key in another form, %v", alg, format, class, err)
				continue
			}
			if again, err := Encode(format, alg, class, material); err != nil || !bytes.Equal(again, data) {
				t.Errorf("%s as %s: other bytes come back, %v", alg, format, err)
			}
			key, err := e.row.ParsePrivate(material)
			if err != nil {
				t.Fatal(err)
			}
			if public, err := e.row.MarshalPublic(e.row.PublicOf(key)); err != nil || !bytes.Equal(public, e.public) {
				t.Errorf("%s as %s: another public half, %v", alg, format, err)
			}
			Wipe(key)
			if raw, err := e.row.MarshalRaw(claviger.PrivateKey, key); err != nil || !bytes.Equal(raw, make([]byte, size)) {
				t.Errorf("%s as %s: not wiped, %v", alg, format, err)
			}
		}
	}
}

// The published key of RFC 9935 appendix C.1.1 has the published expanded form (C.1.1.2), here by the SHA-256 of its PEM.
func TestPublishedExpandedKey(t *testing.T) {
	const want = "a426c00bab6aa0c1d89be72caabcd5cc5ae6b75d41d39c44ad7e2cd4e65d8147"
	material, _, err := Decode(claviger.PEM, "ML-KEM-512", []byte(mlkem512PEM))
	if err != nil {
		t.Fatal(err)
	}
	row, _ := Lookup("ML-KEM-512", FamilyKey)
	key, err := row.ParsePrivate(material)
	if err != nil {
		t.Fatal(err)
	}
	expanded, err := marshaled(key.(*kemPrivate).private)
	if err != nil {
		t.Fatal(err)
	}
	again, class, err := Decode(claviger.Raw, "ML-KEM-512", expanded)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(claviger.PEM, "ML-KEM-512", class, again)
	if got := fmt.Sprintf("%x", sha256.Sum256(text)); err != nil || got != want {
		t.Errorf("the expanded form has the hash %s, %v", got, err)
	}
}

// Of a seed with its expanded key the seed is kept. Two that do not belong together are refused.
func TestSeedWithExpandedKey(t *testing.T) {
	for alg := range expandedSizes() {
		e, other := expandedOf(t, alg), expandedOf(t, alg)
		material, _, err := Decode(claviger.DER, alg, e.wrap(e.both(e.expanded)))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if raw, err := Encode(claviger.Raw, alg, claviger.PrivateKey, material); err != nil || !bytes.Equal(raw, e.seed) {
			t.Errorf("%s: the seed is not kept, %v", alg, err)
		}
		altered := bytes.Clone(e.expanded)
		altered[len(altered)-1] ^= 1
		short := other
		short.seed = e.seed[1:]
		for what, der := range map[string][]byte{
			"another's expanded key": e.wrap(e.both(other.expanded)), "an altered one": e.wrap(e.both(altered)), "a short one": e.wrap(e.both(e.expanded[1:])),
			"none": e.wrap(e.both([]byte{})), "a short seed": e.wrap(short.both(e.expanded)),
			"a byte behind": e.wrap(append(e.both(e.expanded), 0)), "no choice": e.wrap(nil), "bare bytes": e.wrap(e.expanded),
			"a byte behind the expanded key alone": e.wrap(append(octetString(e.expanded), 0)),
		} {
			if _, _, err := Decode(claviger.DER, alg, der); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Errorf("%s, a seed with %s: %v", alg, what, err)
			}
		}
	}
}

// A key that is no key of FIPS 203 or 204 is refused, raw and in DER.
func TestWrongExpandedKeysAreRefused(t *testing.T) {
	refused := func(e expandedKey, what string, raw []byte) {
		t.Helper()
		for format, data := range map[claviger.Format][]byte{claviger.Raw: raw, claviger.DER: e.wrap(octetString(raw))} {
			if _, _, err := DecodeAs(format, e.row.Name, claviger.PrivateKey, data); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Errorf("%s as %s: %s: %v", e.row.Name, format, what, err)
			}
		}
	}
	for alg := range expandedSizes() {
		e := expandedOf(t, alg)
		refused(e, "a byte less", e.expanded[:len(e.expanded)-1])
		refused(e, "a byte more", append(bytes.Clone(e.expanded), 0))
		refused(e, "zeros", make([]byte, len(e.expanded)))
		refused(e, "nothing", nil)
		for what, alter := range alterations(e) {
			altered := bytes.Clone(e.expanded)
			alter(altered)
			if bytes.Equal(altered, e.expanded) {
				t.Errorf("%s: %s alters nothing", alg, what)
			}
			refused(e, what, altered)
		}
	}
}

// alterations spoil an expanded key, by what they do to it.
func alterations(e expandedKey) map[string]func([]byte) {
	flip := func(at int) func([]byte) { return func(b []byte) { b[at] ^= 1 } }
	if _, is := e.row.impl.pair.(signLattice); is {
		s := len(e.expanded) - e.t0Size() - 1
		return map[string]func([]byte){
			"another ρ": flip(0), "another hash of the public key": flip(64), "another s1": flip(128), "another t0": flip(len(e.expanded) - 1),
			"s1 out of range": func(b []byte) { b[128] |= 0xff }, "s2 out of range": func(b []byte) { b[s] |= 0xff },
		}
	}
	ek := e.row.RawSize(claviger.PublicKey)
	k := ek - 32 // bytes of a packed vector
	hash := k + ek
	rehash := func(b []byte) { h := sha3.Sum256(b[k:hash]); copy(b[hash:], h[:]) }
	return map[string]func([]byte){
		"another hash": flip(hash), "another encapsulation key": flip(k),
		"another vector s":                                  func(b []byte) { clear(b[:k]) },
		"another encapsulation key with its hash":           func(b []byte) { b[hash-1] ^= 1; rehash(b) },
		"a coefficient of s beyond the modulus":             func(b []byte) { raise(b[:k]) },
		"a coefficient of t beyond the modulus, and hashed": func(b []byte) { raise(b[k : hash-32]); rehash(b) },
	}
}

// t0Size is the length of t0 at the end of a private key of ML-DSA.
func (e expandedKey) t0Size() int {
	return (e.row.RawSize(claviger.PublicKey) - 32) / 10 * 13
}

// raise adds the modulus of ML-KEM to the first packed coefficient that has room in its 12 bits for it.
func raise(packed []byte) {
	for i := 0; i < len(packed); i += 3 {
		if v := int(packed[i]) | int(packed[i+1]&15)<<8; v+3329 < 4096 {
			v += 3329
			packed[i], packed[i+1] = byte(v), packed[i+1]&0xf0|byte(v>>8)
			return
		}
	}
}

// Another library, which has the seed, takes the signatures of the expanded key, of messages and of digests.
func TestExpandedKeysSign(t *testing.T) {
	digest := sha512.Sum512([]byte("message"))
	for i, params := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		e := expandedOf(t, signatureLattices()[i].name)
		other, err := mldsa.NewPrivateKey(params, e.seed)
		if err != nil {
			t.Fatal(err)
		}
		key, err := e.row.ParseRaw(claviger.PrivateKey, e.expanded)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := Lookup(e.row.Name, FamilySignature)
		hashed, _ := Lookup(preHashedForms()[i].name, FamilySignature)
		signature, err := plain.Sign(key, []byte("before"), []byte("message"), false)
		if err != nil {
			t.Fatal(err)
		}
		if err := mldsa.Verify(other.PublicKey(), []byte("message"), signature[len("before"):], nil); err != nil {
			t.Errorf("%s: %v", plain.Name, err)
		}
		seeded, err := e.row.ParseRaw(claviger.PrivateKey, e.seed)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if signature, err = hashed.Sign(key, []byte("before"), digest[:], false); err != nil || !bytes.HasPrefix(signature, []byte("before")) {
				t.Fatalf("%s: %v", hashed.Name, err)
			}
			if ok, err := hashed.Verify(e.row.PublicOf(seeded), digest[:], signature[len("before"):], false); err != nil || !ok {
				t.Errorf("%s: refused, %v", hashed.Name, err)
			}
		}
		if again, err := hashed.Sign(key, []byte("before"), digest[:], false); err != nil || bytes.Equal(again, signature) {
			t.Errorf("%s is not hedged, %v", hashed.Name, err)
		}
	}
}

// decapsulator is a key of the standard library, which has the seed.
type decapsulator interface{ Decapsulate([]byte) ([]byte, error) }

// The expanded key opens what the standard library opens with the seed, altered ciphertexts too, for which it has its own
// secret (FIPS 203 section 6.3).
func TestExpandedKeysDecapsulate(t *testing.T) {
	for alg, open := range map[claviger.Algorithm]func([]byte) (decapsulator, error){
		"ML-KEM-768":  func(seed []byte) (decapsulator, error) { return mlkem.NewDecapsulationKey768(seed) },
		"ML-KEM-1024": func(seed []byte) (decapsulator, error) { return mlkem.NewDecapsulationKey1024(seed) },
	} {
		e := expandedOf(t, alg)
		std, err := open(e.seed)
		if err != nil {
			t.Fatal(err)
		}
		key, err := e.row.ParseRaw(claviger.PrivateKey, e.expanded)
		if err != nil {
			t.Fatal(err)
		}
		row, _ := Lookup(alg, FamilyKEM)
		ciphertext, secret, err := row.Encapsulate(e.row.PublicOf(key))
		if err != nil {
			t.Fatal(err)
		}
		for _, altered := range []bool{false, true} {
			if altered {
				ciphertext[0] ^= 1
			}
			want, err := std.Decapsulate(ciphertext)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := row.Decapsulate(key, ciphertext); err != nil || !bytes.Equal(got, want) || bytes.Equal(got, secret) == altered {
				t.Errorf("%s, altered %v: another secret, %v", alg, altered, err)
			}
		}
	}
}
