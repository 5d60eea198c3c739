// Package config turns the daemon's TOML file into the structs of the other rooms. It is strict: what it does not
// know, it refuses, and every complaint says where: file, line, column, field, reason and, where there is one, the
// limit. All complaints of a file are given at once. The package reads the file and the user database and nothing
// else; whether a device, key file or store is really there is for package daemon to find out.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/session"
)

// MaxFile is the largest configuration file that is read, in bytes.
const MaxFile = 1 << 20

// Defaults of what a file may leave out.
const (
	DefaultSocket  = "/run/claviger/claviger.sock"
	DefaultStore   = "/var/lib/claviger/store.db"
	DefaultTimeout = 5 * time.Second
	DefaultCeiling = 2 * time.Minute
)

// Config is one file, checked. It is made by Load, Parse or Dev and, but for Worker, only read after that.
type Config struct {
	File      string // name of the file, for people; "" for Dev
	Path      string // absolute path of the file, for a reload; "" if Load did not make this
	Daemon    Daemon
	Keeper    Keeper
	Limits    session.Limits // of each tenant; zero fields mean the defaults that session documents
	Providers []Provider     // in the order of the file, at least one
	Rules     policy.Rules
	Digest    string      // SHA-256 of the file in hexadecimal; "" for Dev
	Warnings  []Complaint // what is allowed and yet unwise; sorted by place
	Worker    []string    // command line that runs a token's worker, set by whoever starts a daemon; nil: `claviger worker`, found in $PATH

	places map[string]place
}

// Daemon is the [daemon] table. Paths are absolute and clean.
type Daemon struct {
	Socket   string        // path of the listening socket
	Store    string        // path of the store's file
	Timeout  time.Duration // of a call that states none; at least MinTimeout
	Ceiling  time.Duration // even of a call without a timeout; at least Timeout
	LogLevel slog.Level    // lowest level that is logged
}

// KeeperKind says what opens the store's data key.
type KeeperKind string

// The kinds of keepers.
const (
	KeyFile    KeeperKind = "file"       // a key in a file of the daemon's own
	Credential KeeperKind = "credential" // a key in a file that the service manager puts into $CREDENTIALS_DIRECTORY
	Passphrase KeeperKind = "passphrase" // a passphrase in the one or the other
)

// Keeper is the [keeper] table. It has a Path or a Name.
type Keeper struct {
	Kind   KeeperKind
	Path   string // KeyFile, Passphrase: absolute path
	Name   string // Credential, Passphrase: name of the credential
	Create bool   // the store's directory is made if it is missing; only Dev asks for that
}

// ProviderKind says how a provider works.
type ProviderKind string

// The kinds of providers.
const (
	Software ProviderKind = "software" // in the daemon, by the Go standard library and circl
	Delay    ProviderKind = "delay"    // software that hangs for a settable time, to try deadlines with
	PKCS11   ProviderKind = "pkcs11"   // a token, reached by the module of its maker in a process of its own
)

// Provider is a [[provider]] table.
type Provider struct {
	ID    claviger.ProviderID
	Name  string
	Kind  ProviderKind
	Delay time.Duration // Delay: how long each operation hangs
	Token *Token        // PKCS11: which token, and how it is worked with; nil for all others
}

// Load reads and checks the file at path. A file that cannot be read is ErrInvalidArgument; one that is wrong is an
// *Error with all its complaints.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidArgument, "config", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidArgument, "config", err)
	}
	cfg, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	cfg.Path, err = filepath.Abs(path)
	return cfg, claviger.WrapError(claviger.ErrInvalidArgument, "config", err)
}

// Parse checks the text of a file; name stands in front of each complaint. The error is an *Error. It keeps no part of
// data.
func Parse(name string, data []byte) (*Config, error) {
	c := newChecker(name)
	if len(data) > MaxFile {
		c.complain(place{1, 1}, "file", "has more than %d bytes, which is the limit", MaxFile)
		return nil, c.err()
	}
	root := c.document(data)
	if root == nil {
		return nil, c.err()
	}
	cfg := c.config(root)
	if err := c.err(); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(data)
	cfg.Digest = hex.EncodeToString(digest[:])
	return cfg, nil
}

// config reads the whole document. Each part is read even where an earlier one is wrong, so that all complaints come
// at once.
func (c *checker) config(root *table) *Config {
	s := c.section(root, "")
	c.cfg = &Config{File: c.file, places: c.places}
	c.daemon(s)
	c.keeper(s)
	c.cfg.Rules.Admins = c.admin(s)
	c.limits(s)
	c.providerList(s)
	c.slots(s)
	c.certSlots(s)
	c.trustStores(s)
	c.apps(s)
	s.finish()
	c.cfg.Warnings = sorted(c.warnings)
	return c.cfg
}

// At makes a complaint about a field that only shows to be wrong when it is used, such as "keeper.path": it has the
// field's place in the file, or that of its table.
func (c *Config) At(field, reason string) Complaint {
	p := c.places[field]
	return Complaint{File: c.File, Line: p.line, Column: p.column, Field: field, Reason: reason}
}
