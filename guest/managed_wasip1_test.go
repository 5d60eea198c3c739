package guest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/claviger/claviger/guest"
)

func managerOf(t *testing.T) *guest.SecretsManager {
	t.Helper()
	manager, err := guest.OpenSecretsManager()
	ok(t, err)
	t.Cleanup(func() { ok(t, manager.Close()) })
	return manager
}

func TestManagedPairsAreUsedAndNotTaken(t *testing.T) {
	manager := managerOf(t)
	pair, err := manager.GenerateKeyPair(guest.Signatures, "ECDSA_P256_SHA256", guest.ManagedConfig{})
	ok(t, err)
	id, version, err := pair.ID()
	ok(t, err)
	if len(id) != 32 || version != 1 {
		t.Errorf("identifier of %d characters, version %d", len(id), version)
	}
	signature, err := pair.Sign([]byte("message"))
	ok(t, err)
	again, err := manager.KeyPair(id, guest.Latest)
	ok(t, err)
	defer again.Close()
	ok(t, publicOf(t, again).Verify("ECDSA_P256_SHA256", []byte("message"), signature))
	_, err = again.Export(guest.PKCS8)
	refused(t, err, guest.ErrProhibitedOperation)
	secret, err := again.SecretKey()
	ok(t, err)
	defer secret.Close()
	_, err = secret.Export(guest.PKCS8)
	refused(t, err, guest.ErrProhibitedOperation)

	_, err = manager.ReplaceKeyPair(pair, pairOf(t, guest.Signatures, "Ed25519"))
	refused(t, err, guest.ErrIncompatibleKeys)
	next := pairOf(t, guest.Signatures, "ECDSA_P256_SHA256")
	version, err = manager.ReplaceKeyPair(pair, next)
	ok(t, err)
	if got, at, err := next.ID(); err != nil || version != 2 || at != 2 || got != id {
		t.Errorf("the next version is %d of %q (%v)", version, got, err)
	}
	refused(t, pair.Close(), guest.ErrClosed)
	ok(t, manager.Invalidate(id, 2))
	_, err = manager.KeyPair(id, guest.Latest)
	refused(t, err, guest.ErrNotFound)
	old, err := manager.KeyPair(id, 1)
	ok(t, err)
	ok(t, old.Close())
	ok(t, manager.Invalidate(id, guest.All))
	_, err = manager.KeyPair(id, 1)
	refused(t, err, guest.ErrNotFound)
}

func TestExportableKeysComeOut(t *testing.T) {
	manager := managerOf(t)
	pair, err := manager.GenerateKeyPair(guest.Signatures, "Ed25519", guest.ManagedConfig{Exportable: true})
	ok(t, err)
	defer pair.Close()
	raw, err := pair.Export(guest.Raw)
	ok(t, err)
	if len(raw) != 64 {
		t.Errorf("a raw pair of %d bytes", len(raw))
	}
	key, err := manager.GenerateSymmetricKey("AES-256-GCM", guest.ManagedConfig{Exportable: true})
	ok(t, err)
	defer key.Close()
	raw, err = key.Export()
	ok(t, err)
	if len(raw) != 32 {
		t.Errorf("a key of %d bytes", len(raw))
	}
}

func TestStoredKeysBecomeManaged(t *testing.T) {
	manager := managerOf(t)
	pair := pairOf(t, guest.Signatures, "Ed25519")
	if id, version, err := pair.ID(); err != nil || id != "" || version != guest.Unspecified {
		t.Errorf("a local pair has identifier %q and version %x, %v", id, version, err)
	}
	stored, err := manager.StoreKeyPair(pair)
	ok(t, err)
	again, err := manager.KeyPair(stored, 1)
	ok(t, err)
	defer again.Close()
	signature, err := again.Sign([]byte("message"))
	ok(t, err)
	ok(t, publicOf(t, pair).Verify("Ed25519", []byte("message"), signature))
	if id, version, err := pair.ID(); err != nil || id != stored || version != 1 {
		t.Errorf("a stored pair has identifier %q and version %d, %v", id, version, err)
	}
}

