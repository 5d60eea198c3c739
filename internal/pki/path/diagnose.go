package path

import (
	"crypto/x509"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
)

// finding is where one way upwards ended.
type finding struct {
	fault
	chain    []*cert.Certificate
	anchored bool
	faults   int // of an anchored chain
}

// walk is the diagnostic search: depth first through everything that bears the right name.
type walk struct {
	v      *verifier
	checks int // signatures verified so far
	best   *finding
}

// diagnose finds out why the builder found no path. Its own error hides most causes behind "unknown authority".
func (v *verifier) diagnose(cause error) *Result {
	w := walk{v: v}
	leaf := []*cert.Certificate{v.req.Leaf}
	if v.req.TrustStoreTerminated && contains(v.roots, v.req.Leaf) {
		w.anchored(leaf, nil)
	}
	w.climb(leaf, nil)
	f := w.best
	if f.anchored && f.faults == 0 {
		f.fault = fault{verdict: claviger.InvalidPurpose, depth: -1, detail: readable(strings.TrimPrefix(cause.Error(), "x509: "))}
	}
	if !f.anchored && !v.req.TrustStoreTerminated && contains(v.req.Anchors, v.req.Leaf) {
		f.fault = *forbidden(0, "the certificate is itself an anchor, and the request does not let the path end there")
	}
	return f.result(f.chain)
}

// detailSize is how much foreign text a verdict's detail may hold, in bytes: the builder's sentence and the longest DNS
// name, of 253.
const detailSize = 512

// readable makes text that holds names of a certificate fit for people: control characters and what is no UTF-8 become "?".
func readable(s string) string {
	more := ""
	if len(s) > detailSize {
		s, more = s[:detailSize], "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s) + more
}

// climb looks for the issuers of the chain's last certificate. soft holds what is wrong below.
func (w *walk) climb(chain []*cert.Certificate, soft []fault) {
	top, depth := chain[len(chain)-1], len(chain)-1
	named := false
	for _, c := range w.v.issuersOf(top, chain) {
		named = true
		if w.checks++; w.checks > signatureBudget {
			break
		}
		err := cert.CheckSignature(c, top.Signed())
		more := soft[:len(soft):len(soft)]
		if errors.Is(err, claviger.ErrUnsupportedAlgorithm) {
			more = append(more, *forbidden(depth, "signed with an algorithm or key that is not accepted"))
		} else if err != nil {
			w.note(finding{chain: chain, fault: fault{claviger.SignatureInvalid, depth, "the issuer that it names did not sign it"}})
			continue
		}
		longer := append(chain[:len(chain):len(chain)], c)
		if contains(w.v.roots, c) {
			w.anchored(longer, more)
		} else if len(longer) <= w.v.req.maxDepth()+2 {
			w.climb(longer, more)
		}
	}
	switch {
	case top.SelfIssued() && top.SelfSigned():
		w.note(finding{chain: chain, fault: fault{claviger.NoRootFound, depth, "the path ends in a root that is not trusted"}})
	case top.SelfIssued() && !named:
		w.note(finding{chain: chain, fault: fault{claviger.SignatureInvalid, depth, "it names itself as issuer and did not sign itself"}})
	case !named:
		w.note(finding{chain: chain, fault: fault{claviger.ChainIncomplete, depth, "no certificate of its issuer is at hand"}})
	}
	if w.best == nil { // the budget ended before anything was found
		w.note(finding{chain: chain, fault: fault{claviger.ChainIncomplete, depth, "too many certificates of the same name"}})
	}
}

// anchored notes a chain whose signatures hold up to an anchor, with everything else that is wrong with it.
func (w *walk) anchored(chain []*cert.Certificate, soft []fault) {
	for i, c := range chain {
		if f := w.v.softFault(c, i); f != nil {
			soft = append(soft[:len(soft):len(soft)], *f)
		}
	}
	f := finding{chain: chain, anchored: true, faults: len(soft)}
	for i, s := range soft {
		if i == 0 || s.depth < f.depth {
			f.fault = s
		}
	}
	w.note(f)
}

// softFault returns what forbids c at its place although its signature holds.
func (v *verifier) softFault(c *cert.Certificate, depth int) *fault {
	x := c.ForBuilder(depth == 0)
	switch {
	case v.req.Time.After(x.NotAfter):
		return &fault{claviger.Expired, depth, "expired at " + x.NotAfter.UTC().Format(time.RFC3339)}
	case v.req.Time.Before(x.NotBefore):
		return &fault{claviger.NotYetValid, depth, "not valid before " + x.NotBefore.UTC().Format(time.RFC3339)}
	case len(x.UnhandledCriticalExtensions) > 0:
		return forbidden(depth, "unknown critical extension "+claviger.Clip(x.UnhandledCriticalExtensions[0].String()))
	case depth > 0 && (x.Version == 3 && !x.BasicConstraintsValid || x.BasicConstraintsValid && !x.IsCA):
		return forbidden(depth, "it issued a certificate and is no CA")
	case depth > 0 && !c.Allows(x509.KeyUsageCertSign):
		return forbidden(depth, "it issued a certificate and its keyUsage lacks keyCertSign")
	}
	return nil
}

// note keeps the finding that says most: an anchored chain with the fewest faults; else the longest way; and where
// two are as long, an untrusted root, then a wrong signature, then a missing issuer.
func (w *walk) note(f finding) {
	if w.best == nil || f.better(w.best) {
		w.best = &f
	}
}

// better is the order of note.
func (f *finding) better(g *finding) bool {
	switch {
	case f.anchored != g.anchored:
		return f.anchored
	case f.anchored:
		return f.faults < g.faults
	case len(f.chain) != len(g.chain):
		return len(f.chain) > len(g.chain)
	}
	return f.verdict == claviger.NoRootFound && g.verdict != claviger.NoRootFound ||
		f.verdict == claviger.SignatureInvalid && g.verdict == claviger.ChainIncomplete
}

// issuersOf returns the certificates that bear the name of c's issuer, roots first, without those of the chain.
func (v *verifier) issuersOf(c *cert.Certificate, chain []*cert.Certificate) []*cert.Certificate {
	var out []*cert.Certificate
	for _, group := range [][]*cert.Certificate{v.roots, v.helpers} {
		for _, i := range group {
			if i.Subject().Equal(c.Issuer()) && !contains(chain, i) && !contains(out, i) {
				out = append(out, i)
			}
		}
	}
	return out
}

// contains looks for the same bytes, because a certificate may have been parsed twice.
func contains(list []*cert.Certificate, c *cert.Certificate) bool {
	for _, l := range list {
		if l.Equal(c) {
			return true
		}
	}
	return false
}
