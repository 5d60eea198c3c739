package operation

import (
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/pki/path"
	"github.com/claviger/claviger/internal/policy"
)

// CertRef is a certificate: one that was parsed, or that of a slot together with the slot's revocation list.
type CertRef struct {
	Certificate *cert.Certificate // nil: that of the slot
	Slot        string
}

// VerifyRequest says what to verify and against what.
type VerifyRequest struct {
	Certificate CertRef
	Chain       []CertRef  // untrusted helpers
	Members     []string   // certificate slots of the trust stores; empty ones are passed over
	Anchors     []CertRef  // further anchors
	Lists       []*crl.CRL // beside those of the slots
	Time        *time.Time // nil: the engine's clock

	Revocation           claviger.RevocationPolicy
	Coverage             claviger.CoveragePolicy
	TrustStoreTerminated bool // an intermediate of the trust store may end the chain
}

// VerifyCertificate gives the verdict on a certificate. An error means that verification could not run: a slot that
// should hold a certificate and does not, no anchor at all (ErrTrustAnchorNotFound), an OCSP policy
// (ErrUnsupportedOperation). Damaged members of a trust store are passed over: fewer anchors can only refuse more.
func (e *Engine) VerifyCertificate(g policy.Grant, r VerifyRequest) (*path.Result, error) {
	const op = "verify certificate"
	if err := g.DemandOpen(op); err != nil {
		return nil, err
	}
	if r.Revocation > claviger.OCSPWithCRLFallback || r.Coverage > claviger.BestEffort {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "unknown revocation policy %d or coverage policy %d", r.Revocation, r.Coverage)
	}
	c := collector{engine: e, grant: g}
	request := path.Request{Leaf: c.one(r.Certificate), Intermediates: c.all(r.Chain), Anchors: c.all(r.Anchors),
		Time: e.clock(), Revocation: r.Revocation, Coverage: r.Coverage, TrustStoreTerminated: r.TrustStoreTerminated}
	request.Anchors = append(request.Anchors, c.members(r.Members)...)
	if c.err != nil {
		return nil, c.err
	}
	if request.CRLs = append(c.lists, r.Lists...); r.Time != nil {
		request.Time = *r.Time
	}
	return path.Verify(request)
}

// collector reads what a verification needs and keeps the first error.
type collector struct {
	engine *Engine
	grant  policy.Grant
	lists  []*crl.CRL
	err    error
}

// one gives a certificate that must be there; nil after an error, which is kept.
func (c *collector) one(r CertRef) *cert.Certificate {
	if r.Certificate != nil || c.err != nil {
		return r.Certificate
	}
	found, err := c.slot(r.Slot).require(r.Slot)
	if c.err == nil {
		c.err = err
	}
	return found
}

// all is one for a list.
func (c *collector) all(refs []CertRef) []*cert.Certificate {
	var list []*cert.Certificate
	for _, r := range refs {
		list = append(list, c.one(r))
	}
	return list
}

// members gives the certificates of slots that hold one that can be read.
func (c *collector) members(slots []string) []*cert.Certificate {
	var list []*cert.Certificate
	for _, s := range slots {
		if found := c.slot(s).Certificate; found != nil {
			list = append(list, found)
		}
	}
	return list
}

// slot reads a certificate slot and notes its revocation list.
func (c *collector) slot(name string) CertSlotInfo {
	info, err := c.engine.CertSlot(c.grant, name)
	if err != nil && c.err == nil {
		c.err = err
	}
	if info.List != nil {
		c.lists = append(c.lists, info.List)
	}
	return info
}
