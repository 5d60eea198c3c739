//go:build wasip1

package raw

import "unsafe"

// Module wasi_ephemeral_crypto_symmetric: symmetric keys, states and tags.

// SymmetricKeyGenerate makes a key of the algorithm's own length.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_generate
//go:noescape
func SymmetricKeyGenerate(algorithm unsafe.Pointer, algorithmLen uint32, options, key unsafe.Pointer) uint32

// SymmetricKeyImport takes in a key. A wrong length is invalid_key.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_import
//go:noescape
func SymmetricKeyImport(algorithm unsafe.Pointer, algorithmLen uint32, raw unsafe.Pointer, rawLen uint32, key unsafe.Pointer) uint32

// SymmetricKeyExport takes a key out, a managed one only if it was made exportable.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_export
//go:noescape
func SymmetricKeyExport(key uint32, encoded unsafe.Pointer) uint32

// SymmetricKeyClose lets go of a key. What is stored stays.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_close
//go:noescape
func SymmetricKeyClose(key uint32) uint32

// SymmetricKeyGenerateManaged makes a key that stays with its keeper. It is durable before this returns. The
// option "exportable" set to 1 lets the guest take it out again.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_generate_managed
//go:noescape
func SymmetricKeyGenerateManaged(manager uint32, algorithm unsafe.Pointer, algorithmLen uint32, options, key unsafe.Pointer) uint32

// SymmetricKeyStoreManaged gives a key to the keeper and writes its identifier, filled up with zero bytes. Too
// short a buffer stores nothing. The key becomes managed: SymmetricKeyID tells its version.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_store_managed
//go:noescape
func SymmetricKeyStoreManaged(manager, key uint32, id unsafe.Pointer, idMaxLen uint32) uint32

// SymmetricKeyReplaceManaged stores newKey as the next version of oldKey and closes oldKey; its version stays
// readable. newKey becomes managed. Both are of one algorithm.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_replace_managed
//go:noescape
func SymmetricKeyReplaceManaged(manager, oldKey, newKey uint32, version unsafe.Pointer) uint32

// SymmetricKeyID tells identifier and version of a managed key. For any other, length 0 and the version
// "unspecified".
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_id
//go:noescape
func SymmetricKeyID(key uint32, id unsafe.Pointer, idMaxLen uint32, idLen, version unsafe.Pointer) uint32

// SymmetricKeyFromID opens a stored key: an exact version, or "latest". Zero bytes at the end of the identifier do
// not count.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_key_from_id
//go:noescape
func SymmetricKeyFromID(manager uint32, id unsafe.Pointer, idLen uint32, version uint64, key unsafe.Pointer) uint32

// SymmetricStateOpen starts a hash, MAC, key derivation, cipher or session. The state keeps its own copy of key
// and options.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_open
//go:noescape
func SymmetricStateOpen(algorithm unsafe.Pointer, algorithmLen uint32, key, options, state unsafe.Pointer) uint32

// SymmetricStateOptionsGet reads an option of bytes back, a nonce that the host drew included.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_options_get
//go:noescape
func SymmetricStateOptionsGet(state uint32, name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueMaxLen uint32, length unsafe.Pointer) uint32

// SymmetricStateOptionsGetU64 reads an option of a number back.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_options_get_u64
//go:noescape
func SymmetricStateOptionsGetU64(state uint32, name unsafe.Pointer, nameLen uint32, value unsafe.Pointer) uint32

// SymmetricStateClone makes an independent copy of a state.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_clone
//go:noescape
func SymmetricStateClone(state uint32, clone unsafe.Pointer) uint32

// SymmetricStateClose ends a state.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_close
//go:noescape
func SymmetricStateClose(state uint32) uint32

// SymmetricStateAbsorb takes in data: the message of a hash or MAC, the salt or info of a derivation, the
// additional data of a cipher.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_absorb
//go:noescape
func SymmetricStateAbsorb(state uint32, data unsafe.Pointer, dataLen uint32) uint32

// SymmetricStateSqueeze fills out. A hash works on a copy and truncates; an extendable output goes on where it
// was.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_squeeze
//go:noescape
func SymmetricStateSqueeze(state uint32, out unsafe.Pointer, outLen uint32) uint32

// SymmetricStateSqueezeTag gives the authentication tag of what was absorbed.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_squeeze_tag
//go:noescape
func SymmetricStateSqueezeTag(state uint32, tag unsafe.Pointer) uint32

// SymmetricStateSqueezeKey derives a key for the named algorithm.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_squeeze_key
//go:noescape
func SymmetricStateSqueezeKey(state uint32, algorithm unsafe.Pointer, algorithmLen uint32, key unsafe.Pointer) uint32

// SymmetricStateMaxTagLen says how many bytes encryption adds.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_max_tag_len
//go:noescape
func SymmetricStateMaxTagLen(state uint32, length unsafe.Pointer) uint32

// SymmetricStateEncrypt encrypts one message with its tag at the end. outLen is dataLen and max_tag_len. out may
// overlap data.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_encrypt
//go:noescape
func SymmetricStateEncrypt(state uint32, out unsafe.Pointer, outLen uint32, data unsafe.Pointer, dataLen uint32, length unsafe.Pointer) uint32

// SymmetricStateEncryptDetached encrypts one message and gives the tag apart. outLen is dataLen. out may overlap
// data.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_encrypt_detached
//go:noescape
func SymmetricStateEncryptDetached(state uint32, out unsafe.Pointer, outLen uint32, data unsafe.Pointer, dataLen uint32, tag unsafe.Pointer) uint32

// SymmetricStateDecrypt checks the tag at the end and decrypts. outLen is dataLen less max_tag_len; a padded
// cipher takes up to dataLen. When the tag does not fit, out is filled with zeros. out may overlap data.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_decrypt
//go:noescape
func SymmetricStateDecrypt(state uint32, out unsafe.Pointer, outLen uint32, data unsafe.Pointer, dataLen uint32, length unsafe.Pointer) uint32

// SymmetricStateDecryptDetached is SymmetricStateDecrypt with the tag apart.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_decrypt_detached
//go:noescape
func SymmetricStateDecryptDetached(state uint32, out unsafe.Pointer, outLen uint32, data unsafe.Pointer, dataLen uint32, rawTag unsafe.Pointer, rawTagLen uint32, length unsafe.Pointer) uint32

// SymmetricStateRatchet makes it impossible to go back to an earlier state of a session.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_state_ratchet
//go:noescape
func SymmetricStateRatchet(state uint32) uint32

// SymmetricTagLen says how long a tag is.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_tag_len
//go:noescape
func SymmetricTagLen(tag uint32, length unsafe.Pointer) uint32

// SymmetricTagPull takes a tag out into a buffer of exactly its length and closes the handle.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_tag_pull
//go:noescape
func SymmetricTagPull(tag uint32, buf unsafe.Pointer, bufLen uint32, length unsafe.Pointer) uint32

// SymmetricTagVerify compares a tag with the expected one in constant time: invalid_tag if they differ.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_tag_verify
//go:noescape
func SymmetricTagVerify(tag uint32, expected unsafe.Pointer, expectedLen uint32) uint32

// SymmetricTagClose lets go of a tag.
//
//go:wasmimport wasi_ephemeral_crypto_symmetric symmetric_tag_close
//go:noescape
func SymmetricTagClose(tag uint32) uint32
