package client

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// KeyManagerConfig says where a manager makes keys and how long it waits.
type KeyManagerConfig struct {
	Provider ProviderSelector // of new keys; the zero value leaves it to slot and daemon
	Timeout  time.Duration    // of each call; 0 is the stack's, NoTimeout is none
}

// KeyManager makes keys and moves them between sessions and slots. Each method is one round
// trip, and those whose names end in In write into a slot: durable before they return, with the
// number of the version that was written as the result. A timeout of such a call leaves open
// whether the key was written. Safe for concurrent use.
type KeyManager struct {
	cc       *CryptoContext
	provider ProviderSelector
	timeout  time.Duration
	closed   atomic.Bool
}

// NewKeyManager makes a manager. It makes no call.
func (c *CryptoContext) NewKeyManager(_ context.Context, config KeyManagerConfig) (*KeyManager, error) {
	if err := c.check("create key manager"); err != nil {
		return nil, err
	}
	return &KeyManager{cc: c, provider: config.Provider, timeout: config.Timeout}, nil
}

// Close ends the manager. Keys that it made stay. Idempotent.
func (m *KeyManager) Close() error {
	m.closed.Store(true)
	return nil
}

// GenerateParams says which key to generate.
type GenerateParams struct {
	Algorithm         claviger.Algorithm   // key algorithm: "AES-256", "ECDSA-P256", "ML-DSA-65", ...; "" takes the slot's
	Permissions       claviger.Permission  // what the key may serve; 0 is all, for a slot what the slot permits
	NoPermissions     bool                 // the key may serve nothing; Permissions is 0
	PublicPermissions *claviger.Permission // of the public half of a pair; nil leaves verifying, encrypting and encapsulating open
	Rotate            bool                 // into a slot: write the next version of an occupied one
}

// ImportParams says what key to import from where.
type ImportParams struct {
	Algorithm     claviger.Algorithm  // key algorithm; "" takes what the data says, or the slot's
	Format        claviger.Format     // DER and PEM: PKCS #8 or SubjectPublicKeyInfo; Raw: bare bytes, which Algorithm explains
	Data          []byte              // not kept; the caller may wipe it after the call
	Permissions   claviger.Permission // what the key may serve; 0 is all, for a slot what the slot permits
	NoPermissions bool                // the key may serve nothing; Permissions is 0
	Rotate        bool                // into a slot: write the next version of an occupied one
}

// Generate makes a key or a pair; it is ephemeral until it is persisted.
func (m *KeyManager) Generate(ctx context.Context, p GenerateParams) (*Key, error) {
	return m.make(ctx, "generate key", wire.OpGenerate, p.Permissions, p.NoPermissions, p.message)
}

// GenerateIn makes a key or a pair in a slot. ErrKeySlotOccupied if a key is there and Rotate
// is not set.
func (m *KeyManager) GenerateIn(ctx context.Context, slot *KeySlot, p GenerateParams) (uint64, error) {
	return m.makeIn(ctx, "generate key", wire.OpGenerate, slot, p.Permissions, p.NoPermissions, p.Rotate, p.message)
}

// message makes the request for a target.
func (p *GenerateParams) message(t *pb.KeyTarget) proto.Message {
	req := &pb.GenerateRequest{Algorithm: string(p.Algorithm), Target: t}
	if p.PublicPermissions != nil {
		req.PublicPermissions = new(uint32(*p.PublicPermissions))
	}
	return req
}

// Import makes an ephemeral key of bytes. Bytes that are no key in that format are
// ErrInvalidFormat. A key of another algorithm is ErrIncompatibleKeyType, and so are secret
// bytes of a length that the algorithm does not take, such as 31 as AES-256. Raw bytes do not
// say what they are: without Algorithm they are ErrInvalidArgument, and so are with it those of
// Ed25519, Ed448, X25519 and X448, whose halves are equally long; give these as DER or PEM.
func (m *KeyManager) Import(ctx context.Context, p ImportParams) (*Key, error) {
	return m.make(ctx, "import key", wire.OpImport, p.Permissions, p.NoPermissions, p.message)
}

// ImportIn writes a key of bytes into a slot, as Import takes them. ErrKeySlotOccupied if a key
// is there and Rotate is not set.
func (m *KeyManager) ImportIn(ctx context.Context, slot *KeySlot, p ImportParams) (uint64, error) {
	return m.makeIn(ctx, "import key", wire.OpImport, slot, p.Permissions, p.NoPermissions, p.Rotate, p.message)
}

// message makes the request for a target. It refers to Data and does not copy it.
func (p *ImportParams) message(t *pb.KeyTarget) proto.Message {
	return &pb.ImportRequest{Algorithm: string(p.Algorithm), Format: uint32(p.Format), Data: p.Data, Target: t}
}

// Load makes a key of a slot's newest version, or of the one that KeySlot.Version names. It is
// for work in several contexts at once; a single context takes the slot itself. ErrKeySlotEmpty
// if nothing is there.
func (m *KeyManager) Load(ctx context.Context, from KeySource) (*Key, error) {
	if err := m.check("load key"); err != nil {
		return nil, err
	}
	return m.cc.load(ctx, from, m.timeout)
}

// load is Load without a manager, for adapters.
func (c *CryptoContext) load(ctx context.Context, from KeySource, timeout time.Duration) (*Key, error) {
	const what = "load key"
	slot, err := slotOf(c, what, from)
	if err != nil {
		return nil, err
	}
	var reply pb.KeyReply
	req := &pb.LoadRequest{Slot: slot.handle, Version: slot.version}
	if err := c.control(ctx, what, wire.OpLoad, timeout, req, &reply); err != nil {
		return nil, err
	}
	return c.newKey(what, &reply)
}

