package tokens

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// publicUser is a program that has used pairs of a token, and goes on with their public halves.
type publicUser struct {
	*user
	r         *Rig
	signature []byte            // of message, by pair/signing
	public    map[string]string // what "slot public" has written of each slot
	files     string            // directory for what commands are given
}

// usesPairs makes keys in slots whose first provider is the token, and uses them while it is there.
func usesPairs(t *testing.T, r *Rig) *publicUser {
	t.Helper()
	p := &publicUser{user: r.connect(t), r: r, public: make(map[string]string), files: t.TempDir()}
	p.generate(t, "pair/signing", "pair/rsa", "token/signing")
	p.signature = must(p.sign(p.slot(t, "pair/signing")))(t)
	ok(t, os.WriteFile(filepath.Join(p.files, "signature"), p.signature, 0o600))
	for _, name := range []string{"pair/signing", "pair/rsa", "token/signing"} {
		p.public[name] = p.claviger(t, "slot", "public", name)
	}
	return p
}

// claviger runs a command over message, which must succeed, and gives what it writes.
func (p *publicUser) claviger(t *testing.T, args ...string) string {
	t.Helper()
	res := p.r.Run(t, []byte(message), args...)
	if res.Code != 0 {
		t.Errorf("%v: status %d, %s", args, res.Code, res.Stderr)
	}
	return res.Stdout
}

// verifies verifies the signature, and says which provider did it.
func (p *publicUser) verifies(u *user, at client.ProviderSelector) (claviger.ProviderID, error) {
	slot, err := u.cc.KeySlot(u.ctx, "pair/signing")
	if err != nil {
		return 0, err
	}
	v, err := u.cc.NewVerifier(u.ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: slot, DER: true, Provider: at})
	if err != nil {
		return 0, err
	}
	defer v.Close()
	right, err := v.Verify(u.ctx, []byte(message), p.signature)
	if err == nil && !right {
		err = claviger.Errorf(claviger.ErrOperationFailed, "test", "a right signature is refused")
	}
	return v.Provider(), err
}

// hold holds what public halves do without the token.
func (p *publicUser) hold(t *testing.T) {
	t.Helper()
	away := chosen{code: claviger.ErrProviderNotAvailable}
	software := chosen{at: SoftwareID}
	deed{"verify", p.verifies}.hold(t, p.user, outcomes(map[string]chosen{"default": software, "number 2": away, "token": away, "Hardware": away, "HardwarePreferred": software}))
	for name, want := range p.public {
		equal(t, "the public half of "+name, p.claviger(t, "slot", "public", name), want)
	}
	p.claviger(t, "verify", "--key", "pair/signing", "--der", "--signature", filepath.Join(p.files, "signature"))
	p.claviger(t, "verify", "--key", "pair/signing", "--der", "--signature", filepath.Join(p.files, "signature"), "--provider", "software")
	_, err := p.sign(p.slot(t, "pair/signing"))
	wantCode(t, err, claviger.ErrProviderNotAvailable, "token", noToken)
	_, err = p.user.verifies(p.slot(t, "token/signing"), p.signature)
	wantCode(t, err, claviger.ErrProviderNotAvailable, "token", noToken)
}

// verifies verifies a signature of message where the slot says; the error is that of whatever did not work.
func (u *user) verifies(key client.KeySource, signature []byte) (bool, error) {
	v, err := u.cc.NewVerifier(u.ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key, DER: true})
	if err != nil {
		return false, err
	}
	defer v.Close()
	return v.Verify(u.ctx, []byte(message), signature)
}

// TestPublicHalvesServeWhileTheirTokenIsAway holds that a token that is away harms only what needs it: the public halves of its keys
// are given out and verify, where the slot names another provider for it.
func TestPublicHalvesServeWhileTheirTokenIsAway(t *testing.T) {
	slots := append(DefaultSlots(), Slot{"pair/rsa", "RSA-2048", []string{"token", "software"}, []string{"encrypt", "decrypt"}})
	r := Start(t, Options{Slots: slots})
	p := usesPairs(t, r)
	_, err := p.cc.NewCipher(p.ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: p.slot(t, "pair/rsa")})
	wantCode(t, err, claviger.ErrUnsupportedAlgorithm, "nobody could read it again") // SoftHSM decrypts OAEP with SHA-1 alone
	back := r.Token.remove(t)
	t.Run("unnoticed", func(t *testing.T) {
		at, err := p.verifies(p.user, client.ProviderSelector{})
		if err != nil || at != SoftwareID {
			t.Errorf("provider %d, %v", at, err)
		}
	})
	t.Run("gone", func(t *testing.T) { p.awaitAway(t, noToken); p.hold(t) })
	r.Stop(t)
	r.Launch(t)
	p.user = r.connect(t)
	t.Run("never there", func(t *testing.T) { p.awaitAway(t, noToken); p.hold(t) })
	back()
	t.Run("there again", func(t *testing.T) {
		r.awaitBack(t, p.user)
		deed{"verify", p.verifies}.hold(t, p.user, outcomes(nil))
		p.signs(t, p.slot(t, "pair/signing"))
	})
}
