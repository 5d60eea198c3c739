package main

import "github.com/claviger/claviger/guest/raw"

// Steps with symmetric keys, states and tags.

// counting gives n bytes that are all different for n up to 256: the keys, nonces and messages of the checks.
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// options gives a set of symmetric options with a nonce.
func (t *T) options(nonce []byte) maybe {
	h := t.optionSet(raw.TypeSymmetric)
	t.must("options_set nonce", optionsSet(h, "nonce", nonce))
	return some(h)
}

// optionSet opens an empty set of options.
func (t *T) optionSet(family uint32) uint32 {
	h, e := optionsOpen(family)
	t.must("options_open", e)
	t.later(optionsClose, h)
	return h
}

// key imports a symmetric key.
func (t *T) key(algorithm string, key []byte) uint32 {
	h, e := symmetricKeyImport(algorithm, key)
	t.offered("symmetric_key_import", algorithm, e)
	t.later(symmetricKeyClose, h)
	return h
}

// exported gives the bytes of a symmetric key.
func (t *T) exported(key uint32) []byte {
	h, e := symmetricKeyExport(key)
	t.must("symmetric_key_export", e)
	return t.array(h)
}

// state opens a state.
func (t *T) state(algorithm string, key, options maybe) uint32 {
	h, e := symmetricStateOpen(algorithm, key, options)
	t.offered("symmetric_state_open", algorithm, e)
	t.later(symmetricStateClose, h)
	return h
}

// hash opens a state without key and options.
func (t *T) hash(algorithm string) uint32 { return t.state(algorithm, maybe{}, maybe{}) }

// keyed opens a state with a key of these bytes.
func (t *T) keyed(algorithm string, key []byte) uint32 {
	return t.state(algorithm, some(t.key(algorithm, key)), maybe{})
}

// clone copies a state.
func (t *T) clone(state uint32) uint32 {
	h, e := symmetricStateClone(state)
	t.must("symmetric_state_clone", e)
	t.later(symmetricStateClose, h)
	return h
}

func (t *T) absorb(state uint32, data string) {
	t.must("symmetric_state_absorb", symmetricStateAbsorb(state, []byte(data)))
}

func (t *T) squeeze(state uint32, n int) []byte {
	out := make([]byte, n)
	t.must("symmetric_state_squeeze", symmetricStateSqueeze(state, out))
	return out
}

// tag squeezes a tag.
func (t *T) tag(state uint32) uint32 {
	h, e := symmetricStateSqueezeTag(state)
	t.must("symmetric_state_squeeze_tag", e)
	t.later(symmetricTagClose, h)
	return h
}

// pulled gives the bytes of a tag, and with them its handle away.
func (t *T) pulled(tag uint32) []byte {
	n, e := symmetricTagLen(tag)
	t.must("symmetric_tag_len", e)
	if n > 1<<16 {
		t.fail("symmetric_tag_len: want a small number of bytes, got %d", n)
	}
	out := make([]byte, n)
	got, e := symmetricTagPull(tag, out)
	t.must("symmetric_tag_pull", e)
	t.count("bytes of symmetric_tag_pull", got, n)
	return out
}

// mac squeezes a tag and gives its bytes.
func (t *T) mac(state uint32) []byte { return t.pulled(t.tag(state)) }

// tagLen gives max_tag_len of a state.
func (t *T) tagLen(state uint32) int {
	n, e := symmetricStateMaxTagLen(state)
	t.must("symmetric_state_max_tag_len", e)
	if n > 1<<10 {
		t.fail("symmetric_state_max_tag_len: want the size of a tag, got %d", n)
	}
	return int(n)
}

// cipher opens an AEAD with the key and nonce of counting bytes.
func (t *T) cipher(algorithm string) uint32 {
	sizes := cipherSizes(algorithm)
	return t.state(algorithm, some(t.key(algorithm, counting(sizes[0]))), t.options(counting(sizes[1])))
}

// cipherSizes gives the bytes of key and nonce of an AEAD, for those that the checks use.
func cipherSizes(algorithm string) [2]int {
	switch algorithm {
	case "AES-128-GCM":
		return [2]int{16, 12}
	case "XCHACHA20-POLY1305":
		return [2]int{32, 24}
	}
	return [2]int{32, 12} // AES-256-GCM, AES-256-GCM-SIV, CHACHA20-POLY1305
}

// encrypt gives ciphertext and tag.
func (t *T) encrypt(state uint32, data string) []byte {
	out := make([]byte, len(data)+t.tagLen(state))
	n, e := symmetricStateEncrypt(state, out, []byte(data))
	t.must("symmetric_state_encrypt", e)
	t.count("bytes of symmetric_state_encrypt", n, uint32(len(out)))
	return out
}

// decrypt gives the plaintext of what encrypt gave.
func (t *T) decrypt(state uint32, data []byte) []byte {
	out := make([]byte, max(len(data)-t.tagLen(state), 0))
	n, e := symmetricStateDecrypt(state, out, data)
	t.must("symmetric_state_decrypt", e)
	t.count("bytes of symmetric_state_decrypt", n, uint32(len(out)))
	return out
}

// discard pulls an output that is of no interest, because that alone closes it.
func (t *T) discard(h uint32, e errno) errno {
	if e == success {
		t.array(h)
	}
	return e
}

// array gives all bytes of an array output, and with them its handle away.
func (t *T) array(h uint32) []byte {
	n, e := arrayOutputLen(h)
	t.must("array_output_len", e)
	if n > 1<<26 {
		t.fail("array_output_len: want the size of an output, got %d", n)
	}
	out := make([]byte, n)
	got, e := arrayOutputPull(h, out)
	t.must("array_output_pull", e)
	t.count("bytes of array_output_pull", got, n)
	return out
}
