package frozen_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

func guestSHA256() [32]byte { return sha256.Sum256([]byte("guest")) }

// loading takes keys out of slots and asks what they are.
func (k *talk) loading(t *testing.T) {
	key := must(k.keys.Load(k.ctx, k.slot(t, "Code")))(t)
	k.say("loaded", key.Info(), k.code(t, key, k.Message))
	k.say("asked again", must(k.keys.KeyInfo(k.ctx, key))(t))
	_, err := k.keys.Export(k.ctx, key, claviger.Raw)
	k.say("export", err)
	check(t, key.Close())
	_, err = k.keys.Load(k.ctx, k.slot(t, "Data").Version(3))
	k.say("a version that was cleared", err)
	for _, p := range k.Signing {
		key, spki, err := k.keys.PublicKey(k.ctx, k.slot(t, p.Slot), claviger.DER)
		check(t, err)
		k.say("public key", key.Info(), spki)
		check(t, key.Close())
	}
}

// making makes keys that go with the session.
func (k *talk) making(t *testing.T) {
	imported := must(k.keys.Import(k.ctx, client.ImportParams{Algorithm: "SECRET", Format: claviger.Raw, Data: bytes.Repeat([]byte{7}, 32)}))(t)
	k.say("imported", imported.Info(), must(k.keys.Export(k.ctx, imported, claviger.Raw))(t))
	derived := must(k.keys.Derive(k.ctx, client.DeriveParams{Key: imported, Derived: "HMAC-SHA-256", KDF: *kdf()}))(t)
	k.say("derived", derived.Info(), k.code(t, derived, k.Message))
	check(t, imported.Close())
	check(t, derived.Close())
	k.say("agreed", k.agreed(t, &k.Agreement, k.Message))
	k.say("decapsulated", k.decapsulated(t, &k.Encapsulation, k.Message))
	key, ciphertext, err := k.keys.Encapsulate(k.ctx, client.EncapsulateParams{Key: k.slot(t, "MLKEM"), Derived: "HMAC-SHA-256", KDF: kdf()})
	check(t, err)
	k.say("encapsulated", key.Info(), len(ciphertext))
	check(t, key.Close())
	generated := must(k.keys.Generate(k.ctx, client.GenerateParams{Algorithm: "ECDSA-P384", Permissions: claviger.Sign}))(t)
	k.say("generated", generated.Info())
	check(t, generated.Close())
	_, err = k.keys.Import(k.ctx, client.ImportParams{Format: claviger.DER, Data: []byte("no key")})
	k.say("no key", err)
	_, err = k.keys.Generate(k.ctx, client.GenerateParams{Algorithm: "AES-257"})
	k.say("no such key", err)
}

// storing writes into slots.
func (k *talk) storing(t *testing.T) {
	worn := k.slot(t, "Worn")
	k.say("generated in", k.generate(t, "Worn", false))
	_, err := k.keys.GenerateIn(k.ctx, worn, client.GenerateParams{})
	k.say("occupied", err)
	material := client.ImportParams{Format: claviger.Raw, Data: bytes.Repeat([]byte{9}, 32), Rotate: true}
	k.say("imported in", must(k.keys.ImportIn(k.ctx, worn, material))(t), k.code(t, worn, k.Message))
	check(t, k.keys.ClearVersion(k.ctx, worn, 4))
	check(t, k.keys.Clear(k.ctx, worn))
	key := must(k.keys.Import(k.ctx, client.ImportParams{Algorithm: "HMAC-SHA-256", Format: claviger.Raw, Data: material.Data, Permissions: claviger.Mac}))(t)
	k.say("persisted", must(k.keys.Persist(k.ctx, worn, key))(t))
	k.say("rotated", must(k.keys.Rotate(k.ctx, worn, key))(t))
	check(t, key.Close())
	_, err = k.keys.ImportIn(k.ctx, k.slot(t, "Code"), material)
	k.say("without the right", err)
}

func (k *talk) certificates(t *testing.T) {
	device, root := must(k.cc.CertSlot(k.ctx, "DeviceCert"))(t), must(k.cc.CertSlot(k.ctx, "RootCert"))(t)
	anchors := must(k.cc.TrustStore(k.ctx, "Anchors"))(t)
	k.say("info", must(k.certs.Info(k.ctx, root))(t))
	k.say("exported", must(k.certs.Export(k.ctx, device, claviger.PEM))(t))
	k.say("members", must(anchors.Members(k.ctx))(t))
	loaded := must(k.certs.Load(k.ctx, device))(t)
	key, algorithm, err := k.certs.PublicKey(k.ctx, loaded)
	check(t, err)
	k.say("public key", algorithm, key.Info())
	check(t, key.Close())
	revoked := must(k.certs.ParseAll(k.ctx, append(bytes.Clone(k.Certificates.Revoked), k.Certificates.Root...), claviger.DER))(t)
	_, err = k.certs.Parse(k.ctx, []byte("no certificate"), claviger.DER)
	k.say("no certificate", err)
	for _, cert := range []client.CertSource{device, loaded, revoked[0]} {
		v := must(k.cc.NewCertVerifier(k.ctx, client.CertVerifierConfig{Revocation: claviger.CRLOnly}))(t)
		v.SetCertificate(cert)
		v.SetChain(revoked[1])
		v.SetVerificationTrustStore(anchors)
		v.SetVerificationTime(day)
		result := must(v.Verify(k.ctx))(t)
		k.say("verified", result.Verdict, result.Depth, len(result.Chain))
	}
	check(t, k.certs.Save(k.ctx, device, revoked[0]))
	check(t, k.certs.Clear(k.ctx, device))
	k.say("no list", k.certs.ImportCRL(k.ctx, []byte("no list"), claviger.DER, root))
	for _, c := range append(revoked, loaded) {
		check(t, c.Close())
	}
}

