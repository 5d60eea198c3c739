package daemon

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/store"
)

// vehicle is a provider whose PIN the gates here are about.
func vehicle() config.Provider {
	return config.Provider{ID: 3, Name: "token", Kind: config.PKCS11,
		Token: &config.Token{Module: "/usr/lib/module.so", Label: "vehicle", PINFile: "/etc/claviger/token.pin"}}
}

// gateRig is a gate over a store in a file.
type gateRig struct {
	t    *testing.T
	dir  string
	db   *store.DB
	gate *pinGate
}

func newGateRig(t *testing.T) *gateRig {
	t.Helper()
	r := &gateRig{t: t, dir: t.TempDir()}
	if err := keeper.CreateFile(filepath.Join(r.dir, "key")); err != nil {
		t.Fatal(err)
	}
	r.open(vehicle())
	t.Cleanup(func() { r.db.Close() })
	return r
}

// open opens the store, anew if it is open, with a gate for the provider.
func (r *gateRig) open(p config.Provider) {
	r.t.Helper()
	if r.db != nil {
		if err := r.db.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	db, err := openStore(r.t.Context(), filepath.Join(r.dir, "db"), keeper.File(filepath.Join(r.dir, "key")), false)
	if err != nil {
		r.t.Fatal(err)
	}
	r.db, r.gate = db, newPINGate(db, p)
}

// step does one thing and gives what came of it: "ok", "refused", or an error's text.
func (r *gateRig) step(what string) string {
	var err error
	switch verb, pin, _ := strings.Cut(what, " "); verb {
	case "try":
		err = r.gate.Try(r.t.Context(), []byte(pin), false)
	case "doubt":
		err = r.gate.Try(r.t.Context(), []byte(pin), true)
	case "good":
		err = r.gate.Done(r.t.Context(), []byte(pin), worker.Good)
	case "bad":
		err = r.gate.Done(r.t.Context(), []byte(pin), worker.Refused)
	case "none":
		err = r.gate.Done(r.t.Context(), []byte(pin), worker.Untried)
	case "restart":
		r.open(vehicle())
	case "again":
		r.gate.again = true
	case "label", "module", "serial", "name":
		p := vehicle()
		switch verb {
		case "label":
			p.Token.Label = pin
		case "module":
			p.Token.Module = pin
		case "serial":
			p.Token.Label, p.Token.Serial = "", pin
		case "name":
			p.Name = pin
		}
		r.open(p)
	}
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, provider.ErrPIN) && errors.Is(err, claviger.ErrProviderNotAvailable):
		return "refused"
	}
	return err.Error()
}

// TestARefusalCountsAlsoWhereItCannotBeNoted holds that a store which takes nothing is no reason to try a PIN again.
func TestARefusalCountsAlsoWhereItCannotBeNoted(t *testing.T) {
	r := newGateRig(t)
	if got := r.step("try 1"); got != "ok" {
		t.Fatal(got)
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.gate.Done(t.Context(), []byte("1"), worker.Refused); err == nil {
		t.Error("a closed store took the refusal")
	}
	if got := r.step("try 1"); got != "refused" {
		t.Error(got)
	}
}

// TestAWrongPINIsTriedOnce goes through what can happen between two tries. Each sequence ends with a try and what is to come of
// it; every step before it succeeds.
func TestAWrongPINIsTriedOnce(t *testing.T) {
	for _, c := range []struct {
		name, steps, want string
	}{
		{"a first try", "try 1", "ok"},
		{"a first try of a token that doubts", "doubt 1", "ok"},
		{"a respawn after a refusal", "try 1, bad 1, try 1", "refused"},
		{"a restart after a refusal", "try 1, bad 1, restart, try 1", "refused"},
		{"a restart after a refusal, with doubt", "try 1, bad 1, restart, doubt 1", "refused"},
		{"a crash in a try", "try 1, restart, try 1", "ok"},
		{"a crash in a try, with doubt", "try 1, restart, doubt 1", "refused"},
		{"a crash in a try of a good PIN", "try 1, good 1, doubt 1, restart, try 1", "ok"},
		{"two tries that were cut off", "try 1, restart, try 1, restart, try 1", "refused"},
		{"a good PIN whose next try is cut off, with doubt", "try 1, good 1, try 1, restart, doubt 1", "refused"},
		{"a good PIN in a token that crashes at each login", "try 1, good 1, try 1, restart, try 1, restart, try 1, restart, try 1", "ok"},
		{"a good PIN after a try that said nothing", "try 1, good 1, try 1, none 1, try 1, restart, try 1, restart, try 1", "ok"},
		{"tries that say nothing of the PIN", "try 1, none 1, try 1, none 1, restart, try 1", "ok"},
		{"doubt that comes after a crash, and goes", "try 1, restart, doubt 1 refused, try 1", "refused"},
		{"a good PIN again", "try 1, good 1, restart, try 1", "ok"},
		{"a good PIN of a token that doubts", "try 1, good 1, restart, doubt 1", "ok"},
		{"a PIN that was good", "try 1, good 1, try 1, bad 1, restart, try 1", "refused"},
		{"a changed PIN", "try 1, bad 1, try 2", "ok"},
		{"a changed PIN of a token that doubts", "try 1, bad 1, doubt 2", "ok"},
		{"a changed PIN that is refused too", "try 1, bad 1, try 2, bad 2, restart, try 2", "refused"},
		{"a longer PIN", "try 1, bad 1, try 11", "ok"},
		{"another token", "try 1, bad 1, label other, try 1", "ok"},
		{"another token, and back", "try 1, bad 1, label other, restart, try 1", "refused"},
		{"another module", "try 1, bad 1, module /m.so, try 1", "ok"},
		{"the token under its serial number", "try 1, bad 1, serial vehicle, try 1", "ok"},
		{"another provider", "try 1, bad 1, name other, try 1", "ok"},
		{"somebody asks for it", "try 1, bad 1, again, doubt 1", "ok"},
		{"somebody asked for it in vain", "try 1, bad 1, again, doubt 1, bad 1, restart, try 1", "refused"},
		{"somebody asked for it with success", "try 1, bad 1, again, doubt 1, good 1, restart, try 1", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newGateRig(t)
			steps := strings.Split(c.steps, ", ")
			for i, s := range steps {
				want := c.want
				if i < len(steps)-1 {
					want = "ok"
				}
				s, told := strings.CutSuffix(s, " refused")
				if told {
					want = "refused"
				}
				if got := r.step(s); got != want {
					t.Fatalf("%s, step %d, %s: %s, want %s", c.steps, i+1, s, got, want)
				}
			}
		})
	}
}

