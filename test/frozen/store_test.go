package frozen_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestARecordedStoreGivesWhatItHeld is the promise of the store's layout: what was stored is there, whole, and stays so
// through compaction and restart.
func TestARecordedStoreGivesWhatItHeld(t *testing.T) {
	over(t, "store", func(t *testing.T, dir string) {
		r, d := seen(t, dir), start(t, dir)
		holds := func(when string) {
			t.Run(when, func(t *testing.T) {
				r.hold(t, open(t, d.Dial(t)))
				r.Guest.hold(t, open(t, guestStack(t, d)), r.Message)
			})
		}
		holds("as recorded")
		compact(t, d)
		holds("compacted")
		d.Stop(t)
		launch(t, d)
		holds("restarted")
	})
}

// TestNumbersOfARecordedStoreGoOn holds that no number that a recorded store has given comes again.
func TestNumbersOfARecordedStoreGoOn(t *testing.T) {
	over(t, "store", func(t *testing.T, dir string) {
		r, d := seen(t, dir), start(t, dir)
		compact(t, d)
		for round := range uint64(2) {
			s := open(t, d.Dial(t))
			for _, n := range r.Numbers {
				equal(t, "the next version of "+n.Slot, s.generate(t, n.Slot, true), n.Next+round)
			}
			for _, p := range r.Secrets {
				version, err := s.secrets.Replace(s.ctx, p.ID, []byte("next"), expires)
				if len(p.Values) == 0 {
					wantCode(t, "another version of a secret that is gone", err, claviger.ErrSecretNotFound)
					continue
				}
				equal(t, "the next version of a secret", must(version, err)(t), p.Latest+1+round)
			}
			for _, m := range r.Managed {
				k := must(s.secrets.OpenKey(s.ctx, m.ID, m.Version))(t)
				next := must(s.secrets.ReplaceKeyWith(s.ctx, m.ID, k))(t)
				equal(t, "the next version of a managed key", next.Version(), m.Next+round)
			}
			equal(t, "the next key of capsules", must(s.secrets.RotateKEK(s.ctx))(t), r.Capsules.Next+round)
			d.Stop(t)
			launch(t, d)
		}
	})
}

