package cryptoki

import (
	"errors"
	"unsafe"
)

// maxList is the longest list of slots or mechanisms that is believed.
const maxList = 4096

// maxTries is how often a call is made again because the module asks for more room.
const maxTries = 4

// Slots lists the slots, those with a token only if tokenPresent (C_GetSlotList). The error is a CallError; more than
// 4096 slots are ErrImplausible.
func (m *Module) Slots(tokenPresent bool) ([]SlotID, error) {
	var present uintptr
	if tokenPresent {
		present = 1
	}
	values, err := m.list(fnGetSlotList, present)
	if err != nil {
		return nil, err
	}
	slots := make([]SlotID, len(values))
	for i, v := range values {
		slots[i] = SlotID(v)
	}
	return slots, nil
}

// Mechanisms lists what the token in a slot can do (C_GetMechanismList). The error is a CallError; more than 4096
// mechanisms are ErrImplausible.
func (m *Module) Mechanisms(slot SlotID) ([]MechanismType, error) {
	values, err := m.list(fnGetMechanismList, uintptr(slot))
	if err != nil {
		return nil, err
	}
	mechanisms := make([]MechanismType, len(values))
	for i, v := range values {
		mechanisms[i] = MechanismType(v)
	}
	return mechanisms, nil
}

// list calls a function that takes a value, a list and its length: once for the length, once for the list, and again
// if the list grew in between.
func (m *Module) list(f function, about uintptr) ([]uint, error) {
	g, count := &gate{module: m}, new(uint)
	var err error
	for range maxTries {
		*count = 0
		if err = g.call(f, about, 0, uintptr(unsafe.Pointer(count)), 0, 0); err != nil {
			return nil, err
		}
		room := *count
		if room > maxList {
			return nil, implausible(f, "%d entries; the limit is %d", room, maxList)
		}
		if room == 0 {
			return nil, nil
		}
		values := make([]uint, room)
		err = g.call(f, about, uintptr(unsafe.Pointer(&values[0])), uintptr(unsafe.Pointer(count)), 0, 0)
		switch {
		case err == nil && *count > room:
			return nil, implausible(f, "%d entries in a list of %d", *count, room)
		case err == nil:
			return values[:*count], nil
		case !errors.Is(err, ErrBufferTooSmall):
			return nil, err
		}
	}
	return nil, err
}
