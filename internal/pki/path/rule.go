package path

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/claviger/claviger/internal/pki/cert"
)

// checkProfile refuses certificates that contradict themselves or RFC 5280, 4 in ways that no honest CA needs.
func checkProfile(chain []*cert.Certificate) *fault {
	for i, c := range chain {
		if why := profileFlaw(c, i > 0 && i == len(chain)-1); why != "" {
			return forbidden(i, why)
		}
	}
	return nil
}

// profileFlaw returns what is wrong with c, "" if nothing is. An anchor is trusted by decision: its serial number is
// nobody's business.
func profileFlaw(c *cert.Certificate, anchor bool) string {
	x := c.X509()
	ca := c.IsCA()
	key, isRSA := x.PublicKey.(*rsa.PublicKey)
	switch {
	case c.Issuer().Empty() || ca && c.Subject().Empty():
		return "a CA without a name"
	case !ca && c.Constraints() != nil:
		return "name constraints in a certificate that is no CA"
	case !ca && x.KeyUsage&x509.KeyUsageCertSign != 0:
		return "keyUsage allows keyCertSign and basicConstraints do not say CA"
	case ca && !c.Allows(x509.KeyUsageCertSign|x509.KeyUsageCRLSign): // also one without any bit: the builder lets it pass
		return "a CA whose keyUsage allows neither keyCertSign nor cRLSign"
	case c.EmptyExtKeyUsage():
		return "an extKeyUsage extension without any purpose"
	case !anchor && x.SerialNumber.Sign() <= 0:
		return "the serial number is not positive"
	case !anchor && x.SerialNumber.BitLen() > 8*20-1:
		return "the serial number has more than 20 bytes"
	case c.Lattice() && x.KeyUsage&(x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment|x509.KeyUsageKeyAgreement) != 0:
		return "keyUsage gives an ML-DSA key uses that it cannot have" // RFC 9881, 5
	case isRSA && key.N.BitLen() < cert.MinRSABits:
		return fmt.Sprintf("an RSA key of %d bits; at least %d", key.N.BitLen(), cert.MinRSABits)
	}
	return ""
}

// checkLengths counts the intermediates that are not self-issued below each CA (RFC 5280, 6.1.4 (l), (m)), and in all.
func (v *verifier) checkLengths(chain []*cert.Certificate) *fault {
	below := 0
	for i := 1; i < len(chain); i++ {
		x := chain[i].X509()
		if x.BasicConstraintsValid && x.MaxPathLen >= 0 && below > x.MaxPathLen {
			return forbidden(i, fmt.Sprintf("%d intermediates below a CA whose pathLenConstraint is %d", below, x.MaxPathLen))
		}
		if i < len(chain)-1 && !chain[i].SelfIssued() {
			below++
		}
	}
	if limit := v.req.maxDepth(); below > limit {
		return forbidden(-1, fmt.Sprintf("%d intermediates; the limit is %d", below, limit))
	}
	return nil
}

// checkPurposes holds the wanted purposes against every certificate below the anchor that names purposes, and against
// the anchor, too: a purpose must be allowed all the way down. The leaf's keyUsage must be able to serve it.
func (v *verifier) checkPurposes(chain []*cert.Certificate) *fault {
	if len(v.req.Purposes) == 0 || slices.Contains(v.req.Purposes, x509.ExtKeyUsageAny) {
		return nil
	}
	left := slices.Clone(v.req.Purposes)
	for i := len(chain) - 1; i >= 0; i-- {
		x := chain[i].X509()
		unrestricted := len(x.ExtKeyUsage) == 0 && len(x.UnknownExtKeyUsage) == 0 || slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageAny)
		left = slices.DeleteFunc(left, func(p x509.ExtKeyUsage) bool {
			return !unrestricted && !slices.Contains(x.ExtKeyUsage, p) || i == 0 && !canServe(chain[i], p)
		})
		if len(left) == 0 {
			return forbidden(i, "the purposes that it is issued for do not hold the one asked for")
		}
	}
	return nil
}

// canServe reports whether c's keyUsage can serve a purpose (RFC 5280, 4.2.1.12).
func canServe(c *cert.Certificate, purpose x509.ExtKeyUsage) bool {
	const sign, commit = x509.KeyUsageDigitalSignature, x509.KeyUsageContentCommitment
	const encipher, agree = x509.KeyUsageKeyEncipherment, x509.KeyUsageKeyAgreement
	var need x509.KeyUsage
	switch purpose {
	case x509.ExtKeyUsageServerAuth:
		need = sign | encipher | agree
	case x509.ExtKeyUsageClientAuth:
		need = sign | agree
	case x509.ExtKeyUsageCodeSigning:
		need = sign
	case x509.ExtKeyUsageEmailProtection:
		need = sign | commit | encipher | agree
	case x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageOCSPSigning:
		need = sign | commit
	}
	return need == 0 || c.Allows(need)
}
