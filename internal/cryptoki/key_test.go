package cryptoki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/claviger/claviger/internal/cryptoki"
)

// The curves' names, in DER.
var (
	p256    = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	edwards = append([]byte{0x13, 0x0c}, "edwards25519"...)
)

// pair generates a key pair of session objects, which may do all that its kind can.
func pair(t testing.TB, s *cryptoki.Session, mechanism cryptoki.MechanismType, public ...cryptoki.Attribute) (pub, priv cryptoki.Object) {
	t.Helper()
	rsaToo := mechanism == cryptoki.MechRSAPKCSKeyPairGen
	pub, priv, err := s.GenerateKeyPair(cryptoki.Plain(mechanism),
		append(public, cryptoki.Bool(cryptoki.AttrToken, false), cryptoki.Bool(cryptoki.AttrVerify, true), cryptoki.Bool(cryptoki.AttrEncrypt, rsaToo)),
		[]cryptoki.Attribute{
			cryptoki.Bool(cryptoki.AttrToken, false), cryptoki.Bool(cryptoki.AttrSign, true), cryptoki.Bool(cryptoki.AttrDecrypt, rsaToo),
			cryptoki.Bool(cryptoki.AttrSensitive, true), cryptoki.Bool(cryptoki.AttrDerive, !rsaToo),
		})
	ok(t, err)
	return pub, priv
}

// point reads a public point from its octet string.
func point(t testing.TB, s *cryptoki.Session, public cryptoki.Object) []byte {
	t.Helper()
	got, err := s.GetAttributes(public, []cryptoki.AttributeType{cryptoki.AttrECPoint})
	ok(t, err)
	var raw []byte
	if _, err := asn1.Unmarshal(got[0].Value, &raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// ecPublic is a public key on P-256 as Go has it.
func ecPublic(t testing.TB, s *cryptoki.Session, public cryptoki.Object) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point(t, s, public))
	ok(t, err)
	return key
}

func TestECDSA(t *testing.T) {
	s := login(t)
	public, private := pair(t, s, cryptoki.MechECKeyPairGen, cryptoki.Bytes(cryptoki.AttrECParams, p256))
	digest := sha256.Sum256([]byte("message"))
	signature, err := s.Sign([]byte{7}, plain, private, digest[:], 64)
	ok(t, err)
	if len(signature) != 65 || signature[0] != 7 {
		t.Fatalf("signature %x", signature)
	}
	r, sv := new(big.Int).SetBytes(signature[1:33]), new(big.Int).SetBytes(signature[33:])
	if !ecdsa.Verify(ecPublic(t, s, public), digest[:], r, sv) {
		t.Error("Go does not take the signature")
	}
	ok(t, s.Verify(plain, public, digest[:], signature[1:]))
	signature[5] ^= 1
	wants(t, "Verify", s.Verify(plain, public, digest[:], signature[1:]), cryptoki.ErrSignatureInvalid)
	wants(t, "Verify", s.Verify(plain, public, digest[:], signature), cryptoki.ErrSignatureLenRange)
	// A hint that is too low costs a second call and no more.
	again, err := s.Sign(nil, plain, private, digest[:], 1)
	ok(t, err)
	ok(t, s.Verify(plain, public, digest[:], again))
}

func TestRSA(t *testing.T) {
	s := login(t)
	public, private := pair(t, s, cryptoki.MechRSAPKCSKeyPairGen,
		cryptoki.Ulong(cryptoki.AttrModulusBits, 2048), cryptoki.Bytes(cryptoki.AttrPublicExponent, []byte{1, 0, 1}))
	got, err := s.GetAttributes(public, []cryptoki.AttributeType{cryptoki.AttrModulus, cryptoki.AttrPublicExponent})
	ok(t, err)
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(got[0].Value), E: int(new(big.Int).SetBytes(got[1].Value).Int64())}
	digest := sha256.Sum256([]byte("message"))

	pss := cryptoki.PSS(cryptoki.MechSHA256, cryptoki.MGF1SHA256, 32)
	signature, err := s.Sign(nil, pss, private, digest[:], 256)
	ok(t, err)
	ok(t, rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: 32}))
	ok(t, s.Verify(pss, public, digest[:], signature))

	// SoftHSM knows OAEP with SHA-1 only, and no label.
	oaep := cryptoki.OAEP(cryptoki.MechSHA1, cryptoki.MGF1SHA1, nil)
	sealed, err := s.Encrypt(nil, oaep, public, []byte("secret"), 256)
	ok(t, err)
	opened, err := s.Decrypt(nil, oaep, private, sealed, 256)
	ok(t, err)
	if string(opened) != "secret" {
		t.Errorf("opened %q", opened)
	}
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	signature, err = s.Sign(nil, cryptoki.Plain(cryptoki.MechRSAPKCS), private, append(prefix, digest[:]...), 10)
	ok(t, err)
	ok(t, rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature))
}

