package cryptoki

import "errors"

// Operation names one of the operations that can be active in a session.
type Operation uint

// The operations.
const (
	Encrypting Operation = iota + 1
	Decrypting
	Digesting
	Signing
	Verifying
)

// Cancel ends an active operation whose result nobody wants. A module of 3.x that has C_SessionCancel is asked with it
// (PKCS #11 3.1 section 5.6). Others have no such call: there the operation is finished and its result thrown away,
// which for a signature in parts costs as much as signing. Nil means that it has ended. After any error the session
// must be closed, which always ends it; so it is with a mechanism that does not work in parts, because modules of 2.x say
// ErrOperationNotInitialized of it whether it is active or not. A signature that was only begun is never made.
func (s *Session) Cancel(operation Operation) error {
	final, flag, ok := operation.calls()
	if !ok {
		return refused(fnSessionCancel, "no operation %d", uint(operation))
	}
	defer s.parameters.reset()
	s.iv = nil
	if s.module.functions[fnSessionCancel] != 0 {
		if err := s.call(fnSessionCancel, uintptr(flag), 0, 0, 0); err == nil {
			return nil
		}
	}
	for try := range maxTries {
		err := s.discard(operation, final)
		switch {
		case errors.Is(err, ErrOperationNotInitialized) && try > 0:
			return nil
		case errors.Is(err, ErrOperationNotInitialized):
			return err
		}
	}
	return &CallError{Function: final.String(), Code: ErrOperationCancelFailed}
}

// discard calls the last function of an operation and wipes what comes.
func (s *Session) discard(operation Operation, final function) error {
	if operation == Verifying {
		return s.consume(final, []byte{0})
	}
	out, err := s.produce(final, false, nil, nil, 1024)
	clear(out)
	return err
}

// calls gives the operation's last function and its flag for C_SessionCancel.
func (o Operation) calls() (final function, flag Flags, ok bool) {
	switch o {
	case Encrypting:
		return fnEncryptFinal, FlagEncrypt, true
	case Decrypting:
		return fnDecryptFinal, FlagDecrypt, true
	case Digesting:
		return fnDigestFinal, FlagDigest, true
	case Signing:
		return fnSignFinal, FlagSign, true
	case Verifying:
		return fnVerifyFinal, FlagVerify, true
	}
	return 0, 0, false
}
