// Package wire turns frames and messages into bytes and back. It opens no sockets, keeps no keys and decides nothing.
// docs/PROTOCOL.md is its contract for other languages.
//
// A frame is a header of HeaderSize bytes and a body, all numbers little-endian:
//
//	 0        4    6      8                 16        20        24
//	+--------+----+------+-----------------+---------+---------+------ - -
//	| length | op | flags|   request id    |remaining|reserved | body
//	+--------+----+------+-----------------+---------+---------+------ - -
//
// length counts the body. remaining is what is left of the caller's time in microseconds: 0 is the daemon's default,
// NoDeadline is none. reserved is zero. A reply carries the op and the id of its request.
package wire

// Version is the protocol version that this package speaks, the lowest and the highest alike.
const Version = 1

// HeaderSize is the size of a frame's header in bytes.
const HeaderSize = 24

// Limits of a frame's body in bytes. A body beyond its limit is refused from the header.
const (
	MaxInline  = 64 << 10              // payload of a data operation; more goes by region
	DataSlack  = 4 << 10               // what a data body may have beside its payload
	MaxData    = MaxInline + DataSlack // whole body of a data operation, and of its reply
	MaxControl = 2 << 20               // body of a control operation
	MaxHello   = 1 << 10               // body of a hello
)

// NoDeadline in a header's remaining field means that the caller waits for ever. Longer times than the field holds are
// sent as MaxRemaining.
const (
	NoDeadline   = 0xFFFF_FFFF
	MaxRemaining = 0xFFFF_FFFE
)

// Op is the operation of a frame. Bit 15 says that the body is a protobuf message of proto/control.proto. Numbers are
// never reused.
type Op uint16

// ControlBit marks control operations.
const ControlBit Op = 0x8000

// Link operations and data operations: fixed prefix and raw bytes.
const (
	OpHello    Op = 0x0001 // first frame both ways
	OpPing     Op = 0x0002 // empty reply
	OpCancel   Op = 0x0003 // id names the call that its caller gave up; no reply
	OpConnect  Op = 0x0004 // with FlagFD: a further connection of this session
	OpRegion   Op = 0x0005 // with FlagFD: a region; the body is its size (8 bytes), the reply its handle (8 bytes)
	OpInit     Op = 0x0010
	OpUpdate   Op = 0x0011
	OpFinalize Op = 0x0012 // Verify contexts: the first part is the signature, the reply is one byte
	OpReset    Op = 0x0013
	OpOneShot  Op = 0x0014
)

// Control operations, each with the messages of the same name.
const (
	OpResolve           = ControlBit | 0x01
	OpRelease           = ControlBit | 0x02
	OpCreateContext     = ControlBit | 0x03
	OpGenerate          = ControlBit | 0x10
	OpImport            = ControlBit | 0x11
	OpPersist           = ControlBit | 0x12
	OpLoad              = ControlBit | 0x13
	OpClear             = ControlBit | 0x14
	OpExport            = ControlBit | 0x15
	OpPublicKey         = ControlBit | 0x16
	OpKeyInfo           = ControlBit | 0x17
	OpSlotInfo          = ControlBit | 0x18
	OpAgree             = ControlBit | 0x19
	OpDerive            = ControlBit | 0x1A
	OpEncapsulate       = ControlBit | 0x1B
	OpDecapsulate       = ControlBit | 0x1C
	OpAdopt             = ControlBit | 0x1D
	OpParseCertificate  = ControlBit | 0x30
	OpSaveCertificate   = ControlBit | 0x31
	OpLoadCertificate   = ControlBit | 0x32 // CertificateRequest → LoadCertificateReply
	OpClearCertificate  = ControlBit | 0x33 // CertificateRequest → ClearCertificateReply
	OpCertificateInfo   = ControlBit | 0x34 // CertificateRequest → CertificateInfoReply
	OpExportCertificate = ControlBit | 0x35 // ExportCertificateRequest → ExportReply
	OpImportCRL         = ControlBit | 0x36
	OpCertificateKey    = ControlBit | 0x37 // CertificateRequest → CertificateKeyReply
	OpTrustStoreMembers = ControlBit | 0x38 // CertificateRequest (a trust store's handle) → TrustStoreMembersReply
	OpVerifyCertificate = ControlBit | 0x39
	OpCapabilities      = ControlBit | 0x50
	OpStatus            = ControlBit | 0x51
	OpListSlots         = ControlBit | 0x52
	OpReload            = ControlBit | 0x53
	OpCompact           = ControlBit | 0x54
	OpObjects           = ControlBit | 0x55
	OpPutSecret         = ControlBit | 0x60
	OpReplaceSecret     = ControlBit | 0x61
	OpGetSecret         = ControlBit | 0x62
	OpListSecrets       = ControlBit | 0x63
	OpInvalidateSecret  = ControlBit | 0x64
	OpSealCapsule       = ControlBit | 0x65
	OpOpenCapsule       = ControlBit | 0x66
	OpRotateCapsuleKey  = ControlBit | 0x67
	OpDestroyCapsuleKey = ControlBit | 0x68
	OpBecomeGuest       = ControlBit | 0x70
	OpMakeManaged       = ControlBit | 0x71 // MakeManagedRequest → ManagedReply
	OpReplaceManaged    = ControlBit | 0x72 // ReplaceManagedRequest → ManagedReply
	OpOpenManaged       = ControlBit | 0x73 // OpenManagedRequest → ManagedReply
	OpInvalidateManaged = ControlBit | 0x74
	OpListManaged       = ControlBit | 0x75
	OpOpenState         = ControlBit | 0x78 // OpenStateRequest → StateReply
	OpRunState          = ControlBit | 0x79 // RunStateRequest → StateReply
)

// Control reports whether the frame's body is a protobuf message.
func (o Op) Control() bool { return o&ControlBit != 0 }

// Flags of a frame.
type Flags uint16

// The flags. A frame with a flag that is not listed is refused.
const (
	FlagReply  Flags = 1 << iota // from the daemon
	FlagError                    // reply: the body is a code (4 bytes) and a text
	FlagFD                       // one descriptor comes with this frame's first byte
	FlagRegion                   // data: the payload is in a region; reply: so is the output
	FlagKeep                     // Finalize: work on a copy, the stream goes on
	knownFlags = 1<<iota - 1
)
