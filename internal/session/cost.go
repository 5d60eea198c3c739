package session

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	pb "github.com/claviger/claviger/proto"
)

// KeyVerb is the request of a verb whose result is a key: agree, derive, encapsulate, decapsulate.
type KeyVerb interface {
	GetKey() uint64
	GetKdf() *pb.Kdf
	GetTarget() *pb.KeyTarget
}

// VerbCost says where such a verb may run: Inline if the key is ephemeral, its provider calls the work short, and the
// result goes neither into a slot nor to a provider that is asked for.
func (s *Session) VerbCost(do provider.Op, r KeyVerb) provider.Cost {
	if t := r.GetTarget(); t.GetSlot() != 0 || t.GetProvider() != nil {
		return provider.Pool
	}
	cost := provider.Pool
	s.table.with(r.GetKey(), func(i item) {
		if held, ok := i.(*liveKey); ok {
			cost = held.key.VerbCost(do, claviger.Algorithm(r.GetKdf().GetAlgorithm()))
		}
	})
	return cost
}
