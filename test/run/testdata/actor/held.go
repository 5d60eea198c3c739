package main

import (
	"fmt"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// held is what stays open from one word to another: handles of a manager, of a managed key and of a state on it.
type held struct {
	manager, key, state uint32
	id                  [32]byte
}

// hold opens all three.
func (h *held) hold() string {
	var errno, length uint32
	var version uint64
	h.manager, errno = manager()
	none, name := raw.Optional{Tag: raw.None}, "HMAC/SHA-256"
	if errno == 0 {
		errno = raw.SymmetricKeyGenerateManaged(h.manager, text(name), uint32(len(name)), unsafe.Pointer(&none), unsafe.Pointer(&h.key))
	}
	if errno == 0 {
		errno = raw.SymmetricKeyID(h.key, unsafe.Pointer(&h.id[0]), 32, unsafe.Pointer(&length), unsafe.Pointer(&version))
	}
	if errno == 0 {
		errno = h.open(&h.state)
	}
	return fmt.Sprintf("hold %d %s", errno, h.id[:length])
}

// open opens a state on the key.
func (h *held) open(state *uint32) (errno uint32) {
	none, key, name := raw.Optional{Tag: raw.None}, raw.Optional{Handle: h.key}, "HMAC/SHA-256"
	return raw.SymmetricStateOpen(text(name), uint32(len(name)), unsafe.Pointer(&key), unsafe.Pointer(&none), unsafe.Pointer(state))
}

// use asks each of the three for something.
func (h *held) use() string {
	var key, state, tag uint32
	found := raw.SymmetricKeyFromID(h.manager, unsafe.Pointer(&h.id[0]), 32, raw.VersionLatest, unsafe.Pointer(&key))
	opened := h.open(&state)
	return fmt.Sprintf("held %d %d %d", found, opened, raw.SymmetricStateSqueezeTag(h.state, unsafe.Pointer(&tag)))
}

// local digests nothing.
func local() (errno uint32) {
	none, name := raw.Optional{Tag: raw.None}, "SHA-256"
	var state uint32
	var sum [32]byte
	if errno = raw.SymmetricStateOpen(text(name), uint32(len(name)), unsafe.Pointer(&none), unsafe.Pointer(&none), unsafe.Pointer(&state)); errno == 0 {
		errno = raw.SymmetricStateSqueeze(state, unsafe.Pointer(&sum[0]), 32)
	}
	return errno
}
