package cryptoki

import (
	"structs"
	"unsafe"
)

// cSessionInfo is CK_SESSION_INFO.
type cSessionInfo struct {
	_                               structs.HostLayout
	slot, state, flags, deviceError uint
}

// States of a session in which the user is logged in (CKS).
const (
	stateReadOnlyUser  = 1 // CKS_RO_USER_FUNCTIONS
	stateReadWriteUser = 3 // CKS_RW_USER_FUNCTIONS
)

// LoggedIn reports whether the user is logged in, as far as the session knows (C_GetSessionInfo). The error is a CallError.
func (s *Session) LoggedIn() (bool, error) {
	c := new(cSessionInfo)
	if err := s.call(fnGetSessionInfo, uintptr(unsafe.Pointer(c)), 0, 0, 0); err != nil {
		return false, err
	}
	return c.state == stateReadOnlyUser || c.state == stateReadWriteUser, nil
}
