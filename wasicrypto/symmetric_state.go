package wasicrypto

import (
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/symmetric"
)

// symmetricState is a state of a symmetric algorithm, here or where its managed key is. Safe for concurrent use: calls on
// one state run one after the other.
type symmetricState struct {
	guest *algorithm.Guest
	limit int // of held

	mu     sync.Mutex
	charge charge                  // guarded by mu
	held   int                     // guarded by mu; bytes of options, and of what was absorbed where that is kept
	state  claviger.SymmetricState // guarded by mu
	closed bool                    // guarded by mu
}

// stateCost estimates what a state takes of host memory, in bytes, beside a copy of its key and what it holds.
const stateCost = 1 << 10

// symmetricStateOpen (algorithm, opt_symmetric_key, opt_options, out symmetric_state).
func symmetricStateOpen(c *call) errno {
	name, e1 := c.text(0)
	to, e2 := c.out(4, size32)
	if e := first(e1, e2); e != success {
		return e
	}
	keyHandle, keyed, e3 := c.optional(2)
	o, e4 := c.stateOptions(3)
	g, e5 := symmetricNamed(name)
	if e := first(e3, e4, e5, c.room()); e != success {
		return e
	}
	open := func(k *symmetricKey) errno {
		s := &symmetricState{guest: g, limit: c.guest.host.config.Limits.Held, held: len(o.Nonce) + len(o.Salt) + len(o.Context)}
		if e := s.charge.hold(&c.guest.budget, stateCost+k.size()+s.held); e != success {
			return e
		}
		var err error
		if s.state, err = c.openState(g, k, o); err != nil {
			s.charge.release()
			return signal(err)
		}
		return c.give(to, s)
	}
	if keyed {
		return use(&c.guest.table, keyHandle, open)
	}
	return open(nil)
}

// openState opens a state with a key, or without one if it is nil. A key must be for this very algorithm. The host draws the nonce
// itself if it has randomness of its own.
func (c *call) openState(g *algorithm.Guest, k *symmetricKey, o claviger.StateOptions) (claviger.SymmetricState, error) {
	random := c.guest.host.config.Random
	if random != nil && g.RandomNonce && o.Nonce == nil && (k == nil || k.isManaged() == nil) {
		var e errno
		if o.Nonce, e = draw(random, g.Nonce); e != success {
			return nil, e
		}
	}
	switch {
	case k == nil:
		return symmetric.Open(g, nil, o)
	case g.Keyless():
		return nil, keyNotSupported
	case k.guest != g:
		return nil, invalidKey
	}
	return k.open(c.ctx, o)
}

// withState calls fn with the state whose handle is argument 0, which nobody else uses meanwhile. The state's own lock is
// what keeps it from being closed under fn, so that this needs no reference.
func (c *call) withState(fn func(*symmetricState) errno) errno {
	e := c.guest.table.find(c.u32(0))
	if e == nil {
		return invalidHandle
	}
	s, ok := e.object.(*symmetricState)
	if !ok {
		return invalidHandle
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return invalidHandle
	}
	return fn(s)
}

// symmetricStateOptionsGet (symmetric_state, name, buffer, out size).
func symmetricStateOptionsGet(c *call) errno {
	name, e1 := c.text(1)
	to, e2 := c.bytes(3)
	size, e3 := c.out(5, size32)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	return c.withState(func(s *symmetricState) errno {
		value, err := s.state.Option(c.ctx, name)
		switch {
		case err != nil:
			return signal(err)
		case len(value) > len(to):
			return overflow
		}
		size.set32(uint32(copy(to, value)))
		return success
	})
}

// symmetricStateOptionsGetU64 (symmetric_state, name, out u64).
func symmetricStateOptionsGetU64(c *call) errno {
	name, e1 := c.text(1)
	to, e2 := c.out(3, size64)
	if e := first(e1, e2); e != success {
		return e
	}
	return c.withState(func(s *symmetricState) errno {
		value, err := s.state.OptionNumber(c.ctx, name)
		if err == nil {
			to.set64(value)
		}
		return signal(err)
	})
}

