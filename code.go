package claviger

import "fmt"

// Code tells a program what went wrong. The numbers are those of the S-CORE crypto API, and of a group of our own for
// secrets; they travel on the wire, are never renumbered, and new ones are added at the end of their group. A Code is itself an error and serves as its own
// sentinel: errors.Is(err, claviger.ErrAccessDenied). Zero means success and is never returned as an error.
type Code uint32

// Stack: the link to the daemon.
const (
	ErrUninitializedStack Code = 0x01010001 // the stack is closed or was never made
	ErrAlreadyInitialized Code = 0x01010002 // made twice
	ErrConnectionFailed   Code = 0x01010003 // the daemon cannot be reached, or the link broke
	ErrInternal           Code = 0x01010004 // a fault of the daemon itself
)

// Operation: what was asked for.
const (
	ErrUnsupportedOperation Code = 0x01020001 // never possible here
	ErrInvalidOperation     Code = 0x01020002 // not possible in this state
	ErrOperationFailed      Code = 0x01020003 // tried, and failed
	ErrOperationTimedOut    Code = 0x01020004 // the deadline passed; also matches context.DeadlineExceeded
)

// Argument: how it was asked.
const (
	ErrInvalidArgument        Code = 0x01030001 // a value outside what is allowed
	ErrResourceNotFound       Code = 0x01030002 // no such handle, or it was released
	ErrInvalidResourceID      Code = 0x01030003 // the name is not mapped for this caller
	ErrInvalidResourceType    Code = 0x01030004 // the name or handle stands for something else
	ErrInsufficientBufferSize Code = 0x01030005 // the output does not fit; nothing was consumed
	ErrInvalidFormat          Code = 0x01030006 // the bytes are not in the format they should be in
	ErrParamTruncated         Code = 0x01030007 // a parameter was longer than its limit
)

// Stream: the order of Init, Update and Finalize.
const (
	ErrStreamNotInitialized Code = 0x01040001 // Update or Finalize before Init
	ErrStreamAlreadyActive  Code = 0x01040002 // Init or a one-shot call on an open stream; call Reset first
	ErrStreamIncomplete     Code = 0x01040003 // the data ended too early
)

// Algorithm: what it was asked with.
const (
	ErrUnsupportedAlgorithm Code = 0x01050001 // no provider offers this name
	ErrAlgorithmMismatch    Code = 0x01050002 // the name exists but does not do this
)

// Memory: how much was asked for.
const (
	ErrAllocationFailed    Code = 0x01060001 // no memory
	ErrQuotaExceeded       Code = 0x01060002 // over a limit of the tenant; nothing was done
	ErrInvalidMemoryRegion Code = 0x01060003 // a region that is not sealed, not large enough, or not the caller's
)

// Context: the operation context.
const (
	ErrContextCreationFailed   Code = 0x01070001 // could not be made for a reason of its own
	ErrContextAlreadyDestroyed Code = 0x01070002 // used after Close
	ErrContextResetFailed      Code = 0x01070003 // Reset failed; the context is in the error state
	ErrSessionExpired          Code = 0x01070004 // the session behind the handle is gone
)

// Key: keys and key slots.
const (
	ErrKeySlotEmpty             Code = 0x01080001 // nothing in the slot
	ErrKeySlotOccupied          Code = 0x01080002 // a key is in the slot; Rotate or Clear
	ErrKeyNotExportable         Code = 0x01080003 // the provider never gives this key out
	ErrKeyGenerationFailed      Code = 0x01080004 // the provider could not generate
	ErrKeyDerivationFailed      Code = 0x01080005 // the provider could not derive
	ErrKeyAgreementFailed       Code = 0x01080006 // agreement, encapsulation or decapsulation failed
	ErrWrapUnwrapFailed         Code = 0x01080007 // wrapping or unwrapping failed
	ErrPersistFailed            Code = 0x01080008 // the key could not be made durable
	ErrIncompatibleKeyType      Code = 0x01080009 // this type of key cannot serve the algorithm
	ErrKeyOperationNotPermitted Code = 0x0108000A // the key's permissions do not hold the operation
)

// Certificate: certificates, revocation lists and trust stores.
const (
	ErrCertificateParsingFailed Code = 0x01090001
	ErrCertificateExpired       Code = 0x01090002
	ErrCertificateRevoked       Code = 0x01090003
	ErrCertificateVerifyFailed  Code = 0x01090004 // verification could not run at all
	ErrCertChainVerifyFailed    Code = 0x01090005
	ErrCRLImportFailed          Code = 0x01090006
	ErrCSRGenerationFailed      Code = 0x01090007
	ErrOCSP                     Code = 0x01090008
	ErrTrustAnchorNotFound      Code = 0x01090009
)