// keeping reads and writes secrets.
func (k *talk) keeping(t *testing.T) {
	for _, p := range k.Secrets {
		for _, version := range append([]uint64{1}, p.Gone...) {
			got, err := k.secrets.Get(k.ctx, p.ID, version)
			k.say("secret", got.Version, got.Expires, got.Value, err)
		}
	}
	for info, err := range k.secrets.List(k.ctx) {
		k.say("listed", info, err)
	}
	for info, err := range k.secrets.ListAll(k.ctx) {
		k.say("listed of all", info, err)
	}
	k.say("put", len(must(k.secrets.Put(k.ctx, []byte("new"), expires))(t)))
	k.say("replaced", must(k.secrets.Replace(k.ctx, k.Secrets[0].ID, []byte("next"), 1))(t))
	_, err := k.secrets.Get(k.ctx, k.Secrets[0].ID, claviger.LatestVersion)
	k.say("expired", err)
	check(t, k.secrets.Invalidate(k.ctx, k.Secrets[0].ID, claviger.AllVersions))
	k.say("nothing left", k.secrets.Invalidate(k.ctx, k.Secrets[0].ID, 1))
	check(t, k.secrets.InvalidateFor(k.ctx, k.Retired.Tenant, k.Retired.ID, 1))
}

func (k *talk) capsules(t *testing.T) {
	for _, capsule := range append(k.Capsules.Open, k.Capsules.Shut...) {
		got, err := k.secrets.Open(k.ctx, capsule)
		k.say("capsule", got.Expires, got.Value, err)
	}
	k.say("sealed", len(must(k.secrets.Seal(k.ctx, []byte("new"), expires))(t)))
	k.say("rotated", must(k.secrets.RotateKEK(k.ctx))(t))
	check(t, k.secrets.DestroyKEK(k.ctx, 1))
	k.say("no such key", k.secrets.DestroyKEK(k.ctx, 1))
}

// managing uses managed keys.
func (k *talk) managing(t *testing.T) {
	for info, err := range k.secrets.ListKeys(k.ctx) {
		k.say("listed", info, err)
	}
	for _, m := range k.Managed {
		key := must(k.secrets.OpenKey(k.ctx, m.ID, 1))(t)
		k.say("managed", key.Type(), key.Algorithm(), key.Public(), len(made(t, k.session, key, k.Message)))
		_, err := k.secrets.OpenKey(k.ctx, m.ID, 2)
		k.say("no such version", err)
		check(t, key.Close())
	}
	last := k.Managed[len(k.Managed)-1]
	next := must(k.secrets.ReplaceKey(k.ctx, last.ID, claviger.ManagedMaterial{Type: last.Type, Algorithm: last.Algorithm, Key: make([]byte, 32)}))(t)
	k.say("replaced", next.Version(), made(t, k.session, next, k.Message))
	check(t, next.Close())
	check(t, k.secrets.InvalidateKey(k.ctx, last.ID, claviger.AllVersions))
	k.say("nothing left", k.secrets.InvalidateKey(k.ctx, last.ID, 1))
	generated := must(k.secrets.GenerateKey(k.ctx, claviger.GuestKeyExchange, "X25519", claviger.ManagedOptions{}))(t)
	k.say("generated", generated.Version(), len(generated.Public()))
	check(t, generated.Close())
}

