package session

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

func TestStatusShowsTheirOwnToTenantsAndAllToAdministrators(t *testing.T) {
	r := newRig(t, Limits{})
	a, b, admin := r.session(t, alice), r.session(t, bob), r.session(t, root)
	a.CountFrame("resolve")
	a.CountFrame("resolve")
	b.CountFrame("ping")
	a.key(t, "AES-256", 0)
	own, err := a.Status(t.Context(), nil)
	ok(t, err)
	if len(own.Tenants) != 1 || own.Tenants[0].Name != "alice" || own.Tenants[0].Keys != 1 || own.Frames != 2 || own.Tenants[0].Operations["resolve"] != 2 {
		t.Errorf("%v", own)
	}
	all, err := admin.Status(t.Context(), nil)
	ok(t, err)
	if len(all.Tenants) != 3 || all.Frames != 3 || all.Pid == 0 || all.Started == 0 {
		t.Errorf("%v", all)
	}
	for what, err := range map[string]error{"reload": second(a.Reload(t.Context(), nil)), "compact": second(a.Compact(t.Context(), nil))} {
		fails(t, what, err, claviger.ErrAccessDenied)
	}
	for what, err := range map[string]error{"reload": second(admin.Reload(t.Context(), nil)), "compact": second(admin.Compact(t.Context(), nil))} {
		fails(t, what+" without a hook", err, claviger.ErrUnsupportedOperation)
	}
}

func TestListSlotsShowsWhatTheCallerCanResolve(t *testing.T) {
	r := newRig(t, Limits{})
	a, b := r.session(t, alice), r.session(t, bob)
	a.fill(t, "data")
	list, err := b.ListSlots(t.Context(), nil)
	ok(t, err)
	if len(list.Slots) != 1 || list.Slots[0].Name != "data" || list.Slots[0].Info.State != uint32(claviger.SlotOccupied) || list.Slots[0].Info.Permissions != uint32(claviger.Encrypt) {
		t.Errorf("%v", list)
	}
	r.SetPolicy(policy.New(policy.Rules{Open: &policy.OpenRule{UID: 5, Providers: []claviger.ProviderID{2}}}))
	open := r.session(t, 5)
	open.slot(t, "anything")
	if list, err = open.ListSlots(t.Context(), nil); err != nil || len(list.Slots) != 1 || list.Slots[0].Name != "shared" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestAnOldVersionIsReachedByItsNumber(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	slot := s.fill(t, "data")
	up := s.make(t, claviger.CipherContext, "AES-256-CBC", slot)
	iv := make([]byte, 16)
	sealed, err := s.OneShot(t.Context(), up, iv, nil, 0, []byte("old"), nil)
	ok(t, err)
	made, err := s.Generate(t.Context(), &pb.GenerateRequest{Target: &pb.KeyTarget{Slot: slot, Rotate: true}})
	if err != nil || made.Version != 2 || made.Handle != 0 {
		t.Fatalf("%v, %v", made, err)
	}
	request := &pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: "AES-256-CBC", Key: slot, Version: 1, Direction: 1}
	down, err := s.CreateContext(t.Context(), request)
	ok(t, err)
	plain, err := s.OneShot(t.Context(), down.Handle, iv, nil, 0, sealed, nil)
	if err != nil || !bytes.Equal(plain, []byte("old")) {
		t.Errorf("%q, %v", plain, err)
	}
	request.Direction = 0
	_, err = s.CreateContext(t.Context(), request)
	fails(t, "encrypt with version 1", err, claviger.ErrKeyOperationNotPermitted)
	loaded, err := s.Load(t.Context(), &pb.LoadRequest{Slot: slot, Version: 1})
	if err != nil || loaded.Version != 1 {
		t.Fatalf("%v, %v", loaded, err)
	}
	_, err = s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: "AES-256-CBC", Key: loaded.Handle})
	fails(t, "encrypt with version 1 as a key", err, claviger.ErrKeyOperationNotPermitted)
	request.Version = 3
	_, err = s.CreateContext(t.Context(), request)
	fails(t, "version 3", err, claviger.ErrKeySlotEmpty)
	info, err := s.SlotInfo(t.Context(), &pb.SlotInfoRequest{Slot: slot})
	if err != nil || len(info.Versions) != 2 || len(info.Versions[0].Id) != 32 {
		t.Errorf("%v, %v", info, err)
	}
}
