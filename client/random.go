package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// RandomConfig says where random bytes come from. The zero value takes the daemon's choice.
type RandomConfig struct {
	Algorithm claviger.Algorithm // "" is the generator of the chosen provider
	Provider  ProviderSelector
	Timeout   time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// Random gives random bytes of a provider. It is an io.Reader. Safe for concurrent use.
type Random struct{ *operation }

// NewRandom makes a random context: one round trip.
func (c *CryptoContext) NewRandom(ctx context.Context, config RandomConfig) (*Random, error) {
	o, err := c.create(ctx, config.Timeout, nil, &pb.CreateContextRequest{
		Kind:      uint32(claviger.RandomContext),
		Algorithm: string(config.Algorithm),
		Provider:  config.Provider.message(),
	})
	if err != nil {
		return nil, err
	}
	return &Random{o}, nil
}

// Generate appends n random bytes to dst, 64 KiB a round trip, all within the time of one call.
// n may be 0.
func (r *Random) Generate(ctx context.Context, dst []byte, n int) ([]byte, error) {
	if n < 0 {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "random", "%d bytes asked for", n)
	}
	if err := r.check("random"); err != nil {
		return nil, err
	}
	if n > wire.MaxInline {
		var cancel context.CancelFunc
		ctx, cancel = r.bound(ctx)
		defer cancel()
	}
	for n > 0 {
		step := min(n, wire.MaxInline)
		have := len(dst)
		out, err := r.whole(ctx, "random", dst, nil, nil, nil, step)
		if err != nil {
			return nil, err
		}
		if len(out) != have+step {
			return nil, claviger.Errorf(claviger.ErrInternal, "random", "the daemon gave %d bytes of %d", len(out)-have, step)
		}
		dst, n = out, n-step
	}
	return dst, nil
}

// Read fills p with random bytes. It fails or fills all of p; the time is bounded by the
// context's Timeout alone.
func (r *Random) Read(p []byte) (int, error) {
	out, err := r.Generate(context.Background(), p[:0:len(p)], len(p))
	return len(out), err
}
