package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// HashConfig says which hash is wanted.
type HashConfig struct {
	Algorithm claviger.Algorithm // "SHA-256", "SHA3-512", "SHAKE-128", ...
	Size      int                // extendable-output function: bytes of output; 0 is the algorithm's default
	Provider  ProviderSelector
	Timeout   time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// Hash makes digests. Sum is safe for concurrent use, a message in parts belongs to one
// goroutine.
type Hash struct {
	absorber
	size int // asked for of an extendable-output function; 0 for the natural one
}

// NewHash makes a hash context: one round trip.
func (c *CryptoContext) NewHash(ctx context.Context, config HashConfig) (*Hash, error) {
	if config.Size < 0 {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "create hash context", "size %d is negative", config.Size)
	}
	o, err := c.create(ctx, config.Timeout, nil, &pb.CreateContextRequest{
		Kind:      uint32(claviger.HashContext),
		Algorithm: string(config.Algorithm),
		Provider:  config.Provider.message(),
		Size:      uint32(config.Size),
	})
	if err != nil {
		return nil, err
	}
	return &Hash{absorber{o}, config.Size}, nil
}

// Size gives the digest's length in bytes.
func (h *Hash) Size() int { return int(h.props.GetSize()) }

// Finalize ends the message and appends its digest to dst. After Init without Update that is
// the digest of the empty message.
func (h *Hash) Finalize(ctx context.Context, dst []byte) ([]byte, error) {
	return h.finish(ctx, dst, h.size)
}

// Sum appends the digest of a whole message to dst: one round trip. ErrStreamAlreadyActive if a
// message is open.
func (h *Hash) Sum(ctx context.Context, dst, message []byte) ([]byte, error) {
	return h.whole(ctx, "hash", dst, nil, nil, message, h.size)
}
