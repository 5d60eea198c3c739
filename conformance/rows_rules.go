package conformance

// The rows below are the rules of the specification (docs/wasi-crypto.md of the proposal), in the order in which it states them.

func handleRows() []Row {
	return []Row{
		{ID: "1", Rule: "Handles of all types may be used from several threads.",
			Host: []string{"wasicrypto.TestSeveralThreads", "wasicrypto.TestRow1KeysAreSafeForThreads"}},
		{ID: "2", Rule: "Handles are counted: a closed handle takes no new call, and what was made with it goes on working.",
			Check: "closed-handles", Host: []string{"wasicrypto.TestSeveralThreads"}},
		{ID: "3", Rule: "An object of a single use closes itself after the first success and stays valid after an error.", Check: "single-use"},
		{ID: "4", Rule: "The encodings raw, pkcs8, pem, sec and local exist; an unknown number is unsupported_encoding.", Check: "encodings"},
		{ID: "5", Rule: "Scalars and coordinates are big-endian on NIST curves and little-endian on Curve25519 and Edwards25519.", Check: "byte-order"},
		{ID: "6", Rule: "A secret key that is no scalar of fixed size, such as one of RSA, is imported and exported as pkcs8.", Check: "rsa-pkcs8"},
		{ID: "7", Rule: "pem is available wherever pkcs8 is.", Check: "pem-with-pkcs8"},
		{ID: "8", Rule: "Points on NIST curves are imported compressed and uncompressed and exported uncompressed, as sec.", Check: "point-forms"},
		{ID: "9", Rule: "A key pair is one handle from which handles of both halves are obtained.", Check: "pair-halves"},
		{ID: "10", Rule: "A key pair carries the public key where signing needs it.", Check: "pair-carries-public"},
		{ID: "11", Rule: "The raw form of an EdDSA key pair has 64 bytes; the secret half alone is invalid_key.", Check: "eddsa-pair"},
		{ID: "12", Rule: "Signatures are imported and exported raw.", Check: "signature-raw"},
		{ID: "13", Rule: "An array output tells its length, is pulled in pieces of min(asked, left) bytes, and closes after the last byte.", Check: "array-output"},
		{ID: "14", Rule: "Setting an option again replaces its value.", Check: "option-replaced"},
	}
}

func keyRows() []Row {
	return []Row{
		{ID: "15", Rule: "Every required algorithm works under its exact identifier.", Check: "required-algorithms"},
		{ID: "16", Rule: "publickey_verify is success where nothing needs to be checked, and not_implemented where a needed check is missing.", Check: "publickey-verify"},
		{ID: "17", Rule: "The public key can be had from every valid secret key.", Check: "public-from-secret"},
		{ID: "18", Rule: "A pair made of a public and a secret key of different algorithms is incompatible_keys.", Check: "pair-from-halves"},
		{ID: "19", Rule: "Key pairs come from a secure generator: no two are the same.", Check: "pair-generation"},
		{ID: "20", Rule: "A function that expects another kind of key pair answers invalid_key.", Check: "other-kind-of-pair"},
		{ID: "21", Rule: "There is at least one Diffie-Hellman and one encapsulation mechanism.", Check: "exchange-mechanisms"},
		{ID: "22", Rule: "A decapsulation that fails is verification_failed.", Check: "decapsulation-failure"},
		{ID: "23", Rule: "Every signature has a raw encoding of fixed length; der is offered, or unsupported_encoding.", Check: "signature-encodings"},
		{ID: "24", Rule: "States of signing and of verification are not interchangeable: invalid_handle.", Check: "states-apart"},
	}
}

