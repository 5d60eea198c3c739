// Package attack_test attacks a running daemon from outside: as strangers and as other users, with foreign descriptors
// and credentials, with thousands of broken connections, and as a client that is killed. docs/THREATS.md names the test
// beside each claim.
package attack_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// common is what every configuration here starts with: two software providers, one of them slow, and the test process as
// administrator.
const common = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"
log    = "debug"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[admin]
uids = [{{.Self}}]

[[provider]]
id   = 2
name = "software"
kind = "software"

[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "300ms"
`

// asUser runs fn on a thread whose effective user is uid, so that the kernel reports that user to whom fn connects. The
// process must be root.
func asUser(t testing.TB, uid int, fn func()) {
	t.Helper()
	if uid == os.Getuid() {
		fn()
		return
	}
	daemontest.NeedRoot(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const keep = ^uintptr(0)
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(uid), keep); e != 0 {
			done <- e
			return
		}
		fn()
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, keep, 0, keep); e != 0 {
			panic(fmt.Sprint("thread stays uid ", uid, ": ", e))
		}
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Errorf("no thread of uid %d: %v", uid, err)
	}
}

// connect connects to a socket as a user. While the listener's backlog is full it tries again.
func connect(t testing.TB, path string, uid int) *net.UnixConn {
	t.Helper()
	var conn *net.UnixConn
	var err error
	asUser(t, uid, func() { conn, err = connectHere(path) })
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func connectHere(path string) (*net.UnixConn, error) {
	for {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		if !errors.Is(err, unix.EAGAIN) {
			return conn, err
		}
		time.Sleep(time.Millisecond)
	}
}

// dialAs makes a stack of a user, with the real client.
func dialAs(t testing.TB, d *daemontest.Daemon, uid int) *client.Stack {
	t.Helper()
	owner := uint32(d.UID)
	stack, err := client.New(t.Context(), connect(t, d.Socket, uid), client.Config{DaemonUID: &owner})
	if err != nil {
		t.Fatalf("session of uid %d: %v\n%s", uid, err, d.Log())
	}
	t.Cleanup(func() { stack.Close() })
	return stack
}

// scope makes a crypto context that is closed with the test.
func scope(t testing.TB, s *client.Stack) *client.CryptoContext {
	t.Helper()
	cc, err := s.CryptoContext()
	check(t, err)
	t.Cleanup(func() { cc.Close() })
	return cc
}

// manager makes a key manager of a crypto context.
func manager(t testing.TB, cc *client.CryptoContext) *client.KeyManager {
	t.Helper()
	return must(cc.NewKeyManager(context.Background(), client.KeyManagerConfig{}))(t)
}

// must ends the test on an error and gives the value: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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

// tenant gives an administrator's view of a tenant, zero while it has no session.
func tenant(t testing.TB, admin *client.Stack, name string) client.TenantStatus {
	t.Helper()
	for _, s := range must(admin.Status(context.Background()))(t).Tenants {
		if s.Name == name {
			return s
		}
	}
	return client.TenantStatus{}
}

// descriptors counts what the daemon has open.
func descriptors(t testing.TB, d *daemontest.Daemon) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.PID()))
	check(t, err)
	return len(list)
}

// selfSigned makes a certificate in DER.
func selfSigned(t testing.TB) []byte {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "attack"}, NotAfter: time.Now().Add(time.Hour)}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
}