// stateClone (symmetric_state) gives the handle of an independent copy.
func stateClone(c *call) (h uint32, e errno) {
	e = c.withState(func(s *symmetricState) errno {
		if e := c.room(); e != success {
			return e
		}
		twin := &symmetricState{guest: s.guest, limit: s.limit, held: s.held}
		if e := twin.charge.hold(&c.guest.budget, int(s.charge.bytes)); e != success {
			return e
		}
		state, err := s.state.Clone(c.ctx)
		if err != nil {
			twin.charge.release()
			return signal(err)
		}
		twin.state = state
		var e errno
		h, e = c.guest.table.add(twin)
		return e
	})
	return h, e
}

// stateAbsorb (symmetric_state, data).
func stateAbsorb(c *call) errno {
	data, e := c.bytes(1)
	if e != success {
		return e
	}
	return c.withState(func(s *symmetricState) errno {
		n := s.heldOf(len(data))
		if s.held+n > s.limit {
			return overflow
		}
		if e := s.charge.hold(&c.guest.budget, n); e != success {
			return e
		}
		if err := s.state.Absorb(c.ctx, data); err != nil {
			s.charge.give(n)
			return signal(err)
		}
		s.held += n
		return success
	})
}

// heldOf gives how many of n absorbed bytes the algorithm has to keep: associated data and HKDF's inputs, which are used
// whole. All others digest at once.
func (s *symmetricState) heldOf(n int) int {
	switch s.guest.Kind {
	case algorithm.KindAEAD, algorithm.KindExtract, algorithm.KindExpand:
		return n
	}
	return 0
}

// stateSqueeze (symmetric_state, buffer). The number is not used.
func stateSqueeze(c *call) (uint32, errno) {
	to, e := c.bytes(1)
	if e != success {
		return 0, e
	}
	return 0, c.withState(func(s *symmetricState) errno { return signal(s.state.Squeeze(c.ctx, to)) })
}

// stateSqueezeTag (symmetric_state) gives the handle of a tag.
func stateSqueezeTag(c *call) (h uint32, e errno) {
	e = c.withState(func(s *symmetricState) errno {
		if e := c.room(); e != success {
			return e
		}
		tag, err := s.state.SqueezeTag(c.ctx)
		if err != nil {
			return signal(err)
		}
		var e errno
		h, e = c.guest.table.add(&symmetricTag{tag})
		return e
	})
	return h, e
}

// stateSqueezeKey (symmetric_state, algorithm) gives the handle of a key for the named algorithm.
func stateSqueezeKey(c *call) (h uint32, e errno) {
	name, e := c.text(1)
	if e != success {
		return 0, e
	}
	e = c.withState(func(s *symmetricState) errno {
		if e := c.room(); e != success {
			return e
		}
		raw, err := s.state.SqueezeKey(c.ctx, claviger.Algorithm(name))
		if err != nil {
			return signal(err)
		}
		defer secmem.Wipe(raw)
		g, e := symmetricNamed(name)
		if e != success {
			return e
		}
		k, e := newSymmetricKey(&c.guest.budget, g, raw)
		if e != success {
			return e
		}
		h, e = c.guest.table.add(k)
		return e
	})
	return h, e
}

// stateMaxTagLen (symmetric_state) gives a size.
func stateMaxTagLen(c *call) (n uint32, e errno) {
	e = c.withState(func(s *symmetricState) errno {
		size, err := s.state.MaxTagLen(c.ctx)
		n = uint32(size)
		return signal(err)
	})
	return n, e
}

// stateRatchet (symmetric_state).
func stateRatchet(c *call) errno {
	return c.withState(func(s *symmetricState) errno { return signal(s.state.Ratchet(c.ctx)) })
}

// close waits for the call that uses the state.
func (s *symmetricState) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.state.Close()
	s.charge.release()
}
