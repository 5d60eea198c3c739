package session

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	pb "github.com/claviger/claviger/proto"
)

// device is a software provider that keeps objects: what tests put into it.
type device struct {
	provider.Provider
	objects []provider.Object
	asked   provider.Query // last
}

func (d *device) Objects(_ context.Context, q provider.Query) ([]provider.Object, error) {
	d.asked = q
	var found []provider.Object
	for _, o := range d.objects {
		if (q.Label == "" || q.Label == o.Label) && (len(q.ID) == 0 || bytes.Equal(q.ID, o.ID)) && (q.Algorithm == "" || q.Algorithm == o.Spec.Algorithm) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (d *device) Destroy(context.Context, []byte) error { return nil }

func (d *device) Health() provider.Health {
	return provider.Health{Available: true, Detail: "a token", Restarts: 3}
}

// put makes a key of an algorithm in the device, under a label and an identifier.
func (d *device) put(t testing.TB, alg claviger.Algorithm, class claviger.KeyClass, label, id string) {
	t.Helper()
	spec := provider.Spec{Algorithm: alg, Class: class}
	key, err := d.Generate(t.Context(), spec)
	ok(t, err)
	defer key.Close()
	blob, err := key.Blob(t.Context(), provider.Tag{})
	ok(t, err)
	defer blob.Close()
	d.objects = append(d.objects, provider.Object{Spec: spec, Bits: key.Bits(), Label: label, ID: []byte(id), Blob: bytes.Clone(blob.Bytes())})
}

// deviceRig is a rig with a device as provider 3, which the slots "token" and "signing" are in. alice may do everything with
// them, the administrator has no mapping.
func deviceRig(t testing.TB) (*rig, *device) {
	t.Helper()
	d := &device{Provider: software.New()}
	r := newRig(t, Limits{}, operation.Member{ID: 3, Name: "token", Kind: claviger.Hardware, Provider: d})
	r.rules = rules(func(rules *policy.Rules) {
		rules.Slots = append(rules.Slots,
			policy.Slot{Name: "token", Algorithm: "AES-256", Providers: []claviger.ProviderID{3}, Operations: twoWay},
			policy.Slot{Name: "signing", Algorithm: "ECDSA-P256", Providers: []claviger.ProviderID{3}, Operations: claviger.Sign | claviger.Verify})
		for _, name := range []string{"token", "signing"} {
			rules.Apps[0].Resources[name] = policy.Resource{Type: claviger.TypeKeySlot, Target: name, Operations: claviger.AllPermissions, Write: everyWrite}
		}
	})
	r.SetPolicy(policy.New(r.rules))
	return r, d
}

func TestAnAdoptedObjectServesTheSlotsUsers(t *testing.T) {
	r, d := deviceRig(t)
	d.put(t, "AES-256", claviger.SecretKey, "backup", "\x01\x02")
	d.put(t, "AES-256", claviger.SecretKey, "other", "\x01\x02")
	admin, a := r.session(t, root), r.session(t, alice)
	slot := admin.slot(t, "token")
	decrypt := uint32(claviger.Decrypt)
	made, err := admin.Adopt(t.Context(), &pb.AdoptRequest{Slot: slot, Label: "backup", Id: []byte("\x01\x02"), Permissions: &decrypt})
	ok(t, err)
	if made.Handle != 0 || made.Version != 1 || made.Key.Provider != 3 || made.Key.Algorithm != "AES-256" || made.Key.Permissions != decrypt ||
		made.Key.Bits != 256 || made.Key.Persistence != uint32(claviger.Persistent) {
		t.Errorf("%v", made)
	}
	if d.asked.Algorithm != "AES-256" {
		t.Errorf("the device was asked for %+v", d.asked)
	}
	own := a.slot(t, "token")
	_, err = a.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: "AES-256-CBC", Key: own})
	fails(t, "encrypt", err, claviger.ErrKeyOperationNotPermitted)
	_, err = admin.Adopt(t.Context(), &pb.AdoptRequest{Slot: slot, Label: "other"})
	fails(t, "occupied", err, claviger.ErrKeySlotOccupied)
	made, err = admin.Adopt(t.Context(), &pb.AdoptRequest{Slot: slot, Label: "other", Rotate: true})
	if err != nil || made.Version != 2 || made.Key.Permissions != uint32(twoWay) {
		t.Errorf("rotate: %v, %v", made, err)
	}
	up := a.make(t, claviger.CipherContext, "AES-256-CBC", own)
	if out, err := a.OneShot(t.Context(), up, make([]byte, 16), nil, 0, []byte("data"), nil); err != nil || len(out) != 16 {
		t.Errorf("%x, %v", out, err)
	}
}

