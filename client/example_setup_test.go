package client_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"text/template"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
)

// must is what .value() is to the flows.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// deployment is a daemon in this process with the slots of the flows filled.
type deployment struct {
	*embedded.Stack
	dir string
}

// Close ends the daemon and removes what it kept.
func (d *deployment) Close() {
	check(d.Stack.Close())
	check(os.RemoveAll(d.dir))
}

// flowStack stands for client.Dial in the examples.
func flowStack(c client.Config) *deployment {
	d := &deployment{dir: must(os.MkdirTemp("", "flows"))}
	var text bytes.Buffer
	config := template.Must(template.New("").Parse(daemontest.FlowConfig))
	check(config.Execute(&text, map[string]any{"Dir": d.dir, "Socket": d.dir + "/s", "Self": os.Getuid()}))
	key := make([]byte, 32)
	must(rand.Read(key))
	check(os.WriteFile(d.dir+"/store.key", key, 0o600))
	d.Stack = must(embedded.Open(context.Background(), embedded.Options{Config: text.Bytes(), Client: c}))
	d.deploy()
	return d
}

// deploy fills slots as an integrator would.
func (d *deployment) deploy() {
	ctx := context.Background()
	cc := must(d.CryptoContext())
	defer cc.Close()
	keys := must(cc.NewKeyManager(ctx, client.KeyManagerConfig{}))
	must(keys.GenerateIn(ctx, must(cc.KeySlot(ctx, "PreDeployedSlot")), client.GenerateParams{}))
	must(keys.GenerateIn(ctx, must(cc.KeySlot(ctx, "SigningKey")), client.GenerateParams{}))
	root, device, crl := certificates()
	certs := must(cc.NewCertManager(ctx, client.CertManagerConfig{}))
	rootSlot := must(cc.CertSlot(ctx, "RootCert"))
	check(certs.Save(ctx, rootSlot, must(certs.Parse(ctx, root, claviger.DER))))
	check(certs.Save(ctx, must(cc.CertSlot(ctx, "DeviceCert")), must(certs.Parse(ctx, device, claviger.DER))))
	check(certs.ImportCRL(ctx, crl, claviger.DER, rootSlot))
}

// certificates makes a root, a device's certificate under it, and the root's empty revocation list, all in DER.
func certificates() (root, device, crl []byte) {
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	root = must(x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey))
	ca = must(x509.ParseCertificate(root))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Device"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature}
	leafKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	device = must(x509.CreateCertificate(rand.Reader, leaf, ca, leafKey.Public(), caKey))
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}
	crl = must(x509.CreateRevocationList(rand.Reader, list, ca, caKey))
	return root, device, crl
}
