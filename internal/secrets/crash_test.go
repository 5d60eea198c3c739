package secrets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/kv/bolt"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/store"
)

// Environment of the crash test: the directory tells a child that it is one; the rounds are 8 when unset.
const (
	crashDirectory = "CLAVIGER_SECRETS_CRASH_DIRECTORY"
	crashRounds    = "CLAVIGER_SECRETS_CRASH_ROUNDS"
)

// history is what a child has acknowledged of one secret.
type history struct {
	latest uint64
	dead   map[uint64]bool // invalidated
	all    bool            // wholly
}

// TestKillLosesNothingAndRevivesNothing lets a process put, replace and invalidate until it is killed, and looks at what
// it left: acknowledged versions read as what they were, invalidated ones do not read, and no number comes again. Each
// round goes on with the file of the round before.
func TestKillLosesNothingAndRevivesNothing(t *testing.T) {
	if dir := os.Getenv(crashDirectory); dir != "" {
		crashChild(t, dir)
		return
	}
	rounds := 8
	if s := os.Getenv(crashRounds); s != "" {
		n, err := strconv.Atoi(s)
		must(t, err)
		rounds = n
	}
	dir := t.TempDir()
	must(t, keeper.CreateFile(filepath.Join(dir, "store.key")))
	known := make(map[string]*history)
	lines := 0
	for round := range rounds {
		open := make(map[string]uint64) // invalidations begun: version or all
		for _, line := range killed(t, dir) {
			lines++
			follow(t, known, open, line)
		}
		examine(t, dir, known, open)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d rounds, %d lines, %d secrets", rounds, lines, len(known))
	if lines < 10*rounds {
		t.Errorf("only %d lines were said: this shows nothing", lines)
	}
}

// follow notes one line of a child. A line "begin" precedes an invalidation, "dead" acknowledges it.
func follow(t *testing.T, known map[string]*history, begun map[string]uint64, line string) {
	t.Helper()
	var word, id string
	var version uint64
	if _, err := fmt.Sscan(line, &word, &id, &version); err != nil {
		t.Fatalf("the child says %q", line)
	}
	h := known[id]
	if h == nil {
		h = &history{dead: make(map[uint64]bool)}
		known[id] = h
	}
	switch word {
	case "live":
		if version != h.latest+1 && version != h.latest+2 { // the one between may have been unacknowledged at a kill
			t.Errorf("%s: version %d after %d", id, version, h.latest)
		}
		h.latest = version
	case "begin":
		begun[id] = version
	case "dead":
		delete(begun, id)
		if version == all {
			h.all = true
		}
		h.dead[version] = true
	default:
		t.Fatalf("the child says %q", line)
	}
}

// killed starts a child, kills it a random while after its first words and gives its whole lines.
func killed(t *testing.T, dir string) (lines []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillLosesNothingAndRevivesNothing$")
	cmd.Env = append(os.Environ(), crashDirectory+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	r := bufio.NewReader(out)
	for first := true; ; first = false {
		line, err := r.ReadString('\n')
		if err != nil {
			break // a line without its end was not said
		}
		lines = append(lines, strings.TrimSpace(line))
		if first {
			time.AfterFunc(time.Duration(20_000+rand.IntN(80_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // killed
	return lines
}

// onDisk opens the secrets of a directory.
func onDisk(t *testing.T, dir string) (*Manager, *store.DB, policy.Grant) {
	t.Helper()
	file, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{})
	must(t, err)
	db, err := store.Open(context.Background(), file, keeper.File(filepath.Join(dir, "store.key")), store.Options{})
	must(t, err)
	m, err := Open(context.Background(), Config{Store: db})
	must(t, err)
	p := policy.New(policy.Rules{Open: &policy.OpenRule{UID: 1}})
	c, err := p.Identify(1)
	must(t, err)
	_, err = m.Load(context.Background(), p.Tenants())
	must(t, err)
	return m, db, p.Secrets(c)
}

// text is what a version of a secret holds.
func text(id string, version uint64) string { return fmt.Sprintf("%s in version %d", id, version) }

// crashChild works on secrets of its own with three goroutines until it is killed.
func crashChild(t *testing.T, dir string) {
	m, _, g := onDisk(t, dir)
	ctx := context.Background()
	say := func(word, id string, version uint64) {
		_, _ = os.Stdout.WriteString(fmt.Sprintf("%s %s %d\n", word, id, version))
	}
	try := func(err error) {
		if err != nil {
			fmt.Printf("child: %v\n", err)
			os.Exit(1)
		}
	}
	for range 3 {
		go func() {
			for {
				id, err := m.Put(ctx, g, []byte("first"), math.MaxUint64)
				try(err)
				say("live", id, 1)
				for range 1 + rand.IntN(5) {
					v, err := m.Replace(ctx, g, []byte(id), []byte(text(id, 0)), math.MaxUint64)
					try(err)
					say("live", id, v)
				}
				for _, v := range [][]uint64{{2}, {2, all}, {}}[rand.IntN(3)] {
					say("begin", id, v)
					try(m.Invalidate(ctx, g, []byte(id), v))
					say("dead", id, v)
				}
			}
		}()
	}
	select {}
}

// examine opens what a killed child left.
func examine(t *testing.T, dir string, known map[string]*history, begun map[string]uint64) {
	t.Helper()
	m, db, g := onDisk(t, dir)
	defer func() { must(t, db.Close()) }()
	if bad, err := db.Check(t.Context()); err != nil || len(bad) > 0 {
		t.Errorf("damaged: %v, %v", bad, err)
	}
	for id, h := range known {
		for v := uint64(1); v <= h.latest; v++ {
			s, err := m.Get(t.Context(), g, []byte(id), v)
			doubt, open := begun[id]
			switch {
			case h.all || h.dead[v]:
				if !errors.Is(err, claviger.ErrSecretNotFound) {
					t.Errorf("%s version %d lives again: %v", id, v, err)
				}
			case open && (doubt == v || doubt == all):
				h.dead[v] = err != nil // whichever it was stays
			case err != nil || string(s.Value) != "first" && string(s.Value) != text(id, 0):
				t.Errorf("%s version %d is lost: %v", id, v, err)
			}
		}
		if !h.all && len(h.dead) == 0 && h.latest > 0 {
			v, err := m.Replace(t.Context(), g, []byte(id), []byte(text(id, 0)), math.MaxUint64)
			if err != nil || v != h.latest+1 && v != h.latest+2 {
				t.Errorf("%s: version %d after %d, %v", id, v, h.latest, err)
			}
			h.latest = max(v, h.latest)
		}
	}
}
