package software

import (
	"encoding/binary"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// A blob is
//
//	offset  bytes  content
//	0       1      version, 1
//	1       1      class: 1 secret, 2 private, 3 public
//	2       1      n, length of the algorithm's name, 1 to 64
//	3       n      canonical name of the key algorithm
//	3+n     4      m, length of the material, little-endian
//	7+n     m      canonical material, to the end
//
// It is not sealed; whoever keeps it does that.
const (
	blobVersion = 1
	blobHeader  = 3
	blobLength  = 4
)

// encodeBlob writes a blob into memory of its own.
func encodeBlob(spec provider.Spec, material []byte) (*secmem.Bytes, error) {
	out, err := secmem.New(blobHeader + len(spec.Algorithm) + blobLength + len(material))
	if err != nil {
		return nil, err
	}
	b := out.Bytes()
	b[0], b[1], b[2] = blobVersion, byte(spec.Class), byte(len(spec.Algorithm))
	rest := b[blobHeader+copy(b[blobHeader:], spec.Algorithm):]
	binary.LittleEndian.PutUint32(rest, uint32(len(material)))
	copy(rest[blobLength:], material)
	return out, nil
}

// decodeBlob takes a blob apart; material is a part of it. The error is ErrInvalidFormat.
func decodeBlob(blob []byte) (provider.Spec, []byte, error) {
	bad := func(what string) (provider.Spec, []byte, error) {
		return provider.Spec{}, nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob has %s", what)
	}
	if len(blob) < blobHeader {
		return bad("no header")
	}
	class, n := claviger.KeyClass(blob[1]), int(blob[2])
	switch {
	case blob[0] != blobVersion:
		return bad("an unknown version")
	case class < claviger.SecretKey || class > claviger.PublicKey:
		return bad("an unknown class")
	case n == 0 || n > claviger.MaxName || len(blob) < blobHeader+n+blobLength:
		return bad("a wrong length")
	}
	name, material := claviger.Algorithm(blob[blobHeader:blobHeader+n]), blob[blobHeader+n+blobLength:]
	if uint64(binary.LittleEndian.Uint32(blob[blobHeader+n:])) != uint64(len(material)) {
		return bad("a wrong length")
	}
	return provider.Spec{Algorithm: name, Class: class}, material, nil
}
