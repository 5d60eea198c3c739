//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_external_secrets: secrets that the guest did not make: tokens, passwords, certificates.

// ExternalSecretStore stores a secret until expiration, in seconds since 1970, and writes its identifier, filled
// up with zero bytes. It is durable before this returns. Too short a buffer stores nothing.
//
//go:wasmimport wasi_ephemeral_crypto_external_secrets external_secret_store
//go:noescape
func ExternalSecretStore(manager uint32, secret unsafe.Pointer, secretLen uint32, expiration uint64, id unsafe.Pointer, idMaxLen uint32) uint32

// ExternalSecretReplace stores the next version of a secret. Earlier ones stay readable.
//
//go:wasmimport wasi_ephemeral_crypto_external_secrets external_secret_replace
//go:noescape
func ExternalSecretReplace(manager uint32, secret unsafe.Pointer, secretLen uint32, expiration uint64, id unsafe.Pointer, idLen uint32, version unsafe.Pointer) uint32

// ExternalSecretFromID reads a version of a secret: an exact one, or "latest". Past its time it is expired.
//
//go:wasmimport wasi_ephemeral_crypto_external_secrets external_secret_from_id
//go:noescape
func ExternalSecretFromID(manager uint32, id unsafe.Pointer, idLen uint32, version uint64, secret unsafe.Pointer) uint32

// ExternalSecretInvalidate ends a version of a secret for good, or with the version "all" every one.
//
//go:wasmimport wasi_ephemeral_crypto_external_secrets external_secret_invalidate
//go:noescape
func ExternalSecretInvalidate(manager uint32, id unsafe.Pointer, idLen uint32, version uint64) uint32

// ExternalSecretEncapsulate seals a secret and its expiration for the guest to keep itself. Only this guest's
// keeper opens it.
//
//go:wasmimport wasi_ephemeral_crypto_external_secrets external_secret_encapsulate
//go:noescape
func ExternalSecretEncapsulate(manager uint32, secret unsafe.Pointer, secretLen uint32, expiration uint64, capsule unsafe.Pointer) uint32

// ExternalSecretDecapsulate opens a sealed secret: verification_failed if it was altered, expired past its time.
//
//go:wasmimport wasi_ephemeral_crypto_external_secrets external_secret_decapsulate
//go:noescape
func ExternalSecretDecapsulate(manager uint32, capsule unsafe.Pointer, capsuleLen uint32, secret unsafe.Pointer) uint32
