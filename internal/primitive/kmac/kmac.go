// Package kmac is KMAC128 and KMAC256, the message authentication codes of NIST SP 800-185 section 4, on the standard
// library's cSHAKE.
package kmac

import (
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"hash"
	"math/bits"
)

// MAC is a hash.Hash that can be copied. Not safe for concurrent use. Its states, the keyed one included, live on the
// Go heap.
type MAC struct {
	fresh func() *sha3.SHAKE
	size  int         // of the code, in bytes
	keyed []byte      // the encoded state after the key, which Reset goes back to
	state *sha3.SHAKE // what was written
	last  *sha3.SHAKE // Sum works on a copy here
	saved []byte      // room for that copy's encoding
}

var _ hash.Cloner = (*MAC)(nil)

// New128 makes KMAC128 with codes of size bytes, which the code depends on. The key may have any length and is copied;
// the customization string may be empty. A size below 1 is an error.
func New128(key []byte, size int, customization []byte) (*MAC, error) {
	return newMAC(func() *sha3.SHAKE { return sha3.NewCSHAKE128([]byte("KMAC"), customization) }, key, size)
}

// New256 is New128 for KMAC256.
func New256(key []byte, size int, customization []byte) (*MAC, error) {
	return newMAC(func() *sha3.SHAKE { return sha3.NewCSHAKE256([]byte("KMAC"), customization) }, key, size)
}

// newMAC absorbs bytepad(encode_string(key), rate) (section 2.3.3).
func newMAC(fresh func() *sha3.SHAKE, key []byte, size int) (*MAC, error) {
	if size < 1 {
		return nil, errors.New("kmac: a code has at least one byte")
	}
	m := &MAC{fresh: fresh, size: size, state: fresh(), last: fresh()}
	rate := m.state.BlockSize()
	head := append(leftEncode(uint64(rate)), leftEncode(8*uint64(len(key)))...)
	m.state.Write(head)
	m.state.Write(key)
	if rest := (len(head) + len(key)) % rate; rest != 0 {
		m.state.Write(make([]byte, rate-rest))
	}
	var err error
	m.keyed, err = m.state.MarshalBinary()
	return m, err
}

// leftEncode is left_encode of section 2.3.1.
func leftEncode(x uint64) []byte {
	n := max(1, (bits.Len64(x)+7)/8)
	b := binary.BigEndian.AppendUint64([]byte{0}, x)
	b[8-n] = byte(n)
	return b[8-n:]
}

// rightEncode is right_encode of section 2.3.1.
func rightEncode(x uint64) []byte {
	n := max(1, (bits.Len64(x)+7)/8)
	b := binary.BigEndian.AppendUint64(nil, x)
	return append(b[8-n:], byte(n))
}

// Write takes the next part of the message; it never fails.
func (m *MAC) Write(p []byte) (int, error) { return m.state.Write(p) }

// Sum appends the code of what was written and leaves the state as it was.
func (m *MAC) Sum(dst []byte) []byte {
	m.saved = copied(m.last, m.state, m.saved)
	m.last.Write(rightEncode(8 * uint64(m.size)))
	start := len(dst)
	dst = append(dst, make([]byte, m.size)...)
	m.last.Read(dst[start:])
	return dst
}

// copied makes to equal from by way of room, and gives the room back wiped.
func copied(to, from *sha3.SHAKE, room []byte) []byte {
	room, err := from.AppendBinary(room[:0])
	if err == nil {
		err = to.UnmarshalBinary(room)
	}
	if err != nil {
		panic("kmac: " + err.Error()) // both are of one kind
	}
	clear(room)
	return room
}

// Reset forgets the message and keeps the key.
func (m *MAC) Reset() {
	if err := m.state.UnmarshalBinary(m.keyed); err != nil {
		panic("kmac: " + err.Error()) // it encoded this state itself
	}
	m.last.Reset()
}

// Size gives the length of the code in bytes.
func (m *MAC) Size() int { return m.size }

// BlockSize gives the rate: 168 bytes for KMAC128, 136 for KMAC256.
func (m *MAC) BlockSize() int { return m.state.BlockSize() }

// Clone copies the state.
func (m *MAC) Clone() (hash.Cloner, error) {
	c := &MAC{fresh: m.fresh, size: m.size, keyed: m.keyed, state: m.fresh(), last: m.fresh()}
	m.saved = copied(c.state, m.state, m.saved)
	return c, nil
}
