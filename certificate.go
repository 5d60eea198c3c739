package claviger

// Verdict is the result of a certificate verification. It is a result, not an error: an error means that verification
// could not run. The numbers travel.
type Verdict uint8

// The verdicts.
const (
	Valid                       Verdict = iota // a path to an anchor stands and nothing on it is revoked
	Expired                                    // a certificate of the path has expired at the time asked for
	NotYetValid                                // a certificate of the path is not valid yet
	Revoked                                    // a certificate of the path is revoked
	RevocationStatusUnavailable                // nothing usable says whether a certificate is revoked
	NoRootFound                                // the chain is complete but ends outside the trust store
	ChainIncomplete                            // an issuer is missing
	SignatureInvalid                           // the named issuer did not sign this
	InvalidPurpose                             // usage, constraint or profile forbids this use; the detail says which
)

// String gives the verdict's name in the S-CORE crypto API.
func (v Verdict) String() string {
	return word([]string{"Valid", "Expired", "NotYetValid", "Revoked", "RevocationStatusUnavailable", "NoRootFound",
		"ChainIncomplete", "SignatureInvalid", "InvalidPurpose"}, int(v))
}

// RevocationPolicy says what a verification consults. The numbers travel. The OCSP policies answer
// ErrUnsupportedOperation for now.
type RevocationPolicy uint8

// The revocation policies.
const (
	NoRevocation RevocationPolicy = iota
	CRLOnly
	OCSPOnly
	OCSPWithCRLFallback
)

// String gives the policy's words.
func (p RevocationPolicy) String() string {
	return word([]string{"none", "crl-only", "ocsp-only", "ocsp-with-crl-fallback"}, int(p))
}

// CoveragePolicy says what happens where no revocation data covers an issuer. The zero value fails closed.
type CoveragePolicy uint8

// The coverage policies.
const (
	FailClosed CoveragePolicy = iota // RevocationStatusUnavailable
	BestEffort                       // carry on
)

// String gives the policy's words.
func (p CoveragePolicy) String() string { return word([]string{"fail-closed", "best-effort"}, int(p)) }
