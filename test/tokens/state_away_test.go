package tokens

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// remove takes the token out of SoftHSM, which then has an empty slot, and gives a function that puts it back.
func (k *Token) remove(t testing.TB) (back func()) {
	t.Helper()
	found := must(filepath.Glob(filepath.Join(k.Store, "*")))(t)
	if len(found) != 1 {
		t.Fatalf("SoftHSM has the tokens %v, want one", found)
	}
	away := filepath.Join(k.Dir, "away")
	ok(t, os.Rename(found[0], away))
	return func() { t.Helper(); ok(t, os.Rename(away, found[0])) }
}

// killWorker ends the worker, which is what makes the daemon look for the token anew.
func (r *Rig) killWorker(t testing.TB) {
	t.Helper()
	ok(t, syscall.Kill(r.worker(t), syscall.SIGKILL))
}

// awaitAway waits until the daemon says that the token is not available, and why: in these words.
func (u *user) awaitAway(t testing.TB, why string) {
	t.Helper()
	eventually(t, "the token is not available: "+why, func() bool {
		p := u.provider(t, TokenID)
		return !p.Available && strings.Contains(p.Reason, why)
	})
}

// awaitBack waits until the daemon says that the token is available, having asked it to look at once.
func (r *Rig) awaitBack(t testing.TB, u *user) {
	t.Helper()
	r.Signal(t, syscall.SIGHUP)
	eventually(t, "the token is available", func() bool { return u.provider(t, TokenID).Available })
}

const noToken = `no token has the label "claviger-test"`

// TestATokenThatIsAwayIsNotReplaced holds what comes of each choice without the token, whether it was there before or never: what
// is to be done there is not done elsewhere, unless that was allowed.
func TestATokenThatIsAwayIsNotReplaced(t *testing.T) {
	r := Start(t, Options{})
	u := r.connect(t)
	u.generate(t, "token/data", "pair/signing", "soft/data", "software/data")
	back := r.Token.remove(t)
	away := chosen{code: claviger.ErrProviderNotAvailable}
	hardware := map[string]chosen{"default": away, "number 2": away, "token": away, "Hardware": away, "HardwarePreferred": {at: SoftwareID}}
	hold := func(t *testing.T) {
		u.awaitAway(t, noToken)
		elsewhere := chosen{code: claviger.ErrCrossProviderIncompatible}
		generates("AES-256").hold(t, u, outcomes(hardware))
		encrypts("token/data", "AES-256-GCM").hold(t, u, outcomes(map[string]chosen{"default": away, "number 2": away, "token": away, "Hardware": away,
			"HardwarePreferred": away, "number 5": elsewhere, "software": elsewhere, "Software": elsewhere, "SoftwarePreferred": away}))
		signsWith("pair/signing").hold(t, u, outcomes(map[string]chosen{"default": away, "number 2": away, "token": away, "Hardware": away,
			"HardwarePreferred": away, "number 5": elsewhere, "software": elsewhere, "Software": elsewhere, "SoftwarePreferred": away}))
		encrypts("soft/data", "AES-256-GCM").hold(t, u, outcomes(map[string]chosen{"default": {at: SoftwareID}, "number 2": away, "token": away, "Hardware": away,
			"HardwarePreferred": {at: SoftwareID}}))
		encrypts("software/data", "AES-256-GCM").hold(t, u, outcomes(map[string]chosen{"default": {at: SoftwareID}, "number 2": elsewhere, "token": elsewhere,
			"Hardware": elsewhere, "HardwarePreferred": {at: SoftwareID}}))
	}
	t.Run("gone", func(t *testing.T) { r.killWorker(t); hold(t) })
	r.Stop(t)
	r.Launch(t)
	u = r.connect(t)
	t.Run("never there", hold)
	back()
	t.Run("there again", func(t *testing.T) {
		r.awaitBack(t, u)
		generates("AES-256").hold(t, u, outcomes(nil))
	})
}

