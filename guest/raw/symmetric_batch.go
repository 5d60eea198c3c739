//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_symmetric_batch: several symmetric operations of one algorithm in one call.

// BatchSymmetricStateSqueeze is SymmetricStateSqueeze over count records.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric_batch batch_symmetric_state_squeeze
//go:noescape
func BatchSymmetricStateSqueeze(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32

// BatchSymmetricStateSqueezeTag is SymmetricStateSqueezeTag over count states. Each value is a tag.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric_batch batch_symmetric_state_squeeze_tag
//go:noescape
func BatchSymmetricStateSqueezeTag(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32

// BatchSymmetricStateEncrypt is SymmetricStateEncrypt over count records. Each value is a length.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric_batch batch_symmetric_state_encrypt
//go:noescape
func BatchSymmetricStateEncrypt(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32

// BatchSymmetricStateEncryptDetached is SymmetricStateEncryptDetached over count records. Each value is a tag.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric_batch batch_symmetric_state_encrypt_detached
//go:noescape
func BatchSymmetricStateEncryptDetached(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32

// BatchSymmetricStateDecrypt is SymmetricStateDecrypt over count records. Each value is a length.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric_batch batch_symmetric_state_decrypt
//go:noescape
func BatchSymmetricStateDecrypt(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32

// BatchSymmetricStateDecryptDetached is SymmetricStateDecryptDetached over count records. Each value is a length.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric_batch batch_symmetric_state_decrypt_detached
//go:noescape
func BatchSymmetricStateDecryptDetached(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32
