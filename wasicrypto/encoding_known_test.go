package wasicrypto

import (
	"bytes"
	"encoding/pem"
	"strings"
	"testing"
)

// knownKey is a published pair in all its forms, in hexadecimal.
type knownKey struct {
	family  uint64
	names   []string // algorithms that have such keys
	secret  string   // raw form of the secret key
	public  string   // raw form of the public key; of a curve with points the compressed one
	point   string   // uncompressed point, "" where there are no points
	pair    string   // raw form of the pair
	pkcs8   string
	subject string // SubjectPublicKeyInfo
}

// knownEdwards has the keys of RFC 8032 sections 7.1 and 7.4, RFC 7748 sections 6.1 and 6.2, inside the encodings of RFC 8410.
func knownEdwards() []knownKey {
	keys := []knownKey{
		{family: familySigns, names: []string{"Ed25519", "ED25519", "ed25519", "Ed25519ph"},
			secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			public: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			pkcs8:  "302e020100300506032b657004220420", subject: "302a300506032b6570032100"},
		{family: familySigns, names: []string{"Ed448", "Ed448ph"},
			secret: "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
			public: "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
			pkcs8:  "3047020100300506032b6571043b0439", subject: "3043300506032b6571033a00"},
		{family: familyExchanges, names: []string{"X25519"},
			secret: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			public: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			pkcs8:  "302e020100300506032b656e04220420", subject: "302a300506032b656e032100"},
		{family: familyExchanges, names: []string{"X448"},
			secret: "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
			public: "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
			pkcs8:  "3046020100300506032b656f043a0438", subject: "3042300506032b656f033900"},
	}
	for i := range keys {
		k := &keys[i]
		k.pkcs8, k.subject = k.pkcs8+k.secret, k.subject+k.public
		k.pair = k.secret + k.public
		if k.family == familyExchanges {
			k.pair = k.public + k.secret
		}
	}
	return keys
}

// knownCurves has the keys of RFC 6979 appendices A.2.5 to A.2.7 and a fixed one on secp256k1. OpenSSL 3.0 wrote their encodings.
func knownCurves() []knownKey {
	keys := []knownKey{
		{family: familySigns, names: []string{"ECDSA_P256_SHA256", "ecdsa_p256_sha256"},
			secret:  "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
			point:   "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
			pkcs8:   "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
			subject: "3059301306072a8648ce3d020106082a8648ce3d030107034200"},
		{family: familySigns, names: []string{"ECDSA_P384_SHA384"},
			secret:  "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
			point:   "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
			pkcs8:   "3081b6020100301006072a8648ce3d020106052b8104002204819e30819b0201010430",
			subject: "3076301006072a8648ce3d020106052b81040022036200"},
		{family: familySigns, names: []string{"ECDSA_P521_SHA512"},
			secret:  "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538",
			point:   "0401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a400493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
			pkcs8:   "3081ee020100301006072a8648ce3d020106052b810400230481d63081d30201010442",
			subject: "30819b301006072a8648ce3d020106052b8104002303818600"},
		{family: familySigns, names: []string{"ECDSA_K256_SHA256"},
			secret:  "ebb2c082fd7727890a28ac82f6bdf97bad8de9f5d7c9028692de1a255cad3e0f",
			point:   "04779dd197a5df977ed2cf6cb31d82d43328b790dc6b3b7d4437a427bd5847dfcde94b724a555b6d017bb7607c3e3281daf5b1699d6ef4124975c9237b917d426f",
			pkcs8:   "308184020100301006072a8648ce3d020106052b8104000a046d306b0201010420",
			subject: "3056301006072a8648ce3d020106052b8104000a034200"},
	}
	// What stands between secret and point in PKCS #8: the tag and lengths of the public key.
	between := []string{"a144034200", "a164036200", "a18189038186" + "00", "a144034200"}
	for i := range keys {
		k := &keys[i]
		k.pkcs8 += k.secret + between[i] + k.point
		k.subject += k.point
		k.pair = k.secret
		k.public = "02" + k.point[2:len(k.point)/2+1]
		if strings.ContainsAny(k.point[len(k.point)-1:], "13579bdf") { // y is odd
			k.public = "03" + k.public[2:]
		}
	}
	p256, p384, p521 := keys[0], keys[1], keys[2]
	for i, name := range []string{"P256-SHA256", "P384-SHA384", "P521-SHA512"} {
		k := []knownKey{p256, p384, p521}[i]
		k.family, k.names = familyExchanges, []string{name}
		keys = append(keys, k)
	}
	return keys
}

