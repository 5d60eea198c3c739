package frozen_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// TestRecord makes the recording that -record names. Without it, it holds that none that is there would be made again.
func TestRecord(t *testing.T) {
	if *record != "" {
		dir, err := fresh(*record)
		check(t, err)
		check(t, os.Mkdir(dir, 0o755))
		switch kind, _, _ := strings.Cut(*record, "-"); kind {
		case "store":
			recordStore(t, dir)
		case "token":
			recordToken(t, dir)
		default:
			recordWire(t, dir)
		}
		return
	}
	for _, kind := range []string{"store", "token", "wire"} {
		over(t, kind, func(t *testing.T, dir string) {
			if _, err := fresh(filepath.Base(dir)); err == nil {
				t.Error("would be recorded again")
			}
		})
	}
}

// fresh gives the directory of a recording that is yet to be made.
func fresh(name string) (string, error) {
	dir := filepath.Join("testdata", name)
	if !regexp.MustCompile(`^(store|token|wire)-[1-9][0-9]*$`).MatchString(name) {
		return "", &os.PathError{Op: "record", Path: name, Err: os.ErrInvalid}
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		return "", &os.PathError{Op: "record", Path: dir, Err: os.ErrExist}
	}
	return dir, nil
}

// recordStore has a daemon make a store, and writes the store and what was read from it.
func recordStore(t *testing.T, dir string) {
	d := place(t)
	d.WriteConfig(t, strings.ReplaceAll(deployment, `"owner"`, `"former"`))
	launch(t, d)
	left := retired{Name: "former"}
	left.ID = must(open(t, d.Dial(t)).secrets.Put(t.Context(), []byte("left behind"), expires))(t)
	d.Stop(t)

	d.WriteConfig(t, deployment)
	launch(t, d)
	s := open(t, d.Dial(t))
	r := deploy(t, s)
	r.Guest = deployGuest(t, guestStack(t, d), r.Message)
	r.Retired = left
	r.Retired.Tenant = ownerOf(t, s, left.ID)
	compact(t, d)
	d.Stop(t)

	put(t, filepath.Join(dir, "claviger.toml"), []byte(strings.TrimPrefix(deployment, "\n")))
	deflate(t, filepath.Join(dir, "store.db.gz"), must(os.ReadFile(filepath.Join(d.Dir, "store.db")))(t))
	put(t, filepath.Join(dir, "store.key"), must(os.ReadFile(filepath.Join(d.Dir, "store.key")))(t))
	put(t, filepath.Join(dir, "results.json"), append(must(json.MarshalIndent(r, "", "\t"))(t), '\n'))
}

// ownerOf gives the lasting identifier of the tenant that keeps a secret.
func ownerOf(t *testing.T, s *session, id string) string {
	t.Helper()
	for info, err := range s.secrets.ListAll(s.ctx) {
		check(t, err)
		if info.ID == id {
			return info.TenantID
		}
	}
	t.Fatalf("no tenant keeps the secret %s", id)
	return ""
}

// compact rewrites the store by the command that people use.
func compact(t *testing.T, d *daemontest.Daemon) {
	t.Helper()
	if r := d.Run(t, nil, "store", "compact"); r.Code != 0 {
		t.Fatalf("store compact: status %d: %s", r.Code, r.Stderr)
	}
}
