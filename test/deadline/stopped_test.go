package deadline_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

const short = 200 * time.Millisecond

// call is one kind of client call, on things that were made while the daemon ran.
type call struct {
	name string
	run  func(ctx context.Context) error
}

// TestStoppedDaemon: while the daemon is stopped, dialling and each kind of call end at their deadlines, whether that is
// the stack's, the operation context's or the context.Context's; when it goes on, so does the same stack.
func TestStoppedDaemon(t *testing.T) {
	d := daemontest.Start(t, config)
	long := d.Dial(t)
	bounded := d.DialWith(t, client.Config{Timeout: short})
	byContext, byTimeout := calls(t, long), calls(t, bounded)
	daemontest.Freeze(t, d.PID())
	t.Run("context", func(t *testing.T) {
		each(t, byContext, func(t *testing.T, c call) {
			ctx, cancel := context.WithTimeout(t.Context(), short)
			defer cancel()
			onTime(t, c.name, short, func() error { return c.run(ctx) })
		})
	})
	t.Run("timeout", func(t *testing.T) {
		each(t, byTimeout, func(t *testing.T, c call) {
			onTime(t, c.name, short, func() error { return c.run(t.Context()) })
		})
	})
	owner := uint32(d.UID)
	for range 3 {
		onTime(t, "dial", short, func() error {
			_, err := client.Dial(t.Context(), client.Config{Endpoint: d.Socket, DaemonUID: &owner, Timeout: short})
			return err
		})
		ctx, cancel := context.WithTimeout(t.Context(), short)
		onTime(t, "dial with a context", short, func() error {
			_, err := client.Dial(ctx, client.Config{Endpoint: d.Socket, DaemonUID: &owner})
			return err
		})
		cancel()
	}
	d.Signal(t, syscall.SIGCONT)
	for _, stack := range []*client.Stack{long, bounded} {
		within(t, daemontest.Patience, "the stack works again", func() bool { return stack.Ping(t.Context()) == nil })
		for _, c := range calls(t, stack) {
			if err := c.run(t.Context()); err != nil {
				t.Errorf("%s after SIGCONT: %v", c.name, err)
			}
		}
	}
	stack := d.Dial(t) // the connections that were given up do not stand in the way
	if err := stack.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// each runs all calls at once, so that they share connections.
func each(t *testing.T, list []call, run func(*testing.T, call)) {
	var wg sync.WaitGroup
	for _, c := range list {
		wg.Go(func() { run(t, c) })
	}
	wg.Wait()
}

// calls makes one of each kind of call.
func calls(t *testing.T, stack *client.Stack) []call {
	t.Helper()
	cc := scope(t, stack)
	ctx := t.Context()
	km := keysOf(t, cc, 2)
	code := must(km.Generate(ctx, client.GenerateParams{Algorithm: "HMAC-SHA-256"}))(t)
	pair := must(km.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256"}))(t)
	key := must(km.Generate(ctx, client.GenerateParams{Algorithm: "AES-256"}))(t)
	hash := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	parts := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	bulk := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	mac := must(cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: code}))(t)
	sign := must(cc.NewSigner(ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: pair}))(t)
	seal := must(cc.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key}))(t)
	random := must(cc.NewRandom(ctx, client.RandomConfig{}))(t)
	must(bulk.Sum(ctx, nil, make([]byte, 1<<20)))(t) // the region is there already
	slot := must(cc.KeySlot(ctx, "Key"))(t)
	return []call{
		{"ping", stack.Ping},
		{"hash", func(ctx context.Context) error { _, err := hash.Sum(ctx, nil, []byte("text")); return err }},
		{"hash in parts", parts.Init},
		{"hash of 16 MiB", func(ctx context.Context) error { _, err := bulk.Sum(ctx, nil, make([]byte, 16<<20)); return err }},
		{"MAC", func(ctx context.Context) error { _, err := mac.Sum(ctx, nil, []byte("text")); return err }},
		{"signature", func(ctx context.Context) error { _, err := sign.Sign(ctx, nil, []byte("text")); return err }},
		{"sealing", func(ctx context.Context) error {
			_, err := seal.Seal(ctx, nil, make([]byte, 12), make([]byte, 60<<10), nil)
			return err
		}},
		{"random", func(ctx context.Context) error { _, err := random.Generate(ctx, nil, 16); return err }},
		{"generate", func(ctx context.Context) error {
			_, err := km.Generate(ctx, client.GenerateParams{Algorithm: "AES-256"})
			return err
		}},
		{"resolve", func(ctx context.Context) error { _, err := cc.KeySlot(ctx, "Key"); return err }},
		{"slot information", func(ctx context.Context) error { _, err := slot.Info(ctx); return err }},
		{"new context", func(ctx context.Context) error {
			_, err := cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-512"})
			return err
		}},
		{"status", func(ctx context.Context) error { _, err := stack.Status(ctx); return err }},
	}
}

