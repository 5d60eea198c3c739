package guest

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// StateConfig is what a symmetric state is opened with. The zero value is a state without key and options, such as a hash.
// A nil slice and a zero number mean "not given".
type StateConfig struct {
	Key *SymmetricKey // of the state's own algorithm

	Nonce   []byte // of ciphers. Left out where the algorithm is safe with one drawn at random: State.Option reads it
	Salt    []byte
	Context []byte // customization, of algorithms that have it

	MemoryLimit, OpsLimit, Parallelism uint64 // of password hashing

	// Buffer is memory that a password hash works in. The host keeps its address until the state is closed, and State keeps
	// it alive.
	Buffer []byte
}

// options builds the host's set of what is given; 0 when that is nothing. The caller closes it.
func (c StateConfig) options() (object, error) {
	b := optionsBuilder{family: raw.TypeSymmetric}
	b.bytes("nonce", c.Nonce)
	b.bytes("salt", c.Salt)
	b.bytes("context", c.Context)
	b.number("memory_limit", c.MemoryLimit)
	b.number("ops_limit", c.OpsLimit)
	b.number("parallelism", c.Parallelism)
	b.buffer("buffer", c.Buffer)
	return b.done()
}

// ManagedConfig says how a managed key is made. The zero value is a key that nobody can take out.
type ManagedConfig struct {
	Exportable bool // the guest may export the key. An option of Claviger; other hosts may refuse it
}

func (c ManagedConfig) options(family uint32) (object, error) {
	b := optionsBuilder{family: family}
	if c.Exportable {
		b.number("exportable", 1)
	}
	return b.done()
}

// optionsBuilder makes a set of options at the first one, and keeps the first error.
type optionsBuilder struct {
	family  uint32
	options object
	err     error
}

func (b *optionsBuilder) bytes(name string, value []byte) {
	if value == nil || !b.open() {
		return
	}
	at, length := text(name)
	from, size := data(value)
	b.err = result("options_set", raw.OptionsSet(uint32(b.options), at, length, from, size))
}

func (b *optionsBuilder) number(name string, value uint64) {
	if value == 0 || !b.open() {
		return
	}
	at, length := text(name)
	b.err = result("options_set_u64", raw.OptionsSetU64(uint32(b.options), at, length, value))
}

func (b *optionsBuilder) buffer(name string, memory []byte) {
	if memory == nil || !b.open() {
		return
	}
	at, length := text(name)
	from, size := data(memory)
	b.err = result("options_set_guest_buffer", raw.OptionsSetGuestBuffer(uint32(b.options), at, length, from, size))
}

// open makes the set unless it is there, and reports whether there is one to write to.
func (b *optionsBuilder) open() bool {
	if b.err == nil && b.options == 0 {
		b.err = result("options_open", raw.OptionsOpen(b.family, b.options.out()))
	}
	return b.err == nil
}

// done gives the set, or closes it when something in it was refused.
func (b *optionsBuilder) done() (object, error) {
	if b.err != nil {
		closeOptions(b.options)
		return 0, b.err
	}
	return b.options, nil
}

// closeOptions lets go of a set. The host has copied what it needs, and an error would change nothing for the caller.
func closeOptions(options object) {
	if options != 0 {
		raw.OptionsClose(uint32(options))
	}
}

// pointer gives the address under which an optional object is passed.
func pointer(o *raw.Optional) unsafe.Pointer { return unsafe.Pointer(o) }
