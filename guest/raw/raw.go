// Package raw declares the 86 functions of wasi-crypto as a Go guest imports them (GOOS=wasip1), one file per module of
// the interface, with its numbers and records. Package guest is the comfortable way in; this one is for those who need each
// argument in their own hand.
//
// Every function gives an errno, Success or one of the numbers below, and writes results through its last pointers only on
// success. A string or a buffer is an address and a length in bytes; the address of an empty one may be anything.
// Handles are numbers that the host gives out; 0 is never one. The host keeps no address after a call, except that of
// OptionsSetGuestBuffer. An address that is not Go memory is written unsafe.Add(nil, address).
//
// On any other platform the package compiles and every function gives NotAGuest.
//
// Source: WebAssembly/wasi-crypto, witx 0.10.
package raw

import "unsafe"

// NotAGuest is what every function gives where there is no host: any platform but wasip1. A host never gives it.
const NotAGuest uint32 = 0xFFFF

// The numbers of crypto_errno.
const (
	Success              uint32 = 0
	GuestError           uint32 = 1  // an address or a string that the host cannot read
	NotImplemented       uint32 = 2  // not here, though the interface has it
	UnsupportedFeature   uint32 = 3  // this host, or this guest, has no such thing: a guest without a keeper
	ProhibitedOperation  uint32 = 4  // the keeper refused: an export, a right that was not given
	UnsupportedEncoding  uint32 = 5  // the key has no such form
	UnsupportedAlgorithm uint32 = 6  // no algorithm of that name and family
	UnsupportedOption    uint32 = 7  // no option of that name
	InvalidKey           uint32 = 8  // bytes that are not a key, or a key of another algorithm
	InvalidLength        uint32 = 9  // an output longer than the algorithm gives
	VerificationFailed   uint32 = 10 // a signature or a sealed secret that is not genuine
	RNGError             uint32 = 11 // the host has no randomness
	AlgorithmFailure     uint32 = 12 // the algorithm itself failed, or the keeper cannot be reached
	InvalidSignature     uint32 = 13 // bytes that cannot be a signature of this algorithm
	Closed               uint32 = 14 // closing what is closed
	InvalidHandle        uint32 = 15 // no such handle, or one of another kind
	Overflow             uint32 = 16 // an output that does not hold the result, or a limit
	InternalError        uint32 = 17 // a fault of the host
	TooManyHandles       uint32 = 18 // more are open than the host allows
	KeyNotSupported      uint32 = 19 // a key where the algorithm takes none
	KeyRequired          uint32 = 20 // no key where the algorithm takes one
	InvalidTag           uint32 = 21 // an authentication tag that does not fit
	InvalidOperation     uint32 = 22 // what this algorithm does not do
	NonceRequired        uint32 = 23 // no nonce, and the algorithm is not safe with one that the host draws
	InvalidNonce         uint32 = 24 // a nonce of the wrong length
	OptionNotSet         uint32 = 25 // an option that nobody set
	NotFound             uint32 = 26 // no such identifier or version
	ParametersMissing    uint32 = 27 // an option that the algorithm needs
	InProgress           uint32 = 28 // not ready yet
	IncompatibleKeys     uint32 = 29 // two keys that do not belong together
	Expired              uint32 = 30 // past its time
)

// The families of algorithms (algorithm_type).
const (
	TypeSignatures  uint32 = 0
	TypeSymmetric   uint32 = 1
	TypeKeyExchange uint32 = 2
)

// The forms of a key pair (keypair_encoding).
const (
	KeypairRaw   uint32 = 0
	KeypairPKCS8 uint32 = 1
	KeypairPEM   uint32 = 2
	KeypairLocal uint32 = 3 // the host's own
)

// The forms of a public or secret key (publickey_encoding, secretkey_encoding). 4 was CompressedSEC in 2020 and is local
// since 2022; Claviger takes 4 and 5 for the same bytes: a compressed SEC 1 point for a NIST or secp256k1 public key.
const (
	KeyRaw           uint32 = 0
	KeyPKCS8         uint32 = 1
	KeyPEM           uint32 = 2
	KeySEC           uint32 = 3
	KeyLocal         uint32 = 4
	KeyCompressedSEC uint32 = 5
)

// The forms of a signature (signature_encoding).
const (
	SignatureRaw uint32 = 0 // r ‖ s for ECDSA
	SignatureDER uint32 = 1
)

// Versions that name no single one.
const (
	VersionUnspecified uint64 = 0xFF00_0000_0000_0000 // of a key that is not managed
	VersionLatest      uint64 = 0xFF00_0000_0000_0001
	VersionAll         uint64 = 0xFF00_0000_0000_0002 // only for an invalidation
)

// The tags of an Optional.
const (
	Some uint8 = 0
	None uint8 = 1
)

// Optional is opt_options and opt_symmetric_key, which are passed by address: 8 bytes. Its zero value is the handle 0 and
// not nothing: for nothing set Tag to None.
type Optional struct {
	Tag    uint8 // at 0
	_      [3]byte
	Handle uint32 // at 4; not read when Tag is None
}

// The records of the batch functions. An address in them is a number, so the memory must be pinned (runtime.Pinner) or
// otherwise known to stay. The results are as many records of the type that each function names.
type (
	// SqueezeRecord is one squeeze: 12 bytes. Results are Errnos.
	SqueezeRecord struct{ State, Out, OutLen uint32 }
	// CryptRecord is one encrypt, encrypt detached or decrypt: 20 bytes. Results are Results.
	CryptRecord struct{ State, Out, OutLen, Data, DataLen uint32 }
	// OpenRecord is one decrypt detached: 28 bytes. Results are Results.
	OpenRecord struct{ State, Out, OutLen, Data, DataLen, Tag, TagLen uint32 }
	// VerifyRecord is one verification: 8 bytes. Results are Errnos.
	VerifyRecord struct{ State, Signature uint32 }
	// Result is a value and its errno: 8 bytes. Value is a handle or a length, and nothing unless Errno is 0.
	Result struct {
		Value uint32
		Errno uint16 // at 4
		_     [2]byte
	}
	// Errno is a result without a value: 2 bytes.
	Errno uint16
)

// Address gives the number by which the host knows memory of the guest. The caller pins the memory.
func Address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }
