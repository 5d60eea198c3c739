package attack_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// helperVariable makes this test binary a client that holds one of everything and waits to be killed: it names the
// daemon's socket.
const helperVariable = "CLAVIGER_ATTACK_HELPER"

func TestMain(m *testing.M) {
	if path := os.Getenv(helperVariable); path != "" {
		if err := holdEverything(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	daemontest.Main(m)
}

// becomeUserA gives the whole process user A, but its binary stays in a directory of root's.
func becomeUserA() error {
	if os.Getuid() != 0 {
		return errors.New("not root")
	}
	return errors.Join(unix.Setgroups(nil), unix.Setresgid(daemontest.UserA, daemontest.UserA, daemontest.UserA),
		unix.Setresuid(daemontest.UserA, daemontest.UserA, daemontest.UserA))
}

// holdEverything opens a session, takes one of everything, writes "ready" and goes on with slow calls for ever.
func holdEverything(path string) error {
	if err := becomeUserA(); err != nil {
		return err
	}
	ctx := context.Background()
	owner := uint32(daemontest.DaemonUID)
	stack, err := client.Dial(ctx, client.Config{Endpoint: path, DaemonUID: &owner})
	if err != nil {
		return err
	}
	cc, err := stack.CryptoContext()
	if err != nil {
		return err
	}
	slow, err := takeEverything(ctx, cc)
	if err != nil {
		return err
	}
	for range 4 {
		go func() {
			for {
				if _, err := slow.Sum(ctx, nil, []byte("text")); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
		}()
	}
	time.Sleep(50 * time.Millisecond)
	fmt.Println("ready")
	time.Sleep(time.Hour)
	runtime.KeepAlive(cc)
	return nil
}

// takeEverything makes keys, contexts with messages under way, held bytes and a region. It gives a slow MAC.
func takeEverything(ctx context.Context, cc *client.CryptoContext) (*client.MAC, error) {
	km, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return nil, err
	}
	slot, err := cc.KeySlot(ctx, "Open")
	if err != nil {
		return nil, err
	}
	var errs [8]error
	_, errs[0] = km.GenerateIn(ctx, slot, client.GenerateParams{})
	_, errs[1] = km.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256"})
	seal, err := cc.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: slot})
	if err := errors.Join(append(errs[:], err)...); err != nil {
		return nil, err
	}
	errs[2] = seal.Init(ctx, nil, nil)
	_, errs[3] = seal.Update(ctx, nil, make([]byte, 3<<20)) // held until Finalize
	hash, err := cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"})
	if err := errors.Join(append(errs[:], err)...); err != nil {
		return nil, err
	}
	_, errs[4] = hash.Sum(ctx, nil, make([]byte, 8<<20)) // by region, which is kept for the next
	errs[5] = hash.Init(ctx)
	slowKeys, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{Provider: client.ProviderSelector{ID: 9}})
	if err != nil {
		return nil, err
	}
	key, err := slowKeys.Generate(ctx, client.GenerateParams{Algorithm: "HMAC-SHA-256"})
	if err := errors.Join(append(errs[:], err)...); err != nil {
		return nil, err
	}
	return cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key})
}

// userSlots is a configuration with users A and B as applications; the slot is A's.
const userSlots = common + `
[[slot]]
name       = "a/open"
algorithm  = "AES-256"
providers  = ["software"]
operations = ["encrypt", "decrypt"]

[[app]]
name = "a"
uid  = {{.UserA}}
[app.resources]
Open = { slot = "a/open", write = ["generate", "clear"] }

[[app]]
name = "b"
uid  = {{.UserB}}
`

// TestKilledClientHoldsNothing: a second after a client was killed in the midst of its work the daemon holds nothing of
// it: no session, handle, key, context, byte, region, call or descriptor.
func TestKilledClientHoldsNothing(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, userSlots)
	admin := d.Dial(t)
	before := descriptors(t, d)
	cmd := exec.Command(must(os.Executable())(t))
	cmd.Env = append(os.Environ(), helperVariable+"="+d.Socket)
	cmd.Stderr = os.Stderr
	out := must(cmd.StdoutPipe())(t)
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the client says %s (%v)", strconv.Quote(line), err)
	}
	held := tenant(t, admin, "a")
	loaded := must(admin.Status(t.Context()))(t).LoadedSlots
	if held.Sessions != 1 || held.Connections == 0 || held.Handles < 6 || held.Keys == 0 || held.Contexts < 3 || held.InFlight == 0 ||
		held.HeldBytes < 3<<20 || held.RegionBytes == 0 || loaded != 1 {
		t.Fatalf("the client does not hold one of everything: %+v, %d loaded slots", held, loaded)
	}
	check(t, cmd.Process.Kill())
	killed := time.Now()
	within(t, time.Second, "nothing is held of a killed client", func() bool {
		s := tenant(t, admin, "a")
		return s.Sessions+s.Connections+s.Handles+s.Keys+s.Contexts+s.InFlight == 0 && s.HeldBytes+s.RegionBytes == 0 &&
			must(admin.Status(context.Background()))(t).LoadedSlots == 0
	})
	t.Logf("released after %s", time.Since(killed).Round(time.Millisecond))
	within(t, time.Second, "no descriptor is left of it", func() bool { return descriptors(t, d) <= before })
	next := dialAs(t, d, daemontest.UserA)
	must(scope(t, next).KeySlot(t.Context(), "Open"))(t)
}
