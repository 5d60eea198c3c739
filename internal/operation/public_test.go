package operation

import (
	"bytes"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// owner is a rig with pairs in a card, and what was made with them while it was there.
type owner struct {
	*rig
	card      *card
	signature []byte
	spki      map[string][]byte // of each slot
}

// pairsInACard fills the slots pair, sealed and kem, which software stands behind, and alone, which it does not.
func pairsInACard(t *testing.T, mute bool) *owner {
	t.Helper()
	r, c := carded(t, on("pair", "ECDSA-P256", 7, 2), on("sealed", "RSA-2048", 7, 2), on("kem", "ML-KEM-768", 7, 2), on("alone", "ECDSA-P256", 7))
	c.mute = mute
	o := &owner{rig: r, card: c, spki: make(map[string][]byte)}
	for _, name := range []string{"pair", "sealed", "kem", "alone"} {
		o.fill(t, name)
		_, o.spki[name] = o.public(t, name)
	}
	ref, g := o.use(t, "pair")
	s, err := o.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256"})
	ok(t, err)
	defer s.Close()
	o.signature, err = s.OneShot(t.Context(), g, nil, nil, 0, nil, []byte("message"))
	ok(t, err)
	return o
}

// public gives the provider that a slot's public half is made a key in, and its bytes.
func (o *owner) public(t *testing.T, name string) (claviger.ProviderID, []byte) {
	t.Helper()
	ref, g := o.use(t, name)
	made, der, err := o.PublicKey(t.Context(), g, ref, claviger.DER)
	ok(t, err)
	made.Key.Release()
	return made.Info.Provider, der
}

// verify verifies the signature, and gives the provider that did it.
func (o *owner) verify(t *testing.T, name string, wish Selector) (claviger.ProviderID, error) {
	t.Helper()
	ref, g := o.use(t, name)
	v, err := o.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.VerifyContext, Algorithm: "ECDSA-P256-SHA-256", Provider: wish})
	if err != nil {
		return 0, err
	}
	defer v.Close()
	answer, err := v.OneShot(t.Context(), g, o.signature, nil, 0, nil, []byte("message"))
	if err == nil && (len(answer) != 1 || answer[0] != right) {
		t.Errorf("provider %d answers %x", v.Info().Provider, answer)
	}
	return v.Info().Provider, err
}

// goAway takes the card away, from an engine that knows what it offers or from one that never reached it.
func (o *owner) goAway(t *testing.T, reached bool) {
	o.card.away = true
	if reached {
		return
	}
	inner := o.card.Provider
	o.card.Provider = listed{inner, nil}
	t.Cleanup(func() { o.card.Provider = inner })
}

// reason is what a card that is away says.
const reason = "the card is not in its reader"

// wantAway checks that what needs the card says that it is away, and why.
func wantAway(t *testing.T, what string, err error) {
	t.Helper()
	if claviger.CodeOf(err) != claviger.ErrProviderNotAvailable || !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: %v; want that %s", what, err, reason)
	}
}

func TestWhatAPublicHalfDoesGoesOnWhileItsDeviceIsAway(t *testing.T) {
	for name, reached := range map[string]bool{"it was there": true, "it never was": false} {
		t.Run(name, func(t *testing.T) {
			o := pairsInACard(t, false)
			o.goAway(t, reached)
			for slot, want := range o.spki {
				if at, got := o.public(t, slot); at != 2 || !bytes.Equal(got, want) {
					t.Errorf("the public half of %s, in provider %d, is %x, want %x", slot, at, got, want)
				}
			}
			for _, wish := range []Selector{{}, {ID: 2}, {Name: "two"}, {Kind: claviger.Software}, {Kind: claviger.SoftwarePreferred}, {Kind: claviger.HardwarePreferred}} {
				if at, err := o.verify(t, "pair", wish); at != 2 || err != nil {
					t.Errorf("verifying in %s: provider %d, %v", wish, at, err)
				}
			}
			for _, wish := range []Selector{{ID: 7}, {Name: "card"}, {Kind: claviger.Hardware}} {
				_, err := o.verify(t, "pair", wish)
				wantAway(t, "verifying in "+wish.String(), err)
			}
			_, err := o.verify(t, "alone", Selector{})
			wantAway(t, "verifying where the slot names the card alone", err)
			if at, err := o.where(t, "sealed", ContextSpec{Kind: claviger.CipherContext, Algorithm: "RSA-OAEP-SHA-256"}); at != 2 || err != nil {
				t.Errorf("encrypting: provider %d, %v", at, err)
			}
		})
	}
}

