//go:build !nopkcs11

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/link/linkbench"
)

// benchPIN opens the tokens that bench makes and deletes again.
const benchPIN = "1234567890"

// tokenBench is a SoftHSM token in a directory of its own, which the daemon's worker and the peers use at once.
type tokenBench struct {
	*bench
	dir, module string
}

// token measures a key in a token: through the daemon and its worker, by the same module in this process, and through
// p11-kit's server in front of the same module.
func (a *app) token(ctx context.Context, f benchFlags) (err error) {
	module := firstFile("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
	if module == "" {
		fmt.Fprintln(a.stderr, "token: SoftHSM is not installed (package softhsm2); nothing measured")
		return nil
	}
	parent := os.Getppid()
	dir, err := os.MkdirTemp("", "claviger-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &tokenBench{dir: dir, module: module}
	if err := t.makeToken(ctx); err != nil {
		return err
	}
	daemon, err := startChild(ctx, parent, "serve", "--config", filepath.Join(dir, "claviger.toml"))
	if err != nil {
		return err
	}
	defer daemon.stop()
	l, err := dial(ctx, client.Config{Endpoint: filepath.Join(dir, "run/claviger.sock")})
	if err != nil {
		return err
	}
	defer l.Close()
	t.bench = &bench{ctx: ctx, flags: f, link: l, out: json.NewEncoder(a.stdout), daemon: daemon.cmd.Process.Pid}
	return t.measure()
}

// firstFile gives the first path at which there is a file.
func firstFile(paths ...string) string {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}

// makeToken makes the token, and the daemon's configuration for it.
func (t *tokenBench) makeToken(ctx context.Context) error {
	tokens, conf, pin := filepath.Join(t.dir, "tokens"), filepath.Join(t.dir, "softhsm2.conf"), filepath.Join(t.dir, "pin")
	config := fmt.Sprintf(`[daemon]
socket = %[1]q
store  = %[2]q
log    = "error"
[keeper]
kind = "file"
path = %[3]q
[[provider]]
id       = 1
name     = "token"
kind     = "pkcs11"
module   = %[4]q
token    = "bench"
pin_file = %[5]q
write    = [%[6]q]
read     = [%[7]q]
env      = { SOFTHSM2_CONF = %[7]q }
[[slot]]
name       = "sign"
algorithm  = "ECDSA-P256"
providers  = ["token"]
operations = ["sign", "verify"]
[[app]]
name = "bench"
uid  = %[8]d
[app.resources]
sign = { slot = "sign", write = ["generate"] }
`, filepath.Join(t.dir, "run/claviger.sock"), filepath.Join(t.dir, "store.db"), filepath.Join(t.dir, "key/store.key"), t.module, pin, tokens, conf, os.Getuid())
	files := map[string]string{conf: "directories.tokendir = " + tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n",
		pin: benchPIN + "\n", filepath.Join(t.dir, "claviger.toml"): config}
	for _, dir := range []string{tokens, filepath.Join(t.dir, "run"), filepath.Join(t.dir, "key")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "softhsm2-util", "--init-token", "--free", "--label", "bench", "--so-pin", benchPIN, "--pin", benchPIN).CombinedOutput()
	if err != nil {
		return fmt.Errorf("softhsm2-util: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// measure compares signatures with one key of the token, by one caller and by 64.
func (t *tokenBench) measure() error {
	slot, err := t.link.KeySlot(t.ctx, "sign")
	if err != nil {
		return err
	}
	manager, err := t.link.NewKeyManager(t.ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	if _, err := manager.GenerateIn(t.ctx, slot, client.GenerateParams{}); err != nil {
		return err
	}
	signer, err := t.link.NewSigner(t.ctx, client.SignerConfig{Key: slot, Algorithm: "ECDSA-P256-SHA-256"})
	if err != nil {
		return err
	}
	message := make([]byte, 32)
	ours := func() error { _, err := signer.Sign(t.ctx, nil, message); return err }
	local, err := openPeer(t.module, "bench")
	if err != nil {
		return err
	}
	defer local.close()
	one, err := local.caller()
	if err != nil {
		return err
	}
	if err := t.latency("ECDSA P-256 sign in a token", "the same module in process", "", ours, one); err != nil {
		return err
	}
	through := rate(64, false, each(ours))
	many, err := local.rate(64)
	if err != nil {
		return err
	}
	if err := t.compare("ECDSA P-256 sign in a token, 64 callers", "the same module in process, 64 callers", ">= 0.6", perSecond, through, many); err != nil {
		return err
	}
	return t.proxied(through)
}

// proxied compares with p11-kit's server, at its best: 2 client processes, as one process shares one connection.
func (t *tokenBench) proxied(through side) error {
	clientModule := firstFile("/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so", "/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so", "/usr/lib64/pkcs11/p11-kit-client.so")
	if _, err := exec.LookPath("p11-kit"); err != nil || clientModule == "" {
		fmt.Fprintln(os.Stderr, "token: p11-kit's server is not installed (packages p11-kit, p11-kit-modules); not compared")
		return nil
	}
	socket := filepath.Join(t.dir, "p11-kit.sock")
	server := exec.CommandContext(t.ctx, "p11-kit", "server", "--foreground", "--name", socket, "--provider", t.module, "pkcs11:token=bench")
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	for range 1000 {
		if firstFile(socket) != "" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for _, processes := range []int{1, 2, 8} {
		peers, err := t.startPeers(processes, clientModule, "unix:path="+socket)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("p11-kit server, %d processes with %d callers", processes, 64/processes)
		err = t.compare("ECDSA P-256 sign in a token, 64 callers", name, "> 1", perSecond, through, peers.rate)
		peers.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// peer is a module in this process with the key of the slot.
type peer struct {
	module *cryptoki.Module
	slot   cryptoki.SlotID
	first  *cryptoki.Session // logged in for all
}

// openPeer loads a module and logs in to the token with the label.
func openPeer(path, label string) (*peer, error) {
	m, err := cryptoki.Open(path)
	if err != nil {
		return nil, err
	}
	slots, err := m.Slots(true)
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		info, err := m.TokenInfo(slot)
		if err != nil || info.Label != label {
			continue
		}
		first, err := m.OpenSession(slot, false)
		if err != nil {
			return nil, err
		}
		return &peer{m, slot, first}, first.Login([]byte(benchPIN))
	}
	return nil, fmt.Errorf("no token is labelled %q", label)
}

func (p *peer) close() { _ = p.module.Close() }

// caller gives a call that signs in a session of its own.
func (p *peer) caller() (func() error, error) {
	s, err := p.module.OpenSession(p.slot, false)
	if err != nil {
		return nil, err
	}
	found, err := s.FindObjects([]cryptoki.Attribute{cryptoki.Ulong(cryptoki.AttrClass, uint(cryptoki.ClassPrivateKey)), cryptoki.String(cryptoki.AttrLabel, "sign")}, 2)
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%d keys in the token: %w", len(found), err)
	}
	message, signature := make([]byte, 32), make([]byte, 0, 64)
	return func() error {
		digest := sha256.Sum256(message)
		_, err := s.Sign(signature, cryptoki.Plain(cryptoki.MechECDSA), found[0], digest[:], 64)
		return err
	}, nil
}

// rate is signatures per second of callers, each in a session of its own.
func (p *peer) rate(callers int) (side, error) {
	calls := make([]func() error, callers)
	for i := range calls {
		var err error
		if calls[i], err = p.caller(); err != nil {
			return nil, err
		}
	}
	return func(span time.Duration) (float64, error) {
		var next atomic.Int64
		return linkbench.Rate(span, callers, false, func() (func() error, error) { return calls[next.Add(1)-1], nil })
	}, nil
}

// peers are processes that sign when they are told to.
type peers struct {
	cmds []*exec.Cmd
	in   []io.WriteCloser
	out  []*bufio.Reader
}

// startPeers starts processes with as many callers together as there are of ours.
func (t *tokenBench) startPeers(n int, module, address string) (*peers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &peers{}
	for range n {
		cmd := exec.CommandContext(t.ctx, self, "bench-token", module, fmt.Sprint(64/n))
		cmd.Env = append(os.Environ(), "P11_KIT_SERVER_ADDRESS="+address)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		p.cmds, p.in, p.out = append(p.cmds, cmd), append(p.in, in), append(p.out, bufio.NewReader(out))
		if _, err := p.out[len(p.out)-1].ReadString('\n'); err != nil {
			p.stop()
			return nil, fmt.Errorf("the peer did not start: %w", err)
		}
	}
	return p, nil
}

// rate has all processes sign for a while and adds up what they did.
func (p *peers) rate(span time.Duration) (float64, error) {
	for _, in := range p.in {
		if _, err := fmt.Fprintln(in, span); err != nil {
			return 0, err
		}
	}
	sum := 0.0
	for _, out := range p.out {
		var n float64
		if _, err := fmt.Fscanln(out, &n); err != nil {
			return 0, fmt.Errorf("the peer: %w", err)
		}
		sum += n
	}
	return sum, nil
}

func (p *peers) stop() {
	for i, cmd := range p.cmds {
		p.in[i].Close()
		_ = cmd.Wait()
	}
}

// benchTokenCommand is a peer's process: for each line, a span of time, it signs with all callers and prints the rate.
func (a *app) benchTokenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bench-token MODULE CALLERS", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: a.run(func(_ context.Context, args []string) error {
			var callers int
			if _, err := fmt.Sscan(args[1], &callers); err != nil {
				return usagef("CALLERS must be a number")
			}
			p, err := openPeer(args[0], "bench")
			if err != nil {
				return err
			}
			defer p.close()
			signatures, err := p.rate(callers)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout) // ready
			lines := bufio.NewScanner(a.stdin)
			for lines.Scan() {
				span, err := time.ParseDuration(strings.TrimSpace(lines.Text()))
				if err != nil {
					return err
				}
				n, err := signatures(span)
				if err != nil {
					return err
				}
				fmt.Fprintln(a.stdout, n)
			}
			return lines.Err()
		}),
	}
}
