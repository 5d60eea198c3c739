package config

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/session"
)

var update = flag.Bool("update", false, "write the .want files anew; read the difference before you keep it")

// TestBrokenFilesAreLocated holds that each broken file is refused with exactly the complaints beside it.
func TestBrokenFilesAreLocated(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.toml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d broken files, %v; at least 40 are wanted", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := Parse(filepath.Base(file), data)
			if err == nil || cfg != nil {
				t.Fatal("accepted")
			}
			if !errors.Is(err, claviger.ErrInvalidFormat) {
				t.Errorf("code %v", claviger.CodeOf(err))
			}
			wantFile := strings.TrimSuffix(file, ".toml") + ".want"
			if *update {
				if err := os.WriteFile(wantFile, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err2 := os.ReadFile(wantFile)
			if err2 != nil {
				t.Fatal(err2)
			}
			if got := err.Error() + "\n"; got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			for _, c := range err.(*Error).Complaints {
				if c.Line == 0 || c.Column == 0 || c.Field == "" || c.Reason == "" {
					t.Errorf("complaint without place, field or reason: %+v", c)
				}
			}
		})
	}
}

func TestGoodFilesPass(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no good files", err)
	}
	for _, file := range files {
		if _, err := Load(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestExamplesInDocumentsPass extracts every ```toml block of README.md and docs/*.md and the packaged example.
func TestExamplesInDocumentsPass(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../README.md") {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range blocks(string(data)) {
			if _, err := Parse(filepath.Base(file), []byte(block)); err != nil {
				t.Errorf("example %d of %s:\n%v", i+1, file, err)
			}
		}
	}
	packaged := "../../packaging/claviger.toml"
	if _, err := Load(packaged); err != nil {
		t.Errorf("%s: %v", packaged, err)
	}
}

// blocks gives the ```toml blocks of a document, each moved down to the line where it stands.
func blocks(text string) []string {
	var all []string
	var block *strings.Builder
	for i, line := range strings.Split(text, "\n") {
		switch {
		case block == nil && strings.TrimSpace(line) == "```toml":
			block = new(strings.Builder)
			block.WriteString(strings.Repeat("\n", i+1))
		case block != nil && strings.TrimSpace(line) == "```":
			all, block = append(all, block.String()), nil
		case block != nil:
			block.WriteString(line + "\n")
		}
	}
	return all
}

func TestBlocksFindsExamples(t *testing.T) {
	got := blocks("text\n```toml\na = 1\n```\n```go\nx\n```\n```toml\nb = 2\n```\n")
	if !slices.Equal(got, []string{"\n\na = 1\n", "\n\n\n\n\n\n\n\nb = 2\n"}) {
		t.Errorf("%q", got)
	}
}

func TestFileBecomesStructs(t *testing.T) {
	cfg, err := Load("testdata/good/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Daemon.Timeout != 5*time.Second || cfg.Daemon.Ceiling != 2*time.Minute || cfg.Daemon.LogLevel.String() != "DEBUG" {
		t.Errorf("daemon %+v", cfg.Daemon)
	}
	wantLimits := session.Limits{Sessions: 10, Connections: 20, Handles: 30, Keys: 40, InFlight: 50, Slow: 6, HeldBytes: 1e6, RegionBytes: 0x1000, Secrets: 70, SecretBytes: 8000}
	if cfg.Limits != wantLimits {
		t.Errorf("limits %+v", cfg.Limits)
	}
	if cfg.Keeper != (Keeper{Kind: Credential, Name: "store.key"}) {
		t.Errorf("keeper %+v", cfg.Keeper)
	}
	wantProviders := []Provider{{ID: 2, Name: "software", Kind: Software}, {ID: 5, Name: "slow", Kind: Delay, Delay: 300 * time.Millisecond}}
	if !slices.Equal(cfg.Providers, wantProviders) {
		t.Errorf("providers %+v", cfg.Providers)
	}
	slot := cfg.Rules.Slots[0]
	if slot.Algorithm != "AES-256" || !slices.Equal(slot.Providers, []claviger.ProviderID{2, 5}) || !slot.CallerNonce ||
		!slices.Equal(slot.Modes, []claviger.Algorithm{"AES-256-CBC", "AES-256-GCM"}) ||
		slot.Operations != claviger.Encrypt|claviger.Decrypt|claviger.Export {
		t.Errorf("slot %+v", slot)
	}
	app := cfg.Rules.Apps[0]
	want := map[string]policy.Resource{
		"PreDeployedSlot": {Type: claviger.TypeKeySlot, Target: "vehicle/data", Operations: claviger.Encrypt,
			Write: policy.WriteGenerate | policy.WriteImport | policy.WritePersist | policy.WriteClear},
		"SigningKey": {Type: claviger.TypeKeySlot, Target: "vehicle/signing", Operations: claviger.Authentication},
		"Whole":      {Type: claviger.TypeKeySlot, Target: "vehicle/data", Operations: slot.Operations},
		"DeviceCert": {Type: claviger.TypeCertSlot, Target: "device", Write: policy.WriteSave | policy.WriteClear | policy.WriteCRL},
		"RootCA":     {Type: claviger.TypeTrustStore, Target: "anchors"},
	}
	if app.UID == nil || *app.UID != 1001 || len(app.Resources) != len(want) {
		t.Fatalf("app %+v", app)
	}
	for name, r := range want {
		if app.Resources[name] != r {
			t.Errorf("%s is %+v, want %+v", name, app.Resources[name], r)
		}
	}
	if system := cfg.Rules.Apps[3]; system.UID == nil || *system.UID != 0 {
		t.Errorf("user root is %+v", system)
	}
	runner, guest := cfg.Rules.Apps[1], cfg.Rules.Apps[2]
	if runner.Name != "plugin-runner" || runner.Digests != nil || !slices.Equal(runner.Vouches, []string{"token-broker"}) {
		t.Errorf("runner %+v", runner)
	}
	if guest.Name != "token-broker" || guest.UID != nil || guest.Vouches != nil || !slices.Equal(guest.Digests, [][32]byte{sha256.Sum256([]byte("test"))}) {
		t.Errorf("guest %+v", guest)
	}
}

func TestDefaultsAndLaterComplaints(t *testing.T) {
	cfg, err := Load("testdata/good/small.toml")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Daemon != (Daemon{Socket: DefaultSocket, Store: DefaultStore, Timeout: DefaultTimeout, Ceiling: DefaultCeiling}) {
		t.Errorf("daemon %+v", cfg.Daemon)
	}
	got := cfg.At("keeper.path", "cannot be read").Error()
	if want := "testdata/good/small.toml:1:34: keeper.path: cannot be read"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCredentialsDirectoryIsUnderstood(t *testing.T) {
	rest := "[[provider]]\nid = 1\nname = \"a\"\nkind = \"software\"\n"
	cfg, err := Parse("f", []byte("[keeper]\nkind = \"file\"\npath = \"$CREDENTIALS_DIRECTORY/store.key\"\n"+rest))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Keeper != (Keeper{Kind: Credential, Name: "store.key"}) {
		t.Errorf("%+v", cfg.Keeper)
	}
	for _, path := range []string{"$CREDENTIALS_DIRECTORY/", "$CREDENTIALS_DIRECTORY/..", "$CREDENTIALS_DIRECTORY/a/b", "$HOME/key"} {
		if _, err := Parse("f", []byte("[keeper]\nkind = \"file\"\npath = \""+path+"\"\n"+rest)); err == nil {
			t.Errorf("%s accepted", path)
		}
	}
}

func TestKeyBesideStoreIsWarnedAbout(t *testing.T) {
	text := "[daemon]\nstore = \"/k/s\"\n[keeper]\nkind = \"file\"\npath = \"/k/key\"\n[[provider]]\nid = 1\nname = \"a\"\nkind = \"software\"\n"
	cfg, err := Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) != 1 || !strings.HasPrefix(cfg.Warnings[0].Error(), "f:5:8: keeper.path: lies beside the store") {
		t.Errorf("%v", cfg.Warnings)
	}
}

// TestAGuestWithoutARunnerIsWarnedAbout holds that a guest that nobody can run is allowed, and said to be one.
func TestAGuestWithoutARunnerIsWarnedAbout(t *testing.T) {
	guest := fmt.Sprintf("[[app]]\nname = \"guest\"\nwasm_sha256 = [\"%x\"]\n", sha256.Sum256(nil))
	runner := "[[app]]\nname = \"runner\"\nuid = 1\nvouch_guests = [\"guest\"]\n"
	rest := "[keeper]\nkind = \"credential\"\nname = \"key\"\n[[provider]]\nid = 1\nname = \"a\"\nkind = \"software\"\n"
	for text, want := range map[string]string{
		guest + rest:          "f:3:1: app \"guest\".wasm_sha256: no application lists this guest",
		guest + runner + rest: "",
		runner + guest + rest: "",
	} {
		cfg, err := Parse("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(cfg.Warnings); got > 1 || (got == 1) != (want != "") || got == 1 && !strings.HasPrefix(cfg.Warnings[0].Error(), want) {
			t.Errorf("%v, want %q", cfg.Warnings, want)
		}
	}
}

// TestTheOverflowUIDIsNobody holds that the uid by which nobody can connect is complained about, wherever it is given.
func TestTheOverflowUIDIsNobody(t *testing.T) {
	nobody := server.OverflowUID()
	text := fmt.Sprintf("[admin]\nuids = [%d, 0]\n[[app]]\nname = \"one\"\nuid = %d\n[[app]]\nname = \"two\"\nuid = 7\n", nobody, nobody)
	_, err := Parse("f", []byte(text))
	for _, want := range []string{
		fmt.Sprintf("f:2:9: admin.uids: holds %d, the overflow uid", nobody),
		fmt.Sprintf("f:5:7: app \"one\".uid: is %d, the overflow uid", nobody),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no complaint %q in\n%v", want, err)
		}
	}
	if n := strings.Count(fmt.Sprint(err), "overflow"); n != 2 {
		t.Errorf("%d complaints about the uid; want 2", n)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.toml")); !errors.Is(err, claviger.ErrInvalidArgument) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	large := filepath.Join(dir, "large.toml")
	if err := os.WriteFile(large, []byte(strings.Repeat("# long\n", MaxFile/7+2)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "1048576 bytes") {
		t.Errorf("large file: %v", err)
	}
}

func TestDevIsOpenForOneUser(t *testing.T) {
	cfg := Dev("/home/me/keys", 1234)
	p := policy.New(cfg.Rules)
	if _, err := p.Identify(1234); err != nil {
		t.Error(err)
	}
	if _, err := p.Identify(1235); !errors.Is(err, claviger.ErrAccessDenied) {
		t.Errorf("another user: %v", err)
	}
	if cfg.Daemon.Store != "/home/me/keys/store.db" || cfg.Keeper.Path != "/home/me/keys/store.key" || !cfg.Keeper.Create {
		t.Errorf("%+v %+v", cfg.Daemon, cfg.Keeper)
	}
}

// FuzzParse holds that no text makes the parser panic, that a complaint always has its place, and that what is refused
// gives no configuration.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/broken/*.toml", "testdata/good/*.toml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("a.b.c = {d.e = [[{f = 1}]]}\n[a.x]\n[[l]]\n[l.m]\n[[l.n]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := string(data)
		cfg, err := Parse("fuzz.toml", data)
		if string(data) != before {
			t.Fatal("the input was changed")
		}
		if err == nil {
			if len(cfg.Providers) == 0 || cfg.Daemon.Ceiling < cfg.Daemon.Timeout {
				t.Fatalf("accepted %+v", cfg)
			}
			return
		}
		lines := strings.Count(before, "\n") + 1
		for _, c := range err.(*Error).Complaints {
			if c.Line < 1 || c.Line > lines || c.Column < 1 || c.Reason == "" {
				t.Fatalf("complaint without a place: %+v of %d lines", c, lines)
			}
		}
	})
}
