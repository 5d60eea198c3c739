package wasicrypto

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// words encodes the records of a batch.
func words(w ...uint32) []byte {
	var b []byte
	for _, v := range w {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// result is one result of a batch.
type result struct {
	value uint32
	errno errno
}

// batch calls a batch function with records of so many words and gives the results.
func (r *rig) batch(name string, width int, records []byte) []result {
	r.t.Helper()
	n := len(records) / 4 / width
	at, _ := r.put(records)
	to := r.room(8 * n)
	r.must(name, at, uint64(n), to)
	results := make([]result, n)
	for i := range results {
		b := r.Get(uint32(to)+8*uint32(i), 8)
		results[i] = result{binary.LittleEndian.Uint32(b), errno(binary.LittleEndian.Uint16(b[4:]))}
		if b[6]|b[7] != 0 {
			r.t.Errorf("%s: the padding is %x", name, b[6:])
		}
	}
	return results
}

func TestBatchOfSqueezes(t *testing.T) {
	r := newRig(t, Config{})
	a, b := r.state("SHA-256", 0, 0), r.state("SHA-256", 0, 0)
	r.absorb(b, "data")
	at := uint32(r.room(128))
	list, _ := r.put(words(a, at, 32, b, at+32, 32, b, at+64, 33, 0xDEADBEEF, at, 4, a, 0xFFFFFFF0, 32, b, 0, 0))
	to := r.room(16)
	r.must("batch_symmetric_state_squeeze", list, 6, to)
	want := []errno{success, success, invalidLength, invalidHandle, guestError, success}
	for i, e := range want {
		if got := errno(binary.LittleEndian.Uint16(r.Get(uint32(to)+2*uint32(i), 2))); got != e {
			t.Errorf("element %d: %v, want %v", i, got, e)
		}
	}
	if got := r.Get(uint32(to)+12, 4); !bytes.Equal(got, []byte{0xA5, 0xA5, 0xA5, 0xA5}) {
		t.Error("something was written behind the results")
	}
	if !bytes.Equal(r.Get(at, 32), r.squeeze(a, 32)) || !bytes.Equal(r.Get(at+32, 32), r.squeeze(b, 32)) {
		t.Error("the digests are those of other states")
	}
}

func TestBatchOfTags(t *testing.T) {
	r := newRig(t, Config{})
	k := r.key("HMAC/SHA-256", []byte("key"))
	a, b := r.state("HMAC/SHA-256", k, 0), r.state("HMAC/SHA-256", k, 0)
	r.absorb(b, "data")
	got := r.batch("batch_symmetric_state_squeeze_tag", 1, words(a, k, b))
	if len(got) != 3 || got[0].errno != success || got[1] != (result{0, invalidHandle}) || got[2].errno != success {
		t.Fatalf("results %v", got)
	}
	if !bytes.Equal(r.pullTag(got[0].value), r.tag(a)) || !bytes.Equal(r.pullTag(got[2].value), r.tag(b)) {
		t.Error("the tags are those of other states")
	}
}

// TestBatchOfMessages seals and opens, together and detached, with errors in between.
func TestBatchOfMessages(t *testing.T) {
	r := newRig(t, Config{})
	want := reference(t, "message", "")
	in, _ := r.text("message")
	at := uint32(r.room(23 * 3))
	got := r.batch("batch_symmetric_state_encrypt", 5, words(r.gcm(), at, 23, uint32(in), 7, r.gcm(), at+23, 22, uint32(in), 7, r.gcm(), at+46, 23, uint32(in), 7))
	for i, e := range []errno{success, overflow, success} {
		if got[i].errno != e {
			t.Errorf("element %d: %v, want %v", i, got[i].errno, e)
		}
	}
	if got[0].value != 23 || !bytes.Equal(r.Get(at, 23), want) || !bytes.Equal(r.Get(at+46, 23), want) {
		t.Error("the ciphertexts are wrong")
	}
	got = r.batch("batch_symmetric_state_encrypt_detached", 5, words(r.gcm(), at, 7, uint32(in), 7))
	if got[0].errno != success || !bytes.Equal(append(r.Get(at, 7), r.pullTag(got[0].value)...), want) {
		t.Error("the detached ciphertext is wrong")
	}
	s := r.gcm()
	sealed, _ := r.put(want)
	got = r.batch("batch_symmetric_state_decrypt", 5, words(s, at, 7, uint32(sealed), 23, s, at+7, 6, uint32(sealed), 22))
	if got[0] != (result{7, success}) || got[1].errno != invalidTag || string(r.Get(at, 7)) != "message" {
		t.Errorf("decrypted %v", got)
	}
	got = r.batch("batch_symmetric_state_decrypt_detached", 7, words(s, at, 7, uint32(sealed), 7, uint32(sealed)+7, 16, s, at, 7, uint32(sealed), 7, uint32(sealed)+6, 16))
	if got[0] != (result{7, success}) || got[1].errno != invalidTag {
		t.Errorf("decrypted %v", got)
	}
}

func TestBatchOfStatesOfSeveralAlgorithms(t *testing.T) {
	r := newRig(t, Config{})
	a, b := r.state("SHA-256", 0, 0), r.state("SHA-512", 0, 0)
	at := uint32(r.room(16))
	list, _ := r.put(words(a, at, 8, b, at, 8))
	r.want(unsupportedFeature, "batch_symmetric_state_squeeze", list, 2, r.room(4))
	if got := r.U64(at); got != 0xA5A5A5A5A5A5A5A5 {
		t.Error("an element of a refused batch has run")
	}
}

// TestBatchListsLieInMemory: counts whose lists would end outside, or wrap around, are guest_error before anything runs.
func TestBatchListsLieInMemory(t *testing.T) {
	r := newRig(t, Config{})
	s := r.state("SHA-256", 0, 0)
	at := uint32(r.room(32))
	list, _ := r.put(words(s, at, 32))
	end := uint64(rigPages) << 16
	for _, c := range [][3]uint64{{list, 1 << 30, list}, {list, 0x15555556, list}, {end - 11, 1, list}, {list, 1, end - 1}, {list, 0xFFFFFFFF, list}, {0xFFFFFFFF, 1, list}} {
		r.want(guestError, "batch_symmetric_state_squeeze", c[0], c[1], c[2])
	}
	r.must("batch_symmetric_state_squeeze", 0xFFFFFFFF, 0, 0xFFFFFFFF)
	small := newRig(t, Config{Limits: Limits{Held: 30}})
	small.want(overflow, "batch_symmetric_state_squeeze", 64, 3, 1024)
	if got := r.U64(at); got != 0xA5A5A5A5A5A5A5A5 {
		t.Error("an element of a refused batch has run")
	}
}

// TestBatchOverlaps: outputs and results may lie over the list, which is read first.
func TestBatchOverlaps(t *testing.T) {
	r := newRig(t, Config{})
	s := r.state("SHA-256", 0, 0)
	want := r.squeeze(s, 8)
	list := uint32(r.room(64))
	r.Put(list, words(s, list+12, 8, s, list+40, 8))
	r.must("batch_symmetric_state_squeeze", uint64(list), 2, uint64(list))
	if !bytes.Equal(r.Get(list, 4), make([]byte, 4)) || !bytes.Equal(r.Get(list+40, 8), want) || !bytes.Equal(r.Get(list+12, 8), want) {
		t.Error("an element was read after another one was written")
	}
}

// TestBatchEndsWithItsContext: what is left when the caller's time is over is not run.
func TestBatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newRig(t, Config{Intercept: func(_, name string, next api.GoModuleFunction) api.GoModuleFunction {
		return api.GoModuleFunc(func(_ context.Context, m api.Module, stack []uint64) {
			if name == "batch_symmetric_state_squeeze" {
				cancel()
			}
			next.Call(ctx, m, stack)
		})
	}})
	s := r.state("SHA-256", 0, 0)
	list, _ := r.put(words(s, 0, 0))
	to := r.room(2)
	r.must("batch_symmetric_state_squeeze", list, 1, to)
	if got := errno(binary.LittleEndian.Uint16(r.Get(uint32(to), 2))); got != algorithmFailure {
		t.Errorf("the element that was left: %v", got)
	}
}
