//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_signatures_batch: several signatures of one algorithm in one call.

// BatchSignatureStateSign is SignatureStateSign over count signature states. Each value is a signature.
//
//go:wasmimport wasi_ephemeral_crypto_signatures_batch batch_signature_state_sign
//go:noescape
func BatchSignatureStateSign(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32

// BatchSignatureStateVerify is SignatureVerificationStateVerify over count records.
//
//go:wasmimport wasi_ephemeral_crypto_signatures_batch batch_signature_state_verify
//go:noescape
func BatchSignatureStateVerify(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32
