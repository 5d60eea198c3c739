package ascon

// hashRate is the number of bytes that one permutation takes or gives (SP 800-232 section 5).
const hashRate = 8

// The initial values of section 5, table 4.
const (
	initHash = 0x0000080100cc0002
	initXOF  = 0x0000080000cc0003
)

// Size is the length of an Ascon-Hash256 digest in bytes.
const Size = 32

// Hash takes a message by Write and then gives output by Read: Ascon-XOF128, or Ascon-Hash256, of which the first Size
// bytes are the digest. After the first Read another Write panics until Reset. Not safe for concurrent use. A copy of
// the value is a copy of the state.
type Hash struct {
	s       state
	init    uint64
	at      int // bytes taken or given of the current block
	reading bool
}

// NewHash256 makes Ascon-Hash256 (section 5.1).
func NewHash256() *Hash { return newHash(initHash) }

// NewXOF128 makes Ascon-XOF128 (section 5.2).
func NewXOF128() *Hash { return newHash(initXOF) }

func newHash(init uint64) *Hash {
	h := &Hash{init: init}
	h.Reset()
	return h
}

// Reset forgets the message.
func (h *Hash) Reset() {
	h.s = state{h.init}
	h.s.permute(12)
	h.at, h.reading = 0, false
}

// Clone copies the state.
func (h *Hash) Clone() *Hash {
	c := *h
	return &c
}

// BlockSize gives 8.
func (h *Hash) BlockSize() int { return hashRate }

// Write takes the next part of the message; it never fails.
func (h *Hash) Write(p []byte) (int, error) {
	if h.reading {
		panic("ascon: written to after output was read")
	}
	for _, b := range p {
		h.s[0] ^= uint64(b) << (8 * h.at)
		if h.at++; h.at == hashRate {
			h.s.permute(12)
			h.at = 0
		}
	}
	return len(p), nil
}

// Read fills p with the next output; it never fails.
func (h *Hash) Read(p []byte) (int, error) {
	if !h.reading {
		h.s[0] ^= 1 << (8 * h.at)
		h.s.permute(12)
		h.at, h.reading = 0, true
	}
	for i := range p {
		if h.at == hashRate {
			h.s.permute(12)
			h.at = 0
		}
		p[i] = byte(h.s[0] >> (8 * h.at))
		h.at++
	}
	return len(p), nil
}
