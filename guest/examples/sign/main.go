// Command sign is a guest that signs what comes on its standard input with a key that it cannot read.
//
//	GOOS=wasip1 GOARCH=wasm go build -o sign.wasm ./guest/examples/sign
//	echo hello | claviger run --embedded ./keys --tenant demo sign.wasm
//	echo hello | claviger run --embedded ./keys --tenant demo sign.wasm IDENTIFIER
//
// The first run makes the key and prints its identifier, the second one finds it again.
package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/claviger/claviger/guest"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	manager, err := guest.OpenSecretsManager()
	if err != nil {
		return err
	}
	defer manager.Close()
	pair, err := open(manager, args)
	if err != nil {
		return err
	}
	defer pair.Close()
	id, version, err := pair.ID()
	if err != nil {
		return err
	}
	fmt.Println("key:", id, "version", version)
	if err := sign(pair, os.Stdin); err != nil {
		return err
	}
	_, err = pair.Export(guest.PKCS8)
	if !errors.Is(err, guest.ErrProhibitedOperation) {
		return fmt.Errorf("the key could be taken out: %v", err)
	}
	fmt.Println("export:", err)
	return nil
}

// open finds the key that was named, or makes one.
func open(manager *guest.SecretsManager, args []string) (*guest.KeyPair, error) {
	if len(args) > 0 {
		return manager.KeyPair(args[0], guest.Latest)
	}
	return manager.GenerateKeyPair(guest.Signatures, "ECDSA_P256_SHA256", guest.ManagedConfig{})
}

// sign signs what it reads, in pieces, and prints signature and public key in a form that other programs take.
func sign(pair *guest.KeyPair, in io.Reader) error {
	signer, err := pair.NewSigner()
	if err != nil {
		return err
	}
	defer signer.Close()
	if _, err := io.Copy(signer, in); err != nil {
		return err
	}
	signature, err := signer.Sign()
	if err != nil {
		return err
	}
	defer signature.Close()
	der, err := signature.Export(guest.DER)
	if err != nil {
		return err
	}
	fmt.Println("signature:", hex.EncodeToString(der))
	public, err := pair.PublicKey()
	if err != nil {
		return err
	}
	defer public.Close()
	pem, err := public.Export(guest.PEM)
	if err != nil {
		return err
	}
	fmt.Printf("%s", pem)
	return nil
}
