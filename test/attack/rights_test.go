package attack_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// ownSlots is a configuration in which the test process is the application "own".
const ownSlots = common + `
[[slot]]
name         = "own/locked"
algorithm    = "AES-256"
providers    = ["software"]
operations   = ["decrypt"]
caller_nonce = true

[[slot]]
name       = "own/open"
algorithm  = "AES-256"
providers  = ["software"]
operations = ["encrypt", "decrypt"]

[[app]]
name = "own"
uid  = {{.Self}}
[app.resources]
Locked = { slot = "own/locked", write = ["import", "clear"] }
Open   = { slot = "own/open", operations = ["encrypt", "decrypt"], write = ["generate", "persist", "clear"] }
`

// aesKey is a key that the tests know.
func aesKey() []byte { return bytes.Repeat([]byte{0x5C}, 32) }

// TestDecryptOnlyKeyForgesNothing: with a key that may only decrypt, in a slot or ephemeral, no context can be made that
// gives its key stream or a tag, and the key cannot be moved to where it may do more.
func TestDecryptOnlyKeyForgesNothing(t *testing.T) {
	d := daemontest.Start(t, ownSlots)
	stack := d.Dial(t)
	cc := scope(t, stack)
	km := manager(t, cc)
	slot := must(cc.KeySlot(t.Context(), "Locked"))(t)
	must(km.ImportIn(t.Context(), slot, client.ImportParams{Format: claviger.Raw, Data: aesKey()}))(t)
	key := must(km.Import(t.Context(), client.ImportParams{Algorithm: "AES-256", Format: claviger.Raw, Data: aesKey(), Permissions: claviger.Decrypt}))(t)
	loaded := must(km.Load(t.Context(), slot))(t)
	all := must(stack.Capabilities(t.Context()))(t).Algorithms
	for name, k := range map[string]client.KeySource{"slot": slot, "key": key, "loaded key": loaded} {
		t.Run(name, func(t *testing.T) { onlyDecrypts(t, cc, k, all) })
		t.Run(name+" stays", func(t *testing.T) { staysWeak(t, cc, km, k) })
	}
	able := must(km.Import(t.Context(), client.ImportParams{Algorithm: "AES-256", Format: claviger.Raw, Data: aesKey()}))(t)
	if !showsKeyStream(t, must(cc.NewCipher(t.Context(), client.CipherConfig{Algorithm: "AES-256-CTR", Key: able, Direction: claviger.Decrypting}))(t)) {
		t.Error("the search for key stream does not find that of a counter mode")
	}
	open := must(cc.KeySlot(t.Context(), "Open"))(t)
	for name, k := range map[string]*client.Key{"key": key, "loaded key": loaded} { // at the slot its own permissions decide
		if _, err := km.Persist(t.Context(), open, k); err == nil {
			_, err = cc.NewCipher(t.Context(), client.CipherConfig{Algorithm: "AES-256-CTR", Key: open})
			wantCode(t, "counter mode with the persisted "+name, err, claviger.ErrKeyOperationNotPermitted)
			_, err = cc.NewAEAD(t.Context(), client.AEADConfig{Algorithm: "AES-256-GCM", Key: open})
			wantCode(t, "sealing with the persisted "+name, err, claviger.ErrKeyOperationNotPermitted)
			check(t, km.Clear(t.Context(), open))
		}
	}
}

