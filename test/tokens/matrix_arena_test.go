package tokens

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// What is waited for.
const (
	// allowance is by how much an answer may come after its deadline: 20 ms are promised, a busy machine gets more.
	allowance = 100 * time.Millisecond
	// recovery is how long a token may take to be of use again once its module behaves.
	recovery = 5 * time.Second
	// hang is how long a call may last in an arena's worker.
	hang = 200 * time.Millisecond
)

// arena is a daemon whose token misbehaves on command, with slots in the token that hold keys of which the test knows what they do.
type arena struct {
	*Rig
	*user
	h      *Hostile
	held   *client.Signer   // with the key of token/signing; it was made before anything went wrong
	public *ecdsa.PublicKey // of token/signing
	data   cipher.AEAD      // what token/data does
	code   []byte           // the key of token/mac
	own    *ecdh.PrivateKey // the key of token/agree
	right  []byte           // a signature of message by token/signing
	slots  map[string]*client.KeySlot
}

// resources are those of a second tenant: it uses software, and of the token what everybody may.
const resources = `
[[app]]
name = "other"
uid = {{.UserA}}
[app.resources]
"software/signing" = { slot = "software/signing" }
"token/signing" = { slot = "token/signing" }
"token/mac" = { slot = "token/mac" }
`

// startArena starts a daemon as it is wanted, with a hostile module that behaves, and fills the slots.
func startArena(t testing.TB, o Options) *arena {
	t.Helper()
	token := SoftHSM(t)
	a := &arena{h: NewHostile(t, token.Module), slots: map[string]*client.KeySlot{}}
	o.Token, o.Hostile, o.Resources = token, a.h, o.Resources+resources
	if o.Sessions == 0 {
		o.Sessions = 8
	}
	a.Rig = Start(t, o)
	a.unprivileged(t)
	a.user = a.connect(t)
	for _, s := range DefaultSlots() {
		a.slots[s.Name] = a.slot(t, s.Name)
	}
	a.generate(t, "token/signing", "software/signing", "software/data")
	a.fill(t)
	a.held = must(a.cc.NewSigner(a.ctx, a.signing()))(t)
	a.right = must(a.held.Sign(a.ctx, nil, []byte(message)))(t)
	return a
}

// unprivileged holds that neither daemon nor worker is root where the test could make them so.
func (r *Rig) unprivileged(t testing.TB) {
	t.Helper()
	for _, pid := range []int{r.PID(), r.worker(t)} {
		status := must(os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)))(t)
		want := fmt.Sprintf("\nUid:\t%d\t%d\t%d\t%d\n", r.UID, r.UID, r.UID, r.UID)
		if !strings.Contains(string(status), want) || r.UID == 0 {
			t.Errorf("process %d does not run as user %d:\n%s", pid, r.UID, status)
		}
	}
}

// fill imports keys that the test knows.
func (a *arena) fill(t testing.TB) {
	t.Helper()
	put := func(name string, format claviger.Format, key []byte) {
		t.Helper()
		must(a.keys(t, client.ProviderSelector{}).ImportIn(a.ctx, a.slots[name], client.ImportParams{Format: format, Data: key}))(t)
	}
	key := make([]byte, 32)
	rand.Read(key)
	a.data = must(cipher.NewGCM(must(aes.NewCipher(key))(t)))(t)
	put("token/data", claviger.Raw, key)
	a.code = bytes.Repeat([]byte{7}, 32)
	put("token/mac", claviger.Raw, a.code)
	a.own = must(ecdh.P256().GenerateKey(rand.Reader))(t)
	put("token/agree", claviger.DER, must(x509.MarshalPKCS8PrivateKey(a.own))(t))
	key2, der, err := a.keys(t, client.ProviderSelector{}).PublicKey(a.ctx, a.slots["token/signing"], claviger.DER)
	ok(t, err)
	ok(t, key2.Close())
	a.public = must(x509.ParsePKIXPublicKey(der))(t).(*ecdsa.PublicKey)
}

// signing is how token/signing is used.
func (a *arena) signing() client.SignerConfig {
	return client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: a.slots["token/signing"], DER: true}
}

