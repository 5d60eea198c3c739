package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"math"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/xaes"
	"github.com/claviger/claviger/internal/secmem"
)

// Keeper keeps the store's data key safe while the store is closed. It is asked once when the store is opened, once
// at each compaction, and when it changes. Errors carry a code and pass through.
type Keeper interface {
	// Wrap seals the secret; the result may lie in the clear beside what it protects. The secret stays the caller's.
	Wrap(ctx context.Context, secret []byte) ([]byte, error)

	// Unwrap opens what Wrap gave. The caller closes the result.
	Unwrap(ctx context.Context, wrapped []byte) (*secmem.Bytes, error)

	// Describe says in one sentence what the keeper protects against, and what not.
	Describe() string
}

// headerKey is where the header lies; no record's key begins with a zero byte.
var headerKey = []byte{0}

// header is the store's first record, the only one that is not sealed. Its layout, integers big-endian:
//
//	0          8         10         26           30         32        32+n
//	┌──────────┬─────────┬──────────┬────────────┬──────────┬─────────┐
//	│ CLAVIGER │ format  │ store id │ generation │ length n │ wrapped │
//	│          │ = 1     │ (16)     │ uint32     │ uint16   │ (n)     │
//	└──────────┴─────────┴──────────┴────────────┴──────────┴─────────┘
//
// The keeper wraps store id (16), generation (4) and data key (32) together: the wrapped key of another store, or of
// another generation of this one, does not fit the header. The generation grows by one with each compaction.
type header struct {
	id         storeID
	generation uint32
	wrapped    []byte
}

// Sizes of the header in bytes.
const (
	headerFormat  = 1
	headerMagic   = "CLAVIGER"
	headerFixed   = 32
	headerSecrets = 16 + 4 + xaes.KeySize
)

// encode gives the header's bytes.
func (h header) encode() []byte {
	out := make([]byte, 0, headerFixed+len(h.wrapped))
	out = binary.BigEndian.AppendUint16(append(out, headerMagic...), headerFormat)
	out = binary.BigEndian.AppendUint32(append(out, h.id[:]...), h.generation)
	out = binary.BigEndian.AppendUint16(out, uint16(len(h.wrapped)))
	return append(out, h.wrapped...)
}

// decodeHeader is the inverse of encode. The error is ErrInvalidFormat.
func decodeHeader(b []byte) (header, error) {
	if len(b) < headerFixed || string(b[:8]) != headerMagic {
		return header{}, claviger.Errorf(claviger.ErrInvalidFormat, "store", "the header is not that of a store")
	}
	if format := binary.BigEndian.Uint16(b[8:]); format != headerFormat {
		return header{}, claviger.Errorf(claviger.ErrInvalidFormat, "store", "the store has format %d; this program knows %d", format, headerFormat)
	}
	h := header{id: storeID(b[10:26]), generation: binary.BigEndian.Uint32(b[26:])}
	if n := int(binary.BigEndian.Uint16(b[30:])); n != len(b)-headerFixed {
		return header{}, claviger.Errorf(claviger.ErrInvalidFormat, "store", "the header has %d bytes of wrapped key; it names %d", len(b)-headerFixed, n)
	}
	h.wrapped = append([]byte{}, b[headerFixed:]...)
	return h, nil
}

// newEpoch draws a data key and has it wrapped.
func newEpoch(ctx context.Context, keeper Keeper, id storeID, generation uint32) (header, *epoch, error) {
	secret, err := secmem.New(headerSecrets)
	if err != nil {
		return header{}, nil, err
	}
	defer secret.Close()
	b := secret.Bytes()
	copy(b, id[:])
	binary.BigEndian.PutUint32(b[16:], generation)
	_, _ = rand.Read(b[20:]) // never fails
	wrapped, err := wrap(ctx, keeper, b)
	if err != nil {
		return header{}, nil, err
	}
	e, err := makeEpoch(generation, b[20:])
	return header{id: id, generation: generation, wrapped: wrapped}, e, err
}

// wrap has the keeper close the header's secrets.
func wrap(ctx context.Context, keeper Keeper, secrets []byte) ([]byte, error) {
	wrapped, err := keeper.Wrap(ctx, secrets)
	if err != nil {
		return nil, err
	}
	if len(wrapped) > math.MaxUint16 {
		return nil, claviger.Errorf(claviger.ErrInternal, "store", "the keeper gave %d bytes; the limit is %d", len(wrapped), math.MaxUint16)
	}
	return wrapped, nil
}

// unwrap has the keeper open the header's secrets and sees that they are this header's. The caller closes the result.
func (h header) unwrap(ctx context.Context, keeper Keeper) (*secmem.Bytes, error) {
	secret, err := keeper.Unwrap(ctx, h.wrapped)
	if err != nil {
		return nil, err
	}
	b := secret.Bytes()
	if len(b) != headerSecrets || storeID(b[:16]) != h.id || binary.BigEndian.Uint32(b[16:]) != h.generation {
		secret.Close()
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "store", "the header names another store than its data key does")
	}
	return secret, nil
}

// unlock has the keeper open the header's data key.
func (h header) unlock(ctx context.Context, keeper Keeper) (*epoch, error) {
	secret, err := h.unwrap(ctx, keeper)
	if err != nil {
		return nil, err
	}
	defer secret.Close()
	return makeEpoch(h.generation, secret.Bytes()[20:])
}

func makeEpoch(generation uint32, key []byte) (*epoch, error) {
	aead, err := xaes.New(key)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInternal, "store", err)
	}
	return &epoch{generation: generation, aead: aead}, nil
}
