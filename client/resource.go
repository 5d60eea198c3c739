package client

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Resource is a resolved name: a *KeySlot, a *CertSlot or a *TrustStore.
type Resource interface {
	Name() string                      // as the caller's configuration names it
	Type() claviger.ResourceType       // what it is
	Persistence() claviger.Persistence // whether it outlives the session
	Provider() claviger.ProviderID     // primary provider of a key slot; 0 for others
	resolved() *resource
}

// resource is what all resolved names have.
type resource struct {
	cc          *CryptoContext
	handle      uint64
	name        string
	kind        claviger.ResourceType
	persistence claviger.Persistence
	provider    claviger.ProviderID
}

// Name gives the name that was resolved.
func (r *resource) Name() string { return r.name }

// Type says what the name stands for.
func (r *resource) Type() claviger.ResourceType { return r.kind }

// Persistence says whether the resource outlives the session.
func (r *resource) Persistence() claviger.Persistence { return r.persistence }

// Provider gives the primary provider of a key slot, and 0 for other resources.
func (r *resource) Provider() claviger.ProviderID { return r.provider }

// resolved keeps other packages from making Resources.
func (r *resource) resolved() *resource { return r }

// check reports whether the resource may be used in cc.
func (r *resource) check(cc *CryptoContext, what string) error {
	if r == nil {
		return claviger.Errorf(claviger.ErrInvalidArgument, what, "no resource given")
	}
	return checkHandle(r.cc, cc, what, r.kind.String())
}

// checkHandle reports whether what belongs to owner may be used in cc.
func checkHandle(owner, cc *CryptoContext, what, thing string) error {
	if owner.stack != cc.stack {
		return claviger.Errorf(claviger.ErrInvalidArgument, what, "the %s belongs to another stack", thing)
	}
	if owner.closed.Load() && !cc.stack.closed.Load() {
		return claviger.Errorf(claviger.ErrResourceNotFound, what, "the %s went with its crypto context", thing)
	}
	return nil
}

// Resolve looks up what a name of the caller's configuration stands for. The type must be one
// of TypeKeySlot, TypeCertSlot and TypeTrustStore. An unmapped name is ErrInvalidResourceID,
// one of another type ErrInvalidResourceType. An empty slot resolves too.
func (c *CryptoContext) Resolve(ctx context.Context, name string, t claviger.ResourceType) (Resource, error) {
	switch t {
	case claviger.TypeKeySlot:
		return lookup(ctx, c, name, t, func(r resource) *KeySlot { return &KeySlot{r} })
	case claviger.TypeCertSlot:
		return lookup(ctx, c, name, t, func(r resource) *CertSlot { return &CertSlot{r} })
	case claviger.TypeTrustStore:
		return lookup(ctx, c, name, t, func(r resource) *TrustStore { return &TrustStore{r} })
	}
	return nil, claviger.Errorf(claviger.ErrInvalidResourceType, "resolve", "a %s has no name", t)
}

// KeySlot resolves the name of a key slot.
func (c *CryptoContext) KeySlot(ctx context.Context, name string) (*KeySlot, error) {
	r, err := c.resolve(ctx, name, claviger.TypeKeySlot)
	if err != nil {
		return nil, err
	}
	return &KeySlot{r}, nil
}

// CertSlot resolves the name of a certificate slot.
func (c *CryptoContext) CertSlot(ctx context.Context, name string) (*CertSlot, error) {
	r, err := c.resolve(ctx, name, claviger.TypeCertSlot)
	if err != nil {
		return nil, err
	}
	return &CertSlot{r}, nil
}

// TrustStore resolves the name of a trust store (the S-CORE API's VerificationTrustStore).
func (c *CryptoContext) TrustStore(ctx context.Context, name string) (*TrustStore, error) {
	r, err := c.resolve(ctx, name, claviger.TypeTrustStore)
	if err != nil {
		return nil, err
	}
	return &TrustStore{r}, nil
}

// lookup keeps a failed resolution from becoming an interface that holds a nil pointer.
func lookup[T Resource](ctx context.Context, c *CryptoContext, name string, t claviger.ResourceType, wrap func(resource) T) (Resource, error) {
	r, err := c.resolve(ctx, name, t)
	if err != nil {
		return nil, err
	}
	return wrap(r), nil
}

// resolve asks for a name and takes charge of the handle.
func (c *CryptoContext) resolve(ctx context.Context, name string, t claviger.ResourceType) (resource, error) {
	if err := claviger.CheckName("resolve", name); err != nil {
		return resource{}, err
	}
	var reply pb.ResolveReply
	if err := c.control(ctx, "resolve", wire.OpResolve, 0, &pb.ResolveRequest{Name: name, Type: uint32(t)}, &reply); err != nil {
		return resource{}, err
	}
	if err := c.own("resolve", reply.GetHandle()); err != nil {
		return resource{}, err
	}
	return resource{
		cc:          c,
		handle:      reply.GetHandle(),
		name:        name,
		kind:        claviger.ResourceType(reply.GetType()),
		persistence: claviger.Persistence(reply.GetPersistence()),
		provider:    claviger.ProviderID(reply.GetProvider()),
	}, nil
}
