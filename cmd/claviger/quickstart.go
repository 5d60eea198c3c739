package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/client"
)

// quickstartTime bounds the whole of quickstart. It takes about a second.
const quickstartTime = time.Minute

// errFlows says that a flow failed; what and why is on standard output already.
var errFlows = errors.New("a flow did not show what it should")

// quickstartCommand needs no daemon, no configuration and no privilege, and leaves no process; unless it is killed
// by SIGKILL it leaves no file either.
func (a *app) quickstartCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "quickstart",
		Short: "Show in a second what Claviger does: a daemon of its own, nine flows, nothing left behind",
		Long: "Start a daemon in a temporary directory, put keys and certificates into it, run nine flows against it from this\n" +
			"process, print what was observed, and take it all down again.",
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent := os.Getppid()
			// Every signal ends it in order, a second one too: a whole group may get SIGTERM, and then the parent's end brings
			// another. SIGPIPE comes from `quickstart | head`.
			ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, quickstartTime)
			defer cancel()
			return a.quickstart(ctx, parent)
		}),
	}
}

// quickstart makes the directory, the daemon and what is in it, runs the flows and takes all away again.
func (a *app) quickstart(ctx context.Context, parent int) (err error) {
	dir, err := os.MkdirTemp("", "claviger-quickstart-") // mode 0700
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := errors.Join(ctx.Err(), fitsAddress(quickstartSocket(dir), "set TMPDIR to a shorter directory")); err != nil {
		return err
	}
	out := &witness{Writer: a.stdout}
	a.stdout = out
	defer func() { err = errors.Join(err, out.err) }()
	file, err := writeQuickstartConfig(dir)
	if err != nil {
		return err
	}
	begin := time.Now()
	daemon, err := startChild(ctx, parent, "serve", "--config", file)
	if err != nil {
		return err
	}
	defer daemon.stop()
	fmt.Fprintf(a.stdout, "daemon: process %d on unix://%s, ready after %s\nclient: process %d\n\n",
		daemon.cmd.Process.Pid, quickstartSocket(dir), milliseconds(time.Since(begin)), os.Getpid())
	if out.err != nil {
		return nil // out.err is told
	}
	passed, failed, err := a.tour(ctx, quickstartSocket(dir))
	if err != nil {
		return errors.Join(err, daemon.stderr.err())
	}
	a.printNextSteps()
	fmt.Fprintf(a.stdout, "flows: %d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errFlows
	}
	return nil
}

// witness is a writer that remembers the first error.
type witness struct {
	io.Writer
	err error
}

// Write hands p on, and nothing after an error.
func (w *witness) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.Writer.Write(p)
	w.err = err
	return n, err
}

// tour puts everything in place and runs the flows, a line for each.
func (a *app) tour(ctx context.Context, socket string) (passed, failed int, err error) {
	t, err := newTour(ctx, client.Config{Endpoint: "unix://" + socket})
	if err != nil {
		return 0, 0, err
	}
	defer t.Close()
	if err := t.deploy(ctx); err != nil {
		return 0, 0, err
	}
	fmt.Fprintln(a.stdout, "deployed: PreDeployedSlot, SigningKey, DeviceCert, RootCA with its revocation list; MyNewSlot is empty")
	for _, f := range flows() {
		begin := time.Now()
		seen, err := f.run(t, ctx)
		if ctx.Err() != nil {
			return passed, failed, context.Cause(ctx)
		}
		took := milliseconds(time.Since(begin))
		if err != nil {
			failed++
			fmt.Fprintf(a.stdout, "%s  FAILED  %s: %v  [%s]\n", f.id, f.title, err, took)
			continue
		}
		passed++
		fmt.Fprintf(a.stdout, "%s  %s: %s  [%s]\n", f.id, f.title, seen, took)
	}
	return passed, failed, nil
}

// flow is one of the nine. run says what was observed; an error says what was not.
type flow struct {
	id    string
	title string
	run   func(*tour, context.Context) (string, error)
}

