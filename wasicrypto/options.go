package wasicrypto

import (
	"slices"
	"strings"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// options is a set of options for one family of algorithms. Who uses it copies what it keeps, so that the guest may close
// or change it at once. Safe for concurrent use.
type options struct {
	family claviger.GuestType

	mu         sync.Mutex
	charge     charge                // guarded by mu
	state      claviger.StateOptions // guarded by mu; symmetric family only
	scratch    [2]uint32             // guarded by mu; address and length of the guest's scratch buffer, which no algorithm uses yet
	exportable bool                  // guarded by mu
}

// exportableOption is the option of every family that lets a managed key be exported: zero says no, any other number yes.
const exportableOption = "exportable"

// set sets an option of bytes, which it copies: unsupported_option for another name or family, overflow over held bytes.
func (o *options) set(b *budget, held int, name string, value []byte) errno {
	o.mu.Lock()
	defer o.mu.Unlock()
	place := o.bytesNamed(name)
	if place == nil {
		return unsupportedOption
	}
	old := *place
	if o.charge.bytes-int64(len(old))+int64(len(value)) > int64(held) {
		return overflow
	}
	if e := o.charge.hold(b, len(value)); e != success {
		return e
	}
	*place = append([]byte{}, value...)
	o.charge.give(len(old))
	secmem.Wipe(old)
	return success
}

// setNumber sets an option of a number: unsupported_option for another name or family.
func (o *options) setNumber(name string, value uint64) errno {
	o.mu.Lock()
	defer o.mu.Unlock()
	if strings.EqualFold(name, exportableOption) {
		o.exportable = value != 0
		return success
	}
	place := o.numberNamed(name)
	if place == nil {
		return unsupportedOption
	}
	*place = &value
	return success
}

// setBuffer sets the scratch buffer: unsupported_option for another name or family. The caller has checked that it lies in memory.
func (o *options) setBuffer(name string, at, n uint32) errno {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.family != claviger.GuestSymmetric || !strings.EqualFold(name, "buffer") && !strings.EqualFold(name, "memory") {
		return unsupportedOption
	}
	o.scratch = [2]uint32{at, n}
	return success
}

// bytesNamed finds the place of an option of bytes, nil if there is none of the name. o.mu is held.
func (o *options) bytesNamed(name string) *[]byte {
	if o.family != claviger.GuestSymmetric {
		return nil
	}
	switch strings.ToLower(name) {
	case "context":
		return &o.state.Context
	case "salt":
		return &o.state.Salt
	case "nonce":
		return &o.state.Nonce
	}
	return nil
}

// numberNamed is bytesNamed for options of a number.
func (o *options) numberNamed(name string) **uint64 {
	if o.family != claviger.GuestSymmetric {
		return nil
	}
	switch strings.ToLower(name) {
	case "memory_limit":
		return &o.state.MemoryLimit
	case "ops_limit", "opslimit":
		return &o.state.OpsLimit
	case "parallelism":
		return &o.state.Parallelism
	}
	return nil
}

// forState copies what a symmetric state is opened with.
func (o *options) forState() claviger.StateOptions {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.state
	s.Nonce, s.Salt, s.Context = slices.Clone(s.Nonce), slices.Clone(s.Salt), slices.Clone(s.Context)
	return s
}

// forKey gives what a managed key is made with.
func (o *options) forKey() claviger.ManagedOptions {
	o.mu.Lock()
	defer o.mu.Unlock()
	return claviger.ManagedOptions{Exportable: o.exportable}
}

func (o *options) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range [][]byte{o.state.Nonce, o.state.Salt, o.state.Context} {
		secmem.Wipe(b)
	}
	o.charge.release()
}

// stateOptions reads the optional set of options at argument i, of the symmetric family. None is the zero value. One of another
// family is invalid_handle.
func (c *call) stateOptions(i int) (s claviger.StateOptions, e errno) {
	e = c.withOptions(i, claviger.GuestSymmetric, func(o *options) { s = o.forState() })
	return s, e
}

// managedOptions reads the optional set of options at argument i, of a key's family, as stateOptions does.
func (c *call) managedOptions(i int, family claviger.GuestType) (m claviger.ManagedOptions, e errno) {
	e = c.withOptions(i, family, func(o *options) { m = o.forKey() })
	return m, e
}

// checkOptions is for functions that take options and use none: a set of the family or none is fine.
func (c *call) checkOptions(i int, family claviger.GuestType) errno {
	return c.withOptions(i, family, func(*options) {})
}

// withOptions calls fn with the optional set of options at argument i, if there is one: invalid_handle for one of another family.
func (c *call) withOptions(i int, family claviger.GuestType, fn func(*options)) errno {
	h, some, e := c.optional(i)
	if e != success || !some {
		return e
	}
	return use(&c.guest.table, h, func(o *options) errno {
		if o.family != family {
			return invalidHandle
		}
		fn(o)
		return success
	})
}
