package algorithm

import (
	"crypto/sha3"
	"encoding"
	"hash"
	"io"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/claviger/claviger/internal/primitive/turboshake"
)

// sponge is what every extendable-output function does: take a message by Write, then give
// as much output as is asked for by Read. Neither fails.
type sponge interface {
	io.ReadWriter
	Reset()
	BlockSize() int // bytes
}

// XOF is the state of an extendable-output function. Nothing may be written between the
// first Read and Reset. Not safe for concurrent use.
type XOF struct {
	sponge
	copied func(sponge) (sponge, error)
}

// Clone copies the state. It fails only where the standard library cannot encode it.
func (x *XOF) Clone() (*XOF, error) {
	s, err := x.copied(x.sponge)
	if err != nil {
		return nil, err
	}
	return &XOF{s, x.copied}, nil
}

// extendable makes XOFs of one kind of state, given how to copy it.
func extendable[S sponge](fresh func() S, clone func(S) S) func() *XOF {
	copied := func(s sponge) (sponge, error) { return clone(s.(S)), nil }
	return func() *XOF { return &XOF{fresh(), copied} }
}

// shake makes XOFs of the standard library's states.
func shake(fresh func() *sha3.SHAKE) func() *XOF {
	copied := func(s sponge) (sponge, error) {
		state, err := s.(*sha3.SHAKE).MarshalBinary()
		if err != nil {
			return nil, err
		}
		defer clear(state)
		c := fresh()
		return c, c.UnmarshalBinary(state)
	}
	return func() *XOF { return &XOF{fresh(), copied} }
}

// cshake makes cSHAKE with an empty function name (SP 800-185 section 3). Without a
// customization string that is SHAKE.
func cshake(fn func(name, customization []byte) *sha3.SHAKE) func([]byte) *XOF {
	return func(customization []byte) *XOF {
		return shake(func() *sha3.SHAKE { return fn(nil, customization) })()
	}
}

// tree makes KT128 and KT256.
func tree(fn func(customization []byte) *turboshake.Tree) func([]byte) *XOF {
	return func(customization []byte) *XOF {
		return extendable(func() *turboshake.Tree { return fn(customization) }, (*turboshake.Tree).Clone)()
	}
}

// plain is a function without its customization string.
func plain(fn func([]byte) *XOF) func() *XOF { return func() *XOF { return fn(nil) } }

// turbo makes TurboSHAKE with the default domain separation byte.
func turbo(fn func(byte) *turboshake.State) func() *XOF {
	return extendable(func() *turboshake.State { return fn(turboshake.DomainDefault) }, (*turboshake.State).Clone)
}

// blake3State gives BLAKE3 the shape of a sponge: output is drawn from the hash at the
// first Read.
type blake3State struct {
	hash *blake3.Hasher
	out  *blake3.OutputReader
}

// newBLAKE3 makes the hash without a key (BLAKE3 specification section 2.3).
func newBLAKE3() *blake3State { return &blake3State{hash: blake3.New(32, nil)} }

// keyedBLAKE3 makes the keyed hash with a key of 32 bytes (BLAKE3 specification section 2.3).
func keyedBLAKE3(key []byte) *XOF {
	return extendable(func() *blake3State { return &blake3State{hash: blake3.New(32, key)} }, (*blake3State).clone)()
}

func (b *blake3State) clone() *blake3State {
	h := *b.hash
	c := &blake3State{hash: &h}
	if b.out != nil {
		out := *b.out
		c.out = &out
	}
	return c
}

// Write takes the next part of the message.
func (b *blake3State) Write(p []byte) (int, error) { return b.hash.Write(p) }

// Read gives the next output.
func (b *blake3State) Read(p []byte) (int, error) {
	if b.out == nil {
		b.out = b.hash.XOF()
	}
	return b.out.Read(p)
}

// Reset forgets the message.
func (b *blake3State) Reset() { b.hash.Reset(); b.out = nil }

// BlockSize gives 64.
func (b *blake3State) BlockSize() int { return b.hash.BlockSize() }

// fixed is an extendable-output function as a hash of one size, for uses that name it as
// their digest.
type fixed struct {
	*XOF
	size int
}

// digestOf makes hashes of size bytes.
func digestOf(fresh func() *XOF, size int) func() hash.Hash {
	return func() hash.Hash { return fixed{fresh(), size} }
}

// Clone copies the state.
func (f fixed) Clone() (hash.Cloner, error) {
	c, err := f.XOF.Clone()
	return fixed{c, f.size}, err
}

// Sum appends the output of a copy of the state.
func (f fixed) Sum(dst []byte) []byte {
	c, err := f.XOF.Clone()
	if err != nil {
		panic("algorithm: " + err.Error()) // the state is one of this package
	}
	out := make([]byte, f.size)
	c.Read(out)
	return append(dst, out...)
}

// Size gives the length of the digest in bytes.
func (f fixed) Size() int { return f.size }

// blake2 adds the copy that x/crypto's BLAKE2b has no method for.
type blake2 struct {
	hash.Hash
	fresh func() hash.Hash
}

// Clone copies the state by way of its encoding.
func (b blake2) Clone() (hash.Cloner, error) {
	state, err := b.Hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	c := b.fresh()
	return blake2{c, b.fresh}, c.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

// newBLAKE2b makes BLAKE2b without a key (RFC 7693), of 32 or 64 bytes.
func newBLAKE2b(size int) func() hash.Hash {
	fresh := func() hash.Hash {
		h, err := blake2b.New(size, nil)
		if err != nil {
			panic("algorithm: " + err.Error()) // the sizes are those of the table
		}
		return h
	}
	return func() hash.Hash { return blake2{fresh(), fresh} }
}
