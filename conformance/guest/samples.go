package main

import (
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/hex"

	"github.com/claviger/claviger/guest/raw"
)

// Keys that the checks import. They protect nothing.

//go:embed testdata/rsa2048.der
var rsa2048 []byte

//go:embed testdata/rsa3072.der
var rsa3072 []byte

//go:embed testdata/rsa4096.der
var rsa4096 []byte

// rsaKey parses one of the keys above, which are in PKCS #8.
func rsaKey(der []byte) *rsa.PrivateKey {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		panic(err) // the file is part of the kit
	}
	return key.(*rsa.PrivateKey)
}

// unhex gives the bytes of a constant.
func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err) // a constant of the kit
	}
	return b
}

// ed25519Vector is the first of RFC 8032, section 7.1: secret key, public key, and the signature of the empty message.
func ed25519Vector() (secret, public, signature []byte) {
	return unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
		unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
		unhex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")
}

// x25519Vector is that of RFC 7748, section 6.1: the secret and public key of one side, the public key of the other, and the
// shared secret.
func x25519Vector() (secret, public, peer, shared []byte) {
	return unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
		unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
		unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
		unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
}

// curve is a short Weierstrass curve: its signature algorithm, the order of its scalars in bytes, and its base point.
type curve struct {
	algorithm string
	size      int
	x, y      []byte
}

// curves gives those that signatures of the recommended set use. Sources: SP 800-186 for the NIST curves, SEC 2 for secp256k1.
func curves() []curve {
	return []curve{
		{"ECDSA_P256_SHA256", 32,
			unhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
			unhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")},
		{"ECDSA_P384_SHA384", 48,
			unhex("aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"),
			unhex("3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f")},
		{"ECDSA_K256_SHA256", 32,
			unhex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
			unhex("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")},
	}
}

// uncompressed and compressed are the two forms of the base point (SEC 1, section 2.3.3).
func (c curve) uncompressed() []byte { return append(append([]byte{4}, c.x...), c.y...) }
func (c curve) compressed() []byte   { return append([]byte{2 + c.y[len(c.y)-1]&1}, c.x...) }

// one is the scalar 1, whose public key is the base point, big-endian.
func (c curve) one() []byte {
	b := make([]byte, c.size)
	b[c.size-1] = 1
	return b
}

// onCurve imports the key pair of the scalar 1, and says whether the host has the curve.
func (t *T) onCurve(c curve) (pair uint32, ok bool) {
	h, e := keypairImport(raw.TypeSignatures, c.algorithm, c.one(), raw.KeypairRaw)
	if e == unsupportedAlgorithm {
		return 0, false
	}
	t.must("keypair_import raw "+c.algorithm, e)
	t.later(keypairClose, h)
	return h, true
}
