package wasicrypto

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
)

// openOptions opens a set of options of a family.
func (r *rig) openOptions(family claviger.GuestType) uint32 {
	r.t.Helper()
	return r.handle("options_open", uint64(family))
}

func (r *rig) set(h uint32, name string, value []byte) errno {
	n, nLen := r.text(name)
	v, vLen := r.put(value)
	return errno(r.Call("options_set", uint64(h), n, nLen, v, vLen))
}

func (r *rig) setNumber(h uint32, name string, value uint64) errno {
	n, nLen := r.text(name)
	return errno(r.Call("options_set_u64", uint64(h), n, nLen, value))
}

func (r *rig) setBuffer(h uint32, name string, at, size uint64) errno {
	n, nLen := r.text(name)
	return errno(r.Call("options_set_guest_buffer", uint64(h), n, nLen, at, size))
}

func TestOptionNamesOfEachFamily(t *testing.T) {
	r := newRig(t, Config{})
	buffer := r.room(16)
	for family := claviger.GuestSignatures; family <= claviger.GuestKeyExchange; family++ {
		h := r.openOptions(family)
		known := success // only the symmetric family has these
		if family != claviger.GuestSymmetric {
			known = unsupportedOption
		}
		for _, name := range []string{"context", "salt", "nonce", "NONCE", "Salt"} {
			if e := r.set(h, name, []byte("v")); e != known {
				t.Errorf("family %d, bytes %q: %v, want %v", family, name, e, known)
			}
		}
		for _, name := range []string{"memory_limit", "ops_limit", "opslimit", "parallelism", "OpsLimit"} {
			if e := r.setNumber(h, name, 3); e != known {
				t.Errorf("family %d, number %q: %v, want %v", family, name, e, known)
			}
		}
		for _, name := range []string{"buffer", "memory", "Memory"} {
			if e := r.setBuffer(h, name, buffer, 16); e != known {
				t.Errorf("family %d, buffer %q: %v, want %v", family, name, e, known)
			}
		}
		if e := r.setNumber(h, "Exportable", 1); e != success {
			t.Errorf("family %d, exportable: %v", family, e)
		}
		for _, e := range []errno{r.set(h, "memory_limit", nil), r.set(h, "", nil), r.set(h, "nonce\x00", nil), r.setNumber(h, "nonce", 1),
			r.setBuffer(h, "salt", buffer, 1), r.set(h, string(bytes.Repeat([]byte("n"), 5000)), nil), r.setNumber(h, "threads", 1)} {
			if e != unsupportedOption {
				t.Errorf("family %d, a name that is none: %v", family, e)
			}
		}
	}
	r.refused(unsupportedAlgorithm, "options_open", 3)
	r.refused(unsupportedAlgorithm, "options_open", 0x10001)
}

// TestOptionSetAgainReplaces is rule 14, and that a state keeps its own copy.
func TestOptionSetAgainReplaces(t *testing.T) {
	r := newRig(t, Config{})
	o := r.options("nonce", "123456789012", "NONCE", "abcdefghijkl")
	r.setNumber(o, "opslimit", 1)
	r.setNumber(o, "ops_limit", 7)
	s := r.state("AES-256-GCM", r.key("AES-256-GCM", make([]byte, 32)), o)
	r.set(o, "nonce", []byte("changed later"))
	r.must("options_close", uint64(o))
	if got := r.option(s, "Nonce"); string(got) != "abcdefghijkl" {
		t.Errorf("the nonce is %q", got)
	}
	if got := r.optionNumber(s, "ops_limit"); got != 7 {
		t.Errorf("ops_limit is %d", got)
	}
	r.want(closed, "options_close", uint64(o))
	if e := r.set(o, "nonce", nil); e != invalidHandle {
		t.Errorf("set after close: %v", e)
	}
}

// option reads an option of bytes back.
func (r *rig) option(state uint32, name string) []byte {
	r.t.Helper()
	n, nLen := r.text(name)
	at, to := r.room(64), r.room(4)
	r.must("symmetric_state_options_get", uint64(state), n, nLen, at, 64, to)
	return r.Get(uint32(at), r.U32(uint32(to)))
}

func (r *rig) optionNumber(state uint32, name string) uint64 {
	r.t.Helper()
	n, nLen := r.text(name)
	to := r.room(8)
	r.must("symmetric_state_options_get_u64", uint64(state), n, nLen, to)
	return r.U64(uint32(to))
}

func TestOptionsReadBack(t *testing.T) {
	r := newRig(t, Config{})
	o := r.options("salt", "", "context", "domain")
	s := r.state("SHA-256", 0, o)
	if got := r.option(s, "context"); string(got) != "domain" {
		t.Errorf("context is %q", got)
	}
	if got := r.option(s, "salt"); len(got) != 0 {
		t.Errorf("an empty salt is %q", got)
	}
	n, nLen := r.text("context")
	at := r.room(8)
	r.refused(overflow, "symmetric_state_options_get", uint64(s), n, nLen, at, 5)
	if r.U64(uint32(at)) != 0xA5A5A5A5A5A5A5A5 {
		t.Error("a buffer that is too small was written to")
	}
	n, nLen = r.text("nonce")
	r.refused(optionNotSet, "symmetric_state_options_get", uint64(s), n, nLen, at, 8)
	n, nLen = r.text("colour")
	r.refused(unsupportedOption, "symmetric_state_options_get", uint64(s), n, nLen, at, 8)
	r.refused(unsupportedOption, "symmetric_state_options_get_u64", uint64(s), n, nLen)
	n, nLen = r.text("parallelism")
	r.refused(optionNotSet, "symmetric_state_options_get_u64", uint64(s), n, nLen)
}

