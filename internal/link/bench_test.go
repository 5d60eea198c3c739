package link_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/link/linkbench"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/wire"
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
		if _, err := os.Stat(socket); err == nil {
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

// TestRatiosToABareEcho measures when CLAVIGER_BENCH is set: "pinned" puts all on one CPU.
func TestRatiosToABareEcho(t *testing.T) {
	how := os.Getenv("CLAVIGER_BENCH")
	if how == "" {
		t.Skip("set CLAVIGER_BENCH=pinned or CLAVIGER_BENCH=free to measure")
	}
	if how == "pinned" {
		ok(t, linkbench.Pin(0))
	}
	echoPath := filepath.Join(shortDir(t), "e")
	process(t, "echo", echoPath, echoPath)
	_, socket := daemon(t)
	l := dial(t, socket, link.Options{})
	h := macContext(t, l)
	ping := func() error { return l.Ping(context.Background()) }
	hmacCall := func() func() error {
		d, out := link.DataCall{Op: wire.OpOneShot, Handle: h, Data: make([]byte, 32)}, make([]byte, 0, 64)
		return func() (err error) {
			out, err = l.Data(context.Background(), &d, out[:0])
			return err
		}
	}
	echo, err := linkbench.DialEcho(echoPath, 32)
	ok(t, err)
	latencies := func(q float64) {
		var bare, pings, macs []float64
		for range 7 {
			b, err := linkbench.Latency(150*time.Millisecond, true, echo.Call)
			ok(t, err)
			p, err := linkbench.Latency(150*time.Millisecond, false, ping)
			ok(t, err)
			m, err := linkbench.Latency(150*time.Millisecond, false, hmacCall())
			ok(t, err)
			base := float64(b.Quantile(q))
			bare, pings, macs = append(bare, base/1000), append(pings, float64(p.Quantile(q))/base), append(macs, float64(m.Quantile(q))/base)
		}
		t.Logf("one caller, q %.2f: bare echo %.1f us, ping %.2f x, HMAC of 32 bytes %.2f x", q, median(bare), median(pings), median(macs))
	}
	latencies(0.5)
	for _, callers := range []int{8, 64} {
		var bare, macs []float64
		for range 5 {
			b, err := linkbench.Rate(200*time.Millisecond, callers, true, func() (func() error, error) {
				e, err := linkbench.DialEcho(echoPath, 32)
				return e.Call, err
			})
			ok(t, err)
			m, err := linkbench.Rate(200*time.Millisecond, callers, false, func() (func() error, error) { return hmacCall(), nil })
			ok(t, err)
			bare, macs = append(bare, b), append(macs, m/b)
		}
		t.Logf("%d callers: bare echo %.0f calls/s, HMAC of 32 bytes %.2f x", callers, median(bare), median(macs))
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
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
