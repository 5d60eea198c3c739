package pkcs11

import (
	"bytes"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
)

// digest is a hash by the numbers of the standard.
type digest struct {
	name    claviger.Algorithm
	hash    cryptoki.MechanismType
	hmac    cryptoki.MechanismType
	hmacKey uint   // key type for this code alone; a generic secret serves it too
	mgf     uint   // mask generation with this hash; 0 where RSA is not offered with it
	prefix  string // DER of DigestInfo in front of the digest (RFC 8017 section 9.2 note 1)
}

func digests() []digest {
	return []digest{
		{"SHA-224", cryptoki.MechSHA224, cryptoki.MechSHA224HMAC, cryptoki.KeySHA224HMAC, 0, ""},
		{"SHA-256", cryptoki.MechSHA256, cryptoki.MechSHA256HMAC, cryptoki.KeySHA256HMAC, cryptoki.MGF1SHA256,
			"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"},
		{"SHA-384", cryptoki.MechSHA384, cryptoki.MechSHA384HMAC, cryptoki.KeySHA384HMAC, cryptoki.MGF1SHA384,
			"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"},
		{"SHA-512", cryptoki.MechSHA512, cryptoki.MechSHA512HMAC, cryptoki.KeySHA512HMAC, cryptoki.MGF1SHA512,
			"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"},
		{"SHA-512/224", cryptoki.MechSHA512224, cryptoki.MechSHA512224HMAC, cryptoki.KeySHA512224HMAC, 0, ""},
		{"SHA-512/256", cryptoki.MechSHA512256, cryptoki.MechSHA512256HMAC, cryptoki.KeySHA512256HMAC, 0, ""},
		{"SHA3-224", cryptoki.MechSHA3224, cryptoki.MechSHA3224HMAC, cryptoki.KeySHA3224HMAC, 0, ""},
		{"SHA3-256", cryptoki.MechSHA3256, cryptoki.MechSHA3256HMAC, cryptoki.KeySHA3256HMAC, 0, ""},
		{"SHA3-384", cryptoki.MechSHA3384, cryptoki.MechSHA3384HMAC, cryptoki.KeySHA3384HMAC, 0, ""},
		{"SHA3-512", cryptoki.MechSHA3512, cryptoki.MechSHA3512HMAC, cryptoki.KeySHA3512HMAC, 0, ""},
	}
}

// digestOf finds a hash by its name.
func digestOf(name claviger.Algorithm) (digest, bool) {
	for _, d := range digests() {
		if d.name == name {
			return d, true
		}
	}
	return digest{}, false
}

// curve is an elliptic curve by the numbers of the standard.
type curve struct {
	name    string // as Row.Curve has it, or the key algorithm
	bits    uint
	keyType uint
	make    cryptoki.MechanismType
	params  []byte   // CKA_EC_PARAMS as written: the object identifier (RFC 5480 section 2.1.1, RFC 8410 section 3)
	others  []string // further forms that are read: names of PKCS #11 3.0 section 2.3.3, earlier identifiers
}

