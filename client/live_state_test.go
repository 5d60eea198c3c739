package client_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/symmetric"
)

// pair is one algorithm's state in the daemon and the same in this process.
type pair struct {
	remote, local claviger.SymmetricState
}

// openPair stores a key and opens a state on each side.
func openPair(t *testing.T, s *client.Secrets, g *algorithm.Guest, o claviger.StateOptions) pair {
	t.Helper()
	key := get(symmetric.GenerateKey(g))(t)
	k := get(s.StoreKey(t.Context(), claviger.ManagedMaterial{Type: g.Type, Algorithm: g.Name, Key: key}))(t)
	p := pair{get(k.OpenState(t.Context(), o))(t), get(symmetric.Open(g, key, o))(t)}
	if err := k.Close(); err != nil { // a state does not need the key to stay open
		t.Error(err)
	}
	t.Cleanup(func() { p.remote.Close(); p.local.Close() })
	return p
}

// same runs a step on both sides and gives what both gave: the same bytes, or the same code.
func (p pair) same(t *testing.T, what string, step func(claviger.SymmetricState) ([]byte, error)) []byte {
	t.Helper()
	want, wantErr := step(p.local)
	got, err := step(p.remote)
	if claviger.CodeOf(err) != claviger.CodeOf(wantErr) || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v; in this process %d bytes, %v", what, len(got), err, len(want), wantErr)
	}
	return got
}

// TestEveryManagedSymmetricKeyDoesWhatTheKeyItselfDoes runs every verb on a state in the daemon and on one in this
// process with the same key. What an algorithm does not do is refused alike.
func TestEveryManagedSymmetricKeyDoesWhatTheKeyItselfDoes(t *testing.T) {
	_, s := managed(t)
	for _, g := range guests(claviger.GuestSymmetric) {
		t.Run(string(g.Name), func(t *testing.T) {
			var o claviger.StateOptions
			if o.Nonce = message(g.Nonce); g.Nonce == 0 {
				o.Nonce = nil
			}
			p, ctx := openPair(t, s, g, o), t.Context()
			everyVerb(ctx, t, p)
			p.same(t, "cloning", func(s claviger.SymmetricState) ([]byte, error) {
				c, err := s.Clone(ctx)
				if err != nil {
					return nil, err
				}
				defer c.Close()
				tag, err := c.SqueezeTag(ctx)
				return tag, err
			})
			sealed := openPair(t, s, g, o).same(t, "encrypting", func(s claviger.SymmetricState) ([]byte, error) { return s.Encrypt(ctx, nil, message(1000)) })
			if want := g.Kind == algorithm.KindAEAD || g.Kind == algorithm.KindCipher || g.Kind == algorithm.KindSession; want != (sealed != nil) {
				t.Errorf("encryption gives %d bytes", len(sealed))
			}
		})
	}
}

// everyVerb runs all verbs but cloning.
func everyVerb(ctx context.Context, t *testing.T, p pair) {
	t.Helper()
	type state = claviger.SymmetricState
	steps := []struct {
		what string
		step func(state) ([]byte, error)
	}{
		{"the option that was set", func(s state) ([]byte, error) { return s.Option(ctx, "nonce") }},
		{"an option that was not set", func(s state) ([]byte, error) { return s.Option(ctx, "salt") }},
		{"an unknown option", func(s state) ([]byte, error) { return s.Option(ctx, "colour") }},
		{"a number", func(s state) ([]byte, error) { _, err := s.OptionNumber(ctx, "ops_limit"); return nil, err }},
		{"absorbing", func(s state) ([]byte, error) { return nil, s.Absorb(ctx, message(1000)) }},
		{"absorbing nothing", func(s state) ([]byte, error) { return nil, s.Absorb(ctx, nil) }},
		{"the tag's length", func(s state) ([]byte, error) { n, err := s.MaxTagLen(ctx); return []byte{byte(n)}, err }},
		{"a tag", func(s state) ([]byte, error) { return s.SqueezeTag(ctx) }},
		{"squeezing", func(s state) ([]byte, error) { out := make([]byte, 24); err := s.Squeeze(ctx, out); return out, err }},
		{"squeezing too much", func(s state) ([]byte, error) { out := make([]byte, 1<<20); return nil, s.Squeeze(ctx, out) }},
		{"a key", func(s state) ([]byte, error) { return s.SqueezeKey(ctx, "HKDF-EXPAND/SHA-256") }},
		{"a key of nothing", func(s state) ([]byte, error) { return s.SqueezeKey(ctx, "none") }},
		{"a ratchet", func(s state) ([]byte, error) { return nil, s.Ratchet(ctx) }},
		{"opening what is none", func(s state) ([]byte, error) { return s.Decrypt(ctx, nil, message(1000)) }},
		{"opening what is too short", func(s state) ([]byte, error) { return s.Decrypt(ctx, nil, message(3)) }},
		{"opening with another tag", func(s state) ([]byte, error) { return s.DecryptDetached(ctx, nil, message(1000), message(16)) }},
		{"sealing", func(s state) ([]byte, error) {
			out, tag, err := s.EncryptDetached(ctx, prefix, message(1000))
			return append(out, tag...), err
		}},
		{"sealing once more", func(s state) ([]byte, error) { return s.Encrypt(ctx, nil, message(1000)) }},
	}
	for _, step := range steps {
		p.same(t, step.what, step.step)
	}
}

