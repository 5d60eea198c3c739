package tokens

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
)

// within writes the configuration of a rig for an instance in this process.
func (r *Rig) within(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	fields := map[string]any{"Dir": dir, "Socket": filepath.Join(dir, "s"), "Self": os.Getuid()}
	ok(t, template.Must(template.New("config").Parse(r.Text)).Execute(&text, fields))
	return text.Bytes()
}

// TestAnEmbeddedInstanceHasATokenInAWorker holds that a program that runs all of Claviger itself loads no module: its worker is the
// program that it names, or the one in $PATH, and its end is the worker's.
func TestAnEmbeddedInstanceHasATokenInAWorker(t *testing.T) {
	program := daemontest.Binary(t)
	o := Options{}
	if os.Getuid() == 0 {
		o.Root, o.User = true, daemontest.UserB
	}
	r := Prepare(t, o)
	for name, command := range map[string][]string{"named": {program, "worker"}, "in $PATH": nil} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", filepath.Dir(program))
			s := must(embedded.Open(t.Context(), embedded.Options{Config: r.within(t), Worker: command}))(t)
			defer s.Close()
			u := &user{t.Context(), s.Stack, must(s.CryptoContext())(t)}
			u.generate(t, "token/signing")
			u.signs(t, u.slot(t, "token/signing"))
			pids := workers(os.Getpid())
			if len(pids) != 1 || mapped(t, os.Getpid(), r.Token.Module) {
				t.Errorf("the workers are %v, want one; the module is in this process: %v", pids, mapped(t, os.Getpid(), r.Token.Module))
			}
			ok(t, s.Close())
			for _, pid := range pids {
				eventually(t, "the worker has ended", func() bool { return !runs(pid) })
			}
		})
	}
}

// TestAnEmbeddedInstanceSaysWhatItsWorkerLacks holds that a worker's program that is missing, or is not claviger, is named, and that
// software serves all the same.
func TestAnEmbeddedInstanceSaysWhatItsWorkerLacks(t *testing.T) {
	o := Options{Root: os.Getuid() == 0}
	config := Prepare(t, o).within(t)
	for name, test := range map[string]struct {
		path   string
		worker []string
		word   string
	}{
		"not in $PATH": {"/nonexistent", nil, "the program claviger, which works with tokens, is not to be found"},
		"missing":      {os.Getenv("PATH"), []string{"/nonexistent/claviger", "worker"}, "/nonexistent/claviger"},
		"another":      {os.Getenv("PATH"), []string{"/bin/true"}, "ended before it was confined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			s := must(embedded.Open(t.Context(), embedded.Options{Config: config, Worker: test.worker}))(t)
			defer s.Close()
			u := &user{t.Context(), s.Stack, must(s.CryptoContext())(t)}
			_, err := u.keys(t, client.ProviderSelector{}).GenerateIn(u.ctx, u.slot(t, "token/signing"), client.GenerateParams{})
			wantCode(t, err, claviger.ErrProviderNotAvailable, test.word)
			key := must(u.keys(t, client.ProviderSelector{ID: SoftwareID}).Generate(u.ctx, generateP256()))(t)
			u.signs(t, key)
		})
	}
}