func curves() []curve {
	return []curve{
		{"P256", 256, cryptoki.KeyEC, cryptoki.MechECKeyPairGen, []byte("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), nil},
		{"P384", 384, cryptoki.KeyEC, cryptoki.MechECKeyPairGen, []byte("\x06\x05\x2b\x81\x04\x00\x22"), nil},
		{"P521", 521, cryptoki.KeyEC, cryptoki.MechECKeyPairGen, []byte("\x06\x05\x2b\x81\x04\x00\x23"), nil},
		{"Ed25519", 256, cryptoki.KeyECEdwards, cryptoki.MechECEdwardsKeyPairGen, []byte("\x06\x03\x2b\x65\x70"),
			[]string{"\x13\x0cedwards25519", "\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"}},
		{"X25519", 256, cryptoki.KeyECMontgomery, cryptoki.MechECMontgomeryKeyPairGen, []byte("\x06\x03\x2b\x65\x6e"),
			[]string{"\x13\x0acurve25519", "\x06\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01"}},
	}
}

// curve gives the curve of a key algorithm, as this token has it.
func (p *Provider) curve(row *algorithm.Row) (curve, bool) {
	name := row.Curve()
	if name == "" {
		name = string(row.Name)
	}
	for _, c := range p.curves() {
		if c.name == name {
			return c, true
		}
	}
	return curve{}, false
}

// curves lists the curves with what this token changes about them.
func (p *Provider) curves() []curve {
	all := curves()
	if _, own := p.has[cryptoki.MechECMontgomeryKeyPairGen]; p.quirks.x25519 && !own {
		edwards := all[len(all)-2]
		x := &all[len(all)-1]
		x.keyType, x.make = edwards.keyType, edwards.make
	}
	return all
}

// curveOf finds the curve of an object.
func (p *Provider) curveOf(keyType uint, params []byte) (curve, bool) {
	for _, c := range p.curves() {
		if c.keyType != keyType {
			continue
		}
		if bytes.Equal(c.params, params) {
			return c, true
		}
		for _, other := range c.others {
			if string(params) == other {
				return c, true
			}
		}
	}
	return curve{}, false
}

// mechanism gives the mechanism that a row of the algorithm table runs by, if it can be had from a token at all.
func (p *Provider) mechanism(row *algorithm.Row) (cryptoki.MechanismType, bool) {
	switch row.Family {
	case algorithm.FamilyHash:
		d, ok := digestOf(row.Name)
		return d.hash, ok
	case algorithm.FamilyMAC:
		if strings.HasSuffix(string(row.Name), "-CMAC") {
			return cryptoki.MechAESCMAC, true
		}
		d, ok := digestOf(row.Digest)
		return d.hmac, ok
	case algorithm.FamilyCipher:
		if row.BothWays {
			return cryptoki.MechAESCTR, true
		}
		return cryptoki.MechAESCBC, true
	case algorithm.FamilyAEAD:
		return cryptoki.MechAESGCM, strings.HasSuffix(string(row.Name), "-GCM")
	case algorithm.FamilyAsymmetric:
		return cryptoki.MechRSAPKCSOAEP, true
	case algorithm.FamilySignature:
		return signatureMechanism(row)
	case algorithm.FamilyAgreement:
		_, ok := p.keyCurve(row)
		return cryptoki.MechECDH1Derive, ok
	}
	return 0, false
}

// signatureMechanism is the mechanism that signs digests, or for Ed25519 messages.
func signatureMechanism(row *algorithm.Row) (cryptoki.MechanismType, bool) {
	name := string(row.Name)
	switch {
	case strings.HasPrefix(name, "RSA-PKCS1-"):
		return cryptoki.MechRSAPKCS, true
	case strings.HasPrefix(name, "RSA-PSS-"):
		return cryptoki.MechRSAPKCSPSS, true
	case strings.HasPrefix(name, "ECDSA-P"):
		return cryptoki.MechECDSA, true
	}
	return cryptoki.MechEdDSA, name == "Ed25519"
}

// keyCurve gives the curve of the keys of an operation's row.
func (p *Provider) keyCurve(row *algorithm.Row) (curve, bool) {
	if len(row.Keys) == 0 {
		return curve{}, false
	}
	key, ok := algorithm.Lookup(row.Keys[0], algorithm.FamilyKey)
	if !ok {
		return curve{}, false
	}
	return p.curve(key)
}

// maker gives the mechanism that generates keys of an algorithm.
func (p *Provider) maker(row *algorithm.Row) (cryptoki.MechanismType, cryptoki.Flags) {
	if c, ok := p.curve(row); ok {
		return c.make, cryptoki.FlagGenerateKeyPair
	}
	switch {
	case row.Pair():
		return cryptoki.MechRSAPKCSKeyPairGen, cryptoki.FlagGenerateKeyPair
	case strings.HasPrefix(string(row.Name), "AES-"):
		return cryptoki.MechAESKeyGen, cryptoki.FlagGenerate
	}
	return cryptoki.MechGenericSecretKeyGen, cryptoki.FlagGenerate
}
