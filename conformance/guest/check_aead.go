package main

import (
	"bytes"

	"github.com/claviger/claviger/guest/raw"
)

// aeadWorks holds rule 59: both forms, both ways, for each AEAD that the host should have.
func aeadWorks(t *T) {
	t.aeadForms("AES-128-GCM")
	t.aeadForms("AES-256-GCM")
	h, e := symmetricKeyImport("CHACHA20-POLY1305", counting(32))
	if e != unsupportedAlgorithm {
		t.must("symmetric_key_import CHACHA20-POLY1305", e)
		symmetricKeyClose(h)
		t.aeadForms("CHACHA20-POLY1305")
	}
}

func (t *T) aeadForms(algorithm string) {
	attached, detached := t.cipher(algorithm), t.cipher(algorithm)
	t.absorb(attached, "associated")
	t.absorb(detached, "associated")
	sealed := t.encrypt(attached, "message")
	if algorithm != "CHACHA20-POLY1305" {
		t.same("ciphertext and tag, "+algorithm, sealed, gcm(algorithm, "message", "associated"))
	}
	out := make([]byte, 7)
	tag, e := symmetricStateEncryptDetached(detached, out, []byte("message"))
	t.must("symmetric_state_encrypt_detached, "+algorithm, e)
	t.later(symmetricTagClose, tag)
	pulled := t.pulled(tag)
	t.same("the detached form, "+algorithm, append(out, pulled...), sealed)

	attached, detached = t.cipher(algorithm), t.cipher(algorithm)
	t.absorb(attached, "associated")
	t.absorb(detached, "associated")
	t.same("plaintext, "+algorithm, t.decrypt(attached, sealed), []byte("message"))
	out = make([]byte, 7)
	n, e := symmetricStateDecryptDetached(detached, out, sealed[:7], pulled)
	t.must("symmetric_state_decrypt_detached, "+algorithm, e)
	t.count("bytes of symmetric_state_decrypt_detached, "+algorithm, n, 7)
	t.same("plaintext of the detached form, "+algorithm, out, []byte("message"))
}

// aeadNonce holds rule 60: another nonce is another ciphertext, and the one that was set is read back.
func aeadNonce(t *T) {
	key, nonce := t.key("AES-256-GCM", counting(32)), []byte("twelve bytes")
	state := t.state("AES-256-GCM", some(key), t.options(nonce))
	got := make([]byte, 12)
	n, e := symmetricStateOptionsGet(state, "nonce", got)
	t.must("symmetric_state_options_get nonce", e)
	t.same("the nonce", got[:min(n, 12)], nonce)
	sealed := t.encrypt(state, "message")
	t.differ("ciphertexts under two nonces", sealed, t.encrypt(t.cipher("AES-256-GCM"), "message"))
	t.same("plaintext", t.decrypt(t.state("AES-256-GCM", some(key), t.options(nonce)), sealed), []byte("message"))
}

// aeadConcatenation holds rule 61.
func aeadConcatenation(t *T) {
	for _, pieces := range [][]string{{"associated"}, {"asso", "ciated"}, {"", "a", "ssociated", ""}} {
		state := t.cipher("AES-256-GCM")
		for _, piece := range pieces {
			t.absorb(state, piece)
		}
		t.same("ciphertext and tag", t.encrypt(state, "message"), gcm("AES-256-GCM", "message", "associated"))
	}
}

// maxTagLen holds rule 62: 16 bytes for AES-GCM, whatever the state has seen.
func maxTagLen(t *T) {
	for _, algorithm := range []string{"AES-128-GCM", "AES-256-GCM"} {
		state := t.cipher(algorithm)
		t.count("max_tag_len, "+algorithm, uint32(t.tagLen(state)), 16)
		t.absorb(state, "associated")
		t.count("max_tag_len after absorb, "+algorithm, uint32(t.tagLen(state)), 16)
		t.encrypt(state, "message")
		t.count("max_tag_len after encrypt, "+algorithm, uint32(t.tagLen(state)), 16)
	}
}

// ciphertextWithTag holds rule 32.
func ciphertextWithTag(t *T) {
	t.same("ciphertext and tag", t.encrypt(t.cipher("AES-256-GCM"), "message"), gcm("AES-256-GCM", "message", ""))
	t.same("tag of nothing", t.encrypt(t.cipher("AES-128-GCM"), ""), gcm("AES-128-GCM", "", ""))
}

