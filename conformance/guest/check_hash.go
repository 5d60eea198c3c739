package main

import (
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"slices"
)

// hashWorks holds rule 45: what is absorbed in pieces gives the digest of the whole.
func hashWorks(t *T) {
	for algorithm, new := range hashes() {
		h := new()
		h.Write([]byte("data and more data"))
		state := t.hash(algorithm)
		t.absorb(state, "data ")
		t.absorb(state, "")
		t.absorb(state, "and more data")
		t.same("digest, "+algorithm, t.squeeze(state, h.Size()), h.Sum(nil))
		t.same("digest of nothing, "+algorithm, t.squeeze(t.hash(algorithm), h.Size()), new().Sum(nil))
	}
}

// hashCopy holds rule 46, and that a clone goes its own way.
func hashCopy(t *T) {
	want := sha256.Sum256([]byte("data"))
	state := t.hash("SHA-256")
	t.absorb(state, "data")
	t.same("first digest", t.squeeze(state, 32), want[:])
	t.same("second digest", t.squeeze(state, 32), want[:])
	clone := t.clone(state)
	t.absorb(clone, " of the clone")
	t.same("digest after the clone went on", t.squeeze(state, 32), want[:])
	want = sha256.Sum256([]byte("data of the clone"))
	t.same("digest of the clone", t.squeeze(clone, 32), want[:])
}

// hashAnyOrder holds rule 47.
func hashAnyOrder(t *T) {
	state, all := t.hash("SHA-512"), ""
	empty := sha512.Sum512(nil)
	t.same("digest of nothing", t.squeeze(state, 64), empty[:])
	for _, piece := range []string{"one", "", "two", "three, which is somewhat longer than one block of the hash, that is more than the one hundred and twenty-eight bytes of SHA-512"} {
		t.absorb(state, piece)
		all += piece
		want := sha512.Sum512([]byte(all))
		t.same("digest so far", t.squeeze(state, 64), want[:])
		t.same("digest so far, in short", t.squeeze(state, 8), want[:8])
	}
}

// hashTruncation holds rule 48 for each length.
func hashTruncation(t *T) {
	want := sha256.Sum256([]byte("data"))
	state := t.hash("SHA-256")
	t.absorb(state, "data")
	for n := range 33 {
		t.same("a shorter digest", t.squeeze(state, n), want[:n])
	}
}

// hashTooLong holds rule 49, and that the refusal leaves state and buffer as they were.
func hashTooLong(t *T) {
	for algorithm, new := range hashes() {
		state := t.hash(algorithm)
		for _, more := range []int{1, 32, 1000} {
			out := make([]byte, new().Size()+more)
			t.want("a longer digest, "+algorithm, symmetricStateSqueeze(state, out), invalidLength)
		}
		t.same("digest after that, "+algorithm, t.squeeze(state, new().Size()), new().Sum(nil))
	}
}

// macWorks holds rule 50: tags are those of RFC 4231, sections 4.2 and 4.3, and verify.
func macWorks(t *T) {
	key := slices.Repeat([]byte{0x0b}, 20)
	want := unhex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
	state := t.keyed("HMAC/SHA-256", key)
	t.absorb(state, "Hi ")
	t.absorb(state, "There")
	t.must("symmetric_tag_verify", symmetricTagVerify(t.tag(state), want))
	t.same("tag of RFC 4231, section 4.2", t.mac(state), want)
	state = t.keyed("HMAC/SHA-512", []byte("Jefe"))
	t.absorb(state, "what do ya want for nothing?")
	t.same("tag of RFC 4231, section 4.3", t.mac(state),
		unhex("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"))
}

// macCopy holds rule 51.
func macCopy(t *T) {
	key := counting(32)
	state := t.keyed("HMAC/SHA-256", key)
	t.absorb(state, "data")
	want := authenticated(sha256.New, key, []byte("data"))
	t.same("first tag", t.mac(state), want)
	t.same("second tag", t.mac(state), want)
	t.absorb(state, " and more")
	t.same("tag of more", t.mac(state), authenticated(sha256.New, key, []byte("data and more")))
}

// tagVerify holds rule 42: no tag but the very one verifies, shorter, longer and empty ones included, and a refusal leaves the tag
// usable.
func tagVerify(t *T) {
	state := t.keyed("HMAC/SHA-256", counting(32))
	t.absorb(state, "data")
	tag, good := t.tag(state), authenticated(sha256.New, counting(32), []byte("data"))
	wrong := [][]byte{nil, good[:1], good[:31], append(slices.Clone(good), 0), append(slices.Clone(good), good...)}
	for i := range good {
		changed := slices.Clone(good)
		changed[i] ^= 1
		wrong = append(wrong, changed)
	}
	for _, other := range wrong {
		t.want("symmetric_tag_verify of "+short(other), symmetricTagVerify(tag, other), invalidTag)
	}
	t.must("symmetric_tag_verify of the tag", symmetricTagVerify(tag, good))
}

