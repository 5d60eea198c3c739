package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/wasicrypto"
)

// guestStack is a connection to a keeper as a guest.
type guestStack interface {
	Ping(context.Context) error
	Secrets() *client.Secrets
	Close() error
}

// guestKeeper is where a guest's managed keys and secrets live. A connection that breaks is replaced when the guest opens
// its secrets manager the next time: the guest is vouched for anew, and what was opened before stays unusable. Safe for
// concurrent use.
type guestKeeper struct {
	dial func(context.Context) (guestStack, error)
	note func(error) // says an error to who runs the guest

	mu     sync.Mutex
	stack  guestStack // guarded by mu; nil while there is no connection
	noted  bool       // guarded by mu: there is none, and that was said
	closed bool       // guarded by mu
}

// guestKeeper connects to the keeper that the flags name; nil for none. A guest that the keeper refuses has none either, and
// standard error says why. The caller closes it.
func (a *app) guestKeeper(ctx context.Context, f *runFlags, digest [32]byte) (*guestKeeper, error) {
	identity := client.GuestIdentity{SHA256: digest, Tenant: f.tenant}
	k := &guestKeeper{note: a.note}
	switch {
	case f.embedded != "":
		k.dial = func(ctx context.Context) (guestStack, error) { return openGuest(ctx, f.embedded, identity) }
	case a.daemonNamed():
		k.dial = func(ctx context.Context) (guestStack, error) { return a.dialGuest(ctx, identity) }
	default:
		return nil, nil
	}
	stack, err := k.dial(ctx)
	if errors.Is(err, claviger.ErrAccessDenied) {
		fmt.Fprintf(a.stderr, "claviger: %s\nclaviger: run: the guest has no managed keys and no secrets\n", message("run", err))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k.stack = stack
	return k, nil
}

// openGuest starts a keeper in this process, for a guest.
func openGuest(ctx context.Context, dir string, identity client.GuestIdentity) (guestStack, error) {
	if identity.Tenant == "" {
		return nil, claviger.Errorf(claviger.ErrAccessDenied, "guest", "an embedded keeper knows guests by name; give --tenant NAME")
	}
	return embedded.Open(ctx, embedded.Options{Dir: dir, Client: client.Config{Guest: identity}})
}

// dialGuest connects to the daemon that the flags name, as a guest.
func (a *app) dialGuest(ctx context.Context, identity client.GuestIdentity) (guestStack, error) {
	c, err := a.clientConfig()
	if err != nil {
		return nil, err
	}
	c.Guest = identity
	l, err := dial(ctx, c)
	if err != nil {
		return nil, err
	}
	return l.stack, nil
}

// connect gives the keeper's keys and secrets, over the connection that there is or over a new one if that is broken. An
// error of dialling is said once for each time that the keeper goes away.
func (k *guestKeeper) connect(ctx context.Context) (wasicrypto.Managed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, claviger.Errorf(claviger.ErrUninitializedStack, "guest", "the guest has ended")
	}
	if k.stack != nil {
		err := k.stack.Ping(ctx)
		if err == nil {
			return k.stack.Secrets(), nil
		}
		if !errors.Is(err, claviger.ErrConnectionFailed) {
			return nil, err
		}
		_ = k.stack.Close() // there is nobody to hear it
		k.stack = nil
	}
	stack, err := k.dial(ctx)
	if err != nil {
		if !k.noted {
			k.note(err)
		}
		k.noted = true
		return nil, err
	}
	k.stack, k.noted = stack, false
	return stack.Secrets(), nil
}

// Close ends the connection, and a keeper in this process. Idempotent.
func (k *guestKeeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	stack := k.stack
	k.stack, k.closed = nil, true
	if stack == nil {
		return nil
	}
	return stack.Close()
}
