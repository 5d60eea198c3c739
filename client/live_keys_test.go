package client_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// sameKey reports whether two secret keys are one, by what they make of a message.
func (l *live) sameKey(t *testing.T, a, b *client.Key) bool {
	t.Helper()
	var codes [2][]byte
	for i, k := range []*client.Key{a, b} {
		mac := get(l.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: k}))(t)
		codes[i] = get(mac.Sum(t.Context(), nil, prefix))(t)
	}
	return bytes.Equal(codes[0], codes[1])
}

func TestBothSidesAgreeOnOneKey(t *testing.T) {
	l, ctx := start(t), t.Context()
	kdf := &client.KDF{Algorithm: "HKDF-SHA-256", Info: []byte("test")}
	for _, algorithm := range []claviger.Algorithm{"X25519", "ECDH-P256", "ECDH-P521"} {
		mine := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: algorithm}))(t)
		theirs := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: algorithm}))(t)
		minePublic, _, err := l.keys.PublicKey(ctx, mine, claviger.DER)
		get(minePublic, err)(t)
		_, theirsPEM, err := l.keys.PublicKey(ctx, theirs, claviger.PEM)
		get(theirsPEM, err)(t)
		a := get(l.keys.Agree(ctx, client.AgreeParams{Key: mine, Peer: theirsPEM, PeerFormat: claviger.PEM, Derived: "HMAC-SHA-256", KDF: kdf}))(t)
		b := get(l.keys.Agree(ctx, client.AgreeParams{Key: theirs, PeerKey: minePublic, Derived: "HMAC-SHA-256", KDF: kdf}))(t)
		if !l.sameKey(t, a, b) {
			t.Errorf("%s: two keys", algorithm)
		}
	}
	mine := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "X25519"}))(t)
	_, err := l.keys.Agree(ctx, client.AgreeParams{Key: mine})
	wantCode(t, "no peer", err, claviger.ErrInvalidArgument)
	_, err = l.keys.Agree(ctx, client.AgreeParams{Key: mine, PeerKey: mine, Peer: []byte{}})
	wantCode(t, "two peers", err, claviger.ErrInvalidArgument)
}

func TestAgreementMeetsTheStandardLibrary(t *testing.T) {
	l, ctx := start(t), t.Context()
	mine := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "X25519"}))(t)
	_, der, err := l.keys.PublicKey(ctx, mine, claviger.DER)
	public := get(x509.ParsePKIXPublicKey(get(der, err)(t)))(t).(*ecdh.PublicKey)
	theirs := get(ecdh.X25519().GenerateKey(rand.Reader))(t)
	peer := get(x509.MarshalPKIXPublicKey(theirs.PublicKey()))(t)
	secret := get(l.keys.Agree(ctx, client.AgreeParams{Key: mine, Peer: peer}))(t)
	if got := get(l.keys.Export(ctx, secret, claviger.Raw))(t); !bytes.Equal(got, get(theirs.ECDH(public))(t)) {
		t.Error("another secret")
	}
}

func TestDecapsulationGivesTheEncapsulatedKey(t *testing.T) {
	l, ctx := start(t), t.Context()
	kdf := &client.KDF{Algorithm: "HKDF-SHA-256", Salt: []byte("salt")}
	pair := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "ML-KEM-768"}))(t)
	public, _, err := l.keys.PublicKey(ctx, pair, claviger.DER)
	get(public, err)(t)
	sent, ciphertext, err := l.keys.Encapsulate(ctx, client.EncapsulateParams{Key: public, Derived: "HMAC-SHA-256", KDF: kdf})
	get(sent, err)(t)
	received := get(l.keys.Decapsulate(ctx, client.DecapsulateParams{Key: pair, Ciphertext: ciphertext, Derived: "HMAC-SHA-256", KDF: kdf}))(t)
	if len(ciphertext) != 1088 || !l.sameKey(t, sent, received) {
		t.Errorf("ciphertext of %d bytes; same key: %v", len(ciphertext), l.sameKey(t, sent, received))
	}
	ciphertext[0] ^= 1
	other := get(l.keys.Decapsulate(ctx, client.DecapsulateParams{Key: pair, Ciphertext: ciphertext, Derived: "HMAC-SHA-256", KDF: kdf}))(t)
	if l.sameKey(t, sent, other) {
		t.Error("an altered ciphertext gives the same key")
	}
}

