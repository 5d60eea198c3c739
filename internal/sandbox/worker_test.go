package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// request is what the tests ask of a worker.
type request struct {
	Probe string
	Args  []string
}

// early are threads that exist before Enter: each runs the functions that it is sent.
type early []chan func()

func startEarly(n int) early {
	threads := make(early, n)
	var ready sync.WaitGroup
	for i := range threads {
		threads[i] = make(chan func())
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			for f := range threads[i] {
				f()
			}
		}()
	}
	ready.Wait()
	return threads
}

// work is the worker's main function.
func work() int {
	threads := startEarly(3)
	conn, report, err := Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	w := worker{threads: threads, conn: conn, report: report}
	for {
		var r request
		if err := readFrame(conn, &r); err != nil {
			return 0
		}
		if err := writeFrame(conn, w.probe(r)); err != nil {
			return 4
		}
	}
}

type worker struct {
	threads early
	conn    *net.UnixConn
	report  Report
}

// name gives "ok" or the name of an errno.
func name(err error) string {
	if err == nil {
		return "ok"
	}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

func (w worker) probe(r request) string {
	arg := func(i int) string {
		if i < len(r.Args) {
			return r.Args[i]
		}
		return ""
	}
	number := func(i int) int { n, _ := strconv.Atoi(arg(i)); return n }
	switch r.Probe {
	case "read", "write", "list", "make", "remove", "rename", "mkdir", "truncate", "chmod", "mapexec":
		return files(r.Probe, arg(0), arg(1))
	case "open":
		return opened(arg(0), number(1))
	case "fchmod", "fchown", "fsetxattr", "fremovexattr", "setflags", "fssetxattr", "times", "shorten":
		return changed(r.Probe, arg(0))
	case "socket", "socketpair", "connect", "listen", "abstract":
		return sockets(r.Probe, arg(0), number(1))
	case "threads":
		return w.allThreads()
	case "call":
		var a [6]uintptr
		for i := range r.Args[1:] {
			a[i] = uintptr(number(i + 1))
		}
		_, _, e := unix.RawSyscall6(uintptr(number(0)), a[0], a[1], a[2], a[3], a[4], a[5])
		if e == 0 {
			return "ok"
		}
		return unix.ErrnoName(e)
	case "exec":
		return name(unix.Exec(arg(0), []string{arg(0)}, nil))
	case "dlopen":
		return dlopen(arg(0))
	case "runtime":
		return exerciseRuntime()
	case "print":
		fmt.Fprintln(os.Stdout, arg(0))
		fmt.Fprintln(os.Stderr, arg(0))
		return "ok"
	case "exit":
		os.Exit(number(0))
	case "panic":
		panic(arg(0))
	case "fork":
		return name(fork())
	case "foreign":
		foreignCall()
		return "alive"
	}
	return w.state(r.Probe)
}

// state tells what the process is like.
func (w worker) state(probe string) string {
	switch probe {
	case "report":
		return w.report.String()
	case "dumpable":
		v, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		return fmt.Sprint(v, err)
	case "privileges":
		v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		return fmt.Sprint(v, err)
	case "capabilities":
		caps, err := capabilities()
		return fmt.Sprint(caps, err)
	case "core":
		var limit unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_CORE, &limit)
		return fmt.Sprint(limit, err)
	case "environment":
		return strings.Join(os.Environ(), "\n")
	case "arguments":
		return strings.Join(os.Args[1:], "\n")
	case "ids":
		groups, _ := unix.Getgroups()
		slices.Sort(groups)
		ru, eu, su := unix.Getresuid()
		rg, eg, sg := unix.Getresgid()
		return fmt.Sprint(ru, eu, su, rg, eg, sg, groups)
	case "session":
		sid, err := unix.Getsid(0)
		return fmt.Sprint(sid == os.Getpid(), unix.Getpgrp() == os.Getpid(), err)
	case "directory":
		dir, err := os.Getwd()
		return fmt.Sprint(dir, err)
	case "descriptors":
		return descriptors()
	case "procs":
		return strconv.Itoa(runtime.GOMAXPROCS(0))
	case "pid":
		return strconv.Itoa(os.Getpid())
	}
	return "no such probe"
}

// files tries one thing with files.
func files(probe, path, second string) string {
	switch probe {
	case "read":
		_, err := os.ReadFile(path)
		return name(err)
	case "write":
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("changed")
			f.Close()
		}
		return name(err)
	case "list":
		_, err := os.ReadDir(path)
		return name(err)
	case "make":
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		f.Close()
		return name(err)
	case "remove":
		return name(unix.Unlink(path))
	case "rename":
		return name(os.Rename(path, second))
	case "mkdir":
		return name(os.Mkdir(path, 0o700))
	case "truncate":
		return name(os.Truncate(path, 1))
	case "chmod":
		return name(os.Chmod(path, 0o777))
	}
	f, err := os.Open(path)
	if err != nil {
		return name(err)
	}
	defer f.Close()
	_, err = unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	return name(err)
}

