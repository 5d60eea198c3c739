package main

// What a kind of algorithm does not do is invalid_operation by the text of each operation, and unsupported_feature by the text above the
// patterns. Hosts cannot follow both: either is taken.

// verb is an operation of states, tried with arguments that would do for a kind that has it.
type verb struct {
	name string
	try  func(state uint32) errno
}

// The verbs, by name.
func squeezeVerb() verb {
	return verb{"symmetric_state_squeeze", func(s uint32) errno { return symmetricStateSqueeze(s, make([]byte, 16)) }}
}

func squeezeTagVerb() verb {
	return verb{"symmetric_state_squeeze_tag", func(s uint32) errno {
		h, e := symmetricStateSqueezeTag(s)
		if e == success {
			symmetricTagClose(h)
		}
		return e
	}}
}

func squeezeKeyVerb() verb {
	return verb{"symmetric_state_squeeze_key", func(s uint32) errno {
		h, e := symmetricStateSqueezeKey(s, "HKDF-EXPAND/SHA-256")
		if e == success {
			symmetricKeyClose(h)
		}
		return e
	}}
}

func ratchetVerb() verb { return verb{"symmetric_state_ratchet", symmetricStateRatchet} }

// encryptVerbs are both forms, with buffers that fit a tag of 16 bytes and with such that do not.
func encryptVerbs() []verb {
	return []verb{
		{"symmetric_state_encrypt", func(s uint32) errno { _, e := symmetricStateEncrypt(s, make([]byte, 20), make([]byte, 4)); return e }},
		{"symmetric_state_encrypt into nothing", func(s uint32) errno { _, e := symmetricStateEncrypt(s, nil, nil); return e }},
		{"symmetric_state_encrypt_detached", func(s uint32) errno {
			h, e := symmetricStateEncryptDetached(s, make([]byte, 4), make([]byte, 4))
			if e == success {
				symmetricTagClose(h)
			}
			return e
		}},
	}
}

func decryptVerbs() []verb {
	return []verb{
		{"symmetric_state_decrypt", func(s uint32) errno { _, e := symmetricStateDecrypt(s, make([]byte, 4), make([]byte, 20)); return e }},
		{"symmetric_state_decrypt of nothing", func(s uint32) errno { _, e := symmetricStateDecrypt(s, nil, nil); return e }},
		{"symmetric_state_decrypt_detached", func(s uint32) errno {
			_, e := symmetricStateDecryptDetached(s, make([]byte, 4), make([]byte, 4), make([]byte, 16))
			return e
		}},
	}
}

// One of the required algorithms for each pattern.
const (
	aHash    = "SHA-256"
	aMAC     = "HMAC/SHA-256"
	anAEAD   = "AES-256-GCM"
	aExtract = "HKDF-EXTRACT/SHA-256"
	anExpand = "HKDF-EXPAND/SHA-256"
)

// open opens a state of a kind by name, ready for any verb that it has.
func (t *T) open(algorithm string) uint32 {
	switch algorithm {
	case aHash:
		return t.hash(algorithm)
	case anAEAD:
		return t.cipher(algorithm)
	}
	return t.keyed(algorithm, counting(32))
}

// undefined holds that none of the kinds has the verb.
func (t *T) undefined(v verb, kinds ...string) {
	for _, kind := range kinds {
		t.want(v.name+" on "+kind, v.try(t.open(kind)), invalidOperation, unsupportedFeature)
	}
}

func squeezeUndefined(t *T)    { t.undefined(squeezeVerb(), aMAC, anAEAD) }
func squeezeTagUndefined(t *T) { t.undefined(squeezeTagVerb(), aHash, anAEAD, anExpand) }
func squeezeKeyUndefined(t *T) { t.undefined(squeezeKeyVerb(), aHash, aMAC, anAEAD) }
func ratchetUndefined(t *T)    { t.undefined(ratchetVerb(), aHash, aMAC, anAEAD, aExtract, anExpand) }

func encryptUndefined(t *T) {
	for _, v := range encryptVerbs() {
		t.undefined(v, aHash, aMAC, aExtract, anExpand)
	}
}

func decryptUndefined(t *T) {
	for _, v := range decryptVerbs() {
		t.undefined(v, aHash, aMAC, aExtract, anExpand)
	}
}

// undefinedFunctions holds rule 44: the refusal does not depend on what the state has seen, and does not harm it.
func undefinedFunctions(t *T) {
	refused := append([]verb{squeezeTagVerb(), squeezeKeyVerb(), ratchetVerb()}, append(encryptVerbs(), decryptVerbs()...)...)
	refused = append(refused, verb{"symmetric_state_max_tag_len", func(s uint32) errno { _, e := symmetricStateMaxTagLen(s); return e }})
	state, fresh := t.hash(aHash), t.hash(aHash)
	t.absorb(fresh, "message")
	want := t.squeeze(fresh, 32)
	for _, v := range refused {
		t.want(v.name+" on a new hash", v.try(state), invalidOperation, unsupportedFeature)
	}
	t.absorb(state, "message")
	for _, v := range refused {
		t.want(v.name+" on a hash in use", v.try(state), invalidOperation, unsupportedFeature)
	}
	t.same("the digest after all that", t.squeeze(state, 32), want)
}
