package main

import "maps"

// checks gives the checks by their names in the table.
func checks() map[string]func(*T) {
	all := map[string]func(*T){
		"closed-handles": closedHandles, "single-use": singleUse, "encodings": encodings, "byte-order": byteOrder, "rsa-pkcs8": rsaPKCS8,
		"pem-with-pkcs8": pemWithPKCS8, "point-forms": pointForms, "pair-halves": pairHalves, "pair-carries-public": pairCarriesPublic,
		"eddsa-pair": eddsaPair, "signature-raw": signatureRaw, "array-output": arrayOutput, "option-replaced": optionReplaced,

		"required-algorithms": requiredAlgorithms, "publickey-verify": publickeyVerifies, "public-from-secret": publicFromSecret,
		"pair-from-halves": pairFromHalves, "pair-generation": pairGeneration, "other-kind-of-pair": otherKindOfPair,
		"exchange-mechanisms": exchangeMechanisms, "decapsulation-failure": decapsulationFailure,
		"signature-encodings": signatureEncodings, "states-apart": statesApart,

		"closed-key": closedKey, "missing-nonce": missingNonce, "absorb-limit": absorbLimit, "squeeze-undefined": squeezeUndefined,
		"squeeze-tag-undefined": squeezeTagUndefined, "squeeze-key-undefined": squeezeKeyUndefined, "ratchet-undefined": ratchetUndefined,
		"ciphertext-with-tag": ciphertextWithTag, "overlap": overlap, "tag-constant": tagConstant, "encrypt-lengths": encryptLengths,
		"encrypt-undefined": encryptUndefined, "decrypt-tag": decryptTag, "decrypt-undefined": decryptUndefined,
		"decrypt-lengths": decryptLengths, "encrypt-detached-lengths": encryptDetachedLengths,
		"decrypt-detached-lengths": decryptDetachedLengths, "tag-verify": tagVerify, "tag-pull": tagPull,
		"undefined-functions": undefinedFunctions,

		"hash": hashWorks, "hash-copy": hashCopy, "hash-any-order": hashAnyOrder, "hash-truncation": hashTruncation,
		"hash-too-long": hashTooLong, "mac": macWorks, "mac-copy": macCopy, "hkdf": hkdfWorks, "hkdf-empty": hkdfEmpty,
		"hkdf-concatenation": hkdfConcatenation, "xof": xofWorks, "xof-advances": xofAdvances, "aead": aeadWorks, "aead-nonce": aeadNonce,
		"aead-concatenation": aeadConcatenation, "max-tag-len": maxTagLen, "aead-failure": aeadFailure, "nonce-size": nonceSize,
		"nonce-required": nonceRequiredHere, "nonce-never-drawn": nonceNeverDrawn, "drawn-nonce": drawnNonce, "session": session,

		"batch-squeeze": batchSqueeze, "batch-squeeze-tag": batchSqueezeTag, "batch-encrypt": batchEncrypt,
		"batch-encrypt-detached": batchEncryptDetached, "batch-decrypt": batchDecrypt, "batch-decrypt-detached": batchDecryptDetached,
		"batch-sign": batchSign, "batch-verify": batchVerify,
	}
	maps.Copy(all, managedChecks())
	maps.Copy(all, importChecks())
	return all
}

// managedChecks gives those that need a secrets manager.
func managedChecks() map[string]func(*T) {
	return map[string]func(*T){
		"managed-key-serves": managedKeyServes, "managed-export": managedExport, "manager-counted": managerCounted,
		"durable-without-close": durableWithoutClose, "key-identifiers": keyIdentifiers, "versions-grow": versionsGrow,
		"invalidate-answer": invalidateAnswer, "invalidated": invalidated, "unknown-key": unknownKey, "key-limits": keyLimits,
		"pair-managed": pairManaged, "pair-replace": pairReplace, "pair-id": pairID, "pair-from-id": pairFromID,
		"symmetric-managed": symmetricManaged,

		"secret-kept": secretKept, "secret-identifiers": secretIdentifiers, "secret-id-buffer": secretIDBuffer, "secret-expiry": secretExpiry,
		"secret-missing": secretMissing, "secret-invalidated": secretInvalidated, "secret-limits": secretLimits,
		"capsule-hides": capsuleHides, "capsule-authentic": capsuleAuthentic, "capsule-nonce": capsuleNonce, "capsule-checks": capsuleChecks,

		"external-store": externalStore, "external-replace": externalReplace, "external-from-id": externalFromID,
		"external-invalidate": externalInvalidate, "external-encapsulate": externalEncapsulate, "external-decapsulate": externalDecapsulate,
	}
}
