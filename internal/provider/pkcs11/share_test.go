package pkcs11_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// tenant gives the context of a call of a tenant's.
func tenant(t testing.TB, name string) context.Context {
	return provider.WithPark(t.Context(), name, func() {})
}

// takeAll opens streams of a hash until there is none left for the tenant, and gives them with the refusal.
func takeAll(t testing.TB, p provider.Provider, name string) ([]provider.Stream, error) {
	t.Helper()
	var open []provider.Stream
	for len(open) < 100 {
		s, err := p.Begin(tenant(t, name), provider.Hash, &provider.Params{Algorithm: "SHA-256"})
		if err != nil {
			wantCode(t, "a stream of "+name, err, claviger.ErrProviderBusy)
			return open, err
		}
		t.Cleanup(s.Close)
		open = append(open, s)
	}
	t.Fatalf("%s has opened %d streams", name, len(open))
	return nil, nil
}

// One tenant who opens streams and leaves them open has half of them, the next one half of the rest, as many as the token has sessions for,
// also where nobody has known how many those are; and what one gives back is there for all. Ciphers are not counted.
func TestOneTenantLeavesStreamsToOthers(t *testing.T) {
	for _, c := range []struct {
		configured, allowed, said int
		got                       []int
		hint                      string
	}{
		{5, 0, 0, []int{1, 1, 0}, "more sessions allow more"},
		{16, 0, 0, []int{4, 2, 1, 0}, "more sessions allow more"},
		{0, 0, 0, []int{16, 8, 4, 2, 1, 0}, "more sessions allow more"},
		{0, 14, 0, []int{3, 2, 1, 0}, "the token allows no more sessions"},
		{0, 14, 14, []int{3, 2, 1, 0}, "the token allows no more sessions"},
		{64, 5, 0, []int{1, 0}, "the token allows no more sessions"},
	} {
		t.Run(fmt.Sprintf("%d of %d, said %d", c.allowed, c.configured, c.said), func(t *testing.T) {
			t.Setenv("SHIM_SESSIONS", fmt.Sprint(c.allowed))
			t.Setenv("SHIM_MAX", fmt.Sprint(c.said))
			path := shim(t)
			initialise(t, label)
			p := behind(t, pkcs11.Config{Module: path, TokenLabel: label, Sessions: c.configured})
			must(t, p.Ready(t.Context()))
			var first []provider.Stream
			for i, want := range c.got {
				name := fmt.Sprint("tenant ", i)
				open, err := takeAll(t, p, name)
				if len(open) != want {
					t.Errorf("%s has %d streams, want %d", name, len(open), want)
				}
				if err != nil && !strings.Contains(err.Error(), c.hint) {
					t.Errorf("%q is not in %v", c.hint, err)
				}
				first = append(open, first...)
				must(t, ignore(p.OneShot(tenant(t, name), provider.Hash, &provider.Params{Algorithm: "SHA-256"}, nil, []byte("x"))))
			}
			for i, s := range first {
				msg := bytes.Repeat([]byte{byte(i)}, 100)
				if got, want := inParts(t, s, msg, 10), sha256.Sum256(msg); !bytes.Equal(got, want[:]) {
					t.Errorf("stream %d gives %x", i, got)
				}
				s.Close()
			}
			comeBack(t, p, c.got[0])
			k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "AES-128"})
			must(t, err)
			defer k.Close()
			for range 100 {
				stream(t, k, provider.Encrypt, &provider.Params{Algorithm: "AES-128-CTR", IV: make([]byte, 16)})
			}
		})
	}
}

// comeBack waits until a tenant has so many streams: whoever closes one does not wait for the worker.
func comeBack(t testing.TB, p provider.Provider, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		open, _ := takeAll(t, p, "the last")
		for _, s := range open {
			s.Close()
		}
		if len(open) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d streams when all were given back, want %d", len(open), want)
		}
	}
}

// Who has his share is told so, with what there is.
func TestWhoHasHisShareIsToldSo(t *testing.T) {
	p := fresh(t, 16) // fourteen work, seven of them for streams
	params := &provider.Params{Algorithm: "SHA-256", Lane: "a"}
	for range 4 {
		stream(t, p, provider.Hash, params)
	}
	_, err := p.Begin(t.Context(), provider.Hash, params)
	wantCode(t, "a fifth of seven", err, claviger.ErrProviderBusy)
	if err != nil && !strings.Contains(err.Error(), "4 of 7 streams in the token and may open another one when more than that are free, not 3") {
		t.Error(err)
	}
	open := stream(t, p, provider.Hash, &provider.Params{Algorithm: "SHA-256"}) // of nobody who is known
	open.Close()
	open.Close()
	_, err = p.Begin(t.Context(), provider.Hash, params)
	wantCode(t, "a fifth of seven", err, claviger.ErrProviderBusy)
}

