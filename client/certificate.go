package client

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// CertSource is what can serve as a certificate: a *Certificate or a *CertSlot. No other type
// can implement it.
type CertSource interface {
	// certificate gives the handle for use in cc.
	certificate(cc *CryptoContext, what string) (uint64, error)
}

// CertSlot is a durable place for one certificate and the revocation list of its subject.
// Released with its CryptoContext.
type CertSlot struct{ resource }

// TrustStore is a configured set of certificate slots whose certificates are trusted. Released
// with its CryptoContext.
type TrustStore struct{ resource }

// Certificate is a parsed certificate in the daemon. Close releases it. Safe for concurrent
// use.
type Certificate struct {
	cc      *CryptoContext
	handle  uint64
	closed  atomic.Bool
	cleanup runtime.Cleanup
}

// CertificateInfo describes a certificate. Of an empty slot only State is set.
type CertificateInfo struct {
	State        claviger.SlotState // of a slot; a certificate outside a slot counts as occupied
	Subject      string             // RFC 4514
	Issuer       string             // RFC 4514
	Serial       string             // upper-case hexadecimal
	NotBefore    time.Time
	NotAfter     time.Time
	KeyAlgorithm claviger.Algorithm
	Fingerprint  []byte // SHA-256 of the DER form
	HasCRL       bool   // a revocation list of this subject is there
}

// newCertificate takes charge of a certificate's handle.
func (c *CryptoContext) newCertificate(what string, handle uint64) (*Certificate, error) {
	if err := c.own(what, handle); err != nil {
		return nil, err
	}
	cert := &Certificate{cc: c, handle: handle}
	cert.cleanup = runtime.AddCleanup(cert, c.abandon, handle)
	return cert, nil
}

// Close releases the certificate, within the stack's timeout. Idempotent.
func (c *Certificate) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.cleanup.Stop()
	return c.cc.release(0, c.handle)
}

// certificate gives the handle. A closed certificate is ErrResourceNotFound.
func (c *Certificate) certificate(cc *CryptoContext, what string) (uint64, error) {
	if c == nil {
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, what, "no certificate given")
	}
	if err := checkHandle(c.cc, cc, what, "certificate"); err != nil {
		return 0, err
	}
	if c.closed.Load() && !cc.stack.closed.Load() {
		return 0, claviger.Errorf(claviger.ErrResourceNotFound, what, "the certificate is closed")
	}
	return c.handle, nil
}

// certificate gives the handle of the slot, which stands for what is in it at the time of a call.
func (s *CertSlot) certificate(cc *CryptoContext, what string) (uint64, error) {
	if s == nil {
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, what, "no certificate slot given")
	}
	return s.handle, s.check(cc, what)
}

// certificateOf gives the handle of a certificate that must be there.
func certificateOf(cc *CryptoContext, what string, from CertSource) (uint64, error) {
	if from == nil {
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, what, "no certificate given")
	}
	return from.certificate(cc, what)
}

// Members describes the certificates of the trust store. Empty slots are left out.
func (t *TrustStore) Members(ctx context.Context) ([]CertificateInfo, error) {
	const what = "trust store members"
	if err := t.check(t.cc, what); err != nil {
		return nil, err
	}
	var reply pb.TrustStoreMembersReply
	req := &pb.CertificateRequest{Certificate: t.handle}
	if err := t.cc.control(ctx, what, wire.OpTrustStoreMembers, 0, req, &reply); err != nil {
		return nil, err
	}
	var list []CertificateInfo
	for _, m := range reply.GetMembers() {
		list = append(list, certificateInfo(m))
	}
	return list, nil
}

// certificateInfo reads a reply. An empty slot has no fingerprint, and then nothing but its state.
func certificateInfo(r *pb.CertificateInfoReply) CertificateInfo {
	info := CertificateInfo{State: claviger.SlotState(r.GetState()), HasCRL: r.GetHasCrl()}
	if len(r.GetFingerprint()) == 0 { // an empty slot
		return info
	}
	info.Subject, info.Issuer, info.Serial = r.GetSubject(), r.GetIssuer(), r.GetSerial()
	info.NotBefore, info.NotAfter = time.Unix(r.GetNotBefore(), 0).UTC(), time.Unix(r.GetNotAfter(), 0).UTC()
	info.KeyAlgorithm, info.Fingerprint = claviger.Algorithm(r.GetKeyAlgorithm()), r.GetFingerprint()
	return info
}
