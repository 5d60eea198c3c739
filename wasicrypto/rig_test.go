package wasicrypto

import (
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wasmtest"
)

// rig is a guest that a test drives: it imports all functions and has a memory that the rig hands out piece by piece.
type rig struct {
	*wasmtest.Guest
	t    testing.TB
	host *Host
	free uint32 // where unused memory begins
}

// rigPages is the size of a rig's memory in pages of 64 KiB.
const rigPages = 64

func newRig(t testing.TB, c Config) *rig {
	t.Helper()
	return newRigOf(t, c, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages})
}

// newRigOf is newRig with another guest.
func newRigOf(t testing.TB, c Config, m wasmtest.Module) *rig {
	t.Helper()
	r := newRuntime(t)
	host, err := Instantiate(t.Context(), r, c)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Guest: wasmtest.Start(t, r, m, ""), t: t, host: host, free: 64}
}

func newRuntime(t testing.TB) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntime(t.Context())
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	return r
}

// room gives n fresh bytes of guest memory, filled with 0xA5 and aligned to 8.
func (r *rig) room(n int) uint64 {
	r.t.Helper()
	at := r.free
	r.free += (uint32(n) + 15) &^ 7
	fill := make([]byte, n)
	for i := range fill {
		fill[i] = 0xA5
	}
	r.Put(at, fill)
	return uint64(at)
}

// put gives the address and the length of a copy of b.
func (r *rig) put(b []byte) (at, n uint64) {
	r.t.Helper()
	at = r.room(len(b))
	r.Put(uint32(at), b)
	return at, uint64(len(b))
}

func (r *rig) text(s string) (at, n uint64) { return r.put([]byte(s)) }

// some gives the address of an optional handle that is there; none of one that is not, whose bytes without meaning are dirty.
func (r *rig) some(h uint32) uint64 {
	at, _ := r.put(append([]byte{0, 0xDE, 0xAD, 0xBE}, binary.LittleEndian.AppendUint32(nil, h)...))
	return at
}

func (r *rig) none() uint64 {
	at, _ := r.put([]byte{1, 0xDE, 0xAD, 0xBE, 0xFF, 0xFF, 0xFF, 0xFF})
	return at
}

// must calls a function that must succeed.
func (r *rig) must(name string, args ...uint64) {
	r.t.Helper()
	r.want(success, name, args...)
}

// want calls a function that must give an errno.
func (r *rig) want(want errno, name string, args ...uint64) {
	r.t.Helper()
	if got := errno(r.Call(name, args...)); got != want {
		r.t.Fatalf("%s: %v, want %v", name, got, want)
	}
}

// handle calls a function whose last argument is where a handle goes.
func (r *rig) handle(name string, args ...uint64) uint32 {
	r.t.Helper()
	to := r.room(4)
	r.must(name, append(args, to)...)
	h := r.U32(uint32(to))
	if h == 0 || h == 0xA5A5A5A5 {
		r.t.Fatalf("%s gave the handle %#x", name, h)
	}
	return h
}

// refused is handle for a call that must give an errno, and must not store anything.
func (r *rig) refused(want errno, name string, args ...uint64) {
	r.t.Helper()
	to := r.room(8)
	r.want(want, name, append(args, to)...)
	if r.U64(uint32(to)) != 0xA5A5A5A5A5A5A5A5 {
		r.t.Fatalf("%s stored something although it failed", name)
	}
}

// pull reads an array_output to its end.
func (r *rig) pull(h uint32) []byte {
	r.t.Helper()
	to := r.room(4)
	r.must("array_output_len", uint64(h), to)
	n := r.U32(uint32(to))
	at := r.room(int(n))
	r.must("array_output_pull", uint64(h), at, uint64(n), to)
	if got := r.U32(uint32(to)); got != n {
		r.t.Fatalf("pulled %d of %d bytes", got, n)
	}
	return r.Get(uint32(at), n)
}

// options opens a set of symmetric options of bytes, given as name and value.
func (r *rig) options(pairs ...string) uint32 {
	r.t.Helper()
	h := r.handle("options_open", uint64(claviger.GuestSymmetric))
	for i := 0; i < len(pairs); i += 2 {
		name, nameLen := r.text(pairs[i])
		value, n := r.text(pairs[i+1])
		r.must("options_set", uint64(h), name, nameLen, value, n)
	}
	return h
}

// key imports a symmetric key.
func (r *rig) key(algorithm string, raw []byte) uint32 {
	r.t.Helper()
	name, nameLen := r.text(algorithm)
	at, n := r.put(raw)
	return r.handle("symmetric_key_import", name, nameLen, at, n)
}

// state opens a symmetric state; 0 stands for no key and no options.
func (r *rig) state(algorithm string, key, options uint32) uint32 {
	r.t.Helper()
	return r.handle("symmetric_state_open", r.openArgs(algorithm, key, options)...)
}

// openArgs are the arguments of symmetric_state_open but the last.
func (r *rig) openArgs(algorithm string, key, options uint32) []uint64 {
	name, nameLen := r.text(algorithm)
	k, o := r.none(), r.none()
	if key != 0 {
		k = r.some(key)
	}
	if options != 0 {
		o = r.some(options)
	}
	return []uint64{name, nameLen, k, o}
}

func (r *rig) absorb(state uint32, data string) {
	r.t.Helper()
	at, n := r.text(data)
	r.must("symmetric_state_absorb", uint64(state), at, n)
}

func (r *rig) squeeze(state uint32, n int) []byte {
	r.t.Helper()
	at := r.room(n)
	r.must("symmetric_state_squeeze", uint64(state), at, uint64(n))
	return r.Get(uint32(at), uint32(n))
}

// tag squeezes a tag and pulls it.
func (r *rig) tag(state uint32) []byte {
	r.t.Helper()
	return r.pullTag(r.handle("symmetric_state_squeeze_tag", uint64(state)))
}

func (r *rig) pullTag(h uint32) []byte {
	r.t.Helper()
	to := r.room(4)
	r.must("symmetric_tag_len", uint64(h), to)
	n := r.U32(uint32(to))
	at := r.room(int(n))
	r.must("symmetric_tag_pull", uint64(h), at, uint64(n), to)
	return r.Get(uint32(at), n)
}

// crypt calls one of the functions that encrypt or decrypt with a buffer of n bytes, and gives the buffer and the last result.
func (r *rig) crypt(name string, state uint32, n int, inputs ...[]byte) ([]byte, uint32) {
	r.t.Helper()
	at, to := r.room(n), r.room(4)
	r.must(name, append(r.cryptArgs(state, at, n, inputs...), to)...)
	return r.Get(uint32(at), uint32(n)), r.U32(uint32(to))
}

func (r *rig) cryptArgs(state uint32, at uint64, n int, inputs ...[]byte) []uint64 {
	args := []uint64{uint64(state), at, uint64(n)}
	for _, in := range inputs {
		p, k := r.put(in)
		args = append(args, p, k)
	}
	return args
}