// states runs symmetric states, whose keys stay with the daemon.
func (k *talk) states(t *testing.T) {
	key := k.symmetric(t, "AES-256-GCM")
	k.say("stored", key.Version(), key.Algorithm(), must(key.Export(k.ctx))(t))
	state := must(key.OpenState(k.ctx, claviger.StateOptions{Nonce: make([]byte, 12)}))(t)
	check(t, state.Absorb(k.ctx, k.AAD))
	tag := must(state.MaxTagLen(k.ctx))(t)
	copied := must(state.Clone(k.ctx))(t)
	k.say("encrypted", tag, must(state.Option(k.ctx, "nonce"))(t), must(state.Encrypt(k.ctx, nil, k.Message))(t))
	out, code, err := copied.EncryptDetached(k.ctx, nil, k.Message)
	k.say("apart", out, code, err)
	k.say("what it does not do", state.Ratchet(k.ctx))
	check(t, copied.Close())
	check(t, state.Close())
	state = must(key.OpenState(k.ctx, claviger.StateOptions{Nonce: make([]byte, 12)}))(t)
	_, err = state.DecryptDetached(k.ctx, nil, out, code)
	k.say("without associated data", err)
	check(t, state.Absorb(k.ctx, k.AAD))
	k.say("decrypted", must(state.DecryptDetached(k.ctx, nil, out, code))(t))
	check(t, state.Close())
	check(t, key.Close())

	// More than goes in one message. The ciphertext is made as in regions.
	key = k.symmetric(t, "AES-256-CBC")
	block := bytes.Repeat([]byte{5}, 16)
	state = must(key.OpenState(k.ctx, claviger.StateOptions{Nonce: block}))(t)
	padding := must(state.Encrypt(k.ctx, nil, nil))(t)
	check(t, state.Close())
	state = must(key.OpenState(k.ctx, claviger.StateOptions{Nonce: block}))(t)
	out = must(state.Decrypt(k.ctx, nil, append(bytes.Repeat(block, 1<<16+1), padding...)))(t)
	k.say("long", len(out), out[:16], sha256.Sum256(out))
	check(t, state.Close())
	check(t, key.Close())
}

// symmetric stores a managed key of zero bytes.
func (k *talk) symmetric(t *testing.T, algorithm claviger.Algorithm) claviger.ManagedKey {
	t.Helper()
	return must(k.secrets.StoreKey(k.ctx, claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: algorithm, Key: make([]byte, 32), Exportable: true}))(t)
}

func (k *talk) administration(t *testing.T) {
	check(t, k.stack.Reload(k.ctx))
	before, after, err := k.stack.Compact(k.ctx)
	k.say("compacted", before > 0, after > 0, err)
	for _, p := range must(k.stack.Providers(k.ctx))(t) {
		k.say("provider", p.ID, p.Name, p.Kind, p.Available)
	}
}

// slow makes a hash whose calls take a while.
func (k *talk) slow(t *testing.T) *client.Hash {
	t.Helper()
	return must(k.cc.NewHash(k.ctx, client.HashConfig{Algorithm: "SHA-256", Provider: client.ProviderSelector{Name: "slow"}}))(t)
}

// together has a quick call beside a slow one, twice: the first time the client opens a second connection, the second
// time it uses that.
func (k *talk) together(t *testing.T) {
	slow, quick := k.slow(t), must(k.cc.NewHash(k.ctx, client.HashConfig{Algorithm: "SHA-512"}))(t)
	for range 2 {
		var wait sync.WaitGroup
		var sum []byte
		var err error
		before := k.stack.Frames()
		wait.Go(func() { sum, err = slow.Sum(k.ctx, nil, k.Message) })
		for k.stack.Frames() == before {
			runtime.Gosched()
		}
		k.say("quick", must(quick.Sum(k.ctx, nil, k.Message))(t))
		wait.Wait()
		k.say("slow", must(sum, err)(t))
	}
	check(t, slow.Close())
	check(t, quick.Close())
}

// givingUp ends a call before it is answered.
func (k *talk) givingUp(t *testing.T) {
	slow := k.slow(t)
	ctx, cancel := context.WithCancel(k.ctx)
	defer time.AfterFunc(100*time.Millisecond, cancel).Stop()
	_, err := slow.Sum(ctx, nil, k.Message)
	k.say("given up", err)
	_, err = slow.Sum(k.ctx, nil, k.Message)
	k.say("afterwards", err)
	check(t, slow.Close())
	check(t, k.stack.Ping(k.ctx))
}

// regions has long messages, whose bytes go through shared memory. The ciphertext repeats one block, so that what it
// decrypts to repeats too and the recording stays small.
func (k *talk) regions(t *testing.T) {
	h := must(k.cc.NewHash(k.ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	k.say("hash", must(h.Sum(k.ctx, nil, bytes.Repeat(k.Message, 1000)))(t))
	check(t, h.Close())
	block := bytes.Repeat([]byte{5}, 16)
	c := must(k.cc.NewCipher(k.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: k.slot(t, "Data")}))(t)
	padding := must(c.Encrypt(k.ctx, nil, block, nil))(t)
	check(t, c.Close())
	c = must(k.cc.NewCipher(k.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: k.slot(t, "Data"), Direction: claviger.Decrypting}))(t)
	ciphertext := append(bytes.Repeat(block, 5000), padding...)
	out := must(c.Decrypt(k.ctx, nil, block, ciphertext))(t)
	k.say("decrypt", len(out), out[:16], sha256.Sum256(out))
	check(t, c.Init(k.ctx, block))
	out = must(c.Update(k.ctx, nil, ciphertext))(t)
	out = must(c.Finalize(k.ctx, out))(t)
	k.say("decrypt in parts", len(out), sha256.Sum256(out))
	check(t, c.Close())
}
