package conformance_test

import "github.com/claviger/claviger/guest/raw"

func brokenHashes() []breakage {
	return []breakage{
		{"45", "", "a hash refuses to absorb nothing", func(b *brokenHost) {
			b.refuse("symmetric_state_absorb", both(b.stateIs("SHA-256"), equals(2, 0)), raw.InvalidLength)
		}},
		{"46", "", "squeeze of a hash goes into its transcript", func(b *brokenHost) {
			is := b.stateIs("SHA-256")
			b.on("symmetric_state_squeeze", func(c *invocation) {
				if c.run() == raw.Success && is(c) && c.arg(2) == 32 {
					c.call("symmetric_state_absorb", c.arg(0), append([]byte(nil), c.bytes(1)...))
				}
			})
		}},
		{"47", "", "a hash takes nothing after squeeze", func(b *brokenHost) {
			is, done := b.stateIs("SHA-512"), map[uint32]bool{}
			b.on("symmetric_state_squeeze", func(c *invocation) { done[c.arg(0)] = c.run() == raw.Success && is(c) })
			b.refuse("symmetric_state_absorb", func(c *invocation) bool { return done[c.arg(0)] }, raw.InvalidOperation)
		}},
		{"48", "", "a shorter digest is another digest", func(b *brokenHost) {
			is := b.stateIs("SHA-256")
			b.on("symmetric_state_squeeze", func(c *invocation) {
				if c.run() == raw.Success && is(c) && c.arg(2) == 31 {
					c.bytes(1)[30] ^= 1
				}
			})
		}},
		{"49", "", "a longer digest is filled with zeros", func(b *brokenHost) {
			b.answer("symmetric_state_squeeze", b.stateIs("SHA-256"), raw.Success, raw.InvalidLength)
		}},
		{"50", "", "keys of four bytes are refused for HMAC", func(b *brokenHost) {
			b.refuse("symmetric_key_import", both(names(0, "HMAC/SHA-512"), equals(3, 4)), raw.InvalidKey)
		}},
		{"51", "50", "squeeze_tag goes into the transcript", func(b *brokenHost) {
			is := b.stateIs("HMAC/SHA-256")
			b.on("symmetric_state_squeeze_tag", func(c *invocation) {
				if c.run() == raw.Success && is(c) {
					c.call("symmetric_state_absorb", c.arg(0), "tag")
				}
			})
		}},
	}
}

func brokenDerivations() []breakage {
	return []breakage{
		{"53", "", "a key that was extracted is not taken in for expansion", func(b *brokenHost) {
			b.refuse("symmetric_key_import", func(c *invocation) bool {
				return names(0, "HKDF-EXPAND/SHA-256")(c) && c.bytes(2)[0] != 0
			}, raw.InvalidKey)
		}},
		{"54", "", "extraction wants a salt", func(b *brokenHost) {
			is, salted := b.stateIs("HKDF-EXTRACT/SHA-256"), map[uint32]bool{}
			b.on("symmetric_state_absorb", func(c *invocation) { salted[c.arg(0)] = c.run() == raw.Success })
			b.refuse("symmetric_state_squeeze_key", func(c *invocation) bool { return is(c) && !salted[c.arg(0)] }, raw.ParametersMissing)
		}},
		{"55", "", "a salt is absorbed once", func(b *brokenHost) {
			is, salted := b.stateIs("HKDF-EXTRACT/SHA-512"), map[uint32]bool{}
			b.on("symmetric_state_absorb", func(c *invocation) {
				if is(c) && salted[c.arg(0)] {
					c.errno = raw.InvalidOperation
					return
				}
				salted[c.arg(0)] = c.run() == raw.Success
			})
		}},
		{"56", "", "cSHAKE absorbs once", func(b *brokenHost) {
			is, done := b.stateIs("CSHAKE-128"), map[uint32]bool{}
			b.on("symmetric_state_absorb", func(c *invocation) {
				if is(c) && done[c.arg(0)] {
					c.errno = raw.InvalidOperation
					return
				}
				done[c.arg(0)] = c.run() == raw.Success
			})
		}},
	}
}

