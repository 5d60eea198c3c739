package symmetric

import (
	"bytes"
	"crypto/rand"
	"strings"

	"github.com/claviger/claviger"
)

// Names of the options that are bytes.
const (
	optionContext = "context"
	optionSalt    = "salt"
	optionNonce   = "nonce"
)

// options are those that a state was opened with; nil if none were. They are not written after the state is open, so its
// copies share them.
type options claviger.StateOptions

// keep copies the options that are given.
func (s *state) keep(o claviger.StateOptions) {
	given := o.Nonce != nil || o.Salt != nil || o.Context != nil || o.MemoryLimit != nil || o.OpsLimit != nil || o.Parallelism != nil
	if !given {
		return
	}
	s.options = &options{
		Nonce: bytes.Clone(o.Nonce), Salt: bytes.Clone(o.Salt), Context: bytes.Clone(o.Context),
		MemoryLimit: number(o.MemoryLimit), OpsLimit: number(o.OpsLimit), Parallelism: number(o.Parallelism),
	}
}

// number copies what may not be given.
func number(n *uint64) *uint64 {
	if n == nil {
		return nil
	}
	c := *n
	return &c
}

// bytes gives an option, nil if it was not given.
func (o *options) bytes(name string) []byte {
	if o == nil {
		return nil
	}
	switch name {
	case optionNonce:
		return o.Nonce
	case optionSalt:
		return o.Salt
	}
	return o.Context
}

// takeNonce gives the nonce that the algorithm is to run with, of its own length, and draws one where that is safe and
// none was given. It is nil where none is needed. ErrInvalidNonce for another length, ErrNonceRequired where there is none.
func (s *state) takeNonce() ([]byte, error) {
	g := s.guest
	given := s.options.bytes(optionNonce)
	switch {
	case given != nil && g.Nonce != 0 && len(given) != g.Nonce:
		return nil, claviger.Errorf(claviger.ErrInvalidNonce, op, "a nonce of %s has %d bytes, not %d", g.Name, g.Nonce, len(given))
	case given != nil || g.NonceOptional:
		return given, nil
	case !g.RandomNonce:
		return nil, claviger.Errorf(claviger.ErrNonceRequired, op, "%s needs a nonce of %d bytes", g.Name, g.Nonce)
	}
	if s.options == nil {
		s.options = new(options)
	}
	s.options.Nonce = make([]byte, g.Nonce)
	rand.Read(s.options.Nonce) // it never fails
	return s.options.Nonce, nil
}

// option finds an option that is bytes.
func (o *options) option(name string) ([]byte, error) {
	name = strings.ToLower(name)
	switch name {
	case optionContext, optionSalt, optionNonce:
	default:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOption, op, "%q is no option that holds bytes", claviger.Clip(name))
	}
	value := o.bytes(name)
	if value == nil {
		return nil, claviger.Errorf(claviger.ErrOptionNotSet, op, "the option %s was not given", name)
	}
	return bytes.Clone(value), nil
}

// number finds an option that is a number.
func (o *options) number(name string) (uint64, error) {
	var value *uint64
	if o == nil {
		o = new(options)
	}
	switch strings.ToLower(name) {
	case "memory_limit":
		value = o.MemoryLimit
	case "ops_limit", "opslimit":
		value = o.OpsLimit
	case "parallelism":
		value = o.Parallelism
	default:
		return 0, claviger.Errorf(claviger.ErrUnsupportedOption, op, "%q is no option that holds a number", claviger.Clip(name))
	}
	if value == nil {
		return 0, claviger.Errorf(claviger.ErrOptionNotSet, op, "the option %s was not given", claviger.Clip(name))
	}
	return *value, nil
}