// forms gives what each encoding of a kind of key is, and nil for those that it does not have.
func (k knownKey) forms(t *testing.T, kind half) map[uint64][]byte {
	block := func(kind, der string) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: unhex(t, der)}) }
	private, subject := block("PRIVATE KEY", k.pkcs8), block("PUBLIC KEY", k.subject)
	switch kind {
	case kindPair:
		return map[uint64][]byte{asRaw: unhex(t, k.pair), asPKCS8: unhex(t, k.pkcs8), asPEM: private, asPairLocal: unhex(t, k.pair), 4: nil, 5: nil, 6: nil, 0xFFFF: nil, 0x10000: nil}
	case kindSecret:
		all := map[uint64][]byte{asRaw: unhex(t, k.secret), asPKCS8: unhex(t, k.pkcs8), asPEM: private, asSEC: nil, asLocal: unhex(t, k.secret), asLocal2020: unhex(t, k.secret),
			6: nil, 7: nil, 0xFFFF: nil, 0x10000: nil, 0x10003: nil}
		if k.point != "" {
			all[asSEC] = unhex(t, k.secret)
		}
		return all
	}
	all := map[uint64][]byte{asRaw: unhex(t, k.public), asPKCS8: unhex(t, k.subject), asPEM: subject, asSEC: nil, asLocal: unhex(t, k.public), asLocal2020: unhex(t, k.public),
		6: nil, 7: nil, 0xFFFF: nil, 0x10000: nil, 0x10003: nil}
	if k.point != "" {
		all[asSEC] = unhex(t, k.point)
	}
	return all
}

// Every published key is read from each encoding that it has and written in each, exactly, under all its algorithms. The encodings
// that it does not have and the numbers that mean nothing are unsupported_encoding both ways. 4 and 5 mean one form.
func TestPublishedKeysInEveryEncoding(t *testing.T) {
	for _, k := range append(knownEdwards(), knownCurves()...) {
		for _, name := range k.names {
			r := newRig(t, Config{})
			for _, kind := range []half{kindPair, kindSecret, kindPublic} {
				forms := k.forms(t, kind)
				for from, data := range forms {
					r.startOver()
					if data == nil {
						r.refused(unsupportedEncoding, string(kind)+"_import", r.importArgs(k.family, name, forms[asPKCS8], from)...)
						continue
					}
					h := r.imported(kind, k.family, name, data, from)
					for to, want := range forms {
						if want == nil {
							r.refused(unsupportedEncoding, string(kind)+"_export", uint64(h), to)
						} else if got := r.exported(kind, h, to); !bytes.Equal(got, want) {
							t.Errorf("%s: a %s read as %d is written as %d in %d bytes that are not the published ones", name, kind, from, to, len(got))
						}
					}
					r.close(string(kind), h)
				}
			}
			if n := r.host.Handles(r.Module); n != 0 {
				t.Errorf("%s: %d handles are left", name, n)
			}
		}
	}
}

// The public half of each published pair is the published one, from the pair and from the secret key.
func TestPublicHalfOfPublishedKeys(t *testing.T) {
	r := newRig(t, Config{})
	for _, k := range append(knownEdwards(), knownCurves()...) {
		r.startOver()
		pair := r.imported(kindPair, k.family, k.names[0], unhex(t, k.pair), asRaw)
		secret := r.imported(kindSecret, k.family, k.names[0], unhex(t, k.secret), asRaw)
		for _, public := range []uint32{r.publicOf(pair), r.handle("publickey_from_secretkey", uint64(r.secretOf(pair))), r.handle("publickey_from_secretkey", uint64(secret))} {
			if got := r.exported(kindPublic, public, asRaw); !bytes.Equal(got, unhex(t, k.public)) {
				t.Errorf("%s: the public half is another one", k.names[0])
			}
			r.must("publickey_verify", uint64(public))
		}
		both := r.handle("keypair_from_pk_and_sk", uint64(r.publicOf(pair)), uint64(secret))
		if got := r.exported(kindPair, both, asPKCS8); !bytes.Equal(got, unhex(t, k.pkcs8)) {
			t.Errorf("%s: the pair of its halves is another one", k.names[0])
		}
	}
}

