package server_test

import (
	"crypto/rand"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/wire"
)

// quick has short patience, so that tests of it are short.
func quick() servertest.Config {
	return servertest.Config{Server: server.Config{Hello: 200 * time.Millisecond, Frame: 200 * time.Millisecond}}
}

func TestWhoDoesNotSayHelloIsClosed(t *testing.T) {
	path := servertest.Start(t, quick()).Path
	hello := frame(wire.OpHello, 0, 1, 0, wire.Hello{Lowest: 1, Highest: 1}.Append(nil))
	long := wire.Header{Op: wire.OpHello, Length: wire.MaxHello + 1}.Append(nil)
	for _, c := range []struct {
		name string
		send []byte
		code claviger.Code // 0: closed without a word
	}{
		{"silence", nil, 0},
		{"half a header", hello[:10], 0},
		{"half a hello", hello[:30], 0},
		{"another frame first", frame(wire.OpPing, 0, 1, 0, nil), claviger.ErrInvalidOperation},
		{"a large frame first", wire.Header{Op: wire.OpImport, Length: wire.MaxControl}.Append(nil), claviger.ErrInvalidOperation},
		{"too long a hello", long, claviger.ErrInvalidFormat},
		{"not our magic", frame(wire.OpHello, 0, 1, 0, make([]byte, 24)), claviger.ErrInvalidFormat},
		{"an unknown version", frame(wire.OpHello, 0, 1, 0, wire.Hello{Lowest: 7, Highest: 9}.Append(nil)), claviger.ErrUnsupportedOperation},
		{"text", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), claviger.ErrInvalidFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := connect(t, path)
			start := time.Now()
			_, err := conn.Write(c.send)
			ok(t, err)
			if c.code != 0 {
				conn.wantError(c.code)
			}
			conn.wantClosed()
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("closed after %v", took)
			}
		})
	}
}

func TestFramesThatCannotBeTrustedEndTheConnection(t *testing.T) {
	path := servertest.Start(t, quick()).Path
	reserved := wire.Header{Op: wire.OpPing}.Append(nil)
	reserved[21] = 1
	for _, c := range []struct {
		name string
		send []byte
		code claviger.Code
	}{
		{"a second hello", frame(wire.OpHello, 0, 9, 0, wire.Hello{Lowest: 1, Highest: 1}.Append(nil)), claviger.ErrInvalidOperation},
		{"unknown flags", frame(wire.OpPing, 1<<9, 9, 0, nil), claviger.ErrInvalidFormat},
		{"a reply", frame(wire.OpPing, wire.FlagReply, 9, 0, nil), claviger.ErrInvalidFormat},
		{"reserved field", reserved, claviger.ErrInvalidFormat},
		{"oversized data", wire.Header{Op: wire.OpOneShot, Length: wire.MaxData + 1}.Append(nil), claviger.ErrInvalidFormat},
		{"oversized control", wire.Header{Op: wire.OpImport, Length: 0xFFFFFFFF}.Append(nil), claviger.ErrInvalidFormat},
		{"announced descriptor missing", frame(wire.OpConnect, wire.FlagFD, 9, 0, nil), claviger.ErrInvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := greeted(t, path)
			_, err := conn.Write(c.send)
			ok(t, err)
			conn.wantError(c.code)
			conn.wantClosed()
		})
	}
}

func TestWellFormedNonsenseIsAnsweredAndTheConnectionGoesOn(t *testing.T) {
	conn := greeted(t, servertest.Start(t, quick()).Path)
	for _, c := range []struct {
		op   wire.Op
		body []byte
		code claviger.Code
	}{
		{0x0666, []byte("?"), claviger.ErrUnsupportedOperation},
		{wire.ControlBit | 0x666, make([]byte, 100_000), claviger.ErrUnsupportedOperation},
		{wire.OpOneShot, []byte("short"), claviger.ErrInvalidFormat},
		{wire.OpOneShot, oneShot(77, []byte("x")), claviger.ErrResourceNotFound},
		{wire.OpResolve, []byte{0xFF, 0xFF, 0xFF}, claviger.ErrInvalidFormat},
		{wire.OpGenerate, []byte{0xFF, 0xFF, 0xFF}, claviger.ErrInvalidFormat},
	} {
		conn.send(c.op, 0, c.body)
		conn.wantError(c.code)
		conn.wantAlive()
	}
}

