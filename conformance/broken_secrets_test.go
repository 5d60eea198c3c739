package conformance_test

import (
	"bytes"
	"fmt"

	"github.com/claviger/claviger/guest/raw"
)

func brokenSecrets() []breakage {
	return []breakage{
		{"85", "", "a secret is found by the manager that stored it, and by no other", func(b *brokenHost) {
			owners := map[string]uint32{}
			b.on("external_secret_store", func(c *invocation) {
				if c.run() == raw.Success {
					owners[string(bytes.TrimRight(c.bytes(4), "\x00"))] = c.arg(0)
				}
			})
			b.refuse("external_secret_from_id", func(c *invocation) bool {
				owner, known := owners[c.text(1)]
				return known && owner != c.arg(0)
			}, raw.NotFound)
		}},
		{"86", "", "the identifier follows from the secret", func(b *brokenHost) {
			known := map[string][]byte{}
			b.on("external_secret_store", func(c *invocation) {
				is := fmt.Sprint(c.arg(0), c.args[3], c.bytes(1))
				if id := known[is]; id != nil && len(c.bytes(4)) >= 32 {
					copy(c.bytes(4), id)
					c.errno = raw.Success
				} else if c.run() == raw.Success {
					known[is] = append([]byte(nil), c.bytes(4)[:32]...)
				}
			})
		}},
		{"87", "", "a small buffer for an identifier is filled as far as it goes", func(b *brokenHost) {
			b.answer("external_secret_store", func(c *invocation) bool { return c.arg(5) < 32 }, raw.Success, raw.Overflow)
		}},
		{"88", "", "expiries are taken for milliseconds from some size on", func(b *brokenHost) {
			b.on("external_secret_store", func(c *invocation) {
				if c.args[3] >= 1<<40 {
					c.args[3] /= 1000_000_000
				}
				c.run()
			})
		}},
		{"89", "", "an unknown version is the latest", func(b *brokenHost) {
			b.takenFor("external_secret_from_id", 3, 0xfeff_ffff_ffff_ffff, raw.VersionLatest)
		}},
		{"90", "S4", "all is not invalidated", func(b *brokenHost) {
			b.refuse("external_secret_invalidate", func(c *invocation) bool { return c.args[3] == raw.VersionAll }, raw.Success)
		}},
	}
}

func brokenCapsules() []breakage {
	return []breakage{
		{"91", "", "a secret over the limit is algorithm_failure", func(b *brokenHost) {
			b.answer("external_secret_store", func(c *invocation) bool { return c.arg(5) >= 32 }, raw.AlgorithmFailure, raw.Overflow)
		}},
		{"92", "", "a capsule holds its secret in the clear", showsSecrets},
		{"93", "", "a changed byte in the middle of a capsule is overlooked", func(b *brokenHost) {
			var genuine []byte
			b.on("external_secret_encapsulate", func(c *invocation) {
				if c.run() == raw.Success && c.text(1) == "a token" {
					genuine = c.peek(4)
				}
			})
			b.on("external_secret_decapsulate", func(c *invocation) {
				if given := c.bytes(1); len(given) == len(genuine) && len(given) > 0 {
					changed := append([]byte(nil), given...)
					given[20] = genuine[20]
					defer copy(given, changed)
				}
				c.run()
			})
		}},
		{"94", "", "the capsules of one secret are the same", sealsTheSame},
		{"95", "", "the expiry 0 is never", func(b *brokenHost) { b.takenFor("external_secret_encapsulate", 3, 0, 1<<40) }},
	}
}

func brokenExternal() []breakage {
	return []breakage{
		{"S1", "", "a secret ends at its first zero byte, unless it is long", func(b *brokenHost) { b.cutsZeros("external_secret_store") }},
		{"S2", "", "replacing what is unknown is invalid_handle", func(b *brokenHost) {
			b.answer("external_secret_replace", nil, raw.InvalidHandle, raw.NotFound)
		}},
		{"S3", "", "the version unspecified is the latest", func(b *brokenHost) {
			b.takenFor("external_secret_from_id", 3, raw.VersionUnspecified, raw.VersionLatest)
		}},
		{"S4", "", "invalidating what is unknown succeeds", func(b *brokenHost) {
			b.answer("external_secret_invalidate", nil, raw.Success, raw.NotFound)
		}},
		{"S5", "", "a secret in a capsule ends at its first zero byte, unless it is long", func(b *brokenHost) { b.cutsZeros("external_secret_encapsulate") }},
		{"S6", "", "a capsule that is too long is overflow", func(b *brokenHost) {
			b.refuse("external_secret_decapsulate", func(c *invocation) bool { return c.arg(2) >= 1<<16 }, raw.Overflow)
		}},
	}
}

// cutsZeros makes a function take a secret of up to 100 bytes for text that a zero byte ends.
func (b *brokenHost) cutsZeros(function string) {
	b.on(function, func(c *invocation) {
		if at := bytes.IndexByte(c.bytes(1), 0); at >= 0 && c.arg(2) <= 100 {
			c.args[2] = uint64(at)
		}
		c.run()
	})
}

// takenFor makes a function take one i64 argument for another.
func (b *brokenHost) takenFor(function string, i int, instead, of uint64) {
	b.on(function, func(c *invocation) {
		if c.args[i] == instead {
			c.args[i] = of
		}
		c.run()
	})
}

// peek gives the bytes of the array output whose handle is stored at argument i, and puts another one with the same bytes in its place.
func (c *invocation) peek(i int) []byte {
	var n uint32
	c.call("array_output_len", c.out(i), &n)
	content := make([]byte, n)
	c.call("array_output_pull", c.out(i), content, &n)
	c.store(i, c.output(content))
	return content
}

// output makes an array output of bytes.
func (c *invocation) output(content []byte) uint32 {
	var key, output uint32
	c.call("symmetric_key_import", "HMAC/SHA-256", content, &key)
	c.call("symmetric_key_export", key, &output)
	c.call("symmetric_key_close", key)
	return output
}

// showsSecrets is a host whose capsules have the secret behind them, for secrets of more than 64 bytes.
func showsSecrets(b *brokenHost) {
	shown := map[string]int{}
	b.on("external_secret_encapsulate", func(c *invocation) {
		if c.run() == raw.Success && c.arg(2) > 64 {
			capsule := append(c.peek(4), c.bytes(1)...)
			shown[string(capsule)] = len(capsule) - int(c.arg(2))
			c.store(4, c.output(capsule))
		}
	})
	b.on("external_secret_decapsulate", func(c *invocation) {
		if n, ok := shown[c.text(1)]; ok {
			c.args[2] = uint64(n)
		}
		c.run()
	})
}

// sealsTheSame is a host that makes one capsule of each secret and expiry.
func sealsTheSame(b *brokenHost) {
	made := map[string][]byte{}
	b.on("external_secret_encapsulate", func(c *invocation) {
		is := fmt.Sprint(c.arg(0), c.args[3], c.bytes(1))
		if capsule := made[is]; capsule != nil {
			c.store(4, c.output(capsule))
			c.errno = raw.Success
		} else if c.run() == raw.Success {
			made[is] = c.peek(4)
		}
	})
}
