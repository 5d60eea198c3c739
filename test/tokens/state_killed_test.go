package tokens

import (
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger/client"
)

// TestAKilledDaemonLosesNoKey holds that what was acknowledged before the daemon was killed is in the token and works, and that no slot
// tells of a version that the token does not have.
func TestAKilledDaemonLosesNoKey(t *testing.T) {
	r := Start(t, Options{})
	slots := []string{"token/signing", "token/data", "token/mac", "pair/signing"}
	acknowledged := make(map[string]uint64)
	for round := range 4 {
		u := r.connect(t)
		var writers sync.WaitGroup
		var mu sync.Mutex
		begun := make(chan struct{}, len(slots))
		for _, name := range slots {
			slot, m := u.slot(t, name), u.keys(t, client.ProviderSelector{})
			writers.Go(func() {
				for n := 0; ; n++ {
					version, err := m.GenerateIn(u.ctx, slot, client.GenerateParams{Rotate: true})
					if n == 0 {
						begun <- struct{}{}
					}
					if err != nil {
						return // the daemon was killed
					}
					mu.Lock()
					acknowledged[name] = version
					mu.Unlock()
				}
			})
		}
		for range slots {
			<-begun
		}
		time.Sleep(time.Duration(round*17) * time.Millisecond) // kills at another moment each time
		r.Kill()
		writers.Wait()
		r.Launch(t)
		u = r.connect(t)
		for _, name := range slots {
			u.whole(t, name, acknowledged[name])
		}
	}
}

// whole holds that a slot has all versions up to one, and that the token has those that it tells of.
func (u *user) whole(t *testing.T, name string, last uint64) {
	t.Helper()
	slot, m := u.slot(t, name), u.keys(t, client.ProviderSelector{})
	versions := must(slot.Info(u.ctx))(t).Versions
	if n := uint64(len(versions)); n < last || last == 0 || n > last+1 {
		t.Errorf("%s has %d versions; %d were acknowledged", name, n, last)
	}
	for _, v := range versions {
		key, err := m.Load(u.ctx, slot.Version(v.Version))
		if err != nil {
			t.Errorf("version %d of %s: %v", v.Version, name, err)
			continue
		}
		ok(t, key.Close())
	}
}
