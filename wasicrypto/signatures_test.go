package wasicrypto

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// knownSignature is a published signature by one of the known keys.
type knownSignature struct {
	key       knownKey
	message   string // in hexadecimal
	signature string // raw
	fixed     bool   // signing gives this very signature
}

// knownSignatures: RFC 8032 sections 7.1 (TEST 1 is of the empty message) and 7.4, RFC 6979 appendices A.2.5 to A.2.7 for "sample" and the
// curve's own hash.
func knownSignatures() []knownSignature {
	sample := "73616d706c65"
	edwards, curves := knownEdwards(), knownCurves()
	return []knownSignature{
		{edwards[0], "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", true},
		{edwards[1], "", "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600", true},
		{curves[0], sample, "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" + "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8", false},
		{curves[1], sample, "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46" +
			"99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8", false},
		{curves[2], sample, "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa" +
			"00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a", false},
	}
}

// Published signatures verify, deterministic ones are made again, and altered messages and signatures are verification_failed.
func TestPublishedSignatures(t *testing.T) {
	r := newRig(t, Config{})
	for _, k := range knownSignatures() {
		r.startOver()
		name, message, raw := k.key.names[0], unhex(t, k.message), unhex(t, k.signature)
		pair := r.imported(kindPair, familySigns, name, unhex(t, k.key.pair), asRaw)
		public := r.imported(kindPublic, familySigns, name, unhex(t, k.key.public), asRaw)
		sig := r.handle("signature_import", r.signatureArgs(name, raw, signatureRaw)...)
		if e := r.verified(public, message, sig); e != success {
			t.Errorf("%s: the published signature: %v", name, e)
		}
		if e := r.verified(public, append(message, 'x'), sig); e != verificationFailed {
			t.Errorf("%s: the published signature of another message: %v", name, e)
		}
		for _, bit := range []int{0, len(raw)/2 - 1, len(raw) / 2, len(raw) - 2} {
			altered := bytes.Clone(raw)
			altered[bit] ^= 1
			other := r.handle("signature_import", r.signatureArgs(name, altered, signatureRaw)...)
			if e := r.verified(public, message, other); e != verificationFailed {
				t.Errorf("%s: a signature altered at %d: %v", name, bit, e)
			}
		}
		own := r.signed(pair, message)
		if e := r.verified(public, message, own); e != success {
			t.Errorf("%s: an own signature: %v", name, e)
		}
		if got := r.pull(r.handle("signature_export", uint64(own), signatureRaw)); k.fixed && !bytes.Equal(got, raw) {
			t.Errorf("%s: signing gives another signature than the published one", name)
		}
	}
}

// Every algorithm signs and verifies in one piece and in many, refuses other messages, and has signatures of its length.
func TestEverySignatureAlgorithm(t *testing.T) {
	r := newRig(t, Config{})
	message := bytes.Repeat([]byte("what is signed "), 100)
	for _, g := range algorithm.Guests() {
		if g.Type != claviger.GuestSignatures {
			continue
		}
		r.startOver()
		pair := r.signer(&g)
		public := r.publicOf(pair)
		state := r.handle("signature_state_open", uint64(pair))
		for rest := message; len(rest) > 0; rest = rest[100:] {
			r.update("signature_state", state, rest[:100])
		}
		sig := r.handle("signature_state_sign", uint64(state))
		if e := r.verified(public, message, sig); e != success {
			t.Errorf("%s: %v", g.Name, e)
		}
		if e := r.verified(public, message[1:], sig); e != verificationFailed {
			t.Errorf("%s: another message: %v", g.Name, e)
		}
		raw := r.pull(r.handle("signature_export", uint64(sig), signatureRaw))
		if len(raw) != g.Use.SignatureSize(g.Key.Name) {
			t.Errorf("%s: a signature of %d bytes", g.Name, len(raw))
		}
		again := r.handle("signature_import", r.signatureArgs(strings.ToLower(string(g.Name)), raw, signatureRaw)...)
		if e := r.verified(public, message, again); e != success {
			t.Errorf("%s: the signature that went out and in: %v", g.Name, e)
		}
		for _, wrong := range [][]byte{raw[1:], append(bytes.Clone(raw), 0), {}} {
			r.refused(invalidSignature, "signature_import", r.signatureArgs(string(g.Name), wrong, signatureRaw)...)
		}
		r.Release()
	}
}