func TestSlowFramesAreCutOffAndIdleConnectionsAreNot(t *testing.T) {
	path := servertest.Start(t, quick()).Path
	idle, slow := greeted(t, path), greeted(t, path)
	whole := frame(wire.OpImport, 0, 5, 0, make([]byte, 3000))
	start := time.Now()
	for i := 0; ; i += 10 { // a byte now and then is not progress enough
		if _, err := slow.Write(whole[i : i+10]); err != nil {
			break
		}
		if time.Since(start) > 3*time.Second {
			t.Fatal("a frame may take 15 times its time")
		}
		time.Sleep(20 * time.Millisecond)
	}
	slow.wantClosed()
	idle.wantAlive()
}

func TestForeignDescriptorsAreClosed(t *testing.T) {
	path := servertest.Start(t, quick()).Path
	conn := greeted(t, path)
	conn.wantAlive()
	file, err := os.Open(os.DevNull)
	ok(t, err)
	defer file.Close()
	before := openFDs(t)
	for range 20 { // one that nobody announced is closed
		conn.id++
		conn.sendFDs(frame(wire.OpPing, 0, conn.id, 0, nil), int(file.Fd()))
		if h, _, err := conn.receive(); err != nil || h.ID != conn.id {
			t.Fatal(h, err)
		}
	}
	conn.wantAlive()
	flood := greeted(t, path)
	fd := int(file.Fd())
	flood.sendFDs(frame(wire.OpConnect, wire.FlagFD, 1, 0, nil), fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd, fd)
	flood.wantClosed()
	flood.Close()
	eventually(t, "all descriptors closed", func() bool { return openFDs(t) <= before })
}

func TestOnlyUnixStreamSocketsAreAdopted(t *testing.T) {
	conn := greeted(t, servertest.Start(t, quick()).Path)
	dgram, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	ok(t, err)
	unconnected, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	ok(t, err)
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	ok(t, err)
	var pipe [2]int
	ok(t, unix.Pipe(pipe[:]))
	for _, fd := range []int{dgram[0], unconnected, tcp, pipe[0]} {
		conn.id++
		conn.sendFDs(frame(wire.OpConnect, wire.FlagFD, conn.id, 0, nil), fd)
		conn.wantError(claviger.ErrInvalidArgument)
		conn.wantAlive()
	}
	for _, fd := range []int{dgram[0], dgram[1], unconnected, tcp, pipe[0], pipe[1]} {
		unix.Close(fd)
	}
}

func TestUnfitRegionsAreRefused(t *testing.T) {
	conn := greeted(t, servertest.Start(t, quick()).Path)
	const all = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	file, err := os.CreateTemp(t.TempDir(), "")
	ok(t, err)
	defer file.Close()
	ok(t, file.Truncate(4096))
	plain, err := unix.Dup(int(file.Fd()))
	ok(t, err)
	for _, c := range []struct {
		name string
		fd   int
		size uint64
	}{
		{"a file", plain, 4096},
		{"no seals", memfd(t, 4096, 0), 4096},
		{"may shrink", memfd(t, 4096, unix.F_SEAL_GROW|unix.F_SEAL_SEAL), 4096},
		{"may be unsealed", memfd(t, 4096, unix.F_SEAL_GROW|unix.F_SEAL_SHRINK), 4096},
		{"not writable", memfd(t, 4096, all|unix.F_SEAL_WRITE), 4096},
		{"smaller than announced", memfd(t, 4096, all), 8192},
		{"larger than announced", memfd(t, 8192, all), 4096},
		{"empty", memfd(t, 0, all), 0},
		{"huge announcement", memfd(t, 4096, all), 1 << 63},
	} {
		conn.id++
		conn.sendFDs(frame(wire.OpRegion, wire.FlagFD, conn.id, 0, number(c.size)), c.fd)
		if _, _, err := conn.receive(); claviger.CodeOf(err) != claviger.ErrInvalidMemoryRegion {
			t.Errorf("%s: %v", c.name, err)
		}
		conn.wantAlive()
		unix.Close(c.fd)
	}
}

