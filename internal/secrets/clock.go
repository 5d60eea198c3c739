package secrets

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/claviger/claviger/internal/store"
)

// Rules of the clock.
const (
	maxJump    = 3600                // seconds by which the wall clock may be ahead of boot time and is believed
	quarantine = 30 * 24 * time.Hour // of running with a wall clock that is further ahead, after which it is believed
	freshness  = 10 * time.Minute    // how old the durable mark may become while time passes
)

// Source is where time comes from. Both clocks are set, or none for the machine's.
type Source struct {
	Wall func() time.Time     // may be set by people
	Boot func() time.Duration // since the machine booted, sleep included; nobody sets it
	ID   [16]byte             // of the boot: another one after every boot; zero where the kernel does not tell
}

// mark is what the clock remembers: the highest trusted time, and when it was seen. Integers are big-endian:
//
//	0      8           16        32
//	┌──────┬───────────┬─────────┬──────────────┐
//	│ time │ boot (ns) │ boot id │ running (ns) │
//	└──────┴───────────┴─────────┴──────────────┘
type mark struct {
	time    uint64        // seconds since 1970
	boot    time.Duration // boot time then
	id      [16]byte      // of that boot
	running time.Duration // for how long the wall clock has been ahead
}

const markSize = 40

func (k mark) encode() []byte {
	out := binary.BigEndian.AppendUint64(make([]byte, 0, markSize), k.time)
	out = append(binary.BigEndian.AppendUint64(out, uint64(k.boot)), k.id[:]...)
	return binary.BigEndian.AppendUint64(out, uint64(k.running))
}

// decodeMark is the inverse of encode.
func decodeMark(b []byte) (mark, bool) {
	if len(b) != markSize {
		return mark{}, false
	}
	k := mark{
		time: binary.BigEndian.Uint64(b), boot: time.Duration(binary.BigEndian.Uint64(b[8:])),
		id: [16]byte(b[16:32]), running: time.Duration(binary.BigEndian.Uint64(b[32:])),
	}
	return k, k.boot >= 0 && k.running >= 0
}

// clock judges expiry. Its trusted time advances with boot time from the highest time that it has seen. The wall clock
// moves it forward when it is ahead by no more than an hour; one that is behind is ignored. One that is further ahead
// counts for reading, so that what should have expired is not given out, and for nothing else, until it has been so for
// thirty days of running. Safe for concurrent use.
type clock struct {
	source Source
	store  *store.DB

	mu      sync.Mutex
	mark    mark          // in force; guarded by mu
	looked  bool          // last and wall are set; guarded by mu
	last    time.Duration // boot time of the last look; guarded by mu
	wall    uint64        // wall time of the last look; guarded by mu
	durable mark          // what the store has; guarded by mu
}

// moment is one look at the clock, in seconds since 1970.
type moment struct {
	now    uint64 // by which reading is judged
	steady uint64 // trusted: no destruction is based on anything else
	ahead  bool   // the wall clock is ahead and not believed: nothing is swept
}

// openClock takes up the clock where the store left it. In a new store it begins with the wall clock, and also where the
// mark does not open: one bad record does not keep the rest from serving.
func openClock(ctx context.Context, db *store.DB, source Source) (*clock, error) {
	c := &clock{source: source, store: db}
	err := db.View(func(tx *store.Tx) (err error) {
		c.durable, err = read(tx, markKey(), markSchema, decodeMark)
		return err
	})
	if absent(err) || errors.Is(err, store.ErrDamaged) {
		c.mark = mark{time: sinceEpoch(source.Wall()), boot: source.Boot(), id: source.ID}
		return c, c.persist(ctx)
	}
	if err != nil {
		return nil, err
	}
	c.mark = c.durable
	switch {
	case source.ID == [16]byte{}: // this boot may be the mark's: nothing is known to have passed since
		c.mark.id, c.mark.boot = source.ID, source.Boot()
	case c.mark.id != source.ID: // at least all that has passed since this boot has passed since the mark
		c.mark.id, c.mark.boot = source.ID, 0
	}
	return c, nil
}

// sinceEpoch gives seconds since 1970, zero for what is before.
func sinceEpoch(t time.Time) uint64 { return uint64(max(t.Unix(), 0)) }

// ahead tells by more than an hour.
func ahead(wall, steady uint64) bool { return wall > steady && wall-steady > maxJump }

// seconds gives whole seconds, zero for a negative span.
func seconds(d time.Duration) uint64 { return uint64(max(d, 0) / time.Second) }

// look reads the clocks.
func (c *clock) look() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	boot, wall := c.source.Boot(), sinceEpoch(c.source.Wall())
	steady := later(c.mark.time, seconds(boot-c.mark.boot))
	if ahead(wall, steady) {
		c.suspect(boot, wall)
		if c.mark.running < quarantine {
			return moment{now: wall, steady: steady, ahead: true}
		}
	}
	c.mark.running, c.looked = 0, false
	if wall > steady {
		c.mark.time, c.mark.boot, steady = wall, boot, wall
	}
	return moment{now: steady, steady: steady}
}

// suspect counts for how long the wall clock has been ahead. A further jump begins the count anew. The caller holds mu.
func (c *clock) suspect(boot time.Duration, wall uint64) {
	if c.looked {
		c.mark.running += max(boot-c.last, 0)
		if ahead(wall, later(c.wall, seconds(boot-c.last))) {
			c.mark.running = 0
		}
	}
	c.looked, c.last, c.wall = true, boot, wall
}

// kept gives the trusted time that the store has.
func (c *clock) kept() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.durable.time
}

// persist makes the trusted time durable.
func (c *clock) persist(ctx context.Context) error {
	var k mark
	err := c.store.Update(ctx, func(tx *store.Tx) error {
		k = c.snapshot() // here, because updates come one after the other
		return tx.Put(markKey(), markSchema, k.encode())
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.time >= c.durable.time {
		c.durable = k
	}
	return nil
}

// snapshot gives the mark as of now.
func (c *clock) snapshot() mark {
	steady := c.look().steady
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.mark
	k.time, k.boot = max(steady, k.time), c.mark.boot+time.Duration(steady-min(steady, c.mark.time))*time.Second
	return k
}

// stale tells whether the durable mark has grown old.
func (c *clock) stale() bool {
	k := c.snapshot()
	c.mu.Lock()
	defer c.mu.Unlock()
	return k.time-min(k.time, c.durable.time) >= seconds(freshness) || k.running < c.durable.running || k.running-c.durable.running >= freshness
}