func brokenAEADs() []breakage {
	return []breakage{
		{"57", "", "squeeze of cSHAKE starts over", func(b *brokenHost) { b.startsOver("CSHAKE-128") }},
		{"68", "", "squeeze of a session starts over", func(b *brokenHost) { b.startsOver("XOODYAK-128") }},
		{"59", "", "AES-128-GCM does not decrypt detached", func(b *brokenHost) {
			b.refuse("symmetric_state_decrypt_detached", b.stateIs("AES-128-GCM"), raw.NotImplemented)
		}},
		{"60", "", "a nonce that is set is not used", func(b *brokenHost) {
			b.on("options_set", func(c *invocation) {
				if given := c.bytes(3); names(1, "nonce")(c) && string(given) == "twelve bytes" {
					kept := append([]byte(nil), given...)
					clear(given)
					defer copy(given, kept)
				}
				c.run()
			})
		}},
		{"61", "", "associated data is absorbed once", func(b *brokenHost) {
			is, done := b.stateIs("AES-256-GCM"), map[uint32]bool{}
			b.on("symmetric_state_absorb", func(c *invocation) {
				if is(c) && done[c.arg(0)] {
					c.errno = raw.InvalidOperation
					return
				}
				done[c.arg(0)] = c.run() == raw.Success
			})
		}},
		{"62", "", "max_tag_len grows after encryption", func(b *brokenHost) {
			done := map[uint32]bool{}
			b.on("symmetric_state_encrypt", func(c *invocation) { done[c.arg(0)] = c.run() == raw.Success })
			b.on("symmetric_state_max_tag_len", func(c *invocation) {
				if c.run() == raw.Success && done[c.arg(0)] {
					c.store(1, 32)
				}
			})
		}},
		{"63", "", "what was not verified is given out", func(b *brokenHost) {
			b.on("symmetric_state_decrypt", func(c *invocation) {
				if out := c.bytes(1); c.run() == raw.InvalidTag && len(out) == 100 {
					for i := range out {
						out[i] = byte(i)
					}
				}
			})
		}},
	}
}

func brokenNonces() []breakage {
	return []breakage{
		{"64", "", "a nonce of another size is invalid_length", func(b *brokenHost) {
			b.answer("symmetric_state_open", nil, raw.InvalidLength, raw.InvalidNonce)
		}},
		{"65", "", "options without a nonce are parameters_missing", func(b *brokenHost) {
			b.answer("symmetric_state_open", func(c *invocation) bool { _, given := c.option(3); return given }, raw.ParametersMissing, raw.NonceRequired)
		}},
		{"66", "", "a nonce is drawn for AES-128-GCM", func(b *brokenHost) { b.drawsZero("AES-128-GCM", 12) }},
		{"67", "26", "the nonce that was drawn is not told", func(b *brokenHost) {
			is, drawn := b.stateIs("XCHACHA20-POLY1305"), map[uint32]bool{}
			b.on("symmetric_state_open", func(c *invocation) {
				if _, given := c.option(3); c.run() == raw.Success && !given {
					drawn[c.out(4)] = true
				}
			})
			b.refuse("symmetric_state_options_get", func(c *invocation) bool { return is(c) && drawn[c.arg(0)] }, raw.OptionNotSet)
		}},
	}
}

// startsOver makes squeeze of an algorithm work on a copy of the state.
func (b *brokenHost) startsOver(algorithm string) {
	is := b.stateIs(algorithm)
	b.on("symmetric_state_squeeze", func(c *invocation) {
		if !is(c) {
			c.run()
			return
		}
		var clone uint32
		c.call("symmetric_state_clone", c.arg(0), &clone)
		c.args[0] = uint64(clone)
		c.run()
		c.call("symmetric_state_close", clone)
	})
}
