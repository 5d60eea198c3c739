package crl

import (
	"bytes"
	"slices"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
)

// State is what a set of lists says about a certificate.
type State uint8

// The states. The zero value is the cautious one.
const (
	Unknown State = iota // no usable list, or not for all reasons
	Good                 // covered for all reasons, and not revoked
	Revoked
)

// Query asks about one certificate.
type Query struct {
	Certificate *cert.Certificate
	Issuer      *cert.Certificate // its issuer in the verified path; signs direct lists
	Lists       []*CRL            // any lists; those of others are passed over
	Time        time.Time         // the verification time

	// Signers returns further certificates that may sign list l, each of them already verified up to the anchor of
	// the path (RFC 5280, 6.3.3 (f)); names and cRLSign are checked here. Nil: only Issuer signs.
	Signers func(l *CRL) []*cert.Certificate
}

// Answer is what the lists say.
type Answer struct {
	State  State
	Reason Reason    // if revoked
	At     time.Time // revocation date, UTC, if revoked
	Used   []*CRL    // the lists that the answer rests on
	Why    string    // if unknown: why the last list of the certificate's issuer was not usable
}

// Check answers q. It is RFC 5280, 6.3.3 with all lists at hand. Of several lists of the same scope the one with the
// highest number that is usable counts.
func Check(q Query) Answer {
	r := run{q: q, key: keyOf(q.Certificate), signer: map[*CRL]*cert.Certificate{}, signed: map[signature]bool{}}
	r.sort()
	points := slices.Clone(q.Certificate.DistributionPoints())
	points = append(points, cert.DistributionPoint{ // "assume a DP with ... the certificate issuer" (6.3.3, end)
		Names:   []cert.GeneralName{{Form: cert.DirectoryName, Directory: q.Certificate.Issuer()}},
		Reasons: cert.AllReasons,
	})
	for _, p := range points {
		for _, l := range r.complete {
			if r.consult(l, p) {
				return r.answer
			}
		}
	}
	if r.answer.Why == "" {
		r.answer.Why = "no list of the issuer covers it"
	}
	return r.answer
}

// run is one evaluation of a query.
type run struct {
	q        Query
	key      entryKey
	complete []*CRL                     // newest first
	deltas   []*CRL                     // newest first
	signer   map[*CRL]*cert.Certificate // of lists looked at; nil for one that is not authentic
	signed   map[signature]bool         // of delta lists looked at
	covered  cert.Reasons
	answer   Answer
}

// signature is a delta list and who may have signed it.
type signature struct {
	list   *CRL
	signer *cert.Certificate
}

// sort puts the newest lists first: by number, then by time of issue.
func (r *run) sort() {
	lists := slices.Clone(r.q.Lists)
	slices.SortStableFunc(lists, func(a, b *CRL) int {
		if a.number == nil || b.number == nil {
			return b.thisUpdate.Compare(a.thisUpdate)
		}
		if n := b.number.Cmp(a.number); n != 0 {
			return n
		}
		return b.thisUpdate.Compare(a.thisUpdate)
	})
	for _, l := range lists {
		if l.base != nil {
			r.deltas = append(r.deltas, l)
		} else {
			r.complete = append(r.complete, l)
		}
	}
}

// consult takes one complete list into account for one distribution point. It reports whether the answer is final.
func (r *run) consult(l *CRL, p cert.DistributionPoint) bool {
	reasons := coverage(l, r.q.Certificate, p)
	if reasons&^r.covered == 0 {
		if r.answer.Why == "" && l.issuer.Equal(r.q.Certificate.Issuer()) {
			r.answer.Why = "the list's scope does not cover it"
		}
		return false
	}
	signer := r.usable(l)
	if signer == nil {
		return false
	}
	r.answer.Used = append(r.answer.Used, l)
	e, listed := l.find(r.key)
	if d := r.delta(l, signer); d != nil {
		r.answer.Used = append(r.answer.Used, d)
		if change, ok := d.find(r.key); ok {
			e, listed = change, change.reason != RemoveFromCRL
		}
	}
	if listed {
		r.answer = Answer{State: Revoked, Reason: e.reason, At: time.Unix(e.at, 0).UTC(), Used: r.answer.Used}
		return true
	}
	r.covered |= reasons
	if r.covered != cert.AllReasons {
		r.answer.Why = "the lists do not cover all reasons"
		return false
	}
	r.answer.State, r.answer.Why = Good, ""
	return true
}

