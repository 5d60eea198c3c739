package wasicrypto

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/wasmtest"
)

// FuzzTime names the variable that says how long TestRandomCalls runs, as a Go duration; FuzzSeed the one with the seed of an earlier run.
const (
	fuzzTime = "CLAVIGER_FUZZ_TIME"
	fuzzSeed = "CLAVIGER_FUZZ_SEED"
)

// TestRandomCalls is a guest that calls all imports with random arguments, half of which make sense: for as long as
// $CLAVIGER_FUZZ_TIME says, two seconds if it does not. No call traps or answers what is no errno, the heap stays within bounds, and in the end nothing is left.
func TestRandomCalls(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv(fuzzTime))
	if err != nil {
		length = 2 * time.Second
	}
	seed, err := strconv.ParseUint(os.Getenv(fuzzSeed), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%s=%d", fuzzSeed, seed)
	keeper := newKeeper()
	z := newMenagerie(t, Config{Managed: keeper, Limits: Limits{Total: 32 << 20}}, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages})
	goroutines := runtime.NumGoroutine()
	c := &caller{menagerie: z, random: rand.New(rand.NewPCG(seed, 0)), imports: wasmtest.Crypto(), worked: map[string]int{}}
	c.algorithms()
	base, most := heap(), uint64(0)
	for end := time.Now().Add(length); time.Now().Before(end); {
		for range 2000 {
			c.step()
		}
		if keeper.stored() > 1000 {
			keeper.forget()
		}
		most = max(most, heap())
	}
	if most > base+128<<20 {
		t.Errorf("the heap grew from %d to %d bytes", base, most)
	}
	z.host.Release(z.Module)
	if n := keeper.opened(); n != 0 {
		t.Errorf("%d managed keys are open in the end", n)
	}
	if after := heap(); after > base+4<<20 {
		t.Errorf("the heap has %d bytes in the end and had %d", after, base)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines in the end, %d before", n, goroutines)
	}
	t.Logf("%d calls, %d of the 86 functions succeeded at least once", c.calls, len(c.worked))
	for _, f := range c.imports {
		if c.worked[f.Name] == 0 {
			t.Logf("never a success: %s", f.Name)
		}
	}
	if len(c.worked) < 50 {
		t.Error("too few of the functions have ever succeeded for this to test much")
	}
}

// heap gives the bytes that live.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// forget drops what the keeper stores, so that only the host's memory is measured.
func (k *keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.keys)
	clear(k.notes)
}

// caller draws calls. Its memory has three parts: texts that it only reads, a scratch part that arguments point into, and the places of results.
type caller struct {
	*menagerie
	random  *rand.Rand
	imports []wasmtest.Import
	names   []uint64 // addresses of algorithms and option names, with the length in the upper half
	image   []byte   // of the memory with the names, which some calls write over
	scratch uint32   // where the scratch part begins
	ids     [][]byte // identifiers that some call gave
	known   []uint32 // handles that some call gave
	calls   int
	worked  map[string]int
}

// algorithms puts names into memory, but not those whose keys take seconds to make.
func (c *caller) algorithms() {
	var names []string
	for range 8 {
		names = append(names, "context", "nonce", "exportable", "ops_limit", "buffer", "HMAC/SHA-256", "XOODYAK-128", "HKDF-EXPAND/SHA-256")
	}
	for _, g := range algorithm.Guests() {
		if g.Key == nil || g.Key.Bits == 0 || g.Key.Bits < 1024 {
			names = append(names, string(g.Name))
		}
	}
	for _, name := range names {
		at, n := c.text(name)
		c.names = append(c.names, n<<32|at)
	}
	c.image = c.Get(0, c.rig.free)
	c.scratch = (c.rig.free + 4095) &^ 4095
	c.menagerie.free = c.scratch + 1<<16 // below is not handed out any more
}

// step makes one call.
func (c *caller) step() {
	c.t.Helper()
	c.calls++
	if c.calls%1000 == 0 || len(c.known) > 500 {
		c.refill()
		c.Put(0, c.image)
		c.known = c.known[:0]
		for _, role := range wasmtest.Handles {
			c.known = append(c.known, c.handles[role]...)
		}
	}
	f := c.imports[c.random.IntN(len(c.imports))]
	var outs []uint32
	args := make([]uint64, len(f.Roles))
	for i := 0; i < len(args); i++ {
		role := rune(f.Roles[i])
		switch args[i] = c.argument(role); {
		case role == wasmtest.RoleOut32 && args[i] < rigPages<<16-4:
			outs = append(outs, uint32(args[i]))
		case (role == wasmtest.RoleRead || role == wasmtest.RoleWrite) && i+1 < len(args):
			args[i], args[i+1] = c.buffer(uint32(args[i]))
			i++
		}
	}
	e, err := c.Try(f.Name, args...)
	if err != nil || e > uint32(expired) {
		c.t.Fatalf("call %d, %s%#x: errno %d, %v", c.calls, f.Name, args, e, err)
	}
	if errno(e) == success {
		c.learn(f, args)
		for _, at := range outs {
			c.known = append(c.known, c.U32(at))
		}
	}
}

