// Package xoodyak is Xoodyak, the Cyclist mode over the permutation Xoodoo, as submitted to the NIST lightweight
// cryptography process (version 2, 2021). It has no tables and no branches on secrets.
package xoodyak

import "crypto/subtle"

// Rates in bytes (specification, section 5).
const (
	rateHash    = 16
	rateIn      = 44
	rateOut     = 24
	ratchetSize = 16
)

// MaxKey is the most that key and identifier may have together, in bytes.
const MaxKey = rateIn - 1

// Cyclist is the mode of operation (specification, section 2), keyed or not. Each call is one operation on a whole
// string; the parts of a string in several calls are several strings. Not safe for concurrent use. A copy of the value
// is a copy of the state.
type Cyclist struct {
	s     [width]byte
	down  bool // the last step was Down
	keyed bool
}

// New makes a keyed Cyclist. The key is not empty, and key and identifier have at most MaxKey bytes together; others panic.
// The counter may be empty.
func New(key, identifier, counter []byte) *Cyclist {
	if len(key) == 0 || len(key)+len(identifier) > MaxKey {
		panic("xoodyak: no key, or key and identifier of more than 43 bytes")
	}
	c := &Cyclist{keyed: true}
	var all [rateIn]byte
	in := append(append(all[:0], key...), identifier...)
	c.absorb(append(in, byte(len(identifier))), rateIn, 0x02)
	if len(counter) > 0 {
		c.absorb(counter, 1, 0)
	}
	clear(all[:])
	return c
}

// NewWithNonce makes a keyed Cyclist in the way of the reference implementation of wasi-crypto: the first string is key,
// a zero byte, nonce. For that implementation the zero byte is the length of the key's identifier, which there stands
// before it. The specification's own way is New with the nonce as identifier; without a nonce both are the same. Lengths
// are bounded as for New.
func NewWithNonce(key, nonce []byte) *Cyclist {
	if len(key) == 0 || len(key)+len(nonce) > MaxKey {
		panic("xoodyak: no key, or key and nonce of more than 43 bytes")
	}
	c := &Cyclist{keyed: true}
	var all [rateIn]byte
	c.absorb(append(append(append(all[:0], key...), 0), nonce...), rateIn, 0x02)
	clear(all[:])
	return c
}

// NewHash makes a Cyclist without a key.
func NewHash() *Cyclist { return new(Cyclist) }

// goDown is Down(X, C) of at most rateIn bytes.
func (c *Cyclist) goDown(in []byte, domain byte) {
	subtle.XORBytes(c.s[:], c.s[:], in)
	c.s[len(in)] ^= 1
	if !c.keyed {
		domain &= 1
	}
	c.s[width-1] ^= domain
	c.down = true
}

// goUp is Up(C); the output is the beginning of the state.
func (c *Cyclist) goUp(domain byte) {
	if c.keyed {
		c.s[width-1] ^= domain
	}
	permute(&c.s)
	c.down = false
}

// absorb is AbsorbAny.
func (c *Cyclist) absorb(in []byte, rate int, domain byte) {
	for first := true; first || len(in) > 0; first = false {
		if c.down {
			c.goUp(0)
		}
		n := min(rate, len(in))
		c.goDown(in[:n], domain)
		in, domain = in[n:], 0
	}
}

// rate is what Absorb takes at once.
func (c *Cyclist) rate() int {
	if c.keyed {
		return rateIn
	}
	return rateHash
}

// Absorb takes a string.
func (c *Cyclist) Absorb(in []byte) { c.absorb(in, c.rate(), 0x03) }

// squeeze is SqueezeAny.
func (c *Cyclist) squeeze(out []byte, domain byte) {
	rate := rateHash
	if c.keyed {
		rate = rateOut
	}
	c.goUp(domain)
	for out = out[copy(out, c.s[:rate]):]; len(out) > 0; out = out[copy(out, c.s[:rate]):] {
		c.goDown(nil, 0)
		c.goUp(0)
	}
}

// Squeeze fills out with bytes that depend on all before.
func (c *Cyclist) Squeeze(out []byte) { c.squeeze(out, 0x40) }

// SqueezeKey is Squeeze for bytes that are used as a key. Keyed mode only; else it panics, as the next three do.
func (c *Cyclist) SqueezeKey(out []byte) {
	c.mustBeKeyed()
	c.squeeze(out, 0x20)
}

// Encrypt encrypts in place.
func (c *Cyclist) Encrypt(b []byte) { c.crypt(b, false) }

// Decrypt decrypts in place. Nothing of it may be used before a tag was squeezed and compared.
func (c *Cyclist) Decrypt(b []byte) { c.crypt(b, true) }

// Ratchet makes the states before this one impossible to compute from it.
func (c *Cyclist) Ratchet() {
	c.mustBeKeyed()
	var out [ratchetSize]byte
	c.squeeze(out[:], 0x10)
	c.absorb(out[:], rateIn, 0)
	clear(out[:])
}

func (c *Cyclist) mustBeKeyed() {
	if !c.keyed {
		panic("xoodyak: this needs a key")
	}
}

// crypt is Crypt.
func (c *Cyclist) crypt(b []byte, decrypt bool) {
	c.mustBeKeyed()
	domain := byte(0x80)
	var message [rateOut]byte
	for first := true; first || len(b) > 0; first = false {
		n := min(rateOut, len(b))
		c.goUp(domain)
		domain = 0
		copy(message[:], b[:n])
		subtle.XORBytes(b[:n], b[:n], c.s[:n])
		if decrypt {
			copy(message[:], b[:n])
		}
		c.goDown(message[:n], 0)
		b = b[n:]
	}
	clear(message[:])
}
