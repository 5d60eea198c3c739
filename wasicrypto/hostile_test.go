package wasicrypto

import (
	"runtime"
	"strings"
	"testing"

	"github.com/claviger/claviger/internal/wasmtest"
)

// menagerie has a live handle of every type.
type menagerie struct {
	*rig
	handles map[rune][]uint32
	free    uint32 // where the rig's memory goes on after a refill
}

func newMenagerie(t testing.TB, c Config, m wasmtest.Module) *menagerie {
	t.Helper()
	z := &menagerie{rig: newRigOf(t, c, m)}
	z.free = z.rig.free
	z.refill()
	return z
}

// refill closes all handles and opens new ones.
func (z *menagerie) refill() {
	z.t.Helper()
	z.host.Release(z.Module)
	z.rig.free = z.free
	z.handles = map[rune][]uint32{}
	add := func(role rune, h uint32) { z.handles[role] = append(z.handles[role], h) }
	add(wasmtest.RoleOptions, z.openOptions(1))
	manager := z.handle("secrets_manager_open", z.none())
	add(wasmtest.RoleManager, manager)
	add(wasmtest.RoleSymmetricKey, z.key("HMAC/SHA-256", []byte("0123456789abcdef")))
	add(wasmtest.RoleSymmetricKey, z.generate(uint64(manager), "HMAC/SHA-256", 0))
	mac := z.state("HMAC/SHA-256", z.handles[wasmtest.RoleSymmetricKey][0], 0)
	add(wasmtest.RoleState, mac)
	add(wasmtest.RoleState, z.gcm())
	add(wasmtest.RoleState, z.state("SHA-256", 0, z.options("context", "c")))
	add(wasmtest.RoleState, z.state("AES-128-CTR", z.key("AES-128-CTR", make([]byte, 16)), z.options("nonce", string(make([]byte, 16)))))
	add(wasmtest.RoleState, z.state("XOODYAK-128", z.key("XOODYAK-128", make([]byte, 16)), 0))
	add(wasmtest.RoleTag, z.handle("symmetric_state_squeeze_tag", uint64(mac)))
	add(wasmtest.RoleArrayOutput, z.handle("symmetric_key_export", uint64(z.handles[wasmtest.RoleSymmetricKey][0])))
	for _, c := range []struct {
		family uint64
		name   string
	}{{0, "Ed25519"}, {2, "X25519"}, {2, "X-WING"}} {
		name, n := z.text(c.name)
		pair := z.handle("keypair_generate", c.family, name, n, z.none())
		add(wasmtest.RoleKeypair, pair)
		add(wasmtest.RolePublicKey, z.handle("keypair_publickey", uint64(pair)))
		add(wasmtest.RoleSecretKey, z.handle("keypair_secretkey", uint64(pair)))
	}
	sign := z.handle("signature_state_open", uint64(z.handles[wasmtest.RoleKeypair][0]))
	add(wasmtest.RoleSignState, sign)
	add(wasmtest.RoleSignature, z.handle("signature_state_sign", uint64(sign)))
	add(wasmtest.RoleVerifyState, z.handle("signature_verification_state_open", uint64(z.handles[wasmtest.RolePublicKey][0])))
}

// arguments gives arguments of the right kind for a function: handles of the right types, and buffers of 32 bytes.
func (z *menagerie) arguments(f wasmtest.Import) []uint64 {
	name := "HMAC/SHA-256"
	if strings.Contains(f.Module, "asymmetric") || strings.Contains(f.Module, "signatures") {
		name = "Ed25519"
	}
	text, textLen := z.text(name)
	length := uint64(32)
	var args []uint64
	for i, role := range f.Roles {
		switch role {
		case wasmtest.RoleEnum, wasmtest.RoleNumber:
			args = append(args, 0)
		case wasmtest.RoleRead:
			at := z.rig.room(32)
			if length = 32; !strings.Contains(f.Roles[:i], "p") && strings.Contains(f.Name, "_import") || strings.Contains(f.Name, "generate") || f.Name == "symmetric_state_open" {
				at, length = text, textLen
			}
			args = append(args, at)
		case wasmtest.RoleWrite:
			length = 32
			args = append(args, z.rig.room(32))
		case wasmtest.RoleLength:
			args = append(args, length)
		case wasmtest.RoleOptOptions, wasmtest.RoleOptKey:
			args = append(args, z.none())
		case wasmtest.RoleCount:
			args = append(args, 1)
		case wasmtest.RoleBatch, wasmtest.RoleBatchResults, wasmtest.RoleOut32, wasmtest.RoleOut64:
			args = append(args, z.rig.room(32))
		default:
			args = append(args, uint64(z.handles[role][0]))
		}
	}
	return args
}

