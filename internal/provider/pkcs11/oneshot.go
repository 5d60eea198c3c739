package pkcs11

import (
	"bytes"
	"context"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// OneShot runs what the token offers with the key on one message, or for the Digest operations on its digest. Salts of RSA-PSS have
// the length of the hash; other lengths do not verify.
func (k *key) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	w, err := k.prepare(ctx, op, params)
	if err != nil {
		return dst, err
	}
	if err := k.checkLength(w.row, op, len(in)); err != nil {
		return dst, err
	}
	var out []byte
	switch w.row.Family {
	case algorithm.FamilyMAC:
		out, err = k.code(ctx, w, dst, in)
	case algorithm.FamilyCipher:
		out, err = k.cipher(ctx, w, op, params.IV, dst, in)
	case algorithm.FamilyAEAD:
		out, err = k.aead(ctx, w, op, params, dst, in)
	case algorithm.FamilyAsymmetric:
		out, err = k.asymmetric(ctx, w, op, dst, in)
	case algorithm.FamilySignature:
		out, err = k.signOrVerify(ctx, w, op, params, dst, in)
	default:
		err = claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s gives keys, not bytes", w.row.Name)
	}
	if err != nil {
		return dst, k.provider.fault(op.String(), claviger.ErrOperationFailed, err)
	}
	return out, nil
}

// prepare checks what OneShot, Begin and KeyOp have in common: the key, the algorithm, the key's half, and the parameters.
func (k *key) prepare(ctx context.Context, op provider.Op, params *provider.Params) (way, error) {
	if err := k.usable(ctx, op.String()); err != nil {
		return way{}, err
	}
	w, err := k.provider.find(op, params.Algorithm, k.spec.Algorithm)
	if err != nil {
		return way{}, err
	}
	switch n := len(params.IV); {
	case k.spec.Class == claviger.PublicKey && usageOf(op)&publicUses == 0:
		return way{}, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "a public key of %s cannot %s", k.spec.Algorithm, op)
	case n != w.row.IV:
		return way{}, ivError(w.row, op, n)
	case len(params.AAD) != 0 && w.row.Family != algorithm.FamilyAEAD:
		return way{}, claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes no associated data", w.row.Name)
	}
	return w, nil
}

func ivError(row *algorithm.Row, op provider.Op, n int) error {
	if row.IV == 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes no initialization vector", row.Name)
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes an initialization vector of %d bytes, not %d", row.Name, row.IV, n)
}

// checkLength refuses a message over the algorithm's limit. A ciphertext is longer than its message by the tag; one of RSA-OAEP is
// judged where it is decrypted.
func (k *key) checkLength(row *algorithm.Row, op provider.Op, n int) error {
	limit := row.MaxMessageFor(k.spec.Algorithm)
	switch {
	case limit == 0 || op == provider.Decrypt && row.Family == algorithm.FamilyAsymmetric:
		return nil
	case op == provider.Decrypt:
		limit += int64(row.Tag)
	}
	if int64(n) > limit {
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes messages of up to %d bytes", row.Name, limit)
	}
	return nil
}

// call runs f, which appends n bytes to dst.
func (k *key) call(ctx context.Context, op provider.Op, dst []byte, n int, f func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error)) ([]byte, error) {
	var out []byte
	err := k.use(ctx, op, func(s *cryptoki.Session, h cryptoki.Object) (err error) {
		out, err = f(s, h)
		return err
	})
	if err != nil {
		return dst, err
	}
	return exactly(op.String(), dst, out, n)
}

// code is a message authentication code.
func (k *key) code(ctx context.Context, w way, dst, in []byte) ([]byte, error) {
	return k.call(ctx, provider.MAC, dst, w.row.Size, func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error) {
		return s.Sign(dst, cryptoki.Plain(w.mechanism), h, in, w.row.Size)
	})
}

