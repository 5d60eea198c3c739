package cryptoki

import "unsafe"

// Session is a session with a token. One goroutine may use it at a time, and one operation (encrypt, decrypt, digest,
// sign, verify) be active in it. It must be closed; closing the module closes it too.
type Session struct {
	gate
	handle     uint
	parameters frame    // the mechanism of the operation; good until the next one begins
	values     frame    // templates and lists; wiped at the end of each call
	cells      *[4]uint // what C functions write single words into; apart from Go's pointers, should one write more
	iv         []byte   // the nonce within parameters
}

// The words of a session's frames: enough for the mechanisms here with a little associated data, and for a template.
const (
	parameterWords = 64
	valueWords     = 192
)

// The places in Session.cells.
const (
	cellLength  = iota // the length or count of an output
	cellFirst          // a handle
	cellSecond         // another one
	cellNothing        // what an empty input points to
)

// Flags of C_OpenSession, and the user type of C_Login.
const (
	flagReadWrite = 0x2 // CKF_RW_SESSION
	flagSerial    = 0x4 // CKF_SERIAL_SESSION
	normalUser    = 1   // CKU_USER
)

// OpenSession opens a session with the token in a slot (C_OpenSession). All sessions of a module with one token share
// its login. The error is a CallError.
func (m *Module) OpenSession(slot SlotID, readWrite bool) (*Session, error) {
	s := &Session{
		gate: gate{module: m}, parameters: makeFrame(parameterWords), values: makeFrame(valueWords), cells: new([4]uint),
	}
	flags := uintptr(flagSerial)
	if readWrite {
		flags |= flagReadWrite
	}
	handle := unsafe.Pointer(&s.cells[cellFirst])
	if err := s.gate.call(fnOpenSession, uintptr(slot), flags, 0, 0, uintptr(handle)); err != nil {
		return nil, err
	}
	s.handle = s.cells[cellFirst]
	if s.handle == 0 {
		return nil, implausible(fnOpenSession, "no handle")
	}
	return s, nil
}

// call calls f with the session's handle and up to four arguments. The rule of gate.call applies. After Close the
// error is ErrSessionClosed.
//
//go:uintptrescapes
func (s *Session) call(f function, a1, a2, a3, a4 uintptr) error {
	if s.handle == 0 {
		return &CallError{Function: f.String(), Code: ErrSessionClosed}
	}
	s.arguments = [maxArguments]uintptr{uintptr(s.handle), a1, a2, a3, a4}
	return s.run(f)
}

// start is the address of an input, and of something when it is empty: modules refuse NULL.
func (s *Session) start(p []byte) unsafe.Pointer {
	if len(p) == 0 {
		return unsafe.Pointer(&s.cells[cellNothing])
	}
	return unsafe.Pointer(unsafe.SliceData(p))
}

// Close closes the session (C_CloseSession), which ends its operations and destroys its session objects. It is closed
// whatever the error; closing again does nothing.
func (s *Session) Close() error {
	if s.handle == 0 {
		return nil
	}
	err := s.call(fnCloseSession, 0, 0, 0, 0)
	s.handle = 0
	s.parameters.reset()
	s.values.reset()
	s.iv = nil
	return err
}

// Login logs the user in for all sessions with this token (C_Login with CKU_USER). A nil PIN leaves the asking to the
// token itself (FlagProtectedAuthenticationPath). The PIN is not copied; it stays the caller's, who wipes it. The error
// is a CallError, such as ErrPINIncorrect, ErrPINLocked and ErrUserAlreadyLoggedIn. A wrong PIN counts with the token.
func (s *Session) Login(pin []byte) error {
	if pin == nil {
		return s.call(fnLogin, normalUser, 0, 0, 0)
	}
	return s.call(fnLogin, normalUser, uintptr(s.start(pin)), uintptr(len(pin)), 0)
}

// Logout logs out for all sessions with this token (C_Logout); private objects are out of reach then. The error is a
// CallError.
func (s *Session) Logout() error { return s.call(fnLogout, 0, 0, 0, 0) }

// Random fills dst from the token's generator (C_GenerateRandom). The error is a CallError, after which dst is zero.
func (s *Session) Random(dst []byte) error {
	if len(dst) == 0 {
		return nil
	}
	err := s.call(fnGenerateRandom, uintptr(s.start(dst)), uintptr(len(dst)), 0, 0)
	if err != nil {
		clear(dst)
	}
	return err
}
