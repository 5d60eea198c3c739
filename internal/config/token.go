package config

import (
	"fmt"
	"maps"
	"math"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/claviger/claviger"
)

// Limits and defaults of a provider of kind pkcs11.
const (
	MinSessions      = 2 // one to log in with, one to work with
	MaxSessions      = 1024
	DefaultSessions  = 64
	MinHangAfter     = 100 * time.Millisecond
	MaxHangAfter     = time.Hour
	DefaultHangAfter = 10 * time.Second
	MaxTokenLabel    = 32 // bytes; label in CK_TOKEN_INFO (PKCS #11 3.1 section 3.2)
	MaxTokenSerial   = 16 // bytes; serialNumber there
)

// Confinement says how a token's worker is shut in.
type Confinement string

// The confinements.
const (
	Required  Confinement = "required"  // by all that this program knows, or the worker does not start
	Preferred Confinement = "preferred" // by what the kernel offers
	Off       Confinement = "off"       // not beyond a process of its own
)

// Token is what a [[provider]] of kind pkcs11 says beside id, name and kind. Paths are absolute and clean; whether they are
// there shows when the worker starts.
type Token struct {
	Module        string  // path of the PKCS #11 module
	Label         string  // exactly one of Label, Serial and Slot says which token
	Serial        string  //
	Slot          *uint64 //
	PINFile       string  // path of the file with the PIN; with PINCredential at most one, neither for a token without login
	PINCredential string  // name of the file with the PIN in $CREDENTIALS_DIRECTORY
	Sessions      int     // open at once; at least MinSessions
	HangAfter     time.Duration
	Network       bool // the worker may use sockets
	Sandbox       Confinement
	User          *User             // whom the worker runs as; nil: the daemon's own user
	Read, Write   []string          // paths that the worker may reach beside the system's libraries and the module
	Env           map[string]string // of the worker, which inherits nothing
}

// User is an account that a worker runs as.
type User struct {
	Name string // "" where a number has no account
	UID  uint32
	GID  uint32 // of the account; for a number without one, the number itself
}

// Selector says which token of the module is meant, in words: token "vehicle". "" if nothing says it.
func (t *Token) Selector() string {
	switch {
	case t.Label != "":
		return fmt.Sprintf("token %q", t.Label)
	case t.Serial != "":
		return fmt.Sprintf("serial %q", t.Serial)
	case t.Slot != nil:
		return fmt.Sprintf("slot %d", *t.Slot)
	}
	return ""
}

// SelectorKey is the field of the table that says which token is meant, for Config.At.
func (t *Token) SelectorKey() string {
	switch {
	case t.Serial != "":
		return "serial"
	case t.Slot != nil:
		return "slot"
	}
	return "token"
}

// PINKey is the field of the table that says where the PIN is, for Config.At; "" for a token without login.
func (t *Token) PINKey() string {
	switch {
	case t.PINFile != "":
		return "pin_file"
	case t.PINCredential != "":
		return "pin_credential"
	}
	return ""
}

// token reads the fields of kind pkcs11:
//
//	module          path of the module; required
//	token           label of the token, at most MaxTokenLabel bytes; exactly one of token, serial and slot is required
//	serial          its serial number, at most MaxTokenSerial bytes
//	slot            number of the slot that it is in; a token's may change when tokens come and go
//	pin_file        path of the file with the PIN, or $CREDENTIALS_DIRECTORY/NAME, which is the same as pin_credential
//	pin_credential  name of the credential with the PIN; neither: a token without login
//	sessions        MinSessions to MaxSessions; default DefaultSessions
//	hang_after      MinHangAfter to MaxHangAfter; default DefaultHangAfter: a call that lasts longer has the worker replaced
//	network         whether the worker may use sockets; default false
//	sandbox         required, preferred, off; default preferred
//	user            account or uid that the worker runs as; default the daemon's own
//	read, write     paths that the worker may reach
//	env             its environment
func (s *section) token() *Token {
	t := &Token{Module: s.path("module", "")}
	s.need("module", "is missing; it is the path of the token's PKCS #11 module")
	s.selector(t)
	s.pin(t)
	t.Sessions = DefaultSessions
	if n, ok := s.integer("sessions", MinSessions, MaxSessions); ok {
		t.Sessions = int(n)
	}
	t.HangAfter = s.duration("hang_after", DefaultHangAfter, MinHangAfter, MaxHangAfter)
	t.Network = s.flag("network")
	t.Sandbox = Confinement(s.oneOf("sandbox", string(Required), string(Preferred), string(Off)))
	if t.Sandbox == "" {
		t.Sandbox = Preferred
	}
	t.User = s.account("user")
	t.Read, t.Write = s.paths("read"), s.paths("write")
	s.exposed(t)
	t.Env = s.environment("env")
	return t
}

// selector reads which token is meant.
func (s *section) selector(t *Token) {
	t.Label = s.text("token")
	if len(t.Label) > MaxTokenLabel {
		s.complain("token", "has %d bytes; a token's label has %d at most", len(t.Label), MaxTokenLabel)
	}
	t.Serial = s.text("serial")
	if len(t.Serial) > MaxTokenSerial {
		s.complain("serial", "has %d bytes; a token's serial number has %d at most", len(t.Serial), MaxTokenSerial)
	}
	if n, ok := s.integer("slot", 0, math.MaxInt64); ok {
		slot := uint64(n)
		t.Slot = &slot
	}
	ways := 0
	for _, key := range []string{"token", "serial", "slot"} {
		if s.has(key) {
			ways++
		}
	}
	if ways != 1 {
		s.complain("name", "a token is named by exactly one of token, serial and slot; this one by %d", ways)
	}
}

