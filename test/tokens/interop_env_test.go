package tokens

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/test/daemontest"
)

// bench is a rig's token as other programs see it, and a directory where they and the test leave files.
type bench struct {
	*Rig
	*user
	t   *testing.T
	dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	daemontest.NeedTool(t, "pkcs11-tool")
	daemontest.NeedTool(t, "openssl")
	r := Start(t, Options{})
	b := &bench{Rig: r, user: r.connect(t), t: t, dir: filepath.Join(r.Token.Dir, "files")}
	ok(t, os.Mkdir(b.dir, 0o700))
	if r.Worker != os.Getuid() {
		own(t, r.Worker, b.dir)
	}
	return b
}

// run runs a program as the worker's user in the bench's directory, and gives what it prints.
func (b *bench) run(name string, args ...string) []byte {
	b.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), b.Token.Env()...)
	if b.Worker != os.Getuid() {
		id := uint32(b.Worker)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id, Groups: []uint32{}}}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		b.t.Fatalf("%s %q: %v\n%s%s", name, args, err, out.String(), errs.String())
	}
	return out.Bytes()
}

// tool runs pkcs11-tool on the token, as its user.
func (b *bench) tool(args ...string) []byte {
	b.t.Helper()
	return b.run("pkcs11-tool", append([]string{"--module", b.Token.Module, "--token-label", b.Token.Label, "--login", "--pin", b.Token.PIN}, args...)...)
}

func (b *bench) openssl(line string) []byte {
	b.t.Helper()
	return b.run("openssl", strings.Fields(line)...)
}

// file leaves a file in the directory.
func (b *bench) file(name string, content []byte) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	ok(b.t, os.WriteFile(path, content, 0o644))
}

// claviger runs the command with these words, and gives what it prints. Words that begin with @ are files of the directory.
func (b *bench) claviger(words ...string) string {
	b.t.Helper()
	for i, w := range words {
		if name, is := strings.CutPrefix(w, "@"); is {
			words[i] = filepath.Join(b.dir, name)
		}
	}
	res := b.Run(b.t, nil, words...)
	if res.Code != 0 {
		b.t.Fatalf("claviger %q ends with %d:\n%s%s", words, res.Code, res.Stdout, res.Stderr)
	}
	return res.Stdout
}

// object is an object as pkcs11-tool lists it: its kind, such as "Private Key Object; EC", and what is said of it by name.
type object struct {
	kind   string
	fields map[string]string
}

// objects lists the token's objects with this label; "" is all.
func (b *bench) objects(label string) (list []object) {
	b.t.Helper()
	for line := range strings.Lines(string(b.tool("--list-objects"))) {
		line = strings.TrimRight(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		switch {
		case line != "" && !strings.HasPrefix(line, " "):
			list = append(list, object{strings.TrimSpace(line), make(map[string]string)})
		case len(list) > 0:
			list[len(list)-1].fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	kept := list[:0]
	for _, o := range list {
		if label == "" || o.fields["label"] == label {
			kept = append(kept, o)
		}
	}
	return kept
}

// listed is a key as `claviger slot objects` lists it.
type listed struct {
	Label     string             `json:"label"`
	ID        string             `json:"id"`
	Class     string             `json:"class"`
	Algorithm claviger.Algorithm `json:"algorithm"`
	Bits      int                `json:"bits"`
}

// keysOf gives what `claviger slot objects` lists of the token.
func (b *bench) keysOf(words ...string) (list []listed) {
	b.t.Helper()
	ok(b.t, json.Unmarshal([]byte(b.claviger(append([]string{"slot", "objects", "token", "--json"}, words...)...)), &list))
	return list
}