func TestManagedSymmetricKeys(t *testing.T) {
	manager := managerOf(t)
	local := keyOf(t, "AES-256-GCM", bytes.Repeat([]byte{3}, 32))
	id, err := manager.StoreSymmetricKey(local)
	ok(t, err)
	key, err := manager.SymmetricKey(id, guest.Latest)
	ok(t, err)
	_, err = key.Export()
	refused(t, err, guest.ErrProhibitedOperation)
	mine, err := guest.NewAEAD("AES-256-GCM", keyOf(t, "AES-256-GCM", bytes.Repeat([]byte{3}, 32)))
	ok(t, err)
	kept, err := guest.NewAEAD("AES-256-GCM", key)
	ok(t, err)
	nonce := make([]byte, 12)
	sealed := kept.Seal(nil, nonce, []byte("message"), []byte("extra"))
	if got, err := mine.Open(nil, nonce, sealed, []byte("extra")); err != nil || string(got) != "message" {
		t.Errorf("%q, %v", got, err)
	}
	sealed[0] ^= 1
	_, err = kept.Open(nil, nonce, sealed, []byte("extra"))
	refused(t, err, guest.ErrInvalidTag)
	next := keyOf(t, "AES-256-GCM", make([]byte, 32))
	if version, err := manager.ReplaceSymmetricKey(key, next); err != nil || version != 2 {
		t.Errorf("version %d, %v", version, err)
	}
	if got, version, err := next.ID(); err != nil || got != id || version != 2 {
		t.Errorf("identifier %q, version %d, %v", got, version, err)
	}
}

func TestSecretsHaveVersionsAndTimes(t *testing.T) {
	manager := managerOf(t)
	hour := time.Now().Add(time.Hour)
	id, err := manager.StoreSecret([]byte("one"), hour)
	ok(t, err)
	if version, err := manager.ReplaceSecret(id, []byte("two"), hour); err != nil || version != 2 {
		t.Errorf("version %d, %v", version, err)
	}
	for version, want := range map[uint64]string{1: "one", 2: "two", guest.Latest: "two"} {
		if got, err := manager.Secret(id, version); err != nil || string(got) != want {
			t.Errorf("version %x is %q, %v", version, got, err)
		}
	}
	_, err = manager.ReplaceSecret(id, []byte("three"), time.Time{})
	ok(t, err)
	_, err = manager.Secret(id, guest.Latest)
	refused(t, err, guest.ErrExpired)
	ok(t, manager.InvalidateSecret(id, 1))
	_, err = manager.Secret(id, 1)
	refused(t, err, guest.ErrNotFound)
	_, err = manager.StoreSecret(make([]byte, 1<<20+1), hour)
	refused(t, err, guest.ErrOverflow)
	long := bytes.Repeat([]byte{5}, 1<<20)
	id, err = manager.StoreSecret(long, hour)
	ok(t, err)
	if got, err := manager.Secret(id, 1); err != nil || !bytes.Equal(got, long) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestAnEmptySecretIsOne(t *testing.T) {
	manager := managerOf(t)
	id, err := manager.StoreSecret(nil, time.Now().Add(time.Hour))
	ok(t, err)
	if got, err := manager.Secret(id, 1); err != nil || len(got) != 0 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestCapsulesOpenUnalteredAndInTime(t *testing.T) {
	manager := managerOf(t)
	capsule, err := manager.Encapsulate([]byte("token"), time.Now().Add(time.Hour))
	ok(t, err)
	if got, err := manager.Decapsulate(capsule); err != nil || string(got) != "token" {
		t.Errorf("%q, %v", got, err)
	}
	capsule[len(capsule)/2] ^= 1
	_, err = manager.Decapsulate(capsule)
	refused(t, err, guest.ErrVerificationFailed)
	capsule, err = manager.Encapsulate([]byte("token"), time.Unix(1000, 0))
	ok(t, err)
	_, err = manager.Decapsulate(capsule)
	refused(t, err, guest.ErrExpired)
}
