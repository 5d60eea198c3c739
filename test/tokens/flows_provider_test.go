package tokens

import (
	"fmt"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestSlotsTellWhereTheirKeysCanGo holds F2.3 where the providers are of different kinds: a key of software can be given to a token; a
// token's own key cannot leave it, but what a pair's public half does software can do too.
func TestSlotsTellWhereTheirKeysCanGo(t *testing.T) {
	u := Start(t, Options{}).connect(t)
	const sign, crypt = claviger.Sign | claviger.Verify, claviger.Encrypt | claviger.Decrypt
	for name, want := range map[string]claviger.KeySlotInfo{
		"soft/data":    {Algorithm: "AES-256", Primary: SoftwareID, Compatible: []claviger.ProviderID{SoftwareID, TokenID}, Permissions: crypt},
		"pair/data":    {Algorithm: "AES-256", Primary: TokenID, Compatible: []claviger.ProviderID{TokenID}, Permissions: crypt},
		"pair/signing": {Algorithm: "ECDSA-P256", Primary: TokenID, Compatible: []claviger.ProviderID{TokenID, SoftwareID}, Permissions: sign},
		"token/data":   {Algorithm: "AES-256", Primary: TokenID, Compatible: []claviger.ProviderID{TokenID}, Permissions: crypt},
	} {
		t.Run(name, func(t *testing.T) {
			slot := u.slot(t, name)
			equal(t, "the slot's provider", slot.Provider(), want.Primary)
			u.generate(t, name)
			want.State = claviger.SlotOccupied
			info := must(slot.Info(u.ctx))(t)
			if !info.Equal(want) {
				t.Errorf("slot information %+v, want %+v", info, want)
			}
			if len(info.Versions) != 1 || info.Versions[0].Version != 1 || len(info.Versions[0].ID) != 32 {
				t.Errorf("versions %+v, want the first", info.Versions)
			}
		})
	}
}

// choices are ways to ask for a provider.
func choices() map[string]client.ProviderSelector {
	return map[string]client.ProviderSelector{
		"default": {}, "number 2": {ID: TokenID}, "number 5": {ID: SoftwareID}, "number 99": {ID: 99}, "token": {Name: "token"}, "software": {Name: "software"},
		"nobody": {Name: "nobody"}, "Hardware": {Kind: claviger.Hardware}, "Software": {Kind: claviger.Software},
		"HardwarePreferred": {Kind: claviger.HardwarePreferred}, "SoftwarePreferred": {Kind: claviger.SoftwarePreferred},
	}
}

// chosen is what comes of a choice: the number of a provider, or an error.
type chosen struct {
	at   claviger.ProviderID
	code claviger.Code
}

// outcomes gives what comes of each of choices where token and software can do it, changed by what differs.
func outcomes(differs map[string]chosen) map[string]chosen {
	all := map[string]chosen{
		"default": {at: TokenID}, "number 2": {at: TokenID}, "token": {at: TokenID}, "Hardware": {at: TokenID}, "HardwarePreferred": {at: TokenID},
		"number 5": {at: SoftwareID}, "software": {at: SoftwareID}, "Software": {at: SoftwareID}, "SoftwarePreferred": {at: SoftwareID},
		"number 99": {code: claviger.ErrProviderNotAvailable}, "nobody": {code: claviger.ErrProviderNotAvailable},
	}
	for name, c := range differs {
		all[name] = c
	}
	return all
}

// deed makes something where a choice says, and says which provider did it.
type deed struct {
	name string
	do   func(u *user, at client.ProviderSelector) (claviger.ProviderID, error)
}

// hold holds what comes of each choice.
func (d deed) hold(t *testing.T, u *user, want map[string]chosen) {
	t.Helper()
	for name, at := range choices() {
		t.Run(d.name+"/"+name, func(t *testing.T) {
			got, err := d.do(u, at)
			switch w := want[name]; {
			case w.code != 0:
				wantCode(t, err, w.code)
			case err != nil:
				t.Error(err)
			default:
				equal(t, "provider", got, w.at)
			}
		})
	}
}

// generates makes a key outside of slots.
func generates(alg claviger.Algorithm) deed {
	return deed{"generate " + string(alg), func(u *user, at client.ProviderSelector) (claviger.ProviderID, error) {
		m, err := u.cc.NewKeyManager(u.ctx, client.KeyManagerConfig{Provider: at})
		if err != nil {
			return 0, err
		}
		key, err := m.Generate(u.ctx, client.GenerateParams{Algorithm: alg})
		if err != nil {
			return 0, err
		}
		defer key.Close()
		if info, err := m.KeyInfo(u.ctx, key); err != nil || info.Provider != key.Provider() {
			return 0, fmt.Errorf("the key's information says %+v and %v, the key %d", info, err, key.Provider())
		}
		return key.Provider(), nil
	}}
}

// encrypts uses an AES-256 slot.
func encrypts(slot string, alg claviger.Algorithm) deed {
	return deed{string(alg) + " with " + slot, func(u *user, at client.ProviderSelector) (claviger.ProviderID, error) {
		key, err := u.cc.KeySlot(u.ctx, slot)
		if err != nil {
			return 0, err
		}
		a, err := u.cc.NewAEAD(u.ctx, client.AEADConfig{Algorithm: alg, Key: key, Provider: at})
		if err != nil {
			return 0, err
		}
		defer a.Close()
		_, err = a.Seal(u.ctx, nil, nil, []byte(message), nil)
		return a.Provider(), err
	}}
}

// signsWith uses a P-256 slot.
func signsWith(slot string) deed {
	return deed{"sign with " + slot, func(u *user, at client.ProviderSelector) (claviger.ProviderID, error) {
		key, err := u.cc.KeySlot(u.ctx, slot)
		if err != nil {
			return 0, err
		}
		s, err := u.cc.NewSigner(u.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key, Provider: at})
		if err != nil {
			return 0, err
		}
		defer s.Close()
		_, err = s.Sign(u.ctx, nil, []byte(message))
		return s.Provider(), err
	}}
}