// Persist copies an ephemeral key into an empty slot; the key itself stays as it is. Its
// permissions must be among the slot's, else ErrKeyOperationNotPermitted. ErrKeySlotOccupied if
// a key is there.
func (m *KeyManager) Persist(ctx context.Context, slot *KeySlot, key *Key) (uint64, error) {
	return m.persist(ctx, slot, key, false)
}

// Rotate copies an ephemeral key into a slot as its next version, which becomes the newest.
func (m *KeyManager) Rotate(ctx context.Context, slot *KeySlot, key *Key) (uint64, error) {
	return m.persist(ctx, slot, key, true)
}

// persist copies key into slot and gives the version written.
func (m *KeyManager) persist(ctx context.Context, slot *KeySlot, key *Key, rotate bool) (uint64, error) {
	const what = "persist key"
	to, err := slot.source(m.cc, what)
	if err != nil {
		return 0, err
	}
	from, err := key.source(m.cc, what)
	if err != nil {
		return 0, err
	}
	var reply pb.KeyReply
	err = m.control(ctx, what, wire.OpPersist, &pb.PersistRequest{Key: from.handle, Slot: to.handle, Rotate: rotate}, &reply)
	runtime.KeepAlive(key)
	return reply.GetVersion(), err
}

// Clear destroys all versions of a slot's key. Versions written later go on with the next
// number.
func (m *KeyManager) Clear(ctx context.Context, slot *KeySlot) error { return m.clear(ctx, slot, 0) }

// ClearVersion destroys one version of a slot's key. version is not 0.
func (m *KeyManager) ClearVersion(ctx context.Context, slot *KeySlot, version uint64) error {
	if version == 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, "clear key slot", "versions count from 1")
	}
	return m.clear(ctx, slot, version)
}

// clear destroys one version of a slot, or all of them for 0.
func (m *KeyManager) clear(ctx context.Context, slot *KeySlot, version uint64) error {
	const what = "clear key slot"
	from, err := slot.source(m.cc, what)
	if err != nil {
		return err
	}
	return m.control(ctx, what, wire.OpClear, &pb.ClearRequest{Slot: from.handle, Version: version}, &pb.ClearReply{})
}

// SlotInfo asks for a slot's state, algorithm, providers, permissions and versions.
func (m *KeyManager) SlotInfo(ctx context.Context, slot *KeySlot) (claviger.KeySlotInfo, error) {
	if err := m.check("slot info"); err != nil {
		return claviger.KeySlotInfo{}, err
	}
	reply, err := slot.query(ctx, m.cc, m.timeout)
	if err != nil {
		return claviger.KeySlotInfo{}, err
	}
	return slotInfo(reply), nil
}

// KeyInfo asks what a key is now.
func (m *KeyManager) KeyInfo(ctx context.Context, key *Key) (claviger.KeyInfo, error) {
	const what = "key info"
	from, err := key.source(m.cc, what)
	if err != nil {
		return claviger.KeyInfo{}, err
	}
	var reply pb.KeyReply
	err = m.control(ctx, what, wire.OpKeyInfo, &pb.KeyInfoRequest{Key: from.handle}, &reply)
	runtime.KeepAlive(key)
	if err != nil {
		return claviger.KeyInfo{}, err
	}
	return keyInfo(reply.GetKey()), nil
}

// Export gives a key's bytes: a secret key only as Raw, a private key as DER or PEM of PKCS #8
// or as Raw, a public key as DER or PEM of a SubjectPublicKeyInfo or as Raw. Raw is what the
// algorithm's own standard calls the encoding; Import takes it back with Algorithm given, but for
// Ed25519, Ed448, X25519 and X448, which are to be exported as DER or PEM. It needs Export,
// except for a public key. ErrKeyNotExportable if the provider never gives it out. The caller
// owns the bytes and wipes them.
func (m *KeyManager) Export(ctx context.Context, key KeySource, format claviger.Format) ([]byte, error) {
	const what = "export key"
	from, err := sourceOf(m.cc, what, key)
	if err != nil {
		return nil, err
	}
	var reply pb.ExportReply
	req := &pb.ExportRequest{Key: from.handle, Version: from.version, Format: uint32(format)}
	err = m.control(ctx, what, wire.OpExport, req, &reply)
	runtime.KeepAlive(key)
	return reply.GetData(), err
}

// PublicKey gives the public half of a pair: as a key of its own, and as a SubjectPublicKeyInfo
// in DER or PEM.
func (m *KeyManager) PublicKey(ctx context.Context, key KeySource, format claviger.Format) (*Key, []byte, error) {
	if err := m.check("public key"); err != nil {
		return nil, nil, err
	}
	return m.cc.publicKey(ctx, key, format, m.timeout)
}

// publicKey is PublicKey without a manager, for adapters.
func (c *CryptoContext) publicKey(ctx context.Context, key KeySource, format claviger.Format, timeout time.Duration) (*Key, []byte, error) {
	const what = "public key"
	from, err := sourceOf(c, what, key)
	if err != nil {
		return nil, nil, err
	}
	var reply pb.PublicKeyReply
	req := &pb.PublicKeyRequest{Key: from.handle, Version: from.version, Format: uint32(format)}
	err = c.control(ctx, what, wire.OpPublicKey, timeout, req, &reply)
	runtime.KeepAlive(key)
	if err != nil {
		return nil, nil, err
	}
	k, err := c.newKey(what, reply.GetKey())
	if err != nil {
		return nil, nil, err
	}
	return k, reply.GetData(), nil
}
