package daemon

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// notify tells the service manager a state (sd_notify(3)): "READY=1", "STOPPING=1". Without a manager that wants to
// know, it does nothing.
func notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	if name[0] != '/' && name[0] != '@' {
		return claviger.Errorf(claviger.ErrInvalidArgument, "notify", "$NOTIFY_SOCKET is neither a path nor an abstract name")
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return claviger.WrapError(claviger.ErrOperationFailed, "notify", err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return claviger.WrapError(claviger.ErrOperationFailed, "notify", err)
}

// reloading is the state that a reload begins with; the manager wants the monotonic clock with it.
func reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}
