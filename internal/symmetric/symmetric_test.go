package symmetric

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// A key of the length that generation makes is one, and one outside of the bounds is not.
func TestKeysHaveTheirLengths(t *testing.T) {
	for _, g := range symmetric() {
		if g.Keyless() {
			wants(t, string(g.Name), CheckKey(g, 16), claviger.ErrKeyNotSupported)
			_, err := GenerateKey(g)
			wants(t, string(g.Name), err, claviger.ErrKeyNotSupported)
			_, err = Open(g, []byte{}, claviger.StateOptions{})
			wants(t, string(g.Name), err, claviger.ErrKeyNotSupported)
			continue
		}
		one, err := GenerateKey(g)
		two, _ := GenerateKey(g)
		if err != nil || len(one) != g.DefaultKey || bytes.Equal(one, two) {
			t.Errorf("%s: keys of %d bytes, %v", g.Name, len(one), err)
		}
		for _, n := range []int{g.MinKey, g.DefaultKey, g.MaxKey} {
			if err := CheckKey(g, n); err != nil {
				t.Errorf("%s: %d bytes: %v", g.Name, n, err)
			}
		}
		for _, n := range []int{g.MinKey - 1, g.MaxKey + 1} {
			wants(t, string(g.Name), CheckKey(g, n), claviger.ErrInvalidKey)
		}
		_, err = Open(g, make([]byte, g.MaxKey+1), claviger.StateOptions{})
		wants(t, string(g.Name), err, claviger.ErrInvalidKey)
		if _, err = Open(g, nil, claviger.StateOptions{Nonce: make([]byte, g.Nonce)}); errors.Is(err, claviger.ErrKeyRequired) == g.KeyOptional {
			t.Errorf("%s without a key: %v", g.Name, err)
		}
	}
	pair, _ := algorithm.LookupGuest(claviger.GuestSignatures, "Ed25519")
	wants(t, "a pair's key", CheckKey(pair, 32), claviger.ErrInvalidKey)
	_, err := Open(pair, make([]byte, 32), claviger.StateOptions{})
	wants(t, "a pair's state", err, claviger.ErrUnsupportedAlgorithm)
}

// Hashes truncate and refuse more than they have; extendable output goes on, and is the same in parts.
func TestSqueezing(t *testing.T) {
	ctx := context.Background()
	for _, g := range symmetric() {
		s := usual(t, g)
		switch g.Kind {
		case algorithm.KindHash:
			absorb(t, s, "data")
			whole := squeeze(t, s, g.Use.Size)
			if !bytes.HasPrefix(whole, squeeze(t, s, 7)) || len(squeeze(t, s, 0)) != 0 || !bytes.Equal(whole, squeeze(t, s, g.Use.Size)) {
				t.Errorf("%s does not truncate", g.Name)
			}
			wants(t, string(g.Name), s.Squeeze(ctx, make([]byte, g.Use.Size+1)), claviger.ErrInvalidLength)
			absorb(t, s, " and more")
			fresh := usual(t, g)
			absorb(t, fresh, "data and more")
			if !bytes.Equal(squeeze(t, s, 20), squeeze(t, fresh, 20)) {
				t.Errorf("%s was changed by squeezing", g.Name)
			}
		case algorithm.KindXOF:
			absorb(t, s, "data")
			c, err := s.Clone(ctx)
			if err != nil {
				t.Fatal(err)
			}
			squeeze(t, s, 0)
			absorb(t, s, "")
			whole := squeeze(t, s, 500)
			if got := append(squeeze(t, c, 1), squeeze(t, c, 499)...); !bytes.Equal(got, whole) {
				t.Errorf("%s gives another output in parts", g.Name)
			}
			wants(t, string(g.Name), s.Absorb(ctx, []byte("more")), claviger.ErrInvalidOperation)
		case algorithm.KindExpand:
			squeeze(t, s, 255*g.Use.Size)
			if !bytes.HasPrefix(squeeze(t, s, 100), squeeze(t, s, 10)) || len(squeeze(t, s, 0)) != 0 {
				t.Errorf("%s is not one key", g.Name)
			}
			wants(t, string(g.Name), s.Squeeze(ctx, make([]byte, 255*g.Use.Size+1)), claviger.ErrInvalidLength)
		}
	}
}

