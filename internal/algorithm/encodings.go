package algorithm

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"

	"github.com/claviger/claviger"
)

// maxEncoding bounds what Decode looks at, in bytes: the largest key offered, RSA-4096 or a
// long secret, in PEM is well below.
const maxEncoding = 64 << 10

// The block types of PEM that hold keys.
const (
	pemPrivate   = "PRIVATE KEY"
	pemPublic    = "PUBLIC KEY"
	pemEC        = "EC PRIVATE KEY"
	pemRSA       = "RSA PRIVATE KEY"
	pemRSAPublic = "RSA PUBLIC KEY"
	pemEncrypted = "ENCRYPTED PRIVATE KEY"
)

// Decode reads a key of algorithm alg and gives its canonical material and class: for a
// secret key its bytes, for a private key PKCS #8, for a public one a SubjectPublicKeyInfo.
// The material is checked and re-encoded, owned by the caller, and wiped by it. With DER
// and PEM an empty alg takes what the encoding says; Identify tells what that was.
//
// Raw means the encoding of the algorithm's own standard: RFC 8032 and 7748 for Ed25519 and
// X25519 (32 bytes for either half, so that DecodeAs has to say which), SEC 1 scalar and
// uncompressed point, RFC 8017 appendix A.1, the seeds of FIPS 203 and 204 or their expanded
// private keys, told apart by length.
//
// Malformed bytes are ErrInvalidFormat; a key of another algorithm or size is
// ErrIncompatibleKeyType; an unknown name is ErrUnsupportedAlgorithm.
func Decode(format claviger.Format, alg claviger.Algorithm, data []byte) ([]byte, claviger.KeyClass, error) {
	return DecodeAs(format, alg, 0, data)
}

// DecodeAs is Decode for a caller that knows the class; 0 takes what the bytes say.
func DecodeAs(format claviger.Format, alg claviger.Algorithm, class claviger.KeyClass, data []byte) ([]byte, claviger.KeyClass, error) {
	if len(data) > maxEncoding {
		return nil, 0, claviger.Errorf(claviger.ErrInvalidFormat, op, "an encoded key of %d bytes is over the limit of %d", len(data), maxEncoding)
	}
	der := data
	switch format {
	case claviger.Raw:
		return decodeRaw(alg, class, data)
	case claviger.DER:
	case claviger.PEM:
		var err error
		if der, err = unwrapPEM(data); err != nil {
			return nil, 0, err
		}
		defer clear(der)
	default:
		return nil, 0, claviger.Errorf(claviger.ErrInvalidArgument, op, "unknown key format %d", format)
	}
	return decodeDER(alg, class, der)
}

func decodeDER(alg claviger.Algorithm, class claviger.KeyClass, der []byte) ([]byte, claviger.KeyClass, error) {
	var row *Row
	if alg != "" {
		var err error
		if row, err = keyRow(alg); err != nil {
			return nil, 0, err
		}
		if !row.Pair() {
			return nil, 0, claviger.Errorf(claviger.ErrInvalidFormat, op, "a key of %s is secret bytes; its format is raw", row.Name)
		}
	}
	der, done := modern(der)
	defer done()
	found, err := identify(der)
	if err != nil {
		return nil, 0, err
	}
	if row == nil {
		if row, err = keyRow(found.algorithm); err != nil {
			return nil, 0, err
		}
	}
	if class == 0 {
		class = found.class
	}
	material, err := row.Canonical(class, der)
	return material, class, err
}

// Canonical parses material of the given class completely and encodes it again, in the one
// form that providers take. Errors are those of ParsePrivate, ParsePublic and CheckKeySize.
// The caller owns the result.
func (r *Row) Canonical(class claviger.KeyClass, material []byte) ([]byte, error) {
	switch {
	case class == claviger.SecretKey && r.Class == claviger.SecretKey:
		if err := r.CheckKeySize(len(material)); err != nil {
			return nil, err
		}
		return bytes.Clone(material), nil
	case class == claviger.PrivateKey && r.Pair():
		key, err := r.ParsePrivate(material)
		if err != nil {
			return nil, err
		}
		return r.MarshalPrivate(key)
	case class == claviger.PublicKey && r.Pair():
		key, err := r.ParsePublic(material)
		if err != nil {
			return nil, err
		}
		return r.MarshalPublic(key)
	}
	return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s is not a %s key", r.Name, class)
}

// decodeRaw reads the raw forms.
func decodeRaw(alg claviger.Algorithm, class claviger.KeyClass, data []byte) ([]byte, claviger.KeyClass, error) {
	row, err := keyRow(alg)
	if err != nil {
		return nil, 0, err
	}
	if !row.Pair() {
		if class == 0 {
			class = claviger.SecretKey
		}
		material, err := row.Canonical(class, data)
		return material, class, err
	}
	if class == 0 {
		if class, err = row.rawClass(data); err != nil {
			return nil, 0, err
		}
	}
	if class == claviger.SecretKey {
		return nil, 0, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s is a pair, not a secret key", row.Name)
	}
	key, err := row.impl.pair.parseRaw(class, data)
	if err != nil {
		return nil, 0, claviger.Errorf(claviger.ErrInvalidFormat, op, "not a valid raw %s key of %s", class, row.Name)
	}
	if class == claviger.PublicKey {
		material, err := row.MarshalPublic(key)
		return material, class, err
	}
	material, err := row.MarshalPrivate(key)
	return material, class, err
}

