package operation

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// admit refuses n more bytes of a message as a whole, before the first of them is taken: ErrInvalidArgument over the
// message limit, ErrInsufficientBufferSize where the output is longer than room. The caller holds busy.
func (c *Context) admit(n int64, room int) error {
	const op = "update"
	if limit := c.longest(); limit != 0 && n > limit-c.message {
		if form := c.row.PreHash; form != "" {
			return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s takes messages of up to %d bytes; use %s for longer ones", c.info.Algorithm, limit, form)
		}
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s takes messages of up to %d bytes", c.info.Algorithm, limit)
	}
	return fits(op, c.given(c.message+n)-c.given(c.message), room)
}

// fits refuses an output that is longer than room; a room of 0 takes all.
func fits(op string, n int64, room int) error {
	if room == 0 || n <= int64(room) {
		return nil
	}
	return claviger.Errorf(claviger.ErrInsufficientBufferSize, op, "output of %d bytes; there is room for %d", n, room)
}

// longest is the longest input of a message in bytes, 0 for any: a ciphertext is longer than its message by the tag.
func (c *Context) longest() int64 {
	if c.info.MaxMessage != 0 && c.op == provider.Decrypt && c.row.Family == algorithm.FamilyAEAD {
		return c.info.MaxMessage + int64(c.info.Tag)
	}
	return c.info.MaxMessage
}

// given is the output that Update has given once it has taken n bytes: whole blocks, and when decrypting not the last
// one, since that may be padding.
func (c *Context) given(n int64) int64 {
	block := int64(c.info.Block)
	switch {
	case c.info.Gathers || c.op != provider.Encrypt && c.op != provider.Decrypt:
		return 0
	case block <= 1:
		return n
	case c.op == provider.Decrypt && n > 0:
		n--
	}
	return n / block * block
}

// left is the output of Finalize in bytes. It is exact but for signatures in ASN.1 form, counted as 0, and for what is
// padded, counted with its padding: those have 512 bytes at most. The caller holds busy.
func (c *Context) left(signature []byte, size int) int64 {
	held, block := c.message-c.given(c.message), int64(c.info.Block)
	switch family := c.row.Family; {
	case c.verifies() || c.op == provider.MAC && len(signature) != 0:
		return 1
	case family == algorithm.FamilyAEAD && c.op == provider.Decrypt:
		return held - int64(c.info.Tag)
	case family == algorithm.FamilyAEAD:
		return held + int64(c.info.Tag)
	case family == algorithm.FamilyCipher && c.op == provider.Encrypt && block > 1:
		return held + block - held%block
	case family == algorithm.FamilyCipher:
		return held
	case size != 0:
		return int64(size)
	}
	return int64(c.info.Size)
}
