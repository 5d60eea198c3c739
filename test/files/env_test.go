// Package files_test runs the commands that work on files, the real binary against a real daemon: memory stays small
// whatever the file's size, openssl agrees on every format it knows, and an altered file is refused.
//
// CLAVIGER_FILE_MIB is the size of the large file in MiB, 96 if unset: an implementation that held the file would pass the
// limit by far.
package files_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

const head = `
[daemon]
socket  = "{{.Socket}}"
store   = "{{.Dir}}/store.db"
log     = "warn"
timeout = "1m"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[[provider]]
id   = 2
name = "software"
kind = "software"

[[app]]
name = "files"
uid  = {{.Self}}
`

// slots maps each name that the tests use to the algorithm of its slot.
func slots() map[string]string {
	return map[string]string{
		"data": "AES-256", "other": "AES-256", "wrap": "RSA-2048", "code": "HMAC-SHA-256", "code512": "HMAC-SHA-512",
		"p256": "ECDSA-P256", "p384": "ECDSA-P384", "p521": "ECDSA-P521",
		"rsa2048": "RSA-2048", "rsa3072": "RSA-3072", "rsa4096": "RSA-4096", "ed": "Ed25519", "lattice": "ML-DSA-65",
	}
}

// config gives the configuration for slots.
func config() string {
	var text strings.Builder
	text.WriteString(head)
	for name := range slots() {
		fmt.Fprintf(&text, "[app.resources.%s]\nslot = %q\nwrite = [\"generate\", \"import\", \"clear\"]\n", name, "s/"+name)
	}
	for name, algorithm := range slots() {
		fmt.Fprintf(&text, "[[slot]]\nname = %q\nalgorithm = %q\nproviders = [\"software\"]\noperations = [\"all\"]\n", "s/"+name, algorithm)
	}
	return text.String()
}

// bench is a daemon and a directory for files.
type bench struct {
	*daemontest.Daemon
	t   *testing.T
	dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{daemontest.Start(t, config()), t, t.TempDir()}
}

// with gives the same bench to a subtest.
func (b *bench) with(t *testing.T) *bench { return &bench{b.Daemon, t, b.dir} }

// path names a file of the directory.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// words splits a line at spaces. "@name" is a file of the directory.
func (b *bench) words(line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		if name, ok := strings.CutPrefix(w, "@"); ok {
			words[i] = b.path(name)
		}
	}
	return words
}

// ok runs a command that must succeed, without standard input.
func (b *bench) ok(line string) daemontest.Result {
	b.t.Helper()
	r := b.Run(b.t, nil, b.words(line)...)
	if r.Code != 0 {
		b.t.Fatalf("claviger %s: status %d\n%s%s", line, r.Code, r.Stderr, b.Log())
	}
	return r
}

// fails runs a command that must end with a status and an error that names a code.
func (b *bench) fails(line string, status int, code string) daemontest.Result {
	b.t.Helper()
	r := b.Run(b.t, nil, b.words(line)...)
	if r.Code != status || !strings.HasPrefix(r.Stderr, "claviger: ") || !strings.Contains(r.Stderr, "("+code+")") {
		b.t.Errorf("claviger %s: status %d, want %d with (%s): %s", line, r.Code, status, code, r.Stderr)
	}
	return r
}

func (b *bench) write(name string, data []byte) {
	b.t.Helper()
	check(b.t, os.WriteFile(b.path(name), data, 0o600))
}

func (b *bench) read(name string) []byte {
	b.t.Helper()
	return must(os.ReadFile(b.path(name)))(b.t)
}

// openssl runs the openssl command in the directory and gives its standard output; without it the test is skipped.
func (b *bench) openssl(line string) string {
	b.t.Helper()
	cmd := exec.Command(daemontest.NeedTool(b.t, "openssl"), strings.Fields(line)...)
	cmd.Dir = b.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("openssl %s: %v\n%s%s", line, err, out, stderr.String())
	}
	return string(out)
}

// same fails the test if two files differ. It holds little of them.
func (b *bench) same(one, two string) {
	b.t.Helper()
	f, g := must(os.Open(b.path(one)))(b.t), must(os.Open(b.path(two)))(b.t)
	defer f.Close()
	defer g.Close()
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(f, x)
		m, _ := io.ReadFull(g, y)
		if !bytes.Equal(x[:n], y[:m]) {
			b.t.Errorf("%s and %s differ", one, two)
			return
		}
		if err != nil {
			return
		}
	}
}

// noise writes n bytes that no compression and no accident repeats.
func (b *bench) noise(name string, n int64) {
	b.t.Helper()
	f := must(os.Create(b.path(name)))(b.t)
	defer f.Close()
	_, err := io.CopyN(f, rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", name)))), n)
	check(b.t, err)
}

// secret makes n bytes and their hexadecimal digits.
func secret(name string, n int) (raw []byte, digits string) {
	raw = make([]byte, n)
	rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", name)))).Read(raw)
	return raw, hex.EncodeToString(raw)
}

// fileSize is the size of the large file in bytes. It is no whole number of blocks or chunks of anything. Under the race
// detector, where memory is not judged, a small file does.
func fileSize(t *testing.T) int64 {
	t.Helper()
	mib := int64(96)
	if daemontest.Race {
		mib = 8
	}
	if s := os.Getenv("CLAVIGER_FILE_MIB"); s != "" {
		mib = must(strconv.ParseInt(s, 10, 32))(t)
	}
	return mib<<20 + 12345
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