func symmetricRows() []Row {
	return []Row{
		{ID: "25", Rule: "A closed symmetric key is invalid_handle in every operation.", Check: "closed-key"},
		{ID: "26", Rule: "A missing nonce is drawn by the host where that is safe, else nonce_required.", Check: "missing-nonce"},
		{ID: "27", Rule: "Too much absorbed data is overflow.", Check: "absorb-limit", Host: []string{"internal/symmetric.TestHeldBytesHaveALimit", "wasicrypto.TestTooMuchAbsorbed"}},
		{ID: "28", Rule: "squeeze is invalid_operation for kinds without it.", Check: "squeeze-undefined"},
		{ID: "29", Rule: "squeeze_tag is invalid_operation for kinds without it.", Check: "squeeze-tag-undefined"},
		{ID: "30", Rule: "squeeze_key is invalid_operation for kinds without it.", Check: "squeeze-key-undefined"},
		{ID: "31", Rule: "ratchet is invalid_operation for kinds without it.", Check: "ratchet-undefined"},
		{ID: "32", Rule: "The ciphertext of an AEAD's encrypt includes the tag.", Check: "ciphertext-with-tag"},
		{ID: "33", Rule: "Input and output of encryption and decryption may overlap.", Check: "overlap"},
		{ID: "34", Rule: "Padding counts as tag, and the length of tags is constant.", Check: "tag-constant"},
		{ID: "35", Rule: "encrypt: an output buffer that is too small is overflow, one that is too large invalid_length.", Check: "encrypt-lengths"},
		{ID: "36", Rule: "encrypt is invalid_operation for kinds without it.", Check: "encrypt-undefined"},
		{ID: "37", Rule: "decrypt: a tag that does not verify is invalid_tag.", Check: "decrypt-tag"},
		{ID: "38", Rule: "decrypt is invalid_operation for kinds without it.", Check: "decrypt-undefined"},
		{ID: "39", Rule: "decrypt: an output buffer that is too small is overflow, one that is too large invalid_length.", Check: "decrypt-lengths"},
		{ID: "40", Rule: "encrypt_detached: an output buffer that is too small is overflow, one that is too large invalid_length.", Check: "encrypt-detached-lengths"},
		{ID: "41", Rule: "decrypt_detached: an output buffer that is too small is overflow, one that is too large invalid_length.", Check: "decrypt-detached-lengths"},
		{ID: "42", Rule: "symmetric_tag_verify of another tag, whatever its length, is invalid_tag.", Check: "tag-verify"},
		{ID: "43", Rule: "symmetric_tag_pull: a buffer that is too small is overflow, one that is too large invalid_length.", Check: "tag-pull"},
		{ID: "44", Rule: "A function that is not defined for an algorithm is refused whatever the state has seen.", Check: "undefined-functions"},
	}
}

func patternRows() []Row {
	return []Row{
		{ID: "45", Rule: "Hash functions absorb and squeeze.", Check: "hash"},
		{ID: "46", Rule: "A hash is finished on a copy: squeeze leaves the state as it was.", Check: "hash-copy"},
		{ID: "47", Rule: "Hashes take any number of absorb and squeeze in any order.", Check: "hash-any-order"},
		{ID: "48", Rule: "A shorter output of a hash is its truncation.", Check: "hash-truncation"},
		{ID: "49", Rule: "A longer output than the hash has is invalid_length.", Check: "hash-too-long"},
		{ID: "50", Rule: "MACs absorb and squeeze a tag.", Check: "mac"},
		{ID: "51", Rule: "A MAC is finished on a copy: squeeze_tag leaves the state as it was.", Check: "mac-copy"},
		{ID: "52", Rule: "Tuple hashing keeps the inputs of absorb apart.",
			Not: "no identifier of the specification's tables is a tuple hash, and this host adds none"},
		{ID: "53", Rule: "Extraction absorbs the salt and squeezes a key; expansion absorbs the information and squeezes.", Check: "hkdf"},
		{ID: "54", Rule: "Without absorb, salt and information are empty.", Check: "hkdf-empty"},
		{ID: "55", Rule: "Several absorbs of a derivation are one with the concatenation.", Check: "hkdf-concatenation"},
		{ID: "56", Rule: "Extendable-output functions absorb and squeeze.", Check: "xof"},
		{ID: "57", Rule: "squeeze of an extendable-output function goes on where it was: successive outputs differ.", Check: "xof-advances"},
		{ID: "58", Rule: "Password hashing absorbs, and squeezes or squeezes a tag of a defined form.",
			Not: "no identifier of the specification's tables is a password hash, and this host adds none"},
		{ID: "59", Rule: "AEADs absorb, tell max_tag_len, encrypt and decrypt, with the tag attached and detached.", Check: "aead"},
		{ID: "60", Rule: "The nonce of an AEAD is the option nonce.", Check: "aead-nonce"},
		{ID: "61", Rule: "Several absorbs of associated data are one with the concatenation.", Check: "aead-concatenation"},
		{ID: "62", Rule: "max_tag_len is constant for an algorithm.", Check: "max-tag-len"},
		{ID: "63", Rule: "Decryption verifies the tag before anything is given out: invalid_tag, and no decrypted data in the buffer.", Check: "aead-failure"},
		{ID: "64", Rule: "A nonce of another size than the algorithm's is invalid_nonce.", Check: "nonce-size"},
		{ID: "65", Rule: "A nonce that is missing and not safe to choose is nonce_required.", Check: "nonce-required"},
		{ID: "66", Rule: "The host never draws nonces for the required algorithms.", Check: "nonce-never-drawn"},
		{ID: "67", Rule: "A drawn nonce is read as the option nonce of the state, also if no options were given.", Check: "drawn-nonce"},
		{ID: "68", Rule: "Session modes absorb and squeeze, and the rest of what they do is documented.", Check: "session",
			Host: []string{"internal/symmetric.TestSessionGivesTheAnswersOfXoodyak"}},
	}
}

