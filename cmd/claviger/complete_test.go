package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/server/servertest"
)

// The directives as __complete prints them.
const (
	shellFiles  = ":0" // the shell may offer files
	shellNames  = ":4" // it may not
	shellInWord = ":6" // nor put a space behind the word
)

// complete asks for what may follow a command line as a shell does; "_" is an empty word. It gives the words with their
// descriptions and the directive, and fails the test if there is more on standard error than cobra's own line.
func (c *cli) complete(line string) (words []string, directive string) {
	c.t.Helper()
	args := []string{"--socket", c.socket, cobra.ShellCompRequestCmd}
	for _, word := range strings.Fields(line) {
		args = append(args, strings.ReplaceAll(word, "_", ""))
	}
	var out, errs bytes.Buffer
	status := run(args, strings.NewReader(""), &out, &errs)
	if status != exitOK || !strings.HasPrefix(errs.String(), "Completion ended with directive: ") || strings.Count(errs.String(), "\n") != 1 {
		c.t.Errorf("%s: status %d, standard error %q", line, status, errs.String())
	}
	words = strings.Split(strings.TrimSpace(out.String()), "\n")
	return words[:len(words)-1], words[len(words)-1]
}

// completes holds what may follow a command line.
func (c *cli) completes(line, directive string, want ...string) {
	c.t.Helper()
	words, got := c.complete(line)
	if got != directive || !slices.Equal(words, want) {
		c.t.Errorf("%s completes %q %s; want %q %s", line, words, got, want, directive)
	}
}

