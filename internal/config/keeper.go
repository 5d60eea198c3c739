package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/claviger/claviger"
)

// credentialsPrefix begins a keeper's path that means a credential of the service manager (systemd.exec(5)).
const credentialsPrefix = "$CREDENTIALS_DIRECTORY/"

// KeeperKinds lists the kinds of keepers.
func KeeperKinds() []KeeperKind { return []KeeperKind{KeyFile, Credential, Passphrase} }

// keeper reads the [keeper] table, which has no default: what protects the store is the owner's decision.
//
//	kind        file, credential, passphrase
//	path        file, passphrase: absolute path of the file, or $CREDENTIALS_DIRECTORY/NAME, which is the same as a credential
//	name        credential: its name
//	credential  passphrase: name of the credential that holds it, in place of path
func (c *checker) keeper(root *section) {
	s := root.one("keeper")
	kind := KeeperKind(s.oneOf("kind", string(KeyFile), string(Credential), string(Passphrase)))
	path, name, credential := s.keyPath("path"), s.text("name"), s.text("credential")
	rest, inCredentials := strings.CutPrefix(path, credentialsPrefix)
	switch {
	case kind == "":
		s.need("kind", `is missing; it says what opens the store's key: "file", "credential" or "passphrase"`)
	case kind == KeyFile && inCredentials && !s.has("name"):
		kind, name, path = Credential, rest, ""
	case kind == Passphrase && inCredentials && !s.has("credential"):
		credential, path = rest, ""
	case kind == KeyFile:
		s.need("path", "is missing; it says where the key file is")
		s.misfit("name", `belongs to kind "credential"`)
	case kind == Credential:
		s.need("name", "is missing; it says which file of $CREDENTIALS_DIRECTORY holds the key")
		s.misfit("path", `belongs to kind "file"`)
	case !s.has("credential"):
		s.need("path", "is missing; it says which file holds the passphrase, or credential which credential")
	default:
		s.misfit("path", "does not go with a credential; the passphrase is in the one or the other")
	}
	if kind != Passphrase {
		s.misfit("credential", `belongs to kind "passphrase"`)
	} else {
		s.misfit("name", `belongs to kind "credential"`)
		name = credential
	}
	s.keeperPlace(path)
	s.finish()
	c.cfg.Keeper = Keeper{Kind: kind, Path: path, Name: name}
}

// keeperPlace looks at where the keeper's file or credential is.
func (s *section) keeperPlace(path string) {
	for _, key := range []string{"name", "credential"} {
		if e := s.t.entries[key]; e != nil && e.value.kind == stringKind && e.value.text != "" && !isCredential(e.value.text) {
			s.complain(key, "%q is not the name of a file", claviger.Clip(e.value.text))
		}
	}
	store := s.c.cfg.Daemon.Store
	if path != "" && filepath.Dir(path) == filepath.Dir(store) {
		s.c.warn(s.at("path"), s.field("path"), "lies beside the store; who copies the directory has both")
	}
	if path != "" && path == store {
		s.complain("path", "is also the store")
	}
}

// keyPath gives the path of a file with a secret: an absolute one, or a file of $CREDENTIALS_DIRECTORY by that name.
func (s *section) keyPath(key string) string {
	if e := s.t.entries[key]; e != nil && e.value.kind == stringKind {
		if name, ok := strings.CutPrefix(e.value.text, credentialsPrefix); ok && isCredential(name) {
			return s.text(key)
		}
	}
	return s.path(key, "")
}

// isCredential reports whether a credential can have that name.
func isCredential(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// NewKeeper makes the keeper that a [keeper] table of that kind with that path or credential would be; one of the two is "".
// A path may begin with $CREDENTIALS_DIRECTORY/ as there. The error is ErrInvalidArgument and names what is wrong.
func NewKeeper(kind KeeperKind, path, credential string) (Keeper, error) {
	if name, ok := strings.CutPrefix(path, credentialsPrefix); ok && credential == "" {
		path, credential = "", name
		if kind == KeyFile {
			kind = Credential
		}
	}
	why := ""
	switch {
	case kind != KeyFile && kind != Credential && kind != Passphrase:
		why = fmt.Sprintf("unknown kind %q; known are %s", claviger.Clip(string(kind)), quote(KeeperKinds()))
	case path != "" && credential != "":
		why = "it is in a file or in a credential, not in both"
	case kind == KeyFile && path == "":
		why = "a file has a path"
	case kind == Credential && credential == "":
		why = "a credential has a name"
	case path == "" && credential == "":
		why = "a passphrase is in a file or in a credential"
	case path != "" && (!filepath.IsAbs(path) || filepath.Clean(path) != path):
		why = fmt.Sprintf("%q is not an absolute, clean path", claviger.Clip(path))
	case credential != "" && !isCredential(credential):
		why = fmt.Sprintf("%q is not the name of a file", claviger.Clip(credential))
	case strings.ContainsFunc(path+credential, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }):
		why = "the name of the file holds what a configuration cannot say"
	}
	if why != "" {
		return Keeper{}, claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s", why)
	}
	return Keeper{Kind: kind, Path: path, Name: credential}, nil
}

// Field is the field of the table that says where the keeper's key or passphrase is, for Config.At.
func (k Keeper) Field() string {
	switch {
	case k.Path != "":
		return "keeper.path"
	case k.Kind == Passphrase:
		return "keeper.credential"
	}
	return "keeper.name"
}

// Lines is the [keeper] table that says k, for people to copy; for one that NewKeeper or a file made.
func (k Keeper) Lines() string {
	_, field, _ := strings.Cut(k.Field(), ".")
	place := k.Path
	if place == "" {
		place = k.Name
	}
	return fmt.Sprintf("[keeper]\nkind = %q\n%s = %q\n", k.Kind, field, place)
}