// call makes a call that may not trap, and gives its errno. Handles are opened anew after a success, which may have closed some.
func (z *menagerie) call(f wasmtest.Import, args []uint64) errno {
	z.t.Helper()
	e, err := z.Try(f.Name, args...)
	if err != nil {
		z.t.Fatalf("%s%x trapped: %v", f.Name, args, err)
	}
	if e > uint32(expired) {
		z.t.Fatalf("%s%x: %d is no errno", f.Name, args, e)
	}
	if errno(e) == success {
		z.refill()
	}
	return errno(e)
}

// isHandle reports whether a role is a handle of some type.
func isHandle(role rune) bool { return strings.ContainsRune(wasmtest.Handles, role) }

// TestHostileAddresses calls all 86 functions with every address and length at the edges of memory, with handles of the right types, of
// which every one takes part. No call traps, and none succeeds that would have to touch what is not there.
func TestHostileAddresses(t *testing.T) {
	for _, dirty := range []bool{false, true} {
		z := newMenagerie(t, Config{Managed: newKeeper()}, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages, Dirty: dirty})
		calls := 0
		for _, f := range wasmtest.Crypto() {
			for i, role := range f.Roles {
				if !isHandle(role) && !strings.ContainsRune("evnc", role) {
					calls += z.edges(f, i)
				}
			}
		}
		if calls < 1500 {
			t.Errorf("only %d calls", calls)
		}
	}
}

// edges calls a function with addresses at the edges of memory as argument i, and gives the number of calls.
func (z *menagerie) edges(f wasmtest.Import, i int) (calls int) {
	z.t.Helper()
	const size = uint64(rigPages) << 16
	role := rune(f.Roles[i])
	lengths, width := []uint64{0, 1, 1<<32 - 1}, uint64(1)
	switch role {
	case wasmtest.RoleBatch:
		width = 4 // at least
	case wasmtest.RoleBatchResults:
		lengths, width = []uint64{1}, 2
	case wasmtest.RoleOut32, wasmtest.RoleOut64, wasmtest.RoleOptOptions, wasmtest.RoleOptKey:
		lengths, width = []uint64{1}, 4
	}
	for _, at := range []uint64{0, size - 1, size, 1<<32 - 1} {
		for _, n := range lengths {
			outside := n > 0 && at+n*width > size
			for _, h := range z.firstHandles(f) {
				args := z.arguments(f)
				if h != 0 {
					args[0] = uint64(h)
				}
				args[i] = at
				if len(lengths) > 1 {
					args[i+1] = n
				}
				calls++
				if e := z.call(f, args); outside && e != guestError {
					z.t.Errorf("%s with address %#x and length %d as argument %d: %v", f.Name, at, n, i, e)
				}
			}
		}
	}
	return calls
}

// firstHandles gives what to try as the first argument: every handle of its type, or 0 if it is no handle.
func (z *menagerie) firstHandles(f wasmtest.Import) []uint32 {
	if first := rune(f.Roles[0]); isHandle(first) {
		return append([]uint32{}, z.handles[first]...)
	}
	return []uint32{0}
}

// TestWrongHandles: a handle of another type, a closed one, and numbers that never were one are invalid_handle in every place of every
// function, and closed or invalid_handle to a function that closes.
func TestWrongHandles(t *testing.T) {
	z := newMenagerie(t, Config{Managed: newKeeper()}, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages})
	checked := 0
	for _, f := range wasmtest.Crypto() {
		for i, role := range f.Roles {
			if !isHandle(role) {
				continue
			}
			for _, other := range wasmtest.Handles {
				if other == role || role == wasmtest.RoleArrayOutput && other == wasmtest.RoleSignature {
					continue // a signature answers as an array_output too
				}
				args := z.arguments(f)
				args[i] = uint64(z.handles[other][0])
				checked++
				if e := z.call(f, args); e != invalidHandle {
					t.Errorf("%s with a handle %c for %c as argument %d: %v", f.Name, other, role, i, e)
				}
			}
			dead := z.openOptions(1)
			z.must("options_close", uint64(dead))
			for _, h := range []uint32{0, 1, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF, dead} {
				want := invalidHandle
				if strings.HasSuffix(f.Name, "_close") {
					want = closed
				}
				args := z.arguments(f)
				args[i] = uint64(h)
				if z.host.guests[z.Module].table.get(h) != nil {
					continue // it happens to be one
				}
				if e := z.call(f, args); e != want {
					t.Errorf("%s with the handle %#x as argument %d: %v, want %v", f.Name, h, i, e, want)
				}
			}
		}
	}
	if checked < 600 {
		t.Errorf("only %d calls", checked)
	}
}

