package client

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// CryptoContext is a scope and a factory: it resolves names and makes keys and operation
// contexts, and its Close releases all of them. Keys and slots may be used with any
// CryptoContext of the same stack. Safe for concurrent use.
type CryptoContext struct {
	stack  *Stack
	closed atomic.Bool

	mu      sync.Mutex
	handles map[uint64]struct{} // what is to be released; guarded by mu; nil once closed
}

// ProviderSelector chooses the provider that a key is made in or an operation runs in. At most
// one field is set; the zero value leaves the choice to the slot, for new keys to the daemon. A
// choice that cannot be met is ErrProviderNotAvailable, ErrUnsupportedAlgorithm or
// ErrCrossProviderIncompatible.
type ProviderSelector struct {
	ID   claviger.ProviderID   // configured number
	Name string                // configured name
	Kind claviger.ProviderKind // a wish
}

// message gives nil for the zero value: the choice is the daemon's.
func (p ProviderSelector) message() *pb.Selector {
	if p == (ProviderSelector{}) {
		return nil
	}
	return &pb.Selector{Id: uint32(p.ID), Name: p.Name, Kind: uint32(p.Kind)}
}

// Close releases all that was made through the context, by one call within the stack's timeout.
// Contexts and keys of it cannot be used afterwards. Idempotent.
func (c *CryptoContext) Close() error {
	c.closed.Store(true)
	c.mu.Lock()
	handles := make([]uint64, 0, len(c.handles))
	for h := range c.handles {
		handles = append(handles, h)
	}
	c.handles = nil
	c.mu.Unlock()
	return c.stack.release(0, handles)
}

// check reports whether the stack and the context are open.
func (c *CryptoContext) check(what string) error {
	if c.stack.closed.Load() {
		return errClosedStack(what)
	}
	if c.closed.Load() {
		return errClosed(what, "crypto context")
	}
	return nil
}

// control makes one control call in the name of this context.
func (c *CryptoContext) control(ctx context.Context, what string, op wire.Op, timeout time.Duration, req, reply proto.Message) error {
	if err := c.check(what); err != nil {
		return err
	}
	return c.stack.control(ctx, what, op, timeout, req, reply)
}

// own takes charge of a handle that the daemon gave. If the context was closed meanwhile, the
// handle goes back at once.
func (c *CryptoContext) own(what string, handle uint64) error {
	c.mu.Lock()
	open := c.handles != nil
	if open {
		c.handles[handle] = struct{}{}
	}
	c.mu.Unlock()
	if open {
		return nil
	}
	_ = c.stack.release(0, []uint64{handle})
	return errClosed(what, "crypto context")
}

// disown reports whether the handle was still in this context's charge, and takes it out.
func (c *CryptoContext) disown(handle uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.handles[handle]
	delete(c.handles, handle)
	return ok
}

// release gives handles back by one call; those that are no longer in this context's charge
// have been given back already.
func (c *CryptoContext) release(timeout time.Duration, handles ...uint64) error {
	return c.stack.release(timeout, slices.DeleteFunc(handles, func(h uint64) bool { return !c.disown(h) }))
}

// abandon notes a handle that goes back with a later call. The collector calls it for a key or
// certificate that was never closed.
func (c *CryptoContext) abandon(handle uint64) {
	if c.disown(handle) {
		c.stack.discard(handle)
	}
}

// create makes an operation context in the daemon. A nil key is for kinds that need none.
func (c *CryptoContext) create(ctx context.Context, timeout time.Duration, key KeySource, req *pb.CreateContextRequest) (*operation, error) {
	what := "create " + claviger.ContextKind(req.GetKind()).String() + " context"
	if key != nil {
		from, err := key.source(c, what)
		if err != nil {
			return nil, err
		}
		req.Key, req.Version = from.handle, from.version
	}
	props := &pb.CreateContextReply{}
	err := c.control(ctx, what, wire.OpCreateContext, timeout, req, props)
	runtime.KeepAlive(key)
	if err != nil {
		return nil, err
	}
	if err := c.own(what, props.GetHandle()); err != nil {
		return nil, err
	}
	return &operation{
		cc:      c,
		kind:    claviger.ContextKind(req.GetKind()),
		handle:  props.GetHandle(),
		timeout: timeout,
		props:   props,
	}, nil
}

// createKeyed is create for kinds that need a key.
func (c *CryptoContext) createKeyed(ctx context.Context, timeout time.Duration, key KeySource, req *pb.CreateContextRequest) (*operation, error) {
	if key == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "create "+claviger.ContextKind(req.GetKind()).String()+" context", "no key given")
	}
	return c.create(ctx, timeout, key, req)
}

// errClosed is the error of everything that is called after its Close.
func errClosed(what, thing string) error {
	return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, what, "the %s is closed", thing)
}