// onlyDecrypts asks for every kind of context with every algorithm there is. Only modes whose decryption is no
// encryption may be had, and those only to decrypt.
func onlyDecrypts(t *testing.T, cc *client.CryptoContext, k client.KeySource, all []claviger.AlgorithmInfo) {
	ctx := t.Context()
	could := map[claviger.Algorithm]bool{}
	for _, a := range all {
		_, err := cc.NewMAC(ctx, client.MACConfig{Algorithm: a.Name, Key: k})
		wantCode(t, "MAC by "+string(a.Name), err, claviger.ErrKeyOperationNotPermitted)
		_, err = cc.NewSigner(ctx, client.SignerConfig{Algorithm: a.Name, Key: k})
		wantCode(t, "signing by "+string(a.Name), err, claviger.ErrKeyOperationNotPermitted)
		_, err = cc.NewCipher(ctx, client.CipherConfig{Algorithm: a.Name, Key: k, Direction: claviger.Encrypting})
		wantCode(t, "encrypting by "+string(a.Name), err, claviger.ErrKeyOperationNotPermitted)
		_, err = cc.NewAEAD(ctx, client.AEADConfig{Algorithm: a.Name, Key: k, Direction: claviger.Encrypting})
		wantCode(t, "sealing by "+string(a.Name), err, claviger.ErrKeyOperationNotPermitted)
		if c, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: a.Name, Key: k, Direction: claviger.Decrypting}); err == nil {
			could[a.Name] = true
			if showsKeyStream(t, c) {
				t.Errorf("decryption by %s shows encrypted blocks", a.Name)
			}
			check(t, c.Close())
		}
	}
	if !could["AES-256-CBC"] || !could["AES-256-GCM"] || could["AES-256-CTR"] {
		t.Errorf("a key that may only decrypt does so by %v, want AES-256-CBC and AES-256-GCM, and never a counter mode", could)
	}
	gcmGivesNothing(t, cc, k)
}

// showsKeyStream decrypts zeros, which shows the key stream of any mode that has one, and looks for encrypted blocks: of
// zeros, of the IV, and of the counters that follow it.
func showsKeyStream(t *testing.T, c *client.Cipher) bool {
	iv := bytes.Repeat([]byte{7}, c.IVSize())
	check(t, c.Init(t.Context(), iv))
	out := must(c.Update(t.Context(), nil, make([]byte, 64)))(t)
	rest, _ := c.Finalize(t.Context(), nil) // zeros are no message; what comes with the error is looked at too
	out = append(out, rest...)
	block := must(aes.NewCipher(aesKey()))(t)
	counter, stream := make([]byte, aes.BlockSize), make([]byte, aes.BlockSize)
	for last := range byte(32) {
		for _, start := range [][]byte{nil, iv} {
			clear(counter)
			copy(counter, start)
			counter[15] += last
			block.Encrypt(stream, counter)
			if bytes.Contains(out, stream) {
				return true
			}
		}
	}
	return false
}

// gcmGivesNothing sees that decryption gives the plaintext of a right message, and of any other not one byte: what GCM
// computes before its tag is checked would be the key stream.
func gcmGivesNothing(t *testing.T, cc *client.CryptoContext, k client.KeySource) {
	ctx := t.Context()
	nonce, text := make([]byte, 12), []byte("sixteen bytes in sixteen bytes..")
	sealed := must(cipher.NewGCM(must(aes.NewCipher(aesKey()))(t)))(t).Seal(nil, nonce, text, nil)
	open := must(cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: k, Direction: claviger.Decrypting}))(t)
	if got := must(open.Decrypt(ctx, nil, nonce, sealed))(t); !bytes.Equal(got, text) {
		t.Error("a right message decrypts to something else")
	}
	forged := make([]byte, len(sealed))
	got, err := open.Decrypt(ctx, nil, nonce, forged)
	wantCode(t, "a forged message", err, claviger.ErrOperationFailed)
	check(t, open.Init(ctx, nonce))
	part, err := open.Update(ctx, nil, forged)
	check(t, err)
	rest, err := open.Finalize(ctx, nil)
	wantCode(t, "a forged message in parts", err, claviger.ErrOperationFailed)
	if len(got)+len(part)+len(rest) != 0 {
		t.Errorf("a forged message gives %d bytes", len(got)+len(part)+len(rest))
	}
}

// staysWeak tries to make of the key one that may do more.
func staysWeak(t *testing.T, cc *client.CryptoContext, km *client.KeyManager, k client.KeySource) {
	ctx := t.Context()
	_, err := km.Export(ctx, k, claviger.Raw)
	wantCode(t, "export", err, claviger.ErrKeyOperationNotPermitted)
	_, err = km.Derive(ctx, client.DeriveParams{Key: k, Derived: "AES-256", KDF: client.KDF{Algorithm: "HKDF-SHA-256"}})
	wantCode(t, "derivation", err, claviger.ErrKeyOperationNotPermitted)
	again, err := km.Load(ctx, k)
	if err == nil {
		if p := again.Permissions(); p != claviger.Decrypt {
			t.Errorf("loading gives a key for %s", p)
		}
		check(t, again.Close())
	}
}