// Provider: where the key lives.
const (
	ErrProviderNotAvailable      Code = 0x010A0001 // not configured, not logged in, or gone
	ErrProviderBusy              Code = 0x010A0002 // too many calls at once
	ErrCrossProviderIncompatible Code = 0x010A0003 // the key lives in a provider that cannot take part
)

// Access: who is asking.
const (
	ErrAccessDenied         Code = 0x010B0001 // mapped, but without the right asked for; or not let in at all
	ErrResourceNotAllocated Code = 0x010B0002
)

// Secret: secrets and capsules. These are additions to the S-CORE numbers.
const (
	ErrSecretNotFound           Code = 0x010C0001 // no such identifier or version, invalidated, swept, or another tenant's
	ErrSecretExpired            Code = 0x010C0002 // it is there, and its time is over
	ErrSecretVerificationFailed Code = 0x010C0003 // not a capsule of this tenant, altered, or its key is destroyed
)

// Guest: refusals of symmetric states and managed keys. These are additions to the S-CORE numbers; the lower half is
// wasi-crypto's crypto_errno.
const (
	ErrUnsupportedOption Code = 0x010D0007 // no option of that name here
	ErrInvalidKey        Code = 0x010D0008 // these bytes are no key of the algorithm, or the key is of another one
	ErrInvalidLength     Code = 0x010D0009 // not a length that the algorithm takes or gives
	ErrKeyNotSupported   Code = 0x010D0013 // a key was given to an algorithm without one
	ErrKeyRequired       Code = 0x010D0014 // no key was given
	ErrInvalidTag        Code = 0x010D0015 // the authentication tag is wrong
	ErrNonceRequired     Code = 0x010D0017 // no nonce was given, and none can safely be chosen; or it has been used
	ErrInvalidNonce      Code = 0x010D0018 // a nonce of another length than the algorithm takes
	ErrOptionNotSet      Code = 0x010D0019 // the option was not given
	ErrIncompatibleKeys  Code = 0x010D001D // the two keys do not belong together
)

