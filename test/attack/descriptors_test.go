package attack_test

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	"github.com/claviger/claviger/test/daemontest"
)

// sealed are the seals that a region needs.
const sealed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// TestForeignDescriptorsGainNothing: descriptors that no frame announces, several at once, and those that are not what
// they should be are closed; nothing of them is used, and the daemon keeps none.
func TestForeignDescriptorsGainNothing(t *testing.T) {
	d := daemontest.Start(t, common)
	daemontest.NeedRoot(t) // to count the descriptors of a process that is undumpable
	p := newPeer(t, d, os.Getuid())
	before := descriptors(t, d)
	steady := func(t *testing.T) {
		t.Helper()
		within(t, daemontest.Patience, "the daemon has as few descriptors as before", func() bool { return descriptors(t, d) == before })
	}
	t.Run("unannounced", func(t *testing.T) { unannounced(t, p); steady(t) })
	t.Run("several", func(t *testing.T) { several(t, d); steady(t) })
	t.Run("missing", func(t *testing.T) { missing(t, d); steady(t) })
	t.Run("regions", func(t *testing.T) { notRegions(t, p); steady(t) })
	t.Run("connections", func(t *testing.T) { notConnections(t, p); steady(t) })
	t.Run("the daemon itself", func(t *testing.T) { itself(t, d); steady(t) })
	t.Run("a file of the caller", func(t *testing.T) { stays(t, p); steady(t) })
	must(p.call(wire.OpPing, 0, nil))(t)
}

func open(t *testing.T, path string, flags int) int {
	t.Helper()
	fd := must(unix.Open(path, flags|unix.O_CLOEXEC, 0))(t)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// unannounced sends descriptors with frames that announce none; the frames are answered as ever.
func unannounced(t *testing.T, p *peer) {
	fd := memfd(t, 4096, sealed)
	for range 100 {
		must(p.call(wire.OpPing, 0, nil, fd))(t)
	}
	_, err := p.call(wire.OpReset, 0, (&wire.Data{Handle: unused}).Append(nil, 0), fd)
	wantCode(t, "reset with a descriptor", err, claviger.ErrResourceNotFound)
}

// several sends more descriptors with one frame than it announces: the connection ends.
func several(t *testing.T, d *daemontest.Daemon) {
	fd := memfd(t, 4096, sealed)
	for _, n := range []int{2, 8, 100, 253} {
		p := newPeer(t, d, os.Getuid())
		fds := make([]int, n)
		for i := range fds {
			fds[i] = fd
		}
		check(t, p.send(wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, 4096), fds...))
		if !p.closed() {
			t.Errorf("a connection that sends %d descriptors at once stays open", n)
		}
	}
}

// missing announces a descriptor that does not come.
func missing(t *testing.T, d *daemontest.Daemon) {
	for op, body := range map[wire.Op][]byte{wire.OpRegion: wire.AppendNumber(nil, 4096), wire.OpConnect: nil} {
		p := newPeer(t, d, os.Getuid())
		_, err := p.call(op, wire.FlagFD, body)
		wantCode(t, op.String()+" without its descriptor", err, claviger.ErrInvalidArgument)
		if !p.closed() {
			t.Errorf("after %s without its descriptor the connection stays open", op)
		}
	}
}

// notRegions passes what is no sealed memory of the announced size.
func notRegions(t *testing.T, p *peer) {
	shm := must(os.CreateTemp("/dev/shm", "attack"))(t) // a file of the same file system as memfds, but no memfd
	t.Cleanup(func() { os.Remove(shm.Name()); shm.Close() })
	check(t, shm.Truncate(4096))
	pair := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))(t)
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	for name, fd := range map[string]int{
		"/etc/passwd":              open(t, "/etc/passwd", unix.O_RDONLY),
		"a directory":              open(t, "/", unix.O_RDONLY|unix.O_DIRECTORY),
		"a path":                   open(t, "/etc/passwd", unix.O_PATH),
		"/dev/zero":                open(t, "/dev/zero", unix.O_RDWR),
		"shared memory":            int(shm.Fd()),
		"a socket":                 pair[0],
		"an unsealed memfd":        memfd(t, 4096, 0),
		"one that can shrink":      memfd(t, 4096, unix.F_SEAL_GROW|unix.F_SEAL_SEAL),
		"one that can grow":        memfd(t, 4096, unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL),
		"one that can be resealed": memfd(t, 4096, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW),
		"one not to be written":    memfd(t, 4096, sealed|unix.F_SEAL_WRITE),
		"a smaller one":            memfd(t, 4095, sealed),
		"a larger one":             memfd(t, 4097, sealed),
	} {
		_, err := p.call(wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, 4096), fd)
		wantCode(t, "region of "+name, err, claviger.ErrInvalidMemoryRegion)
	}
	_, err := p.call(wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, 0), memfd(t, 0, sealed))
	wantCode(t, "region of no size", err, claviger.ErrInvalidMemoryRegion)
	huge := memfd(t, 1<<40, sealed) // sparse: takes no memory
	_, err = p.call(wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, 1<<40), huge)
	wantCode(t, "region of 1 TiB", err, claviger.ErrQuotaExceeded)
}

