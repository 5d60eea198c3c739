package tokens

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// source is the hostile module's, and that of the program that tests it.
//
//go:embed testdata/hostile
var source embed.FS

// hostileBuild is the one build of the module in a test process.
var hostileBuild struct {
	once   sync.Once
	module []byte
	err    error
}

// Build gives the hostile module as a file that every user may load, removed with the test. It is compiled once per test process.
// The test is skipped where there is no C compiler.
func Build(t testing.TB) string {
	t.Helper()
	cc := daemontest.NeedTool(t, "cc")
	b := &hostileBuild
	b.once.Do(func() { b.module, b.err = compile(cc, "hostile.c", "-shared", "-fPIC") })
	if b.err != nil {
		t.Fatal(b.err)
	}
	file := filepath.Join(directory(t), "hostile.so")
	write(t, file, 0o755, string(b.module))
	return file
}

// compile gives what the compiler makes of a file of the source.
func compile(cc, name string, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "clvcc")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, source); err != nil {
		return nil, err
	}
	from, to := filepath.Join(dir, "testdata/hostile", name), filepath.Join(dir, "out")
	args := append(flags, "-O1", "-o", to, from, "-lpthread", "-ldl")
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cc %s: %w\n%s", name, err, out)
	}
	return os.ReadFile(to)
}

// Hostile is a PKCS #11 module that forwards every call to another one, except where Command tells it otherwise: also while a
// process uses it, and for every process that does. Whoever uses it reads Dir, and writes to the files that are there. One goroutine
// at a time uses a Hostile.
type Hostile struct {
	Dir    string // with Path and all its files, removed with the test; every user may enter it
	Path   string // the module's file
	LogAll bool   // Calls counts every function; else only those around sessions: see Calls

	t          testing.TB
	module     string
	generation int // of the commands
}

// NewHostile gives a hostile module in front of the module in a file. It behaves well, and belongs to the test's own user.
func NewHostile(t testing.TB, module string) *Hostile {
	t.Helper()
	path := Build(t)
	h := &Hostile{Dir: filepath.Dir(path), Path: path, t: t, module: module}
	h.Reset()
	return h
}

// Env gives the variables that a process needs to use the module, besides those of the module behind it.
func (h *Hostile) Env() []string {
	env := []string{"HOSTILE_MODULE=" + h.module, "HOSTILE_COMMANDS=" + h.commands(), "HOSTILE_LOG=" + h.log()}
	if h.LogAll {
		env = append(env, "HOSTILE_LOG_ALL=1")
	}
	return env
}

// Give lets a user use the module. The test has to be root for another user than its own.
func (h *Hostile) Give(uid int) {
	h.t.Helper()
	own(h.t, uid, h.log())
	own(h.t, uid, h.used())
}

func (h *Hostile) commands() string { return filepath.Join(h.Dir, "commands") }
func (h *Hostile) used() string     { return h.commands() + ".used" }
func (h *Hostile) log() string      { return filepath.Join(h.Dir, "log") }

// Command replaces what the module is told; nothing makes it behave well. It counts from the next call on that enters the module.
// A line is "FUNCTION BEHAVIOUR [COUNT]", and the first that fits a call and has applied less than COUNT times counts. The function
// is a C name, or * for all except C_GetFunctionList. Behaviours:
//
//	sleep            does not return
//	slow             takes 25 ms more
//	crash            ends the process by SIGSEGV, as far as that is left to it
//	exit             ends the process with status 3
//	length           of a buffer: succeeds and says that it filled one unit more than the buffer has
//	huge             of a buffer, and of a question for the length: succeeds and says 2^40
//	garbage          does it, and then says success with random lengths, handles, records and contents
//	forget           C_FindObjects finds nothing; handles of objects and keys are CKR_OBJECT_HANDLE_INVALID and CKR_KEY_HANDLE_INVALID
//	general-error, function-failed
//	device-removed   CKR_DEVICE_REMOVED; * is all that needs a token
//	token-absent     CKR_TOKEN_NOT_PRESENT; * is all that needs a token
//	session-lost     CKR_SESSION_HANDLE_INVALID; * is all that needs a session
//	session-leak     CKR_OK, and does nothing; * is C_CloseSession
//	session-count    CKR_SESSION_COUNT; * is C_OpenSession
//	pin-incorrect    CKR_PIN_INCORRECT; * is C_Login
//	pin-locked       CKR_PIN_LOCKED; * is C_Login
//	0x...            any other code, in hexadecimal
//
// Calls that are answered with a code do not reach the module behind: an operation that they would have ended stays active there, and
// the session refuses the next one with CKR_OPERATION_ACTIVE. No behaviour writes outside of a buffer. The test fails for other lines.
func (h *Hostile) Command(lines ...string) {
	h.t.Helper()
	for _, line := range lines {
		if err := check(line); err != nil {
			h.t.Fatal(err)
		}
	}
	h.generation++
	text := fmt.Sprintf("generation %d\n%s\n", h.generation, strings.Join(lines, "\n"))
	next := h.commands() + ".new"
	write(h.t, next, 0o644, text)
	if err := os.Rename(next, h.commands()); err != nil { // never half of it
		h.t.Fatal(err)
	}
}

