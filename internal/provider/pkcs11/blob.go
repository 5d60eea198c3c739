package pkcs11

import (
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
	blobVersion = 1
	blobAdopted = 1
	blobHeader  = 4
	maxField    = 4096 // bytes of identifier, label or public half
)

// reference is what a blob says.
type reference struct {
	adopted bool
	spec    provider.Spec
	size    int // of a secret key, in bytes
	id      []byte
	label   string
	spki    []byte
}

// String names the object for people.
func (r *reference) String() string {
	return fmt.Sprintf("the %s key of %s with the label %q and the identifier %s", r.spec.Class, r.spec.Algorithm, claviger.Clip(r.label), shortHex(r.id))
}

// shortHex is an identifier in hexadecimal.
func shortHex(id []byte) string {
	if len(id) == 0 {
		return "(none)"
	}
	return hex.EncodeToString(id[:min(len(id), claviger.MaxName)])
}

// encodes reports whether the reference fits a blob.
func (r *reference) encodes() bool {
	name := len(r.spec.Algorithm)
	if name == 0 || name > claviger.MaxName || len(r.id) > maxField || len(r.label) > maxField || len(r.spki) > maxField {
		return false
	}
	named := len(r.id) > 0 || r.label != ""
	switch r.spec.Class {
	case claviger.SecretKey:
		return named && len(r.spki) == 0 && r.size > 0 && r.size < 1<<16
	case claviger.PrivateKey:
		return named && r.size == 0
	case claviger.PublicKey:
		return !named && !r.adopted && len(r.spki) > 0 && r.size == 0
	}
	return false
}

// encode writes a blob.
func (r *reference) encode() ([]byte, error) {
	if !r.encodes() {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "store", "%s is not named in a way that can be kept", r)
	}
	var flags byte
	if r.adopted {
		flags = blobAdopted
	}
	b := append([]byte{blobVersion, flags, byte(r.spec.Class), byte(len(r.spec.Algorithm))}, r.spec.Algorithm...)
	b = binary.LittleEndian.AppendUint16(b, uint16(r.size))
	for _, field := range [][]byte{r.id, []byte(r.label), r.spki} {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(field))), field...)
	}
	return b, nil
}

// seal is encode into memory of its own.
func (r *reference) seal() (*secmem.Bytes, error) {
	b, err := r.encode()
	if err != nil {
		return nil, err
	}
	return secmem.Take(b)
}

// decodeBlob takes a blob apart; id and spki are parts of it. The error is ErrInvalidFormat.
func decodeBlob(blob []byte) (*reference, error) {
	bad := func(what string) (*reference, error) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob has %s", what)
	}
	if len(blob) < blobHeader {
		return bad("no header")
	}
	r := &reference{adopted: blob[1] == blobAdopted, spec: provider.Spec{Class: claviger.KeyClass(blob[2])}}
	n, rest := int(blob[3]), blob[blobHeader:]
	switch {
	case blob[0] != blobVersion:
		return bad("an unknown version")
	case blob[1]&^blobAdopted != 0:
		return bad("unknown flags")
	case len(rest) < n+2:
		return bad("a wrong length")
	}
	r.spec.Algorithm, r.size, rest = claviger.Algorithm(rest[:n]), int(binary.LittleEndian.Uint16(rest[n:])), rest[n+2:]
	var fields [3][]byte
	for i := range fields {
		if len(rest) < 2 || len(rest)-2 < int(binary.LittleEndian.Uint16(rest)) {
			return bad("a wrong length")
		}
		end := 2 + int(binary.LittleEndian.Uint16(rest))
		fields[i], rest = rest[2:end:end], rest[end:]
	}
	r.id, r.label, r.spki = fields[0], string(fields[1]), fields[2]
	if len(rest) != 0 || !r.encodes() {
		return bad("fields that do not belong together")
	}
	return r, nil
}

// row finds the reference's algorithm and holds the public half against it. The error is ErrInvalidFormat.
func (r *reference) row() (*algorithm.Row, error) {
	row, ok := algorithm.Lookup(r.spec.Algorithm, algorithm.FamilyKey)
	if !ok || row.Name != r.spec.Algorithm {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob names a key of an unknown algorithm")
	}
	if row.Pair() == (r.spec.Class == claviger.SecretKey) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob names a %s key of %s, which there is not", r.spec.Class, row.Name)
	}
	if len(r.spki) == 0 {
		return row, nil
	}
	canonical, err := row.Canonical(claviger.PublicKey, r.spki)
	if err != nil || string(canonical) != string(r.spki) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob does not hold a valid public half of %s", row.Name)
	}
	return row, nil
}
