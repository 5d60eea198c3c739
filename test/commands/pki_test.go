package commands_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os/exec"
	"strings"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// pki writes root.pem, middle.pem, leaf.der (below the root), deep.pem (below the middle one), full.pem (both), stranger.pem (of another root),
// none.crl and leaf.crl (which revokes leaf.der) of the root, and deep.crl (which revokes deep.pem) of the middle one.
func (s *script) pki() {
	s.t.Helper()
	root, rootKey := s.certificate("Root", nil, nil, true)
	middle, middleKey := s.certificate("Middle", root, rootKey, true)
	leaf, _ := s.certificate("Leaf", root, rootKey, false)
	deep, _ := s.certificate("Deep", middle, middleKey, false)
	stranger, _ := s.certificate("Stranger", nil, nil, true)
	for name, list := range map[string][]*x509.Certificate{"root": {root}, "middle": {middle}, "deep": {deep}, "full": {deep, middle}, "stranger": {stranger}} {
		var text []byte
		for _, c := range list {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
		s.write(name+".pem", text)
	}
	s.write("leaf.der", leaf.Raw)
	s.write("none.crl", s.revocationList(1, root, rootKey))
	s.write("leaf.crl", s.revocationList(2, root, rootKey, leaf.SerialNumber))
	s.write("deep.crl", s.revocationList(1, middle, middleKey, deep.SerialNumber))
}

// revocationList makes a revocation list in DER that is good for an hour.
func (s *script) revocationList(number int64, issuer *x509.Certificate, key *ecdsa.PrivateKey, revoked ...*big.Int) []byte {
	s.t.Helper()
	list := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	for _, serial := range revoked {
		entry := x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now().Add(-time.Minute)}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, entry)
	}
	return must(x509.CreateRevocationList(rand.Reader, list, issuer, key))(s.t)
}

// certificate makes a certificate that is valid from an hour ago for two days, under an issuer or, with nil, under itself.
func (s *script) certificate(name string, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey, ca bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	s.t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(s.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		BasicConstraintsValid: true, IsCA: ca, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if ca {
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der := must(x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey))(s.t)
	return must(x509.ParseCertificate(der))(s.t), key
}

// openssl runs the openssl command in the script's directory.
func (s *script) openssl(args []string) {
	s.t.Helper()
	cmd := exec.Command(daemontest.NeedTool(s.t, "openssl"), args...)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
