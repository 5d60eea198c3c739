package tokens

import (
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestAKeyThatAnotherProgramDeletedIsNamed holds that its slot says which object is missing, and can be emptied and used again.
func TestAKeyThatAnotherProgramDeletedIsNamed(t *testing.T) {
	b := newBench(t)
	for slot, kind := range map[string]string{"token/signing": "privkey", "token/data": "secrkey"} {
		b.generate(t, slot)
		id := must(b.slot(t, slot).Info(b.ctx))(t).Versions[0].ID
		b.tool("--delete-object", "--type", kind, "--id", id)
		_, err := b.keys(t, client.ProviderSelector{}).Load(b.ctx, b.slot(t, slot))
		wantCode(t, err, claviger.ErrResourceNotFound, `"`+slot+`"`, id, "does not have")
		b.claviger("slot", "clear", slot)
		if left := b.objects(slot); len(left) != 0 {
			t.Errorf("%s: the token still has %v", slot, left)
		}
		b.generate(t, slot)
		must(b.keys(t, client.ProviderSelector{}).Load(b.ctx, b.slot(t, slot)))(t)
	}
}

// TestAnObjectThatDoesNotFitIsNotAdopted goes through what cannot become the key of a slot.
func TestAnObjectThatDoesNotFitIsNotAdopted(t *testing.T) {
	b := newBench(t)
	// First: SoftHSM 2.6.1 overlooks what another process made between two changes of its own, until that makes the next.
	b.generate(t, "pair/signing")
	for range 2 {
		b.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "twin", "--id", "07", "--usage-sign")
	}
	b.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "rsa", "--id", "08", "--usage-sign")
	b.tool("--keypairgen", "--key-type", "EC:secp384r1", "--label", "wide", "--id", "09", "--usage-sign")
	b.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "one", "--id", "0a", "--usage-sign")
	for _, test := range []struct {
		slot string
		p    client.AdoptParams
		code claviger.Code
		word string
	}{
		{"token/signing", client.AdoptParams{Label: "twin"}, claviger.ErrInvalidArgument, "2 keys"},
		{"token/signing", client.AdoptParams{Label: "rsa"}, claviger.ErrIncompatibleKeyType, "ECDSA-P256"},
		{"token/signing", client.AdoptParams{Label: "wide"}, claviger.ErrIncompatibleKeyType, "ECDSA-P256"},
		{"token/signing", client.AdoptParams{Label: "one", ID: []byte{9}}, claviger.ErrResourceNotFound, "ECDSA-P256"},
		{"token/signing", client.AdoptParams{}, claviger.ErrInvalidArgument, "label"},
		{"software/signing", client.AdoptParams{Label: "one"}, claviger.ErrUnsupportedOperation, "keeps no objects"},
		{"pair/signing", client.AdoptParams{Label: "one"}, claviger.ErrKeySlotOccupied, "pair/signing"},
	} {
		_, err := b.keys(t, client.ProviderSelector{}).Adopt(b.ctx, b.slot(t, test.slot), test.p)
		wantCode(t, err, test.code, test.word)
	}
	must(b.keys(t, client.ProviderSelector{}).Adopt(b.ctx, b.slot(t, "pair/signing"), client.AdoptParams{Label: "one", Rotate: true}))(t)
	b.signs(t, b.slot(t, "pair/signing"))
	b.claviger("slot", "clear", "pair/signing")
	equal(t, "objects of the adopted key that are left", len(b.objects("one")), 2)
	equal(t, "objects of the slot's own key that are left", len(b.objects("pair/signing")), 0)
}