// verifiesWith has a wrong signature verified with a P-256 slot.
func verifiesWith(slot string) deed {
	return deed{"verify with " + slot, func(u *user, at client.ProviderSelector) (claviger.ProviderID, error) {
		key, err := u.cc.KeySlot(u.ctx, slot)
		if err != nil {
			return 0, err
		}
		v, err := u.cc.NewVerifier(u.ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key, Provider: at})
		if err != nil {
			return 0, err
		}
		defer v.Close()
		if right, err := v.Verify(u.ctx, []byte(message), make([]byte, 64)); right || err != nil {
			return 0, fmt.Errorf("a wrong signature: %v, %w", right, err)
		}
		return v.Provider(), nil
	}}
}

// hashes needs no key.
func hashes(alg claviger.Algorithm) deed {
	return deed{string(alg), func(u *user, at client.ProviderSelector) (claviger.ProviderID, error) {
		h, err := u.cc.NewHash(u.ctx, client.HashConfig{Algorithm: alg, Provider: at})
		if err != nil {
			return 0, err
		}
		defer h.Close()
		_, err = h.Sum(u.ctx, nil, []byte(message))
		return h.Provider(), err
	}}
}

// TestAChoiceOfAProviderIsKept holds that what is asked for is what works, or an error: never silently another provider.
func TestAChoiceOfAProviderIsKept(t *testing.T) {
	u := Start(t, Options{}).connect(t)
	u.generate(t, "token/signing", "token/data", "pair/signing", "soft/data", "software/data")
	var (
		unsupported = chosen{code: claviger.ErrUnsupportedAlgorithm}
		elsewhere   = chosen{code: claviger.ErrCrossProviderIncompatible}
		token       = chosen{at: TokenID}
		software    = chosen{at: SoftwareID}
	)
	onlySoftware := outcomes(map[string]chosen{"default": software, "number 2": unsupported, "token": unsupported, "Hardware": unsupported, "HardwarePreferred": software})
	onlyToken := outcomes(map[string]chosen{"number 5": elsewhere, "software": elsewhere, "Software": elsewhere, "SoftwarePreferred": token})
	generates("AES-256").hold(t, u, outcomes(nil))
	generates("ECDSA-P256").hold(t, u, outcomes(nil))
	generates("ML-DSA-65").hold(t, u, onlySoftware)
	hashes("SHA-256").hold(t, u, outcomes(nil))
	hashes("SHA3-256").hold(t, u, onlySoftware)
	encrypts("token/data", "AES-256-GCM").hold(t, u, onlyToken)
	encrypts("soft/data", "AES-256-GCM").hold(t, u, outcomes(map[string]chosen{"default": software}))
	encrypts("soft/data", "AES-256-GCM-SIV").hold(t, u, onlySoftware)
	encrypts("software/data", "AES-256-GCM").hold(t, u, outcomes(map[string]chosen{"default": software, "number 2": elsewhere, "token": elsewhere,
		"Hardware": elsewhere, "HardwarePreferred": software}))
	encrypts("token/data", "AES-256-GCM-SIV").hold(t, u, outcomes(map[string]chosen{"default": unsupported, "number 2": unsupported, "token": unsupported,
		"Hardware": unsupported, "HardwarePreferred": unsupported, "number 5": elsewhere, "software": elsewhere, "Software": elsewhere, "SoftwarePreferred": unsupported}))
	signsWith("pair/signing").hold(t, u, onlyToken)
	verifiesWith("pair/signing").hold(t, u, outcomes(nil))
	verifiesWith("token/signing").hold(t, u, onlyToken)
	_, err := generates("AES-256").do(u, client.ProviderSelector{ID: TokenID, Name: "token"})
	wantCode(t, err, claviger.ErrInvalidArgument)
}

// TestAnOlderVersionStaysInTheToken holds that a slot's former key opens what it has sealed until it is destroyed, and seals no more.
func TestAnOlderVersionStaysInTheToken(t *testing.T) {
	u := Start(t, Options{}).connect(t)
	u.generate(t, "token/data")
	slot, m := u.slot(t, "token/data"), u.keys(t, client.ProviderSelector{})
	sealed := must(u.crypt(slot, claviger.Encrypting, []byte(message)))(t)
	equal(t, "version", must(m.GenerateIn(u.ctx, slot, client.GenerateParams{Rotate: true}))(t), 2)
	opened := must(u.crypt(slot.Version(1), claviger.Decrypting, sealed))(t)
	equal(t, "plaintext", string(opened), message)
	_, err := u.crypt(slot, claviger.Decrypting, sealed)
	wantCode(t, err, claviger.ErrOperationFailed)
	_, err = u.crypt(slot.Version(1), claviger.Encrypting, []byte(message))
	wantCode(t, err, claviger.ErrKeyOperationNotPermitted)
	ok(t, m.ClearVersion(u.ctx, slot, 1))
	_, err = u.crypt(slot.Version(1), claviger.Decrypting, sealed)
	wantCode(t, err, claviger.ErrKeySlotEmpty)
	must(u.crypt(slot, claviger.Encrypting, []byte(message)))(t)
}
