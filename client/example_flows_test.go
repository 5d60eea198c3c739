package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// The nine flows by their titles. The comments inside the examples are the flows' own. In a program of its own, flowStack is
//
//	stack, err := client.Dial(ctx, client.Config{Endpoint: "unix:///var/run/crypto-daemon.sock"})
const (
	F1 = "Pre-Deployed Key Flow (Slot-Direct Path)"
	F2 = "Pre-Deployed Key Flow (Guard Path - Multi-Context Reuse)"
	F3 = "Ephemeral Key Generation and Use"
	F4 = "Hashing Example"
	F5 = "Context Reuse via Reset()"
	F6 = "Signing with PQC Algorithm"
	F7 = "Certificate Verification"
	F8 = "Key Operation Permissions"
	F9 = "Operation Timeout Configuration"
)

func ExampleF1() {
	ctx := context.Background()
	iv, plaintext := make([]byte, 16), []byte("plaintext")

	// 1. Create stack and context
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// 2. Resolve the pre-deployed key slot (no LoadKey needed)
	slot := must(cc.KeySlot(ctx, "PreDeployedSlot"))

	// 3. Create cipher context — pass slot directly to SetKey
	// The context factory internally loads key material from the slot.
	enc := must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: slot, Direction: claviger.Encrypting}))

	// 4. Encrypt data
	check(enc.Init(ctx, iv))
	ciphertext := must(enc.Update(ctx, nil, plaintext))
	ciphertext = must(enc.Finalize(ctx, ciphertext))

	// 5. Context destruction releases the internally-loaded key material.
	check(enc.Close())

	fmt.Println(F1, len(ciphertext))
	// Output: Pre-Deployed Key Flow (Slot-Direct Path) 16
}

func ExampleF2() {
	ctx := context.Background()
	iv, plaintext := make([]byte, 16), []byte("plaintext")
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// 1. Resolve slot and load key explicitly
	slot := must(cc.KeySlot(ctx, "PreDeployedSlot"))
	keyMgmt := must(cc.NewKeyManager(ctx, client.KeyManagerConfig{}))
	key := must(keyMgmt.Load(ctx, slot))
	// key_guard is a CryptoResourceGuard wrapping type == kKey
	fmt.Println(key.Type())

	// 2. Query key slot metadata
	info := must(keyMgmt.SlotInfo(ctx, slot))
	// info == {kOccupied, "AES-256", provider=2, compatible=[2,5]}
	fmt.Println(info.State, info.Algorithm, info.Primary, info.Compatible)

	// 3. Use the same loaded key in two contexts — implicit conversion
	enc := must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Encrypting}))
	dec := must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Decrypting}))

	// 4. Use both contexts...
	ciphertext := must(enc.Encrypt(ctx, nil, iv, plaintext))
	fmt.Printf("%s\n", must(dec.Decrypt(ctx, nil, iv, ciphertext)))

	// 5. ~key_guard releases the loaded key material via ReleaseResource()
	check(key.Close())

	// Output:
	// key
	// occupied AES-256 2 [2 5]
	// plaintext
}

func ExampleF3() {
	ctx := context.Background()
	nonce, plaintext := make([]byte, 12), []byte("plaintext")
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// Generate ephemeral key (returns CryptoResourceGuard)
	keyMgmt := must(cc.NewKeyManager(ctx, client.KeyManagerConfig{}))
	ephKey := must(keyMgmt.Generate(ctx, client.GenerateParams{
		Algorithm:   "AES-256",
		Permissions: claviger.Encrypt | claviger.Decrypt,
	}))
	defer ephKey.Close()
	// eph_key is a CryptoResourceGuard wrapping:
	// type == ResourceType::kKey
	// persistence == ResourcePersistence::kEphemeral
	// permitted operations == kEncrypt | kDecrypt
	fmt.Println(ephKey.Type(), ephKey.Persistence(), ephKey.Permissions())

	// Use immediately in an operation — implicit conversion to const CryptoResourceId&
	enc := must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: ephKey, Direction: claviger.Encrypting}))
	// ... encrypt data ...
	sealed := must(enc.Encrypt(ctx, nil, nonce, plaintext))

	// Optionally persist for future use
	target := must(cc.KeySlot(ctx, "MyNewSlot"))
	version := must(keyMgmt.Persist(ctx, target, ephKey)) // copy semantics: eph_key guard stays active

	// Use target (kKeySlot handle) for all future durable operations
	dec := must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: target, Direction: claviger.Decrypting}))
	fmt.Printf("version %d: %s\n", version, must(dec.Decrypt(ctx, nil, nonce, sealed)))

	// Output:
	// key ephemeral encrypt|decrypt
	// version 1: plaintext
}

