package tokens

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// caller is one of a crowd.
type caller struct {
	*user
	signing, data *client.KeySlot
	keys          *client.KeyManager
}

func (u *user) caller(t testing.TB) *caller {
	t.Helper()
	return &caller{u, u.slot(t, "token/signing"), u.slot(t, "token/data"), u.keys(t, client.ProviderSelector{ID: TokenID})}
}

// round is what one of a crowd does over and over: it signs, encrypts and decrypts with slots, draws random bytes, and makes a key of
// its own that it uses once.
func (c *caller) round() error {
	signature, err := c.sign(c.signing)
	if err != nil {
		return err
	}
	if err := c.verify(c.signing, signature); err != nil {
		return err
	}
	sealed, err := c.crypt(c.data, claviger.Encrypting, []byte(message))
	if err != nil {
		return err
	}
	if opened, err := c.crypt(c.data, claviger.Decrypting, sealed); err != nil || string(opened) != message {
		return fmt.Errorf("%q was decrypted: %w", opened, err)
	}
	if err := c.random(TokenID, 0); err != nil {
		return err
	}
	key, err := c.keys.Generate(c.ctx, generateP256())
	if err != nil {
		return err
	}
	defer key.Close()
	_, err = c.sign(key)
	return err
}

// crowd has 64 callers work for a while, and gives the most sessions that were open in the token meanwhile.
func (r *Rig) crowd(t *testing.T, u *user) (sessions int) {
	t.Helper()
	until := time.Now().Add(1500 * time.Millisecond)
	var callers sync.WaitGroup
	for range 64 {
		c := u.caller(t)
		callers.Go(func() {
			for rounds := 0; rounds == 0 || time.Now().Before(until); rounds++ {
				if err := c.round(); err != nil {
					t.Errorf("a caller ended after %d rounds: %v", rounds, err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { callers.Wait(); close(done) }()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			return max(sessions, r.Hostile.OpenSessions())
		case <-tick.C:
			sessions = max(sessions, r.Hostile.OpenSessions())
		}
	}
}

// TestACrowdIsServed holds that 64 callers of one token are all served by no more sessions than are configured, or than the token has.
func TestACrowdIsServed(t *testing.T) {
	for _, test := range []struct {
		name       string
		configured int
		full       bool // the token has no more sessions than the first calls took
	}{{"sixteen sessions", 16, false}, {"four sessions", 4, false}, {"a token that has no more", 16, true}} {
		t.Run(test.name, func(t *testing.T) {
			k := SoftHSM(t)
			h := NewHostile(t, k.Module)
			r := Start(t, Options{Token: k, Hostile: h, Sessions: test.configured})
			u := r.connect(t)
			u.generate(t, "token/signing", "token/data")
			limit := test.configured
			if test.full {
				h.Command("C_OpenSession session-count")
				limit = h.OpenSessions()
			}
			before := h.Calls("C_Initialize")
			most := r.crowd(t, u)
			if most > limit || most < 2 {
				t.Errorf("%d sessions were open, want 2 to %d", most, limit)
			}
			equal(t, "starts of the worker meanwhile", h.Calls("C_Initialize")-before, 0)
			equal(t, "logins", h.Calls("C_Login"), 1)
		})
	}
}

// TestACrowdOutlivesItsWorkers holds that callers notice the end of a worker by ProviderNotAvailable and nothing else, and go on with
// the next one.
func TestACrowdOutlivesItsWorkers(t *testing.T) {
	const kills = 4
	r := Start(t, Options{})
	u := r.connect(t)
	u.generate(t, "token/signing", "token/data")
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 32 {
		c := u.caller(t)
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := c.round(); err != nil {
					wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`)
				}
			}
		})
	}
	for n := range uint64(kills) {
		r.killWorker(t)
		eventually(t, "another worker", func() bool { p := u.provider(t, TokenID); return p.Available && p.Restarts == n+1 })
		u.signs(t, u.slot(t, "token/signing"))
	}
	close(done)
	callers.Wait()
	u.signs(t, u.slot(t, "token/signing"))
}

// TestAWorkerThatStandsStillIsReplaced holds that a call is answered when hang_after is over, and that the next worker serves.
func TestAWorkerThatStandsStillIsReplaced(t *testing.T) {
	r := Start(t, Options{HangAfter: 300 * time.Millisecond})
	u := r.connect(t)
	u.generate(t, "token/signing")
	pid := r.worker(t)
	daemontest.Freeze(t, pid)
	_, err := u.sign(u.slot(t, "token/signing"))
	wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`, "300ms")
	eventually(t, "the token is available", func() bool { return u.provider(t, TokenID).Available })
	u.signs(t, u.slot(t, "token/signing"))
	gone(t, []int{pid})
}