// Points are read from both their forms under each of the numbers that mean one, and inside a SubjectPublicKeyInfo.
func TestPointsAreReadInBothForms(t *testing.T) {
	r := newRig(t, Config{})
	for _, k := range knownCurves() {
		r.startOver()
		compressedSubject := map[string]string{
			"ECDSA_P256_SHA256": "3039301306072a8648ce3d020106082a8648ce3d030107032200", "P256-SHA256": "3039301306072a8648ce3d020106082a8648ce3d030107032200",
			"ECDSA_P384_SHA384": "3046301006072a8648ce3d020106052b81040022033200", "P384-SHA384": "3046301006072a8648ce3d020106052b81040022033200",
			"ECDSA_P521_SHA512": "3058301006072a8648ce3d020106052b81040023034400", "P521-SHA512": "3058301006072a8648ce3d020106052b81040023034400",
			"ECDSA_K256_SHA256": "3036301006072a8648ce3d020106052b8104000a032200",
		}[k.names[0]]
		for _, encoding := range []uint64{asRaw, asSEC, asLocal, asLocal2020} {
			for _, point := range []string{k.point, k.public} {
				h := r.imported(kindPublic, k.family, k.names[0], unhex(t, point), encoding)
				if got := r.exported(kindPublic, h, asSEC); !bytes.Equal(got, unhex(t, k.point)) {
					t.Errorf("%s: another point comes back", k.names[0])
				}
			}
		}
		h := r.imported(kindPublic, k.family, k.names[0], unhex(t, compressedSubject+k.public), asPKCS8)
		if got := r.exported(kindPublic, h, asPKCS8); !bytes.Equal(got, unhex(t, k.subject)) {
			t.Errorf("%s: a compressed point in a SubjectPublicKeyInfo becomes another key", k.names[0])
		}
	}
}

// What is no point of the curve is invalid_key: hybrid forms, infinity, another y, x outside the field, another length.
func TestWhatIsNoPointIsRefused(t *testing.T) {
	r := newRig(t, Config{})
	for _, k := range knownCurves() {
		full, compressed := unhex(t, k.point), unhex(t, k.public)
		altered := bytes.Clone(full)
		altered[len(altered)-1] ^= 2
		hybrid := bytes.Clone(full)
		hybrid[0] = 6 | full[len(full)-1]&1
		outside := bytes.Repeat([]byte{0xFF}, len(compressed))
		outside[0] = 2
		for what, point := range map[string][]byte{"infinity": {0}, "nothing": {}, "an altered point": altered, "a hybrid form": hybrid, "x outside the field": outside,
			"a short point": full[:len(full)-1], "a long point": append(bytes.Clone(full), 0), "a long compressed point": append(bytes.Clone(compressed), 0),
			"no prefix": full[1:], "an unknown prefix": append([]byte{5}, full[1:]...)} {
			for _, encoding := range []uint64{asRaw, asSEC, asLocal, asLocal2020} {
				r.startOver()
				args := append(r.importArgs(k.family, k.names[0], point, encoding), r.room(4))
				if e := errno(r.Call("publickey_import", args...)); e != invalidKey {
					t.Errorf("%s: %s as %d: %v", k.names[0], what, encoding, e)
				}
			}
		}
	}
}

// Scalars outside 1 to n-1 and of another length than the curve's are invalid_key.
func TestScalarsOutsideTheirRangeAreRefused(t *testing.T) {
	r := newRig(t, Config{})
	for _, k := range knownCurves() {
		size := len(k.secret) / 2
		for _, scalar := range [][]byte{make([]byte, size), bytes.Repeat([]byte{0xFF}, size), unhex(t, k.secret)[1:], append([]byte{0}, unhex(t, k.secret)...), {}} {
			r.startOver()
			r.refused(invalidKey, "secretkey_import", r.importArgs(k.family, k.names[0], scalar, asRaw)...)
			r.refused(invalidKey, "secretkey_import", r.importArgs(k.family, k.names[0], scalar, asSEC)...)
			r.refused(invalidKey, "keypair_import", r.importArgs(k.family, k.names[0], scalar, asRaw)...)
		}
	}
}
