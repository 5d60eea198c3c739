package algorithm

import (
	"crypto"
	"crypto/elliptic"
	"strings"

	"github.com/claviger/claviger"
	"gitlab.com/yawning/secp256k1-voi/secec"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The first bytes of encoded points (SEC 1 section 2.3.3).
const (
	compressedEven byte = 2
	compressedOdd  byte = 3
	uncompressed   byte = 4
)

// Curve gives the prime curve of a key row, such as "P256" or "K256", "" for other rows.
func (r *Row) Curve() string {
	for _, prefix := range []string{"ECDSA-", "ECDH-"} {
		if curve, ok := strings.CutPrefix(string(r.Name), prefix); ok && r.Family == FamilyKey {
			return curve
		}
	}
	return ""
}

// ParsePoint reads a public key of a row with a Curve from its point, compressed or
// uncompressed (SEC 1 section 2.3.4); neither the hybrid forms nor infinity.
// ErrInvalidFormat for all else.
func (r *Row) ParsePoint(point []byte) (crypto.PublicKey, error) {
	malformed := claviger.Errorf(claviger.ErrInvalidFormat, op, "not a point of %s", r.Name)
	size := (r.Bits + 7) / 8
	if r.Curve() == "" || len(point) == 0 {
		return nil, malformed
	}
	switch point[0] {
	case uncompressed:
		return r.ParseRaw(claviger.PublicKey, point)
	case compressedEven, compressedOdd:
		if len(point) == 1+size {
			break
		}
		fallthrough
	default:
		return nil, malformed
	}
	full := expandPoint(r.Curve(), point)
	if full == nil {
		return nil, malformed
	}
	return r.ParseRaw(claviger.PublicKey, full)
}

// expandPoint gives the uncompressed form of a compressed point, nil if it is not on the
// curve.
func expandPoint(name string, point []byte) []byte {
	if name == "K256" {
		if key, err := secec.NewPublicKey(point); err == nil {
			return key.Bytes()
		}
		return nil
	}
	for _, c := range curves() {
		if string(c.name) != name {
			continue
		}
		x, y := elliptic.UnmarshalCompressed(c.sign, point)
		if x == nil {
			return nil
		}
		full := make([]byte, 1+2*c.size())
		full[0] = uncompressed
		x.FillBytes(full[1 : 1+c.size()])
		y.FillBytes(full[1+c.size():])
		return full
	}
	return nil
}

// CompressPoint gives the compressed point of a public key of a row with a Curve (SEC 1
// section 2.3.3). The caller owns it.
func (r *Row) CompressPoint(key crypto.PublicKey) ([]byte, error) {
	full, err := r.MarshalRaw(claviger.PublicKey, key)
	if err != nil {
		return nil, err
	}
	size := (len(full) - 1) / 2
	full[0] = compressedEven | full[len(full)-1]&1
	return full[: 1+size : 1+size], nil
}

// compressedIn gives the point of a SubjectPublicKeyInfo (RFC 5480 section 2.2) if it is
// a compressed one, which package x509 does not read; else nil.
func compressedIn(der []byte) []byte {
	in := cryptobyte.String(der)
	var outer, id cryptobyte.String
	var point []byte
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&id, cbasn1.SEQUENCE) ||
		!outer.ReadASN1BitStringAsBytes(&point) || !outer.Empty() || len(point) == 0 {
		return nil
	}
	if point[0] == compressedEven || point[0] == compressedOdd {
		return point
	}
	return nil
}