// A key is squeezed for a symmetric algorithm that takes one; for HKDF only for the expanding half with the same hash.
func TestSqueezingKeys(t *testing.T) {
	ctx := context.Background()
	session, extract := lookup(t, "XOODYAK-128"), lookup(t, "HKDF-EXTRACT/SHA-256")
	for _, c := range []struct {
		from *algorithm.Guest
		to   claviger.Algorithm
		size int
		want error
	}{
		{session, "xoodyak-128", 16, nil}, {session, "AES-256-GCM", 32, nil}, {session, "HKDF-EXPAND/SHA-512", 64, nil},
		{session, "SHA-256", 0, claviger.ErrKeyNotSupported}, {session, "none", 0, claviger.ErrUnsupportedAlgorithm}, {session, "Ed25519", 0, claviger.ErrUnsupportedAlgorithm},
		{extract, "hkdf-expand/sha-256", 32, nil}, {extract, "HKDF-EXPAND/SHA-512", 0, claviger.ErrInvalidOperation},
		{extract, "AES-256-GCM", 0, claviger.ErrInvalidOperation}, {extract, "none", 0, claviger.ErrUnsupportedAlgorithm},
		{lookup(t, "SHA-256"), "none", 0, claviger.ErrInvalidOperation}, {lookup(t, "AES-128-GCM"), "AES-128-GCM", 0, claviger.ErrInvalidOperation},
	} {
		s := usual(t, c.from)
		before, err := s.Clone(ctx)
		if err != nil {
			t.Fatal(err)
		}
		key, err := s.SqueezeKey(ctx, c.to)
		if c.want == nil && (err != nil || len(key) != c.size) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s for %s: %d bytes, %v", c.from.Name, c.to, len(key), err)
		}
		if c.want != nil && !bytes.Equal(outcome(t, c.from, s), outcome(t, c.from, before)) {
			t.Errorf("%s for %s changed the state", c.from.Name, c.to)
		}
		before.Close()
	}
}

// Options come back as they were given, also from a copy, and the caller may write over what it gave and what it got.
func TestOptionsComeBack(t *testing.T) {
	ctx := context.Background()
	number := uint64(7)
	given := claviger.StateOptions{Context: []byte("context"), Salt: []byte{}, OpsLimit: &number, Parallelism: &number}
	s := opened(t, lookup(t, "SHA-256"), nil, given)
	given.Context[0], number = 'x', 8
	for range 2 {
		got, err := s.Option(ctx, "CONTEXT")
		if err != nil || string(got) != "context" {
			t.Errorf("the context is %q, %v", got, err)
		}
		clear(got)
	}
	if got, err := s.Option(ctx, "salt"); err != nil || got == nil || len(got) != 0 {
		t.Errorf("the salt is %v, %v", got, err)
	}
	c, err := s.Clone(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range []string{"ops_limit", "OpsLimit", "parallelism"} {
		if got, err := c.OptionNumber(ctx, name); err != nil || got != 7 {
			t.Errorf("%s is %d, %v", name, got, err)
		}
	}
	for _, c := range []struct {
		name          string
		bytes, number error
	}{
		{"nonce", claviger.ErrOptionNotSet, claviger.ErrUnsupportedOption}, {"memory_limit", claviger.ErrUnsupportedOption, claviger.ErrOptionNotSet},
		{"", claviger.ErrUnsupportedOption, claviger.ErrUnsupportedOption}, {strings.Repeat("x", 1000), claviger.ErrUnsupportedOption, claviger.ErrUnsupportedOption},
	} {
		for _, s := range []claviger.SymmetricState{s, usual(t, lookup(t, "SHAKE-128"))} {
			_, err := s.Option(ctx, c.name)
			if errors.Is(err, c.bytes) || c.name == "nonce" && err == nil {
				err = nil
			}
			_, other := s.OptionNumber(ctx, c.name)
			if err != nil || !errors.Is(other, c.number) {
				t.Errorf("%.20s: %v, %v", c.name, err, other)
			}
		}
	}
}

// What has to be held is at most 64 MiB, in one call or in several, and the state goes on after a refusal.
func TestHeldBytesHaveALimit(t *testing.T) {
	ctx := context.Background()
	long := make([]byte, algorithm.MaxHeld+1)
	for _, name := range []string{"AES-128-GCM", "HKDF-EXTRACT/SHA-256", "HKDF-EXPAND/SHA-512"} {
		s := usual(t, lookup(t, name))
		absorb(t, s, "xx")
		wants(t, name, s.Absorb(ctx, long[2:]), claviger.ErrQuotaExceeded)
		outcome(t, lookup(t, name), s)
	}
	for _, name := range []string{"AES-128-GCM", "AES-128-CBC", "AES-128-CTR", "XOODYAK-128"} {
		s := usual(t, lookup(t, name))
		out, err := s.Encrypt(ctx, []byte("x"), long)
		if wants(t, name, err, claviger.ErrQuotaExceeded); string(out) != "x" {
			t.Errorf("%s gives %d bytes", name, len(out))
		}
		sealed, err := s.Encrypt(ctx, nil, []byte("message"))
		if err != nil {
			t.Errorf("%s afterwards: %v", name, err)
		}
		if len(sealed) == 0 {
			t.Errorf("%s gives nothing", name)
		}
		_, err = s.Decrypt(ctx, nil, make([]byte, len(long)+31))
		wants(t, name, err, claviger.ErrQuotaExceeded)
	}
}

// Hashing 1 KiB costs little more than the hash itself; the sub-benchmark "alone" is that.
func BenchmarkSHA256(b *testing.B) {
	ctx := context.Background()
	data := make([]byte, 1024)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			sha256.Sum256(data)
		}
	})
	b.Run("state", func(b *testing.B) {
		g := lookup(b, "SHA-256")
		out := make([]byte, 32)
		b.ReportAllocs()
		for b.Loop() {
			s, err := Open(g, nil, claviger.StateOptions{})
			if err != nil {
				b.Fatal(err)
			}
			s.Absorb(ctx, data)
			s.Squeeze(ctx, out)
			s.Close()
		}
	})
}
