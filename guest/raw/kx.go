//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_kx: key agreement and key encapsulation.

// KXDH agrees on the raw shared secret of Diffie-Hellman. It wants a key derivation before it is a key.
//
//go:wasmimport wasi_ephemeral_crypto_kx kx_dh
//go:noescape
func KXDH(publicKey, secretKey uint32, sharedSecret unsafe.Pointer) uint32

// KXEncapsulate makes a secret and its encapsulation for the owner of a public key.
//
//go:wasmimport wasi_ephemeral_crypto_kx kx_encapsulate
//go:noescape
func KXEncapsulate(publicKey uint32, secret, encapsulated unsafe.Pointer) uint32

// KXDecapsulate opens an encapsulation.
//
//go:wasmimport wasi_ephemeral_crypto_kx kx_decapsulate
//go:noescape
func KXDecapsulate(secretKey uint32, encapsulated unsafe.Pointer, encapsulatedLen uint32, secret unsafe.Pointer) uint32