// recovers waits until the keys in the token serve as they did, in a context that was made before and in a new one, and until the slots
// that drills write are empty. It gives how long that took. What hangs still may end the worker once more meanwhile.
func (a *arena) recovers(t testing.TB) time.Duration {
	t.Helper()
	var last error
	start := time.Now()
	for time.Since(start) < recovery {
		if last = a.serves(); last == nil {
			last = a.tidy(a.ctx)
		}
		if last == nil {
			return time.Since(start)
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("the token is of no use after %v without misbehaviour: %v\n%s", recovery, last, a.lastLog())
	return 0
}

// lastLog is the end of the daemon's log.
func (a *arena) lastLog() string {
	text := a.Log()
	return text[max(0, len(text)-4096):]
}

// serves uses the token. Its time is generous, because an answer is wanted and not a timeout.
func (a *arena) serves() error {
	ctx, cancel := context.WithTimeout(a.ctx, 2*recovery)
	defer cancel()
	signature, err := a.held.Sign(ctx, nil, []byte(message))
	if err == nil {
		err = a.judged(signature)
	}
	if err != nil {
		return err
	}
	if err := drillOpen(ctx, a); err != nil {
		return err
	}
	return drillCodeStream(ctx, a)
}

// applied tells how often the commands of this moment have been applied; they must have a count.
func (h *Hostile) applied() int {
	h.t.Helper()
	text, err := os.ReadFile(h.used())
	if err != nil {
		h.t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, fmt.Sprintf("%d ", h.generation)) {
			n++
		}
	}
	return n
}

// dialOther connects as the second tenant. The test must be root for that; else the tenant is the first one again, in a session of
// its own.
func (r *Rig) dialOther(t testing.TB) *user {
	t.Helper()
	if os.Getuid() != 0 {
		return r.connect(t)
	}
	var u *user
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		const keep = ^uintptr(0)
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, keep, daemontest.UserA, keep); e != 0 {
			done <- e
			return
		}
		uid := uint32(r.UID)
		stack, err := client.Dial(context.Background(), client.Config{Endpoint: "unix://" + r.Socket, DaemonUID: &uid})
		if err == nil {
			u = &user{ctx: t.Context(), stack: stack}
			u.cc, err = stack.CryptoContext()
		}
		done <- err
	}()
	ok(t, <-done)
	t.Cleanup(func() { u.stack.Close() })
	equal(t, "tenant", u.stack.Tenant(), "other")
	return u
}

// bystander is a tenant who works, without a pause, with what does not misbehave.
type bystander struct {
	stop context.CancelFunc
	wg   sync.WaitGroup
	took []time.Duration // of each call; read once it has stopped
}

// watch has a tenant sign by software until done is called, which the test does at its latest when it ends. Each call has to succeed.
func (u *user) watch(t testing.TB) *bystander {
	t.Helper()
	cc := must(u.stack.CryptoContext())(t)
	slot := must(cc.KeySlot(u.ctx, "software/signing"))(t)
	signer := must(cc.NewSigner(u.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: slot, Timeout: 2 * time.Second}))(t)
	equal(t, "provider", signer.Provider(), SoftwareID)
	ctx, stop := context.WithCancel(context.Background())
	b := &bystander{stop: stop}
	b.wg.Go(func() {
		defer cc.Close()
		for ctx.Err() == nil {
			start := time.Now()
			if _, err := signer.Sign(context.Background(), nil, []byte(message)); err != nil {
				t.Errorf("tenant %q uses software, and got: %v", u.stack.Tenant(), err)
				return
			}
			b.took = append(b.took, time.Since(start))
			time.Sleep(time.Millisecond) // the machine is the others' too
		}
	})
	t.Cleanup(b.done)
	return b
}

// done ends the work.
func (b *bystander) done() {
	b.stop()
	b.wg.Wait()
}

// holdings are what a daemon has at a moment.
type holdings struct {
	descriptors, workers             int
	keys, handles, contexts, running int
	held                             uint64
	loaded                           uint64
}

// holdings counts.
func (a *arena) holdings(t testing.TB) holdings {
	t.Helper()
	h := holdings{workers: len(workers(a.PID())), descriptors: len(a.descriptors(t))}
	status := must(a.stack.Status(a.ctx))(t)
	h.loaded = status.LoadedSlots
	for _, tenant := range status.Tenants {
		h.keys, h.handles, h.contexts = h.keys+tenant.Keys, h.handles+tenant.Handles, h.contexts+tenant.Contexts
		h.running, h.held = h.running+tenant.InFlight, h.held+tenant.HeldBytes
		h.descriptors -= tenant.Connections // clients open and close them as they need them
	}
	return h
}

// settled counts when no call is under way any longer, and counts twice alike: the last one may have been answered a moment ago
// and not be done with.
func (a *arena) settled(t testing.TB) (h holdings) {
	t.Helper()
	eventually(t, "the daemon rests", func() bool {
		last := h
		h = a.holdings(t)
		return h == last && h.running == 0 && h.held == 0
	})
	return h
}

// descriptors tells what the daemon has open.
func (r *Rig) descriptors(t testing.TB) (list []string) {
	t.Helper()
	for _, link := range must(filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", r.PID())))(t) {
		if to, err := os.Readlink(link); err == nil {
			list = append(list, to)
		}
	}
	return list
}

// nothingLeft holds that the daemon has what it had before, and the token no more sessions than it may.
func (a *arena) nothingLeft(t testing.TB, before holdings, sessions int) {
	t.Helper()
	var now holdings
	for deadline := time.Now().Add(2 * recovery); ; time.Sleep(20 * time.Millisecond) {
		if now = a.holdings(t); now == before {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("the daemon has %+v, and had %+v; its descriptors are %v", now, before, a.descriptors(t))
			break
		}
	}
	if n := a.h.OpenSessions(); n > sessions || n < 1 {
		t.Errorf("%d sessions are open in the token, %d may be", n, sessions)
	}
	threads := 0
	for line := range strings.Lines(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/status", a.PID())))(t))) {
		_, _ = fmt.Sscanf(line, "Threads: %d", &threads)
	}
	if threads < 1 || threads > 64 {
		t.Errorf("the daemon has %d threads", threads)
	}
	t.Logf("the daemon has %+v and %d threads; %d sessions are open in the token", now, threads, a.h.OpenSessions())
}

// wrongResult is an answer that is not what was asked for.
type wrongResult struct{ what string }

func (w wrongResult) Error() string { return "wrong result: " + w.what }
