package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// heldCertificate is a parsed certificate of this session, with the revocation list of its issuing that was imported
// for this session. Both are charged to the tenant's held bytes.
type heldCertificate struct {
	certificate *operation.Certificate
	mu          sync.Mutex
	list        *operation.CRL // guarded by mu; nil if there is none
	charged     int64          // guarded by mu; bytes
	released    bool           // guarded by mu
}

// footprint is about what a certificate or list of n encoded bytes takes in memory, parsed and indexed.
func footprint(n int) int64 { return 4<<10 + 4*int64(n) }

// release gives the bytes back.
func (c *heldCertificate) release(t *tenant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Unreserve(c.charged)
	c.charged, c.released = 0, true
}

// keep gives a certificate a handle and charges it: ErrQuotaExceeded.
func (s *Session) keep(c *operation.Certificate) (uint64, error) {
	n := footprint(len(c.DER()))
	if err := s.tenant.Reserve(n); err != nil {
		return 0, err
	}
	return s.give(&heldCertificate{certificate: c, charged: n})
}

// importList puts a list in the place of the one before, and charges it in its place.
func (s *Session) importList(g policy.Grant, c *heldCertificate, data []byte, f claviger.Format) error {
	n := footprint(len(data))
	if err := s.tenant.Reserve(n); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := s.engine().CheckCRL(g, c.certificate, c.list, data, f)
	if err == nil && c.released {
		err = notFound("import CRL")
	}
	if err != nil {
		s.tenant.Unreserve(n)
		return err
	}
	own := footprint(len(c.certificate.DER()))
	s.tenant.Unreserve(c.charged - own) // of the list before
	c.list, c.charged = list, own+n
	return nil
}

// crl gives the list that was imported; nil if there is none.
func (c *heldCertificate) crl() *operation.CRL {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}

// certSlot is a certificate slot or trust store that a handle names, allowed for what the request wants.
type certSlot struct {
	grant policy.Grant
	slot  string // as the configuration calls it
}

// certSlot resolves a handle to a certificate slot or trust store and asks the policy; want is 0 for reading.
func (s *Session) certSlot(p *policy.Policy, op string, h uint64, t claviger.ResourceType, want policy.Write) (certSlot, error) {
	n, err := s.name(op, h, t)
	if err != nil {
		return certSlot{}, err
	}
	g, err := p.CertSlot(s.caller, op, n.name, t, want)
	if want != 0 {
		s.decided(context.Background(), op, n.name, err)
	}
	if err != nil {
		return certSlot{}, err
	}
	found, err := p.Resolve(s.caller, n.name, t)
	return certSlot{g, found.Target}, err
}

// certificate resolves a handle to a certificate: a parsed one, or a slot.
func (s *Session) certificate(p *policy.Policy, op string, h uint64) (operation.CertRef, error) {
	i := s.table.get(h)
	if i == nil {
		return operation.CertRef{}, notFound(op)
	}
	if c, ok := i.(*heldCertificate); ok {
		return operation.CertRef{Certificate: c.certificate}, nil
	}
	if _, ok := i.(*named); !ok {
		return operation.CertRef{}, claviger.Errorf(claviger.ErrInvalidResourceType, op, "the handle is neither that of a certificate nor that of a certificate slot")
	}
	slot, err := s.certSlot(p, op, h, claviger.TypeCertSlot, 0)
	return operation.CertRef{Slot: slot.slot}, err
}

// loaded resolves a handle to a certificate's contents.
func (s *Session) loaded(op string, h uint64) (*policy.Policy, *operation.Certificate, error) {
	p, err := s.current()
	if err != nil {
		return nil, nil, err
	}
	ref, err := s.certificate(p, op, h)
	if err != nil || ref.Certificate != nil {
		return p, ref.Certificate, err
	}
	c, err := s.engine().LoadCertificate(p.Keyless(s.caller), ref.Slot)
	return p, c, err
}

// ParseCertificate reads one certificate, or with several all of a bundle, and gives a handle for each: all or none. No
// trust decision is taken. Errors: ErrCertificateParsingFailed, ErrQuotaExceeded.
func (s *Session) ParseCertificate(_ context.Context, r *pb.ParseCertificateRequest) (*pb.ParseCertificateReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	f, err := format("parse certificate", r.Format)
	if err != nil {
		return nil, err
	}
	list, err := s.engine().ParseCertificate(p.Keyless(s.caller), r.Data, f, r.Several)
	if err != nil {
		return nil, err
	}
	reply := &pb.ParseCertificateReply{}
	for _, c := range list {
		h, err := s.keep(c)
		if err != nil {
			for _, given := range reply.Handles {
				if i := s.table.remove(given); i != nil {
					s.drop(i)
				}
			}
			return nil, err
		}
		reply.Handles = append(reply.Handles, h)
	}
	return reply, nil
}

