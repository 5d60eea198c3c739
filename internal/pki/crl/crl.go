package crl

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/claviger/claviger/internal/pki/cert"
)

// CRL is a parsed revocation list. It does not change and is safe for concurrent use. Its entries are indexed, so that
// a look-up does not depend on their number.
type CRL struct {
	raw        []byte
	signed     cert.Signed
	issuer     cert.Name
	thisUpdate time.Time
	nextUpdate time.Time // zero if absent
	number     *big.Int  // nil if there is no cRLNumber
	base       *big.Int  // of a delta list: the number of its base; else nil
	keyID      []byte    // contents of authorityKeyIdentifier; nil if absent
	scope      scope
	flaw       string // why the list can never be used; "" if it can
	entries    map[entryKey]entry
	sum        [sha256.Size]byte
}

// entryKey names a certificate: the Key of its issuer, and its serial number as two's complement bytes.
type entryKey struct{ issuer, serial string }

// entry is what a list says about one certificate.
type entry struct {
	at     int64 // revocation date, seconds since 1970
	reason Reason
}

// Reason is a reason code (RFC 5280, 5.3.1).
type Reason uint8

// The reason codes that are named here.
const (
	Unspecified   Reason = 0
	Hold          Reason = 6
	RemoveFromCRL Reason = 8
)

// String gives the code's name in RFC 5280.
func (r Reason) String() string {
	words := [...]string{"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise"}
	if int(r) >= len(words) || words[r] == "" {
		return "unknown reason"
	}
	return words[r]
}

// Info describes a list to people and programs.
type Info struct {
	Issuer      string    `json:"issuer"`      // RFC 4514
	Number      string    `json:"number"`      // upper-case hexadecimal; "" if the list has none
	ThisUpdate  time.Time `json:"this_update"` // UTC
	NextUpdate  time.Time `json:"next_update"` // UTC; zero if the list has none, and then it is never usable
	Entries     int       `json:"entries"`
	Delta       bool      `json:"delta"`
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the DER form, upper-case hexadecimal
}

// Info describes the list.
func (c *CRL) Info() Info {
	i := Info{Issuer: c.issuer.String(), ThisUpdate: c.thisUpdate, NextUpdate: c.nextUpdate, Entries: len(c.entries),
		Delta: c.base != nil, Fingerprint: cert.Hex(c.sum[:])}
	if c.number != nil {
		i.Number = cert.Hex(c.number.Bytes())
	}
	return i
}

// Issuer returns the name of the list's issuer.
func (c *CRL) Issuer() cert.Name { return c.issuer }

// Number returns a copy of the cRLNumber, nil if there is none.
func (c *CRL) Number() *big.Int {
	if c.number == nil {
		return nil
	}
	return new(big.Int).Set(c.number)
}

// ThisUpdate returns the time of issue.
func (c *CRL) ThisUpdate() time.Time { return c.thisUpdate }

// NextUpdate returns the time by which the next list comes; ok is false if the list does not say.
func (c *CRL) NextUpdate() (t time.Time, ok bool) { return c.nextUpdate, !c.nextUpdate.IsZero() }

// DER returns a copy of the list's bytes.
func (c *CRL) DER() []byte { return bytes.Clone(c.raw) }

// PEM returns the list as one PEM block (RFC 7468).
func (c *CRL) PEM() []byte { return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: c.raw}) }

// Fingerprint returns the SHA-256 digest of the DER form.
func (c *CRL) Fingerprint() [sha256.Size]byte { return c.sum }

// Expired reports whether the list's nextUpdate lies before t. A list without one has not expired; it is unusable.
func (c *CRL) Expired(t time.Time) bool { return !c.nextUpdate.IsZero() && c.nextUpdate.Before(t) }

// signedBy reports "" if signer's key made the list and may sign lists, or else what is wrong (RFC 5280, 6.3.3 (f)
// and (g)).
func (c *CRL) signedBy(signer *cert.Certificate) string {
	if !signer.Subject().Equal(c.issuer) {
		return "the signer has another name"
	}
	if !signer.Allows(x509.KeyUsageCRLSign) {
		return "the signer's keyUsage lacks cRLSign"
	}
	if err := cert.CheckSignature(signer, c.signed); err != nil {
		return err.Error()
	}
	return ""
}

// stale reports "" if t lies in the list's window, or else what is wrong. Both ends belong to the window.
func (c *CRL) stale(t time.Time) string {
	switch {
	case t.Before(c.thisUpdate):
		return "thisUpdate " + c.thisUpdate.Format(time.RFC3339) + " lies in the future"
	case c.nextUpdate.IsZero():
		return "it has no nextUpdate"
	case t.After(c.nextUpdate):
		return "nextUpdate " + c.nextUpdate.Format(time.RFC3339) + " has passed"
	}
	return ""
}

// find looks a certificate up. ok is false if the list does not name it.
func (c *CRL) find(k entryKey) (entry, bool) {
	e, ok := c.entries[k]
	return e, ok
}

// keyOf names a certificate in the way entries are named.
func keyOf(c *cert.Certificate) entryKey {
	return entryKey{issuer: c.Issuer().Key(), serial: serialKey(c.X509().SerialNumber)}
}

// serialKey gives a serial number as a map key. Negative ones exist in old certificates and are not their opposites.
func serialKey(n *big.Int) string {
	if n.Sign() < 0 {
		return "-" + string(n.Bytes())
	}
	return "+" + string(n.Bytes())
}
