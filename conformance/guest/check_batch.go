package main

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"slices"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// The interface leaves open what the last argument of a batch function addresses. The checks read it so that nothing else of its
// signature changes: an array of the guest's, with as many results as there are inputs. A result with a value has 8 bytes, the value, a
// 16-bit errno and two bytes of padding; one without a value is the errno alone. A host that has no batch functions answers not_implemented
// or unsupported_feature, and the row is skipped. All states of a batch have one algorithm, because a host may refuse others.

// records is a batch in the making.
type records []byte

// add appends the numbers of a record.
func (r *records) add(numbers ...uint32) {
	for _, n := range numbers {
		*r = binary.LittleEndian.AppendUint32(*r, n)
	}
}

// address gives the number by which the host knows a buffer, which the caller keeps alive. Go does not move what is on its heap.
func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// batch calls a batch function and gives its results, poisoned before. size is that of one result.
func (t *T) batch(what string, call func(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32, r records, count, size int) []byte {
	results := slices.Repeat([]byte{0xA5}, count*size)
	e := errno(call(start(r), uint32(count), start(results)))
	if e == notImplemented || e == unsupportedFeature {
		t.skip("the host does not offer %s", what)
	}
	t.must(what, e)
	return results
}

// valued takes a result with a value apart.
func valued(results []byte, i int) (uint32, errno) {
	return binary.LittleEndian.Uint32(results[8*i:]), errno(binary.LittleEndian.Uint16(results[8*i+4:]))
}

// bare takes a result without a value.
func bare(results []byte, i int) errno { return errno(binary.LittleEndian.Uint16(results[2*i:])) }

// closedState is the handle of a state that is no more.
func (t *T) closedState() uint32 {
	h := t.hash("SHA-256")
	t.must("symmetric_state_close", symmetricStateClose(h))
	return h
}

func batchSqueeze(t *T) {
	one, two := t.hash("SHA-256"), t.hash("SHA-256")
	t.absorb(one, "one")
	t.absorb(two, "two")
	outs := [][]byte{make([]byte, 32), make([]byte, 16), make([]byte, 32), make([]byte, 33)}
	var r records
	for i, state := range []uint32{one, two, t.closedState(), one} {
		r.add(state, address(outs[i]), size(outs[i]))
	}
	const name = "batch_symmetric_state_squeeze"
	results := t.batch(name, raw.BatchSymmetricStateSqueeze, r, 4, 2)
	runtime.KeepAlive(outs)
	t.must(name+" of the first", bare(results, 0))
	t.must(name+" of the second", bare(results, 1))
	t.want(name+" of a closed state", bare(results, 2), invalidHandle)
	t.want(name+" of too long an output", bare(results, 3), invalidLength)
	want := sha256.Sum256([]byte("one"))
	t.same("first output", outs[0], want[:])
	want = sha256.Sum256([]byte("two"))
	t.same("second output", outs[1], want[:16])
}

func batchSqueezeTag(t *T) {
	one, two := t.keyed("HMAC/SHA-256", counting(32)), t.keyed("HMAC/SHA-256", counting(32))
	t.absorb(one, "one")
	t.absorb(two, "two")
	var r records
	r.add(one, t.closedState(), two)
	const name = "batch_symmetric_state_squeeze_tag"
	results := t.batch(name, raw.BatchSymmetricStateSqueezeTag, r, 3, 8)
	for i, message := range []string{"one", "", "two"} {
		tag, e := valued(results, i)
		if message == "" {
			t.want(name+" of a closed state", e, invalidHandle)
			continue
		}
		t.must(name, e)
		t.later(symmetricTagClose, tag)
		t.same("tag of "+message, t.pulled(tag), authenticated(sha256.New, counting(32), []byte(message)))
	}
}

// crypt runs a batch of four: two messages, a closed state, and a buffer that is too small. A tag that comes in is handed over behind the data.
func (t *T) crypt(name string, call func(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32, outs, data, tags [][]byte) []byte {
	states := []uint32{t.cipher("AES-256-GCM"), t.cipher("AES-256-GCM"), t.closedState(), t.cipher("AES-256-GCM")}
	var r records
	for i, state := range states {
		r.add(state, address(outs[i]), size(outs[i]), address(data[i]), size(data[i]))
		if tags != nil {
			r.add(address(tags[i]), size(tags[i]))
		}
	}
	results := t.batch(name, call, r, len(states), 8)
	runtime.KeepAlive(outs)
	runtime.KeepAlive(data)
	runtime.KeepAlive(tags)
	_, e := valued(results, 2)
	t.want(name+" with a closed state", e, invalidHandle)
	_, e = valued(results, 3)
	t.want(name+" into a small buffer", e, overflow)
	return results
}

// sized gives buffers of these sizes.
func sized(sizes ...int) [][]byte {
	var b [][]byte
	for _, n := range sizes {
		b = append(b, make([]byte, n))
	}
	return b
}

// messages are the four of crypt.
func messages() [][]byte {
	return [][]byte{[]byte("first"), []byte("the second"), []byte("third"), []byte("fourth")}
}

// sealed gives the four messages sealed.
func sealed() [][]byte {
	var all [][]byte
	for _, message := range messages() {
		all = append(all, gcm("AES-256-GCM", string(message), ""))
	}
	return all
}

func batchEncrypt(t *T) {
	const name = "batch_symmetric_state_encrypt"
	outs := sized(21, 26, 21, 5)
	results := t.crypt(name, raw.BatchSymmetricStateEncrypt, outs, messages(), nil)
	for i := range 2 {
		n, e := valued(results, i)
		t.must(name, e)
		t.count("bytes of "+name, n, size(outs[i]))
		t.same("ciphertext and tag", outs[i], sealed()[i])
	}
}

func batchEncryptDetached(t *T) {
	const name = "batch_symmetric_state_encrypt_detached"
	outs := sized(5, 10, 5, 2)
	results := t.crypt(name, raw.BatchSymmetricStateEncryptDetached, outs, messages(), nil)
	for i := range 2 {
		tag, e := valued(results, i)
		t.must(name, e)
		t.later(symmetricTagClose, tag)
		t.same("ciphertext and tag", append(outs[i], t.pulled(tag)...), sealed()[i])
	}
}

func batchDecrypt(t *T) {
	const name = "batch_symmetric_state_decrypt"
	outs := sized(5, 10, 5, 2)
	results := t.crypt(name, raw.BatchSymmetricStateDecrypt, outs, sealed(), nil)
	for i := range 2 {
		n, e := valued(results, i)
		t.must(name, e)
		t.count("bytes of "+name, n, size(outs[i]))
		t.same("plaintext", outs[i], messages()[i])
	}
}

func batchDecryptDetached(t *T) {
	const name = "batch_symmetric_state_decrypt_detached"
	outs, data, tags := sized(5, 10, 5, 2), sealed(), [][]byte(nil)
	for i := range data {
		n := len(data[i]) - 16
		tags, data[i] = append(tags, data[i][n:]), data[i][:n]
	}
	tags[1] = make([]byte, 16)
	results := t.crypt(name, raw.BatchSymmetricStateDecryptDetached, outs, data, tags)
	n, e := valued(results, 0)
	t.must(name, e)
	t.count("bytes of "+name, n, 5)
	t.same("plaintext", outs[0], messages()[0])
	_, e = valued(results, 1)
	t.want(name+" with a wrong tag", e, invalidTag)
}

func batchSign(t *T) {
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	one, two := t.signing(pair), t.signing(pair)
	t.must("signature_state_update", signatureStateUpdate(one, []byte("one")))
	t.must("signature_state_update", signatureStateUpdate(two, []byte("two")))
	var r records
	r.add(one, t.closedState(), two)
	const name = "batch_signature_state_sign"
	results := t.batch(name, raw.BatchSignatureStateSign, r, 3, 8)
	for i, message := range []string{"one", "", "two"} {
		signature, e := valued(results, i)
		if message == "" {
			t.want(name+" of a closed state", e, invalidHandle)
			continue
		}
		t.must(name, e)
		t.later(signatureClose, signature)
		t.must("verification of "+message, t.verify(t.public(pair), message, signature))
	}
}

func batchVerify(t *T) {
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	good, other := t.sign(pair, "message"), t.sign(pair, "another")
	state := t.verifying(t.public(pair))
	t.must("signature_verification_state_update", verificationStateUpdate(state, []byte("message")))
	var r records
	r.add(state, good, state, other, t.closedState(), good, state, good)
	const name = "batch_signature_state_verify"
	results := t.batch(name, raw.BatchSignatureStateVerify, r, 4, 2)
	t.must(name+" of a good signature", bare(results, 0))
	t.want(name+" of another signature", bare(results, 1), verificationFailed)
	t.want(name+" of a closed state", bare(results, 2), invalidHandle)
	t.must(name+" of a good signature after that", bare(results, 3))
}
