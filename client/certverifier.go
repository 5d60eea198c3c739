package client

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// CertVerifierConfig holds what a verifier starts with.
type CertVerifierConfig struct {
	Revocation claviger.RevocationPolicy // what is consulted; the zero value consults nothing
	Coverage   claviger.CoveragePolicy   // where no revocation data covers an issuer; the zero value fails closed
	Timeout    time.Duration             // of each call; 0 is the stack's, NoTimeout is none
}

// CertVerifier verifies certificates: the setters say what and against what, Verify does it.
// The last call of a setter counts. Safe for concurrent use.
type CertVerifier struct {
	cc      *CryptoContext
	timeout time.Duration
	closed  atomic.Bool

	mu           sync.Mutex // guards the rest
	certificate  CertSource
	chain        []CertSource
	store        *TrustStore
	anchors      []CertSource
	time         time.Time
	revocation   claviger.RevocationPolicy
	coverage     claviger.CoveragePolicy
	intermediate bool
}

// VerifyResult is what a verification found.
type VerifyResult struct {
	Verdict claviger.Verdict
	Detail  string   // for people: what is wrong
	Depth   int      // of the certificate at fault, 0 the leaf; -1 if it is none of the chain
	Chain   [][]byte // the path that was built, DER, leaf first; nil if there is none
}

// NewCertVerifier makes a verifier. It makes no call.
func (c *CryptoContext) NewCertVerifier(_ context.Context, config CertVerifierConfig) (*CertVerifier, error) {
	if err := c.check("create certificate verifier"); err != nil {
		return nil, err
	}
	return &CertVerifier{cc: c, timeout: config.Timeout, revocation: config.Revocation, coverage: config.Coverage}, nil
}

// Close ends the verifier. Idempotent.
func (v *CertVerifier) Close() error {
	v.closed.Store(true)
	return nil
}

// SetCertificate says which certificate is verified.
func (v *CertVerifier) SetCertificate(cert CertSource) { v.set(func() { v.certificate = cert }) }

// SetChain gives untrusted certificates that may lie on the path, in any order.
func (v *CertVerifier) SetChain(chain ...CertSource) {
	v.set(func() { v.chain = slices.Clone(chain) })
}

// SetVerificationTrustStore says whose certificates are trusted.
func (v *CertVerifier) SetVerificationTrustStore(store *TrustStore) {
	v.set(func() { v.store = store })
}

// SetTrustedCertificates gives trusted certificates beside the trust store, or in its place.
func (v *CertVerifier) SetTrustedCertificates(anchors ...CertSource) {
	v.set(func() { v.anchors = slices.Clone(anchors) })
}

// SetTrustStoreTerminated says whether a trusted certificate that is not self-signed may end
// the path. By default a root must.
func (v *CertVerifier) SetTrustStoreTerminated(allowed bool) {
	v.set(func() { v.intermediate = allowed })
}

// SetRevocationCheckPolicy says what is consulted about revocation.
func (v *CertVerifier) SetRevocationCheckPolicy(p claviger.RevocationPolicy) {
	v.set(func() { v.revocation = p })
}

// SetCoveragePolicy says what happens where no revocation data covers an issuer.
func (v *CertVerifier) SetCoveragePolicy(p claviger.CoveragePolicy) { v.set(func() { v.coverage = p }) }

// SetVerificationTime says for what time is asked, to the second. The zero time is the daemon's
// clock.
func (v *CertVerifier) SetVerificationTime(t time.Time) { v.set(func() { v.time = t }) }

// set makes a change that no Verify sees half of.
func (v *CertVerifier) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// Verify builds and checks a path: one round trip. A negative verdict is a result; an error
// means that verification could not run, for example because there is no certificate or nothing
// to trust.
func (v *CertVerifier) Verify(ctx context.Context) (*VerifyResult, error) {
	const what = "verify certificate"
	if err := v.cc.check(what); err != nil {
		return nil, err
	}
	if v.closed.Load() {
		return nil, errClosed(what, "certificate verifier")
	}
	req, kept, err := v.request(what)
	if err != nil {
		return nil, err
	}
	var reply pb.VerifyCertificateReply
	err = v.cc.control(ctx, what, wire.OpVerifyCertificate, v.timeout, req, &reply)
	runtime.KeepAlive(kept)
	if err != nil {
		return nil, err
	}
	return &VerifyResult{
		Verdict: claviger.Verdict(reply.GetVerdict()),
		Detail:  reply.GetDetail(),
		Depth:   int(reply.GetDepth()),
		Chain:   reply.GetChain(),
	}, nil
}

// request puts the message together. The sources it gives must outlive the call.
func (v *CertVerifier) request(what string) (*pb.VerifyCertificateRequest, []CertSource, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept := slices.Concat([]CertSource{v.certificate}, v.chain, v.anchors)
	handles := make([]uint64, len(kept))
	for i, from := range kept {
		h, err := certificateOf(v.cc, what, from)
		if err != nil {
			return nil, nil, err
		}
		handles[i] = h
	}
	chainEnd := 1 + len(v.chain)
	req := &pb.VerifyCertificateRequest{
		Certificate:          handles[0],
		Chain:                handles[1:chainEnd],
		Anchors:              handles[chainEnd:],
		Revocation:           uint32(v.revocation),
		Coverage:             uint32(v.coverage),
		TrustStoreTerminated: v.intermediate,
	}
	if v.store != nil {
		if err := v.store.check(v.cc, what); err != nil {
			return nil, nil, err
		}
		req.TrustStores = []uint64{v.store.handle}
	}
	if !v.time.IsZero() {
		req.Time = new(v.time.Unix())
	}
	return req, kept, nil
}
