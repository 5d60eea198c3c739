package pkcs11

import (
	"crypto"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// usage is what a key may be used for.
type usage uint8

const (
	canEncrypt usage = 1 << iota
	canDecrypt
	canSign
	canVerify
	canDerive
)

// usageOf is the use that an operation makes of a key, of either half.
func usageOf(op provider.Op) usage {
	switch op {
	case provider.Encrypt:
		return canEncrypt
	case provider.Decrypt:
		return canDecrypt
	case provider.MAC, provider.Sign, provider.SignDigest:
		return canSign
	case provider.Verify, provider.VerifyDigest:
		return canVerify
	case provider.Agree:
		return canDerive
	}
	return 0
}

// The uses that a half of a pair, or a secret key, can have at all.
const (
	secretUses  = canEncrypt | canDecrypt | canSign | canDerive
	privateUses = canDecrypt | canSign | canDerive
	publicUses  = canEncrypt | canVerify
)

// keyType gives the key type of objects that are made for an algorithm.
func (p *Provider) keyType(row *algorithm.Row) uint {
	if c, ok := p.curve(row); ok {
		return c.keyType
	}
	switch {
	case row.Pair():
		return cryptoki.KeyRSA
	case strings.HasPrefix(string(row.Name), "AES-"):
		return cryptoki.KeyAES
	}
	return cryptoki.KeyGenericSecret
}

// secretTemplate is that of a secret key of n bytes which lives in this process only and cannot be had from the token. The uses are
// those that the token offers with the algorithm. length is left out where the value follows.
func (p *Provider) secretTemplate(row *algorithm.Row, n int, value []byte) []cryptoki.Attribute {
	uses := p.uses[row.Name] & secretUses
	t := []cryptoki.Attribute{
		cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassSecretKey), cryptoki.Ulong(cryptoki.AttrKeyType, p.keyType(row)),
		cryptoki.Bool(cryptoki.AttrToken, false), cryptoki.Bool(cryptoki.AttrPrivate, true),
		cryptoki.Bool(cryptoki.AttrSensitive, true), cryptoki.Bool(cryptoki.AttrExtractable, false),
		cryptoki.Bool(cryptoki.AttrEncrypt, uses&canEncrypt != 0), cryptoki.Bool(cryptoki.AttrDecrypt, uses&canDecrypt != 0),
		cryptoki.Bool(cryptoki.AttrSign, uses&canSign != 0), cryptoki.Bool(cryptoki.AttrVerify, false),
		cryptoki.Bool(cryptoki.AttrWrap, false), cryptoki.Bool(cryptoki.AttrUnwrap, false),
		cryptoki.Bool(cryptoki.AttrDerive, uses&canDerive != 0),
	}
	if value != nil {
		return append(t, cryptoki.Bytes(cryptoki.AttrValue, value))
	}
	return append(t, cryptoki.Ulong(cryptoki.AttrValueLen, uint(n)))
}

// privateTemplate is that of a private key, as secretTemplate.
func (p *Provider) privateTemplate(row *algorithm.Row) []cryptoki.Attribute {
	uses := p.uses[row.Name] & privateUses
	return []cryptoki.Attribute{
		cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassPrivateKey), cryptoki.Ulong(cryptoki.AttrKeyType, p.keyType(row)),
		cryptoki.Bool(cryptoki.AttrToken, false), cryptoki.Bool(cryptoki.AttrPrivate, true),
		cryptoki.Bool(cryptoki.AttrSensitive, true), cryptoki.Bool(cryptoki.AttrExtractable, false),
		cryptoki.Bool(cryptoki.AttrDecrypt, uses&canDecrypt != 0), cryptoki.Bool(cryptoki.AttrSign, uses&canSign != 0),
		cryptoki.Bool(cryptoki.AttrUnwrap, false), cryptoki.Bool(cryptoki.AttrDerive, uses&canDerive != 0),
	}
}

// publicTemplate is that of a public key, in the token for good or for this process.
func (p *Provider) publicTemplate(row *algorithm.Row, lasting bool) []cryptoki.Attribute {
	uses := p.uses[row.Name] & publicUses
	return []cryptoki.Attribute{
		cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassPublicKey), cryptoki.Ulong(cryptoki.AttrKeyType, p.keyType(row)),
		cryptoki.Bool(cryptoki.AttrToken, lasting), cryptoki.Bool(cryptoki.AttrPrivate, false),
		cryptoki.Bool(cryptoki.AttrEncrypt, uses&canEncrypt != 0), cryptoki.Bool(cryptoki.AttrVerify, uses&canVerify != 0),
		cryptoki.Bool(cryptoki.AttrWrap, false), cryptoki.Bool(cryptoki.AttrDerive, false),
	}
}

// exponent is the public exponent of RSA keys made here, 65537.
const exponent = "\x01\x00\x01"

// pairTemplates are the two of a pair that the token is to generate.
func (p *Provider) pairTemplates(row *algorithm.Row) (public, private []cryptoki.Attribute) {
	public, private = p.publicTemplate(row, false), p.privateTemplate(row)
	if c, ok := p.curve(row); ok {
		return append(public, cryptoki.Bytes(cryptoki.AttrECParams, c.params)), private
	}
	return append(public, cryptoki.Ulong(cryptoki.AttrModulusBits, uint(row.Bits)), cryptoki.String(cryptoki.AttrPublicExponent, exponent)), private
}