func ExampleF4() {
	ctx := context.Background()
	chunk1, chunk2, input := []byte("a"), []byte("bc"), []byte("abc")
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	hash := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))

	// Streaming
	check(hash.Init(ctx))
	check(hash.Update(ctx, chunk1))
	check(hash.Update(ctx, chunk2))
	digest := must(hash.Finalize(ctx, nil))

	// Or single-shot
	single := must(hash.Sum(ctx, nil, input))

	fmt.Printf("%d bytes, %x...\n%v\n", len(digest), digest[:4], bytes.Equal(digest, single))
	// Output:
	// 32 bytes, ba7816bf...
	// true
}

func ExampleF5() {
	ctx := context.Background()
	message1, message2, partialData, correctData := []byte("1"), []byte("2"), []byte("3"), []byte("4")
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// Create the context once — expensive (factory + IPC)
	hash := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))

	// First message
	check(hash.Init(ctx))
	check(hash.Update(ctx, message1))
	digest1 := must(hash.Finalize(ctx, nil))

	// Reuse — cheap (single IPC call, no factory overhead)
	before := stack.Frames()
	check(hash.Reset(ctx))
	fmt.Println("calls:", stack.Frames()-before)

	// Second message with the same context
	check(hash.Init(ctx))
	check(hash.Update(ctx, message2))
	digest2 := must(hash.Finalize(ctx, nil))

	// Can also abort mid-stream and restart
	check(hash.Init(ctx))
	check(hash.Update(ctx, partialData))
	check(hash.Reset(ctx)) // discard partial work
	check(hash.Init(ctx))
	check(hash.Update(ctx, correctData))
	digest3 := must(hash.Finalize(ctx, nil))

	for i, message := range [][]byte{message1, message2, correctData} {
		want := sha256.Sum256(message)
		fmt.Println(bytes.Equal([][]byte{digest1, digest2, digest3}[i], want[:]))
	}
	// Output:
	// calls: 1
	// true
	// true
	// true
}

func ExampleF6() {
	ctx := context.Background()
	message := []byte("message")
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// Generate ML-DSA-65 key pair (returns CryptoResourceGuard)
	keyMgmt := must(cc.NewKeyManager(ctx, client.KeyManagerConfig{}))
	signingKey := must(keyMgmt.Generate(ctx, client.GenerateParams{Algorithm: "ML-DSA-65"}))

	// Sign data — implicit conversion passes guard to SetKey
	signer := must(cc.NewSigner(ctx, client.SignerConfig{Algorithm: "ML-DSA-65", Key: signingKey}))
	sigSize := signer.SignatureSize() // ~3293 bytes for ML-DSA-65; 3309 in FIPS 204

	check(signer.Init(ctx))
	check(signer.Update(ctx, message))
	signature := must(signer.SignFinalize(ctx, nil))

	verifier := must(cc.NewVerifier(ctx, client.VerifierConfig{Algorithm: "ML-DSA-65", Key: signingKey}))
	fmt.Println(sigSize, len(signature), must(verifier.Verify(ctx, message, signature)))

	// ~signing_key releases the ephemeral key pair
	check(signingKey.Close())

	// Output: 3309 3309 true
}

func ExampleF7() {
	ctx := context.Background()
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())
	certMgmt := must(cc.NewCertManager(ctx, client.CertManagerConfig{}))

	// Resolve certificate and verification trust store
	cert := must(cc.CertSlot(ctx, "DeviceCert"))
	anchor := must(cc.TrustStore(ctx, "RootCA"))

	// Verify using builder-style context
	verifier := must(cc.NewCertVerifier(ctx, client.CertVerifierConfig{}))
	verifier.SetCertificate(cert)
	verifier.SetVerificationTrustStore(anchor)
	verifier.SetRevocationCheckPolicy(claviger.CRLOnly)

	result := must(verifier.Verify(ctx))
	if result.Verdict == claviger.Valid {
		// Extract public key for use — returns CryptoResourceGuard
		pubKey, alg, err := certMgmt.PublicKey(ctx, cert)
		check(err)
		// pub_key is a CryptoResourceGuard; use via implicit conversion to const CryptoResourceId&
		must(cc.NewVerifier(ctx, client.VerifierConfig{Algorithm: alg + "-SHA-256", Key: pubKey}))
		// ~pub_key releases the ephemeral key when it goes out of scope
		check(pubKey.Close())
		fmt.Println(result.Verdict, alg)
	}
	// Output: Valid ECDSA-P256
}

