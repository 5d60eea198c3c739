package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/claviger/claviger/guest"
)

// plain is where this guest has a key's own bytes while it imports it. It is wiped behind each use.
var plain [64]byte

// importMasked imports a key through plain.
func importMasked(algorithm, masked string) (*guest.SymmetricKey, error) {
	n, err := hex.Decode(plain[:], []byte(masked))
	if err != nil {
		return nil, err
	}
	for i := range n {
		plain[i] ^= 0xA5
	}
	k, err := guest.ImportSymmetricKey(algorithm, plain[:n])
	clear(plain[:])
	return k, err
}

func (g *keyed) store(algorithm, masked string) (id string, err error) {
	k, err := importMasked(algorithm, masked)
	if err != nil {
		return "", err
	}
	return g.manager.StoreSymmetricKey(k)
}

// local uses a key of the guest's own, and leaves key and states open.
func (g *keyed) local(algorithm, masked string) error {
	k, err := importMasked(algorithm, masked)
	if err != nil {
		return err
	}
	g.open = append(g.open, k)
	return g.thrice(func() error { return g.symmetric(algorithm, k) })
}

// hold imports a key, which stays open, and exports it into memory that it wipes.
func (g *keyed) hold(algorithm, masked string) error {
	k, err := importMasked(algorithm, masked)
	if err != nil {
		return err
	}
	g.open = append(g.open, k)
	exported, err := k.Export()
	clear(exported)
	return err
}

// symmetric does what a symmetric key is for. Its states stay open.
func (g *keyed) symmetric(algorithm string, k *guest.SymmetricKey) error {
	s, err := g.state(algorithm, k)
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(algorithm, "HKDF-EXTRACT"):
		return g.extract(algorithm, s)
	case strings.HasPrefix(algorithm, "HKDF-EXPAND"):
		return errors.Join(s.Absorb([]byte("information")), s.Squeeze(make([]byte, 100)))
	case strings.HasPrefix(algorithm, "HMAC"), strings.HasPrefix(algorithm, "KMAC"), strings.HasSuffix(algorithm, "CMAC"):
		if err := s.Absorb([]byte("a message")); err != nil {
			return err
		}
		tag, err := s.SqueezeTag()
		if err != nil {
			return err
		}
		_, err = tag.Bytes()
		return err
	case strings.HasPrefix(algorithm, "BLAKE"):
		return errors.Join(s.Absorb([]byte("a message")), s.Squeeze(make([]byte, 32)))
	}
	return g.roundTrip(algorithm, k, s)
}

// state opens a state that stays open, with a nonce where the algorithm wants one.
func (g *keyed) state(algorithm string, k *guest.SymmetricKey) (*guest.State, error) {
	c := guest.StateConfig{Key: k}
	s, err := guest.NewState(algorithm, c)
	for n := 12; n <= 16 && (errors.Is(err, guest.ErrNonceRequired) || errors.Is(err, guest.ErrInvalidNonce)); n += 4 {
		c.Nonce = bytes.Repeat([]byte{byte(len(g.open))}, n)
		s, err = guest.NewState(algorithm, c)
	}
	if err == nil {
		g.open = append(g.open, s)
	}
	return s, err
}

// extract derives a key, and bytes from that.
func (g *keyed) extract(algorithm string, s *guest.State) error {
	if err := s.Absorb([]byte("salt")); err != nil {
		return err
	}
	next := strings.Replace(algorithm, "EXTRACT", "EXPAND", 1)
	k, err := s.SqueezeKey(next)
	if err != nil {
		return err
	}
	g.open = append(g.open, k)
	return g.symmetric(next, k)
}

// roundTrip encrypts and decrypts.
func (g *keyed) roundTrip(algorithm string, k *guest.SymmetricKey, s *guest.State) error {
	nonce, err := s.Option("nonce")
	if err != nil && !errors.Is(err, guest.ErrOptionNotSet) {
		return err
	}
	other, err := guest.NewState(algorithm, guest.StateConfig{Key: k, Nonce: nonce})
	if err != nil {
		return err
	}
	g.open = append(g.open, other)
	message := []byte("a message of some length, longer than any block")
	ciphertext, err := s.Encrypt(nil, message)
	if err != nil {
		return err
	}
	plaintext, err := other.Decrypt(nil, ciphertext)
	return same(plaintext, message, err)
}