// TestATokenThatComesBackServesAgain holds that the daemon stays, with all that does not need the token, while it is away, and that
// slots work as before when it is back; keys that lived for a session say that they are lost. What opens the store is not touched.
func TestATokenThatComesBackServesAgain(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	r := Start(t, Options{Token: k, Hostile: h})
	u := r.connect(t)
	opener := must(os.ReadFile(filepath.Join(r.Dir, "store.key")))(t)
	p := u.leave(t)
	t.Run("its module is ended", func(t *testing.T) {
		back := k.remove(t)
		r.killWorker(t)
		p.away(t, noToken)
		back()
		r.awaitBack(t, u)
		p.back(t)
	})
	t.Run("its module goes on without it", func(t *testing.T) {
		back := k.remove(t)
		_, err := u.sign(u.slot(t, "token/signing"))
		wantCode(t, err, claviger.ErrProviderNotAvailable, `"claviger-test"`, "is gone")
		p.away(t, noToken)
		r.tells(t, noToken)
		back()
		r.awaitBack(t, u)
		p.back(t)
	})
	t.Run("its module says so", func(t *testing.T) {
		h.Command("* token-absent")
		_, err := u.sign(u.slot(t, "token/signing"))
		wantCode(t, err, claviger.ErrProviderNotAvailable, `"claviger-test"`, "is not there")
		p.away(t, "")
		h.Command()
		r.awaitBack(t, u)
		p.back(t)
	})
	if now := must(os.ReadFile(filepath.Join(r.Dir, "store.key")))(t); !bytes.Equal(now, opener) {
		t.Error("the key file is another one")
	}
	equal(t, "keeper", must(u.stack.Status(u.ctx))(t).Keeper[:8], "key file")
}

// property is what a program has in a token.
type property struct {
	*user
	sealed, signature []byte
	session           *client.Key    // lives in the token until that goes
	signer            *client.Signer // with a slot's key
}

// leave makes keys in a token and uses them.
func (u *user) leave(t *testing.T) *property {
	t.Helper()
	u.generate(t, "token/signing", "token/data", "software/signing")
	p := &property{user: u, signature: must(u.sign(u.slot(t, "token/signing")))(t)}
	p.sealed = must(u.crypt(u.slot(t, "token/data"), claviger.Encrypting, []byte(message)))(t)
	p.session = must(u.keys(t, client.ProviderSelector{ID: TokenID}).Generate(u.ctx, generateP256()))(t)
	u.signs(t, p.session)
	p.signer = must(u.cc.NewSigner(u.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: u.slot(t, "token/signing"), DER: true}))(t)
	return p
}

// away holds what does not work without the token, and why not, and what works.
func (p *property) away(t *testing.T, why string) {
	t.Helper()
	p.awaitAway(t, why)
	_, err := p.sign(p.slot(t, "token/signing"))
	wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`, why)
	_, err = p.crypt(p.slot(t, "token/data"), claviger.Decrypting, p.sealed)
	wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`, why)
	_, err = p.sign(p.session)
	wantCode(t, err, claviger.ErrProviderNotAvailable, "the key was lost", `"token"`)
	_, err = p.signer.Sign(p.ctx, nil, []byte(message))
	wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`)
	manager := p.keys(t, client.ProviderSelector{})
	_, err = manager.GenerateIn(p.ctx, p.slot(t, "token/new"), client.GenerateParams{})
	wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`, why)
	wantCode(t, manager.Clear(p.ctx, p.slot(t, "token/data")), claviger.ErrProviderNotAvailable, `"token"`, why)
	for slot, want := range map[string]claviger.SlotState{"token/new": claviger.SlotEmpty, "token/data": claviger.SlotLocked, "software/signing": claviger.SlotOccupied} {
		equal(t, "state of "+slot, must(p.slot(t, slot).Info(p.ctx))(t).State, want)
	}
	p.signs(t, p.slot(t, "software/signing"))
}

