// Package guest gives a WebAssembly guest written in Go the cryptography of its host: wasi-crypto, in Go's manner.
// Build the guest with GOOS=wasip1 GOARCH=wasm and run it on a host of wasi-crypto, such as claviger run.
//
//	manager, err := guest.OpenSecretsManager()
//	pair, err := manager.GenerateKeyPair(guest.Signatures, "Ed25519", guest.ManagedConfig{})
//	id, version, err := pair.ID() // to find it again
//	signature, err := pair.Sign(message)
//
// The key of that pair is made and used by the keeper behind the host. The guest never holds it and cannot take it out.
//
// # Nouns
//
// A KeyPair has two halves, a PublicKey and a SecretKey. It signs, through a Signer for long messages, or agrees on secrets.
// A Verifier checks a Signature. A SymmetricKey opens a State, which hashes, authenticates, derives or encrypts, whatever its
// algorithm does; Hash and AEAD are the same behind hash.Hash and cipher.AEAD. A SecretsManager keeps managed keys and
// secrets. The functions that begin with Batch do several things in one call of the host.
//
// # Handles
//
// Everything but a plain byte slice stands for an object of the host and lives until its Close. A second Close is ErrClosed, any
// other use after Close is ErrInvalidHandle. What was made from an object stays usable when the object is closed.
// A host has room for a limited number of objects, Claviger for 65,536, so that closing matters in what runs for long.
// No object is safe for use by several goroutines at once; different objects are.
//
// # Bytes
//
// No call keeps an argument, and what a call returns is the caller's. Slices go to the host by address, without a copy.
//
// # Errors
//
// What the host refuses is an *Error: the call and the host's number, an Errno. errors.Is compares with the sentinels, such as
// ErrNotFound. On any platform but wasip1 the package compiles, and every call is ErrNotAGuest.
//
// Algorithm names are those of wasi-crypto, such as "ECDSA_P256_SHA256", "AES-256-GCM" and "HKDF-EXTRACT/SHA-256". Claviger
// takes them in any letter case.
//
// Source: WebAssembly/wasi-crypto, docs/wasi-crypto.md and witx 0.10. Package raw has each function as it is.
package guest