// opened opens a file with just these flags, and the one call that has them in an argument.
func opened(path string, flags int) string {
	fd, err := unix.Openat(unix.AT_FDCWD, path, flags|unix.O_CLOEXEC, 0o600)
	if err == nil {
		unix.Close(fd)
	}
	return name(err)
}

// changed tries to change what a file is like by a descriptor, which is open for writing only to be shortened.
func changed(probe, path string) string {
	flags := unix.O_RDONLY
	if probe == "shorten" {
		flags = unix.O_WRONLY
	}
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return "open: " + name(err)
	}
	defer unix.Close(fd)
	switch probe {
	case "fchmod":
		err = unix.Fchmod(fd, 0o640)
	case "fchown":
		err = unix.Fchown(fd, unix.Getuid(), unix.Getgid())
	case "fsetxattr":
		err = unix.Fsetxattr(fd, "user.claviger", []byte("1"), 0)
	case "fremovexattr":
		err = unix.Fremovexattr(fd, "user.claviger")
	case "setflags":
		err = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, 0)
	case "fssetxattr":
		var attributes [28]byte // struct fsxattr
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), setFileAttribute, uintptr(unsafe.Pointer(&attributes)))
		if e != 0 {
			err = e
		}
	case "times":
		err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0)
	case "shorten":
		err = unix.Ftruncate(fd, 1)
	}
	return name(err)
}

// sockets tries one thing with sockets, of the domain.
func sockets(probe, path string, domain int) string {
	if probe == "socketpair" {
		_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		return name(err)
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil || probe == "socket" {
		return name(err)
	}
	defer unix.Close(fd)
	if probe == "listen" {
		return name(unix.Listen(fd, 1))
	}
	var address unix.Sockaddr = &unix.SockaddrUnix{Name: path}
	if domain == unix.AF_INET {
		port, _ := strconv.Atoi(path)
		address = &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	}
	return name(unix.Connect(fd, address))
}

// allThreads tries what must fail from threads that were there before Enter, and from new ones.
func (w worker) allThreads() string {
	var mu sync.Mutex
	var found []string
	try := func() {
		_, _, trace := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_PEEKTEXT, 0, 0, 0, 0, 0)
		_, file := os.Open("/proc/self/status")
		privileges, _ := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		caps, _ := capabilities()
		mu.Lock()
		defer mu.Unlock()
		found = append(found, fmt.Sprint(unix.ErrnoName(trace), " ", name(file), " ", privileges, " ", caps[0].Effective|caps[0].Permitted))
	}
	threads := append(w.threads, startEarly(3)...)
	var all sync.WaitGroup
	for _, thread := range threads {
		all.Add(1)
		thread <- func() { try(); all.Done() }
	}
	all.Wait()
	n := len(found)
	slices.Sort(found)
	return fmt.Sprint(n, slices.Compact(found))
}

// descriptors tells what each open descriptor is, but for those of the runtime: its poller's have no type of file, and it
// keeps the limits of its control group open.
func descriptors() string {
	var list []string
	for fd := range 4096 {
		var stat unix.Stat_t
		if unix.Fstat(fd, &stat) != nil {
			continue
		}
		var system unix.Statfs_t
		_ = unix.Fstatfs(fd, &system) // a descriptor has a file system, or is none of those that are left out
		if stat.Mode&unix.S_IFMT == 0 || system.Type == unix.CGROUP_SUPER_MAGIC || system.Type == unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		kind := map[uint32]string{unix.S_IFCHR: "device", unix.S_IFIFO: "pipe", unix.S_IFSOCK: "socket"}[stat.Mode&unix.S_IFMT]
		if kind == "" {
			kind = fmt.Sprintf("something else: %o", stat.Mode)
		}
		list = append(list, kind)
	}
	return strings.Join(list, " ")
}

// fork makes a process that ends at once.
func fork() error {
	pid, _, e := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	switch {
	case e != 0:
		return e
	case pid == 0:
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// exerciseRuntime uses what a Go program leans on: threads, preemption, timers, collection, randomness.
func exerciseRuntime() string {
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			var kept [][]byte
			for i := range 50 {
				kept = append(kept, make([]byte, 1<<10*(i%4+1)))
			}
			runtime.KeepAlive(kept)
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	for range 2 {
		all.Go(func() {
			for n := 0; ; n++ { // needs a signal to be preempted, for collections in the meantime
				if n%(1<<20) == 0 && ctx.Err() != nil {
					return
				}
			}
		})
	}
	for range 3 {
		runtime.GC()
		timer := time.NewTimer(time.Millisecond)
		<-timer.C
	}
	cancel()
	all.Wait()
	var random [64]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err.Error()
	}
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGURG); err != nil {
		return err.Error()
	}
	return "ok"
}