func ExampleF8() {
	ctx := context.Background()
	stack := flowStack(client.Config{})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// 1. Generate an encryption-only key (cannot be used for signing)
	keyMgmt := must(cc.NewKeyManager(ctx, client.KeyManagerConfig{}))
	encKey := must(keyMgmt.Generate(ctx, client.GenerateParams{
		Algorithm:   "AES-256",
		Permissions: claviger.Encrypt | claviger.Decrypt,
	}))
	defer encKey.Close()

	// 2. Encryption works — key has kEncrypt permission
	must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: encKey, Direction: claviger.Encrypting})) // OK

	// 3. Signing is rejected — key lacks kSign permission
	_, err := cc.NewSigner(ctx, client.SignerConfig{Algorithm: "HMAC-SHA-256", Key: encKey})
	// sign_result.error() == kKeyOperationNotPermitted
	fmt.Println(errors.Is(err, claviger.ErrKeyOperationNotPermitted))

	// 4. Query permissions from a key slot
	slot := must(cc.KeySlot(ctx, "SigningKey"))
	slotObj := must(slot.Object(ctx))
	perms := slotObj.PermittedOperations()
	if perms.Has(claviger.Sign) {
		// Key slot allows signing
		fmt.Println(perms)
	}

	// 5. Use composite presets for common patterns
	authKey := must(keyMgmt.Generate(ctx, client.GenerateParams{
		Algorithm:   "ECDSA-P256",
		Permissions: claviger.Authentication,
	}))
	defer authKey.Close()
	// auth_key can sign, verify, MAC, and agree — but cannot encrypt or wrap
	fmt.Println(authKey.Permissions())

	// Output:
	// true
	// sign|verify
	// sign|verify|mac|agree
}

func ExampleF9() {
	ctx := context.Background()
	chunk1 := []byte("chunk")

	// 1. Stack-wide default: 500 ms per IPC call
	stack := flowStack(client.Config{Timeout: 500 * time.Millisecond})
	defer stack.Close()
	cc := must(stack.CryptoContext())

	// 2. Per-context override: tighter 200 ms deadline for hashing
	hash := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256", Timeout: 200 * time.Millisecond}))
	// Each Init(), Update(), Finalize() has its own 200 ms deadline.
	check(hash.Init(ctx))           // ≤ 200 ms or kOperationTimedOut
	check(hash.Update(ctx, chunk1)) // ≤ 200 ms or kOperationTimedOut
	digest, err := hash.Finalize(ctx, nil)
	fmt.Println(len(digest), err)

	// The same in a provider that takes 300 ms.
	slow := must(cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256", Timeout: 200 * time.Millisecond, Provider: client.ProviderSelector{Name: "slow"}}))
	if _, err = slow.Sum(ctx, nil, chunk1); err != nil {
		// On timeout: context is in error state, must destroy and recreate.
		// result.error() == kOperationTimedOut
		fmt.Println(errors.Is(err, claviger.ErrOperationTimedOut), errors.Is(slow.Init(ctx), claviger.ErrInvalidOperation))
		check(slow.Close())
	}

	// 3. Disable timeout for slow PQC key generation on HSM
	keyMgmt := must(cc.NewKeyManager(ctx, client.KeyManagerConfig{
		Timeout:  client.NoTimeout, // No deadline — HSM may take seconds
		Provider: client.ProviderSelector{Name: "slower"},
	}))
	pqcKey := must(keyMgmt.Generate(ctx, client.GenerateParams{Algorithm: "ML-KEM-768"}))
	// PQC key generation can take seconds on hardware — no timeout error
	fmt.Println(pqcKey.Algorithm())

	// Output:
	// 32 <nil>
	// true true
	// ML-KEM-768
}