func TestKeyMakingInSlots(t *testing.T) {
	l, ctx := start(t), t.Context()
	kdf := client.KDF{Algorithm: "HKDF-SHA-256"}
	source := l.importKey(t, "SECRET", message(32))
	kem := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "ML-KEM-512"}))(t)
	dh := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "X25519"}))(t)
	peer, _, err := l.keys.PublicKey(ctx, dh, claviger.DER)
	get(peer, err)(t)
	var ciphertext []byte
	for name, write := range map[string]func(slot *client.KeySlot, rotate bool) (uint64, error){
		"generate": func(s *client.KeySlot, r bool) (uint64, error) {
			return l.keys.GenerateIn(ctx, s, client.GenerateParams{Algorithm: "AES-256", Rotate: r})
		},
		"import": func(s *client.KeySlot, r bool) (uint64, error) {
			return l.keys.ImportIn(ctx, s, client.ImportParams{Algorithm: "AES-256", Format: claviger.Raw, Data: message(32), Rotate: r})
		},
		"derive": func(s *client.KeySlot, r bool) (uint64, error) {
			return l.keys.DeriveIn(ctx, s, client.DeriveParams{Key: source, KDF: kdf, Derived: "AES-256", Rotate: r})
		},
		"agree": func(s *client.KeySlot, r bool) (uint64, error) {
			return l.keys.AgreeIn(ctx, s, client.AgreeParams{Key: dh, PeerKey: peer, KDF: &kdf, Derived: "AES-256", Rotate: r})
		},
		"encapsulate": func(s *client.KeySlot, r bool) (version uint64, err error) {
			version, ciphertext, err = l.keys.EncapsulateIn(ctx, s, client.EncapsulateParams{Key: kem, KDF: &kdf, Derived: "AES-256", Rotate: r})
			return version, err
		},
		"decapsulate": func(s *client.KeySlot, r bool) (uint64, error) {
			k, c, err := l.keys.Encapsulate(ctx, client.EncapsulateParams{Key: kem})
			get(k, err)(t)
			return l.keys.DecapsulateIn(ctx, s, client.DecapsulateParams{Key: kem, Ciphertext: c, KDF: &kdf, Derived: "AES-256", Rotate: r})
		},
	} {
		slot := get(l.KeySlot(ctx, "slot/"+name))(t)
		if v := get(write(slot, false))(t); v != 1 {
			t.Errorf("%s: first version %d", name, v)
		}
		_, err := write(slot, false)
		wantCode(t, name+" into an occupied slot", err, claviger.ErrKeySlotOccupied)
		if v := get(write(slot, true))(t); v != 2 {
			t.Errorf("%s: second version %d", name, v)
		}
		info := get(slot.Info(ctx))(t)
		if info.State != claviger.SlotOccupied || info.Algorithm != "AES-256" || len(info.Versions) != 2 {
			t.Errorf("%s: %+v", name, info)
		}
	}
	if len(ciphertext) != 768 {
		t.Errorf("ciphertext of %d bytes", len(ciphertext))
	}
}

