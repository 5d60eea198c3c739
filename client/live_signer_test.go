package client_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// pairs are the key algorithms that the standard library knows, each with a signature algorithm to make a Signer with.
var pairs = []struct{ key, signature claviger.Algorithm }{
	{"RSA-2048", "RSA-PSS-SHA-256"},
	{"ECDSA-P256", "ECDSA-P256-SHA-256"},
	{"ECDSA-P384", "ECDSA-P384-SHA-384"},
	{"ECDSA-P521", "ECDSA-P521-SHA-512"},
	{"Ed25519", "Ed25519"},
}

// slotSigner gives a crypto.Signer for a new key in the slot of the algorithm's name.
func (l *live) slotSigner(t *testing.T, key, signature claviger.Algorithm) (crypto.Signer, *client.KeySlot, *client.Signer) {
	t.Helper()
	slot := get(l.KeySlot(t.Context(), string(key)))(t)
	get(l.keys.GenerateIn(t.Context(), slot, client.GenerateParams{Algorithm: key}))(t)
	signer := get(l.NewSigner(t.Context(), client.SignerConfig{Algorithm: signature, Key: slot}))(t)
	return get(signer.CryptoSigner(t.Context()))(t), slot, signer
}

func TestSignaturesVerify(t *testing.T) {
	l, ctx := start(t), t.Context()
	for _, p := range append(pairs[:], struct{ key, signature claviger.Algorithm }{"ML-DSA-87", "ML-DSA-87"}) { // 4627 bytes: message and signature may not fit into one frame
		key := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: p.key}))(t)
		public, _, err := l.keys.PublicKey(ctx, key, claviger.DER)
		get(public, err)(t)
		signer := get(l.NewSigner(ctx, client.SignerConfig{Algorithm: p.signature, Key: key}))(t)
		verifier := get(l.NewVerifier(ctx, client.VerifierConfig{Algorithm: p.signature, Key: public}))(t)
		for _, n := range []int{0, 100, 64 << 10, 64<<10 + 1, 2<<20 + 1} {
			m := message(n)
			signature := get(signer.Sign(ctx, bytes.Clone(prefix), m))(t)
			if len(signature) != len(prefix)+signer.SignatureSize() || verifier.SignatureSize() != signer.SignatureSize() {
				t.Errorf("%s: signature of %d bytes; SignatureSize %d", p.key, len(signature), signer.SignatureSize())
			}
			signature = signature[len(prefix):]
			if !get(verifier.Verify(ctx, m, signature))(t) || get(verifier.Verify(ctx, append(m, 1), signature))(t) || get(verifier.Verify(ctx, m, nil))(t) ||
				get(verifier.Verify(ctx, m, append(signature, make([]byte, 1<<20)...)))(t) {
				t.Errorf("%s, %d bytes: wrong verdict", p.key, n)
			}
			if err := errors.Join(signer.Init(ctx), verifier.Init(ctx)); err != nil {
				t.Fatal(err)
			}
			get(io.Copy(signer.Writer(ctx), bytes.NewReader(m)))(t)
			get(io.Copy(verifier.Writer(ctx), bytes.NewReader(m)))(t)
			if !get(verifier.VerifyFinalize(ctx, get(signer.SignFinalize(ctx, nil))(t)))(t) {
				t.Errorf("%s, %d bytes in parts: wrong verdict", p.key, n)
			}
		}
	}
}

func TestCryptoSignerSignsCertificates(t *testing.T) {
	l := start(t)
	for _, p := range pairs {
		signer, _, _ := l.slotSigner(t, p.key, p.signature)
		algorithms := []x509.SignatureAlgorithm{x509.UnknownSignatureAlgorithm}
		if p.key == "RSA-2048" {
			algorithms = []x509.SignatureAlgorithm{x509.SHA256WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS}
		}
		for _, algorithm := range algorithms {
			template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "self"}, SignatureAlgorithm: algorithm,
				NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
			der := get(x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer))(t)
			cert := get(x509.ParseCertificate(der))(t)
			if err := cert.CheckSignatureFrom(cert); err != nil {
				t.Errorf("%s, %s: %v", p.key, algorithm, err)
			}
		}
	}
}

