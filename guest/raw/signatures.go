//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_signatures: signatures, their states and their verification.

// SignatureExport takes a signature out. encoding is raw or DER.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_export
//go:noescape
func SignatureExport(signature, encoding uint32, encoded unsafe.Pointer) uint32

// SignatureImport takes in a signature.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_import
//go:noescape
func SignatureImport(algorithm unsafe.Pointer, algorithmLen uint32, encoded unsafe.Pointer, encodedLen, encoding uint32, signature unsafe.Pointer) uint32

// SignatureStateOpen starts a signature with a key pair.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_state_open
//go:noescape
func SignatureStateOpen(pair uint32, state unsafe.Pointer) uint32

// SignatureStateUpdate adds to the message.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_state_update
//go:noescape
func SignatureStateUpdate(state uint32, input unsafe.Pointer, inputLen uint32) uint32

// SignatureStateSign signs all of the message so far. The state goes on. The result is a signature, and an array
// output of its raw bytes as well.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_state_sign
//go:noescape
func SignatureStateSign(state uint32, signature unsafe.Pointer) uint32

// SignatureStateClose ends a signature state.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_state_close
//go:noescape
func SignatureStateClose(state uint32) uint32

// SignatureVerificationStateOpen starts a verification with a public key.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_verification_state_open
//go:noescape
func SignatureVerificationStateOpen(publicKey uint32, state unsafe.Pointer) uint32

// SignatureVerificationStateUpdate adds to the message.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_verification_state_update
//go:noescape
func SignatureVerificationStateUpdate(state uint32, input unsafe.Pointer, inputLen uint32) uint32

// SignatureVerificationStateVerify checks a signature of all of the message so far: verification_failed if it is
// not one.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_verification_state_verify
//go:noescape
func SignatureVerificationStateVerify(state, signature uint32) uint32

// SignatureVerificationStateClose ends a verification state.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_verification_state_close
//go:noescape
func SignatureVerificationStateClose(state uint32) uint32

// SignatureClose lets go of a signature.
//
//go:wasmimport wasi_ephemeral_crypto_signatures signature_close
//go:noescape
func SignatureClose(signature uint32) uint32
