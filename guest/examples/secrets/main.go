// Command secrets is a guest that keeps an API token: it stores it, reads it, rotates it, and seals one into a capsule that
// it keeps itself.
//
//	GOOS=wasip1 GOARCH=wasm go build -o secrets.wasm ./guest/examples/secrets
//	claviger run --embedded ./keys --tenant demo secrets.wasm
package main

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/claviger/claviger/guest"
)

func main() {
	log.SetFlags(0)
	manager, err := guest.OpenSecretsManager()
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	if err := rotate(manager); err != nil {
		log.Fatal(err)
	}
	if err := seal(manager); err != nil {
		log.Fatal(err)
	}
}

// rotate stores a token, replaces it, and ends the old version.
func rotate(manager *guest.SecretsManager) error {
	tomorrow := time.Now().Add(24 * time.Hour)
	id, err := manager.StoreSecret([]byte("token-1"), tomorrow)
	if err != nil {
		return err
	}
	version, err := manager.ReplaceSecret(id, []byte("token-2"), tomorrow)
	if err != nil {
		return err
	}
	token, err := manager.Secret(id, guest.Latest)
	if err != nil {
		return err
	}
	fmt.Printf("version %d is %s\n", version, token)
	if err := manager.InvalidateSecret(id, version-1); err != nil {
		return err
	}
	_, err = manager.Secret(id, version-1)
	if !errors.Is(err, guest.ErrNotFound) {
		return fmt.Errorf("an invalidated version was found: %v", err)
	}
	fmt.Println("version", version-1, "is gone:", err)
	return nil
}

// seal makes a capsule that only this guest's keeper opens, and shows that an altered one does not open.
func seal(manager *guest.SecretsManager) error {
	capsule, err := manager.Encapsulate([]byte("token-3"), time.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	token, err := manager.Decapsulate(capsule)
	if err != nil {
		return err
	}
	fmt.Printf("the capsule holds %s\n", token)
	capsule[len(capsule)-1] ^= 1
	_, err = manager.Decapsulate(capsule)
	if !errors.Is(err, guest.ErrVerificationFailed) {
		return fmt.Errorf("an altered capsule opened: %v", err)
	}
	fmt.Println("altered:", err)
	return nil
}
