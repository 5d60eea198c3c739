package tokens

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/test/daemontest"
)

// TestNoWorkerOutlivesItsDaemon holds that, however the daemon ends, whatever the worker does.
func TestNoWorkerOutlivesItsDaemon(t *testing.T) {
	ends := map[string]func(*Rig, *testing.T){"SIGKILL": func(r *Rig, _ *testing.T) { r.Kill() }, "SIGTERM": func(r *Rig, t *testing.T) { r.Stop(t) }}
	for name, end := range ends {
		t.Run(name+" while it works", func(t *testing.T) {
			r := Start(t, Options{})
			pid := r.worker(t)
			end(r, t)
			eventually(t, "the worker has ended", func() bool { return !runs(pid) })
		})
		t.Run(name+" while its module hangs", func(t *testing.T) {
			k := SoftHSM(t)
			h := NewHostile(t, k.Module)
			h.LogAll = true
			r := Start(t, Options{Token: k, Hostile: h})
			pid := r.worker(t)
			h.Command("C_GenerateRandom sleep")
			u := r.connect(t)
			wantCode(t, u.random(TokenID, 200*time.Millisecond), claviger.ErrOperationTimedOut)
			if h.Calls("C_GenerateRandom") == 0 {
				t.Error("the module was not called")
			}
			end(r, t)
			eventually(t, "the worker has ended", func() bool { return !runs(pid) })
		})
	}
}

// bare starts the daemon of a rig without waiting until it serves.
func (r *Rig) bare(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(daemontest.Binary(t), "serve", "--config", r.Config)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if r.UID != os.Getuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(r.UID), Gid: uint32(r.UID), Groups: []uint32{}}
	}
	ok(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// children waits until a daemon has a child.
func children(t *testing.T, cmd *exec.Cmd) (pids []int) {
	t.Helper()
	for len(pids) == 0 {
		if !runs(cmd.Process.Pid) {
			t.Fatal("the daemon has ended by itself")
		}
		pids = workers(cmd.Process.Pid)
	}
	return pids
}

// gone waits until processes have ended.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return !runs(pid) })
	}
}

// TestNoWorkerOutlivesItsStart holds that for a daemon that ends while it starts its worker: as early as a test can see that, and while
// the module does not come up.
func TestNoWorkerOutlivesItsStart(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	r := Start(t, Options{Token: k, Hostile: h})
	r.Stop(t)
	for range 8 {
		cmd := r.bare(t)
		pids := children(t, cmd)
		ok(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		gone(t, pids)
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		h.Reset()
		h.Command("C_Initialize sleep")
		cmd := r.bare(t)
		h.Await("C_Initialize", 1)
		pids := children(t, cmd)
		start := time.Now()
		ok(t, cmd.Process.Signal(sig))
		if err := cmd.Wait(); sig == syscall.SIGTERM && (err != nil || time.Since(start) > 8*time.Second) {
			t.Errorf("SIGTERM ends the daemon with %v after %v", err, time.Since(start))
		}
		gone(t, pids)
	}
}
