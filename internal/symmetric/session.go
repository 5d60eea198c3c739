package symmetric

import (
	"crypto/subtle"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/primitive/xoodyak"
)

// session is Xoodyak, one rolling state over everything that is done with it, in either direction: each operation is one
// of Cyclist on a whole string, so that two calls of absorb are two strings and not one. Without a key it absorbs and
// squeezes, tags included.
//
// The nonce goes in with the key, as the reference implementation of wasi-crypto has it: see xoodyak.NewWithNonce. It may
// have any length that fits; without a key it has no effect, and without a nonce two sessions that do the same with one
// key give the same, as the specification's example has it.
type session struct {
	unable
	cyclist xoodyak.Cyclist
	keyed   bool
}

// newSession is Cyclist keyed, or as a hash if key is nil.
func newSession(g *algorithm.Guest, key, nonce []byte) (*session, error) {
	s := &session{unable: unable{g}, keyed: key != nil}
	if !s.keyed {
		return s, nil
	}
	if limit := xoodyak.MaxKey - len(key); len(nonce) > limit {
		return nil, claviger.Errorf(claviger.ErrInvalidNonce, op, "a nonce of %s has at most %d bytes, not %d", g.Name, limit, len(nonce))
	}
	c := xoodyak.NewWithNonce(key, nonce)
	s.cyclist = *c
	*c = xoodyak.Cyclist{} // its state still shows the key
	return s, nil
}

func (s *session) clone() (verbs, error) {
	c := *s
	return &c, nil
}

func (s *session) wipe() { *s = session{} }

// absorb takes one string.
func (s *session) absorb(data []byte) error {
	s.cyclist.Absorb(data)
	return nil
}

// squeeze gives output that depends on all before, and is itself a step of the session.
func (s *session) squeeze(out []byte) error {
	s.cyclist.Squeeze(out)
	return nil
}

// squeezeTag is a squeeze of 16 bytes.
func (s *session) squeezeTag() ([]byte, error) {
	tag := make([]byte, xoodyak.Overhead)
	s.cyclist.Squeeze(tag)
	return tag, nil
}

// squeezeKey gives a key of the length that the target generates; ErrKeyNotSupported where it takes none.
func (s *session) squeezeKey(target *algorithm.Guest) ([]byte, error) {
	if !s.keyed {
		return nil, s.refuse("squeeze a key without a key")
	}
	if err := CheckKey(target, target.DefaultKey); err != nil {
		return nil, err
	}
	key := make([]byte, target.DefaultKey)
	s.cyclist.SqueezeKey(key)
	return key, nil
}

func (s *session) maxTag() (int, error) { return xoodyak.Overhead, nil }

func (s *session) detaches() bool { return s.keyed }

// seal encrypts and squeezes a tag.
func (s *session) seal(dst, in []byte) ([]byte, error) {
	if !s.keyed {
		return dst, s.refuse("encrypt without a key")
	}
	if err := heldLimit(s.guest, len(in)); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = append(dst, in...)
	s.cyclist.Encrypt(dst[start:])
	var tag [xoodyak.Overhead]byte
	s.cyclist.Squeeze(tag[:])
	return append(dst, tag[:]...), nil
}

// open decrypts in a copy of the state, which takes the state's place when the tag was right.
func (s *session) open(dst, in []byte) ([]byte, error) {
	if !s.keyed {
		return dst, s.refuse("decrypt without a key")
	}
	n := len(in) - xoodyak.Overhead
	if n < 0 {
		return dst, errTag(s.guest)
	}
	if err := heldLimit(s.guest, n); err != nil {
		return dst, err
	}
	next := s.cyclist
	start := len(dst)
	out := append(dst, in[:n]...)
	next.Decrypt(out[start:])
	var tag [xoodyak.Overhead]byte
	next.Squeeze(tag[:])
	if subtle.ConstantTimeCompare(tag[:], in[n:]) != 1 {
		clear(out[start:])
		return dst, errTag(s.guest)
	}
	s.cyclist = next
	return out, nil
}

// ratchet is Cyclist's.
func (s *session) ratchet() error {
	if !s.keyed {
		return s.refuse("ratchet without a key")
	}
	s.cyclist.Ratchet()
	return nil
}