func managedRows() []Row {
	return []Row{
		{ID: "69", Rule: "Operations with a secret key take it as an opaque handle, whoever keeps the key.", Check: "managed-key-serves", Managed: true},
		{ID: "70", Rule: "An export of a managed key that the host refuses is prohibited_operation.", Check: "managed-export", Managed: true,
			Host: []string{"wasicrypto.TestManagedKeys", "client.TestManagedKeysAreExportedOnlyIfMadeSo"}},
		{ID: "71", Rule: "An expired managed key is expired, or not_found once it is deleted.",
			Not: "the interface gives a managed key no expiry, and on this host none has one; row 89 holds it for secrets"},
		{ID: "72", Rule: "The secrets manager is counted: keys from it work after it was closed.", Check: "manager-counted", Managed: true},
		{ID: "73", Rule: "What is stored is durable without secrets_manager_close.", Check: "durable-without-close", Managed: true,
			Host: []string{"test/crash.TestKillRightAfterAnAcknowledgementLosesNothing"}},
		{ID: "74", Rule: "Identifiers of keys are unique, not deterministic, and no hashes of the keys.", Check: "key-identifiers", Managed: true},
		{ID: "75", Rule: "Versions grow, and none is of the reserved range.", Check: "versions-grow", Managed: true,
			Host: []string{"internal/secrets.TestVersionsOfManagedKeysFollowTheRulesOfSecrets"}},
		{ID: "76", Rule: "secrets_manager_invalidate works, or is unsupported_feature.", Check: "invalidate-answer", Managed: true},
		{ID: "77", Rule: "Invalidated versions are not_found.", Check: "invalidated", Managed: true},
		{ID: "78", Rule: "An identifier and version that is unknown or revoked is not_found.", Check: "unknown-key", Managed: true},
		{ID: "79", Rule: "Over a limit of number or size of keys and versions is overflow.", Check: "key-limits", Managed: true,
			Host: []string{"internal/secrets.TestSecretsAndManagedKeysShareTheirLimits"}},
		{ID: "80", Rule: "A pair that is generated managed, or stored, is kept and has an identifier and a base version when the call returns.", Check: "pair-managed", Managed: true,
			Host: []string{"test/crash.TestKillRightAfterAnAcknowledgementLosesNothing"}},
		{ID: "81", Rule: "Replacing a pair makes a higher version and keeps the older ones; another algorithm is incompatible_keys.", Check: "pair-replace", Managed: true},
		{ID: "82", Rule: "keypair_id of a pair that is not managed gives version unspecified; a buffer that is too small is overflow.", Check: "pair-id", Managed: true},
		{ID: "83", Rule: "keypair_from_id takes an exact version or latest; else not_found.", Check: "pair-from-id", Managed: true},
		{ID: "84", Rule: "Symmetric keys are generated, stored, replaced, identified and found like pairs.", Check: "symmetric-managed", Managed: true,
			Host: []string{"test/crash.TestKillRightAfterAnAcknowledgementLosesNothing"}},
	}
}

