package main

import (
	"context"
	"errors"
	"strings"

	"filippo.io/age"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// stanzaType marks the part of an age file's header that a slot's key opens. Its arguments are the identifier of
// the key version (32 hexadecimal characters) and the algorithm that wraps; its body is what the daemon made of the
// file key: nonce ‖ ciphertext ‖ tag for an AEAD, the RSA ciphertext for OAEP. The file key itself is wrapped and
// unwrapped inside the daemon; the data is encrypted here (age-encryption.org/v1) and never crosses the socket.
const stanzaType = "claviger.dev/slot"

// wrapLabel goes in front of the identifier as the wrapping's associated data, so that it serves this and nothing else.
const wrapLabel = "claviger age file key v1"

// fileKeySize is the size of an age file key in bytes (age-encryption.org/v1, section "Header").
const fileKeySize = 16

// wrapAlgorithm says how a key of the given algorithm wraps a file key.
func wrapAlgorithm(key claviger.Algorithm) (claviger.Algorithm, error) {
	switch {
	case strings.HasPrefix(string(key), "AES-"):
		return key + "-GCM", nil
	case key == "ChaCha20":
		return "ChaCha20-Poly1305", nil
	case strings.HasPrefix(string(key), "RSA-"):
		return "RSA-OAEP-SHA-256", nil
	}
	return "", claviger.Errorf(claviger.ErrIncompatibleKeyType, "key", "a key of %s cannot encrypt a file; AES, ChaCha20 and RSA keys can", key)
}

// wrapper wraps and unwraps file keys with one version of a slot's key. It is an age.Recipient, whose context is the
// command's.
type wrapper struct {
	ctx context.Context
	l   *link
	key client.KeySource
	id  string // of the key version
	alg claviger.Algorithm
	at  client.ProviderSelector
}

var _ age.Recipient = (*wrapper)(nil)

// newWrapper takes the newest version of a slot's key.
func newWrapper(ctx context.Context, l *link, name string, at client.ProviderSelector) (*wrapper, error) {
	slot, info, err := l.occupiedSlot(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(info.Versions) == 0 {
		return nil, claviger.Errorf(claviger.ErrKeySlotEmpty, "key", "slot %q has no version", name)
	}
	alg, err := wrapAlgorithm(info.Algorithm)
	if err != nil {
		return nil, err
	}
	newest := info.Versions[len(info.Versions)-1]
	return &wrapper{ctx, l, slot.Version(newest.Version), newest.ID, alg, at}, nil
}

// Wrap gives the stanza for a file key.
func (w *wrapper) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	body, err := w.run(claviger.Encrypting, fileKey)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{Type: stanzaType, Args: []string{w.id, string(w.alg)}, Body: body}}, nil
}

// plain takes the age library's words off an error that has a code of its own.
func plain(err error) error {
	if e, ok := errors.AsType[*claviger.Error](err); ok {
		return e
	}
	return err
}

// unwrap gives the file key of a stanza's body. A body that is not what Wrap made is ErrOperationFailed.
func (w *wrapper) unwrap(body []byte) ([]byte, error) {
	fileKey, err := w.run(claviger.Decrypting, body)
	if err == nil && len(fileKey) != fileKeySize {
		clear(fileKey)
		err = claviger.Errorf(claviger.ErrOperationFailed, "unwrap", "the file key has the wrong size")
	}
	return fileKey, err
}

// run wraps or unwraps in the daemon.
func (w *wrapper) run(d claviger.Direction, in []byte) ([]byte, error) {
	if strings.HasPrefix(string(w.alg), "RSA-") {
		c, err := w.l.NewCipher(w.ctx, client.CipherConfig{Algorithm: w.alg, Key: w.key, Direction: d, Provider: w.at})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return cipherOnce(w.ctx, c, d, nil, in)
	}
	c, err := w.l.NewAEAD(w.ctx, client.AEADConfig{Algorithm: w.alg, Key: w.key, Direction: d, Provider: w.at})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return aeadOnce(w.ctx, c, d, aeadMessage{aad: []byte(wrapLabel + w.id), data: in})
}

// finder is an age.Identity: it finds the slot and version that a file was encrypted for and has the daemon unwrap the
// file key.
type finder struct {
	ctx  context.Context
	l    *link
	name string // slot to look in; "" is all that the caller can resolve
	at   client.ProviderSelector
	seen string // identifiers of this file's stanzas, for the error
}

var _ age.Identity = (*finder)(nil)

// Unwrap tries the stanzas of our type. A file for nobody that is known here is age.ErrIncorrectIdentity; an answer
// of the daemon that is no key is its error.
func (f *finder) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	candidates, err := f.slots()
	if err != nil {
		return nil, err
	}
	for _, s := range stanzas {
		if s.Type != stanzaType || len(s.Args) != 2 {
			continue
		}
		f.seen = s.Args[0]
		w, err := f.find(candidates, s.Args[0], claviger.Algorithm(s.Args[1]))
		if err != nil {
			return nil, err
		}
		if w != nil {
			return w.unwrap(s.Body)
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// slots lists the slots to look in.
func (f *finder) slots() ([]client.NamedSlot, error) {
	if f.name == "" {
		return f.l.stack.Slots(f.ctx)
	}
	_, info, err := f.l.occupiedSlot(f.ctx, f.name)
	return []client.NamedSlot{{Name: f.name, Type: claviger.TypeKeySlot, Info: info}}, err
}

// find looks for a key version by its identifier; nil if it is not there. The algorithm must be the one that such a key wraps
// with: a header that names another was altered.
func (f *finder) find(candidates []client.NamedSlot, id string, alg claviger.Algorithm) (*wrapper, error) {
	c, version := pick(candidates, id)
	if version == 0 {
		return nil, nil
	}
	want, err := wrapAlgorithm(c.Info.Algorithm)
	if err != nil {
		return nil, err
	}
	if alg != want {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "decrypt", "the header names %q where %s is used", claviger.Clip(string(alg)), want)
	}
	slot, err := f.l.KeySlot(f.ctx, c.Name)
	if err != nil {
		return nil, err
	}
	return &wrapper{f.ctx, f.l, slot.Version(version), id, want, f.at}, nil
}

// pick finds the slot and the number of a key version; the number is 0 if it is in none. Several names may stand for one
// slot: one that may decrypt goes first, and without any the daemon's refusal says what is missing.
func pick(candidates []client.NamedSlot, id string) (found client.NamedSlot, version uint64) {
	for _, c := range candidates {
		for _, v := range c.Info.Versions {
			if c.Type != claviger.TypeKeySlot || v.ID != id {
				continue
			}
			if c.Info.Permissions.Has(claviger.Decrypt) {
				return c, v.Version
			}
			if version == 0 {
				found, version = c, v.Version
			}
		}
	}
	return found, version
}

// notOurs reports whether an error of age says that the file is for somebody else.
func notOurs(err error) bool {
	_, ok := errors.AsType[*age.NoIdentityMatchError](err)
	return ok
}
