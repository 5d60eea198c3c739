// Package pkcs11 is the provider whose keys are objects of a PKCS #11 token. What it offers is read from the token and held against
// the algorithm table; keys that it makes cannot be taken out of the token. It runs in a worker process: whoever starts that
// supervises calls that never return, hashes and gathers messages, and starts the process anew when the token is lost.
//
// One login serves all sessions of the process (PKCS #11 3.1 section 5.6.7). Sessions that own keys run nothing that would have
// to be cancelled, and are never closed while the provider is open; all others own nothing and can be replaced at any time.
package pkcs11

import (
	"context"
	"errors"
	"fmt"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// Bounds of sessions: what a token gets without configuration, and the least that works: one that owns keys, one that uses them.
const (
	defaultSessions = 64
	minSessions     = 2
)

// Config says which token. It travels to the worker process as JSON; the PIN is no part of it.
type Config struct {
	Module     string  `json:"module"`                // absolute path of the shared library
	TokenLabel string  `json:"token_label,omitempty"` // at most one of label, serial number and slot; none if there is one token only
	Serial     string  `json:"serial,omitempty"`
	Slot       *uint64 `json:"slot,omitempty"`
	Sessions   int     `json:"sessions,omitempty"` // most sessions at once; 0 means 64, and a token may allow less
}

// most gives how many sessions there may be.
func (c Config) most() int {
	if c.Sessions <= 0 {
		return defaultSessions
	}
	return c.Sessions
}

// sessions gives how many of them a token has, as far as it says.
func (c Config) sessions(token cryptoki.TokenInfo) int {
	n := c.most()
	if token.MaxSessions > 0 && token.MaxSessions < uint(n) {
		return int(token.MaxSessions)
	}
	return n
}

// Token is the device. Not safe for concurrent use.
type Token struct {
	config  Config
	module  *cryptoki.Module // nil while closed
	version cryptoki.Version // of the standard
	at      place
	share   share // of sessions
	tried   bool  // a login was tried
}

var (
	_ provider.Device         = (*Token)(nil)
	_ provider.ObjectProvider = (*Provider)(nil)
	_ provider.Key            = (*key)(nil)
)

// New gives the token that c names, which nothing is done with before Open.
func New(c Config) *Token { return &Token{config: c} }

// Open loads the module and finds the one token that the configuration means. Errors: ErrProviderNotAvailable, wrapping
// provider.ErrPIN where the token has locked its PIN.
func (t *Token) Open(ctx context.Context) (provider.Lock, error) {
	const op = "open"
	if err := provider.Alive(ctx, op); err != nil {
		return provider.Lock{}, err
	}
	if t.module != nil {
		return provider.Lock{}, unavailable(op, "module %s is open already", t.config.Module)
	}
	module, err := cryptoki.Open(t.config.Module)
	if err != nil {
		return provider.Lock{}, unavailable(op, "%s", unloaded(t.config.Module, err))
	}
	lock, err := t.find(module)
	if err != nil {
		_ = module.Close()
		return provider.Lock{}, err
	}
	t.module = module
	return lock, nil
}

// find chooses the token and describes it.
func (t *Token) find(module *cryptoki.Module) (provider.Lock, error) {
	const op = "open"
	info, err := module.Info()
	if err != nil {
		return provider.Lock{}, unavailable(op, "module %s: %v", t.config.Module, err)
	}
	at, err := t.config.choose(module)
	if err != nil {
		return provider.Lock{}, err
	}
	n := t.config.sessions(at.info)
	if n < minSessions {
		return provider.Lock{}, unavailable(op, "%s: %d session at once; %d are needed", at, n, minSessions)
	}
	t.version, t.at, t.share = info.Cryptoki, at, shares(n)
	t.share.few = n < t.config.most()
	return provider.Lock{
		Detail:   fmt.Sprintf("%s (%s), module %s, PKCS #11 %s", at, at.info.Model, t.config.Module, info.Cryptoki),
		NeedsPIN: at.info.Flags.Has(cryptoki.FlagLoginRequired) && !at.info.Flags.Has(cryptoki.FlagProtectedAuthenticationPath),
		Doubt:    at.info.Flags&(cryptoki.FlagUserPINCountLow|cryptoki.FlagUserPINFinalTry) != 0,
		Sessions: t.share.calls(),
		Makers:   t.share.keepers,
	}, nil
}

// Unlock logs in, where the token wants that, and gives the provider. It logs in once for each Token: whatever comes of it, a second
// call is an error. Errors: ErrProviderNotAvailable, wrapping provider.ErrPIN for a PIN that the token refuses.
func (t *Token) Unlock(ctx context.Context, pin []byte) (provider.Provider, error) {
	const op = "unlock"
	if err := provider.Alive(ctx, op); err != nil {
		return nil, err
	}
	if t.module == nil || t.tried {
		return nil, unavailable(op, "the token is not open, or was unlocked already")
	}
	info, err := t.module.TokenInfo(t.at.slot)
	if err != nil {
		return nil, shut(t.at.fault(op, claviger.ErrProviderNotAvailable, err))
	}
	now := place{t.at.slot, info}
	if !now.same(t.at) { // the PIN is not for another one
		return nil, unavailable(op, "%s is gone; there is %s", t.at, list([]place{now}))
	}
	t.at = now
	if err := now.ready(op); err != nil {
		return nil, err
	}
	return t.open(pin)
}

// open opens the sessions and logs in. What is open is closed again if it fails.
func (t *Token) open(pin []byte) (*Provider, error) {
	p := &Provider{pool: &pool{module: t.module, at: t.at}}
	err := p.pool.openKeepers(t.share, func(s *cryptoki.Session) error { return t.login(s, pin) })
	if err == nil {
		err = p.read(t)
	}
	if err != nil {
		p.pool.close()
		return nil, shut(t.at.fault("unlock", claviger.ErrProviderNotAvailable, err))
	}
	return p, nil
}

// shut gives an error the code that all of Unlock have; what it wraps stays.
func shut(err error) error {
	e, ok := errors.AsType[*claviger.Error](err)
	if !ok {
		return err
	}
	return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: e.Op, Detail: e.Detail, Err: e.Err}
}

// login logs in by the session, once.
func (t *Token) login(s *cryptoki.Session, pin []byte) error {
	flags := t.at.info.Flags
	if !flags.Has(cryptoki.FlagLoginRequired) {
		return nil
	}
	if flags.Has(cryptoki.FlagProtectedAuthenticationPath) {
		pin = nil // the token asks for it by itself
	} else if pin == nil {
		return unavailable("unlock", "the token wants a PIN, and there is none")
	}
	t.tried = true
	err := s.Login(pin)
	switch {
	case err == nil, errors.Is(err, cryptoki.ErrUserAlreadyLoggedIn):
		return nil
	case refusedPIN(err):
		return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: "unlock", Err: provider.ErrPIN,
			Detail: fmt.Sprintf("the token %q refuses the PIN: %v", t.at.info.Label, err)}
	}
	return err
}

// Close finalises the module. Idempotent.
func (t *Token) Close() error {
	if t.module == nil {
		return nil
	}
	err := t.module.Close()
	t.module = nil
	return t.at.fault("close", claviger.ErrOperationFailed, err)
}