// tagPull holds rule 43. The refusals leave the tag usable.
func tagPull(t *T) {
	state := t.keyed("HMAC/SHA-256", counting(32))
	tag := t.tag(state)
	for _, n := range []int{0, 1, 31} {
		_, e := symmetricTagPull(tag, make([]byte, n))
		t.want("symmetric_tag_pull into a small buffer", e, overflow)
	}
	for _, n := range []int{33, 64} {
		_, e := symmetricTagPull(tag, make([]byte, n))
		t.want("symmetric_tag_pull into a large buffer", e, invalidLength)
	}
	t.same("the tag", t.pulled(tag), authenticated(sha256.New, counting(32), nil))
}

// closedKey holds rule 25. Whether a second close is closed or invalid_handle is not settled: either is taken.
func closedKey(t *T) {
	key := t.key("HMAC/SHA-256", counting(32))
	t.must("symmetric_key_close", symmetricKeyClose(key))
	_, e := symmetricStateOpen("HMAC/SHA-256", some(key), maybe{})
	t.want("symmetric_state_open with a closed key", e, invalidHandle)
	_, e = symmetricKeyExport(key)
	t.want("symmetric_key_export of a closed key", e, invalidHandle)
	t.want("symmetric_key_close of a closed key", symmetricKeyClose(key), closed, invalidHandle)
}

// absorbLimit holds rule 27 as far as it can be seen: a host that takes no more says overflow. 65 MiB of associated data are
// within what AES-GCM allows, so a host may take them all.
func absorbLimit(t *T) {
	state, piece := t.cipher("AES-256-GCM"), make([]byte, 1<<20)
	for range 65 {
		e := symmetricStateAbsorb(state, piece)
		t.want("symmetric_state_absorb of much", e, success, overflow)
		if e == overflow {
			return
		}
	}
}

// xofs lists extendable-output functions of the specification and beyond.
func xofs() []string {
	return []string{"CSHAKE-128", "CSHAKE-256", "BLAKE3", "TURBOSHAKE-128", "TURBOSHAKE-256", "KT128", "KT256"}
}

// eachXOF runs a check for each function that the host has, and skips the row if there is none.
func (t *T) eachXOF(run func(algorithm string)) {
	seen := false
	for _, algorithm := range xofs() {
		h, e := symmetricStateOpen(algorithm, maybe{}, maybe{})
		if e == success {
			symmetricStateClose(h)
		}
		if e != success && e != unsupportedAlgorithm {
			t.must("symmetric_state_open "+algorithm, e)
		}
		if e == success {
			seen = true
			run(algorithm)
		}
	}
	if !seen {
		t.skip("the host offers no extendable-output function")
	}
}

// xofWorks holds rule 56: cSHAKE without customization is SHAKE (SP 800-185, section 3.3); pieces do not matter, the input does.
func xofWorks(t *T) {
	t.eachXOF(func(algorithm string) {
		state, pieces, other := t.hash(algorithm), t.hash(algorithm), t.hash(algorithm)
		t.absorb(state, "context")
		t.absorb(pieces, "con")
		t.absorb(pieces, "text")
		t.absorb(other, "another")
		out := t.squeeze(state, 500)
		t.same("output, "+algorithm, t.squeeze(pieces, 500), out)
		t.differ("outputs of two inputs, "+algorithm, t.squeeze(other, 500), out)
		switch algorithm {
		case "CSHAKE-128":
			t.same("output, "+algorithm, out, sha3.SumSHAKE128([]byte("context"), 500))
		case "CSHAKE-256":
			t.same("output, "+algorithm, out, sha3.SumSHAKE256([]byte("context"), 500))
		}
	})
}

// xofAdvances holds rule 57: the pieces of the output are those of one long output.
func xofAdvances(t *T) {
	t.eachXOF(func(algorithm string) {
		state, whole := t.hash(algorithm), t.hash(algorithm)
		t.absorb(state, "context")
		t.absorb(whole, "context")
		one, two := t.squeeze(state, 32), t.squeeze(state, 32)
		t.differ("two successive outputs, "+algorithm, one, two)
		t.same("two successive outputs, "+algorithm, append(one, two...), t.squeeze(whole, 64))
	})
}

// session holds rule 68 for XOODYAK-128: absorb and squeeze go over one rolling transcript.
func session(t *T) {
	state, again := t.keyed("XOODYAK-128", counting(16)), t.keyed("XOODYAK-128", counting(16))
	t.absorb(state, "data")
	t.absorb(again, "data")
	one := t.squeeze(state, 16)
	t.same("output of the same session", t.squeeze(again, 16), one)
	two := t.squeeze(state, 16)
	t.differ("two successive outputs", one, two)
	t.absorb(state, "more data")
	three := t.squeeze(state, 16)
	t.differ("output after more data", two, three)
	other := t.keyed("XOODYAK-128", counting(16))
	t.absorb(other, "other data")
	t.differ("outputs of two sessions", t.squeeze(other, 16), one)
}