func TestAdoptionRefusesWhatIsNotOneFittingObject(t *testing.T) {
	r, d := deviceRig(t)
	d.put(t, "AES-256", claviger.SecretKey, "twice", "1")
	d.put(t, "AES-256", claviger.SecretKey, "twice", "2")
	d.put(t, "ECDSA-P256", claviger.PrivateKey, "pair", "3")
	admin := r.session(t, root)
	token, software := admin.slot(t, "token"), admin.slot(t, "spare")
	unknown := uint32(1 << 20)
	for what, c := range map[string]struct {
		request *pb.AdoptRequest
		code    claviger.Code
	}{
		"no name":                 {&pb.AdoptRequest{Slot: token}, claviger.ErrInvalidArgument},
		"nothing of that label":   {&pb.AdoptRequest{Slot: token, Label: "none"}, claviger.ErrResourceNotFound},
		"two of that label":       {&pb.AdoptRequest{Slot: token, Label: "twice"}, claviger.ErrInvalidArgument},
		"label of one, id of two": {&pb.AdoptRequest{Slot: token, Label: "pair", Id: []byte("1")}, claviger.ErrResourceNotFound},
		"another algorithm":       {&pb.AdoptRequest{Slot: token, Label: "pair"}, claviger.ErrIncompatibleKeyType},
		"long label":              {&pb.AdoptRequest{Slot: token, Label: strings.Repeat("x", 1025)}, claviger.ErrInvalidArgument},
		"long identifier":         {&pb.AdoptRequest{Slot: token, Id: make([]byte, 1025)}, claviger.ErrInvalidArgument},
		"unknown permission":      {&pb.AdoptRequest{Slot: token, Id: []byte("1"), Permissions: &unknown}, claviger.ErrInvalidArgument},
		"provider without":        {&pb.AdoptRequest{Slot: software, Label: "pair"}, claviger.ErrUnsupportedOperation},
		"no slot":                 {&pb.AdoptRequest{Label: "pair"}, claviger.ErrResourceNotFound},
	} {
		_, err := admin.Adopt(t.Context(), c.request)
		fails(t, what, err, c.code)
	}
	if info, err := admin.SlotInfo(t.Context(), &pb.SlotInfoRequest{Slot: token}); err != nil || info.State != uint32(claviger.SlotEmpty) {
		t.Errorf("the slot is %v, %v", info, err)
	}
}

func TestObjectsOfADeviceAreForAdministrators(t *testing.T) {
	r, d := deviceRig(t)
	d.put(t, "AES-256", claviger.SecretKey, "backup", "1")
	a := r.session(t, alice)
	slot := a.slot(t, "token")
	r.log.take()
	_, err := a.Adopt(t.Context(), &pb.AdoptRequest{Slot: slot, Label: "backup"})
	fails(t, "adopt with every right of a mapping", err, claviger.ErrAccessDenied)
	_, err = a.Objects(t.Context(), &pb.ObjectsRequest{Provider: 3})
	fails(t, "objects", err, claviger.ErrAccessDenied)
	lines := r.log.take()
	if len(lines) != 2 || !strings.Contains(lines[0], "op=adopt name=token code=AccessDenied") || !strings.Contains(lines[1], "op=objects") {
		t.Errorf("the log has %q", lines)
	}
	r.SetPolicy(policy.New(rules(func(rules *policy.Rules) { // alice administers, but her mapping withholds importing
		*rules = r.rules
		rules.Admins = []uint32{alice}
		rules.Apps[0].Resources["token"] = policy.Resource{Type: claviger.TypeKeySlot, Target: "token", Write: policy.WriteGenerate}
	})))
	_, err = a.Adopt(t.Context(), &pb.AdoptRequest{Slot: slot, Label: "backup"})
	fails(t, "adopt without the right to import", err, claviger.ErrAccessDenied)
	if lines := r.log.take(); len(lines) != 1 || !strings.Contains(lines[0], "outcome=refused") {
		t.Errorf("the log has %q", lines)
	}
	if made, err := a.Adopt(t.Context(), &pb.AdoptRequest{Slot: a.slot(t, "signing"), Label: "backup"}); err == nil {
		t.Errorf("a secret key became a pair: %v", made)
	}
	if d.asked.Label != "backup" {
		t.Error("with both rights the device was not asked")
	}
}

