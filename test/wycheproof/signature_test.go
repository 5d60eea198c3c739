package wycheproof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// verifier tries signatures by one public key.
func (r *rig) verifier(row *algorithm.Row, key provider.Key, der bool) check {
	return func(v *vector) verdict {
		_, err := key.OneShot(r.ctx, provider.Verify, &provider.Params{Algorithm: row.Name, Signature: v.Sig, DER: der}, nil, v.Msg)
		return verdict{err: err}
	}
}

// failing is the check of a group whose key is refused.
func failing(err error) (check, string) {
	return func(*vector) verdict { return verdict{err: fmt.Errorf("the key: %w", err)} }, ""
}

func openECDSA(r *rig, _ *file, g *group) (check, string) {
	var key struct{ Curve string }
	if err := json.Unmarshal(g.PublicKey, &key); err != nil {
		return failing(err)
	}
	curve := curveName(key.Curve)
	if curve == "" {
		return nil, "the curve " + key.Curve + " is not offered"
	}
	row, reason := find("ECDSA-"+curve+"-"+claviger.Algorithm(g.Sha), algorithm.FamilySignature)
	if reason != "" {
		return nil, reason
	}
	public, err := r.decode(claviger.DER, "ECDSA-"+curve, claviger.PublicKey, g.PublicKeyDer)
	if err != nil {
		return failing(err)
	}
	return r.verifier(row, public, g.Type == "EcdsaVerify"), ""
}

func openEdDSA(r *rig, _ *file, g *group) (check, string) {
	name, _, err := algorithm.Identify(g.PublicKeyDer)
	if err != nil {
		return failing(err)
	}
	row, reason := find(name, algorithm.FamilySignature)
	if reason != "" {
		return nil, reason
	}
	public, err := r.decode(claviger.DER, name, claviger.PublicKey, g.PublicKeyDer)
	if err != nil {
		return failing(err)
	}
	return r.verifier(row, public, false), ""
}

// rsaKey names the key algorithm, or gives the reason that there is none.
func rsaKey(g *group) (claviger.Algorithm, string) {
	row, reason := find(claviger.Algorithm(fmt.Sprintf("RSA-%d", g.KeySize)), algorithm.FamilyKey)
	if reason != "" {
		return "", reason
	}
	return row.Name, ""
}

// rsa finds row and key algorithm of a signature with RSA.
func rsa(g *group, scheme string) (*algorithm.Row, claviger.Algorithm, string) {
	key, reason := rsaKey(g)
	if reason != "" {
		return nil, "", reason
	}
	row, reason := find(claviger.Algorithm("RSA-"+scheme+"-"+g.Sha), algorithm.FamilySignature)
	return row, key, reason
}

func openPKCS1(r *rig, _ *file, g *group) (check, string) {
	row, key, reason := rsa(g, "PKCS1")
	if reason != "" {
		return nil, reason
	}
	public, err := r.decode(claviger.DER, key, claviger.PublicKey, g.PublicKeyDer)
	if err != nil {
		return failing(err)
	}
	return r.verifier(row, public, false), ""
}

func openPKCS1Sign(r *rig, _ *file, g *group) (check, string) {
	row, key, reason := rsa(g, "PKCS1")
	if reason != "" {
		return nil, reason
	}
	private, err := r.decode(claviger.DER, key, claviger.PrivateKey, g.PrivateKeyPkcs8)
	if err != nil {
		return failing(err)
	}
	verify := r.verifier(row, private, false)
	return func(v *vector) verdict {
		signature, err := private.OneShot(r.ctx, provider.Sign, &provider.Params{Algorithm: row.Name}, nil, v.Msg)
		if err == nil && !bytes.Equal(signature, v.Sig) {
			err = errWrong
		}
		if err != nil {
			return verdict{err: err}
		}
		return verify(v)
	}, ""
}

// openPSS takes the key in its plain form (RFC 8017 appendix A.1.1), whatever parameters the other form binds it to.
func openPSS(r *rig, _ *file, g *group) (check, string) {
	row, key, reason := rsa(g, "PSS")
	if reason != "" {
		return nil, reason
	}
	if g.MgfSha != g.Sha {
		return nil, "a mask made with another hash"
	}
	public, err := r.decode(claviger.DER, key, claviger.PublicKey, g.PublicKeyAsn)
	if err != nil {
		return failing(err)
	}
	verify := r.verifier(row, public, false)
	return func(v *vector) verdict {
		got := verify(v)
		if strings.HasPrefix(v.Comment, "s_len changed to ") {
			got.lenient = "taken: a right signature with a salt of another length"
		}
		return got
	}, ""
}

// openOAEP decrypts, and encrypts again. Labels, which no caller of a provider can give, go to the row itself.
func openOAEP(r *rig, _ *file, g *group) (check, string) {
	key, reason := rsaKey(g)
	if reason != "" {
		return nil, reason
	}
	row, reason := find(claviger.Algorithm("RSA-OAEP-"+g.Sha), algorithm.FamilyAsymmetric)
	if reason != "" {
		return nil, reason
	}
	if g.MgfSha != g.Sha {
		return nil, "a mask made with another hash"
	}
	keyRow, _ := algorithm.Lookup(key, algorithm.FamilyKey)
	private, err := keyRow.ParsePrivate(g.PrivateKeyPkcs8)
	if err != nil {
		return func(*vector) verdict { return verdict{err: err, design: "a key of more than two primes"} }, ""
	}
	k, err := r.load(key, claviger.PrivateKey, g.PrivateKeyPkcs8)
	if err != nil {
		return failing(err)
	}
	p := &provider.Params{Algorithm: row.Name}
	return func(v *vector) verdict {
		if len(v.Label) != 0 {
			got, err := row.Decrypt(private, nil, v.Ct, v.Label)
			return verdict{err: unequal(got, v.Msg, err)}
		}
		got, err := k.OneShot(r.ctx, provider.Decrypt, p, nil, v.Ct)
		if err := unequal(got, v.Msg, err); err != nil {
			return verdict{err: err}
		}
		again, err := k.OneShot(r.ctx, provider.Encrypt, p, nil, v.Msg)
		if err != nil {
			return verdict{err: err}
		}
		got, err = k.OneShot(r.ctx, provider.Decrypt, p, nil, again)
		return verdict{err: unequal(got, v.Msg, err)}
	}, ""
}

// unequal gives err, or errWrong if the bytes differ.
func unequal(got, want []byte, err error) error {
	if err == nil && !bytes.Equal(got, want) {
		return errWrong
	}
	return err
}
