package conformance_test

import (
	"github.com/claviger/claviger/guest/raw"
)

func brokenHandles() []breakage {
	return []breakage{
		{"2", "", "closing a key closes the states that were opened with it", closesStatesWithKeys},
		{"3", "", "an output that was pulled is still there", func(b *brokenHost) {
			b.on("array_output_len", func(c *invocation) {
				if c.run() == raw.InvalidHandle {
					c.errno = raw.Success
				}
			})
		}},
		{"4", "", "unknown encodings are taken for pkcs8", func(b *brokenHost) {
			b.on("keypair_export", func(c *invocation) {
				if c.arg(1) == 99 {
					c.args[1] = uint64(raw.KeypairPKCS8)
				}
				c.run()
			})
		}},
		{"5", "4 7 16 17", "scalars of P-384 are little-endian", func(b *brokenHost) {
			b.on("keypair_import", func(c *invocation) {
				if names(1, "ECDSA_P384_SHA384")(c) && c.arg(5) == raw.KeypairRaw {
					scalar := append([]byte(nil), c.bytes(3)...)
					reverse(c.bytes(3))
					defer copy(c.bytes(3), scalar)
				}
				c.run()
			})
		}},
		{"6", "17", "RSA secret keys are not taken in as pkcs8", func(b *brokenHost) {
			b.refuse("secretkey_import", equals(5, uint64(raw.KeyPKCS8)), raw.UnsupportedEncoding)
		}},
		{"7", "", "key pairs are not taken in as pem", func(b *brokenHost) {
			b.refuse("keypair_import", equals(5, uint64(raw.KeypairPEM)), raw.UnsupportedEncoding)
		}},
		{"8", "", "compressed points are not taken in", func(b *brokenHost) {
			b.refuse("publickey_import", func(c *invocation) bool { return c.arg(5) == raw.KeySEC && c.bytes(3)[0] != 4 }, raw.InvalidKey)
		}},
	}
}

func brokenHalves() []breakage {
	return []breakage{
		{"9", "21 69", "the secret half of an X25519 pair is not given", func(b *brokenHost) {
			pairs := map[uint32]bool{}
			b.on("keypair_generate", func(c *invocation) {
				if c.run() == raw.Success && c.arg(0) == raw.TypeKeyExchange {
					pairs[c.out(4)] = names(1, "X25519")(c)
				}
			})
			b.refuse("keypair_secretkey", func(c *invocation) bool { return pairs[c.arg(0)] }, raw.UnsupportedFeature)
		}},
		{"10", "", "an imported Ed25519 pair signs with another public key", signsWithAnother},
		{"11", "", "the secret half alone is taken for a pair", func(b *brokenHost) {
			b.on("keypair_import", func(c *invocation) {
				if names(1, "Ed25519")(c) && c.arg(4) == 32 {
					var pair uint32
					c.errno = c.call("keypair_generate", raw.TypeSignatures, "Ed25519", optional{}, &pair)
					c.store(6, pair)
					return
				}
				c.run()
			})
		}},
		{"12", "", "signatures are not taken in raw", func(b *brokenHost) {
			b.refuse("signature_import", equals(4, uint64(raw.SignatureRaw)), raw.UnsupportedEncoding)
		}},
		{"13", "", "a pull must not ask for more than is left", func(b *brokenHost) {
			b.on("array_output_pull", func(c *invocation) {
				var left uint32
				if e := c.call("array_output_len", c.arg(0), &left); e == raw.Success && c.arg(2) > left {
					c.errno = raw.InvalidLength
					return
				}
				c.run()
			})
		}},
		{"14", "", "an option keeps its first value", func(b *brokenHost) {
			set := map[uint32]bool{}
			b.on("options_set", func(c *invocation) {
				if set[c.arg(0)] {
					c.errno = raw.Success
					return
				}
				set[c.arg(0)] = c.run() == raw.Success
			})
		}},
	}
}

// closesStatesWithKeys is a host that does not count: a state goes with the key it was opened with.
func closesStatesWithKeys(b *brokenHost) {
	states := map[uint32][]uint32{}
	b.on("symmetric_state_open", func(c *invocation) {
		if key, given := c.option(2); c.run() == raw.Success && given {
			states[key] = append(states[key], c.out(4))
		}
	})
	b.on("symmetric_key_close", func(c *invocation) {
		for _, state := range states[c.arg(0)] {
			c.call("symmetric_state_close", state)
		}
		c.run()
	})
}

