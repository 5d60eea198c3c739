package guest_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/claviger/claviger/guest"
)

// A guest that signs with a key that it never holds, and finds it again by its identifier.
func Example() {
	manager, err := guest.OpenSecretsManager()
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	pair, err := manager.GenerateKeyPair(guest.Signatures, "Ed25519", guest.ManagedConfig{})
	if err != nil {
		log.Fatal(err)
	}
	id, version, err := pair.ID()
	if err != nil {
		log.Fatal(err)
	}
	pair.Close()

	again, err := manager.KeyPair(id, guest.Latest)
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	signature, err := again.Sign([]byte("hello"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = again.Export(guest.PKCS8)
	fmt.Println(version, len(signature), errors.Is(err, guest.ErrProhibitedOperation))
}

func ExampleSecretsManager_StoreSecret() {
	manager, err := guest.OpenSecretsManager()
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	id, err := manager.StoreSecret([]byte("token"), time.Now().Add(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	token, err := manager.Secret(id, guest.Latest)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(id), string(token))
}

// An AEAD state takes associated data, and then one message.
func ExampleState_Encrypt() {
	key, err := guest.GenerateSymmetricKey("CHACHA20-POLY1305")
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	nonce := make([]byte, 12)
	rand.Read(nonce)
	state, err := guest.NewState("CHACHA20-POLY1305", guest.StateConfig{Key: key, Nonce: nonce})
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()
	if err := state.Absorb([]byte("header")); err != nil {
		log.Fatal(err)
	}
	sealed, err := state.Encrypt(nil, []byte("message"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(sealed))
}

// HKDF in two steps: the extracted key never leaves the host.
func ExampleState_SqueezeKey() {
	input, err := guest.ImportSymmetricKey("HKDF-EXTRACT/SHA-256", []byte("what two parties agreed on"))
	if err != nil {
		log.Fatal(err)
	}
	defer input.Close()
	extract, err := guest.NewState("HKDF-EXTRACT/SHA-256", guest.StateConfig{Key: input})
	if err != nil {
		log.Fatal(err)
	}
	defer extract.Close()
	extract.Absorb([]byte("salt"))
	prk, err := extract.SqueezeKey("HKDF-EXPAND/SHA-256")
	if err != nil {
		log.Fatal(err)
	}
	defer prk.Close()
	expand, err := guest.NewState("HKDF-EXPAND/SHA-256", guest.StateConfig{Key: prk})
	if err != nil {
		log.Fatal(err)
	}
	defer expand.Close()
	expand.Absorb([]byte("session 1"))
	key := make([]byte, 32)
	if err := expand.Squeeze(key); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(key))
}

// An extendable output is an io.Reader.
func ExampleState_Read() {
	state, err := guest.NewState("BLAKE3", guest.StateConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()
	io.WriteString(state, "seed")
	stream := make([]byte, 1000)
	if _, err := io.ReadFull(state, stream); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(stream))
}