// TestReloadWithdrawsRights: after SIGHUP a right that is gone is refused at the next call, open contexts included; a
// broken file changes nothing and is complained about; a new right is there for sessions that were there before.
func TestReloadWithdrawsRights(t *testing.T) {
	d := daemontest.Start(t, ownSlots)
	stack := d.Dial(t)
	cc := scope(t, stack)
	open := must(cc.KeySlot(t.Context(), "Open"))(t)
	must(manager(t, cc).GenerateIn(t.Context(), open, client.GenerateParams{}))(t)
	seal := must(cc.NewAEAD(t.Context(), client.AEADConfig{Algorithm: "AES-256-GCM", Key: open}))(t)
	unseal := must(cc.NewAEAD(t.Context(), client.AEADConfig{Algorithm: "AES-256-GCM", Key: open, Direction: claviger.Decrypting}))(t)
	sealed := must(seal.Seal(t.Context(), nil, nil, []byte("text"), nil))(t)

	reload(t, d, strings.Replace(ownSlots, `Open   = { slot = "own/open", operations = ["encrypt", "decrypt"]`, `Open   = { slot = "own/open", operations = ["decrypt"]`, 1))
	_, err := seal.Seal(t.Context(), nil, nil, []byte("text"), nil)
	wantCode(t, "an open context whose right is gone", err, claviger.ErrKeyOperationNotPermitted)
	_, err = cc.NewAEAD(t.Context(), client.AEADConfig{Algorithm: "AES-256-GCM", Key: open})
	wantCode(t, "a new context without the right", err, claviger.ErrKeyOperationNotPermitted)
	must(unseal.Open(t.Context(), nil, nil, sealed, nil))(t)

	broken(t, d, stack, "[[slot]\n", ":1:")
	broken(t, d, stack, strings.Replace(ownSlots, `providers  = ["software"]`, `providers  = ["hardware"]`, 1), "hardware")
	must(unseal.Open(t.Context(), nil, nil, sealed, nil))(t)
	_, err = seal.Seal(t.Context(), nil, nil, []byte("text"), nil)
	wantCode(t, "the withdrawn right after a broken file", err, claviger.ErrKeyOperationNotPermitted)

	reload(t, d, ownSlots+"New = { slot = \"own/open\" }\n")
	must(seal.Seal(t.Context(), nil, nil, []byte("text"), nil))(t) // the right is back
	must(cc.KeySlot(t.Context(), "New"))(t)

	reload(t, d, common) // the application is gone; its user stays administrator
	_, err = unseal.Open(t.Context(), nil, nil, sealed, nil)
	wantCode(t, "a context of an application that is gone", err, claviger.ErrAccessDenied)
	_, err = cc.KeySlot(t.Context(), "Open")
	wantCode(t, "a name of an application that is gone", err, claviger.ErrAccessDenied)
}

// reload puts a good configuration in force.
func reload(t *testing.T, d *daemontest.Daemon, config string) {
	t.Helper()
	loaded := strings.Count(d.Log(), "configuration loaded")
	d.WriteConfig(t, config)
	d.Signal(t, syscall.SIGHUP)
	within(t, daemontest.Patience, "the new configuration is in force", func() bool { return strings.Count(d.Log(), "configuration loaded") > loaded })
}

// broken offers a bad configuration; the log names the file and what is wrong, and the old one stays in force.
func broken(t *testing.T, d *daemontest.Daemon, stack *client.Stack, config, complaint string) {
	t.Helper()
	before := must(stack.Status(context.Background()))(t).Config
	from := len(d.Log())
	d.WriteConfig(t, config)
	d.Signal(t, syscall.SIGHUP)
	within(t, daemontest.Patience, "the broken configuration is refused", func() bool { return strings.Contains(d.Log()[from:], "configuration refused") })
	if said := d.Log()[from:]; !strings.Contains(said, d.Config) || !strings.Contains(said, complaint) {
		t.Errorf("the complaint names not both %s and %q: %s", d.Config, complaint, said)
	}
	if err := stack.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), complaint) {
		t.Errorf("reload by call of a broken file: %v", err)
	}
	if after := must(stack.Status(context.Background()))(t).Config; after != before || before == "" {
		t.Errorf("after a broken file the configuration in force is %q, was %q", after, before)
	}
}
