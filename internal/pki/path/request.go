package path

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
)

// The limits of one verification. They are this project's own.
const (
	MaxIntermediates = 256
	MaxAnchors       = 4096
	MaxCRLs          = 256
	DefaultMaxDepth  = 16      // intermediates that are not self-issued
	comparisonBudget = 1 << 18 // constraint x name, per path: an explosion is refused before it costs
	signatureBudget  = 100     // of the diagnostic walk; the builder has the same limit of its own
	signerBudget     = 64      // verifications of signers of revocation lists
	signerLevels     = 3       // how deep the signers of revocation lists may rest on further such signers
)

// Request says what to verify, against what, and when. Nothing in it is changed or kept.
type Request struct {
	Leaf          *cert.Certificate
	Intermediates []*cert.Certificate // untrusted helpers, in any order; more than needed does no harm
	Anchors       []*cert.Certificate // trusted; at least one
	CRLs          []*crl.CRL          // in any order
	Time          time.Time           // fractions of a second are cut off; the zero Time is an error, 1970-01-01 is not

	Revocation claviger.RevocationPolicy // zero value: revocation is not looked at
	Coverage   claviger.CoveragePolicy   // zero value: fail closed

	// TrustStoreTerminated lets a path end in any anchor, even one that is no self-signed root, and lets the leaf
	// itself be that anchor. Otherwise a path ends in a self-signed anchor above the leaf; other anchors are helpers.
	TrustStoreTerminated bool

	Purposes []x509.ExtKeyUsage // the path must allow one of them; empty: any
	MaxDepth int                // intermediates that are not self-issued; 0: DefaultMaxDepth; negative: none
	Policy   Policy
}

// Policy holds the initial values of policy processing (RFC 5280, 6.1.1 (c) to (g)). The zero value accepts any.
type Policy struct {
	Acceptable      []x509.OID // user-initial-policy-set; empty: any-policy
	RequireExplicit bool       // initial-explicit-policy
	InhibitMapping  bool       // initial-policy-mapping-inhibit
	InhibitAny      bool       // initial-any-policy-inhibit
}

// Result is a verdict with its evidence.
type Result struct {
	Verdict   claviger.Verdict
	Detail    string              // for people: why; for Valid "" or what BestEffort left unchecked
	Depth     int                 // the certificate of Chain to blame, 0 is the leaf; -1: none in particular
	Chain     []*cert.Certificate // leaf first; for a negative verdict as far as it could be built
	CRLs      []*crl.CRL          // the lists that the verdict rests on
	Unchecked []int               // under BestEffort: the depths that no list covers
}

// Verify gives the verdict on req. An error means that verification could not run: ErrInvalidArgument (no leaf, no
// time, over a limit), ErrTrustAnchorNotFound (no anchor), ErrUnsupportedOperation (an OCSP policy).
func Verify(req Request) (*Result, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	return newVerifier(req, nil).verify(), nil
}

// check refuses what cannot be verified at all, before anything costs time.
func (r *Request) check() error {
	const op = "verify certificate"
	switch {
	case r.Leaf == nil:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "no certificate to verify")
	case len(r.Anchors) == 0:
		return claviger.Errorf(claviger.ErrTrustAnchorNotFound, op, "the trust store is empty")
	case r.Time.IsZero():
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "the verification time is not set")
	case len(r.Intermediates) > MaxIntermediates:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%d intermediates; the limit is %d", len(r.Intermediates), MaxIntermediates)
	case len(r.Anchors) > MaxAnchors:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%d anchors; the limit is %d", len(r.Anchors), MaxAnchors)
	case len(r.CRLs) > MaxCRLs:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%d revocation lists; the limit is %d", len(r.CRLs), MaxCRLs)
	case slices.Contains(r.Intermediates, nil) || slices.Contains(r.Anchors, nil) || slices.Contains(r.CRLs, nil):
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "a certificate or revocation list is nil")
	}
	switch r.Revocation {
	case claviger.NoRevocation, claviger.CRLOnly:
	case claviger.OCSPOnly, claviger.OCSPWithCRLFallback:
		return claviger.Errorf(claviger.ErrUnsupportedOperation, op, "revocation policy %v", r.Revocation)
	default:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "revocation policy %v", r.Revocation)
	}
	if r.Coverage != claviger.FailClosed && r.Coverage != claviger.BestEffort {
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "coverage policy %v", r.Coverage)
	}
	return nil
}

// maxDepth gives the limit in force.
func (r *Request) maxDepth() int {
	switch {
	case r.MaxDepth == 0:
		return DefaultMaxDepth
	case r.MaxDepth < 0:
		return 0
	}
	return r.MaxDepth
}
