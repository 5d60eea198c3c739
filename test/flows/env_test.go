// Package flows_test holds the nine flows of the S-CORE crypto API, each numbered line a subtest of its own name, over
// a real socket against a daemon process and again over embedded mode; and both again with keys that live in a token.
package flows_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/template"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
	"github.com/claviger/claviger/test/tokens"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

// deployedKey is the key that PreDeployedSlot holds, known here so that ciphertexts can be checked.
var deployedKey = bytes.Repeat([]byte{0x42}, 32)

// env is one flow's surroundings: a stack with everything deployed, however it is reached.
type env struct {
	ctx     context.Context
	stack   *client.Stack
	cc      *client.CryptoContext
	restart func(t *testing.T) *client.Stack              // a new daemon over the same store
	dial    func(testing.TB, client.Config) *client.Stack // another stack to the same daemon
	pki     *pki
	place   place
}

// place is where a flow's keys live.
type place struct {
	provider   client.ProviderSelector // of what lives outside of slots
	compatible []claviger.ProviderID   // with the deployed key
	signing    scheme
}

// inSoftware is the place of the flows as they are written.
func inSoftware() place {
	return place{compatible: []claviger.ProviderID{2, 5}, signing: postQuantum()}
}

// all runs a flow over a socket and over embedded mode, with keys in software and in a token.
func all(t *testing.T, flow func(t *testing.T, e *env)) {
	both(t, flow)
	t.Run("token", func(t *testing.T) { run(t, over(t, tokens.Start(t, withToken()).Daemon, inToken()), flow) })
	t.Run("token embedded", func(t *testing.T) {
		o := withToken()
		if os.Getuid() == 0 {
			o.Root, o.User = true, daemontest.UserB
		}
		run(t, within(t, tokens.Prepare(t, o).Text, inToken()), flow)
	})
}

// both runs a flow over a socket and over embedded mode, without a token.
func both(t *testing.T, flow func(t *testing.T, e *env)) {
	t.Run("socket", func(t *testing.T) { run(t, over(t, daemontest.Start(t, daemontest.FlowConfig), inSoftware()), flow) })
	t.Run("embedded", func(t *testing.T) { run(t, within(t, daemontest.FlowConfig, inSoftware()), flow) })
}

// over gives a flow's surroundings in a daemon.
func over(t *testing.T, d *daemontest.Daemon, at place) *env {
	t.Helper()
	e := &env{stack: d.Dial(t), dial: d.DialWith, place: at}
	e.restart = func(t *testing.T) *client.Stack { d.Kill(); d.Launch(t); return d.Dial(t) }
	return e
}

// within gives a flow's surroundings in embedded mode.
func within(t *testing.T, config string, at place) *env {
	t.Helper()
	dir := t.TempDir()
	graph := open(t, config, dir)
	e := &env{stack: graph.Stack, place: at}
	e.dial = func(t testing.TB, c client.Config) *client.Stack {
		stack := must(graph.Connect(t.Context(), c))(t)
		t.Cleanup(func() { stack.Close() })
		return stack
	}
	e.restart = func(t *testing.T) *client.Stack { check(t, graph.Close()); return open(t, config, dir).Stack }
	return e
}

// open starts an embedded daemon over a directory.
func open(t *testing.T, config, dir string) *embedded.Stack {
	t.Helper()
	var text bytes.Buffer
	tmpl := template.Must(template.New("").Parse(config))
	if err := tmpl.Execute(&text, map[string]any{"Dir": dir, "Socket": filepath.Join(dir, "s"), "Self": os.Getuid(), "UserA": 1, "UserB": 2}); err != nil {
		t.Fatal(err)
	}
	stack, err := embedded.Open(context.Background(), embedded.Options{Config: text.Bytes(), Worker: []string{daemontest.Binary(t), "worker"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stack.Close() })
	return stack
}

func run(t *testing.T, e *env, flow func(t *testing.T, e *env)) {
	e.ctx = t.Context()
	e.cc = e.context(t)
	e.deploy(t)
	flow(t, e)
}

// context makes a crypto context that is closed with the test.
func (e *env) context(t *testing.T) *client.CryptoContext {
	t.Helper()
	cc, err := e.stack.CryptoContext()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}

// deploy fills the slots as an integrator would: keys, certificates and a revocation list.
func (e *env) deploy(t *testing.T) {
	t.Helper()
	km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{}))(t)
	must(km.ImportIn(e.ctx, e.slot(t, "PreDeployedSlot"), client.ImportParams{Format: claviger.Raw, Data: deployedKey}))(t)
	must(km.GenerateIn(e.ctx, e.slot(t, "SigningKey"), client.GenerateParams{}))(t)
	e.pki = newPKI(t)
	cm := must(e.cc.NewCertManager(e.ctx, client.CertManagerConfig{}))(t)
	for name, der := range map[string][]byte{"DeviceCert": e.pki.device, "RootCert": e.pki.root} {
		cert := must(cm.Parse(e.ctx, der, claviger.DER))(t)
		check(t, cm.Save(e.ctx, must(e.cc.CertSlot(e.ctx, name))(t), cert))
		check(t, cert.Close())
	}
	check(t, cm.ImportCRL(e.ctx, e.pki.crl(t), claviger.DER, must(e.cc.CertSlot(e.ctx, "RootCert"))(t)))
}

func (e *env) slot(t *testing.T, name string) *client.KeySlot {
	t.Helper()
	return must(e.cc.KeySlot(e.ctx, name))(t)
}

// status is the daemon's own word on the flows' tenant.
func (e *env) status(t *testing.T) (client.Status, client.TenantStatus) {
	t.Helper()
	s := must(e.stack.Status(e.ctx))(t)
	for _, tenant := range s.Tenants {
		if tenant.Name == e.stack.Tenant() {
			return s, tenant
		}
	}
	t.Fatalf("status does not list tenant %q", e.stack.Tenant())
	return s, client.TenantStatus{}
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("got %v, want %s", err, code.Name())
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// eventually waits for what the daemon does right after it has answered.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(daemontest.Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("never: ", what))
		}
	}
}