func secretRows() []Row {
	return []Row{
		{ID: "85", Rule: "external_secret_store gives a unique identifier and a base version, and the secret is kept when it returns.", Check: "secret-kept", Managed: true,
			Host: []string{"test/crash.TestKillRightAfterAnAcknowledgementLosesNothing"}},
		{ID: "86", Rule: "Identifiers of secrets are not deterministic.", Check: "secret-identifiers", Managed: true},
		{ID: "87", Rule: "A buffer that is too small for the identifier is overflow.", Check: "secret-id-buffer", Managed: true},
		{ID: "88", Rule: "Secrets have an expiry, in seconds since 1970.", Check: "secret-expiry", Managed: true},
		{ID: "89", Rule: "external_secret_from_id is not_found for what is unknown, and expired (or not_found) for what has expired.", Check: "secret-missing", Managed: true},
		{ID: "90", Rule: "external_secret_invalidate is unsupported_feature, or what it invalidates is not_found.", Check: "secret-invalidated", Managed: true},
		{ID: "91", Rule: "Over a limit of number or size of secrets is overflow.", Check: "secret-limits", Managed: true,
			Host: []string{"internal/secrets.TestLimitsRefuseAndStoreNothing"}},
		{ID: "92", Rule: "The key that encrypts capsules is made by the runtime and never seen by a guest.", Check: "capsule-hides", Managed: true,
			Host: []string{"internal/secrets.TestNoSecretLiesInTheClear", "internal/secrets.TestRotationKeepsOldCapsulesUntilTheirKeyIsDestroyed"}},
		{ID: "93", Rule: "A capsule authenticates secret and expiry together.", Check: "capsule-authentic", Managed: true},
		{ID: "94", Rule: "Encapsulation uses a nonce: no two capsules of one secret are the same.", Check: "capsule-nonce", Managed: true},
		{ID: "95", Rule: "Decapsulation checks the expiry (expired) and the tag (verification_failed).", Check: "capsule-checks", Managed: true},
	}
}

func externalRows() []Row {
	return []Row{
		{ID: "S1", Rule: "external_secret_store keeps any bytes under an identifier that fits the buffer.", Check: "external-store", Managed: true},
		{ID: "S2", Rule: "external_secret_replace makes and returns a new version with an expiry of its own; earlier versions stay.", Check: "external-replace", Managed: true},
		{ID: "S3", Rule: "external_secret_from_id gives a copy by exact version or latest; else not_found.", Check: "external-from-id", Managed: true},
		{ID: "S4", Rule: "external_secret_invalidate takes an exact version, latest or all; not_found for what does not exist.", Check: "external-invalidate", Managed: true},
		{ID: "S5", Rule: "external_secret_encapsulate gives a ciphertext that any manager of the same guest opens.", Check: "external-encapsulate", Managed: true},
		{ID: "S6", Rule: "external_secret_decapsulate gives the secret, expired, or verification_failed for any other bytes.", Check: "external-decapsulate", Managed: true},
	}
}

func batchRows() []Row {
	return []Row{
		{ID: "B1", Rule: "batch_symmetric_state_squeeze squeezes each state and answers for each.", Check: "batch-squeeze"},
		{ID: "B2", Rule: "batch_symmetric_state_squeeze_tag gives a tag or an errno for each state.", Check: "batch-squeeze-tag"},
		{ID: "B3", Rule: "batch_symmetric_state_encrypt encrypts each message and answers for each.", Check: "batch-encrypt"},
		{ID: "B4", Rule: "batch_symmetric_state_encrypt_detached gives a tag or an errno for each message.", Check: "batch-encrypt-detached"},
		{ID: "B5", Rule: "batch_symmetric_state_decrypt decrypts each message and answers for each.", Check: "batch-decrypt"},
		{ID: "B6", Rule: "batch_symmetric_state_decrypt_detached decrypts each message against its tag and answers for each.", Check: "batch-decrypt-detached"},
		{ID: "B7", Rule: "batch_signature_state_sign gives a signature or an errno for each state.", Check: "batch-sign"},
		{ID: "B8", Rule: "batch_signature_state_verify answers for each state and signature.", Check: "batch-verify"},
	}
}
