package cryptoki

import "fmt"

// Error is a CKR, the value that a C function returns (PKCS #11 3.1 section 5.1). It is itself an error and serves as
// its own sentinel: errors.Is(err, ErrPINIncorrect). Zero is CKR_OK and is never returned as an error.
type Error uint

// The values that callers tell apart. All others of the standard have a name too, see Error.
const (
	ErrHostMemory                 Error = 0x02
	ErrSlotIDInvalid              Error = 0x03
	ErrGeneralError               Error = 0x05
	ErrFunctionFailed             Error = 0x06
	ErrArgumentsBad               Error = 0x07
	ErrCantLock                   Error = 0x0A
	ErrAttributeReadOnly          Error = 0x10
	ErrAttributeSensitive         Error = 0x11
	ErrAttributeTypeInvalid       Error = 0x12
	ErrAttributeValueInvalid      Error = 0x13
	ErrActionProhibited           Error = 0x1B
	ErrDataInvalid                Error = 0x20
	ErrDataLenRange               Error = 0x21
	ErrDeviceError                Error = 0x30
	ErrDeviceMemory               Error = 0x31
	ErrDeviceRemoved              Error = 0x32
	ErrEncryptedDataInvalid       Error = 0x40
	ErrEncryptedDataLenRange      Error = 0x41
	ErrAEADDecryptFailed          Error = 0x42
	ErrFunctionCanceled           Error = 0x50
	ErrFunctionNotSupported       Error = 0x54
	ErrKeyHandleInvalid           Error = 0x60
	ErrKeySizeRange               Error = 0x62
	ErrKeyTypeInconsistent        Error = 0x63
	ErrKeyFunctionNotPermitted    Error = 0x68
	ErrKeyUnextractable           Error = 0x6A
	ErrMechanismInvalid           Error = 0x70
	ErrMechanismParamInvalid      Error = 0x71
	ErrObjectHandleInvalid        Error = 0x82
	ErrOperationActive            Error = 0x90
	ErrOperationNotInitialized    Error = 0x91
	ErrPINIncorrect               Error = 0xA0
	ErrPINInvalid                 Error = 0xA1
	ErrPINLenRange                Error = 0xA2
	ErrPINExpired                 Error = 0xA3
	ErrPINLocked                  Error = 0xA4
	ErrSessionClosed              Error = 0xB0
	ErrSessionCount               Error = 0xB1
	ErrSessionHandleInvalid       Error = 0xB3
	ErrSessionReadOnly            Error = 0xB5
	ErrSignatureInvalid           Error = 0xC0
	ErrSignatureLenRange          Error = 0xC1
	ErrTemplateIncomplete         Error = 0xD0
	ErrTemplateInconsistent       Error = 0xD1
	ErrTokenNotPresent            Error = 0xE0
	ErrTokenNotRecognized         Error = 0xE1
	ErrTokenWriteProtected        Error = 0xE2
	ErrUserAlreadyLoggedIn        Error = 0x100
	ErrUserNotLoggedIn            Error = 0x101
	ErrUserPINNotInitialized      Error = 0x102
	ErrUserAnotherLoggedIn        Error = 0x104
	ErrRandomNoRNG                Error = 0x121
	ErrDomainParamsInvalid        Error = 0x130
	ErrCurveNotSupported          Error = 0x140
	ErrBufferTooSmall             Error = 0x150
	ErrCryptokiNotInitialized     Error = 0x190
	ErrCryptokiAlreadyInitialized Error = 0x191
	ErrPublicKeyInvalid           Error = 0x1B9
	ErrTokenResourceExceeded      Error = 0x201
	ErrOperationCancelFailed      Error = 0x202
	ErrKeyExhausted               Error = 0x203
)

// ErrImplausible is no value of the standard: what the module reported cannot be, such as a length beyond the buffer, a
// count or size beyond this package's limits, or no handle where there should be one. An operation may still be active
// then: close the session.
const ErrImplausible Error = 1 << 63

// Error gives the name in the standard, such as "CKR_PIN_INCORRECT", for all of version 3.1, and "CKR 0x80000001" for
// others.
func (e Error) Error() string {
	if e == ErrImplausible {
		return "implausible report"
	}
	if name, ok := errorNames[e]; ok {
		return name
	}
	return fmt.Sprintf("CKR 0x%08x", uint(e))
}

// CallError is an error of a C function, or of this package about one. It reads "C_Login: CKR_PIN_INCORRECT", and
// errors.Is and errors.AsType find its Code. It never holds data of a call.
type CallError struct {
	Function string // the C function, such as "C_Login"
	Code     Error
	Detail   string // what is implausible; "" when the module itself returned the code
}

// Error reads "function: code: detail".
func (e *CallError) Error() string {
	if e.Detail == "" {
		return e.Function + ": " + e.Code.Error()
	}
	return e.Function + ": " + e.Code.Error() + ": " + e.Detail
}

// Unwrap returns the code.
func (e *CallError) Unwrap() error { return e.Code }

// implausible is the error for a report of f that cannot be.
func implausible(f function, format string, args ...any) error {
	return &CallError{Function: f.String(), Code: ErrImplausible, Detail: fmt.Sprintf(format, args...)}
}

// refused is the error for arguments that this package does not hand to f.
func refused(f function, format string, args ...any) error {
	return &CallError{Function: f.String(), Code: ErrArgumentsBad, Detail: fmt.Sprintf(format, args...)}
}
