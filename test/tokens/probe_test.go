package tokens

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// probeBuild is the one build of testdata/hostile/probe.c in a test process.
var probeBuild struct {
	once    sync.Once
	program []byte
	err     error
}

// probe is a process that calls a module, in conversation: testdata/hostile/probe.c says which words it knows.
type probe struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startProbe starts a program that has loaded the module in a file. It is killed when the test ends, or after a minute.
func startProbe(t *testing.T, module string, env ...string) *probe {
	t.Helper()
	return startProbeAs(t, os.Getuid(), module, env...)
}

// startProbeAs is startProbe as another user; the test must be root for that.
func startProbeAs(t *testing.T, uid int, module string, env ...string) *probe {
	t.Helper()
	cc := daemontest.NeedTool(t, "cc")
	b := &probeBuild
	b.once.Do(func() { b.program, b.err = compile(cc, "probe.c") })
	if b.err != nil {
		t.Fatal(b.err)
	}
	file := filepath.Join(directory(t), "probe")
	write(t, file, 0o755, string(b.program))
	p := &probe{t: t, cmd: exec.Command(file, module)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if uid != os.Getuid() {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), Groups: []uint32{}}
	}
	p.start()
	p.want("list 0x0")
	return p
}

func (p *probe) start() {
	p.t.Helper()
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	p.t.Cleanup(func() {
		late.Stop()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

// say gives the program a word, and waits for nothing.
func (p *probe) say(word string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, word); err != nil {
		p.t.Fatal(err)
	}
}

// want holds what the program answers next against a line.
func (p *probe) want(line string) {
	p.t.Helper()
	got, err := p.out.ReadString('\n')
	if err != nil || strings.TrimSpace(got) != line {
		p.t.Fatalf("it answers %q, %v; want %q", got, err, line)
	}
}

// do gives words, each with the line that it is to be answered with.
func (p *probe) do(words ...string) {
	p.t.Helper()
	for i := 0; i < len(words); i += 2 {
		p.say(words[i])
		p.want(words[i+1])
	}
}

// answer gives a word and returns what it is answered with.
func (p *probe) answer(word string) string {
	p.t.Helper()
	p.say(word)
	got, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("%s: %v", word, err)
	}
	return strings.TrimSpace(got)
}

// ended waits for the end of the process, and gives its status.
func (p *probe) ended() syscall.WaitStatus {
	p.t.Helper()
	if rest, err := io.ReadAll(p.out); err != nil || len(rest) > 0 {
		p.t.Errorf("it answers %q, %v", rest, err)
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.Sys().(syscall.WaitStatus)
}