// tagConstant holds rule 34: whatever the message, ciphertext and tag are as long as the message and max_tag_len.
func tagConstant(t *T) {
	t.padding()
	for _, algorithm := range []string{"AES-128-GCM", "AES-256-GCM"} {
		for _, n := range []int{0, 1, 15, 16, 17, 1000} {
			state := t.cipher(algorithm)
			sealed := t.encrypt(state, string(counting(n)))
			t.count("bytes of the tag, "+algorithm, uint32(len(sealed)-n), 16)
			detached := t.cipher(algorithm)
			tag, e := symmetricStateEncryptDetached(detached, make([]byte, n), counting(n))
			t.must("symmetric_state_encrypt_detached, "+algorithm, e)
			t.later(symmetricTagClose, tag)
			got, e := symmetricTagLen(tag)
			t.must("symmetric_tag_len, "+algorithm, e)
			t.count("symmetric_tag_len, "+algorithm, got, 16)
		}
	}
}

// padding holds the same of a mode that pads, where the host has it: max_tag_len is constant and has room for the padding, which makes
// whole blocks of every message. A buffer is either as large as max_tag_len has it, or as the ciphertext is, which is not settled.
func (t *T) padding() {
	const algorithm = "AES-128-CBC"
	key, e := symmetricKeyImport(algorithm, counting(16))
	if e == unsupportedAlgorithm {
		return
	}
	t.must("symmetric_key_import "+algorithm, e)
	t.later(symmetricKeyClose, key)
	most := t.tagLen(t.state(algorithm, some(key), t.options(counting(16))))
	for _, n := range []int{0, 1, 15, 16, 17, 1000} {
		state := t.state(algorithm, some(key), t.options(counting(16)))
		t.count("max_tag_len, "+algorithm, uint32(t.tagLen(state)), uint32(most))
		got, e := symmetricStateEncrypt(state, make([]byte, n+most), counting(n))
		if e == invalidLength {
			got, e = symmetricStateEncrypt(state, make([]byte, n-n%16+16), counting(n))
		}
		t.must("symmetric_state_encrypt, "+algorithm, e)
		t.count("bytes of symmetric_state_encrypt, "+algorithm, got, uint32(n-n%16+16))
	}
}

// lengths holds that a call answers overflow for output buffers that are too small, invalid_length for those that are too large, and that it
// still succeeds after that with one that fits.
func (t *T) lengths(what string, fits int, call func(out []byte) errno) {
	for _, n := range []int{0, 1, fits - 1} {
		t.want(what+" into a small buffer", call(make([]byte, n)), overflow)
	}
	for _, n := range []int{fits + 1, fits + 16, 2000} {
		t.want(what+" into a large buffer", call(make([]byte, n)), invalidLength)
	}
	t.must(what+" into a buffer that fits", call(make([]byte, fits)))
}

func encryptLengths(t *T) {
	state := t.cipher("AES-256-GCM")
	t.lengths("symmetric_state_encrypt", 1016, func(out []byte) errno { _, e := symmetricStateEncrypt(state, out, counting(1000)); return e })
}

func encryptDetachedLengths(t *T) {
	state := t.cipher("AES-256-GCM")
	t.lengths("symmetric_state_encrypt_detached", 1000, func(out []byte) errno {
		h, e := symmetricStateEncryptDetached(state, out, counting(1000))
		if e == success {
			t.later(symmetricTagClose, h)
		}
		return e
	})
}

func decryptLengths(t *T) {
	sealed, state := gcm("AES-256-GCM", string(counting(1000)), ""), t.cipher("AES-256-GCM")
	t.lengths("symmetric_state_decrypt", 1000, func(out []byte) errno { _, e := symmetricStateDecrypt(state, out, sealed); return e })
}

func decryptDetachedLengths(t *T) {
	sealed, state := gcm("AES-256-GCM", string(counting(1000)), ""), t.cipher("AES-256-GCM")
	t.lengths("symmetric_state_decrypt_detached", 1000, func(out []byte) errno {
		_, e := symmetricStateDecryptDetached(state, out, sealed[:1000], sealed[1000:])
		return e
	})
}