// flows lists the flows in their order, which matters: F3 fills a slot and F7 revokes a certificate.
func flows() []flow {
	return []flow{
		{"F1", "pre-deployed key, slot as key", (*tour).slotDirect},
		{"F2", "pre-deployed key, several contexts", (*tour).severalContexts},
		{"F3", "ephemeral key, then persisted", (*tour).ephemeralKey},
		{"F4", "hashing", (*tour).hashing},
		{"F5", "one context again and again", (*tour).reuse},
		{"F6", "post-quantum signature", (*tour).postQuantum},
		{"F7", "certificate", (*tour).certificate},
		{"F8", "permissions", (*tour).permissions},
		{"F9", "deadlines", (*tour).deadlines},
	}
}

// quickstartSocket says where the socket is in the temporary directory.
func quickstartSocket(dir string) string { return filepath.Join(dir, "claviger.sock") }

// writeQuickstartConfig writes the configuration and the key file, and gives the configuration's path.
func writeQuickstartConfig(dir string) (string, error) {
	store := filepath.Join(dir, "store")
	if err := os.Mkdir(store, 0o700); err != nil {
		return "", err
	}
	key := filepath.Join(dir, "store.key")
	if err := createKeyFile(key); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "claviger.toml")
	text := fmt.Sprintf(quickstartConfig, quickstartSocket(dir), filepath.Join(store, "store.db"), key, os.Geteuid())
	return file, os.WriteFile(file, []byte(text), secretMode)
}

// quickstartConfig lacks the paths of socket, store and key file, and the uid.
const quickstartConfig = `[daemon]
socket = %q
store  = %q
log    = "error"

[keeper]
kind = "file"
path = %q

[admin]
uids = [%[4]d]

[[provider]]
id   = 2
name = "software"
kind = "software"
[[provider]]
id   = 5
name = "software-b"
kind = "software"
[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "300ms"

[[slot]]
name       = "vehicle/data"
algorithm  = "AES-256"
providers  = ["software", "software-b"]
operations = ["encrypt", "decrypt", "import"]
[[slot]]
name       = "vehicle/signing"
algorithm  = "ECDSA-P256"
providers  = ["software"]
operations = ["sign", "verify"]
[[slot]]
name       = "vehicle/new"
algorithm  = "AES-256"
providers  = ["software"]
operations = ["encrypt", "decrypt"]

[[cert_slot]]
name = "device"
[[cert_slot]]
name = "root"
[[trust_store]]
name    = "anchors"
members = ["root"]

[[app]]
name = "quickstart"
uid  = %[4]d
[app.resources]
PreDeployedSlot = { slot = "vehicle/data", write = ["import"] }
SigningKey      = { slot = "vehicle/signing", write = ["generate"] }
MyNewSlot       = { slot = "vehicle/new", write = ["persist"] }
DeviceCert      = { cert_slot = "device", write = ["save"] }
RootSlot        = { cert_slot = "root", write = ["save", "crl"] }
RootCA          = { trust_store = "anchors" }
`

// milliseconds gives a duration to the tenth of a millisecond.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// printNextSteps prints what to paste for an instance that stays, and a first program.
func (a *app) printNextSteps() {
	name := "claviger"
	if self, err := os.Executable(); err == nil && strings.Contains(self, "go-build") {
		name = "go run ./cmd/claviger"
	}
	fmt.Fprintf(a.stdout, "\nAn instance that stays:\n\n")
	fmt.Fprintf(a.stdout, "    %s serve --dev ~/.claviger &\n", name)
	fmt.Fprintf(a.stdout, "    export CLAVIGER_SOCKET=~/.claviger/claviger.sock\n")
	fmt.Fprintf(a.stdout, "    %s slot generate demo --algorithm AES-256\n", name)
	fmt.Fprintf(a.stdout, "\nA first program for it:\n\n    %s\n\n", strings.ReplaceAll(firstProgram, "\n", "\n    "))
}

// firstProgram encrypts with the key that the pasted lines make.
const firstProgram = `package main

import (
	"context"
	"fmt"

	"github.com/claviger/claviger/client"
)

func main() {
	ctx := context.Background()
	stack := must(client.Dial(ctx, client.Config{}))
	cc := must(stack.CryptoContext())
	slot := must(cc.KeySlot(ctx, "demo"))
	aead := must(cc.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: slot}))
	fmt.Printf("%x\n", must(aead.Seal(ctx, nil, nil, []byte("hello"), nil)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}`
