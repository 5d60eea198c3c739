package keeper

import (
	"bytes"
	"errors"
	"io"
	"runtime/debug"

	"filippo.io/age"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// Limits of a passphrase in bytes, without the line end behind it.
const (
	MinPassphrase = 12
	MaxPassphrase = 1024
)

// Work factors of scrypt as powers of two; r = 8 and p = 1, so that each takes 128 bytes times 8 times two to the power.
const (
	workFactor    = 17 // of what we wrap: half a second, 128 MiB (the first choice of the OWASP password storage sheet)
	maxWorkFactor = 19 // of what we unwrap: two to three seconds, 512 MiB, whatever a foreign header asks for
)

// phrased is the way of passphrases: an age file, closed by scrypt (c2sp.org/age, "The scrypt recipient type").
type phrased struct{ place }

// Passphrase makes a keeper from the passphrase in the file at path: one line of MinPassphrase to MaxPassphrase bytes, with
// or without a line end behind it. The rules for the file are those of the function File. Nothing is read yet.
func Passphrase(path string) *Keeper {
	return &Keeper{phrased{place{label: "passphrase file " + path, path: path}}}
}

// PassphraseCredential is Passphrase for the systemd credential of that name; rules and errors are those of Credential.
func PassphraseCredential(name string) (*Keeper, error) {
	path, err := credentialPath(name)
	if err != nil {
		return nil, err
	}
	return &Keeper{phrased{place{label: "passphrase in systemd credential " + name, path: path, credential: true}}}, nil
}

func (phrased) format() byte   { return passphraseFormat }
func (p phrased) name() string { return p.label }

func (p phrased) protects() string {
	return "protects a copy of the store made without the passphrase, as far as that cannot be guessed; not against root, or whoever can read both"
}

func (p phrased) check() error {
	phrase, err := p.phrase()
	phrase.Close()
	return err
}

func (p phrased) wrap(secret []byte) ([]byte, error) {
	phrase, err := p.phrase()
	if err != nil {
		return nil, err
	}
	defer phrase.Close()
	return seal(phrase, workFactor, secret)
}

// seal wraps a secret. The age library keeps a copy of the passphrase on the Go heap until it is collected; so do the
// functions below.
func seal(phrase *secmem.Bytes, work int, secret []byte) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(string(phrase.Bytes()))
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidArgument, "keeper", err)
	}
	defer debug.FreeOSMemory() // what scrypt filled is large and no longer of use
	recipient.SetWorkFactor(work)
	out := bytes.NewBuffer([]byte{passphraseFormat})
	w, err := age.Encrypt(out, recipient)
	if err == nil {
		_, err = w.Write(secret)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInternal, "keeper", err)
	}
	return out.Bytes(), nil
}

func (p phrased) unwrap(wrapped []byte) (*secmem.Bytes, error) {
	phrase, err := p.phrase()
	if err != nil {
		return nil, err
	}
	defer phrase.Close()
	secret, err := unseal(phrase, maxWorkFactor, wrapped)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "%s holds another passphrase than the one that closed the store", p.label)
	}
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "the wrapped data key was altered, or asks for more work than a keeper does")
	}
	return secret, nil
}

// unseal opens what seal gave, unless it asks for more work than two to the power of limit. age.ErrIncorrectIdentity is
// another passphrase; any other error, bytes that seal did not make.
func unseal(phrase *secmem.Bytes, limit int, wrapped []byte) (*secmem.Bytes, error) {
	identity, err := age.NewScryptIdentity(string(phrase.Bytes()))
	if err != nil {
		return nil, err
	}
	defer debug.FreeOSMemory()
	identity.SetMaxWorkFactor(limit)
	r, err := age.Decrypt(bytes.NewReader(wrapped[1:]), identity)
	if err != nil {
		return nil, err
	}
	secret, err := io.ReadAll(r)
	if err != nil {
		secmem.Wipe(secret)
		return nil, err
	}
	return secmem.Take(secret)
}

// phrase reads the passphrase without its line end; the caller closes it.
func (p phrased) phrase() (*secmem.Bytes, error) {
	return p.line("a passphrase", MinPassphrase, MaxPassphrase)
}
