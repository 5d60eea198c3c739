package wasicrypto

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/claviger/claviger/internal/wasmtest"
)

// loop has the guest call a function b.N times in a row.
func (r *rig) loop(b *testing.B, name string, args ...uint64) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	if e := errno(r.Call(wasmtest.LoopPrefix+name, append([]uint64{uint64(b.N)}, args...)...)); e != success {
		b.Fatalf("%s: %v", name, e)
	}
}

// BenchmarkHostCall is a call that finds a handle and a view of memory, and does nothing else.
func BenchmarkHostCall(b *testing.B) {
	r := newRig(b, Config{})
	name, n := r.text("HMAC/SHA-256")
	key := r.handle("symmetric_key_generate", name, n, r.none())
	output := r.handle("symmetric_key_export", uint64(key))
	r.loop(b, "array_output_len", uint64(output), r.room(4))
}

// BenchmarkAbsorb is 1 KiB into a state of SHA-256, and BenchmarkSqueeze the digest of it.
func BenchmarkAbsorb(b *testing.B) {
	r := newRig(b, Config{})
	data := r.room(1 << 10)
	b.SetBytes(1 << 10)
	r.loop(b, "symmetric_state_absorb", uint64(openHash(r)), data, 1<<10)
}

func BenchmarkSqueeze(b *testing.B) {
	r := newRig(b, Config{})
	r.loop(b, "symmetric_state_squeeze", uint64(openHash(r)), r.room(sha256.Size), sha256.Size)
}

func openHash(r *rig) uint32 {
	name, n := r.text("SHA-256")
	return r.handle("symmetric_state_open", name, n, r.none(), r.none())
}

// bound gives a function of the guest's that is called again and again: looking it up costs more than many a call.
func (r *rig) bound(b *testing.B, name string) func(args ...uint64) {
	b.Helper()
	f, stack := r.ExportedFunction(name), make([]uint64, 8)
	return func(args ...uint64) {
		copy(stack, args)
		if err := f.CallWithStack(b.Context(), stack); err != nil || stack[0] != 0 {
			b.Fatalf("%s: %v, %v", name, errno(stack[0]), err)
		}
	}
}

// BenchmarkStateOpenClose is what a state of its own adds to a digest: two calls into the guest.
func BenchmarkStateOpenClose(b *testing.B) {
	r := newRig(b, Config{})
	name, n := r.text("SHA-256")
	none, to := r.none(), r.room(4)
	open, done := r.bound(b, "symmetric_state_open"), r.bound(b, "symmetric_state_close")
	b.ReportAllocs()
	for b.Loop() {
		open(name, n, none, none, to)
		done(uint64(r.U32(uint32(to))))
	}
}

// BenchmarkSign is a signature in five calls into the guest; BenchmarkSignInProcess is what they have to do.
func BenchmarkSign(b *testing.B) {
	r := newRig(b, Config{})
	name, n := r.text("ECDSA_P256_SHA256")
	pair := uint64(r.handle("keypair_generate", 0, name, n, r.none()))
	message, state, signature := r.room(32), r.room(4), r.room(4)
	open, update, sign := r.bound(b, "signature_state_open"), r.bound(b, "signature_state_update"), r.bound(b, "signature_state_sign")
	closeState, closeSignature := r.bound(b, "signature_state_close"), r.bound(b, "signature_close")
	b.ReportAllocs()
	for b.Loop() {
		open(pair, state)
		h := uint64(r.U32(uint32(state)))
		update(h, message, 32)
		sign(h, signature)
		closeState(h)
		closeSignature(uint64(r.U32(uint32(signature))))
	}
}

func BenchmarkSignInProcess(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		digest := sha256.Sum256(message)
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDigestInProcess(b *testing.B) {
	data := make([]byte, 1<<10)
	b.SetBytes(1 << 10)
	for b.Loop() {
		sha256.Sum256(data)
	}
}
