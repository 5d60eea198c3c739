package main

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

func keypairGenerate(family uint32, algorithm string, options maybe) (uint32, errno) {
	o := options.record()
	return get(func(to unsafe.Pointer) uint32 {
		return raw.KeypairGenerate(family, letters(algorithm), length(algorithm), unsafe.Pointer(&o), to)
	})
}

func keypairImport(family uint32, algorithm string, encoded []byte, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.KeypairImport(family, letters(algorithm), length(algorithm), start(encoded), size(encoded), encoding, to)
	})
}

func keypairGenerateManaged(manager, family uint32, algorithm string, options maybe) (uint32, errno) {
	o := options.record()
	return get(func(to unsafe.Pointer) uint32 {
		return raw.KeypairGenerateManaged(manager, family, letters(algorithm), length(algorithm), unsafe.Pointer(&o), to)
	})
}

func keypairStoreManaged(manager, pair uint32, id []byte) errno {
	return errno(raw.KeypairStoreManaged(manager, pair, start(id), size(id)))
}

func keypairReplaceManaged(manager, old, new uint32) (uint64, errno) {
	return get64(func(to unsafe.Pointer) uint32 { return raw.KeypairReplaceManaged(manager, old, new, to) })
}

func keypairID(pair uint32, id []byte) (n uint32, version uint64, e errno) {
	n, version = poison, poison
	e = errno(raw.KeypairID(pair, start(id), size(id), unsafe.Pointer(&n), unsafe.Pointer(&version)))
	return n, version, e
}

func keypairFromID(manager uint32, id []byte, version uint64) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.KeypairFromID(manager, start(id), size(id), version, to) })
}

func keypairFromPKAndSK(public, secret uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.KeypairFromPKAndSK(public, secret, to) })
}

func keypairExport(pair, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.KeypairExport(pair, encoding, to) })
}

func keypairPublickey(pair uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.KeypairPublickey(pair, to) })
}

func keypairSecretkey(pair uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.KeypairSecretkey(pair, to) })
}

func keypairClose(h uint32) errno { return errno(raw.KeypairClose(h)) }

func publickeyImport(family uint32, algorithm string, encoded []byte, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.PublickeyImport(family, letters(algorithm), length(algorithm), start(encoded), size(encoded), encoding, to)
	})
}

func publickeyExport(public, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.PublickeyExport(public, encoding, to) })
}

func publickeyVerify(public uint32) errno { return errno(raw.PublickeyVerify(public)) }

func publickeyFromSecretkey(secret uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.PublickeyFromSecretkey(secret, to) })
}

func publickeyClose(h uint32) errno { return errno(raw.PublickeyClose(h)) }

func secretkeyImport(family uint32, algorithm string, encoded []byte, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SecretkeyImport(family, letters(algorithm), length(algorithm), start(encoded), size(encoded), encoding, to)
	})
}

func secretkeyExport(secret, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SecretkeyExport(secret, encoding, to) })
}

func secretkeyClose(h uint32) errno { return errno(raw.SecretkeyClose(h)) }

func kxDH(public, secret uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.KXDH(public, secret, to) })
}

func kxEncapsulate(public uint32) (secret, encapsulated uint32, e errno) {
	secret, encapsulated = poison, poison
	e = errno(raw.KXEncapsulate(public, unsafe.Pointer(&secret), unsafe.Pointer(&encapsulated)))
	return secret, encapsulated, e
}

func kxDecapsulate(secret uint32, encapsulated []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.KXDecapsulate(secret, start(encapsulated), size(encapsulated), to)
	})
}
