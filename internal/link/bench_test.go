package link_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/link/linkbench"
	"github.com/claviger/claviger/internal/server/servertest"
)

// roleEnv makes this test binary one of the other processes of a test: "daemon DIR", "echo PATH".
const roleEnv = "CLAVIGER_LINK_TEST_ROLE"

func TestMain(m *testing.M) {
	role, where, _ := strings.Cut(os.Getenv(roleEnv), " ")
	switch role {
	case "daemon":
		if _, _, err := servertest.New(where, servertest.Config{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {}
	case "echo":
		fmt.Fprintln(os.Stderr, linkbench.ServeEcho(where, 32))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// process starts this binary in a role and waits for its socket.
func process(t testing.TB, role, where, socket string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role+" "+where)
	cmd.Stderr = os.Stderr
	ok(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 500 {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return cmd
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not begin to listen", role)
	return nil
}

func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "clv")
	ok(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// daemon starts a daemon in a process of its own and gives its socket.
func daemon(t testing.TB) (*exec.Cmd, string) {
	dir := shortDir(t)
	socket := filepath.Join(dir, "s")
	return process(t, "daemon", dir, socket), socket
}

func BenchmarkPing(b *testing.B) {
	_, socket := daemon(b)
	l := dial(b, socket, link.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Ping(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPingParallel(b *testing.B) {
	_, socket := daemon(b)
	l := dial(b, socket, link.Options{})
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Ping(context.Background()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
