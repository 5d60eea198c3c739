package crash_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"math"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// versioned is what the daemon keeps in versions: secrets, or managed keys.
type versioned interface {
	put(ctx context.Context, content string) (id string, err error)
	replace(ctx context.Context, id, content string) (version uint64, err error)
	// holds reads a version, gives its number, and tells whether it is whole and what content says.
	holds(ctx context.Context, id string, version uint64, content string) (number uint64, right bool, err error)
	invalidate(ctx context.Context, id string, version uint64) error
}

// keptSecrets are secrets whose bytes are the content.
type keptSecrets struct{ *client.Secrets }

func (s keptSecrets) put(ctx context.Context, content string) (string, error) {
	return s.Put(ctx, []byte(content), math.MaxUint64)
}

func (s keptSecrets) replace(ctx context.Context, id, content string) (uint64, error) {
	return s.Replace(ctx, id, []byte(content), math.MaxUint64)
}

func (s keptSecrets) holds(ctx context.Context, id string, version uint64, content string) (uint64, bool, error) {
	found, err := s.Get(ctx, id, version)
	return found.Version, string(found.Value) == content, err
}

func (s keptSecrets) invalidate(ctx context.Context, id string, version uint64) error {
	return s.Invalidate(ctx, id, version)
}

// keptKeys are managed keys for codes, made of the content's digest.
type keptKeys struct{ *client.Secrets }

// hmacKey is the key that a content stands for.
func hmacKey(content string) claviger.ManagedMaterial {
	sum := sha256.Sum256([]byte(content))
	return claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "HMAC/SHA-256", Key: sum[:]}
}

func (s keptKeys) put(ctx context.Context, content string) (string, error) {
	k, err := s.StoreKey(ctx, hmacKey(content))
	if err != nil {
		return "", err
	}
	return k.ID(), k.Close()
}

func (s keptKeys) replace(ctx context.Context, id, content string) (uint64, error) {
	k, err := s.ReplaceKey(ctx, id, hmacKey(content))
	if err != nil {
		return 0, err
	}
	return k.Version(), k.Close()
}

// holds has the key make a code, which only the whole right key makes.
func (s keptKeys) holds(ctx context.Context, id string, version uint64, content string) (uint64, bool, error) {
	k, err := s.OpenKey(ctx, id, version)
	if err != nil {
		return 0, false, err
	}
	defer k.Close()
	state, err := k.OpenState(ctx, claviger.StateOptions{})
	if err != nil {
		return 0, false, err
	}
	defer state.Close()
	if err := state.Absorb(ctx, message); err != nil {
		return 0, false, err
	}
	tag, err := state.SqueezeTag(ctx)
	mac := hmac.New(sha256.New, hmacKey(content).Key)
	mac.Write(message)
	return k.Version(), bytes.Equal(tag, mac.Sum(nil)), err
}

func (s keptKeys) invalidate(ctx context.Context, id string, version uint64) error {
	return s.InvalidateKey(ctx, id, version)
}

// kinds are both of them over one link.
func kinds(stack *client.Stack) []versioned {
	return []versioned{keptSecrets{stack.Secrets()}, keptKeys{stack.Secrets()}}
}
