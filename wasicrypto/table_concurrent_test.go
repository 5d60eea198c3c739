package wasicrypto

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/symmetric"
)

// counted counts how often it is closed, and by it that nobody uses it afterwards.
type counted struct {
	mine   uint32
	closed atomic.Int32
}

func (c *counted) close() { c.closed.Add(1) }

func TestLookingUpGoesOnWhileTheTableGrowsAndShrinks(t *testing.T) {
	table := &table{limit: maxHandles}
	lasting := &counted{mine: 7}
	h, e := table.add(lasting)
	if e != success {
		t.Fatal(e)
	}
	var done atomic.Bool
	var users, owners sync.WaitGroup
	for range 2 {
		users.Go(func() {
			for !done.Load() {
				if e := use(table, h, func(c *counted) errno { return errno(c.mine - 7 + uint32(c.closed.Load())) }); e != success {
					t.Errorf("the lasting handle: %v", e)
					return
				}
			}
		})
		owners.Go(func() {
			for range 20 {
				var handles []uint32
				for range 200 {
					h, e := table.add(&counted{})
					if e != success {
						t.Error(e)
						return
					}
					handles = append(handles, h)
				}
				for _, h := range handles {
					var c *counted
					if e := first(use(table, h, func(o *counted) errno { c = o; return success }), drop[*counted](table, h)); e != success || c.closed.Load() != 1 {
						t.Errorf("handle %#x: %v, closed %d times", h, e, c.closed.Load())
					}
					if use(table, h, func(*counted) errno { return success }) != invalidHandle || drop[*counted](table, h) != closed {
						t.Errorf("handle %#x after it was closed", h)
					}
				}
			}
		})
	}
	owners.Wait()
	done.Store(true)
	users.Wait()
	if table.closeAll(); lasting.closed.Load() != 1 || table.count() != 0 {
		t.Errorf("closed %d times, %d handles", lasting.closed.Load(), table.count())
	}
}

func TestAStateThatIsClosedUnderACallIsGoneOrWhole(t *testing.T) {
	g, ok := algorithm.LookupGuest(claviger.GuestSymmetric, "SHA-256")
	if !ok {
		t.Fatal("no SHA-256")
	}
	for range 100 {
		state, err := symmetric.Open(g, nil, claviger.StateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		guest := &guest{host: &Host{config: Config{Limits: Limits{}.withDefaults()}}}
		guest.table.limit = 1
		h, _ := guest.table.add(&symmetricState{guest: g, state: state})
		var wg sync.WaitGroup
		wg.Go(func() {
			c := &call{ctx: t.Context(), guest: guest, args: []uint64{uint64(h)}}
			for {
				e := c.withState(func(s *symmetricState) errno { return signal(s.state.Absorb(c.ctx, []byte("x"))) })
				if e == invalidHandle {
					return
				}
				if e != success {
					t.Errorf("%v", e)
					return
				}
			}
		})
		if e := drop[*symmetricState](&guest.table, h); e != success {
			t.Error(e)
		}
		wg.Wait()
	}
}
