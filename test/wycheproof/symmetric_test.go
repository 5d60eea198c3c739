package wycheproof

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"hash"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/primitive/kmac"
	"github.com/claviger/claviger/internal/provider"
)

// aeadName gives the row for an AEAD with keys of size bits.
func aeadName(alg string, size int) claviger.Algorithm {
	switch alg {
	case "AES-GCM", "AES-GMAC":
		return claviger.Algorithm(fmt.Sprintf("AES-%d-GCM", size))
	case "AES-GCM-SIV":
		return claviger.Algorithm(fmt.Sprintf("AES-%d-GCM-SIV", size))
	case "AEAD-AES-SIV-CMAC", "AES-SIV-CMAC":
		return claviger.Algorithm(fmt.Sprintf("AES-%d-SIV", size/2))
	case "ASCON-AEAD128":
		return "ASCON-AEAD"
	}
	return claviger.Algorithm(alg)
}

func openAEAD(r *rig, f *file, g *group) (check, string) {
	row, reason := find(aeadName(f.Algorithm, g.KeySize), algorithm.FamilyAEAD)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		sealed := append(bytes.Clone(v.Ct), v.Tag...)
		if f.Algorithm == "AEAD-AES-SIV-CMAC" && len(v.Iv) != row.IV {
			return verdict{err: bareAEAD(row, v.Key, v.Iv, v.Aad, v.Msg, sealed)}
		}
		design := ""
		if len(v.Iv) != row.IV {
			design = fmt.Sprintf("a nonce of another length than %d bytes", row.IV)
		}
		k, err := r.load(row.Keys[0], claviger.SecretKey, v.Key)
		if err != nil {
			return verdict{err: err}
		}
		return verdict{err: both(r, k, &provider.Params{Algorithm: row.Name, IV: v.Iv, AAD: v.Aad}, v.Msg, sealed), design: design}
	}, ""
}

// both encrypts and decrypts. A vector that does not decrypt is refused, whatever encryption gives.
func both(r *rig, k provider.Key, p *provider.Params, message, sealed []byte) error {
	got, err := k.OneShot(r.ctx, provider.Decrypt, p, nil, sealed)
	if err != nil {
		return err
	}
	again, err := k.OneShot(r.ctx, provider.Encrypt, p, nil, message)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, message) || !bytes.Equal(again, sealed) {
		return errWrong
	}
	return nil
}

// bareAEAD is both on the row itself, for nonces that no caller of a provider can give.
func bareAEAD(row *algorithm.Row, key, nonce, additional, message, sealed []byte) error {
	if k, ok := algorithm.Lookup(row.Keys[0], algorithm.FamilyKey); !ok || len(key) != k.KeySize {
		return errWrong
	}
	var a cipher.AEAD
	a, err := row.NewAEAD(key)
	if err != nil {
		return err
	}
	got, err := a.Open(nil, nonce, sealed, additional)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, message) || !bytes.Equal(a.Seal(nil, nonce, message, additional), sealed) {
		return errWrong
	}
	return nil
}

// openSIV is AES-SIV without a nonce. The vectors have the synthetic IV first.
func openSIV(_ *rig, f *file, g *group) (check, string) {
	row, reason := find(aeadName(f.Algorithm, g.KeySize), algorithm.FamilyAEAD)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		if len(v.Ct) < row.Tag {
			return verdict{err: errWrong}
		}
		return verdict{err: bareAEAD(row, v.Key, nil, v.Aad, v.Msg, append(bytes.Clone(v.Ct[row.Tag:]), v.Ct[:row.Tag]...))}
	}, ""
}

func openCipher(r *rig, f *file, g *group) (check, string) {
	if f.Algorithm != "AES-CBC-PKCS5" {
		return nil, f.Algorithm + " is not offered"
	}
	row, reason := find(claviger.Algorithm(fmt.Sprintf("AES-%d-CBC", g.KeySize)), algorithm.FamilyCipher)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		k, err := r.load(row.Keys[0], claviger.SecretKey, v.Key)
		if err != nil {
			return verdict{err: err}
		}
		return verdict{err: both(r, k, &provider.Params{Algorithm: row.Name, IV: v.Iv}, v.Msg, v.Ct)}
	}, ""
}