func TestObjectsDescribesWhatLiesInADevice(t *testing.T) {
	r, d := deviceRig(t)
	d.put(t, "ECDSA-P256", claviger.PrivateKey, "bad \xff", "2")
	d.put(t, "AES-256", claviger.SecretKey, "backup", "1") // listed first: by label
	d.objects[0].Spec.Algorithm = ""
	admin := r.session(t, root)
	r.log.take()
	reply, err := admin.Objects(t.Context(), &pb.ObjectsRequest{Provider: 3})
	ok(t, err)
	if lines := r.log.take(); len(lines) != 1 || !strings.Contains(lines[0], "op=objects") || !strings.Contains(lines[0], "outcome=allowed") {
		t.Errorf("the log has %q", lines)
	}
	if len(reply.Objects) != 2 {
		t.Fatalf("%v", reply)
	}
	if o := reply.Objects[0]; o.Label != "backup" || string(o.Id) != "1" || o.Algorithm != "AES-256" || o.Class != uint32(claviger.SecretKey) || o.Bits != 256 {
		t.Errorf("%v", o)
	}
	if o := reply.Objects[1]; o.Label != "bad \uFFFD" || o.Algorithm != "" || o.Class != uint32(claviger.PrivateKey) {
		t.Errorf("%v", o)
	}
	reply, err = admin.Objects(t.Context(), &pb.ObjectsRequest{Provider: 3, Label: "backup", Id: []byte("1"), Algorithm: "aes-256"})
	if err != nil || len(reply.Objects) != 1 || d.asked.Algorithm != "AES-256" {
		t.Errorf("%v, %v, asked for %+v", reply, err, d.asked)
	}
	for what, c := range map[string]struct {
		request *pb.ObjectsRequest
		code    claviger.Code
	}{
		"software":          {&pb.ObjectsRequest{Provider: 2}, claviger.ErrUnsupportedOperation},
		"none":              {&pb.ObjectsRequest{}, claviger.ErrProviderNotAvailable},
		"unknown":           {&pb.ObjectsRequest{Provider: 77}, claviger.ErrProviderNotAvailable},
		"no number":         {&pb.ObjectsRequest{Provider: 1<<16 + 3}, claviger.ErrProviderNotAvailable},
		"unknown algorithm": {&pb.ObjectsRequest{Provider: 3, Algorithm: "ROT13"}, claviger.ErrUnsupportedAlgorithm},
		"long label":        {&pb.ObjectsRequest{Provider: 3, Label: strings.Repeat("x", 1025)}, claviger.ErrInvalidArgument},
	} {
		_, err := admin.Objects(t.Context(), c.request)
		fails(t, what, err, c.code)
	}
}

func TestProvidersTellTheirHealth(t *testing.T) {
	r, _ := deviceRig(t)
	a := r.session(t, alice)
	status, err := a.Status(t.Context(), nil)
	ok(t, err)
	capabilities, err := a.Capabilities(t.Context(), &pb.CapabilitiesRequest{})
	ok(t, err)
	for what, list := range map[string][]*pb.ProviderDescription{"status": status.Providers, "capabilities": capabilities.Providers} {
		if len(list) != 2 || list[0].Detail != "" || !list[1].Available || list[1].Detail != "a token" || list[1].Restarts != 3 {
			t.Errorf("%s: %v", what, list)
		}
	}
}
