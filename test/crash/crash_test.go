// Package crash_test kills a daemon under a writing load, again and again over the same store, and holds each restart
// against what was acknowledged before.
package crash_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

// slots is how many slots there are, each with a writer of its own.
const slots = 8

const head = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[admin]
uids = [{{.Self}}]

[[provider]]
id   = 2
name = "software"
kind = "software"
`

// config gives the configuration with its slots for HMAC keys, which are named by their number.
func config() string {
	var b, resources strings.Builder
	b.WriteString(head)
	for i := range slots {
		n := strconv.Itoa(i)
		b.WriteString("\n[[slot]]\nname = \"crash/" + n + "\"\nalgorithm = \"HMAC-SHA-256\"\nproviders = [\"software\"]\noperations = [\"mac\"]\n")
		resources.WriteString(n + " = { slot = \"crash/" + n + "\", write = [\"generate\", \"import\", \"persist\", \"clear\"] }\n")
	}
	return b.String() + "\n[[app]]\nname = \"crash\"\nuid = {{.Self}}\n[app.resources]\n" + resources.String()
}

// rounds is how often a test kills: 10 times, or what CLAVIGER_ROUNDS says.
func rounds(t *testing.T) int {
	text := os.Getenv("CLAVIGER_ROUNDS")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CLAVIGER_ROUNDS is %q, a number is wanted", text)
	}
	return n
}

// TestKillLosesNothingAcknowledged: after SIGKILL at any moment every acknowledged write is there and whole, a write
// that was not acknowledged is absent or whole, and no version number is given twice.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	repeat(t, rounds(t), func(d *daemontest.Daemon, _ context.Context, _ *client.Stack) { d.Kill() })
}

// TestKillDuringCompact: the same, with the store being rewritten all the time.
func TestKillDuringCompact(t *testing.T) {
	compacted := 0
	repeat(t, rounds(t), func(d *daemontest.Daemon, ctx context.Context, admin *client.Stack) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, _, err := admin.Compact(ctx); err != nil {
					if !errors.Is(err, claviger.ErrConnectionFailed) {
						t.Errorf("compact: %v", err)
					}
					return
				}
				compacted++
			}
		}()
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		d.Kill()
		<-done
	})
	if compacted == 0 {
		t.Error("the store was never rewritten to the end")
	}
	t.Logf("%d compactions came to their end", compacted)
}

// TestStopKeepsEverything: the same for the orderly end by SIGTERM under load, which is clean.
func TestStopKeepsEverything(t *testing.T) {
	repeat(t, min(rounds(t), 10), func(d *daemontest.Daemon, _ context.Context, _ *client.Stack) { d.Stop(t) })
}

// repeat lets the writers write, ends the daemon by end after 1 to 50 ms, starts it again and checks, n times.
func repeat(t *testing.T, n int, end func(d *daemontest.Daemon, ctx context.Context, admin *client.Stack)) {
	d := daemontest.Start(t, config())
	writers := make([]*writer, slots)
	for i := range writers {
		writers[i] = &writer{name: strconv.Itoa(i), model: model{versions: map[uint64][]byte{}}}
	}
	for round := range n {
		stack := d.Dial(t)
		var wg sync.WaitGroup
		for _, w := range writers {
			wg.Go(func() { w.write(t, stack) })
		}
		time.Sleep(time.Millisecond + time.Duration(rand.IntN(50_000))*time.Microsecond)
		end(d, t.Context(), stack)
		wg.Wait()
		stack.Close()
		if t.Failed() {
			t.Fatalf("in round %d:\n%s", round, d.Log())
		}
		d.Launch(t)
		fresh := d.Dial(t)
		checkAll(t, fresh, writers)
		fresh.Close()
		if t.Failed() {
			t.Fatalf("after round %d:\n%s", round, d.Log())
		}
	}
	report(t, d, writers)
}

// checkAll holds a new daemon against what the writers know.
func checkAll(t *testing.T, stack *client.Stack, writers []*writer) {
	t.Helper()
	status, err := stack.Status(t.Context())
	if err != nil || len(status.Damaged) != 0 {
		t.Errorf("status: %v; damaged records: %v", err, status.Damaged)
	}
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() { w.check(t, stack) })
	}
	wg.Wait()
}

// report says how much was written, and looks for files that a kill has left behind.
func report(t *testing.T, d *daemontest.Daemon, writers []*writer) {
	acknowledged, open, there := 0, 0, 0
	for _, w := range writers {
		acknowledged, open, there = acknowledged+w.acknowledged, open+w.open, there+w.there
	}
	t.Logf("%d writes acknowledged; %d were under way at the end, %d of them took effect", acknowledged, open, there)
	if acknowledged < slots {
		t.Errorf("only %d writes were acknowledged", acknowledged)
	}
	d.Stop(t)
	list, err := os.ReadDir(d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !slices.Contains([]string{"store.db", "store.db.lock", "store.key", "claviger.toml"}, e.Name()) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
	data, err := os.ReadFile(d.Dir + "/store.key")
	if err != nil || bytes.Count(data, []byte{0}) == len(data) {
		t.Errorf("the key file: %d bytes, %v", len(data), err)
	}
}