// newNames starts a daemon with two key slots and a certificate slot.
func newNames(t *testing.T) *cli {
	t.Helper()
	c := newCLI(t)
	root, err := newAuthority("Test Root", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.write("root.der", string(root.cert.Raw))
	c.ok("", "cert import Root @root.der")
	c.ok("", "slot generate car/data --algorithm AES-256")
	c.ok("", "slot generate car/sign --algorithm ECDSA-P256")
	return c
}

func TestTheShellIsOfferedTheNamesOfSlots(t *testing.T) {
	c := newNames(t)
	data, sign, root := "car/data\tAES-256, occupied", "car/sign\tECDSA-P256, occupied", "Root\toccupied"
	for _, command := range []string{"info", "generate", "rotate", "clear", "public", "adopt", "import"} {
		c.completes("slot "+command+" _", shellNames, data, sign)
		c.completes("slot "+command+" car/s", shellNames, sign)
		c.completes("slot "+command+" no", shellNames)
	}
	c.completes("slot info car/data _", shellNames)
	c.completes("slot import car/data _", shellFiles)
	c.completes("slot import car/data key.pem _", shellNames)
	for _, command := range []string{"sign", "verify", "mac", "encrypt", "decrypt"} {
		c.completes(command+" --key _", shellNames, data, sign)
		c.completes(command+" --key=CAR/D", shellNames, data)
	}
	c.completes("sign --key car/sign _", shellFiles)
	for _, command := range []string{"import", "export", "clear", "crl import"} {
		c.completes("cert "+command+" _", shellNames, root)
	}
	c.completes("cert crl import Root _", shellFiles)
	c.completes("cert info _", shellFiles, root)
	c.completes("cert verify --trust-store Root _", shellFiles, root)
	c.completes("cert verify --chain _", shellFiles, root)
	c.completes("slot import --certificate-slot _", shellNames, root)
	c.ok("", "slot clear car/data")
	if words, _ := c.complete("slot import car/d"); slices.Contains(words, data) {
		t.Errorf("a cleared slot is offered as %q", words)
	}
}

func TestTheShellIsOfferedTheNamesOfTheConfiguration(t *testing.T) {
	uid := uint32(os.Getuid())
	rules := policy.Rules{
		Slots:       []policy.Slot{{Name: "hidden"}, {Name: "slot", Algorithm: "AES-256", Providers: []claviger.ProviderID{2}, Operations: claviger.AllPermissions}},
		CertSlots:   []string{"root"},
		TrustStores: []policy.TrustStore{{Name: "store", Members: []string{"root"}}},
		Apps: []policy.App{{Name: "app", UID: &uid, Resources: map[string]policy.Resource{
			"MySlot":    {Type: claviger.TypeKeySlot, Target: "slot", Operations: claviger.Encrypt},
			"MyRoot":    {Type: claviger.TypeCertSlot, Target: "root"},
			"MyAnchors": {Type: claviger.TypeTrustStore, Target: "store"},
		}}},
	}
	c := &cli{t: t, socket: servertest.Start(t, servertest.Config{Rules: &rules}).Path}
	c.completes("encrypt --key _", shellNames, "MySlot\tAES-256, empty")
	c.completes("cert export _", shellNames, "MyRoot\tempty")
	c.completes("cert verify --trust-store _", shellNames, "MyAnchors")
}

func TestTheShellFindsTheDaemonByTheEnvironment(t *testing.T) {
	c := newNames(t)
	t.Setenv("CLAVIGER_SOCKET", c.socket)
	c.socket = ""
	c.completes("slot info car/s", shellNames, "car/sign\tECDSA-P256, occupied")
}

func TestTheShellIsOfferedTheAlgorithmsThatACommandTakes(t *testing.T) {
	c := newCLI(t)
	for line, want := range map[string]struct{ with, without string }{
		"hash _":                           {"SHA-256 BLAKE3 SHA3-512", "AES-256 HMAC-SHA-256 RANDOM"},
		"mac --algorithm _":                {"HMAC-SHA-256 AES-256-CMAC", "SHA-256 AES-256 Ed25519"},
		"sign --algorithm _":               {"RSA-PKCS1-SHA-256 Ed25519 HMAC-SHA-256", "SHA-256 ECDSA-P256 AES-256-GCM"},
		"verify --algorithm _":             {"RSA-PKCS1-SHA-256 Ed25519", "SHA-256 ECDSA-P256"},
		"slot generate NAME --algorithm _": {"AES-256 ECDSA-P256 ML-DSA-65", "AES-256-GCM SHA-256"},
		"slot rotate NAME --algorithm _":   {"AES-256", "AES-256-GCM"},
		"slot import NAME --algorithm _":   {"AES-256", "AES-256-GCM"},
		"slot objects hsm --algorithm _":   {"AES-256 RSA-2048", "AES-256-GCM"},
		"encrypt --raw _":                  {"AES-256-CBC AES-256-GCM RSA-OAEP-SHA-256", "AES-256 HMAC-SHA-256"},
		"decrypt --raw _":                  {"AES-256-CBC AES-256-GCM", "AES-256"},
		"algorithms _":                     {"AES-256 AES-256-GCM SHA-256 RANDOM", "SHA256"},
	} {
		words, directive := c.complete(line)
		if directive != shellNames {
			t.Errorf("%s: directive %s", line, directive)
		}
		for _, w := range strings.Fields(want.with) {
			if !slices.Contains(words, w) {
				t.Errorf("%s does not offer %s", line, w)
			}
		}
		for _, w := range strings.Fields(want.without) {
			if slices.Contains(words, w) {
				t.Errorf("%s offers %s", line, w)
			}
		}
	}
	c.completes("hash sha3-2", shellNames, "SHA3-224", "SHA3-256")
	c.completes("hash SHA-256 _", shellFiles)
	c.completes("hash SHA-256 firmware.bin _", shellFiles)
}

func TestTheShellIsOfferedProviders(t *testing.T) {
	c := newCLI(t)
	c.completes("providers _", shellNames, "software\tsoftware")
	c.completes("slot objects soft", shellNames, "software\tsoftware")
	c.completes("random 8 --provider _", shellNames, append(providerKinds(), "1\tsoftware")...)
	c.completes("slot import a file --provider softw", shellNames, "software", "software-preferred")
	for name, want := range map[string]string{"hsm": "hsm\thardware", "hardware": "3\thardware", "7": "3\t7", "0": "3\t0", "Hardware": "Hardware\thardware"} {
		if got := providerChoice(claviger.ProviderInfo{ID: 3, Name: name, Kind: claviger.Hardware}); got != want {
			t.Errorf("a provider that is called %q is offered as %q, not %q", name, got, want)
		}
	}
}

func TestTheShellCompletesTheLastPermission(t *testing.T) {
	c := &cli{t: t, socket: filepath.Join(t.TempDir(), "none")}
	for _, command := range []string{"slot import", "slot adopt"} {
		c.completes(command+" --permissions _", shellInWord, permissionList()...)
		c.completes(command+" --permissions e", shellInWord, "encrypt", "export")
		c.completes(command+" --permissions encrypt,e", shellInWord, "encrypt,export")
		c.completes(command+" --permissions Sign|verify,S", shellInWord)
		c.completes(command+" --permissions nonsense", shellInWord)
	}
	var all claviger.Permission
	for _, word := range permissionList() {
		p, err := claviger.ParsePermission(word)
		if err != nil {
			t.Errorf("%s is offered: %v", word, err)
		}
		all |= p
	}
	if all != claviger.AllPermissions {
		t.Errorf("the words are %v in all", all)
	}
}

// silentSockets gives endpoints behind which no daemon answers.
func silentSockets(t *testing.T) map[string]string {
	dir, err := os.MkdirTemp("", "clv") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	listen := func(name string) (string, *net.UnixListener) {
		path := filepath.Join(dir, name)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		t.Cleanup(func() { l.Close() })
		return path, l
	}
	left, ended := listen("left")
	ended.Close()
	stopped, _ := listen("stopped") // the kernel connects, nobody answers
	return map[string]string{"no socket": filepath.Join(dir, "none"), "a socket that was left behind": left, "a stopped daemon": stopped,
		"no endpoint": "http://localhost", "a file": os.Args[0]}
}

func TestTheShellIsOfferedNothingWithoutADaemon(t *testing.T) {
	for what, socket := range silentSockets(t) {
		t.Run(what, func(t *testing.T) {
			c := &cli{t: t, socket: socket}
			c.completes("slot info _", shellNames)
			c.completes("cert info _", shellFiles)
			c.completes("encrypt --key _", shellNames)
			c.completes("hash _", shellNames)
			c.completes("hash --provider hardw", shellNames, "hardware", "hardware-preferred")
			c.completes("--daemon-uid nobody slot info _", shellNames)
		})
	}
}

func TestTheShellIsOfferedWordsThatNeedNoDaemon(t *testing.T) {
	c := &cli{t: t, socket: filepath.Join(t.TempDir(), "none")}
	c.completes("slot public --format _", shellNames, "pem", "der", "raw")
	c.completes("slot import --format p", shellNames, "pem", "pkcs12")
	c.completes("cert export --format _", shellNames, "pem", "der")
	c.completes("algorithms --operation _", shellNames, operations()...)
	for _, line := range []string{"slot list _", "status _", "random _", "secret get _", "secret replace _"} {
		c.completes(line, shellNames)
	}
	for _, line := range []string{"check _", "secret put _", "secret replace ID _", "sign --output _", "verify --public _"} {
		if _, directive := c.complete(line); directive != shellFiles {
			t.Errorf("%s: no files are offered: %s", line, directive)
		}
	}
}

// TestEveryFlagOfANameIsCompleted holds the tables against the tree of commands.
func TestEveryFlagOfANameIsCompleted(t *testing.T) {
	a := &app{}
	root := a.root()
	asking := &cobra.Command{Use: cobra.ShellCompRequestCmd} // cobra adds it when a shell calls it
	root.AddCommand(asking)
	a.prepareCompletion(asking, nil)
	eachCommand(root, func(cmd *cobra.Command) {
		for _, name := range []string{"key", "provider", "algorithm", "format", "permissions", "trust-store", "raw", "certificate-slot", "operation"} {
			if _, ok := cmd.GetFlagCompletionFunc(name); cmd.Flags().Lookup(name) != nil && !ok {
				t.Errorf("%s --%s is not completed", cmd.CommandPath(), name)
			}
		}
	})
}

// eachCommand calls f with a command and all below it.
func eachCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, below := range cmd.Commands() {
		eachCommand(below, f)
	}
}

func TestDescriptionsAreWithoutMarks(t *testing.T) {
	c := &cli{t: t, socket: filepath.Join(t.TempDir(), "none")}
	eachCommand((&app{}).root(), func(cmd *cobra.Command) {
		path := strings.TrimPrefix(cmd.CommandPath(), "claviger")
		for _, typed := range []string{" _", " -"} {
			words, _ := c.complete(path + typed)
			if text := strings.Join(words, "\n"); strings.Contains(text, "`") {
				t.Errorf("%s completes %s", path, text)
			}
		}
	})
	c.completes("encrypt --k", shellNames, "--key\tkey slot, by the NAME that your configuration gives it")
	if help := c.ok("", "encrypt --help"); !strings.Contains(help, "--key NAME ") {
		t.Errorf("the help has lost a placeholder: %s", help)
	}
}