// TestGuestsWithoutMemory: without a memory, or with one of no pages, every function that needs an address is guest_error, and none traps.
func TestGuestsWithoutMemory(t *testing.T) {
	for name, m := range map[string]wasmtest.Module{"none": {NoMemory: true}, "no pages": {Pages: 0}} {
		m.Imports = wasmtest.Crypto()
		r := newRigOf(t, Config{Managed: newKeeper()}, m)
		for _, f := range m.Imports {
			for _, v := range []uint64{0, 1, 1<<32 - 1} {
				args := make([]uint64, len(f.Params))
				for i := range args {
					args[i] = v
				}
				e, err := r.Try(f.Name, args...)
				if err != nil {
					t.Fatalf("%s: %s(%d...) trapped: %v", name, f.Name, v, err)
				}
				if errno(e) == success && f.Roles[1:] != "cr" {
					t.Errorf("%s: %s(%d...) succeeded", name, f.Name, v)
				}
			}
		}
		r.want(guestError, "options_open", 1, 0)
		if n := r.host.Handles(r.Module); n != 0 {
			t.Errorf("%s: %d handles", name, n)
		}
	}
}

// TestLargestMemory: of 4 GiB, every address but the very last can be used.
func TestLargestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reserves 4 GiB of address space")
	}
	r := newRigOf(t, Config{}, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: 1 << 16})
	s := uint64(r.state("SHA-256", 0, 0))
	r.want(success, "symmetric_state_squeeze", s, 1<<32-33, 32)
	r.want(guestError, "symmetric_state_squeeze", s, 1<<32-32, 32)
	r.want(guestError, "symmetric_state_squeeze", s, 1<<32-1, 1)
	r.want(success, "symmetric_state_squeeze", s, 1<<32-1, 0)
	r.want(guestError, "options_open", 1, 1<<32-4)
}

// TestTheLastHandle: 65,536 are open at once, the next is too_many_handles without a trace, and a closed one makes room.
func TestTheLastHandle(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	to := r.room(4)
	k, s := r.key("HMAC/SHA-256", []byte("key")), r.gcm()
	left := maxHandles - r.host.Handles(r.Module)
	r.must(wasmtest.LoopPrefix+"options_open", uint64(left), 1, to)
	last := r.U32(uint32(to))
	if n := r.host.Handles(r.Module); n != maxHandles {
		t.Fatalf("%d handles are open", n)
	}
	name, n := r.text("HMAC/SHA-256")
	at := r.room(32)
	r.refused(tooManyHandles, "options_open", 1)
	r.refused(tooManyHandles, "symmetric_key_export", uint64(k))
	r.refused(tooManyHandles, "symmetric_key_generate_managed", manager, name, n, r.none())
	r.refused(tooManyHandles, "symmetric_state_encrypt_detached", r.cryptArgs(s, at, 7, []byte("message"))...)
	if keeper.stored() != 0 || r.U64(uint32(at)) != 0xA5A5A5A5A5A5A5A5 {
		t.Error("something was made that has no handle")
	}
	r.must("options_close", uint64(last))
	r.crypt("symmetric_state_encrypt_detached", s, 7, []byte("message"))
}

// TestManyHandlesLeaveNothing: opening and closing does not grow the heap.
func TestManyHandlesLeaveNothing(t *testing.T) {
	r := newRig(t, Config{})
	churn := func(n int) uint64 {
		for range n {
			free := r.free
			s := r.gcm()
			r.absorb(s, "some associated data")
			r.must("symmetric_state_close", uint64(s))
			r.host.Release(r.Module)
			r.free = free
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := churn(500)
	if after := churn(3000); after > before+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}
