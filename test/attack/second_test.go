package attack_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
	"github.com/claviger/claviger/test/daemontest"
)

// twoUsers configures two applications that have nothing in common.
const twoUsers = common + `
[[slot]]
name       = "a/key"
algorithm  = "HMAC-SHA-256"
providers  = ["software"]
operations = ["all"]

[[slot]]
name       = "a/pair"
algorithm  = "ECDH-P256"
providers  = ["software"]
operations = ["all"]

[[cert_slot]]
name = "a/cert"

[[trust_store]]
name    = "a/store"
members = ["a/cert"]

[[slot]]
name       = "b/key"
algorithm  = "HMAC-SHA-256"
providers  = ["software"]
operations = ["all"]

[[slot]]
name       = "b/pair"
algorithm  = "ECDH-P256"
providers  = ["software"]
operations = ["all"]

[[cert_slot]]
name = "b/cert"

[[trust_store]]
name    = "b/store"
members = ["b/cert"]

[[app]]
name = "a"
uid  = {{.UserA}}
[app.resources]
AKey   = { slot = "a/key", write = ["generate", "import", "persist", "clear"] }
APair  = { slot = "a/pair", write = ["generate", "import", "persist", "clear"] }
ACert  = { cert_slot = "a/cert", write = ["save", "clear", "crl"] }
AStore = { trust_store = "a/store" }

[[app]]
name = "b"
uid  = {{.UserB}}
[app.resources]
BKey   = { slot = "b/key", write = ["generate", "import", "persist", "clear"] }
BPair  = { slot = "b/pair", write = ["generate", "import", "persist", "clear"] }
BCert  = { cert_slot = "b/cert", write = ["save", "clear", "crl"] }
BStore = { trust_store = "b/store" }
`

// holdings are the handles of one user, of every kind there is.
type holdings struct {
	slot, pair, cert, store uint64 // resolved names
	key, private, secret    uint64 // live keys: for HMAC, a pair, and one to derive from
	mac, hash               uint64 // contexts; the code is on the slot, the hash has a message under way
	parsed                  uint64 // certificate
	region                  uint64
}

func (h holdings) all() map[string]uint64 {
	return map[string]uint64{"key slot": h.slot, "pair slot": h.pair, "certificate slot": h.cert, "trust store": h.store, "key": h.key,
		"pair": h.private, "secret": h.secret, "MAC context": h.mac, "hash context": h.hash, "certificate": h.parsed, "region": h.region}
}

func resolve(p *peer, name string, kind claviger.ResourceType) (uint64, error) {
	var reply pb.ResolveReply
	err := p.control(wire.OpResolve, &pb.ResolveRequest{Name: name, Type: uint32(kind)}, &reply)
	return reply.Handle, err
}

