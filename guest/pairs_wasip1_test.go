package guest_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/claviger/claviger/guest"
)

// These tests run in a guest: built for wasip1 and run on a host of wasi-crypto. test/guests does that.

func TestSignaturesVerifyInTheHost(t *testing.T) {
	for _, algorithm := range []string{"Ed25519", "ecdsa_p256_sha256", "ECDSA_K256_SHA256", "ECDSA_P384_SHA384", "ML-DSA-65"} {
		pair := pairOf(t, guest.Signatures, algorithm)
		public := publicOf(t, pair)
		signature, err := pair.Sign([]byte("message"))
		ok(t, err)
		ok(t, public.Verify(algorithm, []byte("message"), signature))
		refused(t, public.Verify(algorithm, []byte("another"), signature), guest.ErrVerificationFailed)
	}
}

func TestSignaturesVerifyInGo(t *testing.T) {
	pair := pairOf(t, guest.Signatures, "Ed25519")
	key, err := publicOf(t, pair).Export(guest.Raw)
	ok(t, err)
	signature, err := pair.Sign([]byte("message"))
	ok(t, err)
	if !ed25519.Verify(key, []byte("message"), signature) {
		t.Error("crypto/ed25519 does not accept the signature")
	}
	pair = pairOf(t, guest.Signatures, "ECDSA_P256_SHA256")
	der, err := publicOf(t, pair).Export(guest.PKCS8)
	ok(t, err)
	parsed, err := x509.ParsePKIXPublicKey(der)
	ok(t, err)
	signature, err = pair.SignAs(guest.DER, []byte("message"))
	ok(t, err)
	digest := sha256.Sum256([]byte("message"))
	if !ecdsa.VerifyASN1(parsed.(*ecdsa.PublicKey), digest[:], signature) {
		t.Error("crypto/ecdsa does not accept the signature")
	}
}

func TestASignerGoesOn(t *testing.T) {
	pair := pairOf(t, guest.Signatures, "Ed25519")
	signer, err := pair.NewSigner()
	ok(t, err)
	defer signer.Close()
	for _, part := range []string{"one ", "two "} {
		_, err = signer.Write([]byte(part))
		ok(t, err)
	}
	first, err := signer.Sign()
	ok(t, err)
	defer first.Close()
	_, err = signer.Write([]byte("three"))
	ok(t, err)
	second, err := signer.Sign()
	ok(t, err)
	defer second.Close()
	verifier, err := publicOf(t, pair).NewVerifier()
	ok(t, err)
	defer verifier.Close()
	_, err = verifier.Write([]byte("one two "))
	ok(t, err)
	ok(t, verifier.Verify(first))
	refused(t, verifier.Verify(second), guest.ErrVerificationFailed)
	_, err = verifier.Write([]byte("three"))
	ok(t, err)
	ok(t, verifier.Verify(second))
}

func TestKeysSurviveEveryForm(t *testing.T) {
	pair := pairOf(t, guest.Signatures, "ECDSA_P256_SHA256")
	want, err := pair.Export(guest.PKCS8)
	ok(t, err)
	for _, e := range []guest.Encoding{guest.Raw, guest.PKCS8, guest.PEM, guest.Local} {
		encoded, err := pair.Export(e)
		ok(t, err)
		again, err := guest.ImportKeyPair(guest.Signatures, "ECDSA_P256_SHA256", encoded, e)
		ok(t, err)
		if got, err := again.Export(guest.PKCS8); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a pair in form %d came back as another one (%v)", e, err)
		}
		ok(t, again.Close())
	}
	_, err = pair.Export(guest.SEC)
	refused(t, err, guest.ErrUnsupportedEncoding)
	public := publicOf(t, pair)
	point, err := public.Export(guest.SEC)
	ok(t, err)
	for _, e := range []guest.Encoding{guest.Raw, guest.PKCS8, guest.PEM, guest.SEC, guest.CompressedSEC, guest.Local} {
		encoded, err := public.Export(e)
		ok(t, err)
		again, err := guest.ImportPublicKey(guest.Signatures, "ECDSA_P256_SHA256", encoded, e)
		ok(t, err)
		ok(t, again.Check())
		if got, err := again.Export(guest.SEC); err != nil || !bytes.Equal(got, point) {
			t.Errorf("a public key in form %d came back as another one (%v)", e, err)
		}
		ok(t, again.Close())
	}
}

