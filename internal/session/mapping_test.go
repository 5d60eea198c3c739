package session

import (
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// TestAnHMACSignsWithEitherPermission: a signature by HMAC takes Sign or Mac, a verification Verify or Mac, whichever slot, mapping and key
// leave together.
func TestAnHMACSignsWithEitherPermission(t *testing.T) {
	const signs = claviger.Sign | claviger.Verify
	for _, c := range []struct{ key, mapping, works claviger.Permission }{
		{claviger.Mac | signs, claviger.Mac, claviger.Mac | signs},
		{claviger.Mac | signs, signs, signs},
		{claviger.Mac, claviger.Mac, claviger.Mac | signs},
		{claviger.Mac | signs, claviger.Verify, claviger.Verify},
		{signs, claviger.Mac, 0},
	} {
		r := newRig(t, Limits{})
		written := rules(func(p *policy.Rules) {
			p.Slots[1].Operations = c.key
			p.Apps[1].Resources["mac"] = policy.Resource{Type: claviger.TypeKeySlot, Target: "hmac", Operations: c.mapping}
		})
		r.SetPolicy(policy.New(written))
		r.session(t, alice).fill(t, "mac")
		b := r.session(t, bob)
		slot := b.slot(t, "mac")
		for need, kind := range map[claviger.Permission]claviger.ContextKind{claviger.Mac: claviger.MACContext, claviger.Sign: claviger.SignContext, claviger.Verify: claviger.VerifyContext} {
			made, err := b.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(kind), Algorithm: "HMAC-SHA-256", Key: slot})
			if !c.works.Has(need) {
				fails(t, kind.String(), err, claviger.ErrKeyOperationNotPermitted)
				continue
			}
			if err != nil {
				t.Errorf("key %v, mapping %v: %v", c.key, c.mapping, err)
				continue
			}
			r.SetPolicy(policy.New(written)) // every right is asked for anew
			if _, _, err := b.open(made.Handle); err != nil {
				t.Errorf("key %v, mapping %v, again: %v", c.key, c.mapping, err)
			}
		}
	}
}