// TestCloseWhileStopped: while the daemon is stopped, Close ends at the timeout of what is closed: an operation context's own,
// with all that its adapters made and even while they are making more, else the stack's.
func TestCloseWhileStopped(t *testing.T) {
	d := daemontest.Start(t, config)
	long := d.DialWith(t, client.Config{Timeout: client.NoTimeout})
	own := closers(t, scope(t, long), short)
	stacks := d.DialWith(t, client.Config{Timeout: short})
	cc := must(stacks.CryptoContext())(t)
	key := must(keysOf(t, cc, 2).Generate(t.Context(), client.GenerateParams{Algorithm: "AES-256"}))(t)
	inherited := append(closers(t, cc, 0), call{"key", closing(key.Close)}, call{"crypto context", closing(cc.Close)})
	busy := sealer(t, scope(t, long), short)
	daemontest.Freeze(t, d.PID())
	for _, c := range append(own, inherited...) {
		onTime(t, c.name, short, func() error { return c.run(t.Context()) })
	}
	made, sent := make(chan error, 1), long.Frames()
	go func() { _, err := busy.Std(context.Background()); made <- err }()
	within(t, daemontest.Patience, "an adapter is being made", func() bool { return long.Frames() > sent })
	onTime(t, "AEAD whose adapter is being made", short, busy.Close)
	wantCode(t, "the adapter that was being made", <-made, claviger.ErrOperationTimedOut)
	d.Signal(t, syscall.SIGCONT)
	within(t, daemontest.Patience, "all is released", func() bool { return self(t, long).Contexts == 0 })
}

// closers makes contexts whose calls have a timeout, one with adapters.
func closers(t *testing.T, cc *client.CryptoContext, timeout time.Duration) []call {
	t.Helper()
	hash := must(cc.NewHash(t.Context(), client.HashConfig{Algorithm: "SHA-256", Timeout: timeout}))(t)
	seal := sealer(t, cc, timeout)
	must(seal.Std(t.Context()))(t)
	return []call{{"hash", closing(hash.Close)}, {"AEAD with adapters", closing(seal.Close)}}
}

// sealer makes an AEAD context on a new key.
func sealer(t *testing.T, cc *client.CryptoContext, timeout time.Duration) *client.AEAD {
	t.Helper()
	key := must(keysOf(t, cc, 2).Generate(t.Context(), client.GenerateParams{Algorithm: "AES-256"}))(t)
	return must(cc.NewAEAD(t.Context(), client.AEADConfig{Algorithm: "AES-256-GCM", Key: key, Timeout: timeout}))(t)
}

// closing makes a call of a Close, which takes no context.
func closing(f func() error) func(context.Context) error {
	return func(context.Context) error { return f() }
}

// TestFullBacklog: a listener that accepts nobody and whose backlog is full keeps nobody longer than asked for.
func TestFullBacklog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd := must(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))(t)
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	full := false
	for range 64 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			full = true
			break
		}
		defer conn.Close()
	}
	if !full {
		t.Fatal("the backlog takes 64 connections")
	}
	onTime(t, "dial by its timeout", short, func() error {
		_, err := client.Dial(t.Context(), client.Config{Endpoint: path, Timeout: short})
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	onTime(t, "dial by its context", short, func() error {
		_, err := client.Dial(ctx, client.Config{Endpoint: path, Timeout: client.NoTimeout})
		return err
	})
	gone := filepath.Join(t.TempDir(), "gone")
	start, stalls := time.Now(), daemontest.Stalls()
	_, err := client.Dial(t.Context(), client.Config{Endpoint: gone, Timeout: short})
	wantCode(t, "dial where nothing is", err, claviger.ErrConnectionFailed)
	if took := time.Since(start); took > grace+stalls() {
		t.Errorf("dial where nothing is took %s", took)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("dialling made a file")
	}
}
