package crash_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// place is a keeper, as the configuration and as the command line name it.
type place struct {
	name   string
	table  string
	change []string
}

// places gives a keeper of each kind, with its file in the daemon's directory.
func places(t *testing.T, d *daemontest.Daemon) (file, phrase, credential place) {
	t.Helper()
	own := func(name string, content []byte) string {
		path := filepath.Join(d.Dir, name)
		must(t, os.WriteFile(path, content, 0o600))
		must(t, os.Chown(path, d.UID, d.UID))
		return path
	}
	credentials := filepath.Join(d.Dir, "credentials")
	must(t, os.Mkdir(credentials, 0o700))
	must(t, os.Chown(credentials, d.UID, d.UID))
	own("credentials/key", bytes.Repeat([]byte("k"), 32))
	key := filepath.Join(d.Dir, "store.key")
	text := own("store.phrase", []byte("correct horse battery staple\n"))
	return place{"file", `kind = "file"` + "\npath = \"" + key + `"`, []string{"--to", "file", "--path", key}},
		place{"passphrase", `kind = "passphrase"` + "\npath = \"" + text + `"`, []string{"--to", "passphrase", "--path", text}},
		place{"credential", `kind = "credential"` + "\n" + `name = "key"`, []string{"--to", "credential", "--credential", "key"}}
}

// configWith is the configuration with another keeper.
func configWith(p place) string {
	table := "kind = \"file\"\npath = \"{{.Dir}}/store.key\""
	return strings.Replace(config(), table, p.table, 1)
}

// keeperCommand is `claviger keeper ...` as the daemon's user, with the credentials that a service manager would give.
func keeperCommand(t *testing.T, d *daemontest.Daemon, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(daemontest.Binary(t), append([]string{"keeper"}, args...)...)
	cmd.Env = append(os.Environ(), "CREDENTIALS_DIRECTORY="+filepath.Join(d.Dir, "credentials"))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(d.UID), Gid: uint32(d.UID), Groups: []uint32{}}
	}
	return cmd
}

// opens tells whether a keeper opens the store; if it does not, the reason must be that another closed it.
func opens(t *testing.T, d *daemontest.Daemon, p place) bool {
	t.Helper()
	d.WriteConfig(t, configWith(p))
	out, err := keeperCommand(t, d, "--config", d.Config).CombinedOutput()
	if err != nil && !strings.HasSuffix(string(out), " (WrapUnwrapFailed)\n") {
		t.Fatalf("%s: %v: %s", p.name, err, out)
	}
	return err == nil
}

// TestAKilledChangeLeavesOneKeeper changes the keeper from each kind to each other, and kills the command before every single
// system call that writes: each time exactly one of the two opens the store, first the old one and from some call on the
// new one. What the store holds is there at the end.
func TestAKilledChangeLeavesOneKeeper(t *testing.T) {
	d := daemontest.Start(t, config())
	file, phrase, credential := places(t, d)
	code := slotCode(t, d)
	d.Stop(t)
	now := file
	for _, next := range []place{phrase, credential, file, credential, phrase, file} {
		changeKilled(t, d, now, next)
		now = next
	}
	d.WriteConfig(t, config())
	d.Launch(t)
	if got := slotCode(t, d); !bytes.Equal(got, code) {
		t.Error("the store holds another key than before")
	}
	status, err := d.Dial(t).Status(t.Context())
	if err != nil || len(status.Damaged) != 0 || !strings.HasPrefix(status.Keeper, "key file ") {
		t.Errorf("status: %v; keeper %q, damaged records: %v", err, status.Keeper, status.Damaged)
	}
}

// slotCode makes a code with the key in the first slot, which is made if there is none.
func slotCode(t *testing.T, d *daemontest.Daemon) []byte {
	t.Helper()
	stack := d.Dial(t)
	defer stack.Close()
	cc, err := stack.CryptoContext()
	must(t, err)
	slot, err := cc.KeySlot(t.Context(), "0")
	must(t, err)
	info, err := slot.Info(t.Context())
	must(t, err)
	if info.State == claviger.SlotEmpty {
		km, err := cc.NewKeyManager(t.Context(), client.KeyManagerConfig{})
		must(t, err)
		_, err = km.GenerateIn(t.Context(), slot, client.GenerateParams{})
		must(t, err)
	}
	mac, err := cc.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: slot})
	must(t, err)
	code, err := mac.Sum(t.Context(), nil, message)
	must(t, err)
	return code
}

// stride is how many calls lie between two kills: none are left out, but under the race detector, which makes scrypt slow.
func stride() int {
	if daemontest.Race {
		return 3
	}
	return 1
}

// changeKilled kills the change from one keeper to another at its first writing call, its second and so on, each time over
// the same store, until it comes to its end.
func changeKilled(t *testing.T, d *daemontest.Daemon, now, next place) {
	t.Helper()
	path := filepath.Join(d.Dir, "store.db")
	before, err := os.ReadFile(path)
	must(t, err)
	var outcome strings.Builder // of each kill: which keeper opens the store
	for n := 1; ; n += stride() {
		must(t, os.WriteFile(path, before, 0o600)) // the file stays the daemon's user's
		d.WriteConfig(t, configWith(now))
		log, err := os.Create(filepath.Join(t.TempDir(), "log"))
		must(t, err)
		cmd := keeperCommand(t, d, append([]string{"change", "--config", d.Config}, next.change...)...)
		cmd.Stdout, cmd.Stderr = log, log
		killed, status := killedAt(t, cmd, n)
		must(t, log.Close())
		old, fresh := opens(t, d, now), opens(t, d, next)
		where := fmt.Sprintf("from %s to %s, killed at call %d", now.name, next.name, n)
		switch {
		case old == fresh:
			t.Fatalf("%s: the old keeper opens the store: %t, the new one: %t", where, old, fresh)
		case fresh:
			outcome.WriteByte('N')
		default:
			outcome.WriteByte('O')
		}
		if killed {
			continue
		}
		if text, _ := os.ReadFile(log.Name()); status != 0 || !fresh || !strings.Contains(string(text), next.table) {
			t.Fatalf("%s: it ended with status %d: %s", where, status, text)
		}
		break
	}
	t.Logf("from %s to %s, by the call before which it was killed: %s", now.name, next.name, &outcome)
	turn := strings.IndexByte(outcome.String(), 'N')
	if turn < 1 || turn == outcome.Len()-1 {
		t.Errorf("from %s to %s the kills went %s: they do not surround the one call that counts", now.name, next.name, &outcome)
	}
}
