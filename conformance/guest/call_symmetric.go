package main

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

func symmetricKeyGenerate(algorithm string, options maybe) (uint32, errno) {
	o := options.record()
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricKeyGenerate(letters(algorithm), length(algorithm), unsafe.Pointer(&o), to)
	})
}

func symmetricKeyImport(algorithm string, key []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricKeyImport(letters(algorithm), length(algorithm), start(key), size(key), to)
	})
}

func symmetricKeyExport(key uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SymmetricKeyExport(key, to) })
}

func symmetricKeyClose(h uint32) errno { return errno(raw.SymmetricKeyClose(h)) }

func symmetricKeyGenerateManaged(manager uint32, algorithm string, options maybe) (uint32, errno) {
	o := options.record()
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricKeyGenerateManaged(manager, letters(algorithm), length(algorithm), unsafe.Pointer(&o), to)
	})
}

func symmetricKeyStoreManaged(manager, key uint32, id []byte) errno {
	return errno(raw.SymmetricKeyStoreManaged(manager, key, start(id), size(id)))
}

func symmetricKeyReplaceManaged(manager, old, new uint32) (uint64, errno) {
	return get64(func(to unsafe.Pointer) uint32 { return raw.SymmetricKeyReplaceManaged(manager, old, new, to) })
}

func symmetricKeyID(key uint32, id []byte) (n uint32, version uint64, e errno) {
	n, version = poison, poison
	e = errno(raw.SymmetricKeyID(key, start(id), size(id), unsafe.Pointer(&n), unsafe.Pointer(&version)))
	return n, version, e
}

func symmetricKeyFromID(manager uint32, id []byte, version uint64) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricKeyFromID(manager, start(id), size(id), version, to)
	})
}

func symmetricStateOpen(algorithm string, key, options maybe) (uint32, errno) {
	k, o := key.record(), options.record()
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateOpen(letters(algorithm), length(algorithm), unsafe.Pointer(&k), unsafe.Pointer(&o), to)
	})
}

func symmetricStateOptionsGet(state uint32, name string, value []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateOptionsGet(state, letters(name), length(name), start(value), size(value), to)
	})
}

func symmetricStateOptionsGetU64(state uint32, name string) (uint64, errno) {
	return get64(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateOptionsGetU64(state, letters(name), length(name), to)
	})
}

func symmetricStateClone(state uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SymmetricStateClone(state, to) })
}

func symmetricStateClose(h uint32) errno { return errno(raw.SymmetricStateClose(h)) }

func symmetricStateAbsorb(state uint32, data []byte) errno {
	return errno(raw.SymmetricStateAbsorb(state, start(data), size(data)))
}

func symmetricStateSqueeze(state uint32, out []byte) errno {
	return errno(raw.SymmetricStateSqueeze(state, start(out), size(out)))
}

func symmetricStateSqueezeTag(state uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SymmetricStateSqueezeTag(state, to) })
}

func symmetricStateSqueezeKey(state uint32, algorithm string) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateSqueezeKey(state, letters(algorithm), length(algorithm), to)
	})
}

func symmetricStateMaxTagLen(state uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SymmetricStateMaxTagLen(state, to) })
}

func symmetricStateEncrypt(state uint32, out, data []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateEncrypt(state, start(out), size(out), start(data), size(data), to)
	})
}

func symmetricStateEncryptDetached(state uint32, out, data []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateEncryptDetached(state, start(out), size(out), start(data), size(data), to)
	})
}

func symmetricStateDecrypt(state uint32, out, data []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateDecrypt(state, start(out), size(out), start(data), size(data), to)
	})
}

func symmetricStateDecryptDetached(state uint32, out, data, tag []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SymmetricStateDecryptDetached(state, start(out), size(out), start(data), size(data), start(tag), size(tag), to)
	})
}

func symmetricStateRatchet(state uint32) errno { return errno(raw.SymmetricStateRatchet(state)) }

func symmetricTagLen(tag uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SymmetricTagLen(tag, to) })
}

func symmetricTagPull(tag uint32, buf []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SymmetricTagPull(tag, start(buf), size(buf), to) })
}

func symmetricTagVerify(tag uint32, expected []byte) errno {
	return errno(raw.SymmetricTagVerify(tag, start(expected), size(expected)))
}

func symmetricTagClose(h uint32) errno { return errno(raw.SymmetricTagClose(h)) }
