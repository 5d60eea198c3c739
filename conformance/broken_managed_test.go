package conformance_test

import "github.com/claviger/claviger/guest/raw"

func brokenManaged() []breakage {
	return []breakage{
		{"69", "", "managed pairs do not decapsulate", func(b *brokenHost) {
			managed, secrets := map[uint32]bool{}, map[uint32]bool{}
			b.on("keypair_generate_managed", func(c *invocation) {
				if c.run() == raw.Success {
					managed[c.out(5)] = true
				}
			})
			b.on("keypair_secretkey", func(c *invocation) {
				if c.run() == raw.Success && managed[c.arg(0)] {
					secrets[c.out(1)] = true
				}
			})
			b.refuse("kx_decapsulate", func(c *invocation) bool { return secrets[c.arg(0)] }, raw.ProhibitedOperation)
		}},
		{"70", "", "a refused export is not_implemented", func(b *brokenHost) {
			b.answer("symmetric_key_export", nil, raw.NotImplemented, raw.ProhibitedOperation)
		}},
		{"72", "", "closing the manager closes its keys", closesKeysWithManager},
		{"73", "80 84", "what is stored is found by others when its manager is closed", hidesUntilClose},
		{"74", "", "the identifier follows from the key", repeatsIdentifiers},
		{"75", "77", "the third replacement has the version of the second", repeatsVersions},
		{"75", "", "the number of an invalidated version is given again", numbersComeAgain},
		{"76", "", "the exact version of a pair is not invalidated, and the answer is not_implemented", func(b *brokenHost) {
			b.on("secrets_manager_invalidate", func(c *invocation) {
				var pair uint32
				if e := c.call("keypair_from_id", c.arg(0), c.bytes(1), c.args[3], &pair); e == raw.Success && c.args[3] < raw.VersionUnspecified {
					c.call("keypair_close", pair)
					c.errno = raw.NotImplemented
					return
				}
				c.run()
			})
		}},
		{"77", "", "all invalidates the latest version only", func(b *brokenHost) {
			b.on("secrets_manager_invalidate", func(c *invocation) {
				if c.args[3] == raw.VersionAll {
					c.args[3] = raw.VersionLatest
				}
				c.run()
			})
		}},
	}
}

func brokenIdentities() []breakage {
	return []breakage{
		{"78", "", "an identifier of another form is invalid_handle", func(b *brokenHost) {
			b.refuse("symmetric_key_from_id", equals(2, 0), raw.InvalidHandle)
		}},
		{"79", "", "a key over the limit is internal_error", func(b *brokenHost) {
			b.answer("symmetric_key_store_managed", func(c *invocation) bool { return c.arg(3) >= 32 }, raw.InternalError, raw.Overflow)
		}},
		{"80", "", "a small buffer for an identifier is filled as far as it goes", func(b *brokenHost) {
			b.answer("keypair_store_managed", nil, raw.Success, raw.Overflow)
		}},
		{"81", "", "a pair of another algorithm is invalid_key", func(b *brokenHost) {
			b.answer("keypair_replace_managed", nil, raw.InvalidKey, raw.IncompatibleKeys)
		}},
		{"82", "", "a pair that is not managed has the version 0", func(b *brokenHost) { b.unmanagedIsZero("keypair_id") }},
		{"83", "", "the version unspecified is the latest of a pair", func(b *brokenHost) {
			b.on("keypair_from_id", func(c *invocation) {
				if c.args[3] == raw.VersionUnspecified {
					c.args[3] = raw.VersionLatest
				}
				c.run()
			})
		}},
		{"84", "", "a symmetric key that is not managed has the version 0", func(b *brokenHost) { b.unmanagedIsZero("symmetric_key_id") }},
	}
}

// unmanagedIsZero makes keypair_id or symmetric_key_id give the version 0 for what has none.
func (b *brokenHost) unmanagedIsZero(function string) {
	b.on(function, func(c *invocation) {
		if c.run() == raw.Success && c.out64(4) == raw.VersionUnspecified {
			c.store64(4, 0)
		}
	})
}

// closesKeysWithManager is a host that does not count: symmetric keys go with the manager that made them.
func closesKeysWithManager(b *brokenHost) {
	keys := map[uint32][]uint32{}
	b.on("symmetric_key_generate_managed", func(c *invocation) {
		if c.run() == raw.Success {
			keys[c.arg(0)] = append(keys[c.arg(0)], c.out(4))
		}
	})
	b.on("secrets_manager_close", func(c *invocation) {
		for _, key := range keys[c.arg(0)] {
			c.call("symmetric_key_close", key)
		}
		c.run()
	})
}

