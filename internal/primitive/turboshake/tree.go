package turboshake

import "encoding/binary"

// chunkSize is the length of a leaf in bytes (RFC 9861 section 3.2).
const chunkSize = 8192

// The domain separation bytes of RFC 9861 section 3.2.
const (
	domainLeaf   = 0x0b
	domainSingle = 0x07
	domainFinal  = 0x06
)

// Tree is KT128 or KT256. It is used as State is: Write, then Read, until Reset. Not safe for concurrent use. A copy of
// the value is a copy of the state, except for the customization string, which is never changed.
type Tree struct {
	final  State // of the first chunk and the chaining values
	leaf   State // of the current chunk, when it is not the first
	custom []byte
	chain  int    // length of a chaining value in bytes
	full   int    // bytes in the current chunk
	leaves uint64 // chaining values done
	first  bool   // the current chunk is the first
	ended  bool
}

// NewKT128 makes KT128 with a customization string, which is copied.
func NewKT128(customization []byte) *Tree { return newTree(rate128, 32, customization) }

// NewKT256 makes KT256 with a customization string, which is copied.
func NewKT256(customization []byte) *Tree { return newTree(rate256, 64, customization) }

func newTree(rate, chain int, customization []byte) *Tree {
	custom := append([]byte(nil), customization...)
	custom = append(custom, lengthEncode(uint64(len(customization)))...)
	return &Tree{final: *newState(rate, domainFinal), leaf: *newState(rate, domainLeaf), custom: custom, chain: chain, first: true}
}

// lengthEncode is length_encode of RFC 9861 section 3.3.
func lengthEncode(x uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, x)
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return append(b, byte(len(b)))
}

// BlockSize gives the rate in bytes.
func (t *Tree) BlockSize() int { return t.final.rate }

// Reset forgets the message and keeps the customization string.
func (t *Tree) Reset() {
	t.final.Reset()
	t.leaf.Reset()
	t.full, t.leaves, t.first, t.ended = 0, 0, true, false
}

// Clone copies the state.
func (t *Tree) Clone() *Tree {
	c := *t
	return &c
}

// Write takes the next part of the message; it never fails.
func (t *Tree) Write(p []byte) (int, error) {
	if t.ended {
		panic("turboshake: written to after output was read")
	}
	total := len(p)
	for len(p) > 0 {
		if t.full == chunkSize {
			t.endChunk()
		}
		n := min(len(p), chunkSize-t.full)
		if t.first {
			t.final.Write(p[:n])
		} else {
			t.leaf.Write(p[:n])
		}
		t.full, p = t.full+n, p[n:]
	}
	return total, nil
}

// endChunk closes a chunk, of which there is a next one.
func (t *Tree) endChunk() {
	if t.first {
		t.final.Write([]byte{3, 0, 0, 0, 0, 0, 0, 0})
		t.first = false
	} else {
		t.endLeaf()
	}
	t.full = 0
}

func (t *Tree) endLeaf() {
	var value [64]byte
	t.leaf.Read(value[:t.chain])
	t.leaf.Reset()
	t.final.Write(value[:t.chain])
	t.leaves++
}

// Read fills p with the next output; it never fails.
func (t *Tree) Read(p []byte) (int, error) {
	if !t.ended {
		t.Write(t.custom)
		t.ended = true
		if t.first {
			t.final.domain = domainSingle
		} else {
			t.endLeaf()
			t.final.Write(lengthEncode(t.leaves))
			t.final.Write([]byte{0xff, 0xff})
			t.final.domain = domainFinal
		}
	}
	return t.final.Read(p)
}
