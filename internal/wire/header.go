package wire

import (
	"encoding/binary"

	"github.com/claviger/claviger"
)

// Sizes of the fixed bodies in bytes.
const (
	RegionBody  = 8 // request of OpRegion: the size; its reply: the handle
	outputBody  = 8 // reply with FlagRegion: how many bytes of output the region got
	MaxErrorLen = 1 << 10
)

// Header is a frame's header without its reserved field.
type Header struct {
	Length    uint32 // of the body in bytes
	Op        Op
	Flags     Flags
	ID        uint64 // chosen by the client; a reply carries its request's
	Remaining uint32 // requests: microseconds left, 0 for the daemon's default, or NoDeadline; replies: 0
}

// Put writes the header into the first HeaderSize bytes of b, which must be there.
func (h Header) Put(b []byte) {
	_ = b[HeaderSize-1]
	binary.LittleEndian.PutUint32(b[0:], h.Length)
	binary.LittleEndian.PutUint16(b[4:], uint16(h.Op))
	binary.LittleEndian.PutUint16(b[6:], uint16(h.Flags))
	binary.LittleEndian.PutUint64(b[8:], h.ID)
	binary.LittleEndian.PutUint32(b[16:], h.Remaining)
	binary.LittleEndian.PutUint32(b[20:], 0)
}

// Append appends the header's HeaderSize bytes to dst.
func (h Header) Append(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	h.Put(dst[n:])
	return dst
}

// parse reads a header without judging it, apart from the reserved field and the flags that no frame has.
func parse(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "header of %d bytes; it has %d", len(b), HeaderSize)
	}
	h := Header{
		Length:    binary.LittleEndian.Uint32(b[0:]),
		Op:        Op(binary.LittleEndian.Uint16(b[4:])),
		Flags:     Flags(binary.LittleEndian.Uint16(b[6:])),
		ID:        binary.LittleEndian.Uint64(b[8:]),
		Remaining: binary.LittleEndian.Uint32(b[16:]),
	}
	if r := binary.LittleEndian.Uint32(b[20:]); r != 0 {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "reserved field is %#x; it must be zero", r)
	}
	if h.Flags&^Flags(knownFlags) != 0 {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "unknown flags %#x", uint16(h.Flags))
	}
	return h, nil
}

// ParseRequest reads the header of a request from the first HeaderSize bytes of b and refuses, with ErrInvalidFormat,
// flags that the operation does not take and a body beyond the operation's limit. An operation that it does not know
// passes with the limit of its encoding: answering it is the server's work. The Header is what was read, also beside
// an error, so that the refusal can carry the id.
func ParseRequest(b []byte) (Header, error) {
	h, err := parse(b)
	if err != nil {
		return h, err
	}
	if bad := h.Flags &^ h.Op.requestFlags(); bad != 0 {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "%s does not take flags %#x", h.Op, uint16(bad))
	}
	if h.Op.needsFD() && h.Flags&FlagFD == 0 {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "%s comes with a descriptor", h.Op)
	}
	return h, checkLength(h, h.Op.requestLimit())
}

// ParseReply reads the header of a reply from the first HeaderSize bytes of b, with the refusals of ParseRequest.
func ParseReply(b []byte) (Header, error) {
	h, err := parse(b)
	if err != nil {
		return h, err
	}
	limit := h.Op.replyLimit()
	switch h.Flags {
	case FlagReply:
	case FlagReply | FlagError:
		limit = MaxErrorLen
	case FlagReply | FlagRegion:
		if !h.Op.takesRegion() {
			return h, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "reply to %s speaks of a region", h.Op)
		}
	default:
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "frame", "reply with flags %#x", uint16(h.Flags))
	}
	return h, checkLength(h, limit)
}

func checkLength(h Header, limit uint32) error {
	if h.Length > limit {
		return claviger.Errorf(claviger.ErrInvalidFormat, "frame", "body of %s has %d bytes; the limit is %d", h.Op, h.Length, limit)
	}
	return nil
}

func (o Op) requestLimit() uint32 {
	switch o {
	case OpHello:
		return MaxHello
	case OpPing, OpCancel, OpConnect:
		return 0
	case OpRegion:
		return RegionBody
	}
	if o.Control() {
		return MaxControl
	}
	return MaxData
}

func (o Op) replyLimit() uint32 {
	if o == OpHello || o == OpRegion {
		return MaxHello
	}
	return o.requestLimit()
}

// Data reports whether the frame's body has the prefix of a data operation.
func (o Op) Data() bool { return o >= OpInit && o <= OpOneShot }

