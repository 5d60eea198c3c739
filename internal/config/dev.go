package config

import (
	"path/filepath"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

// Dev is the configuration of an instance that one user runs for himself, without a file: everything in the directory
// dir, an absolute path; every valid name of uid is a slot of its own; the directory is made if it is missing. The
// socket is dir/claviger.sock, the store dir/store.db, the key file dir/store.key, which protects nothing against who
// copies the directory.
func Dev(dir string, uid uint32) *Config {
	const software claviger.ProviderID = 1
	return &Config{
		Daemon: Daemon{
			Socket:  filepath.Join(dir, "claviger.sock"),
			Store:   filepath.Join(dir, "store.db"),
			Timeout: DefaultTimeout,
			Ceiling: DefaultCeiling,
		},
		Keeper:    Keeper{Kind: KeyFile, Path: filepath.Join(dir, "store.key"), Create: true},
		Providers: []Provider{{ID: software, Name: "software", Kind: Software}},
		Rules:     policy.Rules{Open: &policy.OpenRule{UID: uid, Providers: []claviger.ProviderID{software}}},
	}
}
