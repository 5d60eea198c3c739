package main

import (
	"fmt"
	"strings"

	"github.com/claviger/claviger/guest/raw"
)

// errno is what a function answered.
type errno uint32

// The numbers that checks name.
const (
	success              = errno(raw.Success)
	notImplemented       = errno(raw.NotImplemented)
	unsupportedFeature   = errno(raw.UnsupportedFeature)
	prohibitedOperation  = errno(raw.ProhibitedOperation)
	unsupportedEncoding  = errno(raw.UnsupportedEncoding)
	unsupportedAlgorithm = errno(raw.UnsupportedAlgorithm)
	unsupportedOption    = errno(raw.UnsupportedOption)
	invalidKey           = errno(raw.InvalidKey)
	invalidLength        = errno(raw.InvalidLength)
	verificationFailed   = errno(raw.VerificationFailed)
	invalidSignature     = errno(raw.InvalidSignature)
	closed               = errno(raw.Closed)
	invalidHandle        = errno(raw.InvalidHandle)
	overflow             = errno(raw.Overflow)
	invalidTag           = errno(raw.InvalidTag)
	invalidOperation     = errno(raw.InvalidOperation)
	nonceRequired        = errno(raw.NonceRequired)
	invalidNonce         = errno(raw.InvalidNonce)
	notFound             = errno(raw.NotFound)
	inProgress           = errno(raw.InProgress)
	incompatibleKeys     = errno(raw.IncompatibleKeys)
	expired              = errno(raw.Expired)
)

// errnoNames is in the order of the numbers of crypto_errno.
const errnoNames = "success guest_error not_implemented unsupported_feature prohibited_operation unsupported_encoding " +
	"unsupported_algorithm unsupported_option invalid_key invalid_length verification_failed rng_error algorithm_failure " +
	"invalid_signature closed invalid_handle overflow internal_error too_many_handles key_not_supported key_required " +
	"invalid_tag invalid_operation nonce_required invalid_nonce option_not_set not_found parameters_missing in_progress " +
	"incompatible_keys expired"

// String gives the name in the interface, and the bare number of what the interface does not have.
func (e errno) String() string {
	if names := strings.Fields(errnoNames); int64(e) < int64(len(names)) {
		return names[e]
	}
	return fmt.Sprintf("errno %d, which does not exist", uint32(e))
}

// names gives several as a choice.
func names(of []errno) string {
	var text []string
	for _, e := range of {
		text = append(text, e.String())
	}
	return strings.Join(text, " or ")
}