// check holds a command against what the module's source knows.
func check(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 2 || len(fields) > 3 {
		return fmt.Errorf("hostile: %q is not a function, a behaviour and at most a count", line)
	}
	if fields[0] != "*" && !slices.Contains(functions(), fields[0]) {
		return fmt.Errorf("hostile: there is no function %q", fields[0])
	}
	code, ok := strings.CutPrefix(fields[1], "0x")
	if _, err := strconv.ParseUint(code, 16, 64); ok && err != nil || !ok && !slices.Contains(behaviours(), fields[1]) {
		return fmt.Errorf("hostile: there is no behaviour %q", fields[1])
	}
	if len(fields) == 3 {
		if n, err := strconv.Atoi(fields[2]); err != nil || n < 1 {
			return fmt.Errorf("hostile: %q is no count", fields[2])
		}
	}
	return nil
}

// functions and behaviours are the names that a command may have.
func functions() []string  { return known("functions.h", `(?m)^(?:FORWARD|OWN)\((C_\w+),`) }
func behaviours() []string { return known("hostile.c", `(?m)^\t\{"([a-z-]+)", [A-Z]`) }

// known gives the names of which a source file has a table.
func known(file, pattern string) (names []string) {
	text, err := source.ReadFile("testdata/hostile/" + file)
	if err != nil {
		panic(err)
	}
	for _, row := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
		names = append(names, string(row[1]))
	}
	return names
}

// Reset makes the module behave well again, and forgets the calls so far.
func (h *Hostile) Reset() {
	h.t.Helper()
	h.Command()
	for _, file := range []string{h.log(), h.used()} {
		// Not made anew: that would take it from the user whom it was given to.
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			h.t.Fatal(err)
		}
		f.Close()
	}
}

// lines gives the log: a function's name for each call, and for those around sessions the name and the code of the module behind.
func (h *Hostile) lines() []string {
	h.t.Helper()
	text, err := os.ReadFile(h.log())
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// Calls gives how often a function has been called since Reset, by all processes together, whatever became of the calls. Of a process
// that was started without LogAll it counts C_Initialize, C_Finalize, C_OpenSession, C_CloseSession, C_CloseAllSessions, C_Login and
// C_FindObjectsInit only.
func (h *Hostile) Calls(name string) int {
	h.t.Helper()
	n := 0
	for _, line := range h.lines() {
		if line == name {
			n++
		}
	}
	return n
}

// Await waits until a function has been called so often since Reset. The test fails if it never is.
func (h *Hostile) Await(name string, calls int) {
	h.t.Helper()
	for deadline := time.Now().Add(daemontest.Patience); h.Calls(name) < calls; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s was called %d times, want %d", name, h.Calls(name), calls)
		}
	}
}

// OpenSessions gives how many sessions the module behind has open, for the process that has initialized it last since Reset. Those
// that the hostile module only claims to have closed are open.
func (h *Hostile) OpenSessions() int {
	h.t.Helper()
	n := 0
	for _, line := range h.lines() {
		name, _ := strings.CutSuffix(line, " 0x00000000")
		switch {
		case name == line: // a call, or one that did not succeed
		case name == "C_OpenSession":
			n++
		case name == "C_CloseSession":
			n--
		case name == "C_Initialize", name == "C_Finalize", name == "C_CloseAllSessions":
			n = 0
		}
	}
	return n
}
