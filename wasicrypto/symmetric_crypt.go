package wasicrypto

import (
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// Encryption and decryption. All of them write the result to host memory first and to the guest's at the end, because the
// regions may overlap, and because nothing may be written on an error. A buffer of another size than the result needs is overflow if it
// is too small and invalid_length if it is too large, and then nothing has been done and no nonce is used up.

// sizes is what a buffer may have, in bytes: from low to high.
type sizes struct{ low, high int }

// check compares a buffer with what it may have.
func (s sizes) check(n int) errno {
	switch {
	case n < s.low:
		return overflow
	case n > s.high:
		return invalidLength
	}
	return success
}

// padded reports whether messages are filled up to whole blocks (CBC), so that the padding counts as the tag and the size of a message
// is not that of its ciphertext less a constant. A buffer may then be as large as max_tag_len has it.
func (s *symmetricState) padded() bool { return s.guest.Padding != 0 }

// sealed gives the sizes for n bytes of plaintext with the tag behind them.
func (s *symmetricState) sealed(n int) sizes {
	if s.padded() {
		block := s.guest.Padding
		return sizes{n - n%block + block, n + block}
	}
	return sizes{n + s.guest.Use.Tag, n + s.guest.Use.Tag}
}

// opened gives the sizes for n bytes of ciphertext with the tag behind them. What is shorter than a tag is invalid_tag.
func (s *symmetricState) opened(n int) (sizes, errno) {
	if s.padded() {
		return sizes{0, n}, success
	}
	if n -= s.guest.Use.Tag; n < 0 {
		return sizes{}, invalidTag
	}
	return sizes{n, n}, success
}

// encrypts answers invalid_operation for a kind of algorithm that does not encrypt, or not with the tag apart.
func (s *symmetricState) encrypts(detached bool) errno {
	switch s.guest.Kind {
	case algorithm.KindAEAD, algorithm.KindSession:
		return success
	case algorithm.KindCipher:
		if !detached {
			return success
		}
	}
	return invalidOperation
}

// most is how many bytes of data a function takes: what may be held of a message, and in decrypt what encrypt adds to it.
func (s *symmetricState) most(withTag bool) int {
	if withTag {
		return s.limit + s.guest.Use.Tag + s.guest.Padding
	}
	return s.limit
}

// crypt reads the buffers that all of these functions have, (symmetric_state, buffer, data, ...), and calls fn with them. withTag says that the
// tag stands in the data. More than most is overflow.
func (c *call) crypt(detached, withTag bool, fn func(s *symmetricState, to, data []byte) (uint32, errno)) (v uint32, e errno) {
	to, e1 := c.bytes(1)
	data, e2 := c.bytes(3)
	if e := first(e1, e2); e != success {
		return 0, e
	}
	e = c.withState(func(s *symmetricState) errno {
		if e := s.encrypts(detached); e != success {
			return e
		}
		if len(data) > s.most(withTag) {
			return overflow
		}
		var e errno
		v, e = fn(s, to, data)
		return e
	})
	return v, e
}

// stateEncrypt (symmetric_state, buffer, data) gives the size of ciphertext and tag.
func stateEncrypt(c *call) (uint32, errno) {
	return c.crypt(false, false, func(s *symmetricState, to, data []byte) (uint32, errno) {
		want := s.sealed(len(data))
		if e := want.check(len(to)); e != success {
			return 0, e
		}
		done, err := s.state.Encrypt(c.ctx, c.buffer(want.high)[:0], data)
		return deliver(to, done, err)
	})
}

// stateEncryptDetached (symmetric_state, buffer, data) gives the handle of the tag.
func stateEncryptDetached(c *call) (uint32, errno) {
	return c.crypt(true, false, func(s *symmetricState, to, data []byte) (uint32, errno) {
		want := sizes{len(data), len(data)}
		if e := first(want.check(len(to)), c.room()); e != success {
			return 0, e
		}
		done, tag, err := s.state.EncryptDetached(c.ctx, c.buffer(want.high)[:0], data)
		if err != nil {
			return 0, signal(err)
		}
		h, e := c.guest.table.add(&symmetricTag{tag})
		if e != success {
			return 0, e
		}
		copy(to, done)
		return h, success
	})
}

// stateDecrypt (symmetric_state, buffer, ciphertext and tag) gives the size of the plaintext.
func stateDecrypt(c *call) (uint32, errno) {
	return c.crypt(false, true, func(s *symmetricState, to, data []byte) (uint32, errno) {
		want, e := s.opened(len(data))
		if e == success {
			e = want.check(len(to))
		}
		if e != success {
			return refuse(to, e)
		}
		done, err := s.state.Decrypt(c.ctx, c.buffer(want.high)[:0], data)
		defer secmem.Wipe(done)
		return deliver(to, done, err)
	})
}

// stateDecryptDetached (symmetric_state, buffer, ciphertext, tag) gives the size of the plaintext.
func stateDecryptDetached(c *call) (uint32, errno) {
	tag, e := c.bytes(5)
	if e != success {
		return 0, e
	}
	return c.crypt(true, false, func(s *symmetricState, to, data []byte) (uint32, errno) {
		want := sizes{len(data), len(data)}
		if e := want.check(len(to)); e != success {
			return 0, e
		}
		done, err := s.state.DecryptDetached(c.ctx, c.buffer(want.high)[:0], data, tag)
		defer secmem.Wipe(done)
		return deliver(to, done, err)
	})
}

// deliver copies a result to the guest and gives its size, or refuses with the errno of the error.
func deliver(to, done []byte, err error) (uint32, errno) {
	switch {
	case err != nil:
		return refuse(to, signal(err))
	case len(done) > len(to):
		return 0, overflow
	}
	return uint32(copy(to, done)), success
}

// refuse answers with an errno. When a tag is wrong the whole buffer is zeroed, so that no guest takes what stood there for plaintext.
func refuse(to []byte, e errno) (uint32, errno) {
	if e == invalidTag {
		clear(to)
	}
	return 0, e
}
