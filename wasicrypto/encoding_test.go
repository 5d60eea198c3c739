package wasicrypto

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// der takes the bytes out of a PEM block.
func der(t testing.TB, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM block")
	}
	return block.Bytes
}

// RSA keys go in as PKCS #8 and PEM and in the older forms of RFC 8017, come out as PKCS #8, SubjectPublicKeyInfo and PEM exactly
// as OpenSSL writes them, and have neither a raw nor a SEC form.
func TestRSAEncodings(t *testing.T) {
	for name, file := range map[string]string{"RSA_PKCS1_2048_SHA256": "rsa2048.pem", "RSA_PSS_3072_SHA384": "rsa3072.pem", "rsa_pkcs1_4096_sha512": "rsa4096.pem"} {
		text := pemFile(t, file)
		parsed, err := x509.ParsePKCS8PrivateKey(der(t, text))
		if err != nil {
			t.Fatal(err)
		}
		key := parsed.(*rsa.PrivateKey)
		subject, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		old, oldPublic := x509.MarshalPKCS1PrivateKey(key), x509.MarshalPKCS1PublicKey(&key.PublicKey)
		private := map[uint64][]byte{asRaw: nil, asPKCS8: der(t, text), asPEM: text, asLocal: der(t, text), asLocal2020: der(t, text), asSEC: nil, 6: nil}
		pair := map[uint64][]byte{asRaw: nil, asPKCS8: der(t, text), asPEM: text, asPairLocal: der(t, text), 4: nil}
		public := map[uint64][]byte{asRaw: nil, asPKCS8: subject, asPEM: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: subject}), asLocal: subject, asLocal2020: subject, asSEC: nil, 6: nil}
		for kind, forms := range map[half]map[uint64][]byte{kindPair: pair, kindSecret: private, kindPublic: public} {
			older := old
			if kind == kindPublic {
				older = oldPublic
			}
			r := newRig(t, Config{})
			inputs := []struct {
				data     []byte
				encoding uint64
			}{{forms[asPKCS8], asPKCS8}, {forms[asPEM], asPEM}, {older, asPKCS8}, {pem.EncodeToMemory(&pem.Block{Type: map[bool]string{true: "RSA PUBLIC KEY", false: "RSA PRIVATE KEY"}[kind == kindPublic], Bytes: older}), asPEM}}
			for _, in := range inputs {
				h := r.imported(kind, familySigns, name, in.data, in.encoding)
				for to, want := range forms {
					if want == nil {
						r.refused(unsupportedEncoding, string(kind)+"_export", uint64(h), to)
						r.refused(unsupportedEncoding, string(kind)+"_import", r.importArgs(familySigns, name, in.data, to)...)
					} else if !bytes.Equal(r.exported(kind, h, to), want) {
						t.Errorf("%s: a %s is written as %d in another way", name, kind, to)
					}
				}
			}
		}
	}
}