// A token that turns out to have one session for operations takes messages in parts all the same: they are gathered, as many as there are.
func TestATokenWithoutASessionForStreamsTakesMessagesInParts(t *testing.T) {
	for _, c := range []struct{ configured, allowed int }{{2, 0}, {8, 3}, {8, 2}, {64, 3}} {
		t.Run(fmt.Sprintf("%d of %d", c.allowed, c.configured), func(t *testing.T) {
			t.Setenv("SHIM_SESSIONS", fmt.Sprint(c.allowed))
			path := shim(t)
			initialise(t, label)
			p := behind(t, pkcs11.Config{Module: path, TokenLabel: label, Sessions: c.configured})
			must(t, p.Ready(t.Context()))
			if m, ok := provider.Find(p.Mechanisms(), provider.Hash, "SHA-256", ""); !ok || m.Stream {
				t.Errorf("the token offers %+v", m)
			}
			if !slices.ContainsFunc(p.Mechanisms(), func(m provider.Mechanism) bool { return m.Stream }) {
				t.Error("nothing takes parts, not even ciphers")
			}
			var open []provider.Stream
			for range 10 {
				open = append(open, stream(t, p, provider.Hash, &provider.Params{Algorithm: "SHA-256"}))
			}
			for i, s := range open {
				msg := bytes.Repeat([]byte{byte(i)}, 100)
				if got, want := inParts(t, s, msg, 10), sha256.Sum256(msg); !bytes.Equal(got, want[:]) {
					t.Errorf("stream %d gives %x", i, got)
				}
			}
		})
	}
}

// Who closes a stream may open the next one at once, also where one is all that there may be: nobody waits for a stream to be closed, and
// the two calls overtake each other.
func TestWhoClosesAStreamMayOpenTheNext(t *testing.T) {
	path := store(t)
	initialise(t, label)
	p := behind(t, pkcs11.Config{Module: path, TokenLabel: label, Sessions: 4})
	must(t, p.Ready(t.Context()))
	for i := range 500 {
		s, err := p.Begin(tenant(t, "a"), provider.Hash, &provider.Params{Algorithm: "SHA-256"})
		if err != nil {
			t.Fatalf("the stream %d: %v", i, err)
		}
		_, err = s.Update(t.Context(), nil, []byte("x"))
		must(t, err)
		s.Close()
	}
}

// Streams take half of the sessions and no more; the refusal names the limit.
func TestStreamsTakeHalfOfTheSessions(t *testing.T) {
	p := fresh(t, 9) // two own keys, seven work, three of them for streams
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	defer k.Close()
	var open []provider.Stream
	for _, lane := range []string{"a", "a", "b"} {
		open = append(open, stream(t, k, provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256", Lane: lane}))
	}
	_, err = p.Begin(t.Context(), provider.Hash, &provider.Params{Algorithm: "SHA-256"})
	wantCode(t, "a fourth stream", err, claviger.ErrProviderBusy)
	if err != nil && !strings.Contains(err.Error(), "3 streams are open in the token, where 3 may be at once; more sessions allow more") {
		t.Errorf("the limit is not named: %v", err)
	}
	must(t, mac(k))
	open[1].Close()
	s, err := p.Begin(t.Context(), provider.Hash, &provider.Params{Algorithm: "SHA-256"})
	must(t, err)
	s.Close()
}

// TestManyAtOnceLoseNoSession: however many streams and calls find out at once how few sessions a token has, all of those are there
// afterwards.
func TestManyAtOnceLoseNoSession(t *testing.T) {
	t.Setenv("SHIM_SESSIONS", "12") // with one less a tenant has a stream less
	path := shim(t)
	initialise(t, label)
	for range 10 { // each time a pool that knows nothing yet
		p := behind(t, pkcs11.Config{Module: path, TokenLabel: label})
		must(t, p.Ready(t.Context()))
		var all sync.WaitGroup
		for i := range 24 {
			all.Go(func() {
				ctx, params := tenant(t, fmt.Sprint("tenant ", i)), &provider.Params{Algorithm: "SHA-256"}
				if s, err := p.Begin(ctx, provider.Hash, params); err == nil {
					defer s.Close()
				}
				_, _ = p.OneShot(ctx, provider.Hash, params, nil, []byte("x"))
			})
		}
		all.Wait()
		comeBack(t, p, 3)
		must(t, p.Close())
	}
}
