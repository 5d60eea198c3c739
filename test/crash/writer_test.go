package crash_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	crand "crypto/rand"
	"crypto/sha256"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// message is what every key makes a code of.
var message = []byte("what was acknowledged is there")

// model is what a slot holds.
type model struct {
	versions map[uint64][]byte // the code of message by each version; nil where nobody has seen it yet
	highest  uint64            // version number that was ever there
}

// writer writes one slot and knows what must be in it.
type writer struct {
	name  string
	model model
	under *change // the write under way when the daemon ended; nil if there was none

	acknowledged, open, there int // counts of writes
}

// change is one write: a new version with a code, or the end of some.
type change struct {
	adds    bool
	code    []byte   // of the new version, where it is known beforehand
	removes []uint64 // versions that it destroys
}

// write writes until the daemon is gone.
func (w *writer) write(t *testing.T, stack *client.Stack) {
	ctx := context.Background()
	w.under = nil
	cc, err := stack.CryptoContext()
	if err != nil {
		return
	}
	slot, err := cc.KeySlot(ctx, w.name)
	if err != nil {
		w.gone(t, "resolve", err)
		return
	}
	km, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{Timeout: client.NoTimeout})
	if err != nil {
		t.Error(err)
		return
	}
	for {
		if err := w.one(ctx, cc, km, slot); err != nil {
			w.gone(t, "write", err)
			return
		}
	}
}

// gone accepts only that the daemon has gone.
func (w *writer) gone(t *testing.T, what string, err error) {
	if !errors.Is(err, claviger.ErrConnectionFailed) {
		t.Errorf("slot %s: %s: %v", w.name, what, err)
	}
}

// one makes one write and notes it as acknowledged; if it fails it stays noted as under way.
func (w *writer) one(ctx context.Context, cc *client.CryptoContext, km *client.KeyManager, slot *client.KeySlot) error {
	present := slices.Sorted(maps.Keys(w.model.versions))
	choice := rand.IntN(10)
	if len(present) > 6 {
		choice = 9
	}
	var version uint64
	var err error
	switch {
	case choice >= 8 && len(present) > 0:
		w.under = &change{removes: present}
		err = km.Clear(ctx, slot)
	case choice == 7 && len(present) > 0:
		v := present[rand.IntN(len(present))]
		w.under = &change{removes: []uint64{v}}
		err = km.ClearVersion(ctx, slot, v)
	case choice <= 3:
		key := make([]byte, 32)
		crand.Read(key)
		w.under = &change{adds: true, code: codeOf(key)}
		version, err = km.ImportIn(ctx, slot, client.ImportParams{Format: claviger.Raw, Data: key, Rotate: true})
	case choice == 4:
		version, err = w.persist(ctx, km, slot)
	default:
		w.under = &change{adds: true}
		version, err = km.GenerateIn(ctx, slot, client.GenerateParams{Rotate: true})
	}
	if err != nil {
		return err
	}
	return w.acknowledge(ctx, cc, slot, version)
}

// persist makes an ephemeral key and writes it as the next version.
func (w *writer) persist(ctx context.Context, km *client.KeyManager, slot *client.KeySlot) (uint64, error) {
	w.under = nil
	secret := make([]byte, 32)
	crand.Read(secret)
	key, err := km.Import(ctx, client.ImportParams{Algorithm: "HMAC-SHA-256", Format: claviger.Raw, Data: secret, Permissions: claviger.Mac})
	if err != nil {
		return 0, err
	}
	defer key.Close()
	w.under = &change{adds: true, code: codeOf(secret)}
	return km.Rotate(ctx, slot, key)
}

