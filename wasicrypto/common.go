package wasicrypto

import "github.com/claviger/claviger"

// commonFunctions is wasi_ephemeral_crypto_common.
func commonFunctions() []function {
	return []function{
		{"options_open", "ii", optionsOpen},
		{"options_close", "i", func(c *call) errno { return drop[*options](&c.guest.table, c.u32(0)) }},
		{"options_set", "iiiii", optionsSet},
		{"options_set_u64", "iiiI", optionsSetU64},
		{"options_set_guest_buffer", "iiiii", optionsSetGuestBuffer},
		{"array_output_len", "ii", arrayOutputLen},
		{"array_output_pull", "iiii", arrayOutputPull},
		{"secrets_manager_open", "ii", secretsManagerOpen},
		{"secrets_manager_close", "i", secretsManagerClose},
		{"secrets_manager_invalidate", "iiiI", invalidates(Managed.InvalidateKey)},
	}
}

// optionsOpen (algorithm_type, out options): an unknown family is unsupported_algorithm.
func optionsOpen(c *call) errno {
	family, ok := c.u16(0)
	to, e := c.out(1, size32)
	switch {
	case e != success:
		return e
	case !ok || claviger.GuestType(family) > claviger.GuestKeyExchange:
		return unsupportedAlgorithm
	}
	return c.give(to, &options{family: claviger.GuestType(family)})
}

// optionsSet (options, name, value): the value is copied and replaces an earlier one.
func optionsSet(c *call) errno {
	name, e1 := c.text(1)
	value, e2 := c.bytes(3)
	if e := first(e1, e2); e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(o *options) errno {
		return o.set(&c.guest.budget, c.guest.host.config.Limits.Held, name, value)
	})
}

// optionsSetU64 (options, name, value).
func optionsSetU64(c *call) errno {
	name, e := c.text(1)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(o *options) errno { return o.setNumber(name, c.u64(3)) })
}

// optionsSetGuestBuffer (options, name, buffer): what is kept is where the buffer is.
func optionsSetGuestBuffer(c *call) errno {
	name, e1 := c.text(1)
	_, e2 := c.bytes(3)
	if e := first(e1, e2); e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(o *options) errno { return o.setBuffer(name, c.u32(3), c.u32(4)) })
}

// arrayOutputLen (array_output, out size).
func arrayOutputLen(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return useOutput(&c.guest.table, c.u32(0), func(o output) errno {
		to.set32(uint32(o.size()))
		return success
	})
}

// arrayOutputPull (array_output, buffer, out size): fills min(asked, left). The handle is closed with the last byte.
func arrayOutputPull(c *call) errno {
	dst, e1 := c.bytes(1)
	to, e2 := c.out(3, size32)
	if e := first(e1, e2); e != success {
		return e
	}
	h, drained := c.u32(0), false
	e := useOutput(&c.guest.table, h, func(o output) errno {
		n, all := o.pull(dst)
		to.set32(uint32(n))
		drained = all
		return success
	})
	if drained {
		drop[output](&c.guest.table, h)
	}
	return e
}

// secretsManagerOpen (opt_options, out secrets_manager): options of any family are accepted, and none is used. A keeper that cannot be reached
// is algorithm_failure, as everything is that needs it: unsupported_feature would say that there never is one.
func secretsManagerOpen(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	h, some, e := c.optional(0)
	if e != success {
		return e
	}
	if some {
		if e := use(&c.guest.table, h, func(*options) errno { return success }); e != success {
			return e
		}
	}
	managed, err := c.guest.host.config.manager(c.ctx)
	if err != nil {
		return signal(err)
	}
	return c.give(to, &secretsManager{managed})
}

// secretsManagerClose (secrets_manager): keys that came from it stay usable.
func secretsManagerClose(c *call) errno {
	if !c.guest.host.config.keeps() {
		return unsupportedFeature
	}
	return drop[*secretsManager](&c.guest.table, c.u32(0))
}