// publicValues are the attributes that hold a public key.
func (p *Provider) publicValues(row *algorithm.Row, spki []byte) ([]cryptoki.Attribute, error) {
	key, err := row.ParsePublic(spki)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(*rsa.PublicKey); ok {
		return []cryptoki.Attribute{cryptoki.Bytes(cryptoki.AttrModulus, k.N.Bytes()),
			cryptoki.Bytes(cryptoki.AttrPublicExponent, big.NewInt(int64(k.E)).Bytes())}, nil
	}
	c, ok := p.curve(row)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "key", "the token does not offer keys of %s", row.Name)
	}
	point, err := row.MarshalRaw(claviger.PublicKey, key)
	if err != nil {
		return nil, err
	}
	if row.Curve() != "" || !p.rawPoints {
		if point, err = asn1.Marshal(point); err != nil {
			return nil, claviger.WrapError(claviger.ErrInternal, "key", err)
		}
	}
	return []cryptoki.Attribute{cryptoki.Bytes(cryptoki.AttrECParams, c.params), cryptoki.Bytes(cryptoki.AttrECPoint, point)}, nil
}

// privateValues are the attributes that hold a private key, and its public half. wipe clears the attributes.
func (p *Provider) privateValues(row *algorithm.Row, pkcs8 []byte) (values []cryptoki.Attribute, spki []byte, err error) {
	key, err := row.ParsePrivate(pkcs8)
	if err != nil {
		return nil, nil, err
	}
	defer algorithm.Wipe(key)
	if spki, err = row.MarshalPublic(row.PublicOf(key)); err != nil {
		return nil, nil, err
	}
	if k, ok := key.(*rsa.PrivateKey); ok {
		return rsaValues(k), spki, nil
	}
	c, ok := p.curve(row)
	if !ok {
		return nil, nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "key", "the token does not offer keys of %s", row.Name)
	}
	raw, err := row.MarshalRaw(claviger.PrivateKey, key)
	if err != nil {
		return nil, nil, err
	}
	return []cryptoki.Attribute{cryptoki.Bytes(cryptoki.AttrECParams, c.params), cryptoki.Bytes(cryptoki.AttrValue, raw)}, spki, nil
}

// rsaValues are the numbers of an RSA key (RFC 8017 section 3.2).
func rsaValues(k *rsa.PrivateKey) []cryptoki.Attribute {
	number := func(t cryptoki.AttributeType, n *big.Int) cryptoki.Attribute { return cryptoki.Bytes(t, n.Bytes()) }
	k.Precompute()
	return []cryptoki.Attribute{
		number(cryptoki.AttrModulus, k.N), number(cryptoki.AttrPublicExponent, big.NewInt(int64(k.E))),
		number(cryptoki.AttrPrivateExponent, k.D), number(cryptoki.AttrPrime1, k.Primes[0]), number(cryptoki.AttrPrime2, k.Primes[1]),
		number(cryptoki.AttrExponent1, k.Precomputed.Dp), number(cryptoki.AttrExponent2, k.Precomputed.Dq),
		number(cryptoki.AttrCoefficient, k.Precomputed.Qinv),
	}
}

// wipe clears the values of attributes.
func wipe(attributes []cryptoki.Attribute) {
	for _, a := range attributes {
		clear(a.Value)
	}
}

// publicKey reads a public key from the values of an object: for RSA modulus and exponent, else the point, which some modules
// give in a DER octet string and some bare. It gives nil for what is no key of the algorithm.
func publicKey(row *algorithm.Row, modulus, exponent, point []byte) []byte {
	var key crypto.PublicKey
	var err error
	switch {
	case row.Bits != 0 && strings.HasPrefix(string(row.Name), "RSA-"):
		n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
		if n.Sign() == 0 || e.Sign() == 0 || e.BitLen() > 31 {
			return nil
		}
		key = &rsa.PublicKey{N: n, E: int(e.Int64())}
	case row.Curve() != "":
		key, err = row.ParsePoint(bare(row, point))
	default:
		key, err = row.ParseRaw(claviger.PublicKey, bare(row, point))
	}
	if err != nil {
		return nil
	}
	spki, err := row.MarshalPublic(key)
	if err != nil {
		return nil
	}
	canonical, err := row.Canonical(claviger.PublicKey, spki)
	if err != nil {
		return nil
	}
	return canonical
}

// bare takes a point out of the octet string, or bit string, that it may be in.
func bare(row *algorithm.Row, point []byte) []byte {
	if len(point) == row.RawSize(claviger.PublicKey) {
		return point
	}
	var octets []byte
	if rest, err := asn1.Unmarshal(point, &octets); err == nil && len(rest) == 0 {
		return octets
	}
	var bits asn1.BitString
	if rest, err := asn1.Unmarshal(point, &bits); err == nil && len(rest) == 0 && bits.BitLength%8 == 0 {
		return bits.Bytes
	}
	return point
}
