package conformance_test

import (
	"github.com/claviger/claviger/guest/raw"
)

func brokenSymmetric() []breakage {
	return []breakage{
		{"25", "", "a closed key is key_required", func(b *brokenHost) {
			b.answer("symmetric_state_open", nil, raw.KeyRequired, raw.InvalidHandle)
		}},
		{"26", "", "the nonce that is drawn is always the same", func(b *brokenHost) { b.drawsZero("XCHACHA20-POLY1305", 24) }},
		{"27", "", "too much data is algorithm_failure", func(b *brokenHost) {
			b.answer("symmetric_state_absorb", nil, raw.AlgorithmFailure, raw.Overflow)
		}},
		{"28", "", "squeeze of an AEAD is not_implemented", func(b *brokenHost) {
			b.answer("symmetric_state_squeeze", b.stateIs("AES-256-GCM"), raw.NotImplemented, raw.InvalidOperation)
		}},
		{"29", "", "squeeze_tag of an AEAD is key_required", func(b *brokenHost) {
			b.answer("symmetric_state_squeeze_tag", b.stateIs("AES-256-GCM"), raw.KeyRequired, raw.InvalidOperation)
		}},
		{"30", "", "squeeze_key of a MAC is unsupported_algorithm", func(b *brokenHost) {
			b.answer("symmetric_state_squeeze_key", b.stateIs("HMAC/SHA-256"), raw.UnsupportedAlgorithm, raw.InvalidOperation)
		}},
		{"31", "", "ratchet of an AEAD does nothing and succeeds", func(b *brokenHost) {
			b.answer("symmetric_state_ratchet", b.stateIs("AES-256-GCM"), raw.Success, raw.InvalidOperation)
		}},
		{"32", "", "the tag of an empty message is left out", func(b *brokenHost) {
			b.on("symmetric_state_encrypt", func(c *invocation) {
				if c.run() == raw.Success && c.arg(4) == 0 {
					clear(c.bytes(1))
				}
			})
		}},
		{"33", "", "encryption reads its input while it writes", func(b *brokenHost) {
			b.on("symmetric_state_encrypt", func(c *invocation) {
				out, in := c.arg(1), c.arg(3)
				if c.run() == raw.Success && out > in && out < in+c.arg(4) {
					c.bytes(1)[out-in] ^= 1
				}
			})
		}},
		{"33", "", "decryption with the tag apart reads its input while it writes", func(b *brokenHost) {
			b.on("symmetric_state_decrypt_detached", func(c *invocation) {
				out, in := c.arg(1), c.arg(3)
				if c.run() == raw.Success && out > in && out < in+c.arg(4) {
					c.bytes(1)[out-in] ^= 1
				}
			})
		}},
		{"34", "", "the tag of a long message is shorter", func(b *brokenHost) {
			short := map[uint32]bool{}
			b.on("symmetric_state_encrypt_detached", func(c *invocation) {
				if c.run() == raw.Success && c.arg(4) == 1000 {
					short[c.out(5)] = true
				}
			})
			b.on("symmetric_tag_len", func(c *invocation) {
				if c.run() == raw.Success && short[c.arg(0)] {
					c.store(1, 12)
				}
			})
		}},
	}
}

func brokenBuffers() []breakage {
	return []breakage{
		{"35", "", "a large output buffer of encrypt is overflow", func(b *brokenHost) {
			b.answer("symmetric_state_encrypt", nil, raw.Overflow, raw.InvalidLength)
		}},
		{"36", "", "encrypt of a MAC is not_implemented", func(b *brokenHost) {
			b.answer("symmetric_state_encrypt", b.stateIs("HMAC/SHA-256"), raw.NotImplemented, raw.InvalidOperation)
		}},
		{"37", "", "a wrong tag of a short message is verification_failed", func(b *brokenHost) {
			b.answer("symmetric_state_decrypt", equals(4, 23), raw.VerificationFailed, raw.InvalidTag)
		}},
		{"37", "", "a tag apart counts by its beginning", func(b *brokenHost) {
			b.on("symmetric_state_decrypt_detached", func(c *invocation) {
				if n := c.arg(6); n > 0 && n < 16 {
					c.args[6] = 16 // the guest has the whole tag there
				}
				c.run()
			})
		}},
		{"38", "", "decrypt of a MAC is not_implemented", func(b *brokenHost) {
			b.answer("symmetric_state_decrypt", b.stateIs("HMAC/SHA-256"), raw.NotImplemented, raw.InvalidOperation)
		}},
		{"39", "", "a small output buffer of decrypt is invalid_length", func(b *brokenHost) {
			b.answer("symmetric_state_decrypt", nil, raw.InvalidLength, raw.Overflow)
		}},
		{"40", "", "a large output buffer of encrypt_detached is overflow", func(b *brokenHost) {
			b.answer("symmetric_state_encrypt_detached", nil, raw.Overflow, raw.InvalidLength)
		}},
		{"41", "", "a small output buffer of decrypt_detached is invalid_length", func(b *brokenHost) {
			b.answer("symmetric_state_decrypt_detached", nil, raw.InvalidLength, raw.Overflow)
		}},
		{"42", "", "an empty tag verifies", func(b *brokenHost) {
			b.answer("symmetric_tag_verify", equals(2, 0), raw.Success, raw.InvalidTag)
		}},
		{"43", "", "a large buffer for a tag is overflow", func(b *brokenHost) {
			b.answer("symmetric_tag_pull", nil, raw.Overflow, raw.InvalidLength)
		}},
		{"44", "", "a hash has a max_tag_len of nothing", func(b *brokenHost) {
			b.on("symmetric_state_max_tag_len", func(c *invocation) {
				if c.run() == raw.InvalidOperation {
					c.store(1, 0)
					c.errno = raw.Success
				}
			})
		}},
	}
}

// drawsZero makes the host open states of an algorithm without a nonce under a nonce of zeros.
func (b *brokenHost) drawsZero(algorithm string, size int) {
	b.on("symmetric_state_open", func(c *invocation) {
		if _, given := c.option(3); given || !names(0, algorithm)(c) {
			c.run()
			return
		}
		var options, state uint32
		key, keyed := c.option(2)
		c.call("options_open", raw.TypeSymmetric, &options)
		c.call("options_set", options, "nonce", make([]byte, size))
		c.errno = c.call("symmetric_state_open", c.text(0), optional{key, keyed}, optional{options, true}, &state)
		c.call("options_close", options)
		c.store(4, state)
	})
}
