package wasicrypto

import (
	"context"
	"io"

	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger"
)

// Config says what a host offers. The zero value is a host without managed keys and secrets, with the default limits.
type Config struct {
	// Managed is where managed keys and secrets live, for the one tenant that the guest is; nil answers unsupported_feature to all of that. The
	// host does not close it. It is pinged each time a guest opens its secrets manager: a guest does not get one that cannot be reached.
	Managed Managed
	// Connect, if not nil, stands in Managed's place: it is called each time a guest opens its secrets manager, and gives where the keys and secrets
	// of that manager live. So a keeper whose connection was lost can be dialled again; what was opened through the lost one stays with that. An
	// error is the guest's answer. It may be called concurrently; ctx is that of the guest's call.
	Connect func(ctx context.Context) (Managed, error)
	// Random gives the bytes of generated symmetric keys and of the nonces that the host draws; nil is crypto/rand. An error
	// of it is rng_error. Key pairs always come from the system's generator.
	Random io.Reader
	Limits Limits
	// Intercept, if not nil, is called once for each function while the host is made, and may return another function in its place: to
	// count, to trace, to refuse. module and name are those that the guest imports.
	Intercept func(module, name string, next api.GoModuleFunction) api.GoModuleFunction
}

// keeps reports whether there are managed keys and secrets at all.
func (c *Config) keeps() bool { return c.Managed != nil || c.Connect != nil }

// manager gives the keeper of a secrets manager that is being opened, if it can be reached.
func (c *Config) manager(ctx context.Context) (Managed, error) {
	switch {
	case c.Connect != nil:
		return c.Connect(ctx)
	case c.Managed != nil:
		return c.Managed, c.Managed.Ping(ctx)
	}
	return nil, unsupportedFeature
}

// Limits bound what one guest may hold. Zero takes the default, which is also the most.
type Limits struct {
	Handles int // open handles; 65,536
	Held    int // bytes held in one object: absorbed data, messages, outputs, options; 64 MiB
	Total   int // bytes held in all objects together; 256 MiB
}

// The defaults of Limits.
const (
	maxHandles = 1 << 16
	maxHeld    = 64 << 20
	maxTotal   = 256 << 20
)

// withDefaults fills in what is zero, negative or too large.
func (l Limits) withDefaults() Limits {
	if l.Handles <= 0 || l.Handles > maxHandles {
		l.Handles = maxHandles
	}
	if l.Held <= 0 || l.Held > maxHeld {
		l.Held = maxHeld
	}
	if l.Total <= 0 || l.Total > maxTotal {
		l.Total = maxTotal
	}
	return l
}

// Managed is where managed keys and secrets live: wasi-crypto's secrets manager. The Secrets of a client's stack are one.
// What a method has changed is durable when it returns. Identifiers are 32 lower-case hexadecimal characters, and may come with
// zero bytes behind them. No method keeps an argument; the keys that it gives are the caller's to close, the bytes to wipe. Expiry is in
// seconds since 1970, and versions count from 1. Safe for concurrent use.
//
// Errors: claviger.ErrSecretNotFound for what is unknown, invalidated or another tenant's, ErrSecretExpired,
// ErrSecretVerificationFailed for a capsule, ErrQuotaExceeded over a limit.
type Managed interface {
	// Ping asks for an empty answer: ErrConnectionFailed when there is nobody to give it.
	Ping(ctx context.Context) error

	// GenerateKey makes a key of an algorithm, as version 1 of a new identifier.
	GenerateKey(ctx context.Context, t claviger.GuestType, algorithm claviger.Algorithm, o claviger.ManagedOptions) (claviger.ManagedKey, error)
	// StoreKey makes a managed key of what the guest has, as version 1 of a new identifier.
	StoreKey(ctx context.Context, m claviger.ManagedMaterial) (claviger.ManagedKey, error)
	// ReplaceKey makes the next version of a key; ErrIncompatibleKeys if the algorithm is another one.
	ReplaceKey(ctx context.Context, id string, m claviger.ManagedMaterial) (claviger.ManagedKey, error)
	// ReplaceKeyWith is ReplaceKey with a copy of a key of the same keeper, which need not be exportable.
	ReplaceKeyWith(ctx context.Context, id string, k claviger.ManagedKey) (claviger.ManagedKey, error)
	// OpenKey gives an exact version or claviger.LatestVersion, which is never an older one in its place.
	OpenKey(ctx context.Context, id string, version uint64) (claviger.ManagedKey, error)
	// InvalidateKey destroys an exact version, claviger.LatestVersion or claviger.AllVersions.
	InvalidateKey(ctx context.Context, id string, version uint64) error

	// Put stores a secret as version 1 of a new identifier; one that is past its time is stored too.
	Put(ctx context.Context, secret []byte, expires uint64) (id string, err error)
	// Replace stores the next version, with an expiry of its own, and keeps the older ones.
	Replace(ctx context.Context, id string, secret []byte, expires uint64) (version uint64, err error)
	// Get reads a version as OpenKey has it.
	Get(ctx context.Context, id string, version uint64) (claviger.Secret, error)
	// Invalidate destroys versions as InvalidateKey has it.
	Invalidate(ctx context.Context, id string, version uint64) error
	// Seal gives a capsule, which holds the secret and its expiry and which Open alone reads.
	Seal(ctx context.Context, secret []byte, expires uint64) ([]byte, error)
	// Open gives the secret of a capsule that is genuine and not past its time.
	Open(ctx context.Context, capsule []byte) (claviger.Secret, error)
}
