package tokens

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/claviger/claviger/client"
)

// certificate gives a certificate for localhost that a key signs for itself, which takes the key once.
func certificate(t testing.TB, key crypto.Signer) ([]byte, *x509.CertPool) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	pool := x509.NewCertPool()
	pool.AddCert(must(x509.ParseCertificate(der))(t))
	return der, pool
}

// TestAServersKeyLivesInAToken holds that crypto/tls serves with a key that only a token has, in both versions of the protocol that
// are in use, and to several clients at once.
func TestAServersKeyLivesInAToken(t *testing.T) {
	u := Start(t, Options{}).connect(t)
	u.generate(t, "token/signing", "token/rsa")
	for slot, alg := range map[string]client.SignerConfig{
		"token/signing": {Algorithm: "ECDSA-P256-SHA-256"},
		"token/rsa":     {Algorithm: "RSA-PSS-SHA-256"},
	} {
		for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
			t.Run(slot+" "+name, func(t *testing.T) {
				alg.Key = u.slot(t, slot)
				signer := must(u.cc.NewSigner(u.ctx, alg))(t)
				equal(t, "provider", signer.Provider(), TokenID)
				key := must(signer.CryptoSigner(u.ctx))(t)
				der, pool := certificate(t, key)
				serve(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MaxVersion: version, MinVersion: version},
					&tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: version})
			})
		}
	}
}

// serve has eight clients at once say something to a server, which says it back.
func serve(t *testing.T, server, client *tls.Config) {
	t.Helper()
	listener := must(tls.Listen("tcp", "127.0.0.1:0", server))(t)
	defer listener.Close()
	const clients = 8
	ends := make(chan error, 2*clients)
	go func() {
		for range clients {
			conn, err := listener.Accept()
			if err != nil {
				ends <- err
				return
			}
			go func() { defer conn.Close(); _, err := io.Copy(conn, conn); ends <- err }()
		}
	}()
	for range clients {
		go func() { ends <- talk(listener.Addr(), client) }()
	}
	for range 2 * clients {
		if err := <-ends; err != nil {
			t.Error(err)
			return
		}
	}
}

// talk says message to a server and holds that it comes back.
func talk(to net.Addr, config *tls.Config) error {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: config}
	conn, err := dialer.Dial("tcp", to.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, message); err != nil {
		return err
	}
	back := make([]byte, len(message))
	if _, err := io.ReadFull(conn, back); err != nil || string(back) != message {
		return fmt.Errorf("%q came back: %w", back, err)
	}
	return nil
}
