package symmetric

import (
	"crypto/cipher"
	"encoding/binary"
	"math/bits"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// newCiphering makes CBC or CTR. The initialization vector is the option "nonce", 16 bytes that the caller chooses: for
// CBC they must not be guessed beforehand, for CTR no counter may come twice with one key.
func newCiphering(s *state, key []byte) (verbs, error) {
	iv, err := s.takeNonce()
	if err != nil {
		return nil, err
	}
	block, err := s.guest.Use.NewBlock(key)
	if err != nil {
		return nil, errKey(s.guest, len(key))
	}
	if s.guest.Use.BothWays {
		return &streaming{unable: unable{s.guest}, block: block, iv: iv}, nil
	}
	return &chaining{unable: unable{s.guest}, block: block, iv: iv}, nil
}

// chaining is CBC (SP 800-38A section 6.2) with padding of PKCS #7 (RFC 5652 section 6.3): 1 to 16 bytes, which stand
// where others have a tag. Nothing but the padding is checked.
type chaining struct {
	unable
	block cipher.Block // shared with copies, as iv is
	iv    []byte
	used  bool
}

func (c *chaining) clone() (verbs, error) {
	copied := *c
	return &copied, nil
}

func (c *chaining) wipe() { *c = chaining{} }

// maxTag is a whole block, the padding of a message that fills its blocks.
func (c *chaining) maxTag() (int, error) { return c.block.BlockSize(), nil }

// seal uses the IV up: the next is ErrNonceRequired.
func (c *chaining) seal(dst, in []byte) ([]byte, error) {
	if c.used {
		return dst, errUsed(c.guest)
	}
	if err := heldLimit(c.guest, len(in)); err != nil {
		return dst, err
	}
	c.used = true
	size := c.block.BlockSize()
	whole := len(in) / size * size
	start := len(dst)
	dst = append(dst, make([]byte, whole+size)...)
	mode := c.guest.Use.NewBlockMode(c.block, c.iv, false)
	mode.CryptBlocks(dst[start:], in[:whole])
	last := dst[start+whole:]
	algorithm.Pad(last, copy(last, in[whole:]))
	mode.CryptBlocks(last, last)
	return dst, nil
}

// open is ErrInvalidTag for a length that is no multiple of the block and for wrong padding.
func (c *chaining) open(dst, in []byte) ([]byte, error) {
	size := c.block.BlockSize()
	if len(in) == 0 || len(in)%size != 0 {
		return dst, errTag(c.guest)
	}
	if err := heldLimit(c.guest, len(in)-size); err != nil {
		return dst, err
	}
	start := len(dst)
	out := append(dst, make([]byte, len(in))...)
	c.guest.Use.NewBlockMode(c.block, c.iv, true).CryptBlocks(out[start:], in)
	n, ok := algorithm.Unpad(out[len(out)-size:])
	if !ok {
		secmem.Wipe(out[start:])
		return dst, errTag(c.guest)
	}
	end := len(out) - size + n
	secmem.Wipe(out[end:])
	return out[:end], nil
}

// streaming is CTR (SP 800-38A section 6.5): one key stream from the IV on, of which every squeeze, encryption and
// decryption takes the next bytes, so that none is ever used twice in one state. To decrypt is to encrypt in a state that
// stands where the other stood. There is no tag.
type streaming struct {
	unable
	block cipher.Block // shared with copies, as iv is
	iv    []byte
	at    uint64 // bytes of the key stream that were taken
}

func (s *streaming) clone() (verbs, error) {
	copied := *s
	return &copied, nil
}

func (s *streaming) wipe() { *s = streaming{} }

// maxTag: a stream cipher adds nothing.
func (s *streaming) maxTag() (int, error) { return 0, nil }

// squeeze gives the next key stream itself.
func (s *streaming) squeeze(out []byte) error {
	clear(out)
	s.crypt(out, out)
	return nil
}

// seal adds the next key stream to in.
func (s *streaming) seal(dst, in []byte) ([]byte, error) {
	if err := heldLimit(s.guest, len(in)); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = append(dst, make([]byte, len(in))...)
	s.crypt(dst[start:], in)
	return dst, nil
}

// open is seal: adding the key stream twice is to add nothing.
func (s *streaming) open(dst, in []byte) ([]byte, error) { return s.seal(dst, in) }

// crypt adds the next key stream. The standard library's stream cannot be copied, so each call makes one at the counter
// where the last call ended and skips what that took of the block.
func (s *streaming) crypt(out, in []byte) {
	size := uint64(s.block.BlockSize())
	stream := s.guest.Use.NewStream(s.block, counter(s.iv, s.at/size))
	var skipped [16]byte
	skip := skipped[:s.at%size]
	stream.XORKeyStream(skip, skip)
	clear(skip)
	stream.XORKeyStream(out, in)
	s.at += uint64(len(in))
}

// counter gives the counter block n blocks after iv, which has 16 bytes and is a number with its most significant byte
// first that wraps around.
func counter(iv []byte, n uint64) []byte {
	low, carry := bits.Add64(binary.BigEndian.Uint64(iv[8:]), n, 0)
	high := binary.BigEndian.Uint64(iv) + carry
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, high), low)
}
