package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// The serial number of the device's certificate.
const deviceSerial = 4711

// tour is what the flows share: the link, and what this process knows so that it can check what the daemon answers.
type tour struct {
	*link
	config  client.Config
	dataKey []byte // key of PreDeployedSlot, made here
	root    *authority
	device  []byte // certificate of SigningKey, DER
}

// newTour dials the daemon.
func newTour(ctx context.Context, c client.Config) (*tour, error) {
	l, err := dial(ctx, c)
	if err != nil {
		return nil, err
	}
	return &tour{link: l, config: c}, nil
}

// deploy does what a vehicle's maker does before it leaves: it puts keys, certificates and a revocation list in place.
func (t *tour) deploy(ctx context.Context) error {
	if err := t.deployKeys(ctx); err != nil {
		return err
	}
	return t.deployCertificates(ctx)
}

// deployKeys imports a key that this process knows too, so that it can check the daemon's ciphertexts, and
// generates one that nobody but the daemon knows.
func (t *tour) deployKeys(ctx context.Context) error {
	m, err := t.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	data, err := t.KeySlot(ctx, "PreDeployedSlot")
	if err != nil {
		return err
	}
	t.dataKey = make([]byte, 32)
	rand.Read(t.dataKey) // never fails
	if _, err := m.ImportIn(ctx, data, client.ImportParams{Algorithm: "AES-256", Format: claviger.Raw, Data: t.dataKey}); err != nil {
		return err
	}
	signing, err := t.KeySlot(ctx, "SigningKey")
	if err != nil {
		return err
	}
	_, err = m.GenerateIn(ctx, signing, client.GenerateParams{})
	return err
}

// deployCertificates certifies the public half of SigningKey and publishes an empty revocation list.
func (t *tour) deployCertificates(ctx context.Context) error {
	der, err := t.publicKey(ctx, "SigningKey", 0, claviger.DER)
	if err != nil {
		return err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	if t.root, err = newAuthority("Quickstart Root", time.Now()); err != nil {
		return err
	}
	if t.device, err = t.root.issue("Quickstart Device", deviceSerial, public); err != nil {
		return err
	}
	if err := t.saveCertificate(ctx, "RootSlot", t.root.cert.Raw); err != nil {
		return err
	}
	if err := t.saveCertificate(ctx, "DeviceCert", t.device); err != nil {
		return err
	}
	return t.publish(ctx, 1)
}

// saveCertificate writes a certificate into a slot.
func (t *tour) saveCertificate(ctx context.Context, name string, der []byte) error {
	m, err := t.NewCertManager(ctx, client.CertManagerConfig{})
	if err != nil {
		return err
	}
	slot, err := t.CertSlot(ctx, name)
	if err != nil {
		return err
	}
	cert, err := m.Parse(ctx, der, claviger.DER)
	if err != nil {
		return err
	}
	return errors.Join(m.Save(ctx, slot, cert), cert.Close())
}

// publish gives the daemon the root's revocation list with a number and the serials that it revokes.
func (t *tour) publish(ctx context.Context, number int64, serials ...int64) error {
	list, err := t.root.revoke(number, serials...)
	if err != nil {
		return err
	}
	m, err := t.NewCertManager(ctx, client.CertManagerConfig{})
	if err != nil {
		return err
	}
	slot, err := t.CertSlot(ctx, "RootSlot")
	if err != nil {
		return err
	}
	return m.ImportCRL(ctx, list, claviger.DER, slot)
}

// scope gives a flow a CryptoContext of its own, so that all it makes is released at its end.
func (t *tour) scope(f func(cc *client.CryptoContext) (string, error)) (string, error) {
	cc, err := t.stack.CryptoContext()
	if err != nil {
		return "", err
	}
	seen, err := f(cc)
	return seen, errors.Join(err, cc.Close())
}

// localCBC is AES-CBC with PKCS #7 padding in this process (RFC 5652 section 6.3), to compare with.
func localCBC(key, iv, message []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(message)%aes.BlockSize
	padded := make([]byte, len(message)+n)
	copy(padded, message)
	for i := len(message); i < len(padded); i++ {
		padded[i] = byte(n)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return padded, nil
}

// randomBytes gives n random bytes: messages and initialization vectors.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// expect is an error if an observation is not what it should be.
func expect(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// expectCode is an error unless err has the code.
func expectCode(err error, code claviger.Code, what string) error {
	return expect(errors.Is(err, code), "%s gave %v; %s was expected", what, err, code.Name())
}