// pin reads where the PIN is.
func (s *section) pin(t *Token) {
	t.PINFile = s.keyPath("pin_file")
	t.PINCredential = s.text("pin_credential")
	if t.PINCredential != "" && !isCredential(t.PINCredential) {
		s.complain("pin_credential", "%q is not the name of a file", claviger.Clip(t.PINCredential))
	}
	if s.has("pin_file") {
		s.misfit("pin_credential", "does not go with a pin_file; the PIN is in the one or the other")
	}
	if name, ok := strings.CutPrefix(t.PINFile, credentialsPrefix); ok {
		t.PINFile, t.PINCredential = "", name
	}
	if t.PINFile != "" && t.PINFile == t.Module {
		s.complain("pin_file", "is also the module")
	}
}

// account gives the user of a name or a number, nil if the key is missing.
func (s *section) account(key string) *User {
	v := s.get(key, "an account's name or number", stringKind, integerKind)
	if v == nil {
		return nil
	}
	number, err := strconv.ParseUint(v.text, 10, 32)
	if v.kind == integerKind {
		n, ok := parseInteger(v.text)
		if !ok || n < 0 {
			n = math.MaxInt64
		}
		number, err = uint64(n), nil
	}
	var found *user.User
	switch {
	case err == nil && number > maxUID:
		s.complain(key, "is %s; 0 to %d is allowed", claviger.Clip(v.text), int64(maxUID))
		return nil
	case err == nil:
		if found, err = user.LookupId(strconv.FormatUint(number, 10)); err != nil {
			return &User{UID: uint32(number), GID: uint32(number)}
		}
	default:
		if found, err = user.Lookup(v.text); err != nil {
			s.complain(key, "there is no user %q on this machine", claviger.Clip(v.text))
			return nil
		}
	}
	account, err := accountOf(found)
	if err != nil {
		s.complain(key, "the user database does not say who %q is", claviger.Clip(v.text))
		return nil
	}
	return account
}

// accountOf gives the numbers of an account of the user database.
func accountOf(u *user.User) (*User, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &User{Name: u.Username, UID: uint32(uid), GID: uint32(gid)}, err
}

// paths gives an array of absolute, clean paths, each at most once.
func (s *section) paths(key string) []string {
	list, _ := s.words(key)
	var paths []string
	for _, v := range list {
		switch why := pathFault(v.text); {
		case why != "":
			s.c.complain(v.at, s.field(key), "%s", why)
		case slices.Contains(paths, v.text):
			s.c.complain(v.at, s.field(key), "%q is there twice", claviger.Clip(v.text))
		default:
			paths = append(paths, v.text)
		}
	}
	return paths
}

// exposed complains about paths that would let the foreign code in a worker reach what only the daemon should. What lies
// beneath a path that is read is kept out when the worker starts; beneath one that is written it cannot be.
func (s *section) exposed(t *Token) {
	own := map[string]string{"the store": s.c.cfg.Daemon.Store, "what opens the store": s.c.cfg.Keeper.Path, "the PIN": t.PINFile}
	for _, what := range slices.Sorted(maps.Keys(own)) {
		file := own[what]
		if file != "" && slices.Contains(t.Read, file) {
			s.complain("read", "%q is %s", claviger.Clip(file), what)
		}
		for _, path := range t.Write {
			if file == path || strings.HasPrefix(file, strings.TrimSuffix(path, "/")+"/") {
				s.complain("write", "%q lets the module reach %s", claviger.Clip(path), what)
			}
		}
	}
	if t.Sandbox == Off && t.User == nil {
		s.c.warn(s.at("sandbox"), s.field("sandbox"), "lets the module reach all that the daemon's user can")
	}
}

// environment gives a table of variables: names of letters, digits and _, values without zero bytes. Variables that change
// how the program itself is loaded or runs are refused.
func (s *section) environment(key string) map[string]string {
	v := s.get(key, `a table such as { NAME = "value" }`, inlineKind, tableKind)
	if v == nil {
		return nil
	}
	vars := make(map[string]string)
	for _, name := range v.table.order {
		e := v.table.entries[name]
		field := s.field(key) + "." + claviger.Clip(name)
		switch {
		case !isVariable(name):
			s.c.complain(e.at, field, "is no name of a variable; letters, digits and _ are, not beginning with a digit")
		case e.value.kind != stringKind:
			s.c.complain(e.value.at, field, "is %s; a string is wanted", kindWords(e.value.kind))
		case strings.HasPrefix(name, "LD_"), name == "GLIBC_TUNABLES", ownVariable(name):
			s.c.complain(e.at, field, "changes how the worker itself is loaded or runs, and is not passed on")
		case strings.ContainsRune(e.value.text, 0):
			s.c.complain(e.value.at, field, "holds a zero byte")
		default:
			vars[name] = e.value.text
		}
	}
	return vars
}

// ownVariable reports whether a variable is one of the Go runtime's, which all begin with GO; so do those of Google's
// modules.
func ownVariable(name string) bool {
	return strings.HasPrefix(name, "GO") && !strings.HasPrefix(name, "GOOGLE_")
}

// isVariable reports whether a name matches [A-Za-z_][A-Za-z0-9_]*.
func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
