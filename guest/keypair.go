package guest

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// Family says what key pairs of an algorithm do. Symmetric algorithms need none: they have functions of their own.
type Family uint16

// The families of key pairs.
const (
	Signatures  = Family(raw.TypeSignatures)
	KeyExchange = Family(raw.TypeKeyExchange)
)

// KeyPair is a secret key with its public key, in the host or, when it is managed, with the keeper behind the host.
type KeyPair struct{ object }

// GenerateKeyPair makes a pair that lives in the host until it is closed. ErrUnsupportedAlgorithm for a name that the family does
// not have. RSA pairs of 4096 bits take seconds.
func GenerateKeyPair(f Family, algorithm string) (*KeyPair, error) {
	k := new(KeyPair)
	at, length := text(algorithm)
	none := optional(0, false)
	return made(k, result("keypair_generate", raw.KeypairGenerate(uint32(f), at, length, pointer(&none), k.out())))
}

// ImportKeyPair takes in a pair as Raw, PKCS8, PEM or Local. ErrInvalidKey for bytes that are none.
func ImportKeyPair(f Family, algorithm string, encoded []byte, e Encoding) (*KeyPair, error) {
	k := new(KeyPair)
	at, length := text(algorithm)
	from, size := data(encoded)
	return made(k, result("keypair_import", raw.KeypairImport(uint32(f), at, length, from, size, e.pair(), k.out())))
}

// JoinKeyPair makes a pair of two halves. ErrIncompatibleKeys if they do not belong together.
func JoinKeyPair(public *PublicKey, secret *SecretKey) (*KeyPair, error) {
	k := new(KeyPair)
	return made(k, result("keypair_from_pk_and_sk", raw.KeypairFromPKAndSK(uint32(public.object), uint32(secret.object), k.out())))
}

// Export takes the pair out as Raw, PKCS8, PEM or Local. ErrProhibitedOperation for a managed pair that was not made
// exportable.
func (k *KeyPair) Export(e Encoding) ([]byte, error) {
	var array object
	if err := result("keypair_export", raw.KeypairExport(uint32(k.object), e.pair(), array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// PublicKey gives the public half.
func (k *KeyPair) PublicKey() (*PublicKey, error) {
	p := new(PublicKey)
	return made(p, result("keypair_publickey", raw.KeypairPublickey(uint32(k.object), p.out())))
}

// SecretKey gives the secret half, as an object. That of a managed pair stays with the keeper like the pair.
func (k *KeyPair) SecretKey() (*SecretKey, error) {
	s := new(SecretKey)
	return made(s, result("keypair_secretkey", raw.KeypairSecretkey(uint32(k.object), s.out())))
}

// ID gives identifier and version of a managed pair, and "" and Unspecified for any other.
func (k *KeyPair) ID() (id string, version uint64, err error) {
	var room identifier
	var size uint32
	err = result("keypair_id", raw.KeypairID(uint32(k.object), unsafe.Pointer(&room), uint32(len(room)), unsafe.Pointer(&size), unsafe.Pointer(&version)))
	if err != nil {
		return "", 0, err
	}
	return room.String(), version, nil
}

// Close lets go of the pair. A managed one stays with its keeper.
func (k *KeyPair) Close() error { return k.end("keypair_close", raw.KeypairClose) }

// made gives what a call made, or nil and its error.
func made[T any](thing *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return thing, nil
}
