package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// What the manuals say to paste starts a daemon in the background and calls it in the next line.
func TestACommandWaitsForADaemonThatStarts(t *testing.T) {
	dir, err := os.MkdirTemp("", "clv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	status := make(chan int, 1)
	var stdout, stderr bytes.Buffer
	go func() {
		args := []string{"--socket", filepath.Join(dir, "dev", "claviger.sock"), "slot", "generate", "demo", "--algorithm", "AES-256"}
		status <- run(args, strings.NewReader(""), &stdout, &stderr)
	}()
	time.Sleep(50 * time.Millisecond)
	daemon := exec.Command(os.Args[0], "serve", "--dev", filepath.Join(dir, "dev"))
	daemon.Env = append(os.Environ(), mainVariable+"=1")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer daemon.Wait()
	defer daemon.Process.Signal(syscall.SIGTERM)
	if got := <-status; got != exitOK || !strings.HasPrefix(stdout.String(), "demo: AES-256, version 1") {
		t.Errorf("status %d, standard output %q, standard error %q", got, stdout.String(), stderr.String())
	}
}

// What is wrong in the environment is a mistake in the usage, as it is in a flag.
func TestABadEnvironmentIsUsage(t *testing.T) {
	for name, value := range map[string]string{"CLAVIGER_SOCKET": "tcp://localhost", "CLAVIGER_DAEMON_UID": "me"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CLAVIGER_SOCKET", filepath.Join(t.TempDir(), "none"))
			t.Setenv(name, value)
			var stderr bytes.Buffer
			got := run([]string{"status"}, strings.NewReader(""), &bytes.Buffer{}, &stderr)
			if text := stderr.String(); got != exitUsage || !strings.Contains(text, value) || strings.Count(text, "(InvalidArgument)") != 1 {
				t.Errorf("status %d: %s", got, text)
			}
		})
	}
}

// Without a daemon the answer comes after startTime, and earlier if --timeout says so.
func TestNobodyIsWaitedForForLong(t *testing.T) {
	for flag, most := range map[string]time.Duration{"--timeout=50ms": 500 * time.Millisecond, "--timeout=1m": startTime + time.Second} {
		begin, stalls := time.Now(), daemontest.Stalls()
		var stderr bytes.Buffer
		got := run([]string{flag, "--socket", t.TempDir() + "/none", "status"}, strings.NewReader(""), &bytes.Buffer{}, &stderr)
		if took := time.Since(begin) - stalls(); got != exitUnreachable || took > most {
			t.Errorf("%s: status %d after %s: %s", flag, got, took, stderr.String())
		}
	}
}
