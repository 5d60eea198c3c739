package tokens

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// message is what tests sign and encrypt.
const message = "a message that is longer than two blocks, not a multiple of one"

// user is a program's use of a rig's daemon.
type user struct {
	ctx   context.Context
	stack *client.Stack
	cc    *client.CryptoContext
}

// connect connects to the daemon, for as long as the test runs.
func (r *Rig) connect(t testing.TB) *user {
	t.Helper()
	u := &user{ctx: t.Context(), stack: r.Dial(t)}
	u.cc = must(u.stack.CryptoContext())(t)
	return u
}

func (u *user) slot(t testing.TB, name string) *client.KeySlot {
	t.Helper()
	return must(u.cc.KeySlot(u.ctx, name))(t)
}

// keys gives a key manager that makes keys where at says.
func (u *user) keys(t testing.TB, at client.ProviderSelector) *client.KeyManager {
	t.Helper()
	return must(u.cc.NewKeyManager(u.ctx, client.KeyManagerConfig{Provider: at}))(t)
}

// generate makes keys in slots, where the slots say.
func (u *user) generate(t testing.TB, slots ...string) {
	t.Helper()
	for _, name := range slots {
		must(u.keys(t, client.ProviderSelector{}).GenerateIn(u.ctx, u.slot(t, name), client.GenerateParams{}))(t)
	}
}

// sign signs message with a P-256 key; the error is that of whatever did not work.
func (u *user) sign(key client.KeySource) ([]byte, error) {
	s, err := u.cc.NewSigner(u.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key, DER: true})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Sign(u.ctx, nil, []byte(message))
}

// verify is an error unless a signature of message is that of a P-256 key.
func (u *user) verify(key client.KeySource, signature []byte) error {
	m, err := u.cc.NewKeyManager(u.ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	public, der, err := m.PublicKey(u.ctx, key, claviger.DER)
	if err != nil {
		return err
	}
	defer public.Close()
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256([]byte(message)); !ecdsa.VerifyASN1(parsed.(*ecdsa.PublicKey), sum[:], signature) {
		return errors.New("the signature is not that of the key")
	}
	return nil
}

// verified fails the test if a signature of message is not that of a P-256 key.
func (u *user) verified(t testing.TB, key client.KeySource, signature []byte) {
	t.Helper()
	ok(t, u.verify(key, signature))
}

// signs fails the test if a P-256 key does not sign.
func (u *user) signs(t testing.TB, key client.KeySource) {
	t.Helper()
	u.verified(t, key, must(u.sign(key))(t))
}

// crypt runs message, or what came of it, through AES-256-GCM in one call.
func (u *user) crypt(key client.KeySource, way claviger.Direction, in []byte) ([]byte, error) {
	a, err := u.cc.NewAEAD(u.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key, Direction: way})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if way == claviger.Encrypting {
		return a.Seal(u.ctx, nil, nil, in, nil)
	}
	return a.Open(u.ctx, nil, nil, in, nil)
}

// provider gives what the daemon says of one of its providers.
func (u *user) provider(t testing.TB, id claviger.ProviderID) claviger.ProviderInfo {
	t.Helper()
	for _, p := range must(u.stack.Providers(u.ctx))(t) {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("provider %d is not listed", id)
	return claviger.ProviderInfo{}
}

// workers gives the processes that a daemon has as its children.
func workers(daemon int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", daemon))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// worker gives the one worker of a rig's daemon.
func (r *Rig) worker(t testing.TB) int {
	t.Helper()
	pids := workers(r.PID())
	if len(pids) != 1 {
		t.Fatalf("the daemon has the children %v, want one", pids)
	}
	return pids[0]
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

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// wantCode fails the test for an error of another code, or one whose text lacks one of the words.
func wantCode(t testing.TB, err error, code claviger.Code, words ...string) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("got %v, want %s", err, code.Name())
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %q", err, word)
		}
	}
}

// eventually waits until something is so. The test fails if it never is.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(daemontest.Patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}

// random asks a provider for some bytes.
func (u *user) random(at claviger.ProviderID, timeout time.Duration) error {
	g, err := u.cc.NewRandom(u.ctx, client.RandomConfig{Provider: client.ProviderSelector{ID: at}, Timeout: timeout})
	if err != nil {
		return err
	}
	defer g.Close()
	_, err = g.Generate(u.ctx, nil, 32)
	return err
}

// generateP256 makes a pair that signs.
func generateP256() client.GenerateParams { return client.GenerateParams{Algorithm: "ECDSA-P256"} }