// acknowledge notes that the write under way has been answered, and asks for the code of a key that the daemon made.
func (w *writer) acknowledge(ctx context.Context, cc *client.CryptoContext, slot *client.KeySlot, version uint64) error {
	c := w.under
	w.under = nil
	w.acknowledged++
	for _, v := range c.removes {
		delete(w.model.versions, v)
	}
	if !c.adds {
		return nil
	}
	if version <= w.model.highest {
		return claviger.Errorf(claviger.ErrInternal, "write", "version %d was given, %d was there before", version, w.model.highest)
	}
	w.model.highest = version
	w.model.versions[version] = c.code
	if c.code != nil {
		return nil
	}
	mac, err := cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: slot})
	if err != nil {
		return err
	}
	defer mac.Close()
	code, err := mac.Sum(ctx, nil, message)
	if err == nil {
		w.model.versions[version] = code
	}
	return err
}

func codeOf(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// check holds the slot against the model: as acknowledged, or with the write under way done as a whole. The model then
// takes over what is there.
func (w *writer) check(t *testing.T, stack *client.Stack) {
	ctx := t.Context()
	cc, err := stack.CryptoContext()
	if err != nil {
		t.Error(err)
		return
	}
	defer cc.Close()
	slot, err := cc.KeySlot(ctx, w.name)
	if err != nil {
		t.Errorf("slot %s: %v", w.name, err)
		return
	}
	info, err := slot.Info(ctx)
	if err != nil || info.State == claviger.SlotLocked || (info.State == claviger.SlotOccupied) != (len(info.Versions) > 0) {
		t.Errorf("slot %s: %s with %d versions, %v", w.name, info.State, len(info.Versions), err)
		return
	}
	var found []uint64
	for _, v := range info.Versions {
		found = append(found, v.Version)
	}
	if !w.adopt(found) {
		t.Errorf("slot %s holds versions %v; acknowledged are %v, highest %d, under way was %+v", w.name, found,
			slices.Sorted(maps.Keys(w.model.versions)), w.model.highest, w.under)
		return
	}
	for i, v := range found {
		w.checkVersion(t, cc, slot, v, i == len(found)-1)
	}
}

// adopt reports whether the versions found are those acknowledged, or those after the write under way, and takes them
// over.
func (w *writer) adopt(found []uint64) bool {
	if w.under != nil {
		w.open++
	}
	before := slices.Sorted(maps.Keys(w.model.versions))
	if slices.Equal(found, before) {
		return true
	}
	c := w.under
	if c == nil {
		return false
	}
	w.there++
	if c.adds {
		last := len(found) - 1
		if last < 0 || !slices.Equal(found[:last], before) || found[last] <= w.model.highest {
			return false
		}
		w.model.highest = found[last]
		w.model.versions[found[last]] = c.code
		return true
	}
	after := maps.Clone(w.model.versions)
	for _, v := range c.removes {
		delete(after, v)
	}
	w.model.versions = after
	return slices.Equal(found, slices.Sorted(maps.Keys(after)))
}

// checkVersion sees that a version is whole: it makes, or where it is not the newest checks, the code that it made before.
func (w *writer) checkVersion(t *testing.T, cc *client.CryptoContext, slot *client.KeySlot, version uint64, newest bool) {
	ctx := t.Context()
	mac, err := cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: slot.Version(version)})
	if err != nil {
		t.Errorf("slot %s version %d: %v", w.name, version, err)
		return
	}
	defer mac.Close()
	want := w.model.versions[version]
	if newest {
		code, err := mac.Sum(ctx, nil, message)
		if err != nil || want != nil && !bytes.Equal(code, want) {
			t.Errorf("slot %s version %d makes another code than before: %v", w.name, version, err)
		}
		w.model.versions[version] = code
		return
	}
	if want == nil { // nobody has seen a code of it; that it serves at all is what can be said
		want = make([]byte, sha256.Size)
		if _, err := mac.Verify(ctx, message, want); err != nil {
			t.Errorf("slot %s version %d: %v", w.name, version, err)
		}
		return
	}
	if ok, err := mac.Verify(ctx, message, want); err != nil || !ok {
		t.Errorf("slot %s version %d does not know its code of before: %t, %v", w.name, version, ok, err)
	}
}
