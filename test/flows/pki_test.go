package flows_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// pki is a root and a device certificate that it issued.
type pki struct {
	rootKey, deviceKey *ecdsa.PrivateKey
	root, device       []byte // DER
	rootCert           *x509.Certificate
	serial             *big.Int // of the device certificate
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{rootKey: newKey(t), deviceKey: newKey(t), serial: big.NewInt(42)}
	ca := authority("Root CA")
	p.root = must(x509.CreateCertificate(rand.Reader, ca, ca, p.rootKey.Public(), p.rootKey))(t)
	p.rootCert = must(x509.ParseCertificate(p.root))(t)
	p.device = p.issue(t, p.serial, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	return p
}

// issue makes a device certificate.
func (p *pki) issue(t *testing.T, serial *big.Int, from, to time.Time) []byte {
	t.Helper()
	leaf := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "device"},
		NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	return must(x509.CreateCertificate(rand.Reader, leaf, p.rootCert, p.deviceKey.Public(), p.rootKey))(t)
}

// crl is a revocation list of the root that revokes the serial numbers given.
func (p *pki) crl(t *testing.T, revoked ...*big.Int) []byte {
	t.Helper()
	list := &x509.RevocationList{
		Number:     big.NewInt(time.Now().UnixNano()),
		ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	for _, serial := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now().Add(-time.Minute)})
	}
	return must(x509.CreateRevocationList(rand.Reader, list, p.rootCert, p.rootKey))(t)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
}

// newNamedCA makes a certificate authority of its own.
func newNamedCA(t *testing.T, name string) *ca {
	t.Helper()
	key := newKey(t)
	template := authority(name)
	return &ca{der: must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t), key: key}
}

// renamed makes a certificate with the given name, issued by the authority or, without one, by itself.
func (p *pki) renamed(t *testing.T, name string, issuer *ca) []byte {
	t.Helper()
	template := authority(name)
	if issuer == nil {
		return must(x509.CreateCertificate(rand.Reader, template, template, p.deviceKey.Public(), p.deviceKey))(t)
	}
	parent := must(x509.ParseCertificate(issuer.der))(t)
	return must(x509.CreateCertificate(rand.Reader, template, parent, p.deviceKey.Public(), issuer.key))(t)
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}