// settle fills a user's slots and opens one of everything; prefix is that of its names.
func settle(t *testing.T, p *peer, prefix string, certificate []byte) holdings {
	t.Helper()
	var h holdings
	for name, to := range map[string]*uint64{"Key": &h.slot, "Pair": &h.pair} {
		*to = must(resolve(p, prefix+name, claviger.TypeKeySlot))(t)
		check(t, p.control(wire.OpGenerate, &pb.GenerateRequest{Target: &pb.KeyTarget{Slot: *to}}, nil))
	}
	h.cert = must(resolve(p, prefix+"Cert", claviger.TypeCertSlot))(t)
	h.store = must(resolve(p, prefix+"Store", claviger.TypeTrustStore))(t)
	var key pb.KeyReply
	for algorithm, to := range map[string]*uint64{"HMAC-SHA-256": &h.key, "ECDH-P256": &h.private, "SECRET": &h.secret} {
		check(t, p.control(wire.OpGenerate, &pb.GenerateRequest{Algorithm: algorithm}, &key))
		*to = key.Handle
	}
	var made pb.CreateContextReply
	check(t, p.control(wire.OpCreateContext, &pb.CreateContextRequest{Kind: uint32(claviger.MACContext), Algorithm: "HMAC-SHA-256", Key: h.slot}, &made))
	h.mac = made.Handle
	check(t, p.control(wire.OpCreateContext, &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHA-256"}, &made))
	h.hash = made.Handle
	must(p.data(wire.OpInit, 0, wire.Data{Handle: h.hash}))(t)
	var parsed pb.ParseCertificateReply
	check(t, p.control(wire.OpParseCertificate, &pb.ParseCertificateRequest{Data: certificate, Format: uint32(claviger.DER)}, &parsed))
	h.parsed = parsed.Handles[0]
	check(t, p.control(wire.OpSaveCertificate, &pb.SaveCertificateRequest{Certificate: h.parsed, Slot: h.cert}, nil))
	h.region = p.region(1 << 20)
	return h
}

// TestSecondUserSeesNothing: whatever the second user sends with the first one's names and handles, the answers are those
// for things that do not exist, and the first one's things stay as they were.
func TestSecondUserSeesNothing(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, twoUsers)
	certificate := selfSigned(t)
	a, b := newPeer(t, d, daemontest.UserA), newPeer(t, d, daemontest.UserB)
	hisA, hisB := settle(t, a, "A", certificate), settle(t, b, "B", certificate)
	before := must(a.data(wire.OpOneShot, 0, wire.Data{Handle: hisA.mac, Payload: []byte("message")}))(t)
	t.Run("names", func(t *testing.T) { namesDoNotExist(t, b) })
	t.Run("handles", func(t *testing.T) {
		for what, h := range hisA.all() {
			handleDoesNotExist(t, b, hisB, what, h)
		}
	})
	t.Run("neighbours", func(t *testing.T) { neighboursDoNotExist(t, b, hisA) })
	t.Run("listings", func(t *testing.T) { listingsHoldNothing(t, b) })
	after := must(a.data(wire.OpOneShot, 0, wire.Data{Handle: hisA.mac, Payload: []byte("message")}))(t)
	if !bytes.Equal(before, after) {
		t.Error("the first user's MAC context gives another code now")
	}
	must(a.data(wire.OpFinalize, 0, wire.Data{Handle: hisA.hash}))(t)
	check(t, a.control(wire.OpKeyInfo, &pb.KeyInfoRequest{Key: hisA.private}, nil))
	check(t, a.control(wire.OpCertificateInfo, &pb.CertificateRequest{Certificate: hisA.cert}, nil))
	var handles []uint64
	for _, h := range hisA.all() {
		handles = append(handles, h)
	}
	check(t, a.control(wire.OpRelease, &pb.ReleaseRequest{Handles: handles}, nil)) // all of them are still there
}

// namesDoNotExist tries the first user's names, and the slots' own, as every type of resource.
func namesDoNotExist(t *testing.T, b *peer) {
	for _, name := range []string{"AKey", "APair", "ACert", "AStore", "a/key", "a/pair", "a/cert", "a/store", "b/key", "b/cert"} {
		for kind := range claviger.TypeDataObject + 2 {
			_, got := resolve(b, name, kind)
			none := strings.Repeat("x", len(name))
			_, want := resolve(b, none, kind)
			if got == nil || want == nil || got.Error() != strings.ReplaceAll(want.Error(), none, name) {
				t.Errorf("name %s as type %d: got %v, for a name that does not exist %v", name, kind, got, want)
			}
		}
	}
}

// unused is a handle that no session here has been given.
const unused = 0xFFFF_FFF0_1234_5678

// handleDoesNotExist sends a foreign handle in every field of every operation that takes one. All other handles are the
// sender's own, so that it is the foreign one that is refused.
func handleDoesNotExist(t *testing.T, b *peer, own holdings, what string, foreign uint64) {
	for _, r := range requests(own, foreign) {
		twin := requestTwin(r.message, foreign)
		got, want := b.control(r.op, r.message, nil), b.control(r.op, twin, nil)
		if !errors.Is(got, claviger.ErrResourceNotFound) || want == nil || got.Error() != want.Error() {
			t.Errorf("%s with another's %s as %s: got %v, for a handle that does not exist %v", r.op, what, r.field, got, want)
		}
	}
	for _, op := range []wire.Op{wire.OpInit, wire.OpUpdate, wire.OpFinalize, wire.OpReset, wire.OpOneShot} {
		_, got := b.data(op, 0, wire.Data{Handle: foreign})
		_, want := b.data(op, 0, wire.Data{Handle: unused})
		if !errors.Is(got, claviger.ErrResourceNotFound) || want == nil || got.Error() != want.Error() {
			t.Errorf("%s on another's %s: got %v, for a handle that does not exist %v", op, what, got, want)
		}
	}
	for op, handle := range map[wire.Op]uint64{wire.OpUpdate: own.hash, wire.OpFinalize: own.hash, wire.OpOneShot: own.mac} {
		ref := wire.RegionRef{Handle: foreign}
		if op != wire.OpFinalize {
			ref.Length = 64
		}
		_, got := b.data(op, wire.FlagRegion, wire.Data{Handle: handle, Region: ref})
		ref.Handle = unused
		_, want := b.data(op, wire.FlagRegion, wire.Data{Handle: handle, Region: ref})
		if !errors.Is(got, claviger.ErrInvalidMemoryRegion) || want == nil || got.Error() != want.Error() {
			t.Errorf("%s with another's %s as region: got %v, for a handle that does not exist %v", op, what, got, want)
		}
	}
}

// neighboursDoNotExist walks the numbers around the first user's handles.
func neighboursDoNotExist(t *testing.T, b *peer, his holdings) {
	for what, h := range his.all() {
		for i := range uint64(64) {
			for _, guess := range []uint64{h + i - 32, h + (i-32)<<32, h ^ 1<<i} {
				if _, err := b.data(wire.OpReset, 0, wire.Data{Handle: guess}); err == nil {
					t.Errorf("handle %#x beside another's %s is a context", guess, what)
				}
				if err := b.control(wire.OpKeyInfo, &pb.KeyInfoRequest{Key: guess}, nil); err == nil {
					t.Errorf("handle %#x beside another's %s is a key", guess, what)
				}
			}
		}
	}
}

// listingsHoldNothing looks for the first user in all that the second may list.
func listingsHoldNothing(t *testing.T, b *peer) {
	var slots pb.ListSlotsReply
	check(t, b.control(wire.OpListSlots, &pb.ListSlotsRequest{}, &slots))
	if len(slots.Slots) != 4 {
		t.Errorf("the second user lists %d names, want its own 4", len(slots.Slots))
	}
	for _, s := range slots.Slots {
		if !strings.HasPrefix(s.Name, "B") || !strings.HasPrefix(s.Slot, "b/") {
			t.Errorf("the second user lists %s (%s)", s.Name, s.Slot)
		}
	}
	wantCode(t, "the objects of a device", b.control(wire.OpObjects, &pb.ObjectsRequest{Provider: 2}, nil), claviger.ErrAccessDenied)
	var status pb.StatusReply
	check(t, b.control(wire.OpStatus, &pb.StatusRequest{}, &status))
	if len(status.Tenants) != 1 || status.Tenants[0].Name != "b" {
		t.Errorf("status shows the second user %d tenants", len(status.Tenants))
	}
	if status.Frames != status.Tenants[0].Frames || status.LoadedSlots != 0 || status.StoreBytes != 0 || status.Config != "" || status.Keeper != "" || len(status.Damaged) != 0 {
		t.Errorf("status shows the second user what is the whole daemon's: %d frames, %d loaded slots, store of %d bytes, configuration %q",
			status.Frames, status.LoadedSlots, status.StoreBytes, status.Config)
	}
	wantCode(t, "reload", b.control(wire.OpReload, &pb.ReloadRequest{}, nil), claviger.ErrAccessDenied)
	wantCode(t, "compact", b.control(wire.OpCompact, &pb.CompactRequest{}, nil), claviger.ErrAccessDenied)
}

// request is a control request with a foreign handle in one field.
type request struct {
	op      wire.Op
	field   string
	message proto.Message
}

// requests gives every control request that takes handles, once for each of its handle fields.
func requests(own holdings, foreign uint64) []request {
	kdf := &pb.Kdf{Algorithm: "HKDF-SHA-256"}
	templates := map[wire.Op]proto.Message{
		wire.OpRelease:           &pb.ReleaseRequest{Handles: []uint64{foreign}},
		wire.OpCreateContext:     &pb.CreateContextRequest{Kind: uint32(claviger.MACContext), Algorithm: "HMAC-SHA-256", Key: own.key},
		wire.OpAdopt:             &pb.AdoptRequest{Slot: own.slot, Label: "x", Rotate: true},
		wire.OpGenerate:          &pb.GenerateRequest{Target: &pb.KeyTarget{Slot: own.slot, Rotate: true}},
		wire.OpImport:            &pb.ImportRequest{Format: uint32(claviger.Raw), Data: make([]byte, 32), Target: &pb.KeyTarget{Slot: own.slot, Rotate: true}},
		wire.OpPersist:           &pb.PersistRequest{Key: own.key, Slot: own.slot, Rotate: true},
		wire.OpLoad:              &pb.LoadRequest{Slot: own.slot},
		wire.OpClear:             &pb.ClearRequest{Slot: own.slot},
		wire.OpExport:            &pb.ExportRequest{Key: own.key, Format: uint32(claviger.Raw)},
		wire.OpPublicKey:         &pb.PublicKeyRequest{Key: own.private, Format: uint32(claviger.DER)},
		wire.OpKeyInfo:           &pb.KeyInfoRequest{Key: own.key},
		wire.OpSlotInfo:          &pb.SlotInfoRequest{Slot: own.slot},
		wire.OpAgree:             &pb.AgreeRequest{Key: own.private, PeerKey: own.private, Target: &pb.KeyTarget{Slot: own.slot, Rotate: true}},
		wire.OpDerive:            &pb.DeriveRequest{Key: own.secret, Kdf: kdf, Target: &pb.KeyTarget{Slot: own.slot, Rotate: true}},
		wire.OpEncapsulate:       &pb.EncapsulateRequest{Key: own.private, Kdf: kdf, Target: &pb.KeyTarget{Slot: own.slot, Rotate: true}},
		wire.OpDecapsulate:       &pb.DecapsulateRequest{Key: own.private, Kdf: kdf, Target: &pb.KeyTarget{Slot: own.slot, Rotate: true}},
		wire.OpSaveCertificate:   &pb.SaveCertificateRequest{Certificate: own.parsed, Slot: own.cert},
		wire.OpLoadCertificate:   &pb.CertificateRequest{Certificate: own.cert},
		wire.OpClearCertificate:  &pb.CertificateRequest{Certificate: own.cert},
		wire.OpCertificateInfo:   &pb.CertificateRequest{Certificate: own.cert},
		wire.OpExportCertificate: &pb.ExportCertificateRequest{Certificate: own.parsed},
		wire.OpImportCRL:         &pb.ImportCrlRequest{Data: []byte{0x30, 0}, Issuer: own.parsed},
		wire.OpCertificateKey:    &pb.CertificateRequest{Certificate: own.parsed},
		wire.OpTrustStoreMembers: &pb.CertificateRequest{Certificate: own.store},
		wire.OpVerifyCertificate: &pb.VerifyCertificateRequest{Certificate: own.parsed, Chain: []uint64{own.parsed}, TrustStores: []uint64{own.store}, Anchors: []uint64{own.parsed}},
	}
	var list []request
	for op, template := range templates {
		for _, field := range handleFields(template.ProtoReflect()) {
			message := proto.Clone(template)
			field.set(message.ProtoReflect(), foreign)
			list = append(list, request{op, field.String(), message})
		}
	}
	return list
}

// requestTwin is a request with the unused handle in place of the foreign one.
func requestTwin(m proto.Message, foreign uint64) proto.Message {
	twin := proto.Clone(m)
	for _, field := range handleFields(m.ProtoReflect()) {
		if field.get(m.ProtoReflect()) == foreign {
			field.set(twin.ProtoReflect(), unused)
		}
	}
	return twin
}

// handleField leads to a handle in a message: a field of it, or of its target.
type handleField []protoreflect.FieldDescriptor

// handleFields finds the fields of a message that hold handles: its 64-bit numbers but versions.
func handleFields(m protoreflect.Message) []handleField {
	var list []handleField
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.Kind() == protoreflect.Uint64Kind && f.Name() != "version":
			list = append(list, handleField{f})
		case f.Name() == "target":
			list = append(list, handleField{f, f.Message().Fields().ByName("slot")})
		}
	}
	return list
}

func (f handleField) String() string { return fmt.Sprint(f[len(f)-1].Name()) }

func (f handleField) set(m protoreflect.Message, h uint64) {
	last := f[len(f)-1]
	if len(f) > 1 {
		m = m.Mutable(f[0]).Message()
	}
	if last.IsList() {
		list := m.NewField(last).List()
		list.Append(protoreflect.ValueOfUint64(h))
		m.Set(last, protoreflect.ValueOfList(list))
		return
	}
	m.Set(last, protoreflect.ValueOfUint64(h))
}

func (f handleField) get(m protoreflect.Message) uint64 {
	last := f[len(f)-1]
	if len(f) > 1 {
		m = m.Get(f[0]).Message()
	}
	if last.IsList() {
		return m.Get(last).List().Get(0).Uint()
	}
	return m.Get(last).Uint()
}