func TestOlderVersionsDecryptAndNumberingGoesOn(t *testing.T) {
	l, ctx := start(t), t.Context()
	slot := get(l.KeySlot(ctx, "data"))(t)
	key := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "AES-256"}))(t)
	if v := get(l.keys.Persist(ctx, slot, key))(t); v != 1 {
		t.Errorf("persisted as version %d", v)
	}
	seal := func(k client.KeySource) []byte {
		t.Helper()
		return get(get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: k}))(t).Seal(ctx, nil, nil, prefix, nil))(t)
	}
	open := func(k client.KeySource, sealed []byte) ([]byte, error) {
		a, err := l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: k, Direction: claviger.Decrypting})
		if err != nil {
			return nil, err
		}
		return a.Open(ctx, nil, nil, sealed, nil)
	}
	first := seal(slot)
	if v := get(l.keys.Rotate(ctx, slot, get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "AES-256"}))(t)))(t); v != 2 {
		t.Errorf("rotated to version %d", v)
	}
	if _, err := open(slot, first); err == nil {
		t.Error("the newest version opens what the first sealed")
	}
	if got := get(open(slot.Version(1), first))(t); !bytes.Equal(got, prefix) {
		t.Error("the first version does not open what it sealed")
	}
	loaded := get(l.keys.Load(ctx, slot.Version(1)))(t)
	if got := get(open(loaded, first))(t); !bytes.Equal(got, prefix) {
		t.Error("the first version, loaded, does not open what it sealed")
	}
	if err := l.keys.ClearVersion(ctx, slot, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := open(slot.Version(1), first); err == nil {
		t.Error("a destroyed version opens")
	}
	wantCode(t, "version 0", l.keys.ClearVersion(ctx, slot, 0), claviger.ErrInvalidArgument)
	if err := l.keys.Clear(ctx, slot); err != nil {
		t.Fatal(err)
	}
	_, err := l.keys.Load(ctx, slot)
	wantCode(t, "an empty slot", err, claviger.ErrKeySlotEmpty)
	_, err = l.keys.Load(ctx, key)
	wantCode(t, "a key is no slot", err, claviger.ErrInvalidResourceType)
	if v := get(l.keys.GenerateIn(ctx, slot, client.GenerateParams{Algorithm: "AES-256"}))(t); v != 3 {
		t.Errorf("after Clear comes version %d; want 3", v)
	}
}

func TestKeysSayWhatTheyAre(t *testing.T) {
	l, ctx := start(t), t.Context()
	key := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256", Permissions: claviger.Authentication}))(t)
	want := claviger.KeyInfo{Algorithm: "ECDSA-P256", Class: claviger.PrivateKey, Persistence: claviger.Ephemeral,
		Permissions: claviger.Authentication, Provider: key.Provider(), Bits: 256}
	if key.Info() != want || get(l.keys.KeyInfo(ctx, key))(t) != want || key.Provider() == 0 {
		t.Errorf("%+v; want %+v", key.Info(), want)
	}
	useless := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "AES-256", NoPermissions: true}))(t)
	if useless.Permissions() != claviger.NoPermission {
		t.Errorf("permissions %s", useless.Permissions())
	}
	_, err := l.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: useless})
	wantCode(t, "a key without permissions", err, claviger.ErrKeyOperationNotPermitted)
	_, err = l.keys.Export(ctx, useless, claviger.Raw)
	wantCode(t, "export without permission", err, claviger.ErrKeyOperationNotPermitted)
	mute := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256", PublicPermissions: new(claviger.NoPermission)}))(t)
	public, _, err := l.keys.PublicKey(ctx, mute, claviger.DER)
	if err == nil {
		_, err = l.NewVerifier(ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: public})
	}
	wantCode(t, "a restricted public half", err, claviger.ErrKeyOperationNotPermitted)
}

