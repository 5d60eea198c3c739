//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_common: options, array outputs and the secrets manager.

// OptionsOpen makes an empty set of options for one family of algorithms. The guest closes it.
//
//go:wasmimport wasi_ephemeral_crypto_common options_open
//go:noescape
func OptionsOpen(algorithmType uint32, options unsafe.Pointer) uint32

// OptionsClose ends a set of options. What was opened with it keeps its own copy.
//
//go:wasmimport wasi_ephemeral_crypto_common options_close
//go:noescape
func OptionsClose(options uint32) uint32

// OptionsSet sets an option of bytes: "context", "salt" or "nonce". Setting it again replaces the value.
//
//go:wasmimport wasi_ephemeral_crypto_common options_set
//go:noescape
func OptionsSet(options uint32, name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueLen uint32) uint32

// OptionsSetU64 sets an option of a number: "memory_limit", "ops_limit" or "parallelism", and "exportable" where a
// managed key is made.
//
//go:wasmimport wasi_ephemeral_crypto_common options_set_u64
//go:noescape
func OptionsSetU64(options uint32, name unsafe.Pointer, nameLen uint32, value uint64) uint32

// OptionsSetGuestBuffer lends the host memory of the guest to work in: "buffer". The memory must stay where it is
// until the last state opened with these options is closed.
//
//go:wasmimport wasi_ephemeral_crypto_common options_set_guest_buffer
func OptionsSetGuestBuffer(options uint32, name unsafe.Pointer, nameLen uint32, buffer unsafe.Pointer, bufferLen uint32) uint32

// ArrayOutputLen says how many bytes an output has, those that were pulled already included.
//
//go:wasmimport wasi_ephemeral_crypto_common array_output_len
//go:noescape
func ArrayOutputLen(array uint32, length unsafe.Pointer) uint32

// ArrayOutputPull moves the next bytes of an output into the guest: the smaller of bufLen and what is left. The
// pull that takes the last byte closes the handle.
//
//go:wasmimport wasi_ephemeral_crypto_common array_output_pull
//go:noescape
func ArrayOutputPull(array uint32, buf unsafe.Pointer, bufLen uint32, length unsafe.Pointer) uint32

// SecretsManagerOpen opens the keeper of managed keys and secrets. It lives on while its keys are used.
//
//go:wasmimport wasi_ephemeral_crypto_common secrets_manager_open
//go:noescape
func SecretsManagerOpen(options, manager unsafe.Pointer) uint32

// SecretsManagerClose lets go of the secrets manager. What it stored was durable before this.
//
//go:wasmimport wasi_ephemeral_crypto_common secrets_manager_close
//go:noescape
func SecretsManagerClose(manager uint32) uint32

// SecretsManagerInvalidate ends a version of a managed key for good, or with the version "all" every one.
//
//go:wasmimport wasi_ephemeral_crypto_common secrets_manager_invalidate
//go:noescape
func SecretsManagerInvalidate(manager uint32, keyID unsafe.Pointer, keyIDLen uint32, version uint64) uint32