// TestARecordedStorePassesCheckLive holds that check --live finds a recorded store good and changes nothing of it.
func TestARecordedStorePassesCheckLive(t *testing.T) {
	over(t, "store", func(t *testing.T, dir string) {
		d := prepare(t, dir)
		path := filepath.Join(d.Dir, "store.db")
		before := must(os.ReadFile(path))(t)
		if r := d.RunAs(t, d.UID, nil, "check", "--live", d.Config); r.Code != 0 || r.Stdout != d.Config+": good\n" {
			t.Errorf("status %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
		if !bytes.Equal(must(os.ReadFile(path))(t), before) {
			t.Error("the store has changed")
		}
		names := must(filepath.Glob(filepath.Join(d.Dir, "*")))(t)
		if len(names) != 3 {
			t.Errorf("left behind: %v", names)
		}
	})
}

// TestARetiredTenantOfARecordedStoreStaysRetired holds that its name, configured again, does not bring its secret back.
func TestARetiredTenantOfARecordedStoreStaysRetired(t *testing.T) {
	over(t, "store", func(t *testing.T, dir string) {
		r, d := seen(t, dir), prepare(t, dir)
		config := string(must(os.ReadFile(filepath.Join(dir, "claviger.toml")))(t))
		launch(t, d)
		r.Retired.hold(t, open(t, d.Dial(t)))
		d.Stop(t)
		d.WriteConfig(t, strings.ReplaceAll(config, `"owner"`, `"`+r.Retired.Name+`"`))
		launch(t, d)
		s := open(t, d.Dial(t))
		equal(t, "who the caller is", s.stack.Tenant(), r.Retired.Name)
		_, err := s.secrets.Get(s.ctx, r.Retired.ID, 1)
		wantCode(t, "the secret of the retired tenant", err, claviger.ErrSecretNotFound)
	})
}

// hold sees that a daemon gives what was recorded. It changes nothing.
func (r *results) hold(t *testing.T, s *session) {
	equal(t, "damaged records", len(must(s.stack.Status(s.ctx))(t).Damaged), 0)
	same(t, "a code", s.code(t, s.slot(t, "Code"), r.Message), r.Code)
	for _, e := range r.Data {
		e.hold(t, s, r)
	}
	for _, p := range r.Signing {
		p.hold(t, s, r.Message)
	}
	oaep := must(s.cc.NewCipher(s.ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: s.slot(t, "RSA"), Direction: claviger.Decrypting}))(t)
	same(t, "RSA-OAEP", must(oaep.Decrypt(s.ctx, nil, nil, r.Decryption))(t), r.Message)
	same(t, "an agreed key", s.agreed(t, &r.Agreement, r.Message), r.Agreement.Code)
	same(t, "a decapsulated key", s.decapsulated(t, &r.Encapsulation, r.Message), r.Encapsulation.Code)
	for _, n := range r.Numbers {
		info := must(s.slot(t, n.Slot).Info(s.ctx))(t)
		var kept []uint64
		for _, v := range info.Versions {
			kept = append(kept, v.Version)
		}
		if !slices.Equal(kept, n.Kept) {
			t.Errorf("versions of %s: %d, recorded were %d", n.Slot, kept, n.Kept)
		}
	}
	r.Certificates.hold(t, s)
	for _, p := range r.Secrets {
		p.hold(t, s)
	}
	r.Capsules.hold(t, s)
	for _, m := range r.Managed {
		m.hold(t, s, r.Message)
	}
	r.Retired.hold(t, s)
}

// hold sees that a version of Data decrypts what it has encrypted, that the newest encrypts, and that no other opens it.
func (e *encrypted) hold(t *testing.T, s *session, r *results) {
	version := s.slot(t, "Data").Version(e.Version)
	opener := must(s.cc.NewAEAD(s.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: version, Direction: claviger.Decrypting}))(t)
	cbc := must(s.cc.NewCipher(s.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: version, Direction: claviger.Decrypting}))(t)
	same(t, "AES-256-GCM", must(opener.Open(s.ctx, nil, nil, e.Sealed, r.AAD))(t), r.Message)
	same(t, "AES-256-CBC", must(cbc.Decrypt(s.ctx, nil, e.IV, e.CBC))(t), r.Message)
	newest := must(s.cc.NewAEAD(s.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: s.slot(t, "Data")}))(t)
	sealed := must(newest.Seal(s.ctx, nil, nil, r.Message, r.AAD))(t)
	if opened, err := opener.Open(s.ctx, nil, nil, sealed, r.AAD); e.Version == r.Data[len(r.Data)-1].Version {
		same(t, "sealed now", must(opened, err)(t), r.Message)
	} else {
		wantCode(t, "an older version opens what the newest has sealed", err, claviger.ErrOperationFailed)
	}
}

// hold sees that the recorded signature is right in the daemon and out of it, and a new one too.
func (p *signing) hold(t *testing.T, s *session, message []byte) {
	key, spki, err := s.keys.PublicKey(s.ctx, s.slot(t, p.Slot), claviger.DER)
	check(t, err)
	check(t, key.Close())
	same(t, p.Slot+"'s public key", spki, p.Public)
	verifier := must(s.cc.NewVerifier(s.ctx, client.VerifierConfig{Algorithm: p.Algorithm, Key: s.slot(t, p.Slot)}))(t)
	recorded := must(s.keys.Import(s.ctx, client.ImportParams{Format: claviger.DER, Data: p.Public}))(t)
	apart := must(s.cc.NewVerifier(s.ctx, client.VerifierConfig{Algorithm: p.Algorithm, Key: recorded}))(t)
	for _, signature := range [][]byte{p.Signature, s.sign(t, p.Slot, p.Algorithm, message)} {
		for _, v := range []*client.Verifier{verifier, apart} {
			equal(t, p.Slot+"'s signature is right", must(v.Verify(s.ctx, message, signature))(t), true)
			equal(t, p.Slot+"'s signature of something else is right", must(v.Verify(s.ctx, message[1:], signature))(t), false)
		}
		verify(t, p.Public, message, signature)
	}
}

// verify checks a signature by Go's own packages, which know all of the recorded algorithms but ML-DSA.
func verify(t *testing.T, spki, message, signature []byte) {
	t.Helper()
	sum := sha256.Sum256(message)
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return
	}
	right := false
	switch k := public.(type) {
	case ed25519.PublicKey:
		right = ed25519.Verify(k, message, signature)
	case *ecdsa.PublicKey:
		half := len(signature) / 2 // r ‖ s
		right = ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case *rsa.PublicKey:
		right = rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	default:
		return
	}
	equal(t, "the signature is right by Go's own packages", right, true)
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func same(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %x, recorded was %x", what, got, want)
	}
}

func wantCode(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: %v; want %s", what, err, code.Name())
	}
}
