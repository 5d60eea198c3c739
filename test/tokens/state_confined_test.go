package tokens

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// statusOf gives the fields of a process's status (proc_pid_status(5)).
func statusOf(t testing.TB, pid int) map[string]string {
	t.Helper()
	fields := make(map[string]string)
	for line := range strings.Lines(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)))(t))) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.Join(strings.Fields(value), " ")
	}
	return fields
}

// runs reports whether a process runs: it is there, and no one has ended it.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// mapped reports whether a process has mapped a file.
func mapped(t testing.TB, pid int, file string) bool {
	t.Helper()
	real := must(filepath.EvalSymlinks(file))(t)
	return strings.Contains(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid)))(t)), real)
}

// confined holds what keeps the worker of a rig from harm, as the kernel tells it, and that the module is there and nowhere else.
func (r *Rig) confined(t *testing.T) {
	t.Helper()
	pid := r.worker(t)
	status := statusOf(t, pid)
	id := strings.TrimSpace(strings.Repeat(strconv.Itoa(r.Worker)+" ", 4))
	for field, want := range map[string]string{"NoNewPrivs": "1", "Seccomp": "2", "Uid": id, "Gid": id, "Groups": "", "CapPrm": "0000000000000000",
		"CapEff": "0000000000000000", "CapAmb": "0000000000000000"} {
		equal(t, "the worker's "+field, status[field], want)
	}
	sockets := 0
	for _, entry := range must(os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)))(t) {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, entry.Name()))
		standard := slices.Contains([]string{"0", "1", "2"}, entry.Name()) && (target == "/dev/null" || strings.HasPrefix(target, "pipe:"))
		runtime := strings.HasPrefix(target, "anon_inode:[event")
		if strings.HasPrefix(target, "socket:") {
			sockets++
		} else if !standard && !runtime && !strings.HasPrefix(target, r.Token.Store) {
			t.Errorf("the worker has descriptor %s open: %s", entry.Name(), target)
		}
	}
	equal(t, "sockets of the worker", sockets, 1)
	environment := strings.Split(strings.TrimRight(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)))(t)), "\x00"), "\x00")
	if !slices.Equal(environment, r.Token.Env()) {
		t.Errorf("the worker has the environment %q, want what is configured", environment)
	}
	if !mapped(t, pid, r.Token.Module) || mapped(t, r.PID(), r.Token.Module) {
		t.Errorf("the module is mapped by the worker: %v, by the daemon: %v", mapped(t, pid, r.Token.Module), mapped(t, r.PID(), r.Token.Module))
	}
}

// TestTheWorkerIsShutIn holds the confinement of a worker that works.
func TestTheWorkerIsShutIn(t *testing.T) {
	daemontest.NeedRoot(t) // to look into the process
	for name, o := range map[string]Options{"daemon's user": {}, "user of its own": {Root: true, User: daemontest.UserB}} {
		t.Run(name, func(t *testing.T) {
			r := Start(t, o)
			u := r.connect(t)
			u.generate(t, "token/signing", "token/data")
			u.signs(t, u.slot(t, "token/signing"))
			r.confined(t)
			detail := u.provider(t, TokenID).Detail
			for _, word := range []string{fmt.Sprintf("uid %d", r.Worker), "landlock", "seccomp", "no network"} {
				if !strings.Contains(detail, word) {
					t.Errorf("the provider says %q, which does not tell of %q", detail, word)
				}
			}
			before := r.worker(t)
			r.killWorker(t)
			eventually(t, "another worker", func() bool { p := u.provider(t, TokenID); return p.Available && p.Restarts == 1 })
			u.signs(t, u.slot(t, "token/signing"))
			r.confined(t)
			equal(t, "the worker is the same", r.worker(t) == before, false)
		})
	}
}

// TestAUserThatCannotBeHadIsNamed holds that a daemon without root's rights does not start a worker that was to be another user.
func TestAUserThatCannotBeHadIsNamed(t *testing.T) {
	r := Start(t, Options{Fields: fmt.Sprintf("user = %d", daemontest.UserB)})
	u := r.connect(t)
	u.awaitAway(t, fmt.Sprintf("uid %d", daemontest.UserB))
	r.complains(t, r.check(t), "sandbox", fmt.Sprintf("uid %d", daemontest.UserB))
	if pids := workers(r.PID()); len(pids) != 0 {
		t.Errorf("the daemon has the children %v", pids)
	}
	u.generate(t, "software/signing")
}