// TestARefusedPINSaysWhatHelps holds the text, and that it tells nothing of the PIN.
func TestARefusedPINSaysWhatHelps(t *testing.T) {
	r := newGateRig(t)
	r.step("bad 98765")
	err := r.gate.Try(t.Context(), []byte("98765"), false)
	const want = `unlock: the PIN of provider "token" is not tried again, because the token refused it or a try of it was cut off; change the PIN (/etc/claviger/token.pin) ` +
		`or the configuration, or give it one more try by check --live --retry-pin token (ProviderNotAvailable)`
	if err == nil || err.Error() != want || strings.Contains(fmt.Sprintf("%+v", r.gate), "98765") {
		t.Errorf("%v", err)
	}
}

// TestADamagedPINRecordForgets holds that a record that does not open is written anew.
func TestADamagedPINRecordForgets(t *testing.T) {
	r := newGateRig(t)
	r.step("bad 1")
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, "db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := append([]byte{byte(store.KindPIN)}, "token\x00"...)
	at := bytes.Index(data, name)
	if at < 0 {
		t.Fatal("the record is not in the file")
	}
	for ; at >= 0; at = bytes.Index(data, name) { // bbolt keeps older pages
		data[at+1] = 'T'
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r.db = nil
	r.open(config.Provider{Name: "Token", Token: vehicle().Token})
	if damaged, _ := r.db.Check(t.Context()); len(damaged) != 1 {
		t.Fatalf("damaged %v", damaged)
	}
	for _, s := range []string{"try 1", "bad 1"} {
		if got := r.step(s); got != "ok" {
			t.Errorf("%s: %s", s, got)
		}
	}
	if got := r.step("try 1"); got != "refused" || len(r.db.Damaged()) != 0 {
		t.Errorf("%s, damaged %v", got, r.db.Damaged())
	}
}

// TestGoldenPINRecord pins the record of a PIN.
func TestGoldenPINRecord(t *testing.T) {
	g := newPINGate(nil, vehicle())
	r := pinRecord{state: pinRefused, salt: [16]byte([]byte("sixteen bytes of"))}
	r.digest = g.digest(r, []byte("1234"))
	const want = "03" + "7369787465656e206279746573206f66" + "dd0d818cbe0581e31f7e47664fca2a2a40e6ff7d3f2acc64b9b17f5a81507259"
	got := hex.EncodeToString(r.encode())
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if again, ok := decodePIN(r.encode()); !ok || again != r {
		t.Errorf("%+v came back", again)
	}
}

// FuzzPINRecord holds that what is understood is what would be written.
func FuzzPINRecord(f *testing.F) {
	f.Add(pinRecord{state: pinGood}.encode())
	f.Add([]byte("1234567"))
	f.Fuzz(func(t *testing.T, value []byte) {
		if r, ok := decodePIN(value); ok && (!bytes.Equal(r.encode(), value) || r.state == 0) {
			t.Errorf("%x is understood as %+v", value, r)
		}
	})
}
