// Package sock makes single system calls on unix stream sockets: reads and writes that never wait and never allocate,
// descriptors that travel with bytes, and what the kernel says about the other end. Waiting is done by Go's poller
// through syscall.RawConn, in whose functions these calls are made. Linux only.
package sock

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BufferSize is how many bytes of socket buffer Grow asks for.
const BufferSize = 2 << 20

// ErrAgain says that a call would have to wait.
var ErrAgain = errors.New("would wait")

// Recv reads once into p, which must not be empty. The error is ErrAgain, io.EOF, or what the system said. Descriptors
// that come with the bytes are closed by the kernel.
func Recv(fd uintptr, p []byte) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
		if e == unix.EINTR {
			continue
		}
		return received(int(n), e)
	}
}

// Send writes once. It returns how many bytes went, possibly fewer than len(p), and ErrAgain if none did.
func Send(fd uintptr, p []byte) (int, error) {
	for len(p) > 0 {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, ErrAgain
		}
		return 0, os.NewSyscallError("send", e)
	}
	return 0, nil
}

// SendFD writes once as Send does; the descriptor travels with the first byte of p. It stays open here.
func SendFD(fd uintptr, p []byte, pass int) (int, error) {
	for {
		n, err := unix.SendmsgN(int(fd), p, unix.UnixRights(pass), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, ErrAgain
		}
		return 0, os.NewSyscallError("sendmsg", err)
	}
}

func received(n int, e unix.Errno) (int, error) {
	switch {
	case e == unix.EAGAIN:
		return 0, ErrAgain
	case e != 0:
		return 0, os.NewSyscallError("recv", e)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Receiver reads bytes and the descriptors that come with them. The zero value is ready; it is for one goroutine at a
// time and must not be copied after its first use.
type Receiver struct {
	msg unix.Msghdr
	iov unix.Iovec
	oob [64]byte // room for 8 descriptors and more, so that too many are seen rather than cut off
}

// Recv reads once into p as the function Recv does. Descriptors that came are appended to fds, close-on-exec and owned
// by the caller. more says that there were some that did not fit; the kernel has closed those.
func (r *Receiver) Recv(fd uintptr, p []byte, fds []int) (n int, got []int, more bool, err error) {
	r.iov.Base = unsafe.SliceData(p)
	r.iov.SetLen(len(p))
	r.msg.Iov = &r.iov
	r.msg.SetIovlen(1)
	r.msg.Control = &r.oob[0]
	for {
		r.msg.SetControllen(len(r.oob))
		r.msg.Flags = 0
		got, _, e := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&r.msg)), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if e == unix.EINTR {
			continue
		}
		runtime.KeepAlive(r)
		r.iov.Base = nil
		n, err = received(int(got), e)
		break
	}
	if err != nil {
		return 0, fds, false, err
	}
	more = r.msg.Flags&unix.MSG_CTRUNC != 0
	if r.msg.Controllen == 0 {
		return n, fds, more, nil
	}
	return n, appendRights(fds, r.oob[:r.msg.Controllen]), more, nil
}

func appendRights(fds []int, oob []byte) []int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fds
	}
	for i := range messages {
		if list, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, list...)
		}
	}
	return fds
}

// Peer is what the kernel reports about the other end of a connected socket: who connected, at the time of connecting.
type Peer struct {
	UID, GID uint32
	PID      int32
	PIDFD    int // descriptor of the process, -1 where the kernel gives none; owned by the caller
}

// PeerOf asks the kernel about the other end of c. withFD asks for the descriptor of the process too.
func PeerOf(c *net.UnixConn, withFD bool) (Peer, error) {
	p := Peer{PIDFD: -1}
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); failed != nil {
			return
		}
		p.UID, p.GID, p.PID = cred.Uid, cred.Gid, cred.Pid
		if !withFD {
			return
		}
		if pidfd, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PEERPIDFD); err == nil {
			p.PIDFD = pidfd
		}
	})
	return p, errors.Join(err, failed)
}

// Grow asks for BufferSize bytes of socket buffer each way, beyond the system's limit where the process may. Smaller
// buffers only cost speed, so nothing is reported.
func Grow(c *net.UnixConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		for _, o := range [][2]int{{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}} {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[0], BufferSize) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[1], BufferSize)
			}
		}
	})
}

// Adopt makes a connection of a descriptor, which it takes over also on an error. A descriptor that is not a connected
// unix stream socket is refused.
func Adopt(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "socket")
	if f == nil {
		return nil, os.ErrInvalid
	}
	defer f.Close() // FileConn has a duplicate of its own
	for _, o := range [][2]int{{unix.SO_DOMAIN, unix.AF_UNIX}, {unix.SO_TYPE, unix.SOCK_STREAM}, {unix.SO_ACCEPTCONN, 0}} {
		v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o[0])
		if err != nil {
			return nil, os.NewSyscallError("getsockopt", err)
		}
		if v != o[1] {
			return nil, errors.New("not a connected unix stream socket")
		}
	}
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok || u.RemoteAddr() == nil {
		c.Close()
		return nil, errors.New("not a connected unix stream socket")
	}
	return u, nil
}

// Pair makes two connected ends: one as a connection, the other as a bare close-on-exec descriptor to pass on, which
// the caller closes.
func Pair() (*net.UnixConn, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	c, err := Adopt(fds[0])
	if err != nil {
		unix.Close(fds[1])
		return nil, -1, err
	}
	return c, fds[1], nil
}

// retryConnect is how long Connect sleeps between attempts while the listener's backlog is full.
const retryConnect = 2 * time.Millisecond

// Connect connects to the socket at path. While the listener's backlog is full it tries again until give closes, and
// then returns os.ErrDeadlineExceeded. A nil channel never closes.
func Connect(path string, give <-chan struct{}) (*net.UnixConn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	for {
		switch err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err {
		case nil:
			return Adopt(fd)
		case unix.EINTR:
			continue
		case unix.EAGAIN:
		default:
			unix.Close(fd)
			return nil, os.NewSyscallError("connect", err)
		}
		select {
		case <-give:
			unix.Close(fd)
			return nil, os.ErrDeadlineExceeded
		case <-time.After(retryConnect):
		}
	}
}