// A key of another modulus than the name says is invalid_key, in each form and of each kind.
func TestRSAModulusIsThatOfTheName(t *testing.T) {
	r := newRig(t, Config{})
	text := pemFile(t, "rsa2048.pem")
	key, err := x509.ParsePKCS8PrivateKey(der(t, text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := x509.MarshalPKIXPublicKey(&key.(*rsa.PrivateKey).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"RSA_PKCS1_3072_SHA384", "RSA_PKCS1_4096_SHA512", "RSA_PSS_3072_SHA512", "ECDSA_P256_SHA256", "Ed25519", "ML-DSA-65"} {
		r.refused(invalidKey, "keypair_import", r.importArgs(familySigns, name, der(t, text), asPKCS8)...)
		r.refused(invalidKey, "keypair_import", r.importArgs(familySigns, name, text, asPEM)...)
		r.refused(invalidKey, "secretkey_import", r.importArgs(familySigns, name, der(t, text), asPKCS8)...)
		r.refused(invalidKey, "publickey_import", r.importArgs(familySigns, name, subject, asPKCS8)...)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this toolchain makes no keys of 1024 bits")
	}
	short, err := x509.MarshalPKCS8PrivateKey(small)
	if err != nil {
		t.Fatal(err)
	}
	r.refused(invalidKey, "keypair_import", r.importArgs(familySigns, "RSA_PKCS1_2048_SHA256", short, asPKCS8)...)
}

// Every pair goes out in each encoding that it has and comes in again as the same key, and so do its halves.
func TestEveryPairTravelsInEveryEncoding(t *testing.T) {
	r := newRig(t, Config{})
	for _, g := range pairGuests() {
		r.startOver()
		family, name := uint64(g.Type), string(g.Name)
		pair := r.generated(family, name)
		handles := map[half]uint32{kindPair: pair, kindSecret: r.secretOf(pair), kindPublic: r.publicOf(pair)}
		for kind, h := range handles {
			want := r.exported(kind, h, asPKCS8)
			for encoding := uint64(0); encoding < 6; encoding++ {
				to := r.room(4)
				switch e := errno(r.Call(string(kind)+"_export", uint64(h), encoding, to)); e {
				case success:
					data := r.pull(r.U32(uint32(to)))
					again := r.imported(kind, family, name, data, encoding)
					if !bytes.Equal(r.exported(kind, again, asPKCS8), want) {
						t.Errorf("%s: a %s as %d comes back as another key", name, kind, encoding)
					}
					r.close(string(kind), again)
				case unsupportedEncoding:
					if encoding == asPKCS8 || encoding == asPEM || encoding == asLocal && kind != kindPair || encoding == asRaw && !strings.HasPrefix(name, "RSA") {
						t.Errorf("%s: a %s has no encoding %d", name, kind, encoding)
					}
				default:
					t.Errorf("%s: a %s as %d: %v", name, kind, encoding, e)
				}
			}
			r.close(string(kind), h)
		}
	}
	if n := r.host.Handles(r.Module); n != 0 {
		t.Errorf("%d handles are left", n)
	}
}

// The documents that come out are those that package x509 reads, and what it writes goes in.
func TestDocumentsAreThoseOfX509(t *testing.T) {
	r := newRig(t, Config{})
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	montgomery, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		family      uint64
		name        string
		key, public any
	}{
		{familySigns, "ECDSA_P256_SHA256", p256, &p256.PublicKey},
		{familyExchanges, "P256-SHA256", p256, &p256.PublicKey},
		{familySigns, "Ed25519", edwards, edwards.Public()},
		{familyExchanges, "X25519", montgomery, montgomery.PublicKey()},
	} {
		private, err := x509.MarshalPKCS8PrivateKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		subject, err := x509.MarshalPKIXPublicKey(c.public)
		if err != nil {
			t.Fatal(err)
		}
		pair := r.imported(kindPair, c.family, c.name, private, asPKCS8)
		if !bytes.Equal(r.exported(kindPair, pair, asPKCS8), private) || !bytes.Equal(r.exported(kindPublic, r.publicOf(pair), asPKCS8), subject) {
			t.Errorf("%s: package x509 writes the key in another way", c.name)
		}
		own := r.generated(c.family, c.name)
		if _, err := x509.ParsePKCS8PrivateKey(r.exported(kindPair, own, asPKCS8)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := x509.ParsePKIXPublicKey(der(t, r.exported(kindPublic, r.publicOf(own), asPEM))); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	sec1, err := x509.MarshalECPrivateKey(p256)
	if err != nil {
		t.Fatal(err)
	}
	older := r.imported(kindPair, familySigns, "ECDSA_P256_SHA256", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}), asPEM)
	if scalar, err := p256.Bytes(); err != nil || !bytes.Equal(r.exported(kindPair, older, asRaw), scalar) {
		t.Errorf("the form of RFC 5915 is read as another key: %v", err)
	}
}

// The raw secret key of a lattice algorithm is its seed, and the public key that comes of it is the one that an independent
// implementation makes of the seed. The raw pair of a KEM is public ‖ seed, that of ML-DSA the seed.
func TestLatticeKeysAreTheirSeeds(t *testing.T) {
	r := newRig(t, Config{})
	for _, c := range []struct {
		family uint64
		name   string
		size   int
		public func(seed []byte) ([]byte, error)
	}{
		{familyExchanges, "ML-KEM-768", 64, func(seed []byte) ([]byte, error) {
			k, err := mlkem.NewDecapsulationKey768(seed)
			return k.EncapsulationKey().Bytes(), err
		}},
		{familyExchanges, "ML-KEM-1024", 64, func(seed []byte) ([]byte, error) {
			k, err := mlkem.NewDecapsulationKey1024(seed)
			return k.EncapsulationKey().Bytes(), err
		}},
		{familyExchanges, "X-WING", 32, func(seed []byte) ([]byte, error) {
			k, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
			return k.PublicKey().Bytes(), err
		}},
		{familySigns, "ML-DSA-44", 32, mldsaPublic(mldsa.MLDSA44())},
		{familySigns, "ML-DSA-65", 32, mldsaPublic(mldsa.MLDSA65())},
		{familySigns, "ML-DSA-87", 32, mldsaPublic(mldsa.MLDSA87())},
	} {
		r.startOver()
		seed := make([]byte, c.size)
		for i := range seed {
			seed[i] = byte(i)
		}
		want, err := c.public(seed)
		if err != nil {
			t.Fatal(err)
		}
		secret := r.imported(kindSecret, c.family, c.name, seed, asRaw)
		public := r.handle("publickey_from_secretkey", uint64(secret))
		if !bytes.Equal(r.exported(kindPublic, public, asRaw), want) || !bytes.Equal(r.exported(kindSecret, secret, asRaw), seed) {
			t.Errorf("%s: the seed's public key is another one", c.name)
		}
		pair := r.handle("keypair_from_pk_and_sk", uint64(public), uint64(secret))
		raw := seed
		if c.family == familyExchanges {
			raw = append(bytes.Clone(want), seed...)
		}
		if !bytes.Equal(r.exported(kindPair, pair, asRaw), raw) {
			t.Errorf("%s: the raw pair has another form", c.name)
		}
		r.refused(invalidKey, "secretkey_import", r.importArgs(c.family, c.name, seed[1:], asRaw)...)
		r.refused(invalidKey, "secretkey_import", r.importArgs(c.family, c.name, make([]byte, 2400), asRaw)...) // as long as an expanded key
		r.refused(invalidKey, "publickey_import", r.importArgs(c.family, c.name, want[1:], asRaw)...)
	}
}

func mldsaPublic(p mldsa.Parameters) func([]byte) ([]byte, error) {
	return func(seed []byte) ([]byte, error) {
		k, err := mldsa.NewPrivateKey(p, seed)
		if err != nil {
			return nil, err
		}
		return k.PublicKey().Bytes(), nil
	}
}

// A raw pair of halves that do not belong together is invalid_key, and so is one half alone.
func TestRawPairsMustBelongTogether(t *testing.T) {
	r := newRig(t, Config{})
	for _, name := range []string{"Ed25519", "Ed448", "X25519", "X448", "ML-KEM-512", "X-WING"} {
		family := familySigns
		if !strings.HasPrefix(name, "Ed") {
			family = familyExchanges
		}
		first, second := r.exported(kindPair, r.generated(family, name), asRaw), r.exported(kindPair, r.generated(family, name), asRaw)
		guest, ok := algorithm.LookupGuest(claviger.GuestType(family), name)
		if !ok {
			t.Fatal(name)
		}
		cut := guest.Key.RawSize(claviger.PublicKey)
		if family == familySigns {
			cut = guest.Key.RawSize(claviger.PrivateKey)
		}
		mixed := append(bytes.Clone(first[:cut]), second[cut:]...)
		for _, data := range [][]byte{mixed, first[:cut], first[cut:], first[1:], append(bytes.Clone(first), 0), {}} {
			r.startOver()
			r.refused(invalidKey, "keypair_import", r.importArgs(family, name, data, asRaw)...)
		}
	}
}

// Bytes that are no encoding of a key, another kind of key, an encrypted one, or too much are invalid_key.
func TestWhatIsNoKeyIsRefused(t *testing.T) {
	r := newRig(t, Config{})
	known := knownCurves()[0]
	subject, private := unhex(t, known.subject), unhex(t, known.pkcs8)
	for kind, others := range map[half][][]byte{
		kindPair:   {subject, {}, private[1:], append(bytes.Clone(private), 0), make([]byte, 100), make([]byte, maxEncoded+1)},
		kindSecret: {subject, {}, private[:len(private)-1]},
		kindPublic: {private, {}, subject[1:], append(bytes.Clone(subject), 0)},
	} {
		for _, data := range others {
			r.startOver()
			r.refused(invalidKey, string(kind)+"_import", r.importArgs(known.family, known.names[0], data, asPKCS8)...)
			r.refused(invalidKey, string(kind)+"_import", r.importArgs(known.family, known.names[0], data, asPEM)...)
			r.refused(invalidKey, string(kind)+"_import", r.importArgs(known.family, known.names[0], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data[:min(len(data), 1000)]}), asPEM)...)
		}
	}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: private})
	r.refused(invalidKey, "keypair_import", r.importArgs(known.family, known.names[0], encrypted, asPEM)...)
	p384 := knownCurves()[1]
	r.refused(invalidKey, "keypair_import", r.importArgs(known.family, known.names[0], unhex(t, p384.pkcs8), asPKCS8)...)
	r.refused(invalidKey, "publickey_import", r.importArgs(known.family, known.names[0], unhex(t, p384.subject), asPKCS8)...)
	r.refused(invalidKey, "publickey_import", r.importArgs(known.family, known.names[0], unhex(t, p384.public), asSEC)...)
}