func TestRegionReferencesAreChecked(t *testing.T) {
	conn := greeted(t, servertest.Start(t, quick()).Path)
	h := conn.macContext()
	const size = 1 << 20
	fd := memfd(t, size, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	defer unix.Close(fd)
	conn.id++
	conn.sendFDs(frame(wire.OpRegion, wire.FlagFD, conn.id, 0, number(size)), fd)
	_, body, err := conn.receive()
	ok(t, err)
	region, err := wire.ParseNumber(body)
	ok(t, err)
	for _, c := range []struct {
		ref wire.RegionRef
		ok  bool
	}{
		{wire.RegionRef{Handle: region, Length: size}, true},
		{wire.RegionRef{Handle: region, In: 1, Length: size}, false},
		{wire.RegionRef{Handle: region, In: ^uint64(0) - 3, Length: 8}, false},
		{wire.RegionRef{Handle: region, Length: ^uint64(0)}, false},
		{wire.RegionRef{Handle: region, Length: 1, Out: size + 1}, false},
		{wire.RegionRef{Handle: h, Length: 1}, false},
		{wire.RegionRef{Handle: 4711, Length: 1}, false},
	} {
		d := wire.Data{Handle: h, Region: c.ref}
		conn.send(wire.OpOneShot, wire.FlagRegion, d.Append(nil, wire.FlagRegion))
		_, out, err := conn.receive()
		if c.ok != (err == nil) || err != nil && claviger.CodeOf(err) != claviger.ErrInvalidMemoryRegion || err == nil && len(out) != 32 {
			t.Errorf("%+v: %d bytes, %v", c.ref, len(out), err)
		}
	}
	conn.wantAlive()
}

func TestAClientThatNeverReadsIsCutOffAndHarmsNobody(t *testing.T) {
	path := servertest.Start(t, quick()).Path
	deaf, other := greeted(t, path), greeted(t, path)
	h := deaf.macContext()
	many := make([]byte, 0, 1<<20)
	for i := range 8000 {
		many = append(many, frame(wire.OpOneShot, 0, uint64(i+100), 0, oneShot(h, []byte("message")))...)
	}
	start := time.Now()
	for {
		if _, err := deaf.Write(many); err != nil {
			break
		}
		if time.Since(start) > 9*time.Second {
			t.Fatal("the daemon goes on reading")
		}
	}
	other.wantAlive()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapInuse > 200<<20 {
		t.Errorf("%d MiB of heap in use", m.HeapInuse>>20)
	}
}

func TestAThousandBadConnectionsDoNotDisturb(t *testing.T) {
	path := servertest.Start(t, quick()).Path
	good := greeted(t, path)
	h := good.macContext()
	var wg sync.WaitGroup
	for i := range 1000 {
		if i%50 == 0 {
			wg.Wait()
		}
		wg.Go(func() {
			c, err := net.Dial("unix", path)
			if err != nil {
				return // over the limit of connections
			}
			defer c.Close()
			switch i % 4 {
			case 0: // silent
			case 1:
				_, _ = c.Write(frame(wire.OpImport, 0, 1, 0, make([]byte, 1000)))
			case 2:
				_, _ = io.CopyN(c, rand.Reader, 4000)
			case 3:
				_, _ = c.Write(wire.Header{Op: wire.OpHello, Length: 500}.Append(nil))
			}
			time.Sleep(time.Millisecond)
		})
		if i%10 == 0 {
			good.send(wire.OpOneShot, 0, oneShot(h, []byte("message")))
			if _, out, err := good.receive(); err != nil || len(out) != 32 {
				t.Fatal(len(out), err)
			}
		}
	}
	wg.Wait()
	good.wantAlive()
}

func TestConnectionsOfOneUserAreBounded(t *testing.T) {
	cfg := quick()
	cfg.Server.PerUID = 3
	path := servertest.Start(t, cfg).Path
	first, second, third := greeted(t, path), greeted(t, path), greeted(t, path)
	connect(t, path).wantClosed()
	third.Close()
	eventually(t, "a place is free again", func() bool {
		c := connect(t, path)
		_, _ = c.Write(frame(wire.OpHello, 0, 1, 0, wire.Hello{Lowest: 1, Highest: 1}.Append(nil)))
		_, _, err := c.receive()
		c.Close()
		return err == nil
	})
	first.wantAlive()
	second.wantAlive()
}