func TestHalvesJoinOnlyIfTheyBelongTogether(t *testing.T) {
	one, other := pairOf(t, guest.Signatures, "ECDSA_P256_SHA256"), pairOf(t, guest.Signatures, "ECDSA_P256_SHA256")
	secret, err := one.SecretKey()
	ok(t, err)
	defer secret.Close()
	scalar, err := secret.Export(guest.SEC)
	ok(t, err)
	imported, err := guest.ImportSecretKey(guest.Signatures, "ECDSA_P256_SHA256", scalar, guest.SEC)
	ok(t, err)
	defer imported.Close()
	public, err := imported.PublicKey()
	ok(t, err)
	defer public.Close()
	joined, err := guest.JoinKeyPair(public, imported)
	ok(t, err)
	ok(t, joined.Close())
	_, err = guest.JoinKeyPair(publicOf(t, other), imported)
	refused(t, err, guest.ErrIncompatibleKeys)
}

func TestAgreementWithGo(t *testing.T) {
	pair := pairOf(t, guest.KeyExchange, "X25519")
	mine, err := publicOf(t, pair).Export(guest.Raw)
	ok(t, err)
	yours, err := ecdh.X25519().GenerateKey(rand.Reader)
	ok(t, err)
	peer, err := guest.ImportPublicKey(guest.KeyExchange, "X25519", yours.PublicKey().Bytes(), guest.Raw)
	ok(t, err)
	defer peer.Close()
	secret, err := pair.SecretKey()
	ok(t, err)
	defer secret.Close()
	here, err := secret.Agree(peer)
	ok(t, err)
	point, err := ecdh.X25519().NewPublicKey(mine)
	ok(t, err)
	there, err := yours.ECDH(point)
	ok(t, err)
	if !bytes.Equal(here, there) {
		t.Error("host and crypto/ecdh agree on different secrets")
	}
}

func TestEncapsulationWithGo(t *testing.T) {
	theirs, err := mlkem.GenerateKey768()
	ok(t, err)
	public, err := guest.ImportPublicKey(guest.KeyExchange, "ML-KEM-768", theirs.EncapsulationKey().Bytes(), guest.Raw)
	ok(t, err)
	defer public.Close()
	secret, capsule, err := public.Encapsulate()
	ok(t, err)
	if got, err := theirs.Decapsulate(capsule); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("crypto/mlkem opens another secret (%v)", err)
	}
	pair := pairOf(t, guest.KeyExchange, "X-WING")
	secret, capsule, err = publicOf(t, pair).Encapsulate()
	ok(t, err)
	mine, err := pair.SecretKey()
	ok(t, err)
	defer mine.Close()
	if got, err := mine.Decapsulate(capsule); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("X-WING opens another secret (%v)", err)
	}
	_, err = mine.Decapsulate(capsule[1:])
	refused(t, err, guest.ErrVerificationFailed)
}

func TestClosedObjectsAreGone(t *testing.T) {
	pair, err := guest.GenerateKeyPair(guest.Signatures, "Ed25519")
	ok(t, err)
	ok(t, pair.Close())
	refused(t, pair.Close(), guest.ErrClosed)
	_, err = pair.Sign(nil)
	refused(t, err, guest.ErrInvalidHandle)
	_, err = guest.GenerateKeyPair(guest.Signatures, "ROT13")
	refused(t, err, guest.ErrUnsupportedAlgorithm)
}
