package tokens

import (
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestTwoTokensAreTwoPlaces holds that keys of one token do not go into another, and that each has a worker which the other does not
// notice.
func TestTwoTokensAreTwoPlaces(t *testing.T) {
	const otherID = 7
	other := SoftHSM(t)
	var table strings.Builder
	h := NewHostile(t, other.Module)
	second := Options{Token: other, Hostile: h}
	second.provider(&table)
	prepared := Prepare(t, second) // gives the token to the daemon's user
	slots := append(DefaultSlots(),
		Slot{"other/signing", "ECDSA-P256", []string{"other"}, []string{"sign", "verify"}},
		Slot{"both/signing", "ECDSA-P256", []string{"token", "other"}, []string{"sign", "verify"}})
	r := Start(t, Options{Slots: slots, Config: strings.Replace(table.String(), "id = 2\nname = \"token\"", "id = 7\nname = \"other\"", 1)})
	u := r.connect(t)
	u.generate(t, "token/signing", "other/signing", "both/signing")
	equal(t, "user of both workers", prepared.Worker, r.Worker)
	for slot, want := range map[string]claviger.ProviderID{"token/signing": TokenID, "other/signing": otherID, "both/signing": TokenID} {
		equal(t, slot, u.slot(t, slot).Provider(), want)
		u.signs(t, u.slot(t, slot))
	}
	key := must(u.keys(t, client.ProviderSelector{ID: otherID}).Generate(u.ctx, client.GenerateParams{Algorithm: "ECDSA-P256", Permissions: claviger.Sign | claviger.Verify}))(t)
	_, err := u.keys(t, client.ProviderSelector{}).Persist(u.ctx, u.slot(t, "pair/signing"), key)
	wantCode(t, err, claviger.ErrCrossProviderIncompatible)
	_, err = u.cc.NewSigner(u.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: u.slot(t, "both/signing"), Provider: client.ProviderSelector{Name: "other"}})
	wantCode(t, err, claviger.ErrCrossProviderIncompatible)
	v := must(u.cc.NewVerifier(u.ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: u.slot(t, "both/signing"), DER: true,
		Provider: client.ProviderSelector{Name: "other"}}))(t)
	equal(t, "who verifies", v.Provider(), otherID)
	equal(t, "verdict", must(v.Verify(u.ctx, []byte(message), must(u.sign(u.slot(t, "both/signing")))(t)))(t), true)

	h.Command("* token-absent")
	_, err = u.sign(u.slot(t, "other/signing"))
	wantCode(t, err, claviger.ErrProviderNotAvailable)
	eventually(t, "the other token is not available", func() bool { return !u.provider(t, otherID).Available })
	equal(t, "starts of the first token's worker", u.provider(t, TokenID).Restarts, 0)
	u.signs(t, u.slot(t, "token/signing"))
	_, err = u.sign(u.slot(t, "other/signing"))
	wantCode(t, err, claviger.ErrProviderNotAvailable, `"other"`)
}
