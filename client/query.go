package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Capabilities says what a daemon can do.
type Capabilities struct {
	Algorithms []claviger.AlgorithmInfo `json:"algorithms"`
	Providers  []claviger.ProviderInfo  `json:"providers"`
}

// Status is what the daemon says of itself: to an administrator of all tenants, to others of
// their own.
type Status struct {
	Version     string                  `json:"version"`
	PID         int                     `json:"pid"`
	Started     time.Time               `json:"started"`
	Frames      uint64                  `json:"frames"` // requests received of the sessions shown
	Tenants     []TenantStatus          `json:"tenants"`
	Providers   []claviger.ProviderInfo `json:"providers"`
	Keeper      string                  `json:"keeper"`       // what it protects against; administrators only
	LoadedSlots uint64                  `json:"loaded_slots"` // slot keys held in memory; administrators only
	StoreBytes  uint64                  `json:"store_bytes"`
	Damaged     []string                `json:"damaged,omitempty"` // quarantined records
	Config      string                  `json:"config"`            // digest of the configuration in force
}

// TenantStatus counts what one tenant holds and has called.
type TenantStatus struct {
	Name        string            `json:"name"`
	Sessions    int               `json:"sessions"`
	Connections int               `json:"connections"`
	Handles     int               `json:"handles"`
	Keys        int               `json:"keys"` // live keys
	Contexts    int               `json:"contexts"`
	InFlight    int               `json:"in_flight"` // calls
	HeldBytes   uint64            `json:"held_bytes"`
	RegionBytes uint64            `json:"region_bytes"`
	Frames      uint64            `json:"frames"`
	Operations  map[string]uint64 `json:"operations"` // frames by operation
}

// NamedSlot is a resource that the caller can resolve.
type NamedSlot struct {
	Name string                `json:"name"` // as the caller's configuration names it
	Slot string                `json:"slot"` // as the daemon's configuration names it
	Type claviger.ResourceType `json:"type"`
	Info claviger.KeySlotInfo  `json:"info"` // of a key slot; of a certificate slot only State
}

// Capabilities lists all algorithms and providers.
func (s *Stack) Capabilities(ctx context.Context) (Capabilities, error) {
	return s.capabilities(ctx, &pb.CapabilitiesRequest{})
}

// ProviderCapabilities lists what one provider offers, by its configured number: operations and keys of an algorithm are
// those of this provider. ErrProviderNotAvailable for an unknown number.
func (s *Stack) ProviderCapabilities(ctx context.Context, id claviger.ProviderID) (Capabilities, error) {
	return s.capabilities(ctx, &pb.CapabilitiesRequest{Provider: uint32(id)})
}

func (s *Stack) capabilities(ctx context.Context, req *pb.CapabilitiesRequest) (Capabilities, error) {
	var reply pb.CapabilitiesReply
	if err := s.control(ctx, "capabilities", wire.OpCapabilities, 0, req, &reply); err != nil {
		return Capabilities{}, err
	}
	c := Capabilities{Providers: providerInfos(reply.GetProviders())}
	for _, a := range reply.GetAlgorithms() {
		c.Algorithms = append(c.Algorithms, claviger.AlgorithmInfo{
			Name:       claviger.Algorithm(a.GetName()),
			Aliases:    a.GetAliases(),
			Operations: a.GetOperations(),
			Keys:       algorithms(a.GetKeys()),
			Providers:  providerIDs(a.GetProviders()),
		})
	}
	return c, nil
}

// Algorithm says what can be done under a name or an alias of it. ErrUnsupportedAlgorithm if
// nobody offers it.
func (s *Stack) Algorithm(ctx context.Context, name claviger.Algorithm) (claviger.AlgorithmInfo, error) {
	if name == "" {
		return claviger.AlgorithmInfo{}, claviger.Errorf(claviger.ErrInvalidArgument, "algorithm", "a name must not be empty")
	}
	c, err := s.capabilities(ctx, &pb.CapabilitiesRequest{Algorithm: string(name)})
	if err != nil {
		return claviger.AlgorithmInfo{}, err
	}
	if len(c.Algorithms) == 0 {
		return claviger.AlgorithmInfo{}, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "algorithm", "no provider offers %q",
			claviger.Clip(string(name)))
	}
	return c.Algorithms[0], nil
}

// Providers lists the configured providers.
func (s *Stack) Providers(ctx context.Context) ([]claviger.ProviderInfo, error) {
	c, err := s.capabilities(ctx, &pb.CapabilitiesRequest{})
	return c.Providers, err
}

