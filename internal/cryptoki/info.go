package cryptoki

import (
	"fmt"
	"structs"
	"unsafe"
)

// Version is CK_VERSION. A minor number is in hundredths: 2.40 is Version{2, 40}, 3.1 is Version{3, 1} or {3, 10}.
type Version struct {
	Major, Minor byte
}

// String reads "major.minor".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Info is what a module says of itself (CK_INFO). Texts are at most 32 bytes and can be printed.
type Info struct {
	Cryptoki     Version // the standard's version that the module claims
	Interface    Version // the version of the function list in use
	Manufacturer string
	Description  string
	Library      Version // of the module itself
}

// SlotID names a slot. It need not be small, and modules may change it with every start.
type SlotID uint

// SlotInfo is CK_SLOT_INFO. Texts can be printed; the description has at most 64 bytes.
type SlotInfo struct {
	Description  string
	Manufacturer string
	Flags        Flags // FlagTokenPresent and its neighbours
	Hardware     Version
	Firmware     Version
}

// TokenInfo is CK_TOKEN_INFO. Texts can be printed; label and manufacturer have at most 32 bytes, model and serial 16.
type TokenInfo struct {
	Label         string
	Manufacturer  string
	Model         string
	Serial        string
	Flags         Flags // FlagLoginRequired and its neighbours
	MaxSessions   uint  // 0 for no limit, or an unknown one
	MaxRWSessions uint  // 0 for no limit, or an unknown one
	MaxPIN        uint  // the longest PIN in bytes; 0 for unknown
	MinPIN        uint  // the shortest PIN in bytes
	Hardware      Version
	Firmware      Version
}

// MechanismInfo is CK_MECHANISM_INFO. Key sizes are in bits or in bytes, as the mechanism's section in the standard says,
// and modules differ.
type MechanismInfo struct {
	MinKeySize, MaxKeySize uint
	Flags                  Flags // FlagSign and its neighbours
}

// cInfo is CK_INFO.
type cInfo struct {
	_            structs.HostLayout
	cryptoki     Version
	manufacturer [32]byte
	flags        uint
	description  [32]byte
	library      Version
}

// cSlotInfo is CK_SLOT_INFO.
type cSlotInfo struct {
	_                  structs.HostLayout
	description        [64]byte
	manufacturer       [32]byte
	flags              uint
	hardware, firmware Version
}

// cTokenInfo is CK_TOKEN_INFO.
type cTokenInfo struct {
	_                         structs.HostLayout
	label, manufacturer       [32]byte
	model, serial             [16]byte
	flags                     uint
	maxSessions, sessions     uint
	maxRWSessions, rwSessions uint
	maxPIN, minPIN            uint
	totalPublic, freePublic   uint
	totalPrivate, freePrivate uint
	hardware, firmware        Version
	utcTime                   [16]byte
}

// unavailable is CK_UNAVAILABLE_INFORMATION.
const unavailable = ^uint(0)

// known gives n, or zero where the module cannot tell.
func known(n uint) uint {
	if n == unavailable {
		return 0
	}
	return n
}

// Info asks the module about itself (C_GetInfo). The error is a CallError.
func (m *Module) Info() (Info, error) {
	g, c := &gate{module: m}, new(cInfo)
	if err := g.call(fnGetInfo, uintptr(unsafe.Pointer(c)), 0, 0, 0, 0); err != nil {
		return Info{}, err
	}
	return Info{
		Cryptoki: c.cryptoki, Interface: m.version, Library: c.library,
		Manufacturer: text(c.manufacturer[:]), Description: text(c.description[:]),
	}, nil
}

// SlotInfo asks about a slot (C_GetSlotInfo). The error is a CallError.
func (m *Module) SlotInfo(slot SlotID) (SlotInfo, error) {
	g, c := &gate{module: m}, new(cSlotInfo)
	if err := g.call(fnGetSlotInfo, uintptr(slot), uintptr(unsafe.Pointer(c)), 0, 0, 0); err != nil {
		return SlotInfo{}, err
	}
	return SlotInfo{
		Description: text(c.description[:]), Manufacturer: text(c.manufacturer[:]),
		Flags: Flags(c.flags), Hardware: c.hardware, Firmware: c.firmware,
	}, nil
}

// TokenInfo asks about the token in a slot (C_GetTokenInfo). The error is a CallError.
func (m *Module) TokenInfo(slot SlotID) (TokenInfo, error) {
	g, c := &gate{module: m}, new(cTokenInfo)
	if err := g.call(fnGetTokenInfo, uintptr(slot), uintptr(unsafe.Pointer(c)), 0, 0, 0); err != nil {
		return TokenInfo{}, err
	}
	return TokenInfo{
		Label: text(c.label[:]), Manufacturer: text(c.manufacturer[:]), Model: text(c.model[:]), Serial: text(c.serial[:]),
		Flags: Flags(c.flags), MaxSessions: known(c.maxSessions), MaxRWSessions: known(c.maxRWSessions),
		MaxPIN: known(c.maxPIN), MinPIN: known(c.minPIN), Hardware: c.hardware, Firmware: c.firmware,
	}, nil
}

// MechanismInfo asks what a token can do with a mechanism (C_GetMechanismInfo). The error is a CallError.
func (m *Module) MechanismInfo(slot SlotID, mechanism MechanismType) (MechanismInfo, error) {
	g, c := &gate{module: m}, new([3]uint)
	if err := g.call(fnGetMechanismInfo, uintptr(slot), uintptr(mechanism), uintptr(unsafe.Pointer(c)), 0, 0); err != nil {
		return MechanismInfo{}, err
	}
	return MechanismInfo{MinKeySize: c[0], MaxKeySize: c[1], Flags: Flags(c[2])}, nil
}