// Release closes all handles.
func (r *rig) Release() { r.host.Release(r.Module) }

// signer gives a pair of an algorithm; RSA's are fixed ones.
func (r *rig) signer(g *algorithm.Guest) uint32 {
	r.t.Helper()
	if file, ok := strings.CutPrefix(string(g.Key.Name), "RSA-"); ok {
		return r.imported(kindPair, familySigns, string(g.Name), pemFile(r.t, "rsa"+file+".pem"), asPEM)
	}
	return r.generated(familySigns, string(g.Name))
}

// RSA signatures are those of RFC 8017 that package crypto/rsa makes and takes. PSS is verified with any length of salt.
func TestRSASignaturesAreInteroperable(t *testing.T) {
	r := newRig(t, Config{})
	parsed, err := x509.ParsePKCS8PrivateKey(der(t, pemFile(t, "rsa2048.pem")))
	if err != nil {
		t.Fatal(err)
	}
	key, message := parsed.(*rsa.PrivateKey), []byte("a message")
	digest, wide := sha256.Sum256(message), sha512.Sum512(message)
	pair := r.imported(kindPair, familySigns, "RSA_PKCS1_2048_SHA256", pemFile(t, "rsa2048.pem"), asPEM)
	want, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if got := r.pull(r.handle("signature_export", uint64(r.signed(pair, message)), signatureRaw)); !bytes.Equal(got, want) {
		t.Error("the PKCS #1 v1.5 signature is another one")
	}
	pss := r.imported(kindPair, familySigns, "RSA_PSS_2048_SHA512", pemFile(t, "rsa2048.pem"), asPEM)
	own := r.pull(r.handle("signature_export", uint64(r.signed(pss, message)), signatureRaw))
	if err := rsa.VerifyPSS(&key.PublicKey, crypto.SHA512, wide[:], own, nil); err != nil {
		t.Errorf("crypto/rsa refuses the PSS signature: %v", err)
	}
	for _, salt := range []int{1, 20, 64, rsa.PSSSaltLengthAuto} {
		other, err := rsa.SignPSS(rand.Reader, key, crypto.SHA512, wide[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		sig := r.handle("signature_import", r.signatureArgs("RSA_PSS_2048_SHA512", other, signatureRaw)...)
		if e := r.verified(r.publicOf(pss), message, sig); e != success {
			t.Errorf("a salt of %d bytes: %v", salt, e)
		}
	}
	sig := r.handle("signature_import", r.signatureArgs("RSA_PSS_2048_SHA512", want, signatureRaw)...)
	if e := r.verified(r.publicOf(pss), message, sig); e != verificationFailed {
		t.Errorf("a PKCS #1 v1.5 signature as PSS: %v", e)
	}
}

// ECDSA signatures go in and out as DER too, and stay the same; those of other algorithms are unsupported_encoding as DER. Encodings that do not
// exist are unsupported_encoding.
func TestRow23SignatureEncodings(t *testing.T) {
	r := newRig(t, Config{})
	known := knownSignatures()[2]
	name, public := known.key.names[0], r.imported(kindPublic, familySigns, known.key.names[0], unhex(t, known.key.public), asRaw)
	encoded := unhex(t, "3046022100"+known.signature[:64]+"022100"+known.signature[64:])
	sig := r.handle("signature_import", r.signatureArgs(name, encoded, signatureDER)...)
	if e := r.verified(public, unhex(t, known.message), sig); e != success {
		t.Errorf("the DER signature: %v", e)
	}
	if got := r.pull(r.handle("signature_export", uint64(sig), signatureRaw)); !bytes.Equal(got, unhex(t, known.signature)) {
		t.Error("the DER signature has another raw form")
	}
	if got := r.pull(r.handle("signature_export", uint64(sig), signatureDER)); !bytes.Equal(got, encoded) {
		t.Error("the DER signature does not come back")
	}
	for _, encoding := range []uint64{2, 3, 0xFFFF, 0x10000, 0x10001} {
		r.refused(unsupportedEncoding, "signature_import", r.signatureArgs(name, encoded, encoding)...)
		r.refused(unsupportedEncoding, "signature_export", uint64(sig), encoding)
	}
	for what, data := range map[string][]byte{"nothing": {}, "raw": unhex(t, known.signature), "a byte more": append(bytes.Clone(encoded), 0), "a byte less": encoded[:len(encoded)-1],
		"a negative number": unhex(t, "30440220"+known.signature[:64]+"0220"+known.signature[64:]), "a padded number": unhex(t, "300902030000010202"+"0001"),
		"a number too long": unhex(t, "3046022101"+known.signature[:64]+"022100"+known.signature[64:]), "one number": unhex(t, "3003020101"), "three numbers": unhex(t, "3009020101020101020101")} {
		r.startOver()
		args := append(r.signatureArgs(name, data, signatureDER), r.room(4))
		if e := errno(r.Call("signature_import", args...)); e != invalidSignature {
			t.Errorf("%s: %v", what, e)
		}
	}
	for _, g := range algorithm.Guests() {
		if g.Type != claviger.GuestSignatures || strings.HasPrefix(string(g.Name), "ECDSA") {
			continue
		}
		r.startOver()
		r.refused(unsupportedEncoding, "signature_import", r.signatureArgs(string(g.Name), encoded, signatureDER)...)
	}
	ed := r.signed(r.generated(familySigns, "Ed25519"), nil)
	r.refused(unsupportedEncoding, "signature_export", uint64(ed), signatureDER)
}

// A state stays usable after a signature, and the next one covers all data so far; so does a verification.
func TestStatesGoOnAfterASignature(t *testing.T) {
	r := newRig(t, Config{})
	for _, name := range []string{"Ed25519", "ECDSA_P256_SHA256", "ML-DSA-65", "Ed448ph"} {
		r.startOver()
		pair := r.generated(familySigns, name)
		state := r.handle("signature_state_open", uint64(pair))
		check := r.handle("signature_verification_state_open", uint64(r.publicOf(pair)))
		empty := r.handle("signature_state_sign", uint64(state))
		r.must("signature_verification_state_verify", uint64(check), uint64(empty))
		var last uint32
		for _, part := range []string{"one", "", "two"} {
			r.update("signature_state", state, []byte(part))
			r.update("signature_verification_state", check, []byte(part))
			last = r.handle("signature_state_sign", uint64(state))
			r.must("signature_verification_state_verify", uint64(check), uint64(last))
		}
		r.want(verificationFailed, "signature_verification_state_verify", uint64(check), uint64(empty))
		r.must("signature_verification_state_verify", uint64(check), uint64(last))
		if e := r.verified(r.publicOf(pair), []byte("onetwo"), last); e != success {
			t.Errorf("%s: the last signature is not of all data: %v", name, e)
		}
	}
}

// States for signing and for verification are not interchangeable.
func TestRow24StatesAreNotInterchangeable(t *testing.T) {
	r := newRig(t, Config{})
	pair := r.generated(familySigns, "Ed25519")
	sign := r.handle("signature_state_open", uint64(pair))
	verify := r.handle("signature_verification_state_open", uint64(r.publicOf(pair)))
	sig := r.handle("signature_state_sign", uint64(sign))
	at, n := r.text("data")
	r.want(invalidHandle, "signature_state_update", uint64(verify), at, n)
	r.refused(invalidHandle, "signature_state_sign", uint64(verify))
	r.want(invalidHandle, "signature_state_close", uint64(verify))
	r.want(invalidHandle, "signature_verification_state_update", uint64(sign), at, n)
	r.want(invalidHandle, "signature_verification_state_verify", uint64(sign), uint64(sig))
	r.want(invalidHandle, "signature_verification_state_close", uint64(sign))
	r.want(invalidHandle, "signature_verification_state_verify", uint64(verify), uint64(sign))
	r.refused(invalidHandle, "signature_state_open", uint64(r.publicOf(pair)))
	r.refused(invalidHandle, "signature_verification_state_open", uint64(pair))
	r.must("signature_verification_state_verify", uint64(verify), uint64(sig))
	for kind, h := range map[string]uint32{"signature_state": sign, "signature_verification_state": verify, "signature": sig} {
		r.close(kind, h)
		r.want(closed, kind+"_close", uint64(h))
	}
	r.want(invalidHandle, "signature_state_update", uint64(sign), at, n)
}

// A signature of another algorithm is invalid_signature, also one of the same length.
func TestSignatureOfAnotherAlgorithm(t *testing.T) {
	r := newRig(t, Config{})
	pair := r.generated(familySigns, "ECDSA_P256_SHA256")
	for _, other := range []string{"ECDSA_K256_SHA256", "Ed25519"} {
		sig := r.handle("signature_import", r.signatureArgs(other, make([]byte, 64), signatureRaw)...)
		if e := r.verified(r.publicOf(pair), nil, sig); e != invalidSignature {
			t.Errorf("%s: %v", other, e)
		}
	}
	zero := r.handle("signature_import", r.signatureArgs("ECDSA_P256_SHA256", make([]byte, 64), signatureRaw)...)
	if e := r.verified(r.publicOf(pair), nil, zero); e != verificationFailed {
		t.Errorf("a signature of zeros: %v", e)
	}
}

// What signature_state_sign gives is a signature that answers as an array_output too: pulling it, also to the end, leaves it a signature.
func TestASignatureIsAnOutputToo(t *testing.T) {
	r := newRig(t, Config{})
	pair := r.generated(familySigns, "Ed25519")
	sig := r.signed(pair, []byte("m"))
	to, at := r.room(4), r.room(64)
	r.must("array_output_len", uint64(sig), to)
	if n := r.U32(uint32(to)); n != 64 {
		t.Fatalf("a length of %d", n)
	}
	r.must("array_output_pull", uint64(sig), at, 10, to)
	r.must("array_output_pull", uint64(sig), at+10, 54, to)
	if n := r.U32(uint32(to)); n != 54 {
		t.Errorf("the second pull gave %d bytes", n)
	}
	pulled := r.Get(uint32(at), 64)
	if !bytes.Equal(pulled, r.pull(r.handle("signature_export", uint64(sig), signatureRaw))) {
		t.Error("pulled and exported bytes differ")
	}
	if e := r.verified(r.publicOf(pair), []byte("m"), sig); e != success {
		t.Errorf("after pulling: %v", e)
	}
	r.must("array_output_len", uint64(sig), to)
	r.close("signature", sig)
	r.want(invalidHandle, "array_output_len", uint64(sig), to)
	r.want(closed, "signature_close", uint64(sig))
}

// Where the message has to be held, more than the limit is overflow and leaves the state as it was; where it is hashed there is no limit.
func TestRow27TooMuchDataIsOverflow(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Held: 1000}})
	for name, want := range map[string]errno{"Ed25519": overflow, "Ed448": overflow, "ML-DSA-44": overflow, "ECDSA_P256_SHA256": success, "Ed25519ph": success} {
		pair := r.generated(familySigns, name)
		for kind, h := range map[string]uint32{"signature_state": pair, "signature_verification_state": r.publicOf(pair)} {
			state := r.handle(kind+"_open", uint64(h))
			r.update(kind, state, make([]byte, 1000))
			at, n := r.put([]byte{1})
			r.want(want, kind+"_update", uint64(state), at, n)
			r.update(kind, state, nil)
			if kind == "signature_state" && want == overflow {
				sig := r.handle("signature_state_sign", uint64(state))
				if e := r.verified(r.publicOf(pair), make([]byte, 1000), sig); e != success {
					t.Errorf("%s: after an overflow: %v", name, e)
				}
			}
			r.close(kind, state)
		}
	}
}
