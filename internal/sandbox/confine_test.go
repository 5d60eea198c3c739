package sandbox

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFilesAreReachedAsConfigured holds what Read, Write and nothing at all allow.
func TestFilesAreReachedAsConfigured(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			dir := place(t)
			at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
			p := start(t, Config{User: user, Read: []string{at("read")}, Write: []string{at("write")}})
			for _, c := range []struct {
				want, probe, path, second string
			}{
				{"ok", "read", at("read", "file"), ""},
				{"ok", "read", at("read", "sub", "file"), ""},
				{"ok", "list", at("read"), ""},
				{"ok", "mapexec", at("read", "file"), ""},
				{"EACCES", "write", at("read", "file"), ""},
				{"EACCES", "truncate", at("read", "file"), ""},
				{"EACCES", "make", at("read", "new"), ""},
				{"EACCES", "mkdir", at("read", "newdir"), ""},
				{"EACCES", "remove", at("read", "file"), ""},
				{"EACCES", "rename", at("read", "file"), at("read", "renamed")},
				{"ok", "read", at("write", "file"), ""},
				{"ok", "list", at("write"), ""},
				{"ok", "write", at("write", "file"), ""},
				{"ok", "truncate", at("write", "file"), ""},
				{"ok", "make", at("write", "new"), ""},
				{"ok", "mkdir", at("write", "newdir"), ""},
				{"ok", "rename", at("write", "new"), at("write", "newdir", "moved")},
				{"ok", "remove", at("write", "newdir", "moved"), ""},
				{"EXDEV|EACCES", "rename", at("write", "file"), at("other", "moved")},
				{"EXDEV|EACCES", "rename", at("read", "file"), at("write", "taken")},
				{"EACCES", "read", at("other", "file"), ""},
				{"EACCES", "list", at("other"), ""},
				{"EACCES", "write", at("other", "file"), ""},
				{"EACCES", "make", at("other", "new"), ""},
				{"EACCES", "list", "/", ""},
				{"EACCES", "list", "/root", ""},
				{"EACCES", "read", "/proc/self/environ", ""},
				{"EACCES", "read", "/proc/1/cmdline", ""},
				{"EACCES", "make", "/dev/shm/sandbox", ""},
				{"ok", "list", "/usr", ""},
				{"ok", "read", "/etc/passwd", ""},
				{"ok", "write", "/dev/null", ""},
				{"ok", "read", "/dev/null", ""},
				{"ok", "list", "/sys/devices/system/cpu", ""},
			} {
				expect(t, p, c.want, c.probe, c.path, c.second)
			}
		})
	}
}

// TestHiddenPathsStayHidden holds that what lies in a readable directory can be kept from the worker, and all around it not.
func TestHiddenPathsStayHidden(t *testing.T) {
	needs(t, false)
	dir := place(t)
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	if err := os.Symlink(at("read", "kept"), at("way")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("other"), at("read", "out")); err != nil {
		t.Fatal(err)
	}
	hidden := []string{filepath.Join(at("way"), "file"), at("read", "absent", "entirely"), "/etc/passwd"}
	p := start(t, Config{Read: []string{at("read")}, Hidden: hidden})
	expect(t, p, "ok", "read", at("read", "file"))
	expect(t, p, "ok", "read", at("read", "sub", "file"))
	expect(t, p, "EACCES", "read", at("read", "kept", "file"))
	expect(t, p, "EACCES", "read", at("way", "file"))
	expect(t, p, "EACCES", "list", at("read"))
	expect(t, p, "EACCES", "read", at("read", "out", "file"))
	expect(t, p, "EACCES", "read", "/etc/passwd")
	expect(t, p, "ok", "read", "/etc/group")
	expect(t, p, "ok", "list", "/usr")
	for _, name := range []string{"read/absent", "read/absent/entirely"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, p, "EACCES", "list", at("read", "absent", "entirely"))
	expect(t, p, "EACCES", "list", at("read", "absent"))
}

