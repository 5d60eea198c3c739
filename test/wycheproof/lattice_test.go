package wycheproof

import (
	"bytes"

	"github.com/cloudflare/circl/kem"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/primitive/mldsamu"
	"github.com/claviger/claviger/internal/provider"
)

// The reasons for which lattice vectors are refused.
const (
	noContext = "a context string"
	noMu      = "a message representative in place of the message"
)

// privateKey imports a raw private key, the seed or the expanded one, and holds that its public half is the expected one, if any is.
func (r *rig) privateKey(name claviger.Algorithm, private, public []byte) (provider.Key, error) {
	k, err := r.decode(claviger.Raw, name, claviger.PrivateKey, private)
	if err != nil || public == nil {
		return k, err
	}
	spki, err := k.Public()
	if err != nil {
		return nil, err
	}
	raw, err := algorithm.Encode(claviger.Raw, name, claviger.PublicKey, spki)
	return k, unequal(raw, public, err)
}

// openMLKEM decapsulates with the key of a seed, or with an expanded one.
func openMLKEM(r *rig, _ *file, g *group) (check, string) {
	name := claviger.Algorithm(g.ParameterSet)
	return func(v *vector) verdict {
		private := v.Seed
		if private == nil {
			private = v.Dk
		}
		k, err := r.privateKey(name, private, v.Ek)
		if err != nil {
			return verdict{err: err}
		}
		made, _, err := k.KeyOp(r.ctx, provider.Decapsulate, &provider.Params{Algorithm: name, Peer: v.C})
		if err != nil {
			return verdict{err: err}
		}
		return verdict{err: r.same(made, v.K)}
	}, ""
}

func openMLKEMKey(r *rig, _ *file, g *group) (check, string) {
	return func(v *vector) verdict {
		_, err := r.privateKey(claviger.Algorithm(g.ParameterSet), v.Seed, v.Ek)
		return verdict{err: err}
	}, ""
}

// openMLKEMEncapsulate imports the public key as the provider does. The randomness that the vectors fix goes to the key's
// own library, since nothing above it takes any.
func openMLKEMEncapsulate(r *rig, _ *file, g *group) (check, string) {
	name := claviger.Algorithm(g.ParameterSet)
	row, reason := find(name, algorithm.FamilyKey)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		material, _, err := algorithm.DecodeAs(claviger.Raw, name, claviger.PublicKey, v.Ek)
		if err != nil {
			return verdict{err: err}
		}
		if _, err := r.load(name, claviger.PublicKey, material); err != nil {
			return verdict{err: err}
		}
		parsed, err := row.ParsePublic(material)
		if err != nil {
			return verdict{err: err}
		}
		public := parsed.(kem.PublicKey)
		ciphertext, secret, err := public.Scheme().EncapsulateDeterministically(public, v.M)
		return verdict{err: unequal(append(ciphertext, secret...), append(bytes.Clone(v.C), v.K...), err)}
	}, ""
}

func openMLDSA(r *rig, f *file, g *group) (check, string) {
	name := claviger.Algorithm(f.Algorithm)
	row, reason := find(name, algorithm.FamilySignature)
	if reason != "" {
		return nil, reason
	}
	public, err := r.decode(claviger.Raw, name, claviger.PublicKey, octets(g.PublicKey))
	if err != nil {
		return failing(err)
	}
	verify := r.verifier(row, public, false)
	return func(v *vector) verdict {
		got := verify(v)
		if len(v.Ctx) != 0 {
			got.design = noContext
		}
		return got
	}, ""
}

// openMLDSASign signs with the key of a seed, or with an expanded one. Signatures are randomised here, so that the expected one
// cannot come out: it must verify, and so must another. With an expanded key the primitive gives the expected one, also where
// it has a context or no message.
func openMLDSASign(r *rig, f *file, g *group) (check, string) {
	name := claviger.Algorithm(f.Algorithm)
	row, reason := find(name, algorithm.FamilySignature)
	if reason != "" {
		return nil, reason
	}
	private, expanded := []byte(g.PrivateSeed), g.PrivateSeed == nil
	if expanded {
		private = octets(g.PrivateKey)
	}
	k, err := r.privateKey(name, private, octets(g.PublicKey))
	if err != nil {
		return failing(err)
	}
	verify := r.verifier(row, k, false)
	return func(v *vector) verdict {
		if expanded && v.Mu != nil {
			if err := signMu(name, private, v); err != nil || v.Msg == nil || len(v.Ctx) != 0 {
				return verdict{err: err}
			}
		}
		if v.Msg == nil {
			_, err := k.OneShot(r.ctx, provider.VerifyDigest, &provider.Params{Algorithm: row.Name, Signature: v.Sig}, nil, v.Mu)
			return verdict{err: err, design: noMu}
		}
		got := verify(v)
		if len(v.Ctx) != 0 {
			return verdict{err: got.err, design: noContext}
		}
		if got.err != nil {
			return got
		}
		own := *v
		own.Sig, got.err = k.OneShot(r.ctx, provider.Sign, &provider.Params{Algorithm: row.Name}, nil, v.Msg)
		if got.err != nil {
			return got
		}
		return verify(&own)
	}, ""
}

// signMu signs a message representative with an expanded key. Without randomness the variant is the deterministic one.
func signMu(name claviger.Algorithm, private []byte, v *vector) error {
	parameters := map[claviger.Algorithm]mldsamu.Parameters{"ML-DSA-44": mldsamu.MLDSA44(), "ML-DSA-65": mldsamu.MLDSA65(), "ML-DSA-87": mldsamu.MLDSA87()}
	random := []byte(v.Rnd)
	if random == nil {
		random = make([]byte, mldsamu.RandomSize)
	}
	signature, ok := parameters[name].Sign(private, v.Mu, random)
	if !ok {
		return errWrong
	}
	return unequal(signature, v.Sig, nil)
}
