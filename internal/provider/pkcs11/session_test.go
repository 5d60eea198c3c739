package pkcs11_test

import (
	"context"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// A stream leaves a session to calls, also where nobody has found out yet how many the token allows.
func TestStreamsLeaveASession(t *testing.T) {
	t.Setenv("SHIM_SESSIONS", "2") // one owns keys, one works
	p := faulty(t, pkcs11.Config{Sessions: 6})
	k := lasting(t, p, "HMAC-SHA-256")
	params := &provider.Params{Algorithm: "HMAC-SHA-256"}
	_, err := k.Begin(t.Context(), provider.MAC, params)
	wantCode(t, "a stream in the only session", err, claviger.ErrProviderBusy)
	must(t, mac(k))
	t.Setenv("SHIM_SESSIONS", "3")
	one := comes(t, k, params)
	defer one.Close()
	must(t, mac(k))
	_, err = k.Begin(t.Context(), provider.MAC, params)
	wantCode(t, "a stream in the last session", err, claviger.ErrProviderBusy)
	must(t, mac(k))
	t.Setenv("SHIM_FAULTS", "C_Sign=0x05*1")
	wantCode(t, "a call that spoils the last session", mac(k), claviger.ErrOperationFailed)
	t.Setenv("SHIM_SESSIONS", "2")
	wantCode(t, "a call beside a stream in the only session", mac(k), claviger.ErrProviderBusy)
	t.Setenv("SHIM_SESSIONS", "3")
	must(t, mac(k))
	inParts(t, one, []byte("x"), 1)
}

// A token that has allowed few sessions for a while, because others had them, is used with all of them again later.
func TestSessionsThatComeBackAreUsed(t *testing.T) {
	t.Setenv("SHIM_SESSIONS", "2")
	p := faulty(t, pkcs11.Config{Sessions: 6})
	k := lasting(t, p, "HMAC-SHA-256")
	params := &provider.Params{Algorithm: "HMAC-SHA-256"}
	t.Setenv("SHIM_FAULTS", "C_Sign=0x05*1")
	wantCode(t, "a call that spoils the only session", mac(k), claviger.ErrOperationFailed)
	t.Setenv("SHIM_SESSIONS", "1")
	wantCode(t, "a call without a session", mac(k), claviger.ErrProviderBusy)
	t.Setenv("SHIM_SESSIONS", "2")
	must(t, mac(k))
	_, err := k.Begin(t.Context(), provider.MAC, params)
	wantCode(t, "a stream in the last session", err, claviger.ErrProviderBusy)
	t.Setenv("SHIM_SESSIONS", "0")
	for _, lane := range []string{"a", "b"} {
		defer comes(t, k, &provider.Params{Algorithm: "HMAC-SHA-256", Lane: lane}).Close()
	}
	_, err = k.Begin(t.Context(), provider.MAC, params)
	wantCode(t, "a stream more than half of the sessions", err, claviger.ErrProviderBusy)
}

// comes gives a stream of a code once the token has one, beside which there are calls.
func comes(t testing.TB, k provider.Key, params *provider.Params) provider.Stream {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		must(t, mac(k))
		s, err := k.Begin(t.Context(), provider.MAC, params)
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// Whoever finds all that makes keys busy is told so before the call is taken for one that hangs, and whoever drops a key waits.
func TestAKeeperThatIsBusy(t *testing.T) {
	p := fresh(t, 8)
	own, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	release := p.Hold()
	closed := make(chan error)
	go func() { closed <- own.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = p.Generate(ctx, provider.Spec{Algorithm: "AES-128"})
	wantCode(t, "a call whose time is over", err, claviger.ErrOperationTimedOut)
	_, err = p.Generate(t.Context(), provider.Spec{Algorithm: "AES-128"})
	wantCode(t, "generating", err, claviger.ErrProviderBusy)
	must(t, ignore(p.OneShot(t.Context(), provider.Random, &provider.Params{Algorithm: "RANDOM", Size: 8}, nil, nil)))
	select {
	case <-closed:
		t.Error("a key was dropped without the session that owns it")
	default:
	}
	release()
	must(t, <-closed)
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "AES-128"})
	must(t, err)
	must(t, k.Close())
}