// decryptTag holds rule 37: a change anywhere, in the associated data too, and a tag that is cut off, are invalid_tag. Apart from its ciphertext a
// tag that is cut off may be called invalid_length as well.
func decryptTag(t *T) {
	sealed := gcm("AES-256-GCM", "message", "")
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		_, e := symmetricStateDecrypt(t.cipher("AES-256-GCM"), make([]byte, 7), changed)
		t.want("symmetric_state_decrypt of a changed ciphertext", e, invalidTag)
		_, e = symmetricStateDecryptDetached(t.cipher("AES-256-GCM"), make([]byte, 7), changed[:7], changed[7:])
		t.want("symmetric_state_decrypt_detached of a changed ciphertext", e, invalidTag)
	}
	for _, n := range []int{0, 1, 4, 8, 12, 15} {
		_, e := symmetricStateDecryptDetached(t.cipher("AES-256-GCM"), make([]byte, 7), sealed[:7], sealed[7:7+n])
		t.want("symmetric_state_decrypt_detached with the beginning of a tag", e, invalidTag, invalidLength)
	}
	_, e := symmetricStateDecrypt(t.cipher("AES-256-GCM"), make([]byte, 6), sealed[:22])
	t.want("symmetric_state_decrypt of a ciphertext that was cut", e, invalidTag)
	state := t.cipher("AES-256-GCM")
	t.absorb(state, "other data")
	_, e = symmetricStateDecrypt(state, make([]byte, 7), sealed)
	t.want("symmetric_state_decrypt with other associated data", e, invalidTag)
	t.same("plaintext of what is genuine", t.decrypt(t.cipher("AES-256-GCM"), sealed), []byte("message"))
}

// aeadFailure holds rule 63: with a wrong tag nothing of the message reaches the guest. The text has that as a SHOULD NOT; a host
// that leaves unverified data in the buffer fails here.
func aeadFailure(t *T) {
	message := counting(100)
	sealed := gcm("AES-256-GCM", string(message), "")
	sealed[115] ^= 1
	for what, call := range map[string]func(out []byte) errno{
		"symmetric_state_decrypt": func(out []byte) errno {
			_, e := symmetricStateDecrypt(t.cipher("AES-256-GCM"), out, sealed)
			return e
		},
		"symmetric_state_decrypt_detached": func(out []byte) errno {
			_, e := symmetricStateDecryptDetached(t.cipher("AES-256-GCM"), out, sealed[:100], sealed[100:])
			return e
		},
	} {
		out := make([]byte, 100)
		t.want(what+" with a wrong tag", call(out), invalidTag)
		if bytes.Contains(out, message[:16]) || bytes.Contains(out, message[84:]) {
			t.fail("%s with a wrong tag: want no decrypted data in the buffer, found it there", what)
		}
	}
}

// overlap holds rule 33 for AES-256-GCM with the two regions at several distances, in both directions.
func overlap(t *T) {
	message := string(counting(100))
	sealed := gcm("AES-256-GCM", message, "")
	for _, shift := range []int{0, 1, 7, 16, 50, 99} {
		for _, up := range []bool{false, true} {
			from, to := shift, 0
			if up {
				from, to = 0, shift
			}
			memory := make([]byte, 300)
			copy(memory[from:], message)
			_, e := symmetricStateEncrypt(t.cipher("AES-256-GCM"), memory[to:to+116], memory[from:from+100])
			t.must("symmetric_state_encrypt over its input", e)
			t.same("ciphertext over its input", memory[to:to+116], sealed)

			copy(memory[from:], sealed)
			_, e = symmetricStateDecrypt(t.cipher("AES-256-GCM"), memory[to:to+100], memory[from:from+116])
			t.must("symmetric_state_decrypt over its input", e)
			t.same("plaintext over its input", memory[to:to+100], []byte(message))
			t.overlapDetached(memory, from, to, message, sealed)
		}
	}
}

// overlapDetached holds the same of the forms with the tag apart.
func (t *T) overlapDetached(memory []byte, from, to int, message string, sealed []byte) {
	copy(memory[from:], message)
	tag, e := symmetricStateEncryptDetached(t.cipher("AES-256-GCM"), memory[to:to+100], memory[from:from+100])
	t.must("symmetric_state_encrypt_detached over its input", e)
	t.later(symmetricTagClose, tag)
	t.same("ciphertext over its input, detached", memory[to:to+100], sealed[:100])
	t.same("tag of what was over its input", t.pulled(tag), sealed[100:])

	copy(memory[from:], sealed[:100])
	_, e = symmetricStateDecryptDetached(t.cipher("AES-256-GCM"), memory[to:to+100], memory[from:from+100], sealed[100:])
	t.must("symmetric_state_decrypt_detached over its input", e)
	t.same("plaintext over its input, detached", memory[to:to+100], []byte(message))
}