// Slots lists the resources that the caller can resolve, in the order of their names.
func (s *Stack) Slots(ctx context.Context) ([]NamedSlot, error) {
	var reply pb.ListSlotsReply
	if err := s.control(ctx, "list slots", wire.OpListSlots, 0, &pb.ListSlotsRequest{}, &reply); err != nil {
		return nil, err
	}
	var list []NamedSlot
	for _, n := range reply.GetSlots() {
		slot := NamedSlot{
			Name: n.GetName(),
			Slot: n.GetSlot(),
			Type: claviger.ResourceType(n.GetType()),
			Info: slotInfo(n.GetInfo()),
		}
		if slot.Type == claviger.TypeCertSlot {
			slot.Info.State = claviger.SlotState(n.GetCertificate())
		}
		list = append(list, slot)
	}
	return list, nil
}

// Status asks the daemon how it is.
func (s *Stack) Status(ctx context.Context) (Status, error) {
	var r pb.StatusReply
	if err := s.control(ctx, "status", wire.OpStatus, 0, &pb.StatusRequest{}, &r); err != nil {
		return Status{}, err
	}
	status := Status{
		Version:     r.GetVersion(),
		PID:         int(r.GetPid()),
		Started:     time.Unix(r.GetStarted(), 0).UTC(),
		Frames:      r.GetFrames(),
		Providers:   providerInfos(r.GetProviders()),
		Keeper:      r.GetKeeper(),
		LoadedSlots: r.GetLoadedSlots(),
		StoreBytes:  r.GetStoreBytes(),
		Damaged:     r.GetDamaged(),
		Config:      r.GetConfig(),
	}
	for _, t := range r.GetTenants() {
		status.Tenants = append(status.Tenants, tenantStatus(t))
	}
	return status, nil
}

// Reload makes the daemon read its configuration again: all of it, or nothing. Administrators
// only.
func (s *Stack) Reload(ctx context.Context) error {
	return s.control(ctx, "reload", wire.OpReload, 0, &pb.ReloadRequest{}, &pb.ReloadReply{})
}

// Compact rewrites the daemon's store under a new data key, so that destroyed records are gone
// from the file. It gives the file's size before and after, in bytes. Administrators only.
func (s *Stack) Compact(ctx context.Context) (before, after uint64, err error) {
	var r pb.CompactReply
	if err := s.control(ctx, "compact", wire.OpCompact, NoTimeout, &pb.CompactRequest{}, &r); err != nil {
		return 0, 0, err
	}
	return r.GetBefore(), r.GetAfter(), nil
}

// tenantStatus reads one tenant's counters.
func tenantStatus(t *pb.TenantStatus) TenantStatus {
	return TenantStatus{
		Name:        t.GetName(),
		Sessions:    int(t.GetSessions()),
		Connections: int(t.GetConnections()),
		Handles:     int(t.GetHandles()),
		Keys:        int(t.GetKeys()),
		Contexts:    int(t.GetContexts()),
		InFlight:    int(t.GetInFlight()),
		HeldBytes:   t.GetHeldBytes(),
		RegionBytes: t.GetRegionBytes(),
		Frames:      t.GetFrames(),
		Operations:  t.GetOperations(),
	}
}

// providerInfos reads the providers in the daemon's order.
func providerInfos(list []*pb.ProviderDescription) []claviger.ProviderInfo {
	var infos []claviger.ProviderInfo
	for _, p := range list {
		infos = append(infos, claviger.ProviderInfo{
			ID:        claviger.ProviderID(p.GetId()),
			Name:      p.GetName(),
			Kind:      claviger.ProviderKind(p.GetKind()),
			Available: p.GetAvailable(),
			Reason:    p.GetReason(),
			Detail:    p.GetDetail(),
			Restarts:  p.GetRestarts(),
		})
	}
	return infos
}

// providerIDs keeps the order, which has the primary provider first.
func providerIDs(list []uint32) []claviger.ProviderID {
	var ids []claviger.ProviderID
	for _, id := range list {
		ids = append(ids, claviger.ProviderID(id))
	}
	return ids
}

// algorithms keeps the order; nothing gives nil.
func algorithms(list []string) []claviger.Algorithm {
	var names []claviger.Algorithm
	for _, name := range list {
		names = append(names, claviger.Algorithm(name))
	}
	return names
}

// slotInfo takes nil for an empty slot that nothing is known of.
func slotInfo(r *pb.SlotInfoReply) claviger.KeySlotInfo {
	info := claviger.KeySlotInfo{
		State:       claviger.SlotState(r.GetState()),
		Algorithm:   claviger.Algorithm(r.GetAlgorithm()),
		Primary:     claviger.ProviderID(r.GetPrimary()),
		Compatible:  providerIDs(r.GetCompatible()),
		Permissions: claviger.Permission(r.GetPermissions()),
	}
	for _, v := range r.GetVersions() {
		info.Versions = append(info.Versions, claviger.KeyVersion{Version: v.GetVersion(), ID: v.GetId()})
	}
	return info
}