// SaveCertificate writes a certificate into a slot, in the place of what was there; the revocation list that was kept
// with another certificate is dropped. Durable when it returns. ErrAccessDenied without the mapping's right to save.
func (s *Session) SaveCertificate(ctx context.Context, r *pb.SaveCertificateRequest) (*pb.SaveCertificateReply, error) {
	const op = "save certificate"
	p, c, err := s.loaded(op, r.Certificate)
	if err != nil {
		return nil, err
	}
	slot, err := s.certSlot(p, op, r.Slot, claviger.TypeCertSlot, policy.WriteSave)
	if err != nil {
		return nil, err
	}
	return &pb.SaveCertificateReply{}, s.engine().SaveCertificate(ctx, slot.grant, slot.slot, c)
}

// LoadCertificate gives a handle for the certificate that is in a slot now.
func (s *Session) LoadCertificate(_ context.Context, r *pb.CertificateRequest) (*pb.LoadCertificateReply, error) {
	_, c, err := s.loaded("load certificate", r.Certificate)
	if err != nil {
		return nil, err
	}
	h, err := s.keep(c)
	return &pb.LoadCertificateReply{Handle: h}, err
}

// ClearCertificate empties a certificate slot, its revocation list included. Durable when it returns. Errors:
// ErrAccessDenied without the mapping's right to clear, ErrKeySlotEmpty.
func (s *Session) ClearCertificate(ctx context.Context, r *pb.CertificateRequest) (*pb.ClearCertificateReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	slot, err := s.certSlot(p, "clear certificate", r.Certificate, claviger.TypeCertSlot, policy.WriteClear)
	if err != nil {
		return nil, err
	}
	return &pb.ClearCertificateReply{}, s.engine().ClearCertificate(ctx, slot.grant, slot.slot)
}

// CertificateInfo describes a certificate, or what is in a slot. An empty slot, or one whose record is damaged, is told
// by its state and is no error.
func (s *Session) CertificateInfo(_ context.Context, r *pb.CertificateRequest) (*pb.CertificateInfoReply, error) {
	const op = "certificate info"
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	if c, ok := s.table.get(r.Certificate).(*heldCertificate); ok {
		return describeCertificate(operation.CertSlotInfo{State: claviger.SlotOccupied, Certificate: c.certificate, List: c.crl()}), nil
	}
	slot, err := s.certSlot(p, op, r.Certificate, claviger.TypeCertSlot, 0)
	if err != nil {
		return nil, err
	}
	info, err := s.engine().CertSlot(slot.grant, slot.slot)
	if err != nil {
		return nil, err
	}
	return describeCertificate(info), nil
}

// describeCertificate turns what a slot or handle holds into its message.
func describeCertificate(i operation.CertSlotInfo) *pb.CertificateInfoReply {
	reply := &pb.CertificateInfoReply{State: uint32(i.State), HasCrl: i.List != nil}
	if i.Certificate == nil {
		return reply
	}
	info, sum := i.Certificate.Info(), i.Certificate.Fingerprint()
	reply.Subject, reply.Issuer, reply.Serial = info.Subject, info.Issuer, info.Serial
	reply.NotBefore, reply.NotAfter = info.NotBefore.Unix(), info.NotAfter.Unix()
	reply.KeyAlgorithm, reply.Fingerprint = string(info.KeyName), sum[:]
	return reply
}

// ExportCertificate gives a certificate's bytes as DER or PEM. Certificates are public: no permission is demanded beside
// the mapping.
func (s *Session) ExportCertificate(_ context.Context, r *pb.ExportCertificateRequest) (*pb.ExportReply, error) {
	const op = "export certificate"
	f, err := format(op, r.Format)
	if err != nil {
		return nil, err
	}
	_, c, err := s.loaded(op, r.Certificate)
	if err != nil {
		return nil, err
	}
	data, err := operation.ExportCertificate(c, f)
	return &pb.ExportReply{Data: data}, err
}

// ImportCrl keeps a revocation list: with the certificate slot of its issuer for good, which takes the mapping's right
// to do so, or with a certificate for as long as its handle lives. A list that the issuer did not sign, or with a lower
// number than the one that is there, is ErrCRLImportFailed.
func (s *Session) ImportCrl(ctx context.Context, r *pb.ImportCrlRequest) (*pb.ImportCrlReply, error) {
	const op = "import CRL"
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	f, err := format(op, r.Format)
	if err != nil {
		return nil, err
	}
	if c, ok := s.table.get(r.Issuer).(*heldCertificate); ok {
		return &pb.ImportCrlReply{}, s.importList(p.Keyless(s.caller), c, r.Data, f)
	}
	slot, err := s.certSlot(p, op, r.Issuer, claviger.TypeCertSlot, policy.WriteCRL)
	if err != nil {
		return nil, err
	}
	return &pb.ImportCrlReply{}, s.engine().ImportCRL(ctx, slot.grant, slot.slot, r.Data, f)
}

