package daemon_test

import (
	"errors"
	"math"
	"testing"

	"github.com/claviger/claviger"
)

// TestATenantThatIsRemovedAndMadeAnewInheritsNothing holds that by a reload, and by a configuration that was changed
// while the daemon was down. A wrong file retires nobody.
func TestATenantThatIsRemovedAndMadeAnewInheritsNothing(t *testing.T) {
	file := write(t, `"sign"`)
	cfg := load(t, file)
	d := start(t, cfg)
	stack, _ := dial(t, cfg.Daemon.Socket)
	id, err := stack.Secrets().Put(t.Context(), []byte("s"), math.MaxUint64)
	check(t, err)
	reads := func() error {
		t.Helper()
		stack, _ := dial(t, cfg.Daemon.Socket)
		_, err := stack.Secrets().Get(t.Context(), id, 1)
		return err
	}
	rewrite(t, file, `name = "test"`, `nama = "other"`)
	if err := d.Reload(); err == nil {
		t.Error("a wrong file is taken")
	}
	rewrite(t, file, `nama = "other"`, `name = "test"`)
	check(t, d.Reload())
	check(t, reads())

	rewrite(t, file, `name = "test"`, `name = "other"`)
	check(t, d.Reload())
	if _, err := stack.Secrets().Get(t.Context(), id, 1); !errors.Is(err, claviger.ErrAccessDenied) {
		t.Errorf("an open session of the removed tenant: %v", err)
	}
	rewrite(t, file, `name = "other"`, `name = "test"`)
	check(t, d.Reload())
	if err := reads(); !errors.Is(err, claviger.ErrSecretNotFound) {
		t.Errorf("made anew: %v", err)
	}

	stack, _ = dial(t, cfg.Daemon.Socket)
	id, err = stack.Secrets().Put(t.Context(), []byte("s"), math.MaxUint64)
	check(t, err)
	for _, name := range []string{`name = "other"`, `name = "test"`} {
		check(t, d.Close())
		was := map[string]string{`name = "other"`: `name = "test"`, `name = "test"`: `name = "other"`}[name]
		rewrite(t, file, was, name)
		d = start(t, load(t, file))
	}
	if err := reads(); !errors.Is(err, claviger.ErrSecretNotFound) {
		t.Errorf("made anew over a restart: %v", err)
	}
	list, _ := dial(t, cfg.Daemon.Socket)
	retired := 0
	for s, err := range list.Secrets().ListAll(t.Context()) {
		check(t, err)
		if !s.Retired || s.Tenant != "test" {
			t.Errorf("%+v", s)
		}
		retired++
		check(t, list.Secrets().InvalidateFor(t.Context(), s.TenantID, s.ID, claviger.AllVersions))
	}
	if retired != 2 {
		t.Errorf("%d secrets of retired tenants are listed", retired)
	}
}

func TestLimitsOfSecretsAreConfigured(t *testing.T) {
	file := write(t, `"sign"`)
	rewrite(t, file, "[admin]", "[limits]\nsecrets = 2\nsecret_bytes = 5\n[admin]")
	cfg := load(t, file)
	start(t, cfg)
	stack, _ := dial(t, cfg.Daemon.Socket)
	for i, c := range []struct {
		secret string
		want   claviger.Code
	}{{"123456", claviger.ErrQuotaExceeded}, {"12345", 0}, {"6", claviger.ErrQuotaExceeded}, {"", 0}, {"", claviger.ErrQuotaExceeded}} {
		_, err := stack.Secrets().Put(t.Context(), []byte(c.secret), math.MaxUint64)
		if c.want == 0 && err != nil || c.want != 0 && !errors.Is(err, c.want) {
			t.Errorf("secret %d: %v", i, err)
		}
	}
}
