package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quickstartProcess runs quickstart in a process of its own, with a directory of its own for temporary files.
func quickstartProcess(t *testing.T) (cmd *exec.Cmd, temp string) {
	t.Helper()
	temp, err := os.MkdirTemp("", "clv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	cmd = exec.Command(os.Args[0], "quickstart")
	cmd.Env = append(os.Environ(), mainVariable+"=1", "TMPDIR="+temp, "GORACE=atexit_sleep_ms=0")
	return cmd, temp
}

// processes lists the processes that know the directory from their environment (quickstart) or their command line
// (its daemon, whose environment cannot be read).
func processes(temp string) []string {
	var list []string
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil && bytes.Contains(text, []byte(temp)) {
				list = append(list, filepath.Dir(f))
			}
		}
	}
	return list
}

// noProcess fails the test if a process is left after ten seconds: a loaded machine is slow to end one, and a program
// with the race detector waits a second at its end.
func noProcess(t *testing.T, temp string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		left := processes(temp)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes are left: %v", left)
		}
	}
}

func noFile(t *testing.T, temp string) {
	t.Helper()
	if list, _ := os.ReadDir(temp); len(list) != 0 {
		t.Errorf("files are left: %v", list)
	}
}

func TestQuickstartShowsNineFlowsAndLeavesNothing(t *testing.T) {
	cmd, temp := quickstartProcess(t)
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	text := string(out)
	for _, want := range []string{
		"F1 ", "F2 ", "F3 ", "F4 ", "F5 ", "F6 ", "F7 ", "F8 ", "F9 ",
		"occupied, AES-256, primary 2, compatible [2 5], 2 is software, 5 is software-b",
		"3309", "Valid", "KeyOperationNotPermitted", "OperationTimedOut", "serve --dev", "package main",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the output", want)
		}
	}
	if !strings.HasSuffix(text, "\nflows: 9 passed, 0 failed\n") {
		t.Errorf("the last line is another one:\n%s", text)
	}
	noProcess(t, temp)
	noFile(t, temp)
}

func TestKilledQuickstartLeavesNoProcess(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		for _, after := range []time.Duration{0, 5 * time.Millisecond, 15 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond, 500 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s after %s", sig, after), func(t *testing.T) {
				cmd, temp := quickstartProcess(t)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(after)
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				cmd.Wait()
				noProcess(t, temp)
				if sig != syscall.SIGKILL {
					noFile(t, temp)
				}
			})
		}
	}
}

// TestQuickstartDiesWithItsParent kills a shell that runs quickstart, as `go run` may be killed: the flows must not
// go on.
func TestQuickstartDiesWithItsParent(t *testing.T) {
	quick, temp := quickstartProcess(t)
	output := filepath.Join(t.TempDir(), "output")
	cmd := exec.Command("/bin/sh", "-c", quick.Path+" quickstart >"+output+"; exit 0")
	cmd.Env = quick.Env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(output); bytes.Contains(text, []byte("daemon: process")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("quickstart does not begin")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	noProcess(t, temp)
	noFile(t, temp)
	if text, _ := os.ReadFile(output); bytes.Contains(text, []byte("flows:")) {
		t.Error("it ran to its end")
	}
}

func TestFirstProgramBuilds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(firstProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
