package worker_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/provider/worker/workertest"
)

// TestADaemonThatStopsWaitsForTheToken: a login is not cut off, because a module may be writing its token; and the device is closed.
func TestADaemonThatStopsWaitsForTheToken(t *testing.T) {
	begun, ended := make(chan struct{}), atomic.Bool{}
	d := &token{lock: provider.Lock{Sessions: 4}, unlocking: func() error {
		close(begun)
		time.Sleep(100 * time.Millisecond)
		ended.Store(true)
		return nil
	}}
	p := workertest.New(t, worker.Config{Name: "token", HangAfter: long}, func([]byte) (provider.Device, error) { return d, nil })
	<-begun
	if err := p.Close(); err != nil || !ended.Load() || d.shuts.Load() != 1 {
		t.Errorf("%v; the login ended: %t; the device was closed %d times", err, ended.Load(), d.shuts.Load())
	}
}

// TestADaemonThatStopsWaitsForCalls whose callers have gone, and for what follows from them.
func TestADaemonThatStopsWaitsForCalls(t *testing.T) {
	var begun sync.WaitGroup
	begun.Add(2)
	ended := atomic.Bool{}
	d := new(token)
	p := rig(t, d, worker.Config{HangAfter: long})
	k := generate(t, p)
	d.acts(func(op provider.Op) error {
		begun.Done()
		if op == provider.Generate { // its key is given back to the worker while the other call goes on
			time.Sleep(50 * time.Millisecond)
			return nil
		}
		time.Sleep(200 * time.Millisecond)
		ended.Store(true)
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { begun.Wait(); cancel() }()
	made := make(chan error, 1)
	go func() {
		_, err := p.Generate(ctx, provider.Spec{Algorithm: "HMAC-SHA-256"})
		made <- err
	}()
	_, err := mac(ctx, k)
	wants(t, "the caller has gone", err, claviger.ErrOperationFailed, context.Canceled)
	wants(t, "the other caller has gone", <-made, claviger.ErrOperationFailed, context.Canceled)
	if err := p.Close(); err != nil || !ended.Load() || d.shuts.Load() != 1 {
		t.Errorf("%v; the call ended: %t; the device was closed %d times", err, ended.Load(), d.shuts.Load())
	}
	_, err = mac(t.Context(), k)
	wants(t, "afterwards", err, claviger.ErrProviderNotAvailable, nil)
}

// TestADaemonThatStopsDoesNotWaitForACallThatHangs longer than for any other.
func TestADaemonThatStopsDoesNotWaitForACallThatHangs(t *testing.T) {
	d := new(token)
	p := rig(t, d, worker.Config{HangAfter: 200 * time.Millisecond})
	k := generate(t, p)
	hold := make(chan struct{})
	defer close(hold)
	d.acts(func(provider.Op) error { <-hold; return nil })
	_, err := mac(within(t, 20*time.Millisecond), k)
	wants(t, "the deadline", err, claviger.ErrOperationTimedOut, context.DeadlineExceeded)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
