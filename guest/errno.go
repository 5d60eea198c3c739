package guest

import (
	"strconv"

	"github.com/claviger/claviger/guest/raw"
)

// Errno is wasi-crypto's crypto_errno: why the host refused. Its constants are the sentinels for errors.Is.
type Errno uint16

// What a host may answer, numbered as in wasi-crypto, and ErrNotAGuest.
const (
	ErrGuest                = Errno(raw.GuestError)           // an address or a string that the host cannot read
	ErrNotImplemented       = Errno(raw.NotImplemented)       // not on this host, though the interface has it
	ErrUnsupportedFeature   = Errno(raw.UnsupportedFeature)   // this guest has no keeper, or its host lacks the feature
	ErrProhibitedOperation  = Errno(raw.ProhibitedOperation)  // the keeper refused: export of a key, a right that was not given
	ErrUnsupportedEncoding  = Errno(raw.UnsupportedEncoding)  // the key or signature has no such form
	ErrUnsupportedAlgorithm = Errno(raw.UnsupportedAlgorithm) // no algorithm of that name and family
	ErrUnsupportedOption    = Errno(raw.UnsupportedOption)    // no option of that name
	ErrInvalidKey           = Errno(raw.InvalidKey)           // bytes that are not a key, or a key of another algorithm
	ErrInvalidLength        = Errno(raw.InvalidLength)        // an output longer than the algorithm gives
	ErrVerificationFailed   = Errno(raw.VerificationFailed)   // a signature or a capsule that is not genuine
	ErrRNG                  = Errno(raw.RNGError)             // the host has no randomness
	ErrAlgorithmFailure     = Errno(raw.AlgorithmFailure)     // the algorithm itself failed, or the keeper cannot be reached
	ErrInvalidSignature     = Errno(raw.InvalidSignature)     // bytes that cannot be a signature of this algorithm
	ErrClosed               = Errno(raw.Closed)               // closed already
	ErrInvalidHandle        = Errno(raw.InvalidHandle)        // used after Close, or an object of the wrong kind
	ErrOverflow             = Errno(raw.Overflow)             // more than a limit allows: a secret's size, data to be held, versions
	ErrInternal             = Errno(raw.InternalError)        // a fault of the host
	ErrTooManyHandles       = Errno(raw.TooManyHandles)       // more objects are open than the host allows
	ErrKeyNotSupported      = Errno(raw.KeyNotSupported)      // a key where the algorithm takes none
	ErrKeyRequired          = Errno(raw.KeyRequired)          // no key where the algorithm takes one
	ErrInvalidTag           = Errno(raw.InvalidTag)           // an authentication tag that does not fit: altered, or another key or nonce
	ErrInvalidOperation     = Errno(raw.InvalidOperation)     // what this algorithm does not do
	ErrNonceRequired        = Errno(raw.NonceRequired)        // no nonce, and one drawn at random would not be safe
	ErrInvalidNonce         = Errno(raw.InvalidNonce)         // a nonce of the wrong length
	ErrOptionNotSet         = Errno(raw.OptionNotSet)         // an option that nobody set
	ErrNotFound             = Errno(raw.NotFound)             // no such identifier or version, or it belongs to another guest
	ErrParametersMissing    = Errno(raw.ParametersMissing)    // an option that the algorithm needs
	ErrInProgress           = Errno(raw.InProgress)           // not ready: call again
	ErrIncompatibleKeys     = Errno(raw.IncompatibleKeys)     // two keys that do not belong together
	ErrExpired              = Errno(raw.Expired)              // past its time
	ErrNotAGuest            = Errno(raw.NotAGuest)            // this program is no WebAssembly guest; never from a host
)

// Error gives the number's name in wasi-crypto, such as "not_found".
func (e Errno) Error() string {
	if names := errnoNames(); int(e) < len(names) {
		return names[e]
	}
	if e == ErrNotAGuest {
		return "not a guest: build with GOOS=wasip1 GOARCH=wasm"
	}
	return "crypto_errno " + strconv.Itoa(int(e))
}

// errnoNames lists the names by number.
func errnoNames() []string {
	return []string{
		"success", "guest_error", "not_implemented", "unsupported_feature", "prohibited_operation", "unsupported_encoding",
		"unsupported_algorithm", "unsupported_option", "invalid_key", "invalid_length", "verification_failed", "rng_error",
		"algorithm_failure", "invalid_signature", "closed", "invalid_handle", "overflow", "internal_error", "too_many_handles",
		"key_not_supported", "key_required", "invalid_tag", "invalid_operation", "nonce_required", "invalid_nonce",
		"option_not_set", "not_found", "parameters_missing", "in_progress", "incompatible_keys", "expired",
	}
}

// Error is a call that the host refused.
type Error struct {
	Call  string // the function's name in wasi-crypto, such as "keypair_generate"
	Errno Errno  // why
}

// Error gives call and reason, such as "keypair_from_id: not_found".
func (e *Error) Error() string { return e.Call + ": " + e.Errno.Error() }

// Unwrap gives the Errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

// result makes an error of what a call of the host gave; nil for success. Only the low 16 bits count.
func result(call string, errno uint32) error {
	if errno == raw.Success {
		return nil
	}
	return &Error{Call: call, Errno: Errno(errno)}
}
