package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/keeper"
)

// Environment of the crash test: the directory tells a child that it is one, the rounds are 10 when unset.
const (
	crashDirectory = "CLAVIGER_STORE_CRASH_DIRECTORY"
	crashRounds    = "CLAVIGER_STORE_CRASH_ROUNDS"
)

// crashValue is the value that version n of a writer's record must have: 1 to 4 KiB that only n and the writer decide.
func crashValue(writer int, n uint64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d", writer, n))
	return []byte(strings.Repeat(fmt.Sprintf("%x", sum), 16+int(sum[0])%48))
}

// TestKillLosesNothingAcknowledged lets a process write and compact until it is killed, and looks at what it left:
// every write that it had acknowledged on its standard output is there and whole, no number was given twice, every
// record opens. Each round goes on with the file of the round before.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if dir := os.Getenv(crashDirectory); dir != "" {
		crashChild(t, dir)
		return
	}
	rounds := 10
	if s := os.Getenv(crashRounds); s != "" {
		n, err := strconv.Atoi(s)
		must(t, err)
		rounds = n
	}
	dir := t.TempDir()
	must(t, keeper.CreateFile(filepath.Join(dir, "store.key")))
	acknowledged := [3]uint64{}
	for round := range rounds {
		lines := killedChild(t, dir)
		for _, line := range lines {
			var writer int
			var n uint64
			if _, err := fmt.Sscanf(line, "ack %d %d", &writer, &n); err != nil {
				t.Fatalf("the child says %q", line)
			}
			if n <= acknowledged[writer] {
				t.Errorf("number %d of writer %d was given before", n, writer)
			}
			acknowledged[writer] = n
		}
		crashExamine(t, dir, acknowledged)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d rounds, acknowledged by writer: %v", rounds, acknowledged)
	if acknowledged[0]+acknowledged[1]+acknowledged[2] < uint64(rounds) {
		t.Errorf("only %v writes were acknowledged: this shows nothing", acknowledged)
	}
}

// killedChild starts a child, kills it a random while after its first words and gives its whole lines.
func killedChild(t *testing.T, dir string) (lines []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillLosesNothingAcknowledged$")
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
			go func() {
				time.Sleep(time.Duration(rand.IntN(60_000)) * time.Microsecond)
				_ = cmd.Process.Kill()
			}()
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // killed
	return lines
}

// crashChild writes with three writers, each counting with Next and acknowledging when Update has returned, and
// compacts now and then, until it is killed.
func crashChild(t *testing.T, dir string) {
	db := inFile(t, filepath.Join(dir, "store.db"), keeper.File(filepath.Join(dir, "store.key")))
	fail := func(err error) {
		fmt.Printf("child: %v\n", err)
		os.Exit(1)
	}
	for writer := range 3 {
		go func() {
			for {
				var n uint64
				err := db.Update(context.Background(), func(tx *Tx) (err error) {
					name := fmt.Sprint("writer", writer)
					if n, err = tx.Next(KindSecret, name); err != nil {
						return err
					}
					if n > 40 {
						if err := tx.Delete(Key{KindSecret, name, n - 40}); err != nil {
							return err
						}
					}
					return tx.Put(Key{KindSecret, name, n}, 1, crashValue(writer, n))
				})
				if err != nil {
					fail(err)
				}
				_, _ = os.Stdout.WriteString(fmt.Sprintf("ack %d %d\n", writer, n))
			}
		}()
	}
	for {
		time.Sleep(time.Duration(rand.IntN(8000)) * time.Microsecond)
		if err := db.Compact(context.Background()); err != nil {
			fail(err)
		}
	}
}

// crashExamine opens what a killed child left.
func crashExamine(t *testing.T, dir string, acknowledged [3]uint64) {
	t.Helper()
	db := inFile(t, filepath.Join(dir, "store.db"), keeper.File(filepath.Join(dir, "store.key")))
	defer func() { must(t, db.Close()) }()
	if bad, err := db.Check(t.Context()); err != nil || len(bad) > 0 {
		t.Errorf("damaged: %v, %v", bad, err)
	}
	must(t, db.View(func(tx *Tx) error {
		for writer, last := range acknowledged {
			var newest uint64
			count := 0
			for r, err := range tx.Versions(KindSecret, fmt.Sprint("writer", writer)) {
				must(t, err)
				if string(r.Value) != string(crashValue(writer, r.Key.Version)) {
					t.Errorf("%v is not whole", r.Key)
				}
				newest, count = r.Key.Version, count+1
			}
			// The newest may be one that the child had no time to acknowledge.
			if newest < last || newest > last+1 || count != int(min(newest, 40)) {
				t.Errorf("writer %d: newest %d, %d records; acknowledged %d", writer, newest, count, last)
			}
		}
		return nil
	}))
}