// hidesUntilClose is a host that finishes storage when the manager is closed: until then only that manager finds a key.
func hidesUntilClose(b *brokenHost) {
	owners, open := map[string]uint32{}, map[uint32]bool{}
	b.on("secrets_manager_open", func(c *invocation) {
		if c.run() == raw.Success {
			open[c.out(1)] = true
		}
	})
	b.on("secrets_manager_close", func(c *invocation) {
		delete(open, c.arg(0))
		c.run()
	})
	for _, kind := range []struct {
		generate, store, id, from string
		out                       int
	}{
		{"keypair_generate_managed", "keypair_store_managed", "keypair_id", "keypair_from_id", 5},
		{"symmetric_key_generate_managed", "symmetric_key_store_managed", "symmetric_key_id", "symmetric_key_from_id", 4},
	} {
		note := func(c *invocation, key uint32) {
			var n uint32
			var version uint64
			id := make([]byte, 256)
			c.call(kind.id, key, id, &n, &version)
			owners[string(id[:n])] = c.arg(0)
		}
		b.on(kind.generate, func(c *invocation) {
			if c.run() == raw.Success {
				note(c, c.out(kind.out))
			}
		})
		b.on(kind.store, func(c *invocation) {
			if c.run() == raw.Success {
				note(c, c.arg(1))
			}
		})
		b.refuse(kind.from, func(c *invocation) bool {
			owner, known := owners[c.text(1)]
			return known && owner != c.arg(0) && open[owner]
		}, raw.NotFound)
	}
}

// repeatsIdentifiers is a host whose identifiers follow from the keys: the same key stored twice with one manager has one identifier.
func repeatsIdentifiers(b *brokenHost) {
	type stored struct {
		manager        uint32
		algorithm, key string
	}
	known, aliases, algorithms := map[stored][]byte{}, map[uint32][]byte{}, map[uint32]string{}
	b.on("symmetric_key_import", func(c *invocation) {
		if c.run() == raw.Success {
			algorithms[c.out(4)] = c.text(0)
		}
	})
	b.on("symmetric_key_store_managed", func(c *invocation) {
		var output, n uint32
		key := make([]byte, 64)
		is := stored{manager: c.arg(0), algorithm: algorithms[c.arg(1)]}
		if c.call("symmetric_key_export", c.arg(1), &output) == raw.Success {
			c.call("array_output_pull", output, key, &n)
			is.key = string(key[:min(n, 64)])
		}
		if c.run() != raw.Success {
			return
		}
		if id := known[is]; id != nil {
			copy(c.bytes(2), id)
			aliases[c.arg(1)] = id
			return
		}
		known[is] = append([]byte(nil), c.bytes(2)[:32]...)
	})
	b.on("symmetric_key_id", func(c *invocation) {
		if id := aliases[c.arg(0)]; c.run() == raw.Success && id != nil {
			copy(c.bytes(1), id)
		}
	})
}

// repeatsVersions is a host that gives the third version of a key the number of the second.
func repeatsVersions(b *brokenHost) {
	down := func(v uint64) uint64 {
		if v == 4 {
			return 3
		}
		return v
	}
	b.on("symmetric_key_replace_managed", func(c *invocation) {
		if c.run() == raw.Success {
			c.store64(3, down(c.out64(3)))
		}
	})
	b.on("symmetric_key_id", func(c *invocation) {
		if c.run() == raw.Success {
			c.store64(4, down(c.out64(4)))
		}
	})
}

// numbersComeAgain gives symmetric keys that replace others after the latest version was invalidated the number of that.
func numbersComeAgain(b *brokenHost) {
	invalidated, lower := false, map[uint32]bool{}
	b.on("secrets_manager_open", func(c *invocation) {
		invalidated = false // another check begins
		c.run()
	})
	b.on("secrets_manager_invalidate", func(c *invocation) {
		latest := c.args[3] == raw.VersionLatest
		invalidated = c.run() == raw.Success && latest || invalidated
	})
	b.on("symmetric_key_replace_managed", func(c *invocation) {
		if c.run() == raw.Success && invalidated {
			lower[c.arg(2)] = true
			c.store64(3, c.out64(3)-1)
		}
	})
	b.on("symmetric_key_id", func(c *invocation) {
		if c.run() == raw.Success && lower[c.arg(0)] {
			c.store64(4, c.out64(4)-1)
		}
	})
}
