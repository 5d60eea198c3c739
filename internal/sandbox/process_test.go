package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// daemon is a process that starts a worker, says its number, and then does what its argument says.
func daemon() int {
	var c Config
	if err := json.Unmarshal([]byte(os.Args[3]), &c); err != nil {
		return 1
	}
	c.Args = []string{"worker"}
	if os.Args[2] == "silent" {
		c.Args, c.Stderr = []string{"silent"}, os.Stdout // it says its number itself
	}
	if os.Args[2] == "replaced" {
		if os.Remove(os.Args[0]) != nil {
			return 1
		}
	}
	p, err := Start(context.Background(), c)
	if err != nil {
		fmt.Println(err)
		return 2
	}
	fmt.Println(p.PID)
	if os.Args[2] != "kill" {
		_ = unix.Pause() // until the daemon is killed
	}
	// Without CAP_KILL, another user's worker cannot be signalled by its number. Capabilities are a thread's, and the
	// one that calls Kill is this.
	runtime.LockOSThread()
	caps, err := capabilities()
	if err != nil {
		return 3
	}
	caps[0].Effective &^= 1 << unix.CAP_KILL
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if unix.Capset(&header, &caps[0]) != nil || unix.Kill(p.PID, 0) != unix.EPERM {
		return 4
	}
	p.Kill()
	p.Kill()
	fmt.Println(p.Wait())
	return 0
}

// startDaemon runs this binary as a daemon and gives a descriptor of its worker, which tells of its end.
func startDaemon(t *testing.T, path, what string, c Config) (*exec.Cmd, *bufio.Reader, int) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "daemon", what, string(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		t.Fatalf("the daemon says %q", first)
	}
	worker, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(worker) })
	return cmd, lines, worker
}

// gone waits for the end of a process.
func gone(t *testing.T, pidfd int) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(deadline.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if n != 1 {
			t.Fatal("the worker lives on", err)
		}
		return
	}
}

// TestTheWorkerEndsWithTheDaemon holds that SIGKILL of the daemon leaves no worker, not even one that does not look at its socket.
func TestTheWorkerEndsWithTheDaemon(t *testing.T) {
	for _, mode := range []Mode{Preferred, Off} {
		for who, user := range users(t) {
			t.Run(fmt.Sprint(mode, " ", who), func(t *testing.T) {
				cmd, _, worker := startDaemon(t, self, "hang", Config{Mode: mode, User: user})
				// A stopped worker cannot read the end of its socket: only the kernel ends it.
				if err := unix.PidfdSendSignal(worker, unix.SIGSTOP, nil, 0); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				gone(t, worker)
			})
		}
	}
}

// TestAProgramThatIsNotYetConfinedEndsWithTheDaemon holds the same for the time before Enter.
func TestAProgramThatIsNotYetConfinedEndsWithTheDaemon(t *testing.T) {
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			cmd, _, worker := startDaemon(t, self, "silent", Config{Mode: Preferred, User: user})
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			gone(t, worker)
		})
	}
}

// TestKillNeedsNoCapability holds that a daemon without CAP_KILL ends another user's worker.
func TestKillNeedsNoCapability(t *testing.T) {
	needs(t, true)
	_, lines, worker := startDaemon(t, self, "kill", Config{User: &unprivileged})
	gone(t, worker)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "signal 9") {
		t.Errorf("the daemon says %q, %v", line, err)
	}
}

// TestAWorkerOutlivesTheThreadOfItsStarter holds that the caller of Start need not care for threads.
func TestAWorkerOutlivesTheThreadOfItsStarter(t *testing.T) {
	processes := make(chan *Process)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		p, err := Start(context.Background(), Config{Mode: Off, Args: []string{"worker"}})
		if err != nil {
			t.Error(err)
		}
		processes <- p
	}()
	p := <-processes
	for range 100 {
		expect(t, p, strconv.Itoa(p.PID), "pid")
		runtime.Gosched()
	}
	p.Kill()
	_ = p.Wait() // it was killed
}

// TestThreadsThatEndAreNotTheFirst holds that the function runs on a thread that can end, also when the goroutine has the process's first one.
func TestThreadsThatEndAreNotTheFirst(t *testing.T) {
	for range 50 {
		var all sync.WaitGroup
		for range 2 * runtime.GOMAXPROCS(0) {
			all.Go(func() {
				onThread(func() bool {
					if unix.Gettid() == unix.Getpid() {
						t.Error("on the first thread")
					}
					return true
				})
			})
		}
		all.Wait()
	}
}