func TestWhatAPrivateHalfDoesGoesNowhereElse(t *testing.T) {
	o := pairsInACard(t, false)
	o.card.away = true
	sign := ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256"}
	open := ContextSpec{Kind: claviger.CipherContext, Algorithm: "RSA-OAEP-SHA-256", Direction: claviger.Decrypting}
	for slot, spec := range map[string]ContextSpec{"pair": sign, "sealed": open} {
		for _, wish := range []Selector{{}, {ID: 7}, {Kind: claviger.HardwarePreferred}, {Kind: claviger.SoftwarePreferred}} {
			spec.Provider = wish
			_, err := o.where(t, slot, spec)
			wantAway(t, spec.Kind.String()+" in "+wish.String(), err)
		}
		for _, wish := range []Selector{{ID: 2}, {Kind: claviger.Software}} {
			spec.Provider = wish
			_, err := o.where(t, slot, spec)
			fails(t, spec.Kind.String()+" in "+wish.String(), err, claviger.ErrCrossProviderIncompatible)
		}
	}
	ref, g := o.use(t, "kem")
	_, err := o.Decapsulate(t.Context(), g, ref, make([]byte, 1088), Result{})
	wantAway(t, "decapsulating", err)
	_, err = o.LoadKey(t.Context(), g, ref)
	wantAway(t, "loading", err)
}

