package pkcs11

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// outcome is what a return value of the module (CKR, PKCS #11 3.1 section 5.1) means to callers here.
type outcome struct {
	code claviger.Code // 0: the one of the operation that failed
	lost bool          // only another start of the process helps
	text string        // for people; of what is lost it is what the token does
}

// outcomes are the return values that mean the same whatever failed. All others are a failure of the operation.
var outcomes = map[cryptoki.Error]outcome{
	cryptoki.ErrUserNotLoggedIn:        {claviger.ErrProviderNotAvailable, true, "has logged out"},
	cryptoki.ErrDeviceRemoved:          {claviger.ErrProviderNotAvailable, true, "was removed"},
	cryptoki.ErrTokenNotPresent:        {claviger.ErrProviderNotAvailable, true, "is not there"},
	cryptoki.ErrTokenNotRecognized:     {claviger.ErrProviderNotAvailable, true, "is not recognised"},
	cryptoki.ErrDeviceError:            {claviger.ErrProviderNotAvailable, true, "has failed"},
	cryptoki.ErrSlotIDInvalid:          {claviger.ErrProviderNotAvailable, true, "has no slot any longer"},
	cryptoki.ErrCryptokiNotInitialized: {claviger.ErrProviderNotAvailable, true, "is out of reach, because the module has ended"},
	cryptoki.ErrSessionHandleInvalid:   {claviger.ErrProviderNotAvailable, true, "has closed its sessions"},
	cryptoki.ErrSessionClosed:          {claviger.ErrProviderNotAvailable, true, "has closed its sessions"},

	cryptoki.ErrUserPINNotInitialized: {claviger.ErrProviderNotAvailable, false, "the token has no user PIN yet"},
	cryptoki.ErrUserAnotherLoggedIn:   {claviger.ErrProviderNotAvailable, false, "somebody else is logged in"},
	cryptoki.ErrSessionCount:          {claviger.ErrProviderBusy, false, "the token allows no more sessions"},
	cryptoki.ErrFunctionCanceled:      {claviger.ErrOperationFailed, false, "the token has cancelled it"},

	cryptoki.ErrHostMemory:            {claviger.ErrAllocationFailed, false, "the module has no memory left"},
	cryptoki.ErrDeviceMemory:          {claviger.ErrAllocationFailed, false, "the token is full"},
	cryptoki.ErrTokenResourceExceeded: {claviger.ErrAllocationFailed, false, "the token is full"},

	cryptoki.ErrFunctionNotSupported:  {claviger.ErrUnsupportedOperation, false, "the module cannot do this"},
	cryptoki.ErrRandomNoRNG:           {claviger.ErrUnsupportedOperation, false, "the token has no random numbers"},
	cryptoki.ErrTokenWriteProtected:   {claviger.ErrUnsupportedOperation, false, "the token is write-protected"},
	cryptoki.ErrSessionReadOnly:       {claviger.ErrUnsupportedOperation, false, "the token is write-protected"},
	cryptoki.ErrMechanismInvalid:      {claviger.ErrUnsupportedAlgorithm, false, "the token does not take this mechanism"},
	cryptoki.ErrMechanismParamInvalid: {claviger.ErrUnsupportedAlgorithm, false, "the token does not take these parameters"},
	cryptoki.ErrCurveNotSupported:     {claviger.ErrUnsupportedAlgorithm, false, "the token does not have this curve"},
	cryptoki.ErrDomainParamsInvalid:   {claviger.ErrUnsupportedAlgorithm, false, "the token does not have this curve"},

	cryptoki.ErrDataInvalid:             {claviger.ErrInvalidArgument, false, "the token does not take these data"},
	cryptoki.ErrDataLenRange:            {claviger.ErrInvalidArgument, false, "the token does not take data of this length"},
	cryptoki.ErrKeySizeRange:            {claviger.ErrIncompatibleKeyType, false, "the token does not take a key of this size"},
	cryptoki.ErrKeyTypeInconsistent:     {claviger.ErrIncompatibleKeyType, false, "the token does not take a key of this type"},
	cryptoki.ErrKeyFunctionNotPermitted: {claviger.ErrKeyOperationNotPermitted, false, "the object in the token does not permit it"},
	cryptoki.ErrKeyExhausted:            {claviger.ErrKeyOperationNotPermitted, false, "the key has been used as often as it may be"},
	cryptoki.ErrKeyHandleInvalid:        {claviger.ErrResourceNotFound, false, "the key is not in the token any longer"},
	cryptoki.ErrObjectHandleInvalid:     {claviger.ErrResourceNotFound, false, "the key is not in the token any longer"},
}

