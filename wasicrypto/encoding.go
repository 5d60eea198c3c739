package wasicrypto

import (
	"bytes"
	"crypto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// form is an encoding of keys, whatever its number.
type form uint8

// The forms of the specification's section "Encodings", and none.
const (
	formUnknown form = iota
	formRaw
	formPKCS8 // PKCS #8, of a public key SubjectPublicKeyInfo
	formPEM   // the same in PEM
	formSEC   // SEC 1: the scalar, the point
	formLocal // this host's own, see layout
)

// pairForm reads a keypair_encoding.
func pairForm(n uint16, ok bool) form {
	forms := [...]form{formRaw, formPKCS8, formPEM, formLocal}
	if !ok || int(n) >= len(forms) {
		return formUnknown
	}
	return forms[n]
}

// halfForm reads a publickey_encoding or a secretkey_encoding. Number 4 is local for bindings
// of today and was compressed_sec in those of 2020, where 5 was local: both numbers mean one
// form here, which is the compressed point for a public key on a prime curve.
func halfForm(n uint16, ok bool) form {
	forms := [...]form{formRaw, formPKCS8, formPEM, formSEC, formLocal, formLocal}
	if !ok || int(n) >= len(forms) {
		return formUnknown
	}
	return forms[n]
}

// layout says what the raw, SEC and local forms of a kind of key are.
type layout uint8

const (
	// layoutDER is RSA: there is no raw form, and the local one is PKCS #8 or
	// SubjectPublicKeyInfo.
	layoutDER layout = iota
	// layoutPoint is a prime curve. Secret key and pair: the scalar. Public key: the point,
	// compressed in the raw and the local form and uncompressed in SEC; any of these forms is
	// read from either.
	layoutPoint
	// layoutSecretFirst is EdDSA: secret ‖ public is a pair (RFC 8032 section 5.1.5).
	layoutSecretFirst
	// layoutPublicFirst is every other key exchange, KEMs included: public ‖ secret is a pair.
	// The secret key of a KEM is its seed. One of ML-KEM that came expanded has no seed: it is
	// read and written as it came.
	layoutPublicFirst
	// layoutSeed is ML-DSA: the seed is the secret key, and the pair as well; or the expanded
	// key is, if it came so.
	layoutSeed
)

// layoutOf follows from the key's row: RSA has no raw size, curves have a name.
func layoutOf(g *algorithm.Guest) layout {
	switch {
	case g.Key.RawSize(claviger.PublicKey) == 0:
		return layoutDER
	case g.Key.Curve() != "":
		return layoutPoint
	case g.Type == claviger.GuestKeyExchange:
		return layoutPublicFirst
	case g.Key.Name == "Ed25519" || g.Key.Name == "Ed448":
		return layoutSecretFirst
	}
	return layoutSeed
}

// document reports whether a form is PKCS #8 or SubjectPublicKeyInfo, and in which of the two
// formats; false for the raw forms. unsupported_encoding if the layout does not have the form.
func (l layout) document(f form) (format claviger.Format, is bool, err error) {
	switch {
	case f == formPKCS8 || f == formLocal && l == layoutDER:
		return claviger.DER, true, nil
	case f == formPEM:
		return claviger.PEM, true, nil
	case f == formUnknown || f == formRaw && l == layoutDER || f == formSEC && l != layoutPoint:
		return 0, false, unsupportedEncoding
	}
	return 0, false, nil
}

// maxEncoded is the longest encoding of a key or a signature that is looked at, in bytes: twice
// the longest that can be one. Of more, an RSA key could be made whose checks take seconds.
const maxEncoded = 16 << 10

// encoded copies the encoding at argument i, because guest memory may change while it is read.
// The caller wipes it. Of one that is too long nothing is copied, and the result is nil: no
// key.
func (c *call) encoded(i int) ([]byte, errno) {
	b, e := c.bytes(i)
	if e != success || len(b) > maxEncoded {
		return nil, e
	}
	return bytes.Clone(b), success
}

// decodePrivate reads a secret key, or a whole pair: invalid_key for what is none of the
// algorithm, unsupported_encoding for a form that its keys do not have.
func decodePrivate(g *algorithm.Guest, f form, whole bool, data []byte) (crypto.PrivateKey, error) {
	format, document, err := layoutOf(g).document(f)
	switch {
	case err != nil:
		return nil, err
	case document:
		return decodeDocument(format, g, claviger.PrivateKey, data, g.Key.ParsePrivate)
	case whole:
		return decodeRawPair(g, data)
	}
	return decodeRaw(g, claviger.PrivateKey, data)
}

// decodePublic is decodePrivate for a public key. Points may come compressed wherever they
// come, also in a document.
func decodePublic(g *algorithm.Guest, f form, data []byte) (crypto.PublicKey, error) {
	l := layoutOf(g)
	format, document, err := l.document(f)
	switch {
	case err != nil:
		return nil, err
	case document:
		return decodeDocument(format, g, claviger.PublicKey, data, g.Key.ParsePublic)
	case l == layoutPoint:
		key, err := g.Key.ParsePoint(data)
		if err != nil {
			return nil, invalidKey
		}
		return key, nil
	}
	return decodeRaw(g, claviger.PublicKey, data)
}

// decodeDocument reads PKCS #8 or SubjectPublicKeyInfo, and the older forms of RFC 5915 and RFC
// 8017 appendix A.1.
func decodeDocument[K any](format claviger.Format, g *algorithm.Guest, class claviger.KeyClass, data []byte, parse func([]byte) (K, error)) (key K, err error) {
	material, _, err := algorithm.DecodeAs(format, g.Key.Name, class, data)
	if err != nil {
		return key, invalidKey
	}
	defer secmem.Wipe(material)
	if key, err = parse(material); err != nil {
		return key, invalidKey
	}
	return key, nil
}

// decodeRaw reads the raw form of one half: an exact length for each algorithm, or one of two.
func decodeRaw(g *algorithm.Guest, class claviger.KeyClass, data []byte) (any, error) {
	key, err := g.Key.ParseRaw(class, data)
	if err != nil {
		return nil, invalidKey
	}
	return key, nil
}

// decodeRawPair reads the raw form of a pair. Two halves that do not belong together are
// invalid_key.
func decodeRawPair(g *algorithm.Guest, data []byte) (crypto.PrivateKey, error) {
	secret, public := data, []byte(nil)
	size := g.Key.RawSize(claviger.PrivateKey)
	if l := layoutOf(g); l == layoutSecretFirst || l == layoutPublicFirst {
		both := size + g.Key.RawSize(claviger.PublicKey)
		if e := g.Key.ExpandedSize(); e != 0 && len(data) == both-size+e {
			both, size = len(data), e
		}
		if len(data) != both {
			return nil, invalidKey
		}
		secret, public = data[:size], data[size:]
		if l == layoutPublicFirst {
			secret, public = data[both-size:], data[:both-size]
		}
	}
	key, err := decodeRaw(g, claviger.PrivateKey, secret)
	if err != nil || public == nil {
		return key, err
	}
	own, err := g.Key.MarshalRaw(claviger.PublicKey, g.Key.PublicOf(key))
	if err != nil || !bytes.Equal(own, public) {
		algorithm.Wipe(key)
		return nil, invalidKey
	}
	return key, nil
}

// encodePrivate is the reverse of decodePrivate. The caller owns and wipes the result.
func encodePrivate(g *algorithm.Guest, f form, whole bool, key crypto.PrivateKey) ([]byte, error) {
	l := layoutOf(g)
	format, document, err := l.document(f)
	if err != nil {
		return nil, err
	}
	if document {
		return encodeDocument(format, g, claviger.PrivateKey, key, g.Key.MarshalPrivate)
	}
	secret, err := g.Key.MarshalRaw(claviger.PrivateKey, key)
	if err != nil || !whole || l != layoutSecretFirst && l != layoutPublicFirst {
		return secret, err
	}
	defer secmem.Wipe(secret)
	public, err := g.Key.MarshalRaw(claviger.PublicKey, g.Key.PublicOf(key))
	if err != nil {
		return nil, err
	}
	if l == layoutPublicFirst {
		return bytes.Join([][]byte{public, secret}, nil), nil
	}
	return bytes.Join([][]byte{secret, public}, nil), nil
}

// encodePublic is the reverse of decodePublic.
func encodePublic(g *algorithm.Guest, f form, key crypto.PublicKey) ([]byte, error) {
	l := layoutOf(g)
	format, document, err := l.document(f)
	switch {
	case err != nil:
		return nil, err
	case document:
		return encodeDocument(format, g, claviger.PublicKey, key, g.Key.MarshalPublic)
	case l == layoutPoint && f != formSEC:
		return g.Key.CompressPoint(key)
	}
	return g.Key.MarshalRaw(claviger.PublicKey, key)
}

// encodeDocument gives DER, or PEM around it.
func encodeDocument[K any](format claviger.Format, g *algorithm.Guest, class claviger.KeyClass, key K, marshal func(K) ([]byte, error)) ([]byte, error) {
	der, err := marshal(key)
	if err != nil || format == claviger.DER {
		return der, err
	}
	defer secmem.Wipe(der)
	return algorithm.Encode(format, g.Key.Name, class, der)
}