// signsWithAnother is a host that signs for an imported Ed25519 pair with a pair of its own.
func signsWithAnother(b *brokenHost) {
	imported := map[uint32]bool{}
	b.on("keypair_import", func(c *invocation) {
		if c.run() == raw.Success && names(1, "Ed25519")(c) {
			imported[c.out(6)] = true
		}
	})
	b.on("signature_state_open", func(c *invocation) {
		if imported[c.arg(0)] {
			var other uint32
			c.call("keypair_generate", raw.TypeSignatures, "Ed25519", optional{}, &other)
			c.args[0] = uint64(other)
		}
		c.run()
	})
}

func reverse(b []byte) {
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
}

func brokenKeys() []breakage {
	return []breakage{
		{"15", "", "a required algorithm is missing", func(b *brokenHost) {
			b.refuse("keypair_import", names(1, "RSA_PKCS1_4096_SHA512"), raw.UnsupportedAlgorithm)
		}},
		{"16", "", "every public key is found sound", func(b *brokenHost) {
			b.on("publickey_import", func(c *invocation) {
				if c.run() == raw.InvalidKey && names(1, "X25519")(c) {
					var pair, public uint32
					c.call("keypair_generate", raw.TypeKeyExchange, "X25519", optional{}, &pair)
					c.errno = c.call("keypair_publickey", pair, &public)
					c.store(6, public)
				}
			})
			b.answer("publickey_verify", nil, raw.Success, raw.InvalidKey)
		}},
		{"17", "", "the public key is not computed for P-384", func(b *brokenHost) {
			b.on("publickey_from_secretkey", func(c *invocation) {
				if c.run() != raw.Success {
					return
				}
				var output, n uint32
				if c.call("publickey_export", c.out(1), raw.KeySEC, &output) == raw.Success &&
					c.call("array_output_len", output, &n) == raw.Success && n == 97 {
					c.errno = raw.NotImplemented
				}
			})
		}},
		{"18", "", "halves of two algorithms are invalid_key", func(b *brokenHost) {
			b.answer("keypair_from_pk_and_sk", nil, raw.InvalidKey, raw.IncompatibleKeys)
		}},
		{"19", "", "generation gives the same X25519 pair each time", func(b *brokenHost) {
			var first []byte
			b.on("keypair_generate", func(c *invocation) {
				if c.run() != raw.Success || !names(1, "X25519")(c) {
					return
				}
				var output, pair, n uint32
				if first == nil {
					first = make([]byte, 64)
					c.call("keypair_export", c.out(4), raw.KeypairRaw, &output)
					c.call("array_output_pull", output, first, &n)
					return
				}
				c.call("keypair_import", raw.TypeKeyExchange, "X25519", first, raw.KeypairRaw, &pair)
				c.store(4, pair)
			})
		}},
	}
}

func brokenUses() []breakage {
	return []breakage{
		{"20", "", "another kind of pair is algorithm_failure", func(b *brokenHost) {
			b.answer("signature_state_open", nil, raw.AlgorithmFailure, raw.InvalidKey)
		}},
		{"21", "69", "agreement gives each side a secret of its own", func(b *brokenHost) {
			b.on("kx_dh", func(c *invocation) {
				if c.run() == raw.Success {
					var key, output uint32
					c.call("symmetric_key_generate", "AES-256-GCM", optional{}, &key)
					c.call("symmetric_key_export", key, &output)
					c.store(2, output)
				}
			})
		}},
		{"22", "", "a failed decapsulation is invalid_length", func(b *brokenHost) {
			b.answer("kx_decapsulate", nil, raw.InvalidLength, raw.VerificationFailed)
		}},
		{"23", "", "der is not_implemented", func(b *brokenHost) {
			b.refuse("signature_export", equals(1, uint64(raw.SignatureDER)), raw.NotImplemented)
		}},
		{"24", "", "a state of verification takes data for signing", func(b *brokenHost) {
			verifying := map[uint32]bool{}
			b.on("signature_verification_state_open", func(c *invocation) {
				if c.run() == raw.Success {
					verifying[c.out(1)] = true
				}
			})
			b.answer("signature_state_update", func(c *invocation) bool { return verifying[c.arg(0)] }, raw.Success, raw.InvalidHandle)
		}},
	}
}