// fault turns an error of the module into one with a code: that of the table, or the one given. Errors that have a code keep it,
// and nil stays nil.
func (p place) fault(op string, otherwise claviger.Code, err error) error {
	if e, ok := errors.AsType[*claviger.Error](err); ok {
		return e
	}
	ckr, ok := errors.AsType[cryptoki.Error](err)
	switch {
	case err == nil, errors.Is(err, provider.ErrMismatch):
		return err
	case !ok:
		return claviger.WrapError(otherwise, op, err)
	}
	o := outcomes[ckr]
	text := err.Error()
	if o.text != "" {
		text = o.text + ": " + text
	}
	if o.lost {
		return p.lost(op, text)
	}
	return &claviger.Error{Code: cmp.Or(o.code, otherwise), Op: op, Detail: text, Err: err}
}

// fault is that of the token, which is also asked whether it is there where an object is not.
func (p *Provider) fault(op string, otherwise claviger.Code, err error) error {
	if vanished(err) {
		err = cmp.Or(p.pool.present(op), err)
	}
	return p.pool.at.fault(op, otherwise, err)
}

// among reports whether err is one of the return values.
func among(err error, values ...cryptoki.Error) bool {
	ckr, ok := errors.AsType[cryptoki.Error](err)
	return ok && slices.Contains(values, ckr)
}

// wrongSignature: C_Verify says no.
func wrongSignature(err error) bool {
	return among(err, cryptoki.ErrSignatureInvalid, cryptoki.ErrSignatureLenRange)
}

// wrongCiphertext: C_Decrypt says that tag or padding are wrong, by a value of the standard or by what this token is known to say.
// DecryptInit has not seen the ciphertext, so that what it says never counts.
func (p *Provider) wrongCiphertext(err error) bool {
	call, ok := errors.AsType[*cryptoki.CallError](err)
	return ok && call.Function == "C_Decrypt" && (among(err, cryptoki.ErrEncryptedDataInvalid, cryptoki.ErrEncryptedDataLenRange,
		cryptoki.ErrAEADDecryptFailed, cryptoki.ErrDataInvalid, cryptoki.ErrDataLenRange) || among(err, p.quirks.forged...))
}

// refusedPIN: C_Login says that it is the PIN.
func refusedPIN(err error) bool {
	return among(err, cryptoki.ErrPINIncorrect, cryptoki.ErrPINInvalid, cryptoki.ErrPINLenRange, cryptoki.ErrPINExpired, cryptoki.ErrPINLocked)
}

// sessionGone: the session is not there any longer.
func sessionGone(err error) bool {
	return among(err, cryptoki.ErrSessionHandleInvalid, cryptoki.ErrSessionClosed)
}

// vanished: the object is not there any longer.
func vanished(err error) bool {
	return among(err, cryptoki.ErrObjectHandleInvalid, cryptoki.ErrKeyHandleInvalid)
}

// unexplained: the module says that something failed, and no more.
func unexplained(err error) bool {
	return among(err, cryptoki.ErrGeneralError, cryptoki.ErrFunctionFailed)
}

// losing: what the module says means that only another start of the process helps.
func losing(err error) bool {
	ckr, ok := errors.AsType[cryptoki.Error](err)
	return ok && outcomes[ckr].lost
}

// harmless: after this error no operation is active in the session, because it is not the module's, or the operation never began or
// has said its last word (PKCS #11 3.1 section 5.2).
func harmless(err error) bool {
	if _, ok := errors.AsType[cryptoki.Error](err); !ok {
		return true
	}
	return vanished(err) || wrongSignature(err) || among(err, cryptoki.ErrEncryptedDataInvalid, cryptoki.ErrEncryptedDataLenRange,
		cryptoki.ErrAEADDecryptFailed, cryptoki.ErrKeySizeRange, cryptoki.ErrKeyTypeInconsistent, cryptoki.ErrKeyFunctionNotPermitted,
		cryptoki.ErrMechanismInvalid, cryptoki.ErrMechanismParamInvalid)
}

// unavailable is ErrProviderNotAvailable.
func unavailable(op, format string, args ...any) error {
	return claviger.Errorf(claviger.ErrProviderNotAvailable, op, format, args...)
}

// lost is ErrProviderNotAvailable for what the token does that only another start of the process mends.
func (p place) lost(op, does string) error {
	return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: op, Detail: p.String() + " " + does, Err: provider.ErrLost}
}

// unloaded says why the module at a path was not loaded. Most of the texts begin with the path.
func unloaded(path string, err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*claviger.Error](err); ok && e.Detail != "" {
		text = strings.TrimPrefix(e.Detail, "path ")
	}
	if strings.HasPrefix(text, path) || strings.HasPrefix(text, strconv.Quote(path)) {
		return "module " + text
	}
	return "module " + path + ": " + text
}
