package frozen_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

var record = flag.String("record", "", "make the recording of this name, store-N, token-N or wire-N, which must not be there yet")

func TestMain(m *testing.M) { daemontest.Main(m) }

// recordings lists the directories of one kind, "store", "token" or "wire", the oldest first. There is at least one.
func recordings(t *testing.T, kind string) []string {
	t.Helper()
	list := must(filepath.Glob(filepath.Join("testdata", kind+"-*")))(t)
	if len(list) == 0 {
		t.Fatalf("there is no recording of a %s", kind)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	return list
}

// over runs a test over each recording of one kind.
func over(t *testing.T, kind string, test func(t *testing.T, dir string)) {
	for _, dir := range recordings(t, kind) {
		t.Run(filepath.Base(dir), func(t *testing.T) { test(t, dir) })
	}
}

// prepare puts a recorded store, its key and its configuration where a daemon finds them, and starts none.
func prepare(t *testing.T, dir string) *daemontest.Daemon {
	t.Helper()
	d := place(t)
	d.WriteConfig(t, string(must(os.ReadFile(filepath.Join(dir, "claviger.toml")))(t)))
	give(t, d, "store.db", inflate(t, filepath.Join(dir, "store.db.gz")))
	give(t, d, "store.key", must(os.ReadFile(filepath.Join(dir, "store.key")))(t))
	if token := filepath.Join(dir, "tokens"); holds(token) {
		check(t, os.CopyFS(filepath.Join(d.Dir, "tokens"), os.DirFS(token)))
		give(t, d, "pin", must(os.ReadFile(filepath.Join(dir, "pin")))(t))
		equip(t, d)
	}
	return d
}

// holds reports whether a file or directory is there.
func holds(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// start is prepare and the daemon of today over it.
func start(t *testing.T, dir string) *daemontest.Daemon {
	t.Helper()
	d := prepare(t, dir)
	launch(t, d)
	return d
}

func launch(t *testing.T, d *daemontest.Daemon) {
	t.Helper()
	d.Launch(t)
	t.Cleanup(d.Kill)
}

// place makes a directory for a daemon, which belongs to its user.
func place(t *testing.T) *daemontest.Daemon {
	t.Helper()
	dir := must(os.MkdirTemp("", "clv"))(t)
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &daemontest.Daemon{Dir: dir, Socket: filepath.Join(dir, "s"), Config: filepath.Join(dir, "claviger.toml"), UID: os.Getuid()}
	if d.UID == 0 {
		d.UID = daemontest.DaemonUID
	}
	check(t, os.Chmod(dir, 0o755))
	check(t, os.Chown(dir, d.UID, -1))
	return d
}

// give writes a file of the daemon's own.
func give(t *testing.T, d *daemontest.Daemon, name string, content []byte) {
	t.Helper()
	path := filepath.Join(d.Dir, name)
	check(t, os.WriteFile(path, content, 0o600))
	check(t, os.Chown(path, d.UID, -1))
}

// inflate reads a compressed file.
func inflate(t testing.TB, path string) []byte {
	t.Helper()
	z := must(gzip.NewReader(bytes.NewReader(must(os.ReadFile(path))(t))))(t)
	return must(io.ReadAll(z))(t)
}

// deflate writes a compressed file that is not there yet.
func deflate(t testing.TB, path string, content []byte) {
	t.Helper()
	var b bytes.Buffer
	z := must(gzip.NewWriterLevel(&b, gzip.BestCompression))(t)
	must(z.Write(content))(t)
	check(t, z.Close())
	put(t, path, b.Bytes())
}

// put writes a file that is not there yet.
func put(t testing.TB, path string, content []byte) {
	t.Helper()
	f := must(os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644))(t)
	must(f.Write(content))(t)
	check(t, f.Close())
}

// seen reads what was read from a store when it was recorded.
func seen(t *testing.T, dir string) *results {
	t.Helper()
	r := new(results)
	decoder := json.NewDecoder(bytes.NewReader(must(os.ReadFile(filepath.Join(dir, "results.json")))(t)))
	decoder.DisallowUnknownFields()
	check(t, decoder.Decode(r))
	return r
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
