package tokens

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// ledger is what a slot of a token must hold.
type ledger struct {
	slot    string
	codes   map[uint64][]byte // of message, by version; nil where the daemon was gone before it could tell
	pending bool              // a key was being made when the daemon was killed
	made    int               // keys that were acknowledged
	found   int               // keys that were not, and are there
}

// write makes keys in the slot until the daemon is gone.
func (l *ledger) write(t *testing.T, u *user) {
	l.pending = false
	err := func() error {
		slot, err := u.cc.KeySlot(u.ctx, l.slot)
		if err != nil {
			return err
		}
		km, err := u.cc.NewKeyManager(u.ctx, client.KeyManagerConfig{Timeout: client.NoTimeout})
		if err != nil {
			return err
		}
		for {
			l.pending = true
			version, err := km.GenerateIn(u.ctx, slot, client.GenerateParams{Rotate: true})
			if err != nil {
				return err
			}
			l.pending = false
			l.made++
			l.codes[version] = nil
			if l.codes[version], err = u.codeBy(slot); err != nil {
				return err
			}
		}
	}()
	if !errors.Is(err, claviger.ErrConnectionFailed) {
		t.Errorf("slot %s: %v", l.slot, err)
	}
}

// codeBy gives the code of message under a key.
func (u *user) codeBy(key client.KeySource) ([]byte, error) {
	m, err := u.cc.NewMAC(u.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key, Timeout: client.NoTimeout})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return m.Sum(u.ctx, nil, []byte(message))
}

// check holds the slot against the ledger: what was acknowledged is there, at most one key more is, and all of them work as before and
// have their objects, which are struck off.
func (l *ledger) check(t *testing.T, u *user, objects map[string]int) {
	info := must(u.slot(t, l.slot).Info(u.ctx))(t)
	there := map[uint64]bool{}
	for i, v := range info.Versions {
		there[v.Version] = true
		code, acknowledged := l.codes[v.Version]
		if !acknowledged && !l.pending {
			t.Errorf("slot %s has a version %d that nobody has made", l.slot, v.Version)
		}
		if !acknowledged {
			l.pending = false
			l.found++
		}
		if objects[v.ID] != 1 {
			t.Errorf("slot %s version %d has %d objects in the token", l.slot, v.Version, objects[v.ID])
		}
		delete(objects, v.ID)
		l.codes[v.Version] = l.works(t, u, v.Version, i == len(info.Versions)-1, code)
	}
	for version := range l.codes {
		if !there[version] {
			t.Errorf("slot %s version %d was acknowledged and is gone", l.slot, version)
		}
	}
}

// works holds that a version makes, or where it is not the newest knows, the code that it made before, if anybody has seen one.
func (l *ledger) works(t *testing.T, u *user, version uint64, newest bool, code []byte) []byte {
	t.Helper()
	m := must(u.cc.NewMAC(u.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: u.slot(t, l.slot).Version(version)}))(t)
	defer m.Close()
	if newest {
		got := must(m.Sum(u.ctx, nil, []byte(message)))(t)
		if code != nil && !bytes.Equal(got, code) {
			t.Errorf("slot %s version %d makes another code than before", l.slot, version)
		}
		return got
	}
	probe := code
	if probe == nil {
		probe = make([]byte, 32)
	}
	if right := must(m.Verify(u.ctx, []byte(message), probe))(t); right != (code != nil) {
		t.Errorf("slot %s version %d: its code of before is said to be %t", l.slot, version, right)
	}
	return code
}

// TestKilledDaemonsLeaveNoSlotWithoutItsKey: SIGKILL while keys are copied into the token, and between that and the record of the slot.
// What was acknowledged is there and works, what was not is absent or whole; objects without a slot may be left in the token, never a
// slot without its object. It kills 10 times, or as CLAVIGER_ROUNDS says.
func TestKilledDaemonsLeaveNoSlotWithoutItsKey(t *testing.T) {
	t.Parallel()
	var o Options
	var ledgers []*ledger
	for i := range 3 {
		name := fmt.Sprintf("crash/%d", i)
		o.Slots = append(o.Slots, Slot{name, "HMAC-SHA-256", []string{"token"}, []string{"mac"}})
		ledgers = append(ledgers, &ledger{slot: name, codes: map[uint64][]byte{}})
	}
	o.Token = SoftHSM(t)
	o.Hostile = NewHostile(t, o.Token.Module)
	r := Start(t, o)
	orphans := 0
	for round := range rounds(t, 10) {
		o.Hostile.Command("C_CopyObject slow", "C_GetAttributeValue slow") // before the copy, and while it is looked at
		u := r.connect(t)
		var all sync.WaitGroup
		for _, l := range ledgers {
			all.Go(func() { l.write(t, u) })
		}
		worker := r.worker(t)
		time.Sleep(time.Duration(rand.IntN(300_000)) * time.Microsecond) // three keys at once take 225 ms, one after the other
		r.Kill()
		all.Wait()
		u.stack.Close()
		o.Hostile.Command()
		eventually(t, "the worker of a daemon that was killed has ended", func() bool { return ended(worker) })
		r.Launch(t)
		orphans = settle(t, r, ledgers)
		if t.Failed() {
			t.Fatalf("after round %d:\n%s", round, r.Log())
		}
	}
	made, found := 0, 0
	for _, l := range ledgers {
		made, found = made+l.made, found+l.found
	}
	t.Logf("%d keys were acknowledged, %d more are there; %d objects without a slot are left in the token", made, found, orphans)
	if made == 0 {
		t.Error("no key was acknowledged")
	}
}

// ended tells whether a process has ended, though nobody may have waited for it yet.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := bytes.LastIndexByte(stat, ')') // the state follows the command's name (proc(5))
	return err != nil || i+2 < len(stat) && stat[i+2] == 'Z'
}

// settle holds a daemon that was started again against the ledgers, and makes room in the slots. It tells how many objects of the token
// belong to no slot.
func settle(t *testing.T, r *Rig, ledgers []*ledger) (orphans int) {
	t.Helper()
	u := r.connect(t)
	defer u.stack.Close()
	eventually(t, "the token is available", func() bool { return u.provider(t, TokenID).Available })
	objects := map[string]int{}
	for _, o := range must(u.stack.Objects(u.ctx, client.ObjectQuery{Provider: TokenID}))(t) {
		objects[hex.EncodeToString(o.ID)]++
	}
	for _, l := range ledgers {
		l.check(t, u, objects)
		if len(l.codes) > 8 {
			ok(t, u.keys(t, client.ProviderSelector{}).Clear(u.ctx, u.slot(t, l.slot)))
			clear(l.codes)
		}
	}
	if damaged := must(u.stack.Status(u.ctx))(t).Damaged; len(damaged) > 0 {
		t.Errorf("damaged: %v", damaged)
	}
	return len(objects)
}
