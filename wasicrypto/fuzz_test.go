package wasicrypto

import (
	"testing"

	"github.com/claviger/claviger/internal/wasmtest"
)

// FuzzBatch gives the functions that decode records from guest memory any list, of any count, with any place for the results. None
// traps or answers what is no errno.
func FuzzBatch(f *testing.F) {
	z := newMenagerie(f, Config{Managed: newKeeper()}, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: 1})
	var batches []wasmtest.Import
	for _, i := range wasmtest.Crypto() {
		if i.Roles == "bcr" {
			batches = append(batches, i)
		}
	}
	states := z.handles[wasmtest.RoleState]
	f.Add(uint8(0), words(states[2], 0x9000, 32, states[2], 0x9020, 33), uint32(2), uint32(0xA000))
	f.Add(uint8(1), words(states[0], states[0], 0), uint32(3), uint32(0x8000))
	f.Add(uint8(2), words(states[4], 0x9000, 20, 0x9000, 4), uint32(1), uint32(0xFFF8))
	f.Add(uint8(5), words(states[1], 0x9000, 4, 0x9000, 4, 0x9000, 16), uint32(1<<30), uint32(0))
	f.Add(uint8(7), words(z.handles[wasmtest.RoleVerifyState][0], z.handles[wasmtest.RoleSignature][0]), uint32(1), uint32(0xFFFF))
	f.Fuzz(func(t *testing.T, which uint8, list []byte, count, results uint32) {
		const at, room = 0x8000, 0x8000
		if len(list) > room {
			return
		}
		z.t, z.Guest = t, z.For(t)
		z.Put(at, make([]byte, room))
		z.Put(at, list)
		b := batches[int(which)%len(batches)]
		e, err := z.Try(b.Name, at, uint64(count), uint64(results))
		if err != nil || e > uint32(expired) {
			t.Fatalf("%s of %d records: errno %d, %v", b.Name, count, e, err)
		}
		if z.host.Handles(z.Module) > 1000 {
			z.refill()
		}
	})
}