// back holds that all works again that is not lost.
func (p *property) back(t *testing.T) {
	t.Helper()
	signing := p.slot(t, "token/signing")
	p.verified(t, signing, p.signature)
	p.signs(t, signing)
	opened := must(p.crypt(p.slot(t, "token/data"), claviger.Decrypting, p.sealed))(t)
	equal(t, "plaintext", string(opened), message)
	p.verified(t, signing, must(p.signer.Sign(p.ctx, nil, []byte(message)))(t))
	_, err := p.sign(p.session)
	wantCode(t, err, claviger.ErrProviderNotAvailable, "the key was lost", `"token"`)
	p.session = must(p.keys(t, client.ProviderSelector{ID: TokenID}).Generate(p.ctx, generateP256()))(t)
	p.signs(t, p.session)
	equal(t, "the worker was started again", p.provider(t, TokenID).Restarts > 0, true)
}

// TestATokenThatIsTakenOutIsMissedByEveryCall holds that whichever call is the first that needs an object of a token says that the token
// is gone, changes nothing, and that the token serves with all its keys when it is back.
func TestATokenThatIsTakenOutIsMissedByEveryCall(t *testing.T) {
	r := Start(t, Options{})
	u := r.connect(t)
	p := u.leave(t)
	u.generate(t, "token/mac", "pair/data")
	manager := u.keys(t, client.ProviderSelector{})
	for name, call := range map[string]func() error{
		"signing":    func() error { _, err := u.sign(u.slot(t, "token/signing")); return err },
		"decrypting": func() error { _, err := u.crypt(u.slot(t, "token/data"), claviger.Decrypting, p.sealed); return err },
		"loading":    func() error { _, err := manager.Load(u.ctx, u.slot(t, "pair/data")); return err },
		"generating": func() error {
			_, err := manager.GenerateIn(u.ctx, u.slot(t, "token/new"), client.GenerateParams{})
			return err
		},
		"clearing": func() error { return manager.Clear(u.ctx, u.slot(t, "token/mac")) },
		"listing": func() error {
			_, err := u.stack.Objects(u.ctx, client.ObjectQuery{Provider: TokenID})
			return err
		},
		"adopting": func() error {
			_, err := manager.Adopt(u.ctx, u.slot(t, "token/agree"), client.AdoptParams{Label: "nothing"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			back := r.Token.remove(t)
			wantCode(t, call(), claviger.ErrProviderNotAvailable, `"claviger-test"`, "is gone")
			u.awaitAway(t, noToken)
			p.signs(t, p.slot(t, "software/signing"))
			back()
			r.awaitBack(t, u)
			for slot, want := range map[string]claviger.SlotState{"token/new": claviger.SlotEmpty, "token/mac": claviger.SlotOccupied, "token/agree": claviger.SlotEmpty} {
				equal(t, "state of "+slot, must(u.slot(t, slot).Info(u.ctx))(t).State, want)
			}
			must(manager.Load(u.ctx, u.slot(t, "token/mac")))(t)
			p.back(t)
		})
	}
}

// TestAKeyThatIsGoneRestartsNothing holds that naming a slot whose object somebody deleted costs nobody else anything.
func TestAKeyThatIsGoneRestartsNothing(t *testing.T) {
	b := newBench(t)
	b.generate(t, "token/signing", "token/data")
	session := must(b.keys(t, client.ProviderSelector{ID: TokenID}).Generate(b.ctx, generateP256()))(t)
	b.tool("--delete-object", "--type", "secrkey", "--id", must(b.slot(t, "token/data").Info(b.ctx))(t).Versions[0].ID)
	worker := b.worker(t)
	for range 10 {
		_, err := b.crypt(b.slot(t, "token/data"), claviger.Encrypting, []byte(message))
		wantCode(t, err, claviger.ErrResourceNotFound, `"token/data"`, "does not have")
		b.signs(t, b.slot(t, "token/signing"))
		b.signs(t, session)
	}
	equal(t, "the worker", b.worker(t), worker)
}