// macName gives the row for a code with keys of size bits.
func macName(alg string, size int) claviger.Algorithm {
	switch alg {
	case "HMACSHA256", "HMACSHA384", "HMACSHA512":
		return claviger.Algorithm("HMAC-SHA-" + alg[len("HMACSHA"):])
	case "HMACSHA3-256", "HMACSHA3-384", "HMACSHA3-512":
		return claviger.Algorithm("HMAC-" + alg[len("HMAC"):])
	case "AES-CMAC":
		return claviger.Algorithm(fmt.Sprintf("AES-%d-CMAC", size))
	case "KMAC128", "KMAC256":
		return claviger.Algorithm("KMAC-" + alg[len("KMAC"):])
	}
	return claviger.Algorithm(alg)
}

func openMAC(r *rig, f *file, g *group) (check, string) {
	if f.Algorithm == "AES-CMAC" && g.KeySize != 128 && g.KeySize != 192 && g.KeySize != 256 {
		return func(v *vector) verdict { // every key of another length is invalid
			_, err := r.load("AES-128", claviger.SecretKey, v.Key)
			return verdict{err: err}
		}, ""
	}
	row, reason := find(macName(f.Algorithm, g.KeySize), algorithm.FamilyMAC)
	if reason != "" {
		return nil, reason
	}
	size := g.TagSize / 8
	return func(v *vector) verdict {
		var code []byte
		var err error
		if f.Algorithm == "KMAC128" || f.Algorithm == "KMAC256" {
			code, err = r.kmac(row, v, size)
		} else {
			code, err = r.code(row, v)
		}
		if err == nil && !bytes.Equal(code[:size], v.Tag) {
			err = errWrong
		}
		return verdict{err: err}
	}, ""
}

// code runs the row; callers cut codes short themselves.
func (r *rig) code(row *algorithm.Row, v *vector) ([]byte, error) {
	k, err := r.load(row.Keys[0], claviger.SecretKey, v.Key)
	if err != nil {
		return nil, err
	}
	return k.OneShot(r.ctx, provider.MAC, &provider.Params{Algorithm: row.Name}, nil, v.Msg)
}

// kmac runs the row, or its primitive where the length of the code, which changes all of it, is another.
func (r *rig) kmac(row *algorithm.Row, v *vector, size int) ([]byte, error) {
	if size == row.Size {
		return r.code(row, v)
	}
	var h hash.Hash
	var err error
	if row.Name == "KMAC-128" {
		h, err = kmac.New128(v.Key, size, nil)
	} else {
		h, err = kmac.New256(v.Key, size, nil)
	}
	if err != nil {
		return nil, err
	}
	h.Write(v.Msg)
	return h.Sum(nil), nil
}

// openGMAC is AES-GCM of nothing, the message as associated data.
func openGMAC(r *rig, f *file, g *group) (check, string) {
	if f.Algorithm != "AES-GMAC" {
		return nil, f.Algorithm + " is not offered"
	}
	try, reason := openAEAD(r, f, g)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		as := *v
		as.Aad, as.Msg, as.Ct = v.Msg, nil, nil
		return try(&as)
	}, ""
}

func openHKDF(r *rig, f *file, _ *group) (check, string) {
	row, reason := find(claviger.Algorithm(f.Algorithm), algorithm.FamilyKDF)
	if reason != "" {
		return nil, reason
	}
	return func(v *vector) verdict {
		k, err := r.load(algorithm.Generic, claviger.SecretKey, v.Ikm)
		if err != nil {
			return verdict{err: err}
		}
		design := ""
		if secret, _ := algorithm.Lookup(algorithm.Generic, algorithm.FamilyKey); v.Size > secret.MaxKey {
			design = fmt.Sprintf("a derived secret of more than %d bytes", secret.MaxKey)
		}
		made, _, err := k.KeyOp(r.ctx, provider.Derive, &provider.Params{Algorithm: row.Name, Result: provider.Spec{Algorithm: algorithm.Generic},
			KDF: &provider.KDF{Salt: v.Salt, Info: v.Info, Size: v.Size}})
		if err != nil {
			return verdict{err: err, design: design}
		}
		return verdict{err: r.same(made, v.Okm), design: design}
	}, ""
}

// same compares a key with expected bytes.
func (r *rig) same(k provider.Key, want []byte) error {
	defer k.Close()
	got, err := k.Export(r.ctx)
	if err != nil {
		return err
	}
	defer got.Close()
	if !got.Equal(want) {
		return errWrong
	}
	return nil
}