// usable returns the certificate that signed l, nil if l is not to be used. What was found is kept for other points.
func (r *run) usable(l *CRL) *cert.Certificate {
	if s, ok := r.signer[l]; ok {
		return s
	}
	s, why := r.examine(l)
	r.signer[l] = s
	if why != "" {
		r.answer.Why = why
	}
	return s
}

// examine judges a complete list, cheap rules first: known extensions, window, signer. It returns the signer, or nil
// and what is wrong. The issuer in the path is tried before others, because most lists are direct.
func (r *run) examine(l *CRL) (*cert.Certificate, string) {
	if l.flaw != "" {
		return nil, l.flaw
	}
	if why := l.stale(r.q.Time); why != "" {
		return nil, why
	}
	why := "its signer is not known"
	if r.q.Issuer.Subject().Equal(l.issuer) {
		if why = l.signedBy(r.q.Issuer); why == "" {
			return r.q.Issuer, ""
		}
	}
	if r.q.Signers == nil {
		return nil, why
	}
	for _, s := range r.q.Signers(l) {
		if why = l.signedBy(s); why == "" {
			return s, ""
		}
	}
	return nil, why
}

// delta returns the newest usable delta list for l, nil if there is none. RFC 5280, 5.2.4 and 6.3.3 (c): same issuer
// and key, which is to say the same signer, same scope, and l lies between the base and the delta.
func (r *run) delta(l *CRL, signer *cert.Certificate) *CRL {
	for _, d := range r.deltas {
		if !bytes.Equal(d.scope.der, l.scope.der) || !bytes.Equal(d.keyID, l.keyID) {
			continue
		}
		if d.number == nil || l.number.Cmp(d.base) < 0 || l.number.Cmp(d.number) >= 0 {
			continue
		}
		if d.flaw == "" && d.stale(r.q.Time) == "" && r.madeBy(d, signer) {
			return d
		}
	}
	return nil
}

// madeBy is signedBy, once for each pair.
func (r *run) madeBy(l *CRL, signer *cert.Certificate) bool {
	k := signature{l, signer}
	made, ok := r.signed[k]
	if !ok {
		made = l.signedBy(signer) == ""
		r.signed[k] = made
	}
	return made
}

// CheckImport reports whether l may be kept for issuer, in place of stored (nil: there is none): issuer names it, made
// its signature and may sign lists; it has a number and no critical extension that is not understood; its number is
// not lower than that of stored, and with the same number it is not older; it is a delta list only if stored is one.
// Whether it has expired is judged when it is used. Every refusal is ErrCRLImportFailed and says why.
func CheckImport(l *CRL, issuer *cert.Certificate, stored *CRL) error {
	refuse := func(format string, args ...any) error {
		return claviger.Errorf(claviger.ErrCRLImportFailed, "import revocation list", format, args...)
	}
	if why := l.signedBy(issuer); why != "" {
		return refuse("%s", why)
	}
	if l.flaw != "" {
		return refuse("%s", l.flaw)
	}
	if stored == nil || stored.number == nil {
		return nil
	}
	if (l.base == nil) != (stored.base == nil) {
		return refuse("a delta list and a complete list do not replace each other")
	}
	switch n := l.number.Cmp(stored.number); {
	case n < 0:
		return refuse("its number %s is lower than %s, that of the list in place", l.Info().Number, stored.Info().Number)
	case n == 0 && l.thisUpdate.Before(stored.thisUpdate):
		return refuse("it has the number of the list in place and is older")
	}
	return nil
}
