// Package reference is how a key of a token is named in the store: what package pkcs11 makes of a lasting key and finds it again by.
// It works with bytes alone, without a token and without a module, so that the daemon, which never loads one, can read from them
// what it may know: the public half.
package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// A blob names a key of a token. It is
//
//	offset  bytes  content
//	0       1      version, 1
//	1       1      flags: 1 the object was there before and is never destroyed; all others 0
//	2       1      class: 1 secret, 2 private, 3 public
//	3       1      n, length of the algorithm's name, 1 to 64
//	4       n      canonical name of the key algorithm
//	4+n     2      length of a secret key in bytes, little-endian; 0 for others
//	        2      i, length of CKA_ID, little-endian
//	        i      CKA_ID
//	        2      l, length of CKA_LABEL, little-endian
//	        l      CKA_LABEL
//	        2      s, length of the public half, little-endian
//	        s      SubjectPublicKeyInfo, to the end
//
// A secret key has no public half, and a private one has none only if the token did not tell it. Both have an identifier or a
// label, or both; the object is looked for by the identifier, and by the label only without one. A public key is whole in
// its blob, without flags, identifier and label: no object in the token belongs to it.
const (
	version = 1
	adopted = 1
	header  = 4
)

// MaxField is the most that an identifier, a label or a public half may have, in bytes.
const MaxField = 4096

// Key is what a blob says. Its slices are the caller's; not safe for concurrent use while it is changed.
type Key struct {
	Adopted bool // the object was there before and is never destroyed
	Spec    provider.Spec
	Size    int    // of a secret key, in bytes
	ID      []byte // CKA_ID
	Label   string // CKA_LABEL
	SPKI    []byte // public half, SubjectPublicKeyInfo; empty for a secret key, and where the token did not tell it
}

// String names the object for people.
func (r *Key) String() string {
	return fmt.Sprintf("the %s key of %s with the label %q and the identifier %s", r.Spec.Class, r.Spec.Algorithm, claviger.Clip(r.Label), shortHex(r.ID))
}

// shortHex is an identifier in hexadecimal.
func shortHex(id []byte) string {
	if len(id) == 0 {
		return "(none)"
	}
	return hex.EncodeToString(id[:min(len(id), claviger.MaxName)])
}

// Encodes reports whether the reference fits a blob.
func (r *Key) Encodes() bool {
	name := len(r.Spec.Algorithm)
	if name == 0 || name > claviger.MaxName || len(r.ID) > MaxField || len(r.Label) > MaxField || len(r.SPKI) > MaxField {
		return false
	}
	named := len(r.ID) > 0 || r.Label != ""
	switch r.Spec.Class {
	case claviger.SecretKey:
		return named && len(r.SPKI) == 0 && r.Size > 0 && r.Size < 1<<16
	case claviger.PrivateKey:
		return named && r.Size == 0
	case claviger.PublicKey:
		return !named && !r.Adopted && len(r.SPKI) > 0 && r.Size == 0
	}
	return false
}

// Encode writes a blob. ErrInvalidArgument for a reference that does not fit one.
func (r *Key) Encode() ([]byte, error) {
	if !r.Encodes() {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "store", "%s is not named in a way that can be kept", r)
	}
	var flags byte
	if r.Adopted {
		flags = adopted
	}
	b := append([]byte{version, flags, byte(r.Spec.Class), byte(len(r.Spec.Algorithm))}, r.Spec.Algorithm...)
	b = binary.LittleEndian.AppendUint16(b, uint16(r.Size))
	for _, field := range [][]byte{r.ID, []byte(r.Label), r.SPKI} {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(field))), field...)
	}
	return b, nil
}

// Seal is Encode into memory of its own, which the caller closes.
func (r *Key) Seal() (*secmem.Bytes, error) {
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	return secmem.Take(b)
}

// Decode takes a blob apart; ID and SPKI are parts of it. The error is ErrInvalidFormat.
func Decode(blob []byte) (*Key, error) {
	bad := func(what string) (*Key, error) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob has %s", what)
	}
	if len(blob) < header {
		return bad("no header")
	}
	r := &Key{Adopted: blob[1] == adopted, Spec: provider.Spec{Class: claviger.KeyClass(blob[2])}}
	n, rest := int(blob[3]), blob[header:]
	switch {
	case blob[0] != version:
		return bad("an unknown version")
	case blob[1]&^adopted != 0:
		return bad("unknown flags")
	case len(rest) < n+2:
		return bad("a wrong length")
	}
	r.Spec.Algorithm, r.Size, rest = claviger.Algorithm(rest[:n]), int(binary.LittleEndian.Uint16(rest[n:])), rest[n+2:]
	var fields [3][]byte
	for i := range fields {
		if len(rest) < 2 || len(rest)-2 < int(binary.LittleEndian.Uint16(rest)) {
			return bad("a wrong length")
		}
		end := 2 + int(binary.LittleEndian.Uint16(rest))
		fields[i], rest = rest[2:end:end], rest[end:]
	}
	r.ID, r.Label, r.SPKI = fields[0], string(fields[1]), fields[2]
	if len(rest) != 0 || !r.Encodes() {
		return bad("fields that do not belong together")
	}
	return r, nil
}

// Row finds the reference's algorithm and holds the public half against it. The error is ErrInvalidFormat.
func (r *Key) Row() (*algorithm.Row, error) {
	row, ok := algorithm.Lookup(r.Spec.Algorithm, algorithm.FamilyKey)
	if !ok || row.Name != r.Spec.Algorithm {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob names a key of an unknown algorithm")
	}
	if row.Pair() == (r.Spec.Class == claviger.SecretKey) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob names a %s key of %s, which there is not", r.Spec.Class, row.Name)
	}
	if len(r.SPKI) == 0 {
		return row, nil
	}
	canonical, err := row.Canonical(claviger.PublicKey, r.SPKI)
	if err != nil || string(canonical) != string(r.SPKI) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob does not hold a valid public half of %s", row.Name)
	}
	return row, nil
}

// Public gives the public half that a blob holds, a copy; nil for a secret key, for a pair whose token did not tell it, and for what is
// no blob. It may be called concurrently.
func Public(blob []byte) []byte {
	r, err := Decode(blob)
	if err != nil || len(r.SPKI) == 0 {
		return nil
	}
	if _, err := r.Row(); err != nil {
		return nil
	}
	return bytes.Clone(r.SPKI)
}