// TestSocketsAreMadeOnlyWithTheNetwork holds what Network allows, and that nobody listens.
func TestSocketsAreMadeOnlyWithTheNetwork(t *testing.T) {
	needs(t, false)
	dir := place(t)
	path := filepath.Join(dir, "listener")
	local, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	remote, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	port := strconv.Itoa(remote.Addr().(*net.TCPAddr).Port)
	domains := map[int]string{unix.AF_UNIX: "ok", unix.AF_INET: "ok", unix.AF_INET6: "ok|EAFNOSUPPORT", unix.AF_PACKET: "EPERM", unix.AF_ALG: "EPERM", unix.AF_VSOCK: "EPERM"}
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			without := start(t, Config{User: user})
			with := start(t, Config{User: user, Network: true})
			for domain, want := range domains {
				expect(t, without, "EPERM", "socket", "", strconv.Itoa(domain))
				expect(t, with, want, "socket", "", strconv.Itoa(domain))
			}
			expect(t, without, "EPERM", "socketpair")
			expect(t, with, "ok", "socketpair")
			expect(t, with, "ok", "connect", path, strconv.Itoa(unix.AF_UNIX))
			expect(t, with, "ok", "connect", port, strconv.Itoa(unix.AF_INET))
			expect(t, with, "EPERM", "listen", "", strconv.Itoa(unix.AF_INET))
			for _, call := range []int{unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4} {
				expect(t, without, "EPERM", "call", strconv.Itoa(call), "-1")
			}
		})
	}
}

// TestLandlockAloneKeepsFromTheNetwork holds that the rules do what they say when there is no filter in front of them.
func TestLandlockAloneKeepsFromTheNetwork(t *testing.T) {
	needs(t, false)
	if Supported().Landlock < 6 {
		t.Skip("this kernel's Landlock does not know networks")
	}
	remote, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	port := strconv.Itoa(remote.Addr().(*net.TCPAddr).Port)
	abstract := "@claviger-sandbox-" + strconv.Itoa(os.Getpid())
	local, err := net.Listen("unix", abstract)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	only := &Kernel{Landlock: Supported().Landlock}
	without := start(t, Config{Mode: Preferred, kernel: only})
	with := start(t, Config{Mode: Preferred, kernel: only, Network: true})
	expect(t, without, "EACCES", "connect", port, strconv.Itoa(unix.AF_INET))
	expect(t, with, "ok", "connect", port, strconv.Itoa(unix.AF_INET))
	expect(t, without, "EPERM", "connect", abstract, strconv.Itoa(unix.AF_UNIX))
	expect(t, with, "ok", "connect", abstract, strconv.Itoa(unix.AF_UNIX))
	expect(t, without, "EPERM", "call", strconv.Itoa(unix.SYS_KILL), strconv.Itoa(os.Getpid()), "0")
	expect(t, with, "EPERM", "call", strconv.Itoa(unix.SYS_KILL), strconv.Itoa(os.Getpid()), "0")
}

// TestProcessesAreNeitherMadeNorReached holds what a worker cannot do to others, and can to itself.
func TestProcessesAreNeitherMadeNorReached(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			p := start(t, Config{User: user})
			mine, its := strconv.Itoa(os.Getpid()), ask(t, p, "pid")
			if its != strconv.Itoa(p.PID) {
				t.Fatalf("the worker is %s and not %d", its, p.PID)
			}
			expect(t, p, "EPERM", "exec", "/bin/true")
			expect(t, p, "EPERM", "exec", self)
			expect(t, p, "EPERM", "fork")
			for _, c := range []struct {
				want string
				call int
				args []string
			}{
				{"EPERM", unix.SYS_PTRACE, []string{strconv.Itoa(unix.PTRACE_PEEKTEXT), mine}},
				{"EPERM", unix.SYS_PROCESS_VM_READV, []string{its}},
				{"EPERM", unix.SYS_KILL, []string{mine, "0"}},
				{"EPERM", unix.SYS_KILL, []string{"-1", "0"}},
				{"EPERM", unix.SYS_KILL, []string{"0", "0"}},
				{"ok", unix.SYS_KILL, []string{its, "0"}},
				{"EPERM", unix.SYS_TGKILL, []string{mine, mine, "0"}},
				{"ok", unix.SYS_TGKILL, []string{its, its, "0"}},
				{"EPERM", unix.SYS_PRLIMIT64, []string{mine, "0"}},
				{"ok", unix.SYS_PRLIMIT64, []string{"0", "0"}},
				{"EPERM", unix.SYS_PIDFD_OPEN, []string{mine}},
				{"EPERM", unix.SYS_CLONE, []string{strconv.Itoa(unix.CLONE_NEWUSER)}},
				{"EPERM", unix.SYS_CLONE, []string{strconv.Itoa(unix.CLONE_NEWNET | unix.CLONE_THREAD)}},
				{"ENOSYS", unix.SYS_CLONE3, nil},
				{"EPERM", unix.SYS_UNSHARE, []string{strconv.Itoa(unix.CLONE_NEWUSER)}},
				{"EPERM", unix.SYS_PRCTL, []string{strconv.Itoa(unix.PR_SET_DUMPABLE), "1"}},
				{"ok", unix.SYS_PRCTL, []string{strconv.Itoa(unix.PR_SET_DUMPABLE), "0"}},
				{"EPERM", unix.SYS_PRCTL, []string{strconv.Itoa(unix.PR_SET_PDEATHSIG), "0"}},
				{"EPERM", unix.SYS_IO_URING_SETUP, []string{"1"}},
				{"EPERM", unix.SYS_BPF, nil},
				{"EPERM", unix.SYS_KEYCTL, []string{"0"}},
				{"ENOSYS", newestCall + 1, nil},
			} {
				expect(t, p, c.want, "call", append([]string{strconv.Itoa(c.call)}, c.args...)...)
			}
		})
	}
}

