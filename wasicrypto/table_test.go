package wasicrypto

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
)

// thing is an object that counts how often it is closed.
type thing struct{ closed int }

func (t *thing) close() { t.closed++ }

func TestClosedWhenTheLastUseEnds(t *testing.T) {
	table := table{limit: 2}
	o := new(thing)
	h, e := table.add(o)
	if e != success {
		t.Fatal(e)
	}
	used := use(&table, h, func(got *thing) errno {
		if e := drop[*thing](&table, h); e != success || got.closed != 0 {
			t.Errorf("closed while in use: %v, %d times", e, got.closed)
		}
		return use(&table, h, func(*thing) errno { return success })
	})
	if used != invalidHandle || o.closed != 1 {
		t.Errorf("used after close: %v; closed %d times", used, o.closed)
	}
	if e := drop[*thing](&table, h); e != closed {
		t.Errorf("closed again: %v", e)
	}
}

// TestHandlesAreNeverZeroNorRepeatedSoon goes through all generations of one place.
func TestHandlesAreNeverZeroNorRepeatedSoon(t *testing.T) {
	table := table{limit: 1}
	seen := map[uint32]bool{}
	for range 1<<16 - 1 {
		h, e := table.add(new(thing))
		if e != success || h == 0 || h>>16 == 0 || seen[h] {
			t.Fatalf("handle %#x: %v", h, e)
		}
		seen[h] = true
		if e := drop[*thing](&table, h); e != success {
			t.Fatal(e)
		}
	}
	if h, _ := table.add(new(thing)); !seen[h] {
		t.Errorf("handle %#x after all generations", h)
	}
}

func TestNoRoomClosesTheObject(t *testing.T) {
	table := table{limit: 1}
	if _, e := table.add(new(thing)); e != success || table.room() != tooManyHandles {
		t.Errorf("%v, then %v", e, table.room())
	}
	o := new(thing)
	if h, e := table.add(o); h != 0 || e != tooManyHandles || o.closed != 1 {
		t.Errorf("handle %#x, %v, closed %d times", h, e, o.closed)
	}
	table.closeAll()
	if _, e := table.add(o); e != tooManyHandles || table.count() != 0 {
		t.Errorf("after closeAll: %v, %d handles", e, table.count())
	}
}

// TestSecretsAreWiped: key, tag, output and options are zero bytes in memory once their handles are closed or drained, and a local key
// once it is stored.
func TestSecretsAreWiped(t *testing.T) {
	r, manager := managedRig(t, newKeeper())
	object := func(h uint32) object {
		e := r.host.guests[r.Module].table.get(h)
		if e == nil {
			t.Fatalf("no handle %#x", h)
		}
		defer e.release()
		return e.object
	}
	raw := []byte("0123456789abcdef")
	memory := func(key uint32) []byte { return object(key).(*symmetricKey).local.Bytes() }
	first, second, third := r.key("HMAC/SHA-256", raw), r.key("HMAC/SHA-256", raw), r.key("HMAC/SHA-256", raw)
	tag := r.handle("symmetric_state_squeeze_tag", uint64(r.state("HMAC/SHA-256", first, 0)))
	output := r.handle("symmetric_key_export", uint64(first))
	set := r.options("nonce", string(raw))
	held := map[string][]byte{
		"a closed key": memory(first), "a stored key": memory(second), "a key that replaces": memory(third), "a tag": object(tag).(*symmetricTag).tag,
		"an output": object(output).(*arrayOutput).data, "an option": object(set).(*options).state.Nonce,
	}
	for what, b := range held {
		if len(b) < 16 || bytes.Equal(b, make([]byte, len(b))) {
			t.Fatalf("%s is not what this test takes it for", what)
		}
	}
	r.set(set, "salt", raw)
	held["a replaced option"] = object(set).(*options).state.Salt
	r.set(set, "salt", nil)
	old := r.generate(manager, "HMAC/SHA-256", 0)
	r.must("symmetric_key_replace_managed", manager, uint64(old), uint64(third), r.room(8))
	r.must("symmetric_key_store_managed", manager, uint64(second), r.room(32), 32)
	r.must("symmetric_key_close", uint64(first))
	r.pullTag(tag)
	r.pull(output)
	r.must("options_close", uint64(set))
	for what, b := range held {
		if !bytes.Equal(b, make([]byte, len(b))) {
			t.Errorf("%s is still in memory", what)
		}
	}
}

// TestErrnoOfEveryCode: a code of the guest group is its errno, every other one of the table is what the interface calls it, and nothing is
// above the last errno.
func TestErrnoOfEveryCode(t *testing.T) {
	for group := claviger.Code(0x01010000); group <= guestGroup; group += 0x10000 {
		for c := group; c < group+0x40; c++ {
			e := errnoOf(claviger.Errorf(c, "test", "an error"))
			if !c.Known() {
				continue
			}
			if e == success || e > expired || group == guestGroup && e != errno(c&0xFFFF) {
				t.Errorf("%s is %v", c.Name(), e)
			}
		}
	}
	for err, want := range map[error]errno{
		nil: success, claviger.ErrInvalidOperation: invalidOperation, claviger.ErrUnsupportedAlgorithm: unsupportedAlgorithm,
		claviger.ErrUnsupportedOperation: unsupportedFeature, claviger.ErrQuotaExceeded: overflow, claviger.ErrInsufficientBufferSize: overflow,
		claviger.ErrKeyOperationNotPermitted: prohibitedOperation, claviger.ErrKeyNotExportable: prohibitedOperation,
		claviger.ErrAccessDenied: prohibitedOperation, claviger.ErrInvalidFormat: invalidKey, claviger.ErrIncompatibleKeyType: invalidKey,
		claviger.ErrSecretNotFound: notFound, claviger.ErrResourceNotFound: notFound, claviger.ErrSecretExpired: expired,
		claviger.ErrSecretVerificationFailed: verificationFailed, claviger.ErrConnectionFailed: algorithmFailure,
		claviger.ErrOperationTimedOut: algorithmFailure, rngError: rngError,
	} {
		if got := errnoOf(err); got != want {
			t.Errorf("%v is %v, want %v", err, got, want)
		}
	}
	for _, c := range []claviger.Code{guestGroup, guestGroup + claviger.Code(expired) + 1, guestGroup + 0xFFFF} {
		if got := errnoOf(claviger.Errorf(c, "test", "a number that is no errno of an error")); got != algorithmFailure {
			t.Errorf("%#x is %v", uint32(c), got)
		}
	}
	if s := errno(999).Error(); s != "wasi-crypto: unknown" {
		t.Errorf("an errno that is none: %q", s)
	}
}