func TestCryptoSignerSignsMessages(t *testing.T) {
	l, m := start(t), message(100<<10)
	for _, p := range pairs {
		signer, _, _ := l.slotSigner(t, p.key, p.signature)
		opts := crypto.SHA384
		if p.key == "Ed25519" {
			opts = crypto.Hash(0)
		}
		signature := get(signer.(crypto.MessageSigner).SignMessage(nil, m, opts))(t)
		h := crypto.SHA384.New()
		h.Write(m)
		var right bool
		switch public := signer.Public().(type) {
		case *rsa.PublicKey:
			right = rsa.VerifyPKCS1v15(public, crypto.SHA384, h.Sum(nil), signature) == nil
		case *ecdsa.PublicKey:
			right = ecdsa.VerifyASN1(public, h.Sum(nil), signature)
		case ed25519.PublicKey:
			digest := sha512.Sum512(m)
			prehashed := get(signer.Sign(nil, digest[:], crypto.SHA512))(t)
			right = ed25519.Verify(public, m, signature) && ed25519.VerifyWithOptions(public, digest[:], prehashed, &ed25519.Options{Hash: crypto.SHA512}) == nil
		}
		if !right {
			t.Errorf("%s: the signature does not verify", p.key)
		}
	}
}

func TestCryptoSignerKeepsItsKeyWhenTheSlotRotates(t *testing.T) {
	l := start(t)
	signer, slot, parent := l.slotSigner(t, "ECDSA-P384", "ECDSA-P384-SHA-384")
	get(l.keys.GenerateIn(t.Context(), slot, client.GenerateParams{Algorithm: "ECDSA-P384", Rotate: true}))(t)
	for _, h := range []crypto.Hash{crypto.SHA384, crypto.SHA512} { // contexts are made only now
		digest := message(h.Size())
		if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest, get(signer.Sign(nil, digest, h))(t)) {
			t.Errorf("%s: signed with another key than Public shows", h)
		}
	}
	if err := parent.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := signer.Sign(nil, message(48), crypto.SHA384)
	wantCode(t, "after Close", err, claviger.ErrContextAlreadyDestroyed)
}

func TestTLSWithKeysThatNeverLeaveTheDaemon(t *testing.T) {
	l := start(t)
	for _, p := range pairs {
		signer, _, _ := l.slotSigner(t, p.key, p.signature)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"daemon.test"}, NotBefore: time.Now().Add(-time.Minute),
			NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
		der := get(x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer))(t)
		roots := x509.NewCertPool()
		roots.AddCert(get(x509.ParseCertificate(der))(t))
		certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: signer}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if err := handshake(t, certificate, roots, version); err != nil {
				t.Errorf("%s, %s: %v", p.key, tls.VersionName(version), err)
			}
		}
	}
}

// handshake has both sides show and check the certificate.
func handshake(t *testing.T, certificate tls.Certificate, roots *x509.CertPool, version uint16) error {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	served := make(chan error, 1)
	go func() {
		server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: version, MaxVersion: version})
		defer far.Close()
		err := server.HandshakeContext(t.Context())
		if err == nil {
			_, err = server.Write([]byte("x"))
		}
		served <- err
	}()
	conn := tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "daemon.test", MinVersion: version, MaxVersion: version})
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return err
	}
	return <-served
}

func TestCryptoDecrypterOpensOAEP(t *testing.T) {
	l, ctx := start(t), t.Context()
	key := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "RSA-2048"}))(t)
	c := get(l.NewCipher(ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: key, Direction: claviger.Decrypting}))(t)
	d := get(c.CryptoDecrypter(ctx))(t)
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		m := message(32)
		ciphertext := get(rsa.EncryptOAEP(h.New(), rand.Reader, d.Public().(*rsa.PublicKey), m, nil))(t)
		if got := get(d.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: h}))(t); !bytes.Equal(got, m) {
			t.Errorf("%s: wrong", h)
		}
		ciphertext[0] ^= 1
		_, err := d.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: h})
		wantCode(t, "an altered ciphertext", err, claviger.ErrOperationFailed)
	}
	enc := get(l.NewCipher(ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: key}))(t)
	if got := get(c.Decrypt(ctx, nil, nil, get(enc.Encrypt(ctx, nil, nil, message(20)))(t)))(t); !bytes.Equal(got, message(20)) {
		t.Error("there and back: wrong")
	}
}

func TestAdaptersRefuseKeysThatTheyCannotShow(t *testing.T) {
	l, ctx := start(t), t.Context()
	lattice := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "ML-DSA-44"}))(t)
	_, err := get(l.NewSigner(ctx, client.SignerConfig{Algorithm: "ML-DSA-44", Key: lattice}))(t).CryptoSigner(ctx)
	wantCode(t, "ML-DSA", err, claviger.ErrUnsupportedAlgorithm)
	secret := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "AES-256"}))(t)
	_, err = get(l.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: secret}))(t).CryptoDecrypter(ctx)
	if err == nil {
		t.Error("an AES key decrypts RSA")
	}
	half := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: claviger.Encrypt}))(t)
	_, err = get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: half}))(t).Std(ctx)
	wantCode(t, "a key that only encrypts", err, claviger.ErrKeyOperationNotPermitted)
}