// aead is one message of AES-GCM, the tag at its end.
func (k *key) aead(ctx context.Context, w way, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	m := cryptoki.GCM(params.IV, params.AAD, w.row.Tag)
	if op == provider.Encrypt {
		n := len(in) + w.row.Tag
		return k.call(ctx, op, dst, n, func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error) {
			out, err := s.Encrypt(dst, m, h, in, n)
			if err == nil && !bytes.Equal(s.IV(), params.IV) {
				return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "the token takes no nonce from outside")
			}
			return out, err
		})
	}
	n := len(in) - w.row.Tag
	if n < 0 {
		return dst, provider.ErrMismatch
	}
	return k.decrypted(k.call(ctx, op, dst, n, func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error) {
		return s.Decrypt(dst, m, h, in, n)
	}))
}

// decrypted makes the mismatch of what C_Decrypt says of a ciphertext that is none.
func (k *key) decrypted(out []byte, err error) ([]byte, error) {
	if k.provider.wrongCiphertext(err) {
		return nil, provider.ErrMismatch
	}
	return out, err
}

// asymmetric is RSA-OAEP with one hash for label and mask, and an empty label.
func (k *key) asymmetric(ctx context.Context, w way, op provider.Op, dst, in []byte) ([]byte, error) {
	d, _ := digestOf(w.row.Digest)
	m, size := cryptoki.OAEP(d.hash, d.mgf, nil), k.row.Bits/8
	if op == provider.Encrypt {
		return k.call(ctx, op, dst, size, func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error) {
			return s.Encrypt(dst, m, h, in, size)
		})
	}
	if len(in) != size {
		return dst, provider.ErrMismatch
	}
	var out []byte
	err := k.use(ctx, op, func(s *cryptoki.Session, h cryptoki.Object) (err error) {
		out, err = s.Decrypt(dst, m, h, in, size)
		return err
	})
	return k.decrypted(out, err)
}

// signOrVerify takes the digest, or for Ed25519 the message.
func (k *key) signOrVerify(ctx context.Context, w way, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	if h, ok := algorithm.Lookup(w.row.Digest, algorithm.FamilyHash); ok && len(in) != h.Size {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes a digest of %d bytes, not %d", w.row.Name, h.Size, len(in))
	}
	m, in := k.signed(w, in)
	if op == provider.Verify || op == provider.VerifyDigest {
		return dst, k.verify(ctx, w, op, params, m, in)
	}
	size := w.row.SignatureSize(k.spec.Algorithm)
	sign := func(dst []byte) ([]byte, error) {
		return k.call(ctx, op, dst, size, func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error) { return s.Sign(dst, m, h, in, size) })
	}
	if !params.DER || !w.row.TwoForms() {
		return sign(dst)
	}
	raw, err := sign(nil)
	if err != nil {
		return dst, err
	}
	der, err := w.row.SignatureToDER(raw)
	return append(dst, der...), err
}

// signed gives the mechanism and what it is given: for RSASSA-PKCS1-v1_5 a DigestInfo, for ECDSA as much of the digest as the
// order has (FIPS 186-5 section 6.4.1), since not every token cuts it.
func (k *key) signed(w way, in []byte) (cryptoki.Mechanism, []byte) {
	d, _ := digestOf(w.row.Digest)
	switch w.mechanism {
	case cryptoki.MechRSAPKCS:
		return cryptoki.Plain(w.mechanism), slices.Concat([]byte(d.prefix), in)
	case cryptoki.MechRSAPKCSPSS:
		return cryptoki.PSS(d.hash, d.mgf, len(in)), in
	case cryptoki.MechECDSA:
		return cryptoki.Plain(w.mechanism), in[:min(len(in), w.row.Size/2)]
	}
	return cryptoki.Plain(w.mechanism), in
}

// verify holds a signature of a right length to the token.
func (k *key) verify(ctx context.Context, w way, op provider.Op, params *provider.Params, m cryptoki.Mechanism, in []byte) error {
	signature := params.Signature
	if params.DER && w.row.TwoForms() {
		raw, err := w.row.SignatureFromDER(signature)
		if err != nil {
			return provider.ErrMismatch
		}
		signature = raw
	}
	if len(signature) != w.row.SignatureSize(k.spec.Algorithm) {
		return provider.ErrMismatch
	}
	err := k.use(ctx, op, func(s *cryptoki.Session, h cryptoki.Object) error { return s.Verify(m, h, in, signature) })
	if wrongSignature(err) {
		return provider.ErrMismatch
	}
	return err
}
