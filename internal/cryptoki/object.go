package cryptoki

import (
	"errors"
	"unsafe"
)

// Object is the handle of an object in the sessions with one token. It is never zero, and ends with the object, or with
// the login for a private one.
type Object uint

// Limits of what is read about objects.
const (
	maxAttributes = 64      // asked for at once
	maxValues     = 1 << 20 // bytes of all values of one answer
	findChunk     = 64      // handles asked for at once
)

// FindObjects lists at most limit objects that have all the template's attributes, in the token's order
// (C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal). An empty template matches all. The error is a CallError.
func (s *Session) FindObjects(template []Attribute, limit int) ([]Object, error) {
	defer s.values.reset()
	array := s.values.template(template)
	if err := s.call(fnFindObjectsInit, uintptr(unsafe.Pointer(&array[0])), uintptr(len(template)), 0, 0); err != nil {
		return nil, err
	}
	found, err := s.collect(limit)
	if final := s.call(fnFindObjectsFinal, 0, 0, 0, 0); err == nil && final != nil {
		return nil, final
	}
	return found, err
}

// collect reads the results of a search that is active.
func (s *Session) collect(limit int) ([]Object, error) {
	var found []Object
	handles := s.values.take(min(max(limit, 1), findChunk))
	count := &s.cells[cellLength]
	for len(found) < limit {
		room := min(limit-len(found), len(handles))
		*count = 0
		err := s.call(fnFindObjects, uintptr(unsafe.Pointer(&handles[0])), uintptr(room), uintptr(unsafe.Pointer(count)), 0)
		switch {
		case err != nil:
			return nil, err
		case *count > uint(room):
			return nil, implausible(fnFindObjects, "%d objects in a list of %d", *count, room)
		case *count == 0:
			return found, nil
		}
		for _, h := range handles[:*count] {
			if h == 0 {
				return nil, implausible(fnFindObjects, "no handle")
			}
			found = append(found, Object(h))
		}
	}
	return found, nil
}

// GetAttributes reads attributes of an object (C_GetAttributeValue), in the order of types and one for each. The Value is
// nil where the object does not have the attribute or keeps it to itself; that is not an error. The values are the
// caller's. The error is a CallError: ErrArgumentsBad for more than 64 types, ErrImplausible for values beyond 1 MiB
// altogether.
func (s *Session) GetAttributes(object Object, types []AttributeType) ([]Attribute, error) {
	if len(types) > maxAttributes {
		return nil, refused(fnGetAttributeValue, "%d attributes; the limit is %d", len(types), maxAttributes)
	}
	answer := make([]Attribute, len(types))
	if len(types) == 0 {
		return answer, nil
	}
	defer s.values.reset()
	array := s.values.take(attributeWords * len(types))
	for i, t := range types {
		answer[i].Type = t
		array[attributeWords*i] = uint(t)
	}
	partly, err := s.readAttributes(object, array, len(types))
	if err != nil {
		return nil, err
	}
	places, total := make([][]byte, len(types)), uint(0)
	for i := range types {
		length := array[attributeWords*i+2]
		if length == unavailable || length == 0 && partly {
			continue
		}
		if length > maxValues || total+length > maxValues {
			return nil, implausible(fnGetAttributeValue, "attribute 0x%x of %d bytes; the limit is %d altogether", uint(types[i]), length, maxValues)
		}
		total += length
		places[i] = s.values.takeBytes(int(length))
		answer[i].Value = make([]byte, 0, length)
	}
	if err := s.readValues(object, answer, places); err != nil {
		return nil, err
	}
	return answer, nil
}

// readValues reads the values for which there are places, and copies them to the answer.
func (s *Session) readValues(object Object, answer []Attribute, places [][]byte) error {
	array, count := s.values.take(attributeWords*len(answer)), 0
	for i, place := range places {
		if place != nil {
			entry := array[attributeWords*count:]
			entry[0], entry[1], entry[2] = uint(answer[i].Type), addressOf(place), uint(len(place))
			count++
		}
	}
	if count == 0 {
		return nil
	}
	if _, err := s.readAttributes(object, array, count); err != nil {
		return err
	}
	count = 0
	for i, place := range places {
		if place == nil {
			continue
		}
		length := array[attributeWords*count+2]
		count++
		switch {
		case length == unavailable:
			answer[i].Value = nil
		case length > uint(len(place)):
			return implausible(fnGetAttributeValue, "attribute 0x%x of %d bytes in %d", uint(answer[i].Type), length, len(place))
		default:
			answer[i].Value = append(answer[i].Value, place[:length]...)
		}
	}
	return nil
}

// readAttributes calls C_GetAttributeValue with an array of CK_ATTRIBUTE, and reports whether some attribute was missing,
// which is no error (PKCS #11 3.1 section 5.7.5).
func (s *Session) readAttributes(object Object, array []uint, count int) (partly bool, err error) {
	err = s.call(fnGetAttributeValue, uintptr(object), uintptr(unsafe.Pointer(&array[0])), uintptr(count), 0)
	if errors.Is(err, ErrAttributeSensitive) || errors.Is(err, ErrAttributeTypeInvalid) {
		return true, nil
	}
	return false, err
}

// CreateObject makes an object from its attributes (C_CreateObject). The error is a CallError.
func (s *Session) CreateObject(template []Attribute) (Object, error) {
	defer s.values.reset()
	array := s.values.template(template)
	err := s.call(fnCreateObject, uintptr(unsafe.Pointer(&array[0])), uintptr(len(template)), uintptr(s.out(cellFirst)), 0)
	return s.object(fnCreateObject, cellFirst, err)
}

// CopyObject makes a copy in which the template's attributes differ (C_CopyObject). The error is a CallError.
func (s *Session) CopyObject(object Object, template []Attribute) (Object, error) {
	defer s.values.reset()
	array := s.values.template(template)
	err := s.call(fnCopyObject, uintptr(object), uintptr(unsafe.Pointer(&array[0])), uintptr(len(template)), uintptr(s.out(cellFirst)))
	return s.object(fnCopyObject, cellFirst, err)
}

// DestroyObject destroys an object (C_DestroyObject). The error is a CallError.
func (s *Session) DestroyObject(object Object) error {
	return s.call(fnDestroyObject, uintptr(object), 0, 0, 0)
}

// out clears a cell for a handle, and gives its address.
func (s *Session) out(cell int) unsafe.Pointer {
	s.cells[cell] = 0
	return unsafe.Pointer(&s.cells[cell])
}

// object gives the handle that f left in a cell, unless f failed.
func (s *Session) object(f function, cell int, err error) (Object, error) {
	if err == nil && s.cells[cell] == 0 {
		err = implausible(f, "no handle")
	}
	if err != nil {
		return 0, err
	}
	return Object(s.cells[cell]), nil
}
