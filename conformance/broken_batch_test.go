package conformance_test

import "github.com/claviger/claviger/guest/raw"

func brokenBatches() []breakage {
	var all []breakage
	for i, function := range []string{"batch_symmetric_state_squeeze", "batch_symmetric_state_squeeze_tag", "batch_symmetric_state_encrypt",
		"batch_symmetric_state_encrypt_detached", "batch_symmetric_state_decrypt", "batch_symmetric_state_decrypt_detached",
		"batch_signature_state_sign", "batch_signature_state_verify"} {
		at, stride := uint32(4), uint32(8) // of the errno, and of a result
		if i == 0 || i == 7 {
			at, stride = 0, 2
		}
		all = append(all, breakage{"B" + string(rune('1'+i)), "", "every element of the batch succeeds", func(b *brokenHost) {
			b.on(function, func(c *invocation) {
				if c.run() != raw.Success {
					return
				}
				for i := range c.arg(1) {
					clear(c.memory(c.arg(2)+i*stride+at, 2))
				}
			})
		}})
	}
	return all
}
