// Command aead is a guest that encrypts with a key of its own, which lives in the host until the guest ends. It needs no keeper.
//
//	GOOS=wasip1 GOARCH=wasm go build -o aead.wasm ./guest/examples/aead
//	claviger run aead.wasm
package main

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	"github.com/claviger/claviger/guest"
)

func main() {
	log.SetFlags(0)
	key, err := guest.GenerateSymmetricKey("AES-256-GCM")
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	aead, err := guest.NewAEAD("AES-256-GCM", key)
	if err != nil {
		log.Fatal(err)
	}
	if err := show(aead); err != nil {
		log.Fatal(err)
	}
}

// show seals and opens one message. A nonce never serves twice: here it is drawn at random.
func show(aead cipher.AEAD) error {
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	header := []byte("message 1")
	sealed := aead.Seal(nil, nonce, []byte("for your eyes only"), header)
	fmt.Println("sealed:", len(sealed), "bytes")
	opened, err := aead.Open(nil, nonce, sealed, header)
	if err != nil {
		return err
	}
	fmt.Printf("opened: %s\n", opened)
	sealed[0] ^= 1
	_, err = aead.Open(nil, nonce, sealed, header)
	if !errors.Is(err, guest.ErrInvalidTag) {
		return fmt.Errorf("an altered message opened: %v", err)
	}
	fmt.Println("altered:", err)
	return nil
}