// TestNothingIsLeftOfAWorker holds it for workers that are killed, exit, panic, and never come to be.
func TestNothingIsLeftOfAWorker(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	round := func() {
		for _, end := range []request{{Probe: "kill"}, {Probe: "exit", Args: []string{"5"}}, {Probe: "panic"}, {Probe: "exit"}} {
			p, err := Start(ctx, Config{Mode: Preferred, Args: []string{"worker"}, Stderr: &strings.Builder{}})
			if err != nil {
				t.Fatal(err)
			}
			if end.Probe == "kill" {
				p.Kill()
			} else if err := writeFrame(p.Conn, end); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _ = p.Wait() }) // how it ended is another test's
			}
			all.Wait()
			p.Kill() // and nothing happens
			if err := unix.Kill(p.PID, 0); err != unix.ESRCH {
				t.Errorf("%v: a process is left: %v", end, err)
			}
		}
		for _, c := range []Config{
			{Path: "/nonexistent/program"},
			{Path: "/bin/true"},
			{Args: []string{"worker"}, Mode: Preferred, Read: []string{"/nonexistent/directory"}},
		} {
			c.Stderr = &strings.Builder{}
			if p, err := Start(ctx, c); err == nil {
				t.Errorf("%+v: a worker: %d", c, p.PID)
			}
		}
	}
	round() // what the runtime makes once is there now
	descriptors, goroutines := open(t), runtime.NumGoroutine()
	round()
	if after := open(t); len(after) != len(descriptors) {
		t.Errorf("descriptors before: %q, after: %q", descriptors, after)
	}
	if after := runtime.NumGoroutine(); after != goroutines {
		t.Errorf("%d goroutines before, %d after:\n%s", goroutines, after, stacks())
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

// TestWaitSaysHowAWorkerEnded holds the description.
func TestWaitSaysHowAWorkerEnded(t *testing.T) {
	for _, c := range []struct {
		end  request
		want string
	}{
		{request{Probe: "exit"}, ""},
		{request{Probe: "exit", Args: []string{"5"}}, "exit status 5"},
		{request{Probe: "panic"}, "exit status 2"},
	} {
		p := start(t, Config{Mode: Off, Stderr: &strings.Builder{}})
		if err := writeFrame(p.Conn, c.end); err != nil {
			t.Fatal(err)
		}
		<-p.Exited()
		err := p.Wait()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, claviger.ErrOperationFailed) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v", c.end, err)
		}
	}
}

// TestAnAnswerIsReadAfterTheEnd holds that Exited leaves the connection open.
func TestAnAnswerIsReadAfterTheEnd(t *testing.T) {
	p := start(t, Config{Mode: Off})
	for _, r := range []request{{Probe: "pid"}, {Probe: "exit"}} {
		if err := writeFrame(p.Conn, r); err != nil {
			t.Fatal(err)
		}
	}
	<-p.Exited()
	var result string
	if err := readFrame(p.Conn, &result); err != nil || result != strconv.Itoa(p.PID) {
		t.Errorf("%q, %v", result, err)
	}
}

// TestWhatAWorkerPrintsIsLogged holds that both outputs arrive, by lines.
func TestWhatAWorkerPrintsIsLogged(t *testing.T) {
	var log strings.Builder
	p := start(t, Config{Mode: Off, Stderr: &log})
	expect(t, p, "ok", "print", "a line\nanother \x1b[31mone\r")
	p.Kill()
	_ = p.Wait() // it was killed
	line := "a line\nanother ?[31mone?\n"
	if log.String() != line+line {
		t.Errorf("%q", log.String())
	}
}

// TestAStartThatTakesTooLongIsGivenUp holds the deadline and the cancellation of ctx, and that the program is ended.
func TestAStartThatTakesTooLongIsGivenUp(t *testing.T) {
	over, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := Start(over, Config{Mode: Preferred, Args: []string{"silent"}})
	if !errors.Is(err, claviger.ErrOperationTimedOut) {
		t.Errorf("deadline: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Start(cancelled, Config{Mode: Preferred, Args: []string{"silent"}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancellation: %v", err)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

// TestEnterIsForWorkersOnly holds that a program that Start has not started is told so.
func TestEnterIsForWorkersOnly(t *testing.T) {
	for name, fd := range map[string]*os.File{"nothing": nil, "a file": os.Stdin} {
		cmd := exec.Command(self, "worker")
		if fd != nil {
			cmd.ExtraFiles = []*os.File{fd}
		}
		text, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).ExitStatus() != 3 || !strings.Contains(string(text), "only the daemon") {
			t.Errorf("%s: %v, %s", name, err, text)
		}
	}
}

// TestTheProgramMayHaveBeenReplaced holds that a daemon whose file has gone, as after an update, still starts its own program.
func TestTheProgramMayHaveBeenReplaced(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			text, err := os.ReadFile(self)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(place(t), "program")
			if err := os.WriteFile(path, text, 0o755); err != nil {
				t.Fatal(err)
			}
			startDaemon(t, path, "replaced", Config{User: user})
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the program is still there: %v", err)
			}
		})
	}
}

// BenchmarkStart measures from Start to a confined worker, and its end.
func BenchmarkStart(b *testing.B) {
	for _, mode := range []Mode{Required, Off} {
		b.Run(mode.String(), func(b *testing.B) {
			for b.Loop() {
				p, err := Start(context.Background(), Config{Mode: mode, Args: []string{"worker"}})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				p.Kill()
				_ = p.Wait() // it was killed
				b.StartTimer()
			}
		})
	}
}
