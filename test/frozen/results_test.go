package frozen_test

import "github.com/claviger/claviger"

// results is what was read from a store when it was recorded, and what must be read from it for ever. Bytes are in base64.
type results struct {
	Message []byte // what was encrypted, signed and authenticated
	AAD     []byte

	Code          []byte      // of Message, by Code
	Data          []encrypted // by the versions of Data
	Signing       []signing
	Decryption    []byte // Message, encrypted to RSA by RSA-OAEP-SHA-256
	Agreement     derived
	Encapsulation derived
	Certificates  certificates
	Numbers       []numbers

	Secrets  []secret
	Capsules capsules
	Managed  []managed
	Guest    guest
	Retired  retired

	Token *inToken `json:",omitempty"` // of a recording with a token, which has Message beside it and no more
}

// encrypted is what one version of a slot has made of Message.
type encrypted struct {
	Version uint64
	Sealed  []byte // AES-256-GCM with AAD, the nonce in front
	IV      []byte
	CBC     []byte
}

// signing is a slot with a pair, and its signature of Message.
type signing struct {
	Slot      string
	Algorithm claviger.Algorithm
	Public    []byte // SubjectPublicKeyInfo
	Signature []byte
}

// derived is a key for codes that a slot agrees on or decapsulates, by HKDF-SHA-256.
type derived struct {
	Slot string
	Peer []byte // public key of the peer, or ciphertext
	Code []byte // of Message
}

// certificates are in DER. Root, with its revocation list, and Device are in slots.
type certificates struct {
	Root, Device, Revoked []byte
}

// numbers are the versions that a slot has, and the number of the next one.
type numbers struct {
	Slot string
	Kept []uint64
	Next uint64
}

// secret is an identifier with the versions that can be read, and those that cannot.
type secret struct {
	ID      string
	Values  map[uint64][]byte
	Expires uint64
	Gone    []uint64
	Latest  uint64 // highest version ever made
}

// capsules are those that open, with what is in them, and those whose key is destroyed.
type capsules struct {
	Secret []byte
	Open   [][]byte
	Shut   [][]byte
	Next   uint64 // version of the key that comes next
}

// managed is a managed key, and what it made of Message: a signature, or a code.
type managed struct {
	ID         string
	Version    uint64
	Type       claviger.GuestType
	Algorithm  claviger.Algorithm
	Public     []byte
	Exportable bool
	Made       []byte
	Gone       []uint64
	Next       uint64
}

// guest is what the guest keeps that the configuration knows.
type guest struct {
	SHA256  []byte
	Secret  secret
	Managed managed
}

// retired is a tenant that the configuration no longer has, and the secret that it left.
type retired struct {
	Name, Tenant, ID string
}
