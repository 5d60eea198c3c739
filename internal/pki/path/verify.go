package path

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
)

// verifier is one verification.
type verifier struct {
	req     Request
	roots   []*cert.Certificate // where a path may end
	helpers []*cert.Certificate // everything else
	origin  map[*x509.Certificate]*cert.Certificate
	answers map[link]crl.Answer // kept, because paths share links
	parent  *verifier           // of the path whose list's signer is verified here; nil at the top

	shadows    shadows
	signerRuns *int // verifications of signers that may still be made; shared with parent
}

// link is a certificate and its issuer in a path to an anchor. The anchor belongs to it: it decides who may sign lists.
type link struct{ certificate, issuer, anchor *cert.Certificate }

// fault is a reason against a path.
type fault struct {
	verdict claviger.Verdict
	depth   int
	detail  string
}

// forbidden makes the fault of a rule about use, constraints or profile.
func forbidden(depth int, detail string) *fault {
	return &fault{verdict: claviger.InvalidPurpose, depth: depth, detail: detail}
}

// newVerifier sorts the request's certificates into roots and helpers. An anchor where no path may end can still help
// to build one. parent is the verification on whose behalf this one runs, nil at the top.
func newVerifier(req Request, parent *verifier) *verifier {
	req.Time = req.Time.Truncate(time.Second) // certificates know no fractions (RFC 5280, 4.1.2.5)
	v := &verifier{req: req, parent: parent, origin: map[*x509.Certificate]*cert.Certificate{},
		answers: map[link]crl.Answer{}}
	if parent != nil {
		v.signerRuns = parent.signerRuns
	} else {
		runs := signerBudget
		v.signerRuns = &runs
	}
	for _, a := range req.Anchors {
		if req.TrustStoreTerminated || a.SelfSigned() && !a.Equal(req.Leaf) {
			v.roots = append(v.roots, a)
		} else {
			v.helpers = append(v.helpers, a)
		}
	}
	v.helpers = append(v.helpers, req.Intermediates...)
	return v
}

// verify judges the candidate paths, the shortest first, and takes the first that passes.
func (v *verifier) verify() *Result {
	chains, err := v.candidates()
	if err != nil {
		return v.diagnose(err)
	}
	var best *Result
	for _, chain := range chains {
		r := v.judge(chain)
		if r.Verdict == claviger.Valid {
			return r
		}
		if best == nil || telling(r.Verdict) > telling(best.Verdict) {
			best = r
		}
	}
	return best
}

// telling orders the verdicts on complete paths by how much they say.
func telling(v claviger.Verdict) int {
	switch v {
	case claviger.Revoked:
		return 2
	case claviger.RevocationStatusUnavailable:
		return 1
	}
	return 0
}

// candidates asks the standard library's builder for all paths. The pools are never nil and the time is never zero:
// for the builder those would mean the machine's trust store and clock.
func (v *verifier) candidates() ([][]*cert.Certificate, error) {
	roots, helpers := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range v.roots {
		roots.AddCert(v.copyOf(c, false))
	}
	for _, c := range v.helpers {
		helpers.AddCert(v.copyOf(c, false))
	}
	found, err := v.copyOf(v.req.Leaf, true).Verify(x509.VerifyOptions{
		Roots:               roots,
		Intermediates:       helpers,
		CurrentTime:         v.req.Time,
		KeyUsages:           []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, // none would mean serverAuth
		CertificatePolicies: v.req.Policy.Acceptable,
	})
	if err != nil {
		return nil, err
	}
	chains := make([][]*cert.Certificate, len(found))
	for i, f := range found {
		for _, x := range f {
			chains[i] = append(chains[i], v.origin[x])
		}
	}
	slices.SortStableFunc(chains, func(a, b []*cert.Certificate) int { return len(a) - len(b) })
	return chains, nil
}

// copyOf gives the form of c that the builder sees and remembers whose it is.
func (v *verifier) copyOf(c *cert.Certificate, leaf bool) *x509.Certificate {
	x := v.shadows.apply(v, c, v.req.Policy.apply(c, leaf))
	v.origin[x] = c
	return x
}

// apply writes the initial policy values into a copy, because the builder takes only the first of them: what a CA
// could have demanded in the topmost certificate is demanded in all.
func (p Policy) apply(c *cert.Certificate, leaf bool) *x509.Certificate {
	shared := c.ForBuilder(leaf)
	if !p.RequireExplicit && !p.InhibitMapping && !p.InhibitAny {
		return shared
	}
	x := *shared
	drop := map[string]bool{}
	if p.RequireExplicit {
		x.RequireExplicitPolicy, x.RequireExplicitPolicyZero = 0, true
	}
	if p.InhibitAny {
		x.InhibitAnyPolicy, x.InhibitAnyPolicyZero = 0, true
		drop[anyPolicy] = leaf || !c.SelfIssued() // RFC 5280, 6.1.3 (d)(2)
	}
	if p.InhibitMapping {
		x.InhibitPolicyMapping, x.InhibitPolicyMappingZero = 0, true
		for _, m := range x.PolicyMappings { // RFC 5280, 6.1.4 (b)(2): mapped policies are deleted
			drop[m.IssuerDomainPolicy.String()], drop[anyPolicy] = true, true
		}
	}
	x.Policies = slices.DeleteFunc(slices.Clone(x.Policies), func(o x509.OID) bool { return drop[o.String()] })
	return &x
}

// anyPolicy is the identifier of any-policy (RFC 5280, 4.2.1.4).
const anyPolicy = "2.5.29.32.0"

// judge applies every rule that the builder does not, in the order of cost.
func (v *verifier) judge(chain []*cert.Certificate) *Result {
	for _, rule := range []func([]*cert.Certificate) *fault{checkProfile, v.checkLengths, checkConstraints, v.checkPurposes} {
		if f := rule(chain); f != nil {
			return f.result(chain)
		}
	}
	r := &Result{Verdict: claviger.Valid, Depth: -1, Chain: chain}
	if v.req.Revocation == claviger.CRLOnly {
		v.checkRevocation(r)
	}
	return r
}

// result makes the verdict on chain that f stands for.
func (f *fault) result(chain []*cert.Certificate) *Result {
	return &Result{Verdict: f.verdict, Detail: f.detail, Depth: f.depth, Chain: chain}
}
