package cryptoki

import (
	"encoding/binary"
	"fmt"
)

// AttributeType is a CKA.
type AttributeType uint

// Attribute is one attribute of an object, in a template or as an answer. In an answer, a nil Value says that the object
// does not have it or does not show it. Whoever made the value owns it; it may be secret, so that no verb of fmt shows
// it.
type Attribute struct {
	Type  AttributeType
	Value []byte
}

// Ulong makes an attribute of a number: a class, a key type, a size.
func Ulong(t AttributeType, v uint) Attribute {
	return Attribute{t, binary.NativeEndian.AppendUint64(nil, uint64(v))}
}

// Bool makes an attribute of a CK_BBOOL.
func Bool(t AttributeType, v bool) Attribute {
	if v {
		return Attribute{t, []byte{1}}
	}
	return Attribute{t, []byte{0}}
}

// Bytes makes an attribute of bytes, which it refers to and does not copy.
func Bytes(t AttributeType, v []byte) Attribute { return Attribute{t, v} }

// String makes an attribute of text.
func String(t AttributeType, v string) Attribute { return Attribute{t, []byte(v)} }

// Ulong reads the value as a number, and reports whether it has the size of one.
func (a Attribute) Ulong() (v uint, ok bool) {
	if len(a.Value) != wordSize {
		return 0, false
	}
	return uint(binary.NativeEndian.Uint64(a.Value)), true
}

// Bool reads the value as a CK_BBOOL, and reports whether it has the size of one. Anything but zero is true.
func (a Attribute) Bool() (v, ok bool) {
	if len(a.Value) != 1 {
		return false, false
	}
	return a.Value[0] != 0, true
}

// Format writes the type and the size of the value, whatever the verb.
func (a Attribute) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "attribute 0x%x of %d bytes", uint(a.Type), len(a.Value))
}

// attributeWords is the size of a CK_ATTRIBUTE in words: type, address, length.
const attributeWords = 3

// template lays out attributes with copies of their values in the frame, and gives the array of CK_ATTRIBUTE.
func (f *frame) template(attributes []Attribute) []uint {
	array := f.take(attributeWords * len(attributes))
	for i, a := range attributes {
		entry := array[attributeWords*i:]
		entry[0], entry[1], entry[2] = uint(a.Type), addressOf(f.put(a.Value)), uint(len(a.Value))
	}
	return array
}