// notConnections passes what is no connected unix stream socket.
func notConnections(t *testing.T, p *peer) {
	socket := func(domain, kind int) int {
		fd := must(unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0))(t)
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	listening := socket(unix.AF_UNIX, unix.SOCK_STREAM)
	check(t, unix.Bind(listening, &unix.SockaddrUnix{Name: "@attack"}))
	check(t, unix.Listen(listening, 1))
	var pipe [2]int
	check(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
	t.Cleanup(func() { unix.Close(pipe[0]); unix.Close(pipe[1]) })
	fds := map[string]int{
		"/etc/passwd":            open(t, "/etc/passwd", unix.O_RDONLY),
		"a pipe":                 pipe[0],
		"a memfd":                memfd(t, 4096, sealed),
		"a listening socket":     listening,
		"an unconnected socket":  socket(unix.AF_UNIX, unix.SOCK_STREAM),
		"a datagram socket":      socket(unix.AF_UNIX, unix.SOCK_DGRAM),
		"a packet socket":        socket(unix.AF_UNIX, unix.SOCK_SEQPACKET),
		"a TCP socket":           socket(unix.AF_INET, unix.SOCK_STREAM),
		"a connected TCP socket": connectedTCP(t),
	}
	for name, fd := range fds {
		_, err := p.call(wire.OpConnect, wire.FlagFD, nil, fd)
		wantCode(t, "connection over "+name, err, claviger.ErrInvalidArgument)
	}
}

func connectedTCP(t *testing.T) int {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { l.Close() })
	conn := must(net.Dial("tcp", l.Addr().String()))(t)
	t.Cleanup(func() { conn.Close() })
	file := must(conn.(*net.TCPConn).File())(t)
	t.Cleanup(func() { file.Close() })
	return int(file.Fd())
}

// itself gives the daemon the other end of its own connection, before and after that one's hello: it talks to itself,
// understands nothing, and both ends are gone.
func itself(t *testing.T, d *daemontest.Daemon) {
	for _, greeted := range []bool{false, true} {
		loop := &peer{t: t, conn: connect(t, d.Socket, os.Getuid())}
		if greeted {
			check(t, loop.hello())
		}
		file := must(loop.conn.File())(t)
		p := newPeer(t, d, os.Getuid())
		must(p.call(wire.OpConnect, wire.FlagFD, nil, int(file.Fd())))(t)
		file.Close()
		if greeted { // the reply comes to the daemon as if it were a request
			must(loop.conn.Write(loop.frame(wire.OpPing, 0, nil)))(t)
		}
		loop.conn.Close()
		must(p.call(wire.OpPing, 0, nil))(t)
		p.conn.Close()
	}
}

// stays passes a region, changes its file under the daemon's hands and releases it: what was passed is closed with it.
func stays(t *testing.T, p *peer) {
	fd := memfd(t, 1<<20, sealed)
	h := must(wire.ParseNumber(must(p.call(wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, 1<<20), fd))(t)))(t)
	if err := unix.Ftruncate(fd, 0); err == nil {
		t.Error("a region that the daemon accepted can shrink")
	}
	check(t, p.release(h))
	_, err := p.data(wire.OpUpdate, wire.FlagRegion, wire.Data{Handle: unused, Region: wire.RegionRef{Handle: h, Length: 1}})
	wantCode(t, "a released region", err, claviger.ErrInvalidMemoryRegion)
}