// nonceSize holds rule 64 for each length but the right one.
func nonceSize(t *T) {
	key := t.key("CHACHA20-POLY1305", counting(32))
	for _, n := range []int{0, 1, 8, 11, 13, 16, 24, 64} {
		_, e := symmetricStateOpen("CHACHA20-POLY1305", some(key), t.options(counting(n)))
		t.want("symmetric_state_open with a nonce of another size", e, invalidNonce)
	}
}

// nonceRequiredHere holds rule 65: without options, and with options that have no nonce.
func nonceRequiredHere(t *T) {
	key := t.key("AES-256-GCM", counting(32))
	for _, options := range []maybe{{}, some(t.optionSet(raw.TypeSymmetric))} {
		_, e := symmetricStateOpen("AES-256-GCM", some(key), options)
		t.want("symmetric_state_open without a nonce", e, nonceRequired)
	}
}

// nonceNeverDrawn holds rule 66 for each required algorithm with a nonce: no state opens without one.
func nonceNeverDrawn(t *T) {
	for _, algorithm := range []string{"AES-128-GCM", "AES-256-GCM"} {
		key := t.key(algorithm, counting(cipherSizes(algorithm)[0]))
		h, e := symmetricStateOpen(algorithm, some(key), maybe{})
		if e == success {
			t.later(symmetricStateClose, h)
		}
		t.refused("symmetric_state_open "+algorithm+" without a nonce", e)
	}
}

// drawnNonces lists algorithms whose nonces may safely be drawn, with their sizes.
func drawnNonces() map[string]int {
	return map[string]int{"XCHACHA20-POLY1305": 24, "AES-256-GCM-SIV": 12, "AEGIS-256": 32}
}

// eachDrawn opens a state without a nonce for each algorithm of drawnNonces that draws one here, and gives its key and nonce.
func (t *T) eachDrawn(run func(algorithm string, key, state uint32, nonce []byte)) (seen bool) {
	for algorithm, size := range drawnNonces() {
		key, e := symmetricKeyImport(algorithm, counting(32))
		if e == unsupportedAlgorithm {
			continue
		}
		t.must("symmetric_key_import "+algorithm, e)
		t.later(symmetricKeyClose, key)
		state, e := symmetricStateOpen(algorithm, some(key), maybe{})
		t.want("symmetric_state_open "+algorithm+" without a nonce", e, success, nonceRequired)
		if e == nonceRequired {
			continue
		}
		seen = true
		t.later(symmetricStateClose, state)
		nonce := make([]byte, 64)
		n, e := symmetricStateOptionsGet(state, "nonce", nonce)
		t.must("symmetric_state_options_get nonce, "+algorithm, e)
		t.count("bytes of the drawn nonce, "+algorithm, n, uint32(size))
		run(algorithm, key, state, nonce[:size])
	}
	return seen
}

// missingNonce holds rule 26. Drawing is a MUST where it is safe in one place and a MAY for XCHACHA20-POLY1305 in another, so a host may
// refuse; where it draws, no two nonces are the same and the ciphertext is that under the nonce that is read.
func missingNonce(t *T) {
	_, e := symmetricStateOpen("AES-256-GCM", some(t.key("AES-256-GCM", counting(32))), maybe{})
	t.want("symmetric_state_open AES-256-GCM without a nonce", e, nonceRequired)
	seen := map[string]bool{}
	for range 3 {
		t.eachDrawn(func(algorithm string, key, state uint32, nonce []byte) {
			if seen[algorithm+string(nonce)] {
				t.fail("two drawn nonces, %s: want two different values, got %s twice", algorithm, short(nonce))
			}
			seen[algorithm+string(nonce)] = true
			again := t.state(algorithm, some(key), t.options(nonce))
			t.same("ciphertext under the drawn nonce, "+algorithm, t.encrypt(state, "message"), t.encrypt(again, "message"))
		})
	}
}

// drawnNonce holds rule 67.
func drawnNonce(t *T) {
	seen := t.eachDrawn(func(algorithm string, key, state uint32, nonce []byte) {
		sealed := t.encrypt(state, "message")
		again := t.state(algorithm, some(key), t.options(nonce))
		t.same("plaintext under the nonce that was read, "+algorithm, t.decrypt(again, sealed), []byte("message"))
	})
	if !seen {
		t.skip("the host draws no nonces")
	}
}