func TestOptionsOfAnotherFamilyAreInvalidHandles(t *testing.T) {
	r := newRig(t, Config{})
	name, nameLen := r.text("SHA-256")
	for _, family := range []claviger.GuestType{claviger.GuestSignatures, claviger.GuestKeyExchange} {
		o := r.some(r.openOptions(family))
		r.refused(invalidHandle, "symmetric_state_open", name, nameLen, r.none(), o)
		r.refused(invalidHandle, "symmetric_key_generate", name, nameLen, o)
	}
	s := r.state("SHA-256", 0, 0)
	r.refused(invalidHandle, "symmetric_state_open", name, nameLen, r.none(), r.some(s))
}

func TestOptionsOverTheLimit(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Held: 100}})
	o := r.options("nonce", "12345678901234567890123456789012345678901234567890")
	for _, c := range []struct {
		name string
		size int
		want errno
	}{{"salt", 51, overflow}, {"salt", 50, success}, {"context", 1, overflow}, {"nonce", 51, overflow}, {"nonce", 50, success}, {"nonce", 10, success},
		{"context", 40, success}, {"context", 41, overflow}} {
		if e := r.set(o, c.name, make([]byte, c.size)); e != c.want {
			t.Errorf("%s of %d bytes: %v, want %v", c.name, c.size, e, c.want)
		}
	}
}

// TestArrayOutput is rules 3 and 13: the length stays, pulls give min(asked, left), and the last byte closes the handle.
func TestArrayOutput(t *testing.T) {
	r := newRig(t, Config{})
	k := r.key("HMAC/SHA-256", []byte("0123456789"))
	h := uint64(r.handle("symmetric_key_export", uint64(k)))
	to, at := r.room(4), r.room(16)
	for _, c := range []struct {
		asked uint64
		want  string
	}{{0, ""}, {3, "012"}, {5, "34567"}, {16, "89"}} {
		r.must("array_output_len", h, to)
		if n := r.U32(uint32(to)); n != 10 {
			t.Errorf("the length is %d", n)
		}
		r.must("array_output_pull", h, at, c.asked, to)
		if n := r.U32(uint32(to)); string(r.Get(uint32(at), n)) != c.want {
			t.Errorf("pulled %q, want %q", r.Get(uint32(at), n), c.want)
		}
	}
	r.refused(invalidHandle, "array_output_len", h)
	r.refused(invalidHandle, "array_output_pull", h, at, 1)
}

func TestArrayOutputOfNothingClosesAtTheFirstPull(t *testing.T) {
	r := newRig(t, Config{})
	h := uint64(r.handle("symmetric_key_export", uint64(r.key("HMAC/SHA-256", nil))))
	if got := r.pull(uint32(h)); len(got) != 0 {
		t.Errorf("pulled %x", got)
	}
	r.refused(invalidHandle, "array_output_len", h)
}

// TestArrayOutputStaysOnErrors is the second half of rule 3.
func TestArrayOutputStaysOnErrors(t *testing.T) {
	r := newRig(t, Config{})
	h := uint64(r.handle("symmetric_key_export", uint64(r.key("HMAC/SHA-256", []byte("key")))))
	at := r.room(8)
	r.want(guestError, "array_output_pull", h, 0xFFFFFFF0, 3, at)
	r.want(guestError, "array_output_pull", h, at, 3, 0xFFFFFFFE)
	if got := r.pull(uint32(h)); string(got) != "key" {
		t.Errorf("pulled %q after two failures", got)
	}
}

// TestNothingManagedWithoutAKeeper: every function of the secrets manager answers unsupported_feature, whatever its arguments.
func TestNothingManagedWithoutAKeeper(t *testing.T) {
	r := newRig(t, Config{})
	r.refused(unsupportedFeature, "secrets_manager_open", r.none())
	at := r.room(64)
	name, n := r.text("AES-128-GCM")
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"secrets_manager_close", []uint64{1}},
		{"secrets_manager_invalidate", []uint64{1, at, 32, 1}},
		{"symmetric_key_generate_managed", []uint64{1, name, n, r.none(), at}},
		{"symmetric_key_store_managed", []uint64{1, 1, at, 32}},
		{"symmetric_key_replace_managed", []uint64{1, 1, 1, at}},
		{"symmetric_key_from_id", []uint64{1, at, 32, 1, at}},
		{"external_secret_store", []uint64{1, at, 3, 5, at, 32}},
		{"external_secret_replace", []uint64{1, at, 3, 5, at, 32, at}},
		{"external_secret_from_id", []uint64{1, at, 32, 1, at}},
		{"external_secret_invalidate", []uint64{1, at, 32, 1}},
		{"external_secret_encapsulate", []uint64{1, at, 3, 5, at}},
		{"external_secret_decapsulate", []uint64{1, at, 3, at}},
	} {
		r.want(unsupportedFeature, c.name, c.args...)
	}
}

func TestSecretsManagerTakesOptionsOfAnyFamily(t *testing.T) {
	r := newRig(t, Config{Managed: newKeeper()})
	for family := claviger.GuestSignatures; family <= claviger.GuestKeyExchange; family++ {
		m := r.handle("secrets_manager_open", r.some(r.openOptions(family)))
		r.must("secrets_manager_close", uint64(m))
		r.want(closed, "secrets_manager_close", uint64(m))
	}
	r.refused(invalidHandle, "secrets_manager_open", r.some(0))
	r.refused(invalidHandle, "secrets_manager_open", r.some(r.state("SHA-256", 0, 0)))
}