// codes gives each code its name, as score-api calls it, and its sentence.
var codes = map[Code][2]string{
	ErrUninitializedStack:        {"UninitializedStack", "the stack is closed"},
	ErrAlreadyInitialized:        {"AlreadyInitialized", "already initialized"},
	ErrConnectionFailed:          {"ConnectionFailed", "no connection to the daemon"},
	ErrInternal:                  {"InternalError", "internal error"},
	ErrUnsupportedOperation:      {"UnsupportedOperation", "operation not supported"},
	ErrInvalidOperation:          {"InvalidOperation", "operation not possible in this state"},
	ErrOperationFailed:           {"OperationFailed", "operation failed"},
	ErrOperationTimedOut:         {"OperationTimedOut", "deadline passed"},
	ErrInvalidArgument:           {"InvalidArgument", "invalid argument"},
	ErrResourceNotFound:          {"ResourceNotFound", "no such resource"},
	ErrInvalidResourceID:         {"InvalidResourceId", "name not mapped for this caller"},
	ErrInvalidResourceType:       {"InvalidResourceType", "resource of another type"},
	ErrInsufficientBufferSize:    {"InsufficientBufferSize", "output buffer too small"},
	ErrInvalidFormat:             {"InvalidFormat", "invalid format"},
	ErrParamTruncated:            {"ParamTruncated", "parameter too long"},
	ErrStreamNotInitialized:      {"StreamNotInitialized", "stream not initialized"},
	ErrStreamAlreadyActive:       {"StreamAlreadyActive", "stream already active; reset it first"},
	ErrStreamIncomplete:          {"StreamIncomplete", "stream incomplete"},
	ErrUnsupportedAlgorithm:      {"UnsupportedAlgorithm", "algorithm not supported"},
	ErrAlgorithmMismatch:         {"AlgorithmMismatch", "algorithm does not fit the operation"},
	ErrAllocationFailed:          {"AllocationFailed", "out of memory"},
	ErrQuotaExceeded:             {"QuotaExceeded", "over the limit"},
	ErrInvalidMemoryRegion:       {"InvalidMemoryRegion", "invalid memory region"},
	ErrContextCreationFailed:     {"ContextCreationFailed", "context not created"},
	ErrContextAlreadyDestroyed:   {"ContextAlreadyDestroyed", "context is closed"},
	ErrContextResetFailed:        {"ContextResetFailed", "context not reset"},
	ErrSessionExpired:            {"SessionExpired", "session is over"},
	ErrKeySlotEmpty:              {"KeySlotEmpty", "key slot is empty"},
	ErrKeySlotOccupied:           {"KeySlotOccupied", "key slot is occupied"},
	ErrKeyNotExportable:          {"KeyNotExportable", "key cannot be exported"},
	ErrKeyGenerationFailed:       {"KeyGenerationFailed", "key not generated"},
	ErrKeyDerivationFailed:       {"KeyDerivationFailed", "key not derived"},
	ErrKeyAgreementFailed:        {"KeyAgreementFailed", "no key agreed"},
	ErrWrapUnwrapFailed:          {"WrapUnwrapFailed", "key not wrapped or unwrapped"},
	ErrPersistFailed:             {"PersistFailed", "key not persisted"},
	ErrIncompatibleKeyType:       {"IncompatibleKeyType", "key type does not fit the algorithm"},
	ErrKeyOperationNotPermitted:  {"KeyOperationNotPermitted", "the key does not permit the operation"},
	ErrCertificateParsingFailed:  {"CertificateParsingFailed", "certificate not readable"},
	ErrCertificateExpired:        {"CertificateExpired", "certificate expired"},
	ErrCertificateRevoked:        {"CertificateRevoked", "certificate revoked"},
	ErrCertificateVerifyFailed:   {"CertificateVerifyFailed", "certificate verification could not run"},
	ErrCertChainVerifyFailed:     {"CertChainVerifyFailed", "certificate chain verification could not run"},
	ErrCRLImportFailed:           {"CrlImportFailed", "revocation list not imported"},
	ErrCSRGenerationFailed:       {"CsrGenerationFailed", "signing request not generated"},
	ErrOCSP:                      {"OcspError", "OCSP error"},
	ErrTrustAnchorNotFound:       {"TrustAnchorNotFound", "trust anchor not found"},
	ErrProviderNotAvailable:      {"ProviderNotAvailable", "provider not available"},
	ErrProviderBusy:              {"ProviderBusy", "provider is busy"},
	ErrCrossProviderIncompatible: {"CrossProviderIncompatible", "key lives in another provider"},
	ErrAccessDenied:              {"AccessDenied", "access denied"},
	ErrResourceNotAllocated:      {"ResourceNotAllocated", "resource not allocated"},
	ErrSecretNotFound:            {"SecretNotFound", "no such secret"},
	ErrSecretExpired:             {"SecretExpired", "the secret has expired"},
	ErrSecretVerificationFailed:  {"SecretVerificationFailed", "not a capsule that can be opened here"},
	ErrUnsupportedOption:         {"UnsupportedOption", "option not supported"},
	ErrInvalidKey:                {"InvalidKey", "not a key of the algorithm"},
	ErrInvalidLength:             {"InvalidLength", "length not possible"},
	ErrKeyNotSupported:           {"KeyNotSupported", "the algorithm takes no key"},
	ErrKeyRequired:               {"KeyRequired", "the algorithm needs a key"},
	ErrInvalidTag:                {"InvalidTag", "authentication tag is wrong"},
	ErrNonceRequired:             {"NonceRequired", "a nonce is needed"},
	ErrInvalidNonce:              {"InvalidNonce", "nonce of a wrong length"},
	ErrOptionNotSet:              {"OptionNotSet", "option not set"},
	ErrIncompatibleKeys:          {"IncompatibleKeys", "the keys do not belong together"},
}

// Error gives the code's sentence. It makes Code an error that errors.Is finds in any *Error.
func (c Code) Error() string {
	if text, ok := codes[c]; ok {
		return text[1]
	}
	return fmt.Sprintf("unknown code 0x%08x", uint32(c))
}

// Name gives the code's name in the S-CORE crypto API, such as "KeyOperationNotPermitted"; for an unknown code its
// number in hexadecimal.
func (c Code) Name() string {
	if text, ok := codes[c]; ok {
		return text[0]
	}
	return fmt.Sprintf("0x%08x", uint32(c))
}

// Known reports whether c is one of the codes of this package.
func (c Code) Known() bool { _, ok := codes[c]; return ok }
