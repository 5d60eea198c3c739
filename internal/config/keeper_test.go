package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// provider stands behind the keeper in the configurations here.
const provider = "[[provider]]\nid = 1\nname = \"a\"\nkind = \"software\"\n"

// TestKeepersBecomeStructs holds that a table is understood, that NewKeeper makes the same of the same words, and that the
// lines printed for people say the same again.
func TestKeepersBecomeStructs(t *testing.T) {
	for _, c := range []struct {
		table, kind, path, credential string
		want                          Keeper
		field                         string
	}{
		{`path = "/k/key"`, "file", "/k/key", "", Keeper{Kind: KeyFile, Path: "/k/key"}, "keeper.path"},
		{`path = "$CREDENTIALS_DIRECTORY/key"`, "file", "$CREDENTIALS_DIRECTORY/key", "", Keeper{Kind: Credential, Name: "key"}, "keeper.name"},
		{`name = "key"`, "credential", "", "key", Keeper{Kind: Credential, Name: "key"}, "keeper.name"},
		{`path = "/k/a b"`, "passphrase", "/k/a b", "", Keeper{Kind: Passphrase, Path: "/k/a b"}, "keeper.path"},
		{`credential = "phrase"`, "passphrase", "", "phrase", Keeper{Kind: Passphrase, Name: "phrase"}, "keeper.credential"},
		{`path = "$CREDENTIALS_DIRECTORY/phrase"`, "passphrase", "$CREDENTIALS_DIRECTORY/phrase", "", Keeper{Kind: Passphrase, Name: "phrase"}, "keeper.credential"},
	} {
		cfg, err := Parse("f", []byte("[keeper]\nkind = \""+c.kind+"\"\n"+c.table+"\n"+provider))
		if err != nil {
			t.Errorf("%s, %s: %v", c.kind, c.table, err)
			continue
		}
		if cfg.Keeper != c.want || cfg.Keeper.Field() != c.field {
			t.Errorf("%s, %s: %+v, %s", c.kind, c.table, cfg.Keeper, cfg.Keeper.Field())
		}
		made, err := NewKeeper(KeeperKind(c.kind), c.path, c.credential)
		if err != nil || made != c.want {
			t.Errorf("%s, %s: NewKeeper gives %+v, %v", c.kind, c.table, made, err)
		}
		again, err := Parse("f", []byte(made.Lines()+provider))
		if err != nil || again.Keeper != c.want {
			t.Errorf("the lines\n%sgive %v", made.Lines(), err)
		}
	}
}

// TestNewKeeperSaysWhatIsWrong goes through what makes no keeper.
func TestNewKeeperSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ kind, path, credential, want string }{
		{"vault", "/k", "", `unknown kind "vault"; known are "file", "credential", "passphrase"`},
		{"", "/k", "", "unknown kind"},
		{"file", "", "", "a file has a path"},
		{"file", "", "key", "a file has a path"},
		{"file", "/k", "key", "not in both"},
		{"credential", "/k", "", "a credential has a name"},
		{"credential", "", "..", `".." is not the name`},
		{"passphrase", "", "", "a passphrase is in a file or in a credential"},
		{"passphrase", "/k", "phrase", "not in both"},
		{"passphrase", "", "a/b", `"a/b" is not the name`},
		{"passphrase", "k", "", `"k" is not an absolute`},
		{"passphrase", "/k/../l", "", "clean path"},
		{"passphrase", "/k\n", "", "cannot say"},
		{"passphrase", "/k\xff", "", "cannot say"},
	} {
		_, err := NewKeeper(KeeperKind(c.kind), c.path, c.credential)
		if !errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q %q: %v, want %q", c.kind, c.path, c.credential, err, c.want)
		}
	}
}
