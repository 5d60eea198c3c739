package cryptoki

import "unsafe"

// GenerateKey generates a secret key with the template's attributes (C_GenerateKey). The error is a CallError.
func (s *Session) GenerateKey(m Mechanism, template []Attribute) (Object, error) {
	defer s.values.reset()
	mechanism, array := s.layOut(&m), s.values.template(template)
	err := s.call(fnGenerateKey, uintptr(unsafe.Pointer(&mechanism[0])),
		uintptr(unsafe.Pointer(&array[0])), uintptr(len(template)), uintptr(s.out(cellFirst)))
	return s.object(fnGenerateKey, cellFirst, err)
}

// GenerateKeyPair generates a key pair with the attributes of two templates (C_GenerateKeyPair). The error is a CallError.
func (s *Session) GenerateKeyPair(m Mechanism, publicTemplate, privateTemplate []Attribute) (public, private Object, err error) {
	defer s.values.reset()
	if s.handle == 0 {
		return 0, 0, &CallError{Function: fnGenerateKeyPair.String(), Code: ErrSessionClosed}
	}
	mechanism := s.layOut(&m)
	one, two := s.values.template(publicTemplate), s.values.template(privateTemplate)
	err = s.call8(fnGenerateKeyPair, uintptr(s.handle), uintptr(unsafe.Pointer(&mechanism[0])),
		uintptr(unsafe.Pointer(&one[0])), uintptr(len(publicTemplate)),
		uintptr(unsafe.Pointer(&two[0])), uintptr(len(privateTemplate)),
		uintptr(s.out(cellFirst)), uintptr(s.out(cellSecond)))
	if public, err = s.object(fnGenerateKeyPair, cellFirst, err); err != nil {
		return 0, 0, err
	}
	if private, err = s.object(fnGenerateKeyPair, cellSecond, nil); err != nil {
		return 0, 0, err
	}
	return public, private, nil
}

// DeriveKey derives a key with the template's attributes from a base key (C_DeriveKey). The error is a CallError.
func (s *Session) DeriveKey(m Mechanism, base Object, template []Attribute) (Object, error) {
	defer s.values.reset()
	if s.handle == 0 {
		return 0, &CallError{Function: fnDeriveKey.String(), Code: ErrSessionClosed}
	}
	mechanism, array := s.layOut(&m), s.values.template(template)
	err := s.call8(fnDeriveKey, uintptr(s.handle), uintptr(unsafe.Pointer(&mechanism[0])), uintptr(base),
		uintptr(unsafe.Pointer(&array[0])), uintptr(len(template)), uintptr(s.out(cellFirst)), 0, 0)
	return s.object(fnDeriveKey, cellFirst, err)
}

// layOut lays out the mechanism of a new operation, in place of the one before.
func (s *Session) layOut(m *Mechanism) []uint {
	s.parameters.reset()
	var mechanism []uint
	mechanism, s.iv = s.parameters.mechanism(m)
	return mechanism
}