func (o Op) takesRegion() bool { return o == OpUpdate || o == OpFinalize || o == OpOneShot }
func (o Op) needsFD() bool     { return o == OpConnect || o == OpRegion }

func (o Op) requestFlags() Flags {
	var f Flags
	if o.needsFD() {
		f |= FlagFD
	}
	if o.takesRegion() {
		f |= FlagRegion
	}
	if o == OpFinalize {
		f |= FlagKeep
	}
	return f
}

var linkOps = [...]string{OpHello: "hello", OpPing: "ping", OpCancel: "cancel", OpConnect: "connect", OpRegion: "region",
	OpInit: "init", OpUpdate: "update", OpFinalize: "finalize", OpReset: "reset", OpOneShot: "one-shot"}

var controlOps = [...]string{
	OpResolve &^ ControlBit: "resolve", OpRelease &^ ControlBit: "release", OpCreateContext &^ ControlBit: "create-context",
	OpGenerate &^ ControlBit: "generate", OpImport &^ ControlBit: "import", OpPersist &^ ControlBit: "persist",
	OpLoad &^ ControlBit: "load", OpClear &^ ControlBit: "clear", OpExport &^ ControlBit: "export",
	OpPublicKey &^ ControlBit: "public-key", OpKeyInfo &^ ControlBit: "key-info", OpSlotInfo &^ ControlBit: "slot-info",
	OpAgree &^ ControlBit: "agree", OpDerive &^ ControlBit: "derive", OpEncapsulate &^ ControlBit: "encapsulate",
	OpDecapsulate &^ ControlBit: "decapsulate", OpAdopt &^ ControlBit: "adopt", OpParseCertificate &^ ControlBit: "parse-certificate",
	OpSaveCertificate &^ ControlBit: "save-certificate", OpLoadCertificate &^ ControlBit: "load-certificate",
	OpClearCertificate &^ ControlBit: "clear-certificate", OpCertificateInfo &^ ControlBit: "certificate-info",
	OpExportCertificate &^ ControlBit: "export-certificate", OpImportCRL &^ ControlBit: "import-crl",
	OpCertificateKey &^ ControlBit: "certificate-key", OpTrustStoreMembers &^ ControlBit: "trust-store-members",
	OpVerifyCertificate &^ ControlBit: "verify-certificate", OpCapabilities &^ ControlBit: "capabilities",
	OpStatus &^ ControlBit: "status", OpListSlots &^ ControlBit: "list-slots", OpReload &^ ControlBit: "reload",
	OpCompact &^ ControlBit: "compact", OpObjects &^ ControlBit: "objects", OpPutSecret &^ ControlBit: "put-secret",
	OpReplaceSecret &^ ControlBit: "replace-secret", OpGetSecret &^ ControlBit: "get-secret",
	OpListSecrets &^ ControlBit: "list-secrets", OpInvalidateSecret &^ ControlBit: "invalidate-secret",
	OpSealCapsule &^ ControlBit: "seal-capsule", OpOpenCapsule &^ ControlBit: "open-capsule",
	OpRotateCapsuleKey &^ ControlBit: "rotate-capsule-key", OpDestroyCapsuleKey &^ ControlBit: "destroy-capsule-key",
	OpBecomeGuest &^ ControlBit: "become-guest", OpMakeManaged &^ ControlBit: "make-managed",
	OpReplaceManaged &^ ControlBit: "replace-managed", OpOpenManaged &^ ControlBit: "open-managed",
	OpInvalidateManaged &^ ControlBit: "invalidate-managed", OpListManaged &^ ControlBit: "list-managed",
	OpOpenState &^ ControlBit: "open-state", OpRunState &^ ControlBit: "run-state",
}

// String gives the operation's word, "unknown" for a number without one. It allocates nothing.
func (o Op) String() string {
	names, i := linkOps[:], o
	if o.Control() {
		names, i = controlOps[:], o&^ControlBit
	}
	if int(i) < len(names) && names[i] != "" {
		return names[i]
	}
	return "unknown"
}

// Known reports whether the operation has a number in this package.
func (o Op) Known() bool { return o.String() != "unknown" }

// Ops lists all operations in the order of their numbers. The caller owns the slice.
func Ops() []Op {
	var list []Op
	for i, name := range linkOps {
		if name != "" {
			list = append(list, Op(i))
		}
	}
	for i, name := range controlOps {
		if name != "" {
			list = append(list, ControlBit|Op(i))
		}
	}
	return list
}
