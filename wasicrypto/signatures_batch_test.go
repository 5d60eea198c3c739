package wasicrypto

import (
	"encoding/binary"
	"testing"
)

// words lays words out in guest memory.
func (r *rig) words(words ...uint32) uint64 {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	at, _ := r.put(b)
	return at
}

// stateOver opens a signature_state over a message.
func (r *rig) stateOver(pair uint32, message string) uint32 {
	r.t.Helper()
	state := r.handle("signature_state_open", uint64(pair))
	r.update("signature_state", state, []byte(message))
	return state
}

// checkOver opens a signature_verification_state over a message.
func (r *rig) checkOver(pair uint32, message string) uint32 {
	r.t.Helper()
	state := r.handle("signature_verification_state_open", uint64(r.publicOf(pair)))
	r.update("signature_verification_state", state, []byte(message))
	return state
}

// A batch signs element by element: each result is a signature and success, or an errno of its own. The states stay usable.
func TestBatchSign(t *testing.T) {
	r := newRig(t, Config{})
	for _, name := range []string{"Ed25519", "ECDSA_P256_SHA256", "ML-DSA-44"} {
		r.startOver()
		pair := r.generated(familySigns, name)
		messages := []string{"a", "b", "c"}
		list := r.words(r.stateOver(pair, "a"), 0, r.stateOver(pair, "b"), r.publicOf(pair), r.stateOver(pair, "c"))
		results := r.room(5*8 + 8)
		r.must("batch_signature_state_sign", list, 5, results)
		var verifies []uint32
		for i := range 5 {
			sig, e := r.U32(uint32(results)+8*uint32(i)), errno(r.U32(uint32(results)+8*uint32(i)+4))
			if i%2 == 1 {
				if e != invalidHandle {
					t.Errorf("%s: element %d, which is no state: %v", name, i, e)
				}
				continue
			}
			if e != success {
				t.Fatalf("%s: element %d: %v", name, i, e)
			}
			verifies = append(verifies, r.checkOver(pair, messages[i/2]), sig)
		}
		if r.U64(uint32(results)+40) != 0xA5A5A5A5A5A5A5A5 {
			t.Errorf("%s: the host wrote behind the results", name)
		}
		other := r.checkOver(pair, "another message")
		verifies = append(verifies, other, verifies[1], 77, verifies[1], other, 77)
		checks := r.room(2*6 + 8)
		r.must("batch_signature_state_verify", r.words(verifies...), 6, checks)
		for i, want := range []errno{success, success, success, verificationFailed, invalidHandle, invalidHandle} {
			if got := errno(binary.LittleEndian.Uint16(r.Get(uint32(checks)+2*uint32(i), 2))); got != want {
				t.Errorf("%s: verification %d: %v, want %v", name, i, got, want)
			}
		}
		if r.U64(uint32(checks)+12) != 0xA5A5A5A5A5A5A5A5 {
			t.Errorf("%s: the host wrote behind the verifications", name)
		}
	}
}

// A batch of several algorithms is unsupported_feature, and nothing of it is done; an empty one is nothing to do.
func TestBatchOfSeveralAlgorithms(t *testing.T) {
	r := newRig(t, Config{})
	one, two := r.generated(familySigns, "Ed25519"), r.generated(familySigns, "ECDSA_P256_SHA256")
	list := r.words(r.stateOver(one, "a"), r.stateOver(two, "b"))
	results := r.room(16)
	before := r.host.Handles(r.Module)
	r.want(unsupportedFeature, "batch_signature_state_sign", list, 2, results)
	sig := r.signed(one, []byte("a"))
	r.want(unsupportedFeature, "batch_signature_state_verify", r.words(r.checkOver(one, "a"), sig, r.checkOver(two, "b"), sig), 2, results)
	if r.U64(uint32(results)) != 0xA5A5A5A5A5A5A5A5 {
		t.Error("results were stored")
	}
	r.close("signature", sig)
	r.must("batch_signature_state_sign", 0, 0, 0)
	r.must("batch_signature_state_verify", 0xFFFFFFFF, 0, 0xFFFFFFFF)
	if n := r.host.Handles(r.Module); n != before+4 { // two states and two public keys more
		t.Errorf("%d handles are open, not %d", n, before+4)
	}
}

// Lists that do not lie in memory are guest_error, whatever their product with the element's size is in 32 bits.
func TestBatchOutsideMemory(t *testing.T) {
	r := newRig(t, Config{})
	size := uint64(rigPages * 65536)
	pair := r.generated(familySigns, "Ed25519")
	list, results := r.words(r.stateOver(pair, "a")), r.room(8)
	for _, c := range [][3]uint64{{size - 3, 1, results}, {list, 1, size - 7}, {list, 1 << 30, results}, {list, 1<<29 + 1, results}, {list, 0xFFFFFFFF, results}, {0xFFFFFFFC, 1, results}} {
		r.want(guestError, "batch_signature_state_sign", c[0], c[1], c[2])
	}
	for _, c := range [][3]uint64{{size - 7, 1, results}, {list, 1 << 29, results}, {list, 0xFFFFFFFF, results}} {
		r.want(guestError, "batch_signature_state_verify", c[0], c[1], c[2])
	}
}

// Results may lie over the list.
func TestBatchResultsOverTheList(t *testing.T) {
	r := newRig(t, Config{})
	pair := r.generated(familySigns, "Ed25519")
	a, b := r.stateOver(pair, "a"), r.stateOver(pair, "b")
	list := r.room(24)
	r.PutU32(uint32(list), a, b)
	r.must("batch_signature_state_sign", list, 2, list)
	for i, message := range []string{"a", "b"} {
		if e := errno(r.U32(uint32(list) + 8*uint32(i) + 4)); e != success {
			t.Fatalf("element %d: %v", i, e)
		}
		r.must("signature_verification_state_verify", uint64(r.checkOver(pair, message)), uint64(r.U32(uint32(list)+8*uint32(i))))
	}
}
