package wasicrypto

import (
	"errors"

	"github.com/claviger/claviger"
)

// errno is wasi-crypto's crypto_errno. No value above expired exists: bindings fail on one.
type errno uint32

// The numbers of crypto_errno.
const (
	success errno = iota
	guestError
	notImplemented
	unsupportedFeature
	prohibitedOperation
	unsupportedEncoding
	unsupportedAlgorithm
	unsupportedOption
	invalidKey
	invalidLength
	verificationFailed
	rngError
	algorithmFailure
	invalidSignature
	closed
	invalidHandle
	overflow
	internalError
	tooManyHandles
	keyNotSupported
	keyRequired
	invalidTag
	invalidOperation
	nonceRequired
	invalidNonce
	optionNotSet
	notFound
	parametersMissing
	inProgress
	incompatibleKeys
	expired
)

// guestGroup is the group of codes whose lower half is an errno.
const guestGroup = 0x010D0000

// byCode says what a guest gets for a code that is not of the guest group.
var byCode = map[claviger.Code]errno{
	claviger.ErrUnsupportedOperation:     unsupportedFeature,
	claviger.ErrInvalidOperation:         invalidOperation,
	claviger.ErrInvalidArgument:          invalidLength,
	claviger.ErrInvalidFormat:            invalidKey,
	claviger.ErrIncompatibleKeyType:      invalidKey,
	claviger.ErrKeyAgreementFailed:       invalidKey,
	claviger.ErrUnsupportedAlgorithm:     unsupportedAlgorithm,
	claviger.ErrAlgorithmMismatch:        unsupportedAlgorithm,
	claviger.ErrQuotaExceeded:            overflow,
	claviger.ErrInsufficientBufferSize:   overflow,
	claviger.ErrParamTruncated:           overflow,
	claviger.ErrKeyNotExportable:         prohibitedOperation,
	claviger.ErrKeyOperationNotPermitted: prohibitedOperation,
	claviger.ErrAccessDenied:             prohibitedOperation,
	claviger.ErrResourceNotFound:         notFound,
	claviger.ErrSecretNotFound:           notFound,
	claviger.ErrSecretExpired:            expired,
	claviger.ErrSecretVerificationFailed: verificationFailed,
	claviger.ErrInternal:                 internalError,
}

// errnoOf gives the number of an error: success for nil, algorithm_failure for what has no better one, such as a lost link.
func errnoOf(err error) errno {
	if err == nil {
		return success
	}
	var is errno
	if errors.As(err, &is) {
		return is
	}
	code := claviger.CodeOf(err)
	if e := errno(code & 0xFFFF); code&0xFFFF0000 == guestGroup && e != success && e <= expired {
		return e // a newer keeper may have others, which no binding knows
	}
	if e, ok := byCode[code]; ok {
		return e
	}
	return algorithmFailure
}

// Error makes errno an error, so that a helper can answer with a number of its own.
func (e errno) Error() string { return "wasi-crypto: " + errnoNames[min(int(e), len(errnoNames)-1)] }

var errnoNames = [...]string{"success", "guest_error", "not_implemented", "unsupported_feature", "prohibited_operation",
	"unsupported_encoding", "unsupported_algorithm", "unsupported_option", "invalid_key", "invalid_length",
	"verification_failed", "rng_error", "algorithm_failure", "invalid_signature", "closed", "invalid_handle", "overflow",
	"internal_error", "too_many_handles", "key_not_supported", "key_required", "invalid_tag", "invalid_operation",
	"nonce_required", "invalid_nonce", "option_not_set", "not_found", "parameters_missing", "in_progress",
	"incompatible_keys", "expired", "unknown"}