func TestQueriesAnswer(t *testing.T) {
	l, ctx := start(t), t.Context()
	get(l.keys.GenerateIn(ctx, get(l.KeySlot(ctx, "data"))(t), client.GenerateParams{Algorithm: "AES-256"}))(t)
	if a := get(l.stack.Algorithm(ctx, "sha256"))(t); a.Name != "SHA-256" || len(a.Providers) == 0 || len(a.Operations) == 0 {
		t.Errorf("SHA-256: %+v", a)
	}
	_, err := l.stack.Algorithm(ctx, "ROT13")
	wantCode(t, "an unknown algorithm", err, claviger.ErrUnsupportedAlgorithm)
	_, err = l.stack.Algorithm(ctx, "")
	wantCode(t, "no algorithm", err, claviger.ErrInvalidArgument)
	if c := get(l.stack.Capabilities(ctx))(t); len(c.Algorithms) < 30 || len(c.Providers) == 0 {
		t.Errorf("%d algorithms, %d providers", len(c.Algorithms), len(c.Providers))
	}
	if p := get(l.stack.Providers(ctx))(t); len(p) == 0 || !p[0].Available {
		t.Errorf("%+v", p)
	}
	slots := get(l.stack.Slots(ctx))(t)
	if len(slots) != 1 || slots[0].Name != "data" || slots[0].Type != claviger.TypeKeySlot || slots[0].Info.Algorithm != "AES-256" {
		t.Errorf("%+v", slots)
	}
	status := get(l.stack.Status(ctx))(t)
	if len(status.Tenants) != 1 || status.Tenants[0].Name != l.stack.Tenant() || status.Frames == 0 || status.PID == 0 || status.Started.IsZero() {
		t.Errorf("%+v", status)
	}
	if before, after, err := l.stack.Compact(ctx); err != nil || before == 0 || after == 0 {
		t.Errorf("compact: %d, %d, %v", before, after, err)
	}
	r := get(l.Resolve(ctx, "data", claviger.TypeKeySlot))(t)
	if _, ok := r.(*client.KeySlot); !ok || r.Name() != "data" || r.Type() != claviger.TypeKeySlot || r.Persistence() != claviger.Persistent {
		t.Errorf("%T %+v", r, r)
	}
	_, err = l.Resolve(ctx, "data", claviger.TypeKey)
	wantCode(t, "a type without names", err, claviger.ErrInvalidResourceType)
}

func TestRawFormsComeBackWithTheirAlgorithm(t *testing.T) {
	l, ctx := start(t), t.Context()
	for algorithm, back := range map[claviger.Algorithm]bool{
		"AES-256": true, "HMAC-SHA-256": true, "SECRET": true, "RSA-2048": true, "ECDSA-P256": true, "ECDH-P521": true,
		"ML-DSA-44": true, "ML-KEM-768": true, "X-WING": true, "Ed25519": false, "Ed448": false, "X25519": false, "X448": false,
	} {
		key := get(l.keys.Generate(ctx, client.GenerateParams{Algorithm: algorithm}))(t)
		raw := get(l.keys.Export(ctx, key, claviger.Raw))(t)
		_, err := l.keys.Import(ctx, client.ImportParams{Format: claviger.Raw, Data: raw})
		wantCode(t, string(algorithm)+" without its name", err, claviger.ErrInvalidArgument)
		if !back {
			_, err = l.keys.Import(ctx, client.ImportParams{Algorithm: algorithm, Format: claviger.Raw, Data: raw})
			wantCode(t, string(algorithm)+", of either half", err, claviger.ErrInvalidArgument)
			der := get(l.keys.Export(ctx, key, claviger.DER))(t)
			get(l.keys.Import(ctx, client.ImportParams{Format: claviger.DER, Data: der}))(t)
			continue
		}
		again := get(l.keys.Import(ctx, client.ImportParams{Algorithm: algorithm, Format: claviger.Raw, Data: raw}))(t)
		if again.Info().Class != key.Info().Class || !bytes.Equal(get(l.keys.Export(ctx, again, claviger.Raw))(t), raw) {
			t.Errorf("%s comes back as another key", algorithm)
		}
	}
	_, err := l.keys.Import(ctx, client.ImportParams{Algorithm: "AES-256", Format: claviger.Raw, Data: message(31)})
	wantCode(t, "31 bytes as AES-256", err, claviger.ErrIncompatibleKeyType)
	_, err = l.keys.Import(ctx, client.ImportParams{Algorithm: "ECDSA-P256", Format: claviger.Raw, Data: message(31)})
	wantCode(t, "31 bytes as ECDSA-P256", err, claviger.ErrInvalidFormat)
}
