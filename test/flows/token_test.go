package flows_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/tokens"
)

// inToken is the place of keys that live in a token. Nothing but the token can use its secret keys, so that software is not
// compatible with the deployed one; and it has no lattices, so that an elliptic curve signs.
func inToken() place {
	return place{client.ProviderSelector{Name: "token"}, []claviger.ProviderID{tokens.TokenID}, ellipticCurve()}
}

// withToken says what daemon the flows run on that have their keys in a token: daemontest.FlowConfig's, but for that.
func withToken() tokens.Options {
	both, crypt := []string{"token", "software"}, []string{"encrypt", "decrypt"}
	return tokens.Options{
		Slots: []tokens.Slot{
			{Name: "PreDeployedSlot", Algorithm: "AES-256", Providers: both, Operations: crypt},
			{Name: "SigningKey", Algorithm: "ECDSA-P256", Providers: []string{"token"}, Operations: []string{"sign", "verify"}},
			{Name: "MyNewSlot", Algorithm: "AES-256", Providers: []string{"token"}, Operations: crypt},
		},
		Config: `
[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "300ms"

[[provider]]
id    = 10
name  = "slower"
kind  = "delay"
delay = "2s"

[[cert_slot]]
name = "vehicle/device"

[[cert_slot]]
name = "vehicle/root"

[[trust_store]]
name    = "vehicle/roots"
members = ["vehicle/root"]
`,
		Resources: `
DeviceCert = { cert_slot = "vehicle/device", write = ["save", "clear"] }
RootCert   = { cert_slot = "vehicle/root", write = ["save", "clear", "crl"] }
RootCA     = { trust_store = "vehicle/roots" }
`,
	}
}

// TestF3AcrossProviders holds that a token's slot takes a key that was made in software, and keeps it: the key itself stays where it
// was made, and what the slot gives is the token's.
func TestF3AcrossProviders(t *testing.T) {
	d := tokens.Start(t, withToken())
	e := &env{ctx: t.Context(), stack: d.Dial(t)}
	e.cc = e.context(t)
	km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Provider: client.ProviderSelector{Name: "software"}}))(t)
	key := must(km.Generate(e.ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: claviger.Encrypt | claviger.Decrypt}))(t)
	gcm := func(k client.KeySource, way claviger.Direction) *client.Cipher {
		t.Helper()
		return must(e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: k, Direction: way}))(t)
	}
	sealer := gcm(key, claviger.Encrypting)
	equal(t, "the key's provider", sealer.Provider(), tokens.SoftwareID)
	sealed := stream(t, e, sealer, iv[:12], plaintext)
	must(km.Persist(e.ctx, e.slot(t, "MyNewSlot"), key))(t)
	equal(t, "the key's provider", must(km.KeyInfo(e.ctx, key))(t).Provider, tokens.SoftwareID)
	for _, when := range []string{"at once", "after a restart"} {
		opener := gcm(e.slot(t, "MyNewSlot"), claviger.Decrypting)
		equal(t, "the slot's provider "+when, opener.Provider(), tokens.TokenID)
		if got := stream(t, e, opener, iv[:12], sealed); !bytes.Equal(got, plaintext) {
			t.Errorf("the slot does not open %s what the key sealed", when)
		}
		d.Kill()
		d.Launch(t)
		e.stack = d.Dial(t)
		e.cc = e.context(t)
	}
}

// TestF9WithAToken is timeouts of work that a token does.
func TestF9WithAToken(t *testing.T) {
	token := tokens.SoftHSM(t)
	slow := tokens.NewHostile(t, token.Module)
	o := withToken()
	o.Token, o.Hostile = token, slow
	d := tokens.Start(t, o)
	e := &env{ctx: t.Context(), stack: d.Dial(t)}
	e.cc = e.context(t)
	e.deploy(t)
	t.Run("F9.3", func(t *testing.T) {
		// Each call has its own budget: 24 calls of 25 ms under 500 ms each.
		c := must(e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: e.slot(t, "PreDeployedSlot"), Timeout: 500 * time.Millisecond}))(t)
		slow.Command("C_Encrypt slow")
		start := time.Now()
		check(t, c.Init(e.ctx, iv))
		for range 24 {
			must(c.Update(e.ctx, nil, plaintext))(t)
		}
		must(c.Finalize(e.ctx, nil))(t)
		if took := time.Since(start); took < 600*time.Millisecond {
			t.Errorf("the calls took %v, so they are not slow", took)
		}
	})
	t.Run("F9.4", func(t *testing.T) { hungSigner(t, e, slow) })
	t.Run("F9.5", func(t *testing.T) {
		slow.Command("C_GenerateKeyPair slow")
		generate := func(timeout time.Duration) (*client.Key, error) {
			km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Timeout: timeout, Provider: inToken().provider}))(t)
			return km.Generate(e.ctx, client.GenerateParams{Algorithm: "ECDSA-P256"})
		}
		_, err := generate(10 * time.Millisecond)
		wantCode(t, err, claviger.ErrOperationTimedOut)
		key := must(generate(client.NoTimeout))(t)
		equal(t, "provider", key.Provider(), tokens.TokenID)
		eventually(t, "only the key that was given is there", func() bool { _, me := e.status(t); return me.Keys == 1 })
	})
}

// hungSigner holds that a call that the token does not answer ends in time, and harms nothing but its own context.
func hungSigner(t *testing.T, e *env, slow *tokens.Hostile) {
	signer := func(timeout time.Duration) *client.Signer {
		t.Helper()
		return must(e.cc.NewSigner(e.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: e.slot(t, "SigningKey"), Timeout: timeout}))(t)
	}
	late, other := signer(200*time.Millisecond), signer(client.NoTimeout)
	slow.Command("C_Sign sleep 1")
	start := time.Now()
	_, err := late.Sign(e.ctx, nil, plaintext)
	wantCode(t, err, claviger.ErrOperationTimedOut)
	if took := time.Since(start); took < 200*time.Millisecond || took > 5*time.Second { // a hang is noticed after ten
		t.Errorf("the answer took %v", took)
	}
	wantCode(t, late.Init(e.ctx), claviger.ErrInvalidOperation)
	wantCode(t, late.Reset(e.ctx), claviger.ErrInvalidOperation)
	must(other.Sign(e.ctx, nil, plaintext))(t)
}
