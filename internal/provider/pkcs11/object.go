package pkcs11

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
)

// object is what an object of the token says of itself.
type object struct {
	handle    cryptoki.Object
	class     claviger.KeyClass
	keyType   uint
	bits      int // 0 where it does not say
	curve     string
	label     string
	id        []byte
	uses      usage
	everyTime bool // it wants a PIN for each use
	modulus   []byte
	exponent  []byte
	point     []byte
	info      []byte // SubjectPublicKeyInfo
}

// classCertificate is CKO_CERTIFICATE.
const classCertificate uint = 1

// classOf is the CKO of a class.
func classOf(c claviger.KeyClass) uint {
	switch c {
	case claviger.PublicKey:
		return cryptoki.ClassPublicKey
	case claviger.PrivateKey:
		return cryptoki.ClassPrivateKey
	}
	return cryptoki.ClassSecretKey
}

// attributes are what look asks for, in its order.
func attributes() []cryptoki.AttributeType {
	return []cryptoki.AttributeType{cryptoki.AttrKeyType, cryptoki.AttrLabel, cryptoki.AttrID, cryptoki.AttrValueLen, cryptoki.AttrModulus,
		cryptoki.AttrPublicExponent, cryptoki.AttrECParams, cryptoki.AttrECPoint, cryptoki.AttrPublicKeyInfo, cryptoki.AttrAlwaysAuthenticate,
		cryptoki.AttrEncrypt, cryptoki.AttrDecrypt, cryptoki.AttrSign, cryptoki.AttrVerify, cryptoki.AttrDerive}
}

// look reads an object of a class.
func (p *Provider) look(s *cryptoki.Session, h cryptoki.Object, class claviger.KeyClass) (*object, error) {
	a, err := s.GetAttributes(h, attributes())
	if err != nil {
		return nil, err
	}
	o := &object{handle: h, class: class, label: string(a[1].Value), id: a[2].Value, modulus: a[4].Value, exponent: a[5].Value,
		point: a[7].Value, info: a[8].Value}
	o.keyType, _ = a[0].Ulong()
	o.everyTime, _ = a[9].Bool()
	for i, use := range []usage{canEncrypt, canDecrypt, canSign, canVerify, canDerive} {
		if may, ok := a[10+i].Bool(); ok && may {
			o.uses |= use
		}
	}
	size, _ := a[3].Ulong()
	switch c, known := p.curveOf(o.keyType, a[6].Value); {
	case known && class != claviger.SecretKey:
		o.bits, o.curve = int(c.bits), c.name
	case o.keyType == cryptoki.KeyRSA && class != claviger.SecretKey:
		o.bits = new(big.Int).SetBytes(o.modulus).BitLen()
	case class == claviger.SecretKey && size < 1<<20:
		o.bits = 8 * int(size)
	}
	return o, nil
}

// search lists objects by a template, at most limit.
func (p *Provider) search(s *cryptoki.Session, class claviger.KeyClass, template []cryptoki.Attribute, limit int) ([]*object, error) {
	template = append([]cryptoki.Attribute{cryptoki.Ulong(cryptoki.AttrClass, classOf(class)), cryptoki.Bool(cryptoki.AttrToken, true)}, template...)
	handles, err := s.FindObjects(template, limit)
	if err != nil {
		return nil, err
	}
	var found []*object
	for _, h := range handles {
		o, err := p.look(s, h, class)
		if vanished(err) {
			continue // in the meantime
		}
		if err != nil {
			return nil, err
		}
		found = append(found, o)
	}
	return found, nil
}

// named is the template by which the objects of a key are found: its identifier, or without one its label.
func named(id []byte, label string) []cryptoki.Attribute {
	if len(id) > 0 {
		return []cryptoki.Attribute{cryptoki.Bytes(cryptoki.AttrID, id)}
	}
	return []cryptoki.Attribute{cryptoki.String(cryptoki.AttrLabel, label)}
}

// shaped reports whether the object has the type and size of a key of the algorithm.
func (p *Provider) shaped(row *algorithm.Row, o *object) bool {
	if row.Pair() == (o.class == claviger.SecretKey) {
		return false
	}
	if c, ok := p.curve(row); ok {
		return o.keyType == c.keyType && o.curve == c.name
	}
	if row.Pair() {
		return o.keyType == cryptoki.KeyRSA && o.bits == row.Bits && strings.HasPrefix(string(row.Name), "RSA-")
	}
	if row.KeySize == 0 {
		return p.secretType(row, o.keyType) && o.bits > 0 && row.CheckKeySize(o.bits/8) == nil
	}
	return o.keyType == p.keyType(row) && o.bits == row.Bits
}