// TestAForeignArchitectureKillsTheWorker holds that the calls of another one, which have other numbers, are no way around.
func TestAForeignArchitectureKillsTheWorker(t *testing.T) {
	needs(t, false)
	for _, probe := range [][]string{{"foreign"}, {"call", strconv.Itoa(x32)}} {
		p := start(t, Config{})
		if err := writeFrame(p.Conn, request{Probe: probe[0], Args: probe[1:]}); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "foreign architecture") {
			t.Errorf("%v: %v", probe, err)
		}
	}
}

// TestEveryThreadIsConfined holds it for threads from before Enter and from after.
func TestEveryThreadIsConfined(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			expect(t, start(t, Config{User: user}), "6 [EPERM EACCES 1 0]", "threads")
		})
	}
}

// TestAWorkerIsWhatItWasConfiguredToBe holds its environment, user, session, limits, and that it has nothing of the daemon's.
func TestAWorkerIsWhatItWasConfiguredToBe(t *testing.T) {
	var leak [2]int
	if err := unix.Pipe(leak[:]); err != nil { // not close-on-exec
		t.Fatal(err)
	}
	defer unix.Close(leak[0])
	defer unix.Close(leak[1])
	t.Setenv("CLAVIGER_LEAK", "1")
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + 1) // a number that the worker would not find by itself
	defer runtime.GOMAXPROCS(procs)
	if _, err := unix.FcntlInt(uintptr(leak[0]), unix.F_DUPFD, 900); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(900)
	for _, mode := range []Mode{Required, Preferred, Off} {
		for who, user := range users(t) {
			t.Run(fmt.Sprint(mode, " ", who), func(t *testing.T) {
				if mode == Required {
					needs(t, false)
				}
				p := start(t, Config{Mode: mode, User: user, Env: []string{"ONE=1", "TWO=2"}, Args: []string{"worker", "", "x y"}})
				expect(t, p, "ONE=1\nTWO=2", "environment")
				expect(t, p, "worker\n\nx y", "arguments")
				expect(t, p, "0 <nil>", "dumpable")
				expect(t, p, "1 <nil>", "privileges")
				expect(t, p, "{0 0} <nil>", "core")
				expect(t, p, "true true <nil>", "session")
				expect(t, p, "device pipe pipe socket", "descriptors")
				expect(t, p, "/<nil>", "directory")
				expect(t, p, p.Report.String(), "report")
				expect(t, p, strconv.Itoa(procs+1), "procs")
				if user != nil {
					expect(t, p, "64123 64123 64123 64124 64124 64124 [64125 64126]", "ids")
				} else {
					groups, _ := unix.Getgroups()
					uid, gid := unix.Getuid(), unix.Getgid()
					expect(t, p, fmt.Sprint(uid, uid, uid, gid, gid, gid, groups), "ids")
				}
				program, err := os.Executable()
				if err != nil {
					t.Fatal(err)
				}
				name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.PID))
				if user == nil && (err != nil || !strings.HasPrefix(filepath.Base(program)+"\n", string(name[:len(name)-1]))) {
					t.Errorf("the process is called %q, %v", name, err)
				}
				if mode != Off || user != nil {
					expect(t, p, "[{0 0 0} {0 0 0}] <nil>", "capabilities")
				}
			})
		}
	}
}

// TestAnEmptyEnvironmentIsEmpty holds that nil inherits nothing.
func TestAnEmptyEnvironmentIsEmpty(t *testing.T) {
	expect(t, start(t, Config{Mode: Off}), "", "environment")
}

// TestGoWorksUnderTheFilter holds that threads, preemption, timers, collection, randomness and libraries do.
func TestGoWorksUnderTheFilter(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			p := start(t, Config{User: user})
			expect(t, p, "ok", "runtime")
			expect(t, p, "ok", "dlopen", "libm.so.6")
			expect(t, p, "ok", "runtime")
			if got := ask(t, p, "dlopen", filepath.Join(place(t), "libm.so.6")); got == "ok" {
				t.Error("a library that is not there was loaded")
			}
		})
	}
}