// rawClass tells the halves apart by their length, and RSA's by trying the public form,
// which has two numbers.
func (r *Row) rawClass(data []byte) (claviger.KeyClass, error) {
	private, public, expanded := r.impl.pair.rawSize(claviger.PrivateKey), r.impl.pair.rawSize(claviger.PublicKey), r.ExpandedSize()
	switch {
	case private == 0:
		if _, err := x509.ParsePKCS1PublicKey(data); err == nil {
			return claviger.PublicKey, nil
		}
		return claviger.PrivateKey, nil
	case private == public && len(data) == private:
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, op,
			"%d raw bytes can be either half of a key of %s; give it as DER or PEM, which say which", private, r.Name)
	case len(data) == private, expanded != 0 && len(data) == expanded:
		return claviger.PrivateKey, nil
	case len(data) == public:
		return claviger.PublicKey, nil
	case expanded != 0:
		return 0, claviger.Errorf(claviger.ErrInvalidFormat, op, "a raw key of %s has %d bytes (seed), %d (expanded private key) or %d (public), not %d",
			r.Name, private, expanded, public, len(data))
	}
	return 0, claviger.Errorf(claviger.ErrInvalidFormat, op, "a raw key of %s has %d bytes (private) or %d (public), not %d", r.Name, private, public, len(data))
}

// Encode is the reverse of Decode: canonical material in the format asked for. Secret keys
// have the raw format only. The caller owns the bytes.
func Encode(format claviger.Format, alg claviger.Algorithm, class claviger.KeyClass, material []byte) ([]byte, error) {
	row, err := keyRow(alg)
	if err != nil {
		return nil, err
	}
	canonical, err := row.Canonical(class, material)
	if err != nil {
		return nil, err
	}
	switch {
	case class == claviger.SecretKey && format == claviger.Raw, class != claviger.SecretKey && format == claviger.DER:
		return canonical, nil
	}
	defer clear(canonical)
	switch {
	case class == claviger.SecretKey:
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "a key of %s is secret bytes; its format is raw", row.Name)
	case format == claviger.PEM && class == claviger.PublicKey:
		return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: canonical}), nil
	case format == claviger.PEM:
		return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: canonical}), nil
	case format == claviger.Raw:
		return row.encodeRaw(class, canonical)
	}
	return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "unknown key format %d", format)
}

func (r *Row) encodeRaw(class claviger.KeyClass, material []byte) ([]byte, error) {
	var key any
	var err error
	if class == claviger.PublicKey {
		key, err = r.ParsePublic(material)
	} else {
		key, err = r.ParsePrivate(material)
	}
	if err != nil {
		return nil, err
	}
	return r.impl.pair.marshalRaw(class, key)
}

// keyRow finds a key algorithm.
func keyRow(alg claviger.Algorithm) (*Row, error) {
	if row, ok := Lookup(alg, FamilyKey); ok {
		return row, nil
	}
	if alg == "" {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "raw bytes do not say what they are; name the key algorithm")
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "%q is not a key algorithm", claviger.Clip(string(alg)))
}

// unwrapPEM takes the one block out and gives its bytes, a copy.
func unwrapPEM(data []byte) ([]byte, error) {
	block, rest := pem.Decode(data)
	for block != nil && block.Type == "EC PARAMETERS" { // openssl writes this before an EC key that names its curve itself
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "no PEM block")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "more than one PEM block, or bytes after it")
	}
	if block.Type == pemEncrypted || block.Headers["DEK-Info"] != "" {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "the PEM block is encrypted; decrypt it first (openssl pkey)")
	}
	switch block.Type {
	case pemPrivate, pemPublic, pemEC, pemRSA, pemRSAPublic:
		return block.Bytes, nil
	}
	return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "the PEM block is a %q; a key is %q or %q", claviger.Clip(block.Type), pemPrivate, pemPublic)
}

// modern turns the older encodings (RFC 5915, RFC 8017 appendix A.1) into PKCS #8 or
// SubjectPublicKeyInfo and leaves all else as it is. done wipes what was made.
func modern(der []byte) (out []byte, done func()) {
	var private, public any
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		private = k
	} else if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		private = k
	} else if k, err := x509.ParsePKCS1PublicKey(der); err == nil {
		public = k
	}
	var made []byte
	var err error
	switch {
	case k256SEC1(der):
		made, err = k256PKCS8(der)
	case private != nil:
		made, err = x509.MarshalPKCS8PrivateKey(private)
	case public != nil:
		made, err = x509.MarshalPKIXPublicKey(public)
	default:
		return der, func() {}
	}
	if err != nil {
		return der, func() {}
	}
	return made, func() { clear(made) }
}