// learn remembers what a call that worked has given: handles are the caller's, identifiers lie in buffers of 32 bytes and more.
func (c *caller) learn(f wasmtest.Import, args []uint64) {
	c.worked[f.Name]++
	if i := strings.IndexRune(f.Roles, wasmtest.RoleWrite); i >= 0 && args[i+1] >= 32 && (strings.Contains(f.Name, "_store") || strings.HasSuffix(f.Name, "_id")) {
		if id := c.Get(uint32(args[i]), 32); len(c.ids) < 100 {
			c.ids = append(c.ids, id)
		} else {
			c.ids[c.random.IntN(len(c.ids))] = id
		}
	}
}

// argument draws an argument for a role.
func (c *caller) argument(role rune) uint64 {
	if c.random.IntN(20) == 0 {
		return c.random.Uint64() >> c.random.IntN(64)
	}
	switch {
	case isHandle(role) && c.random.IntN(4) != 0 && len(c.handles[role]) > 0:
		all := c.handles[role]
		return uint64(all[c.random.IntN(len(all))])
	case isHandle(role) && len(c.known) > 0:
		return uint64(c.known[c.random.IntN(len(c.known))])
	case role == wasmtest.RoleOptOptions || role == wasmtest.RoleOptKey:
		return uint64(c.optional(role))
	case role == wasmtest.RoleBatch:
		return uint64(c.list())
	case role == wasmtest.RoleCount || role == wasmtest.RoleEnum:
		return c.random.Uint64N(5)
	case role == wasmtest.RoleNumber:
		return []uint64{0, 1, 2, 1 << 63, 1<<64 - 1, 0xFF00_0000_0000_0000, 0xFF00_0000_0000_0001, 0xFF00_0000_0000_0002}[c.random.IntN(8)]
	}
	return uint64(c.place())
}

// place draws an address in the scratch part.
func (c *caller) place() uint32 {
	return c.scratch + c.random.Uint32N(1<<14)&^7
}

// buffer draws address and length: of a name, of a size that something has, or of any.
func (c *caller) buffer(at uint32) (uint64, uint64) {
	switch c.random.IntN(8) {
	case 0:
		if len(c.ids) > 0 {
			at = c.place()
			c.Put(at, c.ids[c.random.IntN(len(c.ids))])
			return uint64(at), 32
		}
		fallthrough
	case 1, 2, 3:
		name := c.names[c.random.IntN(len(c.names))]
		return name & 0xFFFFFFFF, name >> 32
	case 4, 5, 6:
		sizes := []uint64{0, 1, 7, 12, 16, 23, 24, 31, 32, 33, 48, 64, 65, 100, 1184, 4096}
		return uint64(at), sizes[c.random.IntN(len(sizes))]
	}
	return uint64(at), c.random.Uint64() >> c.random.IntN(64)
}

// optional writes an optional handle of the right type, or none.
func (c *caller) optional(role rune) uint32 {
	at := c.place()
	of := map[rune]rune{wasmtest.RoleOptOptions: wasmtest.RoleOptions, wasmtest.RoleOptKey: wasmtest.RoleSymmetricKey}[role]
	c.PutU32(at, uint32(min(c.random.IntN(20), 17)%3), uint32(c.argument(of)))
	return at
}

// list writes a few records of a batch.
func (c *caller) list() uint32 {
	at := c.place()
	states := c.handles[wasmtest.RoleState]
	for i := range uint32(40) {
		w := []uint32{uint32(c.place()), uint32(c.random.IntN(64)), states[c.random.IntN(len(states))], binary.LittleEndian.Uint32(c.Get(at, 4))}
		c.PutU32(at+4*i, w[c.random.IntN(len(w))])
	}
	return at
}

// TestSeveralThreads is rules 1 and 2: handles used from several threads at once, closed while calls use them.
func TestSeveralThreads(t *testing.T) {
	r := newRig(t, Config{Managed: newKeeper()})
	hash, mac := r.state("SHA-256", 0, 0), r.key("HMAC/SHA-256", []byte("key"))
	data, n := r.text("some data")
	manager := uint64(r.handle("secrets_manager_open", r.none()))
	open := r.openArgs("HMAC/SHA-256", mac, 0)
	var threads sync.WaitGroup
	for i := range 8 {
		out, id := r.room(64), r.room(32)
		call := func(name string, args ...uint64) errno {
			e, err := r.Try(name, args...)
			if err != nil {
				t.Error(err)
			}
			return errno(e)
		}
		threads.Go(func() {
			for range 200 {
				call("symmetric_state_absorb", uint64(hash), data, n)
				call("symmetric_state_squeeze", uint64(hash), out, 32)
				if call("symmetric_state_clone", uint64(hash), out) == success {
					call("symmetric_state_close", uint64(r.U32(uint32(out))))
				}
				if call("symmetric_state_open", append(open, out)...) == success {
					call("symmetric_state_close", uint64(r.U32(uint32(out))))
				}
				if i == 0 {
					call("symmetric_key_store_managed", manager, uint64(mac), id, 32)
				}
				call("symmetric_key_id", uint64(mac), id, 32, out, out+8)
			}
			call("symmetric_state_close", uint64(hash))
			call("symmetric_key_close", uint64(mac))
		})
	}
	threads.Wait()
	if n := r.host.Handles(r.Module); n != 1 {
		t.Errorf("%d handles are left, want the manager's", n)
	}
}
