package pkcs11

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// blockSize is that of AES, in bytes.
const blockSize = 16

// cipherChunk is how many bytes go to the token in one call of a block cipher; a multiple of blockSize.
const cipherChunk = 1 << 20

// cipher is one message of CBC with PKCS #7 padding, or of CTR.
func (k *key) cipher(ctx context.Context, w way, op provider.Op, iv, dst, in []byte) ([]byte, error) {
	if w.row.BothWays {
		c := counter{key: k, op: op}
		copy(c.block[:], iv)
		return c.run(ctx, dst, in)
	}
	c := chain{key: k, op: op}
	copy(c.iv[:], iv)
	if op == provider.Encrypt {
		return c.seal(ctx, dst, in)
	}
	return c.open(ctx, dst, in)
}

// once is one call of a cipher that gives as much as it takes.
func (k *key) once(ctx context.Context, op provider.Op, m cryptoki.Mechanism, dst, in []byte) ([]byte, error) {
	return k.call(ctx, op, dst, len(in), func(s *cryptoki.Session, h cryptoki.Object) ([]byte, error) {
		if op == provider.Encrypt {
			return s.Encrypt(dst, m, h, in, len(in))
		}
		return s.Decrypt(dst, m, h, in, len(in))
	})
}

// chain is CBC (SP 800-38A section 6.2) by calls that each are whole for the token: the last block of ciphertext is the next
// initialization vector.
type chain struct {
	key *key
	op  provider.Op
	iv  [blockSize]byte
}

// run takes whole blocks. On an error dst is as it was, and the chain is broken.
func (c *chain) run(ctx context.Context, dst, in []byte) ([]byte, error) {
	out := dst
	for len(in) > 0 {
		part := in[:min(len(in), cipherChunk)]
		in = in[len(part):]
		next, err := c.key.once(ctx, c.op, cryptoki.IV(cryptoki.MechAESCBC, c.iv[:]), out, part)
		if err != nil {
			clear(out[len(dst):])
			return dst, err
		}
		last := part[len(part)-blockSize:]
		if c.op == provider.Encrypt {
			last = next[len(next)-blockSize:]
		}
		copy(c.iv[:], last)
		out = next
	}
	return out, nil
}

// seal ends a message: it pads and encrypts what is left of it. A short message is one call.
func (c *chain) seal(ctx context.Context, dst, in []byte) ([]byte, error) {
	whole := 0
	if len(in) >= cipherChunk {
		whole = len(in) / blockSize * blockSize
	}
	out, err := c.run(ctx, dst, in[:whole])
	if err != nil {
		return dst, err
	}
	padded := make([]byte, (len(in)-whole)/blockSize*blockSize+blockSize)
	defer clear(padded)
	copy(padded, in[whole:])
	algorithm.Pad(padded[len(padded)-blockSize:], len(in)%blockSize)
	if out, err = c.run(ctx, out, padded); err != nil {
		return dst, err
	}
	return out, nil
}

// open ends a message: it decrypts what is left of it and takes the padding off. Wrong lengths and wrong paddings have one answer.
func (c *chain) open(ctx context.Context, dst, in []byte) ([]byte, error) {
	if len(in) == 0 || len(in)%blockSize != 0 {
		return dst, provider.ErrMismatch
	}
	out, err := c.run(ctx, dst, in)
	if err != nil {
		return dst, err
	}
	n, ok := algorithm.Unpad(out[len(out)-blockSize:])
	if !ok {
		clear(out[len(dst):])
		return dst, provider.ErrMismatch
	}
	clear(out[len(out)-blockSize+n:])
	return out[:len(out)-blockSize+n], nil
}

// counter is CTR (SP 800-38A section 6.5) by calls that each are whole for the token; the whole block counts, big-endian.
type counter struct {
	key   *key
	op    provider.Op
	block [blockSize]byte // of the next byte
	used  int             // bytes of that block's key stream that are used up
}

// run takes any number of bytes. On an error dst is as it was, and the counter is nowhere.
func (c *counter) run(ctx context.Context, dst, in []byte) ([]byte, error) {
	out := dst
	for len(in) > 0 {
		part := in[:min(len(in), c.room())]
		in = in[len(part):]
		next, err := c.part(ctx, out, part)
		if err != nil {
			clear(out[len(dst):])
			return dst, err
		}
		out = next
	}
	return out, nil
}

// room is how many bytes may go into one call: no counter wraps within it, since tokens may refuse that.
func (c *counter) room() int {
	n := uint64(cipherChunk)
	high, low := binary.BigEndian.Uint64(c.block[:8]), binary.BigEndian.Uint64(c.block[8:])
	if left := -low; high == math.MaxUint64 && left != 0 && left < n/blockSize {
		n = left * blockSize
	}
	return int(n) - c.used
}

// part is one call. Where the last one ended within a block, the bytes before are filled up with zeros and left out of the result.
func (c *counter) part(ctx context.Context, dst, in []byte) (out []byte, err error) {
	m := cryptoki.CTR(8*blockSize, c.block)
	if c.used == 0 {
		out, err = c.key.once(ctx, c.op, m, dst, in)
	} else {
		filled := slices.Concat(make([]byte, c.used), in)
		defer clear(filled)
		var whole []byte
		whole, err = c.key.once(ctx, c.op, m, nil, filled)
		defer clear(whole)
		out = append(dst, whole[min(c.used, len(whole)):]...)
	}
	if err != nil {
		return dst, err
	}
	c.advance(c.used + len(in))
	return out, nil
}

// advance counts n bytes from the beginning of the block.
func (c *counter) advance(n int) {
	high, low := binary.BigEndian.Uint64(c.block[:8]), binary.BigEndian.Uint64(c.block[8:])
	next := low + uint64(n/blockSize)
	if next < low {
		high++
	}
	binary.BigEndian.PutUint64(c.block[:8], high)
	binary.BigEndian.PutUint64(c.block[8:], next)
	c.used = n % blockSize
}
