package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// MACConfig says which message authentication code is wanted.
type MACConfig struct {
	Algorithm claviger.Algorithm // "HMAC-SHA-256", ...
	Key       KeySource          // permits Mac
	Provider  ProviderSelector
	Timeout   time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// MAC makes and checks message authentication codes. Sum and Verify are safe for concurrent
// use, a message in parts belongs to one goroutine.
type MAC struct{ absorber }

// NewMAC makes a MAC context: one round trip.
func (c *CryptoContext) NewMAC(ctx context.Context, config MACConfig) (*MAC, error) {
	o, err := c.createKeyed(ctx, config.Timeout, config.Key, &pb.CreateContextRequest{
		Kind:      uint32(claviger.MACContext),
		Algorithm: string(config.Algorithm),
		Provider:  config.Provider.message(),
	})
	if err != nil {
		return nil, err
	}
	return &MAC{absorber{o}}, nil
}

// Size gives the code's length in bytes.
func (m *MAC) Size() int { return int(m.props.GetSize()) }

// Finalize ends the message and appends its code to dst.
func (m *MAC) Finalize(ctx context.Context, dst []byte) ([]byte, error) {
	return m.finish(ctx, dst, 0)
}

// VerifyFinalize ends the message and reports whether code is its code. The daemon compares in
// constant time. A wrong code is false, nil.
func (m *MAC) VerifyFinalize(ctx context.Context, code []byte) (bool, error) {
	return m.finishVerify(ctx, code)
}

// Sum appends the code of a whole message to dst: one round trip.
func (m *MAC) Sum(ctx context.Context, dst, message []byte) ([]byte, error) {
	return m.whole(ctx, "mac", dst, nil, nil, message, 0)
}

// Verify reports whether code is the code of a whole message: one round trip. A wrong code is
// false, nil.
func (m *MAC) Verify(ctx context.Context, message, code []byte) (bool, error) {
	return m.verifyWhole(ctx, message, code)
}
