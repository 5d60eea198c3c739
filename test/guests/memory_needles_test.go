package guests

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
)

// addKey adds all forms of a key that a process that used it could hold: what its keeper would export, and what the
// algorithm makes of it that gives the key, or signs or decrypts like it.
func (n *needles) addKey(t *testing.T, algorithm string, exported []byte) {
	t.Helper()
	switch {
	case strings.HasPrefix(algorithm, "RSA"), strings.HasPrefix(algorithm, "ECDSA"):
		n.addNumbers(t, algorithm, exported)
	case algorithm == "Ed25519":
		seed := tail(t, exported, 32)
		expanded := sha512.Sum512(seed) // RFC 8032, 5.1.5
		scalar := clamped(expanded[:32])
		n.add(algorithm+" seed", seed)
		n.addBoth(algorithm+" scalar", scalar)
		n.add(algorithm+" unclamped scalar", expanded[:32])
		n.add(algorithm+" prefix", expanded[32:])
	case algorithm == "X25519":
		scalar := tail(t, exported, 32)
		n.addBoth(algorithm+" scalar", scalar)
		n.addBoth(algorithm+" clamped scalar", clamped(scalar))
	case algorithm == "ML-DSA-65":
		seed := tail(t, exported, 32)
		expanded := sha3.SumSHAKE256(append(bytes.Clone(seed), 6, 5), 128) // FIPS 204, algorithm 6: rho, rho', K
		n.add(algorithm+" seed", seed)
		n.add(algorithm+" rho'", expanded[32:96])
		n.add(algorithm+" K", expanded[96:])
	case algorithm == "ML-KEM-768":
		seed := tail(t, exported, 64)
		expanded := sha3.Sum512(append(bytes.Clone(seed[:32]), 3)) // FIPS 203, algorithm 13: rho, sigma
		n.add(algorithm+" d", seed[:32])
		n.add(algorithm+" z", seed[32:])
		n.add(algorithm+" sigma", expanded[32:])
	default:
		n.addSymmetric(algorithm, exported)
	}
}

// addSymmetric adds a key that is its own encoding. The first round key of AES, the state words of ChaCha20 and the first
// block that Xoodyak absorbs are the key itself (FIPS 197, 5.2; RFC 8439, 2.3).
func (n *needles) addSymmetric(algorithm string, key []byte) {
	n.add(algorithm+" key", key)
	if !strings.HasPrefix(algorithm, "HMAC") && !strings.HasPrefix(algorithm, "HKDF-EXPAND") {
		return
	}
	inner, outer := bytes.Clone(key), bytes.Clone(key) // FIPS 198-1, 4
	for i := range key {
		inner[i] ^= 0x36
		outer[i] ^= 0x5C
	}
	n.add(algorithm+" inner pad", inner)
	n.add(algorithm+" outer pad", outer)
}

// addNumbers adds the secret numbers of an RSA or ECDSA key in both byte orders: as PKCS #8 has them, and as the limbs of
// big numbers.
func (n *needles) addNumbers(t *testing.T, algorithm string, exported []byte) {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(exported)
	if err != nil {
		t.Fatal(err)
	}
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		scalar, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		n.addBoth(algorithm+" scalar", scalar)
	case *rsa.PrivateKey:
		for name, number := range map[string]*big.Int{
			"d": k.D, "p": k.Primes[0], "q": k.Primes[1], "dp": k.Precomputed.Dp, "dq": k.Precomputed.Dq, "qinv": k.Precomputed.Qinv,
		} {
			n.addBoth(algorithm+" "+name, number.Bytes())
		}
	default:
		t.Fatalf("%s is a %T", algorithm, key)
	}
}

// tail gives the last bytes of the private key in a PKCS #8 (RFC 5958, 2): its seed or scalar, wherever the algorithm has
// one in an encoding of its own.
func tail(t *testing.T, exported []byte, n int) []byte {
	t.Helper()
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
		Rest      []asn1.RawValue `asn1:"optional,omitempty"`
	}
	if _, err := asn1.Unmarshal(exported, &info); err != nil || len(info.Key) != n+2 {
		t.Fatalf("a private key of %d bytes, %v; wanted are a header of 2 and %d", len(info.Key), err, n)
	}
	return info.Key[2:]
}

// clamped gives a scalar as RFC 7748, 5 has it.
func clamped(scalar []byte) []byte {
	s := bytes.Clone(scalar)
	s[0] &= 248
	s[31] = s[31]&127 | 64
	return s
}