// CertificateKey gives a certificate's public key as an ephemeral key with a handle that the caller releases, and its
// algorithm. It says nothing about trust: verify the certificate first.
func (s *Session) CertificateKey(ctx context.Context, r *pb.CertificateRequest) (*pb.CertificateKeyReply, error) {
	p, c, err := s.loaded("certificate key", r.Certificate)
	if err != nil {
		return nil, err
	}
	var alg claviger.Algorithm
	reply, err := s.making(operation.Target{}, func() (made operation.Made, err error) {
		made, alg, err = s.engine().CertificateKey(ctx, p.Keyless(s.caller), c)
		return made, err
	})
	return &pb.CertificateKeyReply{Key: reply, Algorithm: string(alg)}, err
}

// TrustStoreMembers describes the certificates of a trust store; empty slots are left out.
func (s *Session) TrustStoreMembers(_ context.Context, r *pb.CertificateRequest) (*pb.TrustStoreMembersReply, error) {
	const op = "trust store"
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	members, err := s.members(p, op, r.Certificate)
	if err != nil {
		return nil, err
	}
	reply := &pb.TrustStoreMembersReply{}
	for _, slot := range members {
		info, err := s.engine().CertSlot(p.Keyless(s.caller), slot)
		if err != nil {
			return nil, err
		}
		if info.State != claviger.SlotEmpty {
			reply.Members = append(reply.Members, describeCertificate(info))
		}
	}
	return reply, nil
}

// members gives the certificate slots of a trust store.
func (s *Session) members(p *policy.Policy, op string, h uint64) ([]string, error) {
	trust, err := s.certSlot(p, op, h, claviger.TypeTrustStore, 0)
	if err != nil {
		return nil, err
	}
	return p.Members(trust.slot)
}

// VerifyCertificate gives the verdict on a certificate, with the chain as far as it was built. A negative verdict is no
// error; an error means that verification could not run (no anchors, an empty slot, an OCSP policy). Revocation lists
// take part that are kept with the slots involved or that this session imported. An unset time is the daemon's clock.
func (s *Session) VerifyCertificate(ctx context.Context, r *pb.VerifyCertificateRequest) (*pb.VerifyCertificateReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	request, err := s.verification(p, r)
	if err != nil {
		return nil, err
	}
	result, err := s.engine().VerifyCertificate(p.Keyless(s.caller), request)
	s.decided(ctx, "verify certificate", "", err)
	if err != nil {
		return nil, err
	}
	reply := &pb.VerifyCertificateReply{Verdict: uint32(result.Verdict), Detail: result.Detail, Depth: int32(result.Depth)}
	for _, c := range result.Chain {
		reply.Chain = append(reply.Chain, c.DER())
	}
	return reply, nil
}

// maxVerified bounds the handles that one verification takes. More anchors or helpers are refused further down in any
// case; this refuses them, and stores that are named over and over, before each is read.
const maxVerified = 4096

// verification resolves the handles of a request.
func (s *Session) verification(p *policy.Policy, r *pb.VerifyCertificateRequest) (operation.VerifyRequest, error) {
	const op = "verify certificate"
	out := operation.VerifyRequest{TrustStoreTerminated: r.TrustStoreTerminated,
		Revocation: claviger.RevocationPolicy(min(r.Revocation, 255)), Coverage: claviger.CoveragePolicy(min(r.Coverage, 255))}
	if n := len(r.Chain) + len(r.Anchors) + len(r.TrustStores); n > maxVerified {
		return out, claviger.Errorf(claviger.ErrInvalidArgument, op, "%d certificates and stores to verify with; the limit is %d", n, maxVerified)
	}
	var err error
	if out.Certificate, err = s.certificate(p, op, r.Certificate); err != nil {
		return out, err
	}
	if out.Chain, err = s.certificates(p, op, r.Chain); err != nil {
		return out, err
	}
	if out.Anchors, err = s.certificates(p, op, r.Anchors); err != nil {
		return out, err
	}
	for _, h := range r.TrustStores {
		members, err := s.members(p, op, h)
		if err != nil {
			return out, err
		}
		out.Members = append(out.Members, members...)
	}
	slices.Sort(out.Members)
	out.Members = slices.Compact(out.Members) // stores may share members
	if r.Time != nil {
		at := time.Unix(*r.Time, 0)
		out.Time = &at
	}
	s.table.each(func(i item) {
		if c, ok := i.(*heldCertificate); ok && c.crl() != nil {
			out.Lists = append(out.Lists, c.crl())
		}
	})
	return out, nil
}

// certificates resolves a list of handles.
func (s *Session) certificates(p *policy.Policy, op string, handles []uint64) ([]operation.CertRef, error) {
	var list []operation.CertRef
	for _, h := range handles {
		ref, err := s.certificate(p, op, h)
		if err != nil {
			return nil, err
		}
		list = append(list, ref)
	}
	return list, nil
}
