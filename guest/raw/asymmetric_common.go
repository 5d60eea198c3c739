//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_asymmetric_common: key pairs, public keys and secret keys.

// KeypairGenerate makes a key pair.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_generate
//go:noescape
func KeypairGenerate(algorithmType uint32, algorithm unsafe.Pointer, algorithmLen uint32, options, pair unsafe.Pointer) uint32

// KeypairImport takes in a key pair. encoding is one of the key pair encodings.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_import
//go:noescape
func KeypairImport(algorithmType uint32, algorithm unsafe.Pointer, algorithmLen uint32, encoded unsafe.Pointer, encodedLen, encoding uint32, pair unsafe.Pointer) uint32

// KeypairGenerateManaged makes a key pair that stays with its keeper. It is durable before this returns. The
// option "exportable" set to 1 lets the guest take it out again.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_generate_managed
//go:noescape
func KeypairGenerateManaged(manager, algorithmType uint32, algorithm unsafe.Pointer, algorithmLen uint32, options, pair unsafe.Pointer) uint32

// KeypairStoreManaged gives a key pair to the keeper and writes its identifier, filled up with zero bytes. Too
// short a buffer stores nothing. The pair becomes managed: KeypairID tells its version.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_store_managed
//go:noescape
func KeypairStoreManaged(manager, pair uint32, id unsafe.Pointer, idMaxLen uint32) uint32

// KeypairReplaceManaged stores newPair as the next version of oldPair and closes oldPair; its version stays
// readable. newPair becomes managed. Both are of one algorithm.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_replace_managed
//go:noescape
func KeypairReplaceManaged(manager, oldPair, newPair uint32, version unsafe.Pointer) uint32

// KeypairID tells identifier and version of a managed pair. For any other, length 0 and the version "unspecified".
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_id
//go:noescape
func KeypairID(pair uint32, id unsafe.Pointer, idMaxLen uint32, idLen, version unsafe.Pointer) uint32

// KeypairFromID opens a stored pair: an exact version, or "latest". Zero bytes at the end of the identifier do not
// count.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_from_id
//go:noescape
func KeypairFromID(manager uint32, id unsafe.Pointer, idLen uint32, version uint64, pair unsafe.Pointer) uint32

// KeypairFromPKAndSK joins two halves that belong together.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_from_pk_and_sk
//go:noescape
func KeypairFromPKAndSK(publicKey, secretKey uint32, pair unsafe.Pointer) uint32

// KeypairExport takes a key pair out. A managed one answers prohibited_operation unless it was made exportable.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_export
//go:noescape
func KeypairExport(pair, encoding uint32, encoded unsafe.Pointer) uint32

// KeypairPublickey gives the public half.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_publickey
//go:noescape
func KeypairPublickey(pair uint32, publicKey unsafe.Pointer) uint32

// KeypairSecretkey gives the secret half.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_secretkey
//go:noescape
func KeypairSecretkey(pair uint32, secretKey unsafe.Pointer) uint32

// KeypairClose lets go of a key pair. What is stored stays.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common keypair_close
//go:noescape
func KeypairClose(pair uint32) uint32

// PublickeyImport takes in a public key. encoding is one of the public key encodings.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common publickey_import
//go:noescape
func PublickeyImport(algorithmType uint32, algorithm unsafe.Pointer, algorithmLen uint32, encoded unsafe.Pointer, encodedLen, encoding uint32, publicKey unsafe.Pointer) uint32

// PublickeyExport takes a public key out.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common publickey_export
//go:noescape
func PublickeyExport(publicKey, encoding uint32, encoded unsafe.Pointer) uint32

// PublickeyVerify checks that a public key is a sound one: on its curve and not of low order.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common publickey_verify
//go:noescape
func PublickeyVerify(publicKey uint32) uint32

// PublickeyFromSecretkey computes the public half of a secret key.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common publickey_from_secretkey
//go:noescape
func PublickeyFromSecretkey(secretKey uint32, publicKey unsafe.Pointer) uint32

// PublickeyClose lets go of a public key.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common publickey_close
//go:noescape
func PublickeyClose(publicKey uint32) uint32

// SecretkeyImport takes in a secret key. encoding is one of the secret key encodings.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common secretkey_import
//go:noescape
func SecretkeyImport(algorithmType uint32, algorithm unsafe.Pointer, algorithmLen uint32, encoded unsafe.Pointer, encodedLen, encoding uint32, secretKey unsafe.Pointer) uint32

// SecretkeyExport takes a secret key out, a managed one only if it was made exportable.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common secretkey_export
//go:noescape
func SecretkeyExport(secretKey, encoding uint32, encoded unsafe.Pointer) uint32

// SecretkeyClose lets go of a secret key.
//
//go:wasmimport wasi_ephemeral_crypto_asymmetric_common secretkey_close
//go:noescape
func SecretkeyClose(secretKey uint32) uint32
