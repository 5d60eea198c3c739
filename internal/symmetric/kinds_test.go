package symmetric

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// lookup finds an algorithm that must be there.
func lookup(t testing.TB, name string) *algorithm.Guest {
	t.Helper()
	g, ok := algorithm.LookupGuest(claviger.GuestSymmetric, name)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return g
}

// opened makes a state that is closed with the test.
func opened(t testing.TB, g *algorithm.Guest, key []byte, o claviger.StateOptions) claviger.SymmetricState {
	t.Helper()
	s, err := Open(g, key, o)
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// usual opens an algorithm with a key and a nonce of zero bytes, as far as it takes them.
func usual(t testing.TB, g *algorithm.Guest) claviger.SymmetricState {
	t.Helper()
	var key []byte
	if !g.Keyless() {
		key = make([]byte, g.DefaultKey)
	}
	return opened(t, g, key, claviger.StateOptions{Nonce: make([]byte, g.Nonce)})
}

func absorb(t testing.TB, s claviger.SymmetricState, data string) {
	t.Helper()
	if err := s.Absorb(context.Background(), []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func squeeze(t testing.TB, s claviger.SymmetricState, n int) []byte {
	t.Helper()
	out := make([]byte, n)
	if err := s.Squeeze(context.Background(), out); err != nil {
		t.Fatal(err)
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wants(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, not %v", what, err, want)
	}
}

// symmetric lists the algorithms that this package runs.
func symmetric() []*algorithm.Guest {
	var all []*algorithm.Guest
	for _, g := range algorithm.Guests() {
		if g.Type == claviger.GuestSymmetric {
			all = append(all, &g)
		}
	}
	return all
}

// verbsOf tries every verb on a fresh state each and says which succeed; what does not succeed must be
// ErrInvalidOperation. The last four need what an encryption gave and come out as the encryption does.
func verbsOf(t *testing.T, g *algorithm.Guest) map[string]bool {
	ctx := context.Background()
	done := make(map[string]bool)
	try := func(verb string, f func(s claviger.SymmetricState) error) {
		t.Helper()
		err := f(usual(t, g))
		if done[verb] = err == nil; err != nil && !errors.Is(err, claviger.ErrInvalidOperation) {
			t.Errorf("%s, %s: %v", g.Name, verb, err)
		}
	}
	next := g.Next
	if next == "" {
		next = "HMAC/SHA-256"
	}
	try("absorb", func(s claviger.SymmetricState) error { return s.Absorb(ctx, []byte("data")) })
	try("squeeze", func(s claviger.SymmetricState) error { return s.Squeeze(ctx, make([]byte, 16)) })
	try("tag", func(s claviger.SymmetricState) error { _, err := s.SqueezeTag(ctx); return err })
	try("key", func(s claviger.SymmetricState) error { _, err := s.SqueezeKey(ctx, next); return err })
	try("max", func(s claviger.SymmetricState) error { _, err := s.MaxTagLen(ctx); return err })
	try("ratchet", func(s claviger.SymmetricState) error { return s.Ratchet(ctx) })
	try("encrypt", func(s claviger.SymmetricState) error { _, err := s.Encrypt(ctx, nil, []byte("data")); return err })
	try("detached", func(s claviger.SymmetricState) error {
		_, _, err := s.EncryptDetached(ctx, nil, []byte("data"))
		return err
	})
	sealed, _ := usual(t, g).Encrypt(ctx, nil, []byte("data"))
	out, tag, _ := usual(t, g).EncryptDetached(ctx, nil, []byte("data"))
	try("decrypt", func(s claviger.SymmetricState) error { _, err := s.Decrypt(ctx, nil, sealed); return err })
	try("decrypt detached", func(s claviger.SymmetricState) error { _, err := s.DecryptDetached(ctx, nil, out, tag); return err })
	return done
}

// Each kind does what its algorithms do, and everything else is ErrInvalidOperation.
func TestEachKindHasItsVerbs(t *testing.T) {
	aead := []string{"absorb", "max", "encrypt", "detached", "decrypt", "decrypt detached"}
	of := map[algorithm.Kind][]string{
		algorithm.KindHash: {"absorb", "squeeze"}, algorithm.KindXOF: {"absorb", "squeeze"}, algorithm.KindMAC: {"absorb", "tag"},
		algorithm.KindExtract: {"absorb", "key"}, algorithm.KindExpand: {"absorb", "squeeze"}, algorithm.KindAEAD: aead,
		algorithm.KindSession: append([]string{"squeeze", "tag", "key", "ratchet"}, aead...), algorithm.KindCipher: {"max", "encrypt", "decrypt"},
	}
	for _, g := range symmetric() {
		want := make(map[string]bool)
		for _, verb := range of[g.Kind] {
			want[verb] = true
		}
		if g.Kind == algorithm.KindCipher && g.Padding == 0 {
			want["squeeze"] = true
		}
		for verb, done := range verbsOf(t, g) {
			if done != want[verb] {
				t.Errorf("%s does %s: %v", g.Name, verb, done)
			}
		}
	}
}

// A session without a key absorbs and squeezes, and the rest is ErrInvalidOperation.
func TestSessionWithoutAKey(t *testing.T) {
	ctx := context.Background()
	s := opened(t, lookup(t, "XOODYAK-128"), nil, claviger.StateOptions{})
	absorb(t, s, "data")
	squeeze(t, s, 16)
	if tag, err := s.SqueezeTag(ctx); err != nil || len(tag) != 16 {
		t.Errorf("the tag has %d bytes, %v", len(tag), err)
	}
	_, err := s.SqueezeKey(ctx, "XOODYAK-128")
	wants(t, "a key", err, claviger.ErrInvalidOperation)
	_, err = s.Encrypt(ctx, nil, []byte("data"))
	wants(t, "encryption", err, claviger.ErrInvalidOperation)
	_, err = s.Decrypt(ctx, nil, make([]byte, 20))
	wants(t, "decryption", err, claviger.ErrInvalidOperation)
	_, _, err = s.EncryptDetached(ctx, nil, nil)
	wants(t, "detached encryption", err, claviger.ErrInvalidOperation)
	_, err = s.DecryptDetached(ctx, nil, nil, make([]byte, 16))
	wants(t, "detached decryption", err, claviger.ErrInvalidOperation)
	wants(t, "ratchet", s.Ratchet(ctx), claviger.ErrInvalidOperation)
}

// After Close everything is ErrResourceNotFound, and a second Close does nothing.
func TestClosedStatesAreGone(t *testing.T) {
	ctx := context.Background()
	for _, g := range symmetric() {
		s := usual(t, g)
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		_, option := s.Option(ctx, "nonce")
		_, number := s.OptionNumber(ctx, "parallelism")
		_, clone := s.Clone(ctx)
		_, tag := s.SqueezeTag(ctx)
		_, key := s.SqueezeKey(ctx, "HMAC/SHA-256")
		_, most := s.MaxTagLen(ctx)
		_, encrypt := s.Encrypt(ctx, nil, nil)
		_, _, detached := s.EncryptDetached(ctx, nil, nil)
		_, decrypt := s.Decrypt(ctx, nil, nil)
		_, opened := s.DecryptDetached(ctx, nil, nil, nil)
		for i, err := range []error{option, number, clone, tag, key, most, encrypt, detached, decrypt, opened, s.Absorb(ctx, nil), s.Squeeze(ctx, nil), s.Ratchet(ctx)} {
			if !errors.Is(err, claviger.ErrResourceNotFound) {
				t.Errorf("%s, verb %d: %v", g.Name, i, err)
			}
		}
	}
}

// outcome is what a state gives next, by whatever verb gives something.
func outcome(t testing.TB, g *algorithm.Guest, s claviger.SymmetricState) []byte {
	t.Helper()
	ctx := context.Background()
	var out []byte
	var err error
	switch g.Kind {
	case algorithm.KindMAC:
		out, err = s.SqueezeTag(ctx)
	case algorithm.KindExtract:
		out, err = s.SqueezeKey(ctx, g.Next)
	case algorithm.KindAEAD, algorithm.KindCipher:
		out, err = s.Encrypt(ctx, nil, []byte("message of more than sixteen bytes"))
	default:
		out = squeeze(t, s, 16)
	}
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	return out
}

// A copy gives what the original gives, and neither sees what the other does afterwards.
func TestCopiesGoTheirOwnWay(t *testing.T) {
	ctx := context.Background()
	for _, g := range symmetric() {
		s := usual(t, g)
		if g.Kind != algorithm.KindCipher {
			absorb(t, s, "one")
		}
		var copies []claviger.SymmetricState
		for range 3 {
			c, err := s.Clone(ctx)
			if err != nil {
				t.Fatalf("%s: %v", g.Name, err)
			}
			copies = append(copies, c)
		}
		want := outcome(t, g, copies[0])
		if g.Kind == algorithm.KindCipher {
			outcome(t, g, s)
		} else {
			absorb(t, s, "two")
			absorb(t, copies[2], "three")
			if bytes.Equal(outcome(t, g, s), want) || bytes.Equal(outcome(t, g, copies[2]), want) {
				t.Errorf("%s: what was absorbed does not count", g.Name)
			}
		}
		s.Close()
		copies[2].Close()
		if got := outcome(t, g, copies[1]); !bytes.Equal(got, want) {
			t.Errorf("%s: a copy was changed from outside", g.Name)
		}
		copies[0].Close()
		copies[1].Close()
	}
}

// Several calls of absorb are one with all their bytes, except in a session, where each is a string of its own.
func TestAbsorbingInParts(t *testing.T) {
	for _, g := range symmetric() {
		if g.Kind == algorithm.KindCipher {
			continue
		}
		whole, parts := usual(t, g), usual(t, g)
		absorb(t, whole, "some data")
		absorb(t, parts, "some")
		absorb(t, parts, "")
		absorb(t, parts, " data")
		if same := bytes.Equal(outcome(t, g, whole), outcome(t, g, parts)); same == (g.Kind == algorithm.KindSession) {
			t.Errorf("%s: parts are the whole: %v", g.Name, same)
		}
	}
}

// Whatever was locked for a state and its copies is given back when they are closed.
func TestClosedStatesHoldNoLockedMemory(t *testing.T) {
	before := secmem.ReadStats().Secrets
	for _, g := range symmetric() {
		s := usual(t, g)
		c, err := s.Clone(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		held := secmem.ReadStats().Secrets - before
		if hkdf := g.Kind == algorithm.KindExtract || g.Kind == algorithm.KindExpand; hkdf != (held == 2) || !hkdf && held != 0 {
			t.Errorf("%s holds %d secrets", g.Name, held)
		}
		c.Close()
		s.Close()
		if left := secmem.ReadStats().Secrets - before; left != 0 {
			t.Errorf("%s leaves %d secrets", g.Name, left)
		}
	}
}

// TestOutgrownMemoryIsWiped holds that what a state held is nowhere but where it is now, which Close wipes.
func TestOutgrownMemoryIsWiped(t *testing.T) {
	held := extend(nil, []byte("a salt"))
	longer := extend(held, make([]byte, 100))
	if !bytes.Equal(held, make([]byte, len(held))) || !bytes.HasPrefix(longer, []byte("a salt")) || len(longer) != len(held)+100 {
		t.Errorf("%q became %q", held, longer)
	}
	within := extend(longer[:6:50], []byte(" more"))
	if string(within) != "a salt more" || &within[0] != &longer[0] {
		t.Errorf("%q, where there was room", within)
	}
}