// FuzzImport holds that no bytes under any algorithm, kind and encoding do harm, and that what is accepted comes out of every document
// as the same key.
func FuzzImport(f *testing.F) {
	var guests []*algorithm.Guest
	for _, g := range algorithm.Guests() {
		if g.Type == claviger.GuestSymmetric {
			continue
		}
		found, ok := algorithm.LookupGuest(g.Type, string(g.Name))
		if !ok {
			f.Fatal(g.Name)
		}
		guests = append(guests, found)
	}
	for i := range guests {
		f.Add(byte(i), byte(0), byte(formPKCS8), []byte("\x30\x00"))
	}
	for _, k := range append(knownEdwards(), knownCurves()...) {
		for i, g := range guests {
			if strings.EqualFold(string(g.Name), k.names[0]) {
				f.Add(byte(i), byte(0), byte(formRaw), unhex(f, k.pair))
				f.Add(byte(i), byte(1), byte(formPKCS8), unhex(f, k.pkcs8))
				f.Add(byte(i), byte(2), byte(formPKCS8), unhex(f, k.subject))
			}
		}
	}
	f.Add(byte(0), byte(1), byte(formPEM), pemFile(f, "rsa2048.pem"))
	f.Fuzz(func(t *testing.T, which, kind, encoding byte, data []byte) {
		g := guests[int(which)%len(guests)]
		encoding %= byte(formLocal) + 1
		if kind%3 == 2 {
			key, err := decodePublic(g, form(encoding), data)
			if err != nil {
				return
			}
			_ = g.Key.CheckPublic(key)
			want, err := encodePublic(g, formPKCS8, key)
			if err != nil {
				t.Fatal(err)
			}
			again, err := decodePublic(g, formPKCS8, want)
			if err != nil || !samePublic(g, key, again) {
				t.Fatalf("%s: the public key does not come back: %v", g.Name, err)
			}
			return
		}
		whole := kind%3 == 0
		key, err := decodePrivate(g, form(encoding), whole, data)
		if err != nil {
			return
		}
		out, err := encodePrivate(g, form(encoding), whole, key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodePrivate(g, form(encoding), whole, out)
		if err != nil || !samePublic(g, g.Key.PublicOf(key), g.Key.PublicOf(again)) {
			t.Fatalf("%s: the private key does not come back: %v", g.Name, err)
		}
	})
}
