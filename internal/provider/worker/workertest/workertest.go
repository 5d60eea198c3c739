// Package workertest joins both ends of a worker inside a test's process: a provider over any device, with nothing but the
// socket pair between them. Killing such a worker closes its end; foreign code that hangs goes on hanging.
package workertest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/sock"
)

// New gives a provider over the devices that open makes, one for each start of the worker. c needs no Start. It is closed with the test,
// unless it is closed before.
func New(t testing.TB, c worker.Config, open worker.Opener) *worker.Provider {
	t.Helper()
	c.Start = func(context.Context) (worker.Process, error) { return start(open) }
	p := worker.New(c)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// process is a worker in this process.
type process struct {
	near, far *net.UnixConn
	kill      sync.Once
	ended     chan error
}

func start(open worker.Opener) (*process, error) {
	near, fd, err := sock.Pair()
	if err != nil {
		return nil, err
	}
	far, err := sock.Adopt(fd)
	if err != nil {
		return nil, err
	}
	p := &process{near: near, far: far, ended: make(chan error, 1)}
	go func() { p.ended <- worker.Serve(far, open) }()
	return p, nil
}

// Conn is the daemon's end.
func (p *process) Conn() *net.UnixConn { return p.near }

// Kill closes the worker's end.
func (p *process) Kill() { p.kill.Do(func() { p.far.Close() }) }

// Wait does not wait for foreign code that hangs.
func (p *process) Wait() error {
	p.Kill()
	select {
	case err := <-p.ended:
		return err
	default:
		return nil
	}
}

// Detail says that nothing is confined.
func (p *process) Detail() string { return "in this process" }

// Open is the device of a provider that needs no opening, for New.
func Open(p func() provider.Provider) worker.Opener {
	return func([]byte) (provider.Device, error) { return plain{open: p}, nil }
}

// plain is a device that is always there.
type plain struct{ open func() provider.Provider }

// Open finds it.
func (d plain) Open(context.Context) (provider.Lock, error) {
	return provider.Lock{Detail: "a device", Sessions: 8}, nil
}

// Unlock wants no PIN.
func (d plain) Unlock(context.Context, []byte) (provider.Provider, error) { return d.open(), nil }

// Close has nothing to give back.
func (d plain) Close() error { return nil }
