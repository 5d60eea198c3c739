package algorithm

import (
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// TwoForms reports whether signatures of the row come as DER too: those of ECDSA.
func (r *Row) TwoForms() bool {
	switch r.impl.sign.(type) {
	case ecdsaSigner, k256Signer:
		return true
	}
	return false
}

// SignatureToDER gives the ASN.1 form (RFC 3279 section 2.2.3) of a signature r ‖ s of
// Size bytes. ErrUnsupportedOperation if the row has no such form, ErrInvalidFormat for
// another length.
func (r *Row) SignatureToDER(signature []byte) ([]byte, error) {
	if !r.TwoForms() {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "signature", "%s has no DER form", r.Name)
	}
	if len(signature) != r.Size {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "signature", "a signature of %s has %d bytes, not %d", r.Name, r.Size, len(signature))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[:r.Size/2]))
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[r.Size/2:]))
	})
	return b.Bytes()
}

// SignatureFromDER is the reverse of SignatureToDER, strict DER: ErrInvalidFormat for all
// else, and for numbers that are negative or too long.
func (r *Row) SignatureFromDER(der []byte) ([]byte, error) {
	if !r.TwoForms() {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "signature", "%s has no DER form", r.Name)
	}
	in, body := cryptobyte.String(der), cryptobyte.String(nil)
	var first, second big.Int
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(&first) || !body.ReadASN1Integer(&second) || !body.Empty() ||
		first.Sign() < 0 || second.Sign() < 0 || max(first.BitLen(), second.BitLen()) > r.Size/2*8 {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "signature", "not a DER signature of %s", r.Name)
	}
	out := make([]byte, r.Size)
	first.FillBytes(out[:r.Size/2])
	second.FillBytes(out[r.Size/2:])
	return out, nil
}
