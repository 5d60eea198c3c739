//go:build !wasip1

package raw

import "unsafe"

// Elsewhere than in a guest there is no host to call. Package guest compiles there all the same, for editors and go vet.

func OptionsOpen(uint32, unsafe.Pointer) uint32                                { return NotAGuest }
func OptionsClose(uint32) uint32                                               { return NotAGuest }
func OptionsSet(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32) uint32 { return NotAGuest }
func OptionsSetU64(uint32, unsafe.Pointer, uint32, uint64) uint32              { return NotAGuest }
func OptionsSetGuestBuffer(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32) uint32 {
	return NotAGuest
}
func ArrayOutputLen(uint32, unsafe.Pointer) uint32                           { return NotAGuest }
func ArrayOutputPull(uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32  { return NotAGuest }
func SecretsManagerOpen(unsafe.Pointer, unsafe.Pointer) uint32               { return NotAGuest }
func SecretsManagerClose(uint32) uint32                                      { return NotAGuest }
func SecretsManagerInvalidate(uint32, unsafe.Pointer, uint32, uint64) uint32 { return NotAGuest }

func KeypairGenerate(uint32, unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func KeypairImport(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func KeypairGenerateManaged(uint32, uint32, unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func KeypairStoreManaged(uint32, uint32, unsafe.Pointer, uint32) uint32   { return NotAGuest }
func KeypairReplaceManaged(uint32, uint32, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func KeypairID(uint32, unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func KeypairFromID(uint32, unsafe.Pointer, uint32, uint64, unsafe.Pointer) uint32 { return NotAGuest }
func KeypairFromPKAndSK(uint32, uint32, unsafe.Pointer) uint32                    { return NotAGuest }
func KeypairExport(uint32, uint32, unsafe.Pointer) uint32                         { return NotAGuest }
func KeypairPublickey(uint32, unsafe.Pointer) uint32                              { return NotAGuest }
func KeypairSecretkey(uint32, unsafe.Pointer) uint32                              { return NotAGuest }
func KeypairClose(uint32) uint32                                                  { return NotAGuest }
func PublickeyImport(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func PublickeyExport(uint32, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func PublickeyVerify(uint32) uint32                         { return NotAGuest }
func PublickeyFromSecretkey(uint32, unsafe.Pointer) uint32  { return NotAGuest }
func PublickeyClose(uint32) uint32                          { return NotAGuest }
func SecretkeyImport(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SecretkeyExport(uint32, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func SecretkeyClose(uint32) uint32                          { return NotAGuest }

func SymmetricKeyGenerate(unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricKeyImport(unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricKeyExport(uint32, unsafe.Pointer) uint32 { return NotAGuest }
func SymmetricKeyClose(uint32) uint32                  { return NotAGuest }
func SymmetricKeyGenerateManaged(uint32, unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricKeyStoreManaged(uint32, uint32, unsafe.Pointer, uint32) uint32   { return NotAGuest }
func SymmetricKeyReplaceManaged(uint32, uint32, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func SymmetricKeyID(uint32, unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricKeyFromID(uint32, unsafe.Pointer, uint32, uint64, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateOpen(unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateOptionsGet(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateOptionsGetU64(uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateClone(uint32, unsafe.Pointer) uint32           { return NotAGuest }
func SymmetricStateClose(uint32) uint32                           { return NotAGuest }
func SymmetricStateAbsorb(uint32, unsafe.Pointer, uint32) uint32  { return NotAGuest }
func SymmetricStateSqueeze(uint32, unsafe.Pointer, uint32) uint32 { return NotAGuest }
func SymmetricStateSqueezeTag(uint32, unsafe.Pointer) uint32      { return NotAGuest }
func SymmetricStateSqueezeKey(uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateMaxTagLen(uint32, unsafe.Pointer) uint32 { return NotAGuest }
func SymmetricStateEncrypt(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateEncryptDetached(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateDecrypt(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateDecryptDetached(uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SymmetricStateRatchet(uint32) uint32                                    { return NotAGuest }
func SymmetricTagLen(uint32, unsafe.Pointer) uint32                          { return NotAGuest }
func SymmetricTagPull(uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func SymmetricTagVerify(uint32, unsafe.Pointer, uint32) uint32               { return NotAGuest }
func SymmetricTagClose(uint32) uint32                                        { return NotAGuest }

func SignatureExport(uint32, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func SignatureImport(unsafe.Pointer, uint32, unsafe.Pointer, uint32, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func SignatureStateOpen(uint32, unsafe.Pointer) uint32                       { return NotAGuest }
func SignatureStateUpdate(uint32, unsafe.Pointer, uint32) uint32             { return NotAGuest }
func SignatureStateSign(uint32, unsafe.Pointer) uint32                       { return NotAGuest }
func SignatureStateClose(uint32) uint32                                      { return NotAGuest }
func SignatureVerificationStateOpen(uint32, unsafe.Pointer) uint32           { return NotAGuest }
func SignatureVerificationStateUpdate(uint32, unsafe.Pointer, uint32) uint32 { return NotAGuest }
func SignatureVerificationStateVerify(uint32, uint32) uint32                 { return NotAGuest }
func SignatureVerificationStateClose(uint32) uint32                          { return NotAGuest }
func SignatureClose(uint32) uint32                                           { return NotAGuest }

func KXDH(uint32, uint32, unsafe.Pointer) uint32                          { return NotAGuest }
func KXEncapsulate(uint32, unsafe.Pointer, unsafe.Pointer) uint32         { return NotAGuest }
func KXDecapsulate(uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 { return NotAGuest }

func ExternalSecretStore(uint32, unsafe.Pointer, uint32, uint64, unsafe.Pointer, uint32) uint32 {
	return NotAGuest
}
func ExternalSecretReplace(uint32, unsafe.Pointer, uint32, uint64, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func ExternalSecretFromID(uint32, unsafe.Pointer, uint32, uint64, unsafe.Pointer) uint32 {
	return NotAGuest
}
func ExternalSecretInvalidate(uint32, unsafe.Pointer, uint32, uint64) uint32 { return NotAGuest }
func ExternalSecretEncapsulate(uint32, unsafe.Pointer, uint32, uint64, unsafe.Pointer) uint32 {
	return NotAGuest
}
func ExternalSecretDecapsulate(uint32, unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}

func BatchSymmetricStateSqueeze(unsafe.Pointer, uint32, unsafe.Pointer) uint32    { return NotAGuest }
func BatchSymmetricStateSqueezeTag(unsafe.Pointer, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func BatchSymmetricStateEncrypt(unsafe.Pointer, uint32, unsafe.Pointer) uint32    { return NotAGuest }
func BatchSymmetricStateEncryptDetached(unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}
func BatchSymmetricStateDecrypt(unsafe.Pointer, uint32, unsafe.Pointer) uint32 { return NotAGuest }
func BatchSymmetricStateDecryptDetached(unsafe.Pointer, uint32, unsafe.Pointer) uint32 {
	return NotAGuest
}

func BatchSignatureStateSign(unsafe.Pointer, uint32, unsafe.Pointer) uint32   { return NotAGuest }
func BatchSignatureStateVerify(unsafe.Pointer, uint32, unsafe.Pointer) uint32 { return NotAGuest }
