package cryptoki

import (
	"encoding/binary"
)

// MechanismType is a CKM.
type MechanismType uint

// Mechanism is a mechanism with its parameter. It refers to the slices it was made from, which must stay as they are
// until the call that takes it returns; they are copied then. The zero value of all but Type is no parameter.
type Mechanism struct {
	Type   MechanismType
	layout layout
	words  [6]uint // the parameter's structure, without addresses
	first  []byte  // what the structure points to first, or the whole parameter
	second []byte  // what it points to second
}

// layout says what a parameter is made of.
type layout struct {
	size   int // in words; 0 for a parameter that is first itself, or none
	first  int // the word with the address of first, plus one; 0 for none
	second int // the word with the address of second, plus one; 0 for none
}

// Plain makes a mechanism without a parameter: key generation, RSA_PKCS, ECDSA, EDDSA in its pure form, HMAC, CMAC,
// digests.
func Plain(t MechanismType) Mechanism { return Mechanism{Type: t} }

// IV makes a mechanism whose parameter is an initialisation vector: 16 bytes for AES_CBC and AES_CBC_PAD.
func IV(t MechanismType, iv []byte) Mechanism { return Mechanism{Type: t, first: iv} }

// CTR makes AES_CTR (CK_AES_CTR_PARAMS): the last bits of the block count, 1 to 128, and all of it is where counting
// begins.
func CTR(bits uint, block [16]byte) Mechanism {
	m := Mechanism{Type: MechAESCTR, layout: layout{size: 3}}
	m.words[0] = bits
	m.words[1] = uint(binary.NativeEndian.Uint64(block[:8]))
	m.words[2] = uint(binary.NativeEndian.Uint64(block[8:]))
	return m
}

// GCM makes AES_GCM with a tag of so many bytes (CK_GCM_PARAMS as the headers have it, with ulIvBits). The tag follows
// the ciphertext. Some tokens draw the nonce themselves, see Session.IV.
func GCM(nonce, associated []byte, tagSize int) Mechanism {
	m := Mechanism{Type: MechAESGCM, layout: layout{size: 6, first: 1, second: 4}, first: nonce, second: associated}
	m.words[1], m.words[2] = uint(len(nonce)), 8*uint(len(nonce))
	m.words[4], m.words[5] = uint(len(associated)), 8*uint(tagSize)
	return m
}

// GCMWithoutBits is GCM for modules that follow the text of version 2.40, whose structure has no ulIvBits; they answer
// GCM with ErrMechanismParamInvalid.
func GCMWithoutBits(nonce, associated []byte, tagSize int) Mechanism {
	m := Mechanism{Type: MechAESGCM, layout: layout{size: 5, first: 1, second: 3}, first: nonce, second: associated}
	m.words[1], m.words[3], m.words[4] = uint(len(nonce)), uint(len(associated)), 8*uint(tagSize)
	return m
}

// OAEP makes RSA_PKCS_OAEP (CK_RSA_PKCS_OAEP_PARAMS) with a digest, a mask generation function and a label, which may be
// nil.
func OAEP(digest MechanismType, mgf uint, label []byte) Mechanism {
	m := Mechanism{Type: MechRSAPKCSOAEP, layout: layout{size: 5, first: 4}, first: label}
	if len(label) == 0 {
		m.layout.first = 0 // NULL: some modules refuse an address here
	}
	m.words = [6]uint{uint(digest), mgf, 1 /* CKZ_DATA_SPECIFIED */, 0, uint(len(label))}
	return m
}

// PSS makes RSA_PKCS_PSS (CK_RSA_PKCS_PSS_PARAMS), which signs a digest that was made by the given mechanism, with a salt
// of so many bytes.
func PSS(digest MechanismType, mgf uint, saltSize int) Mechanism {
	return Mechanism{Type: MechRSAPKCSPSS, layout: layout{size: 3}, words: [6]uint{uint(digest), mgf, uint(saltSize)}}
}

// ECDH1 makes ECDH1_DERIVE with the other side's public point and no key derivation function (CK_ECDH1_DERIVE_PARAMS with
// CKD_NULL): the key is the x coordinate. Modules differ in whether the point is raw or a DER octet string.
func ECDH1(public []byte) Mechanism {
	return Mechanism{
		Type: MechECDH1Derive, layout: layout{size: 5, first: 5}, first: public,
		words: [6]uint{1 /* CKD_NULL */, 0, 0, uint(len(public))},
	}
}

// mechanism lays out a CK_MECHANISM in the frame, and gives it with the place of the mechanism's first slice.
func (f *frame) mechanism(m *Mechanism) (c []uint, first []byte) {
	c = f.take(3)
	c[0] = uint(m.Type)
	if m.layout.size == 0 {
		if m.first != nil {
			first = f.put(m.first)
			c[1], c[2] = addressOf(first), uint(len(first))
		}
		return c, first
	}
	structure := f.take(m.layout.size)
	copy(structure, m.words[:])
	if m.layout.first > 0 {
		first = f.put(m.first)
		structure[m.layout.first-1] = addressOf(first)
	}
	if m.layout.second > 0 && len(m.second) > 0 {
		structure[m.layout.second-1] = addressOf(f.put(m.second))
	}
	c[1], c[2] = addressOfWords(structure), uint(m.layout.size*wordSize)
	return c, first
}
