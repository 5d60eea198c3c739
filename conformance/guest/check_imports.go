package main

import (
	"strings"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// importChecks gives the checks of the rows I1 to I86 by the name of the function: each function is called once with nothing behind its handles,
// or with an algorithm that does not exist.
func importChecks() map[string]func(*T) {
	all := map[string]func(*T){}
	for _, group := range []map[string]misuse{commonMisuses(), asymmetricMisuses(), keyMisuses(), stateMisuses(), signatureMisuses(), secretMisuses(), batchMisuses()} {
		for name, m := range group {
			all["import-"+strings.ReplaceAll(name, "_", "-")] = func(t *T) { t.want(name, m.call(t.nothing()), m.answers...) }
		}
	}
	return all
}

// misuse is a call with a handle that was closed, and what it may answer.
type misuse struct {
	call    func(h uint32) errno
	answers []errno
}

// nothing gives a handle that was closed.
func (t *T) nothing() uint32 {
	h, e := optionsOpen(raw.TypeSymmetric)
	t.must("options_open", e)
	t.must("options_close", optionsClose(h))
	return h
}

// stale is a call that must see that its handle is none.
func stale(call func(h uint32) errno) misuse { return misuse{call, []errno{invalidHandle}} }

// shut is a call that closes; a handle that is closed already is closed or invalid_handle, which is not settled.
func shut(call func(h uint32) errno) misuse { return misuse{call, []errno{closed, invalidHandle}} }

// unknown is a call with an algorithm that does not exist.
func unknown(call func(h uint32) errno) misuse { return misuse{call, []errno{unsupportedAlgorithm}} }

// managed is a call with a handle that is no secrets manager; a host that has none may say so instead.
func managed(call func(h uint32) errno) misuse {
	return misuse{call, []errno{invalidHandle, unsupportedFeature, notImplemented}}
}

// of drops the value of a call.
func of[V any](_ V, e errno) errno { return e }

// of2 drops both values of a call.
func of2[V, W any](_ V, _ W, e errno) errno { return e }

// unheard is the name of no algorithm.
const unheard = "NO-SUCH-ALGORITHM"

func commonMisuses() map[string]misuse {
	return map[string]misuse{
		"options_open":               {func(uint32) errno { return opens(optionsOpen(raw.TypeSignatures)) }, []errno{success}},
		"options_close":              shut(optionsClose),
		"options_set":                stale(func(h uint32) errno { return optionsSet(h, "nonce", counting(12)) }),
		"options_set_u64":            stale(func(h uint32) errno { return optionsSetU64(h, "parallelism", 1) }),
		"options_set_guest_buffer":   stale(func(h uint32) errno { return optionsSetGuestBuffer(h, "buffer", make([]byte, 64)) }),
		"array_output_len":           stale(func(h uint32) errno { return of(arrayOutputLen(h)) }),
		"array_output_pull":          stale(func(h uint32) errno { return of(arrayOutputPull(h, make([]byte, 8))) }),
		"secrets_manager_open":       managed(func(h uint32) errno { return of(secretsManagerOpen(some(h))) }),
		"secrets_manager_close":      {secretsManagerClose, []errno{closed, invalidHandle, unsupportedFeature, notImplemented}},
		"secrets_manager_invalidate": managed(func(h uint32) errno { return secretsManagerInvalidate(h, counting(32), 1) }),
	}
}

// opens closes what a call that makes options has made.
func opens(h uint32, e errno) errno {
	if e == success {
		e = optionsClose(h)
	}
	return e
}

func asymmetricMisuses() map[string]misuse {
	const signatures = raw.TypeSignatures
	return map[string]misuse{
		"keypair_generate": unknown(func(uint32) errno { return of(keypairGenerate(signatures, unheard, maybe{})) }),
		"keypair_import":   unknown(func(uint32) errno { return of(keypairImport(signatures, unheard, counting(32), raw.KeypairRaw)) }),
		"keypair_generate_managed": managed(func(h uint32) errno {
			return of(keypairGenerateManaged(h, signatures, "RSA_PKCS1_2048_SHA256", maybe{}))
		}),
		"keypair_store_managed":    managed(func(h uint32) errno { return keypairStoreManaged(h, h, make([]byte, 64)) }),
		"keypair_replace_managed":  managed(func(h uint32) errno { return of(keypairReplaceManaged(h, h, h)) }),
		"keypair_id":               managed(func(h uint32) errno { return of2(keypairID(h, make([]byte, 64))) }),
		"keypair_from_id":          managed(func(h uint32) errno { return of(keypairFromID(h, counting(32), 1)) }),
		"keypair_from_pk_and_sk":   stale(func(h uint32) errno { return of(keypairFromPKAndSK(h, h)) }),
		"keypair_export":           stale(func(h uint32) errno { return of(keypairExport(h, raw.KeypairPKCS8)) }),
		"keypair_publickey":        stale(func(h uint32) errno { return of(keypairPublickey(h)) }),
		"keypair_secretkey":        stale(func(h uint32) errno { return of(keypairSecretkey(h)) }),
		"keypair_close":            shut(keypairClose),
		"publickey_import":         unknown(func(uint32) errno { return of(publickeyImport(signatures, unheard, counting(32), raw.KeyRaw)) }),
		"publickey_export":         stale(func(h uint32) errno { return of(publickeyExport(h, raw.KeyRaw)) }),
		"publickey_verify":         stale(publickeyVerify),
		"publickey_from_secretkey": stale(func(h uint32) errno { return of(publickeyFromSecretkey(h)) }),
		"publickey_close":          shut(publickeyClose),
		"secretkey_import":         unknown(func(uint32) errno { return of(secretkeyImport(signatures, unheard, counting(32), raw.KeyRaw)) }),
		"secretkey_export":         stale(func(h uint32) errno { return of(secretkeyExport(h, raw.KeyRaw)) }),
		"secretkey_close":          shut(secretkeyClose),
	}
}

func keyMisuses() map[string]misuse {
	return map[string]misuse{
		"symmetric_key_generate":         unknown(func(uint32) errno { return of(symmetricKeyGenerate(unheard, maybe{})) }),
		"symmetric_key_import":           unknown(func(uint32) errno { return of(symmetricKeyImport(unheard, counting(32))) }),
		"symmetric_key_export":           stale(func(h uint32) errno { return of(symmetricKeyExport(h)) }),
		"symmetric_key_close":            shut(symmetricKeyClose),
		"symmetric_key_generate_managed": managed(func(h uint32) errno { return of(symmetricKeyGenerateManaged(h, "HMAC/SHA-256", maybe{})) }),
		"symmetric_key_store_managed":    managed(func(h uint32) errno { return symmetricKeyStoreManaged(h, h, make([]byte, 64)) }),
		"symmetric_key_replace_managed":  managed(func(h uint32) errno { return of(symmetricKeyReplaceManaged(h, h, h)) }),
		"symmetric_key_id":               managed(func(h uint32) errno { return of2(symmetricKeyID(h, make([]byte, 64))) }),
		"symmetric_key_from_id":          managed(func(h uint32) errno { return of(symmetricKeyFromID(h, counting(32), 1)) }),
	}
}

func stateMisuses() map[string]misuse {
	buf := make([]byte, 64)
	return map[string]misuse{
		"symmetric_state_open":             unknown(func(uint32) errno { return of(symmetricStateOpen(unheard, maybe{}, maybe{})) }),
		"symmetric_state_options_get":      stale(func(h uint32) errno { return of(symmetricStateOptionsGet(h, "nonce", buf)) }),
		"symmetric_state_options_get_u64":  stale(func(h uint32) errno { return of(symmetricStateOptionsGetU64(h, "parallelism")) }),
		"symmetric_state_clone":            stale(func(h uint32) errno { return of(symmetricStateClone(h)) }),
		"symmetric_state_close":            shut(symmetricStateClose),
		"symmetric_state_absorb":           stale(func(h uint32) errno { return symmetricStateAbsorb(h, buf) }),
		"symmetric_state_squeeze":          stale(func(h uint32) errno { return symmetricStateSqueeze(h, buf) }),
		"symmetric_state_squeeze_tag":      stale(func(h uint32) errno { return of(symmetricStateSqueezeTag(h)) }),
		"symmetric_state_squeeze_key":      stale(func(h uint32) errno { return of(symmetricStateSqueezeKey(h, "HKDF-EXPAND/SHA-256")) }),
		"symmetric_state_max_tag_len":      stale(func(h uint32) errno { return of(symmetricStateMaxTagLen(h)) }),
		"symmetric_state_encrypt":          stale(func(h uint32) errno { return of(symmetricStateEncrypt(h, buf, buf[:48])) }),
		"symmetric_state_encrypt_detached": stale(func(h uint32) errno { return of(symmetricStateEncryptDetached(h, buf, buf)) }),
		"symmetric_state_decrypt":          stale(func(h uint32) errno { return of(symmetricStateDecrypt(h, buf[:48], buf)) }),
		"symmetric_state_decrypt_detached": stale(func(h uint32) errno { return of(symmetricStateDecryptDetached(h, buf, buf, buf[:16])) }),
		"symmetric_state_ratchet":          stale(symmetricStateRatchet),
		"symmetric_tag_len":                stale(func(h uint32) errno { return of(symmetricTagLen(h)) }),
		"symmetric_tag_pull":               stale(func(h uint32) errno { return of(symmetricTagPull(h, buf)) }),
		"symmetric_tag_verify":             stale(func(h uint32) errno { return symmetricTagVerify(h, buf) }),
		"symmetric_tag_close":              shut(symmetricTagClose),
	}
}

func signatureMisuses() map[string]misuse {
	return map[string]misuse{
		"signature_export":                    stale(func(h uint32) errno { return of(signatureExport(h, raw.SignatureRaw)) }),
		"signature_import":                    unknown(func(uint32) errno { return of(signatureImport(unheard, counting(64), raw.SignatureRaw)) }),
		"signature_state_open":                stale(func(h uint32) errno { return of(signatureStateOpen(h)) }),
		"signature_state_update":              stale(func(h uint32) errno { return signatureStateUpdate(h, counting(8)) }),
		"signature_state_sign":                stale(func(h uint32) errno { return of(signatureStateSign(h)) }),
		"signature_state_close":               shut(signatureStateClose),
		"signature_verification_state_open":   stale(func(h uint32) errno { return of(verificationStateOpen(h)) }),
		"signature_verification_state_update": stale(func(h uint32) errno { return verificationStateUpdate(h, counting(8)) }),
		"signature_verification_state_verify": stale(func(h uint32) errno { return verificationStateVerify(h, h) }),
		"signature_verification_state_close":  shut(verificationStateClose),
		"signature_close":                     shut(signatureClose),
		"kx_dh":                               stale(func(h uint32) errno { return of(kxDH(h, h)) }),
		"kx_encapsulate":                      stale(func(h uint32) errno { return of2(kxEncapsulate(h)) }),
		"kx_decapsulate":                      stale(func(h uint32) errno { return of(kxDecapsulate(h, counting(32))) }),
	}
}

func secretMisuses() map[string]misuse {
	return map[string]misuse{
		"external_secret_store":       managed(func(h uint32) errno { return externalSecretStore(h, counting(8), future(), make([]byte, 64)) }),
		"external_secret_replace":     managed(func(h uint32) errno { return of(externalSecretReplace(h, counting(8), future(), counting(32))) }),
		"external_secret_from_id":     managed(func(h uint32) errno { return of(externalSecretFromID(h, counting(32), 1)) }),
		"external_secret_invalidate":  managed(func(h uint32) errno { return externalSecretInvalidate(h, counting(32), 1) }),
		"external_secret_encapsulate": managed(func(h uint32) errno { return of(externalSecretEncapsulate(h, counting(8), future())) }),
		"external_secret_decapsulate": managed(func(h uint32) errno { return of(externalSecretDecapsulate(h, counting(64))) }),
	}
}

// batchMisuses calls the batch functions with a batch of nothing, which succeeds where there are any.
func batchMisuses() map[string]misuse {
	all := map[string]misuse{}
	for name, call := range map[string]func(batch unsafe.Pointer, count uint32, results unsafe.Pointer) uint32{
		"batch_symmetric_state_squeeze":          raw.BatchSymmetricStateSqueeze,
		"batch_symmetric_state_squeeze_tag":      raw.BatchSymmetricStateSqueezeTag,
		"batch_symmetric_state_encrypt":          raw.BatchSymmetricStateEncrypt,
		"batch_symmetric_state_encrypt_detached": raw.BatchSymmetricStateEncryptDetached,
		"batch_symmetric_state_decrypt":          raw.BatchSymmetricStateDecrypt,
		"batch_symmetric_state_decrypt_detached": raw.BatchSymmetricStateDecryptDetached,
		"batch_signature_state_sign":             raw.BatchSignatureStateSign,
		"batch_signature_state_verify":           raw.BatchSignatureStateVerify,
	} {
		all[name] = misuse{func(uint32) errno {
			space := make([]byte, 64)
			return errno(call(start(space), 0, start(space[32:])))
		}, []errno{success, notImplemented, unsupportedFeature}}
	}
	return all
}
