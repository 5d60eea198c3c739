package wycheproof

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// curveName gives our name of a curve, "" if it is not offered.
func curveName(name string) claviger.Algorithm {
	return map[string]claviger.Algorithm{"secp256r1": "P256", "secp384r1": "P384", "secp521r1": "P521", "secp256k1": "K256"}[name]
}

// ecdh finds the row of a curve and the length of its scalars in bytes.
func ecdh(g *group) (row *algorithm.Row, size int, reason string) {
	curve := curveName(g.Curve)
	if curve == "" {
		return nil, 0, "the curve " + g.Curve + " is not offered"
	}
	row, reason = find("ECDH-"+curve, algorithm.FamilyAgreement)
	if reason != "" {
		return nil, 0, reason
	}
	return row, row.Size, ""
}

// agree compares the shared secret of two keys.
func (r *rig) agree(row *algorithm.Row, private provider.Key, peer []byte, want []byte) error {
	made, _, err := private.KeyOp(r.ctx, provider.Agree, &provider.Params{Algorithm: row.Name, Peer: peer})
	if err != nil {
		return err
	}
	return r.same(made, want)
}

// scalar brings an integer to a length; one that does not fit stays as it is.
func scalar(b []byte, size int) []byte {
	for len(b) > size && b[0] == 0 {
		b = b[1:]
	}
	if len(b) >= size {
		return b
	}
	return append(make([]byte, size-len(b)), b...)
}

func openECDH(r *rig, _ *file, g *group) (check, string) {
	row, size, reason := ecdh(g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		k, err := r.decode(claviger.Raw, row.Name, claviger.PrivateKey, scalar(octets(v.Private), size))
		if err != nil {
			return verdict{err: err}
		}
		return verdict{err: r.agree(row, k, octets(v.Public), v.Shared)}
	}, ""
}

// openPoint has the peer's key as a bare point.
func openPoint(r *rig, _ *file, g *group) (check, string) {
	row, size, reason := ecdh(g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		point := octets(v.Public)
		design := ""
		if len(point) == 1+size && (point[0] == 2 || point[0] == 3) {
			design = "a compressed point"
		}
		k, err := r.decode(claviger.Raw, row.Name, claviger.PrivateKey, scalar(octets(v.Private), size))
		if err != nil {
			return verdict{err: err}
		}
		peer, _, err := algorithm.DecodeAs(claviger.Raw, row.Name, claviger.PublicKey, point)
		if err != nil {
			return verdict{err: err, design: design}
		}
		return verdict{err: r.agree(row, k, peer, v.Shared), design: design}
	}, ""
}

func openECDHPEM(r *rig, _ *file, g *group) (check, string) {
	row, _, reason := ecdh(g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict { return verdict{err: r.agreePEM(row, v)} }, ""
}

func (r *rig) agreePEM(row *algorithm.Row, v *vector) error {
	k, err := r.decode(claviger.PEM, row.Name, claviger.PrivateKey, []byte(text(v.Private)))
	if err != nil {
		return err
	}
	peer, _, err := algorithm.DecodeAs(claviger.PEM, row.Name, claviger.PublicKey, []byte(text(v.Public)))
	if err != nil {
		return err
	}
	return r.agree(row, k, peer, v.Shared)
}

// xdh finds X25519 or X448.
func xdh(g *group) (*algorithm.Row, string) {
	name := map[string]claviger.Algorithm{"curve25519": "X25519", "curve448": "X448"}[g.Curve]
	return find(name, algorithm.FamilyAgreement)
}

func openXDH(r *rig, _ *file, g *group) (check, string) {
	row, reason := xdh(g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		k, err := r.decode(claviger.Raw, row.Name, claviger.PrivateKey, octets(v.Private))
		if err != nil {
			return verdict{err: err}
		}
		peer, _, err := algorithm.DecodeAs(claviger.Raw, row.Name, claviger.PublicKey, octets(v.Public))
		if err != nil {
			return verdict{err: err}
		}
		return verdict{err: r.agree(row, k, peer, v.Shared)}
	}, ""
}

func openXDHDER(r *rig, _ *file, g *group) (check, string) {
	row, reason := xdh(g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		k, err := r.decode(claviger.DER, row.Name, claviger.PrivateKey, octets(v.Private))
		if err != nil {
			return verdict{err: err}
		}
		return verdict{err: r.agree(row, k, octets(v.Public), v.Shared)}
	}, ""
}

func openXDHPEM(r *rig, _ *file, g *group) (check, string) {
	row, reason := xdh(g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict { return verdict{err: r.agreePEM(row, v)} }, ""
}
