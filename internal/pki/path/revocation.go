package path

import (
	"fmt"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
)

// checkRevocation asks for the status of every certificate below the anchor, from the leaf upwards, and writes the
// outcome into r. A revoked certificate anywhere outweighs an unknown status elsewhere.
func (v *verifier) checkRevocation(r *Result) {
	anchor := r.Chain[len(r.Chain)-1]
	var unknown *fault
	for i := range len(r.Chain) - 1 {
		a := v.status(r.Chain, i, anchor)
		for _, l := range a.Used {
			if !slices.Contains(r.CRLs, l) {
				r.CRLs = append(r.CRLs, l)
			}
		}
		switch a.State {
		case crl.Good:
		case crl.Revoked:
			r.Verdict, r.Depth = claviger.Revoked, i
			r.Detail = fmt.Sprintf("revoked at %s: %s", a.At.Format("2006-01-02T15:04:05Z"), a.Reason)
			r.CRLs = a.Used
			return
		default:
			r.Unchecked = append(r.Unchecked, i)
			if unknown == nil {
				unknown = &fault{depth: i, detail: "revocation status unknown: " + a.Why}
			}
		}
	}
	if unknown == nil {
		return
	}
	r.Detail = unknown.detail
	if v.req.Coverage == claviger.FailClosed {
		r.Verdict, r.Depth = claviger.RevocationStatusUnavailable, unknown.depth
		r.Unchecked = nil
	}
}

// status asks the lists about chain[i].
func (v *verifier) status(chain []*cert.Certificate, i int, anchor *cert.Certificate) crl.Answer {
	l := link{chain[i], chain[i+1], anchor}
	if a, ok := v.answers[l]; ok {
		return a
	}
	a := crl.Check(crl.Query{
		Certificate: chain[i],
		Issuer:      chain[i+1],
		Lists:       v.req.CRLs,
		Time:        v.req.Time,
		Signers:     func(l *crl.CRL) []*cert.Certificate { return v.signers(l, chain[i], anchor) },
	})
	v.answers[l] = a
	return a
}

// signers returns the certificates that may sign list l about c beside c's issuer: those that bear the name of l's
// issuer and whose own path leads to the same anchor (RFC 5280, 6.3.3 (f)). Without that rule anyone with a
// certificate under another anchor could speak about c by taking its issuer's name.
func (v *verifier) signers(l *crl.CRL, c, anchor *cert.Certificate) []*cert.Certificate {
	var out []*cert.Certificate
	for _, s := range append(v.helpers[:len(v.helpers):len(v.helpers)], anchor) {
		if !s.Subject().Equal(l.Issuer()) {
			continue
		}
		if s.Equal(c) && v.verifiesSigner(c) || v.signerStands(s, anchor) {
			out = append(out, s)
		}
	}
	return out
}

// verifiesSigner reports whether c is the signer whose path is being verified: a list may speak about its own signer,
// as NIST PKITS 4.14.30 demands. Who wants to revoke such a signer therefore says so in a list with a higher number.
func (v *verifier) verifiesSigner(c *cert.Certificate) bool {
	return v.parent != nil && c.Equal(v.req.Leaf)
}

// signerStands verifies the path of a list's signer. Signers whose lists need further signers are followed down to
// signerLevels; a circle of them ends there and proves nothing.
func (v *verifier) signerStands(s, anchor *cert.Certificate) bool {
	level := 1
	for p := v; p.parent != nil; p = p.parent {
		level++
	}
	if level > signerLevels || *v.signerRuns == 0 {
		return false
	}
	*v.signerRuns--
	req := v.req
	req.Leaf, req.Anchors, req.Intermediates = s, []*cert.Certificate{anchor}, v.helpers
	req.TrustStoreTerminated, req.Purposes, req.Policy = true, nil, Policy{}
	req.Coverage = claviger.FailClosed
	return newVerifier(req, v).verify().Verdict == claviger.Valid
}