func TestASecretIsEncapsulatedForAKeyThatIsAway(t *testing.T) {
	o := pairsInACard(t, false)
	o.card.away = true
	ref, g := o.use(t, "kem")
	result := Result{Algorithm: "HMAC-SHA-256", KDF: &provider.KDF{Algorithm: "HKDF-SHA-256", Size: 32}}
	here, ciphertext, err := o.Encapsulate(t.Context(), g, ref, result)
	ok(t, err)
	defer here.Key.Release()
	o.card.away = false
	there, err := o.Decapsulate(t.Context(), g, ref, ciphertext, result)
	ok(t, err)
	defer there.Key.Release()
	if here.Info.Provider != 2 || there.Info.Provider != 7 {
		t.Errorf("the secret was made in provider %d and %d", here.Info.Provider, there.Info.Provider)
	}
	var codes [][]byte
	for _, k := range []*Key{here.Key, there.Key} {
		c, g := o.context(t, k, ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"})
		code, err := c.OneShot(t.Context(), g, nil, nil, 0, nil, []byte("message"))
		ok(t, err)
		codes = append(codes, code)
	}
	if !bytes.Equal(codes[0], codes[1]) {
		t.Errorf("the two secrets give the codes %x", codes)
	}
}

// The first call after a device was taken out is the one that notices it.
func TestADeviceThatTurnsOutToBeAwayHarmsNoPublicHalf(t *testing.T) {
	o := pairsInACard(t, false)
	o.card.away, o.card.unseen = true, true
	if at, err := o.verify(t, "pair", Selector{}); at != 2 || err != nil {
		t.Errorf("verifying: provider %d, %v", at, err)
	}
	if at, der := o.public(t, "alone"); at != 2 || !bytes.Equal(der, o.spki["alone"]) {
		t.Errorf("the public half, in provider %d, is %x", at, der)
	}
	for _, wish := range []Selector{{ID: 7}, {Kind: claviger.Hardware}} {
		_, err := o.verify(t, "pair", wish)
		wantAway(t, "verifying in "+wish.String(), err)
	}
	_, err := o.where(t, "pair", ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256"})
	wantAway(t, "signing", err)
	if n := o.LiveKeys(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// A key of software that is put to use in a device goes elsewhere only where the wish allows it, also if its slot names the device first.
func TestPrivateWorkDoesNotLeaveADeviceThatTurnsOutToBeAway(t *testing.T) {
	r, c := carded(t, on("soft", "AES-256", 2, 7))
	r.fill(t, "soft")
	turned := newRig(t, on("soft", "AES-256", 7, 2))
	r.policy, r.caller = turned.policy, turned.caller
	cbc := ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}
	if at, err := r.where(t, "soft", cbc); at != 7 || err != nil {
		t.Fatalf("while it is there: provider %d, %v", at, err)
	}
	c.away, c.unseen = true, true
	for _, wish := range []Selector{{}, {ID: 7}, {Kind: claviger.Hardware}} {
		cbc.Provider = wish
		_, err := r.where(t, "soft", cbc)
		wantAway(t, "encrypting in "+wish.String(), err)
	}
	cbc.Provider = Selector{Kind: claviger.HardwarePreferred}
	if at, err := r.where(t, "soft", cbc); at != 2 || err != nil {
		t.Errorf("with hardware preferred: provider %d, %v", at, err)
	}
}

// A device that does not tell public halves in its blobs is asked for them.
func TestAPublicHalfThatNoBlobTellsNeedsTheDevice(t *testing.T) {
	o := pairsInACard(t, true)
	if at, err := o.verify(t, "pair", Selector{ID: 2}); at != 2 || err != nil {
		t.Errorf("verifying while it is there: provider %d, %v", at, err)
	}
	o.card.away = true
	_, err := o.verify(t, "pair", Selector{ID: 2})
	wantAway(t, "verifying", err)
	ref, g := o.use(t, "pair")
	_, _, err = o.PublicKey(t.Context(), g, ref, claviger.PEM)
	wantAway(t, "the public half", err)
}

func TestAPublicKeyInADeviceIsGivenOutWhileItIsAway(t *testing.T) {
	o := pairsInACard(t, false)
	ok(t, o.Clear(t.Context(), o.write(t, "pair"), 0))
	_, err := o.Import(t.Context(), o.keyless(), "", claviger.DER, o.spki["pair"], o.into(t, "pair"))
	ok(t, err)
	o.card.away = true
	ref, g := o.use(t, "pair")
	der, err := o.Export(t.Context(), g, ref, claviger.DER)
	if err != nil || !bytes.Equal(der, o.spki["pair"]) {
		t.Errorf("exported %x, %v", der, err)
	}
	if at, err := o.where(t, "pair", ContextSpec{Kind: claviger.VerifyContext, Algorithm: "ECDSA-P256-SHA-256"}); at != 2 || err != nil {
		t.Errorf("verifying: provider %d, %v", at, err)
	}
}

// TestNothingIsEncryptedThatNobodyCanOpen: where the device with the private half does not decrypt so, software does not encrypt to the
// public half. While the device was never reached, nobody knows.
func TestNothingIsEncryptedThatNobodyCanOpen(t *testing.T) {
	o := pairsInACard(t, false)
	encrypt := func() error {
		ref, g := o.use(t, "sealed")
		c, err := o.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "RSA-OAEP-SHA-256"})
		if err == nil {
			c.Close()
		}
		return err
	}
	encapsulate := func() error {
		ref, g := o.use(t, "kem")
		made, _, err := o.Encapsulate(t.Context(), g, ref, Result{})
		if err == nil {
			made.Key.Release()
		}
		return err
	}
	ok(t, encrypt())
	ok(t, encapsulate())
	inner := o.card.Provider
	var rows []provider.Mechanism
	for _, m := range inner.Mechanisms() {
		if m.Op != provider.Decrypt && m.Op != provider.Decapsulate && m.Op != provider.Encrypt && m.Op != provider.Encapsulate {
			rows = append(rows, m)
		}
	}
	o.card.Provider = listed{inner, rows}
	fails(t, "encrypting", encrypt(), claviger.ErrUnsupportedAlgorithm)
	fails(t, "encapsulating", encapsulate(), claviger.ErrUnsupportedAlgorithm)
	o.card.Provider = listed{inner, nil}
	o.card.away = true
	ok(t, encrypt())
}
