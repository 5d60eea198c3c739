package guest

import "github.com/claviger/claviger/guest/raw"

// Encoding is a form in which keys and signatures enter and leave the host. Not every object has every form: what is missing
// is ErrUnsupportedEncoding.
type Encoding uint8

// The forms. Raw is the zero value.
const (
	// Raw is the bare bytes. Pairs: secret then public half for Ed25519 (64 bytes), public then secret half for key exchange,
	// the scalar for NIST curves, the seed or the expanded key for ML-DSA. Public points of NIST curves: compressed. ECDSA signatures: r ‖ s of
	// fixed length. RSA keys have no such form.
	Raw           Encoding = iota
	PKCS8                  // DER: PrivateKeyInfo for secret keys and pairs, SubjectPublicKeyInfo for public keys
	PEM                    // PKCS8 in text
	SEC                    // SEC 1: an uncompressed point of a NIST curve or secp256k1, or a scalar
	CompressedSEC          // SEC 1: a compressed point. Claviger's; other hosts may not have it
	Local                  // the host's own form
	DER                    // of ECDSA signatures
)

// noEncoding is no number of the interface; a host answers unsupported_encoding.
const noEncoding = 0xFF

// pair, half and signature give the number of the form for each kind of object.
func (e Encoding) pair() uint32 {
	switch e {
	case Raw:
		return raw.KeypairRaw
	case PKCS8:
		return raw.KeypairPKCS8
	case PEM:
		return raw.KeypairPEM
	case Local:
		return raw.KeypairLocal
	}
	return noEncoding
}

func (e Encoding) half() uint32 {
	switch e {
	case Raw:
		return raw.KeyRaw
	case PKCS8:
		return raw.KeyPKCS8
	case PEM:
		return raw.KeyPEM
	case SEC:
		return raw.KeySEC
	case CompressedSEC:
		return raw.KeyCompressedSEC
	case Local:
		return raw.KeyLocal
	}
	return noEncoding
}

func (e Encoding) signature() uint32 {
	switch e {
	case Raw:
		return raw.SignatureRaw
	case DER:
		return raw.SignatureDER
	}
	return noEncoding
}