// TestAnEmptyOptionIsGiven holds that nothing and an empty value are told apart on the way.
func TestAnEmptyOptionIsGiven(t *testing.T) {
	_, s := managed(t)
	k, ctx := generate(t, s, claviger.GuestSymmetric, "HMAC/SHA-256", claviger.ManagedOptions{}), t.Context()
	state := get(k.OpenState(ctx, claviger.StateOptions{Context: []byte{}, Parallelism: new(uint64(7))}))(t)
	defer state.Close()
	if value, err := state.Option(ctx, "context"); err != nil || len(value) != 0 {
		t.Errorf("the empty option is %q, %v", value, err)
	}
	if n, err := state.OptionNumber(ctx, "PARALLELISM"); err != nil || n != 7 {
		t.Errorf("the number is %d, %v", n, err)
	}
	_, err := state.Option(ctx, "salt")
	wantCode(t, "what was not given", err, claviger.ErrOptionNotSet)
}

// TestLongMessagesGoThroughAState encrypts and decrypts up to 64 MiB in the daemon and compares with this process, and
// refuses more.
func TestLongMessagesGoThroughAState(t *testing.T) {
	_, s := managed(t)
	g, _ := algorithm.LookupGuest(claviger.GuestSymmetric, "AES-256-GCM")
	ctx, nonce := t.Context(), message(12)
	lengths := []int{1<<20 - 16, 1<<20 - 15, 1 << 20, 1<<20 + 1, 5<<20 + 3, 64 << 20}
	if testing.Short() {
		lengths = lengths[:5]
	}
	for _, n := range lengths {
		key, m := message(32), message(n)
		k := get(s.StoreKey(ctx, claviger.ManagedMaterial{Type: g.Type, Algorithm: g.Name, Key: key}))(t)
		open := func() claviger.SymmetricState {
			state := get(k.OpenState(ctx, claviger.StateOptions{Nonce: nonce}))(t)
			t.Cleanup(func() { state.Close() })
			return state
		}
		local := get(symmetric.Open(g, key, claviger.StateOptions{Nonce: nonce}))(t)
		want := get(local.Encrypt(ctx, bytes.Clone(prefix), m))(t)
		if got := get(open().Encrypt(ctx, bytes.Clone(prefix), m))(t); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: another ciphertext", n)
		}
		back := open()
		if got := get(back.Decrypt(ctx, bytes.Clone(prefix), want[len(prefix):]))(t); !bytes.Equal(got[len(prefix):], m) {
			t.Fatalf("%d bytes: another plaintext", n)
		}
		want[len(want)/2] ^= 1
		out, err := back.Decrypt(ctx, prefix, want[len(prefix):])
		wantCode(t, "an altered message", err, claviger.ErrInvalidTag)
		if !bytes.Equal(out, prefix) {
			t.Error("an altered message gives bytes")
		}
	}
	k := generate(t, s, g.Type, g.Name, claviger.ManagedOptions{})
	state := get(k.OpenState(ctx, claviger.StateOptions{Nonce: nonce}))(t)
	defer state.Close()
	_, err := state.Encrypt(ctx, nil, make([]byte, 64<<20+1))
	wantCode(t, "more than 64 MiB", err, claviger.ErrQuotaExceeded)
	if _, err := state.Encrypt(ctx, nil, []byte("short")); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
}

// TestACallOnAStateThatIsGivenUpEndsTheState: nobody knows where it stands. What it held is given back when it is closed.
func TestACallOnAStateThatIsGivenUpEndsTheState(t *testing.T) {
	l, s := managed(t)
	k := generate(t, s, claviger.GuestSymmetric, "AES-256-GCM", claviger.ManagedOptions{})
	state := get(k.OpenState(t.Context(), claviger.StateOptions{Nonce: make([]byte, 12)}))(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
	defer cancel()
	_, err := state.Encrypt(ctx, nil, make([]byte, 32<<20))
	wantCode(t, "a call without enough time", err, claviger.ErrOperationTimedOut)
	_, err = state.Encrypt(t.Context(), nil, nil)
	wantCode(t, "the next one", err, claviger.ErrInvalidOperation)
	if err := state.Close(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		status := get(l.stack.Status(t.Context()))(t)
		if len(status.Tenants) == 1 && status.Tenants[0].HeldBytes == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still held are %+v", status.Tenants)
		}
	}
}

// TestLongAbsorptionIsOneInput compares a session, to which it matters where an input ends.
func TestLongAbsorptionIsOneInput(t *testing.T) {
	_, s := managed(t)
	g, _ := algorithm.LookupGuest(claviger.GuestSymmetric, "XOODYAK-128")
	p, ctx := openPair(t, s, g, claviger.StateOptions{}), t.Context()
	p.same(t, "absorbing", func(s claviger.SymmetricState) ([]byte, error) { return nil, s.Absorb(ctx, message(2<<20+1)) })
	p.same(t, "squeezing", func(s claviger.SymmetricState) ([]byte, error) {
		out := make([]byte, 2<<20+1)
		return out, s.Squeeze(ctx, out)
	})
}