func TestEdDSA(t *testing.T) {
	m, slot := token(t)
	mechanisms, err := m.Mechanisms(slot)
	ok(t, err)
	if !slices.Contains(mechanisms, cryptoki.MechEdDSA) {
		t.Skip("this SoftHSM was built without EdDSA")
	}
	s := session(t, m, slot)
	ok(t, s.Login([]byte(pin)))
	public, private := pair(t, s, cryptoki.MechECEdwardsKeyPairGen, cryptoki.Bytes(cryptoki.AttrECParams, edwards))
	eddsa := cryptoki.Plain(cryptoki.MechEdDSA)
	for _, message := range [][]byte{nil, []byte("message")} {
		signature, err := s.Sign(nil, eddsa, private, message, 64)
		ok(t, err)
		if !ed25519.Verify(point(t, s, public), message, signature) {
			t.Error("Go does not take the signature")
		}
	}
}

func TestECDH(t *testing.T) {
	s := login(t)
	public, private := pair(t, s, cryptoki.MechECKeyPairGen, cryptoki.Bytes(cryptoki.AttrECParams, p256))
	ours, err := ecdh.P256().GenerateKey(rand.Reader)
	ok(t, err)
	theirs, err := ecdh.P256().NewPublicKey(point(t, s, public))
	ok(t, err)
	want, err := ours.ECDH(theirs)
	ok(t, err)
	key, err := s.DeriveKey(cryptoki.ECDH1(ours.PublicKey().Bytes()), private, []cryptoki.Attribute{
		cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassSecretKey), cryptoki.Ulong(cryptoki.AttrKeyType, cryptoki.KeyGenericSecret),
		cryptoki.Ulong(cryptoki.AttrValueLen, 32), cryptoki.Bool(cryptoki.AttrSensitive, false), cryptoki.Bool(cryptoki.AttrExtractable, true),
	})
	ok(t, err)
	got, err := s.GetAttributes(key, []cryptoki.AttributeType{cryptoki.AttrValue})
	ok(t, err)
	if !bytes.Equal(got[0].Value, want) {
		t.Errorf("agreed on %x; want %x", got[0].Value, want)
	}
}

func TestManySessionsSignAtOnce(t *testing.T) {
	m, slot := token(t)
	first := session(t, m, slot)
	ok(t, first.Login([]byte(pin)))
	public, private := pair(t, first, cryptoki.MechECKeyPairGen, cryptoki.Bytes(cryptoki.AttrECParams, p256))
	key := ecPublic(t, first, public)
	var all sync.WaitGroup
	for worker := range 8 {
		s := session(t, m, slot)
		all.Go(func() {
			for i := range 50 {
				digest := sha256.Sum256(fmt.Append(nil, worker, i))
				signature, err := s.Sign(nil, plain, private, digest[:], 64)
				if err != nil || !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
					t.Errorf("worker %d: %v", worker, err)
					return
				}
				if _, err := m.Mechanisms(slot); err != nil {
					t.Errorf("worker %d: %v", worker, err)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkSignP256(b *testing.B) {
	s := login(b)
	_, private := pair(b, s, cryptoki.MechECKeyPairGen, cryptoki.Bytes(cryptoki.AttrECParams, p256))
	digest, signature := make([]byte, 32), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sign(signature, plain, private, digest, 64); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCalls is the cost of Sign without the signing: two calls of functions that do next to nothing.
func BenchmarkCalls(b *testing.B) {
	s := session(b, hostile(b), honest)
	digest, signature := make([]byte, 32), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sign(signature, plain, 1, digest, 64); err != nil {
			b.Fatal(err)
		}
	}
}
