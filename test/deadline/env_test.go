// Package deadline_test holds the promise about time: every call ends at its deadline, whatever the daemon, its providers
// or its socket do.
package deadline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

// config has providers that hang: slow for 300 ms, slower for 2 s in every operation.
const config = `
[daemon]
socket  = "{{.Socket}}"
store   = "{{.Dir}}/store.db"
timeout = "5s"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[admin]
uids = [{{.Self}}]

[limits]
slow = 2

[[provider]]
id   = 2
name = "software"
kind = "software"

[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "300ms"

[[provider]]
id    = 10
name  = "slower"
kind  = "delay"
delay = "2s"

[[slot]]
name       = "time/key"
algorithm  = "AES-256"
providers  = ["software"]
operations = ["encrypt", "decrypt"]

[[slot]]
name       = "time/slow"
algorithm  = "AES-256"
providers  = ["slow"]
operations = ["encrypt", "decrypt"]

[[app]]
name = "time"
uid  = {{.Self}}
[app.resources]
Key  = { slot = "time/key", write = ["generate", "clear"] }
Slow = { slot = "time/slow", write = ["generate", "clear"] }
`

// grace is by how much an answer may come after its deadline: 20 ms are promised, a busy machine gets more, and on top what it
// stalled meanwhile. By early it may come before: a context's time begins a little before the call.
const (
	grace = 100 * time.Millisecond
	early = 20 * time.Millisecond
)

// onTime runs a call whose deadline is d away and wants ErrOperationTimedOut by then: not before, and within grace.
func onTime(t *testing.T, what string, d time.Duration, call func() error) {
	t.Helper()
	start, stalls := time.Now(), daemontest.Stalls()
	err := call()
	took, stalled := time.Since(start), stalls()
	if !errors.Is(err, claviger.ErrOperationTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: got %v, want OperationTimedOut, which is also context.DeadlineExceeded", what, err)
	}
	if took < d-early || took > d+grace+stalled {
		t.Errorf("%s: answered after %s; the deadline was %s, the machine stalled for %s", what, took, d, stalled)
	}
}

func scope(t *testing.T, s *client.Stack) *client.CryptoContext {
	t.Helper()
	cc := must(s.CryptoContext())(t)
	t.Cleanup(func() { cc.Close() })
	return cc
}

// keysOf makes a key manager that makes keys in a provider.
func keysOf(t *testing.T, cc *client.CryptoContext, id claviger.ProviderID) *client.KeyManager {
	t.Helper()
	return must(cc.NewKeyManager(t.Context(), client.KeyManagerConfig{Provider: client.ProviderSelector{ID: id}}))(t)
}

// slowMAC makes a MAC context on a new key of a provider, each of whose calls has a timeout.
func slowMAC(t *testing.T, cc *client.CryptoContext, id claviger.ProviderID, timeout time.Duration) *client.MAC {
	t.Helper()
	key := must(keysOf(t, cc, id).Generate(t.Context(), client.GenerateParams{Algorithm: "HMAC-SHA-256"}))(t)
	return must(cc.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key, Timeout: timeout}))(t)
}

func self(t *testing.T, s *client.Stack) client.TenantStatus {
	t.Helper()
	for _, tenant := range must(s.Status(context.Background()))(t).Tenants {
		if tenant.Name == s.Tenant() {
			return tenant
		}
	}
	return client.TenantStatus{}
}

// must ends the test on an error and gives the value: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v, want %s", what, err, code.Name())
	}
}

// within waits for what the daemon does on its own, for at most d.
func within(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", d, what)
		}
	}
}
