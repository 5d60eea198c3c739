package client

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// CertManagerConfig says how long a manager waits.
type CertManagerConfig struct {
	Timeout time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// CertManager parses certificates and moves them between sessions and slots. Each method is one
// round trip. Safe for concurrent use.
type CertManager struct {
	cc      *CryptoContext
	timeout time.Duration
	closed  atomic.Bool
}

// NewCertManager makes a manager. It makes no call.
func (c *CryptoContext) NewCertManager(_ context.Context, config CertManagerConfig) (*CertManager, error) {
	if err := c.check("create certificate manager"); err != nil {
		return nil, err
	}
	return &CertManager{cc: c, timeout: config.Timeout}, nil
}

// Close ends the manager. Certificates that it made stay. Idempotent.
func (m *CertManager) Close() error {
	m.closed.Store(true)
	return nil
}

// control makes one call with the manager's timeout.
func (m *CertManager) control(ctx context.Context, what string, op wire.Op, req, reply proto.Message) error {
	if err := m.cc.check(what); err != nil {
		return err
	}
	if m.closed.Load() {
		return errClosed(what, "certificate manager")
	}
	return m.cc.control(ctx, what, op, m.timeout, req, reply)
}

// Parse reads one certificate in DER or PEM; no trust decision is made.
// ErrCertificateParsingFailed if it is none.
func (m *CertManager) Parse(ctx context.Context, data []byte, format claviger.Format) (*Certificate, error) {
	list, err := m.parse(ctx, data, format, false)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, claviger.Errorf(claviger.ErrInternal, "parse certificate", "the daemon gave %d certificates", len(list))
	}
	return list[0], nil
}

// ParseAll reads several PEM blocks or certificates in DER one behind the other, in their
// order.
func (m *CertManager) ParseAll(ctx context.Context, data []byte, format claviger.Format) ([]*Certificate, error) {
	return m.parse(ctx, data, format, true)
}

// parse gives the certificates in the order of the data.
func (m *CertManager) parse(ctx context.Context, data []byte, format claviger.Format, several bool) ([]*Certificate, error) {
	const what = "parse certificate"
	var reply pb.ParseCertificateReply
	req := &pb.ParseCertificateRequest{Data: data, Format: uint32(format), Several: several}
	if err := m.control(ctx, what, wire.OpParseCertificate, req, &reply); err != nil {
		return nil, err
	}
	var list []*Certificate
	var failed error
	for _, h := range reply.GetHandles() { // to the end: each handle is taken charge of or given back
		cert, err := m.cc.newCertificate(what, h)
		if err != nil {
			failed = err
			continue
		}
		list = append(list, cert)
	}
	if failed != nil {
		return nil, failed
	}
	return list, nil
}

// Save writes a certificate into a slot, durable before it returns. The revocation list of the
// slot's former certificate goes with it.
func (m *CertManager) Save(ctx context.Context, slot *CertSlot, cert *Certificate) error {
	const what = "save certificate"
	to, err := slot.certificate(m.cc, what)
	if err != nil {
		return err
	}
	from, err := cert.certificate(m.cc, what)
	if err != nil {
		return err
	}
	req := &pb.SaveCertificateRequest{Certificate: from, Slot: to}
	err = m.control(ctx, what, wire.OpSaveCertificate, req, &pb.SaveCertificateReply{})
	runtime.KeepAlive(cert)
	return err
}

// Load makes a certificate of what a slot holds.
func (m *CertManager) Load(ctx context.Context, slot *CertSlot) (*Certificate, error) {
	const what = "load certificate"
	from, err := slot.certificate(m.cc, what)
	if err != nil {
		return nil, err
	}
	var reply pb.LoadCertificateReply
	if err := m.control(ctx, what, wire.OpLoadCertificate, &pb.CertificateRequest{Certificate: from}, &reply); err != nil {
		return nil, err
	}
	return m.cc.newCertificate(what, reply.GetHandle())
}

// Clear empties a slot, its revocation list included.
func (m *CertManager) Clear(ctx context.Context, slot *CertSlot) error {
	const what = "clear certificate slot"
	from, err := slot.certificate(m.cc, what)
	if err != nil {
		return err
	}
	return m.control(ctx, what, wire.OpClearCertificate, &pb.CertificateRequest{Certificate: from}, &pb.ClearCertificateReply{})
}

// Info describes a certificate or what a slot holds.
func (m *CertManager) Info(ctx context.Context, cert CertSource) (CertificateInfo, error) {
	const what = "certificate info"
	from, err := certificateOf(m.cc, what, cert)
	if err != nil {
		return CertificateInfo{}, err
	}
	var reply pb.CertificateInfoReply
	err = m.control(ctx, what, wire.OpCertificateInfo, &pb.CertificateRequest{Certificate: from}, &reply)
	runtime.KeepAlive(cert)
	if err != nil {
		return CertificateInfo{}, err
	}
	return certificateInfo(&reply), nil
}

// Export gives a certificate in DER or PEM. The caller owns the bytes.
func (m *CertManager) Export(ctx context.Context, cert CertSource, format claviger.Format) ([]byte, error) {
	const what = "export certificate"
	from, err := certificateOf(m.cc, what, cert)
	if err != nil {
		return nil, err
	}
	var reply pb.ExportReply
	req := &pb.ExportCertificateRequest{Certificate: from, Format: uint32(format)}
	err = m.control(ctx, what, wire.OpExportCertificate, req, &reply)
	runtime.KeepAlive(cert)
	return reply.GetData(), err
}

// ImportCRL puts a revocation list beside the certificate of its issuer: with a *Certificate
// for this session, with a *CertSlot durable. ErrCRLImportFailed if the issuer did not sign it,
// or a newer one is there.
func (m *CertManager) ImportCRL(ctx context.Context, data []byte, format claviger.Format, issuer CertSource) error {
	const what = "import CRL"
	from, err := certificateOf(m.cc, what, issuer)
	if err != nil {
		return err
	}
	req := &pb.ImportCrlRequest{Data: data, Format: uint32(format), Issuer: from}
	err = m.control(ctx, what, wire.OpImportCRL, req, &pb.ImportCrlReply{})
	runtime.KeepAlive(issuer)
	return err
}

// PublicKey makes an ephemeral key of a certificate's public key and names the key's algorithm.
// Nothing is verified.
func (m *CertManager) PublicKey(ctx context.Context, cert CertSource) (*Key, claviger.Algorithm, error) {
	const what = "certificate public key"
	from, err := certificateOf(m.cc, what, cert)
	if err != nil {
		return nil, "", err
	}
	var reply pb.CertificateKeyReply
	err = m.control(ctx, what, wire.OpCertificateKey, &pb.CertificateRequest{Certificate: from}, &reply)
	runtime.KeepAlive(cert)
	if err != nil {
		return nil, "", err
	}
	k, err := m.cc.newKey(what, reply.GetKey())
	if err != nil {
		return nil, "", err
	}
	return k, claviger.Algorithm(reply.GetAlgorithm()), nil
}
