package main

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

func externalSecretStore(manager uint32, secret []byte, expires uint64, id []byte) errno {
	return errno(raw.ExternalSecretStore(manager, start(secret), size(secret), expires, start(id), size(id)))
}

func externalSecretReplace(manager uint32, secret []byte, expires uint64, id []byte) (uint64, errno) {
	return get64(func(to unsafe.Pointer) uint32 {
		return raw.ExternalSecretReplace(manager, start(secret), size(secret), expires, start(id), size(id), to)
	})
}

func externalSecretFromID(manager uint32, id []byte, version uint64) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.ExternalSecretFromID(manager, start(id), size(id), version, to)
	})
}

func externalSecretInvalidate(manager uint32, id []byte, version uint64) errno {
	return errno(raw.ExternalSecretInvalidate(manager, start(id), size(id), version))
}

func externalSecretEncapsulate(manager uint32, secret []byte, expires uint64) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.ExternalSecretEncapsulate(manager, start(secret), size(secret), expires, to)
	})
}

func externalSecretDecapsulate(manager uint32, capsule []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.ExternalSecretDecapsulate(manager, start(capsule), size(capsule), to)
	})
}