// secretType reports whether a key type serves a secret key of open length: the generic one, or the one of the code's own.
func (p *Provider) secretType(row *algorithm.Row, keyType uint) bool {
	if keyType == cryptoki.KeyGenericSecret {
		return true
	}
	code, ok := algorithm.Lookup(row.Name, algorithm.FamilyMAC)
	if !ok {
		return false
	}
	d, ok := digestOf(code.Digest)
	return ok && d.hmacKey == keyType
}

// unfit says why an object cannot be used as a key of the algorithm; "" if it can.
func (p *Provider) unfit(row *algorithm.Row, o *object) string {
	need := p.uses[row.Name] & secretUses
	if o.class == claviger.PrivateKey {
		need = p.uses[row.Name] & privateUses
	}
	switch {
	case !p.shaped(row, o):
		return "it is " + o.String()
	case need != 0 && o.uses&need == 0:
		return "it permits none of what such a key does"
	}
	return ""
}

// String describes type and size.
func (o *object) String() string {
	switch {
	case o.curve != "":
		return "an elliptic curve key on " + o.curve
	case o.class == claviger.SecretKey:
		return fmt.Sprintf("a secret key of type 0x%x with %d bits", o.keyType, o.bits)
	case o.keyType == cryptoki.KeyRSA:
		return fmt.Sprintf("an RSA key of %d bits", o.bits)
	}
	return fmt.Sprintf("a key of type 0x%x", o.keyType)
}

// spki gives the public half as far as the object itself tells it, else nil.
func (o *object) spki(row *algorithm.Row) []byte {
	if !row.Pair() {
		return nil
	}
	if spki := publicKey(row, o.modulus, o.exponent, o.point); spki != nil {
		return spki
	}
	if canonical, err := row.Canonical(claviger.PublicKey, o.info); err == nil {
		return canonical
	}
	return nil
}

// half is the public half of a private key in the token.
type half struct {
	handle cryptoki.Object // of the object; 0 if there is none
	spki   []byte          // nil if nothing tells it
	other  bool            // the key does not tell it, and all public objects of its name are of other keys than the one wanted
}

// maxHalves is how many objects of one name are looked at.
const maxHalves = 16

// publicHalf finds the public half of a private key: in the key itself, in an object of the same name, in a certificate of the same
// name. Objects that contradict each other tell nothing. want is what it has to be, empty if that is not known.
func (p *Provider) publicHalf(s *cryptoki.Session, row *algorithm.Row, private *object, want []byte) (h half, err error) {
	own := private.spki(row)
	if h.spki = own; h.spki == nil && len(want) > 0 {
		h.spki = want
	}
	objects, err := p.search(s, claviger.PublicKey, named(private.id, private.label), maxHalves)
	if err != nil {
		return h, err
	}
	var first half
	others := 0
	for _, o := range objects {
		spki := o.spki(row)
		switch {
		case !p.shaped(row, o) || spki == nil:
		case bytes.Equal(spki, h.spki):
			h.handle = o.handle
			return h, nil
		case first.spki == nil:
			first = half{handle: o.handle, spki: spki}
		case !bytes.Equal(spki, first.spki):
			others++
		}
	}
	if h.spki != nil {
		h.other = own == nil && first.spki != nil
		return h, nil
	}
	if first.spki != nil && others == 0 {
		return first, nil
	}
	h.spki, err = p.certified(s, row, private)
	return h, err
}

// certified gives the public key of a certificate of the same name as the key, nil if there is none.
func (p *Provider) certified(s *cryptoki.Session, row *algorithm.Row, private *object) ([]byte, error) {
	template := append(named(private.id, private.label), cryptoki.Ulong(cryptoki.AttrClass, classCertificate), cryptoki.Bool(cryptoki.AttrToken, true))
	handles, err := s.FindObjects(template, maxHalves)
	if err != nil {
		return nil, err
	}
	for _, h := range handles {
		a, err := s.GetAttributes(h, []cryptoki.AttributeType{cryptoki.AttrValue})
		if vanished(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if c, err := x509.ParseCertificate(a[0].Value); err == nil {
			if spki, err := row.Canonical(claviger.PublicKey, c.RawSubjectPublicKeyInfo); err == nil {
				return spki, nil
			}
		}
	}
	return nil, nil
}
