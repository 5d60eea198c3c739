package run_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// common is what every configuration begins with.
const common = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[[provider]]
id   = 2
name = "software"
kind = "software"
`

// app gives an application that is a guest.
func app(name string, builds ...guest) string {
	var digests []string
	for _, g := range builds {
		digests = append(digests, fmt.Sprintf("%q", g.digest))
	}
	return fmt.Sprintf("\n[[app]]\nname        = %q\nwasm_sha256 = [%s]\n", name, strings.Join(digests, ", "))
}

// runner gives the application of the test's own user, who may vouch for these guests.
func runner(guests ...string) string { return vouching("runner", "{{.Self}}", guests...) }

func vouching(name, uid string, guests ...string) string {
	text := fmt.Sprintf("\n[[app]]\nname         = %q\nuid          = %s\n", name, uid)
	if len(guests) > 0 {
		text += fmt.Sprintf("vouch_guests = [\"%s\"]\n", strings.Join(guests, `", "`))
	}
	return text
}

// refused are the numbers of wasi-crypto that the guest shows.
const (
	unsupportedFeature  = "3"
	prohibitedOperation = "4"
	notFound            = "26"
)

// TestTwoGuestsDoNotSeeEachOther: neither finds the other's identifiers, of secrets and of managed keys, and their runner, who
// runs both, finds none.
func TestTwoGuestsDoNotSeeEachOther(t *testing.T) {
	one, other := build(t, "one"), build(t, "other")
	d := daemontest.Start(t, common+runner("one", "other")+app("one", one)+app("other", other))
	secret, key := says(t, d, one, "put 0", "put", "the secret"), says(t, d, one, "key 0", "key")
	if got := says(t, d, one, "get 0", "get", secret); got != "the secret" {
		t.Errorf("its own secret is %q", got)
	}
	tag := says(t, d, one, "mac 0", "mac", key)
	if again := says(t, d, one, "mac 0", "mac", key); tag != again || len(tag) != 64 {
		t.Errorf("its own key gives %q, then %q", tag, again)
	}
	says(t, d, other, "get "+notFound, "get", secret)
	says(t, d, other, "mac "+notFound, "mac", key)
	says(t, d, other, "get "+notFound, "get", key)
	says(t, d, one, "mac "+notFound, "mac", secret)
	native := d.Dial(t)
	_, err := native.Secrets().Get(t.Context(), secret, 1)
	if !errors.Is(err, claviger.ErrSecretNotFound) || native.Tenant() != "runner" {
		t.Errorf("the runner, %s: %v", native.Tenant(), err)
	}
}

// TestANewBuildKeepsItsKeys: a build whose digest is added to the application is the same tenant, and one whose digest is taken
// away is nobody.
func TestANewBuildKeepsItsKeys(t *testing.T) {
	first, second := build(t, "build1"), build(t, "build2")
	d := daemontest.Start(t, common+runner("app")+app("app", first))
	secret, key := says(t, d, first, "put 0", "put", "x"), says(t, d, first, "key 0", "key")
	tag := says(t, d, first, "mac 0", "mac", key)
	says(t, d, second, "get "+unsupportedFeature, "get", secret)

	reload(t, d, common+runner("app")+app("app", first, second))
	for _, g := range []guest{first, second} {
		says(t, d, g, "get 0", "get", secret)
		if got := says(t, d, g, "mac 0", "mac", key); got != tag {
			t.Error("the key has changed")
		}
	}
	reload(t, d, common+runner("app")+app("app", second))
	says(t, d, second, "get 0", "get", secret)
	says(t, d, first, "get "+unsupportedFeature, "get", secret)
	d.Stop(t)
	d.Launch(t)
	says(t, d, second, "mac 0", "mac", key)
}

// TestAnAppMadeAnewInheritsNothing: an application that was removed and comes back under its name, with the same digest, has
// nothing of what it had.
func TestAnAppMadeAnewInheritsNothing(t *testing.T) {
	g := build(t, "anew")
	config := common + runner("app") + app("app", g)
	d := daemontest.Start(t, config)
	secret, key := says(t, d, g, "put 0", "put", "x"), says(t, d, g, "key 0", "key")
	reload(t, d, config) // changes nothing
	says(t, d, g, "get 0", "get", secret)
	reload(t, d, common+runner())
	says(t, d, g, "get "+unsupportedFeature, "get", secret)
	reload(t, d, config)
	says(t, d, g, "get "+notFound, "get", secret)
	says(t, d, g, "mac "+notFound, "mac", key)
	says(t, d, g, "put 0", "put", "y")
}

// TestTheLinesThatARefusalPrintsLetTheGuestIn: an unknown guest runs without managed keys and secrets, and what standard error
// says, with names put in, makes it known.
func TestTheLinesThatARefusalPrintsLetTheGuestIn(t *testing.T) {
	g := build(t, "unknown")
	d := daemontest.Start(t, common+runner())
	r := runAs(t, d, os.Getuid(), g, "put", "x", "exit", "7")
	if r.Code != 7 || r.Stdout != "put "+unsupportedFeature+" \n" || !strings.Contains(r.Stderr, "no managed keys and no secrets") {
		t.Errorf("status %d, standard output %q, standard error %q", r.Code, r.Stdout, r.Stderr)
	}
	lines := configuration(r.Stderr)
	at := strings.Index(lines, "vouch_guests")
	if at < 0 {
		t.Fatalf("there is no vouch_guests in %q", r.Stderr)
	}
	reload(t, d, common+runner()+strings.ReplaceAll(lines[at:]+lines[:at], "NAME", "named"))
	if r := runAs(t, d, os.Getuid(), g, "put", "x"); !strings.HasPrefix(r.Stdout, "put 0 ") || r.Stderr != "" {
		t.Errorf("with the lines: %q, %q", r.Stdout, r.Stderr)
	}

	reload(t, d, common+runner()+app("named", g)) // known, but nobody may vouch for it
	r = runAs(t, d, os.Getuid(), g, "put", "x")
	rest(t, r, "put "+unsupportedFeature)
	if strings.Contains(r.Stderr, "named") {
		t.Errorf("the name of an application is told to one that may not vouch for it: %q", r.Stderr)
	}
	reload(t, d, common+runner()+strings.ReplaceAll(configuration(r.Stderr), "NAME", "named")+app("named", g))
	rest(t, runAs(t, d, os.Getuid(), g, "put", "x"), "put 0")
}

// configuration gives those lines of a text that are a configuration.
func configuration(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "[[") || strings.Contains(line, " = ") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// TestARunnerVouchesOnlyForItsOwn: a user runs a guest that another user is listed for, and has nothing of it.
func TestARunnerVouchesOnlyForItsOwn(t *testing.T) {
	daemontest.NeedRoot(t)
	a, b := build(t, "forA"), build(t, "forB")
	d := daemontest.Start(t, common+vouching("a", "{{.UserA}}", "guest-a")+vouching("b", "{{.UserB}}", "guest-b")+
		app("guest-a", a)+app("guest-b", b))
	secret := rest(t, runAs(t, d, daemontest.UserA, a, "put", "x"), "put 0")
	rest(t, runAs(t, d, daemontest.UserA, a, "get", secret), "get 0")
	rest(t, runAs(t, d, daemontest.UserB, b, "get", secret), "get "+notFound)
	for uid, g := range map[int]guest{daemontest.UserB: a, daemontest.UserA: b, os.Getuid(): a} {
		r := runAs(t, d, uid, g, "get", secret)
		rest(t, r, "get "+unsupportedFeature)
		if !strings.Contains(r.Stderr, "(AccessDenied)") {
			t.Errorf("uid %d: %q", uid, r.Stderr)
		}
	}
}

// TestAWithdrawnGuestIsRefusedWhileItRuns: at its next call, when the runner may no longer vouch for it.
func TestAWithdrawnGuestIsRefusedWhileItRuns(t *testing.T) {
	g := build(t, "withdrawn")
	d := daemontest.Start(t, common+runner("app")+app("app", g))
	secret := says(t, d, g, "put 0", "put", "x")
	cmd, stdout, _ := command(t, "--socket", d.Socket, "--daemon-uid", fmt.Sprint(d.UID), g.file, "get", secret, "line", "get", secret)
	stdin := must(cmd.StdinPipe())(t)
	seen := watch(cmd, stdout, "get 0 x")
	check(t, cmd.Start())
	seen.await(t, cmd)
	reload(t, d, common+runner()+app("app", g))
	must(io.WriteString(stdin, "go on\n"))(t)
	check(t, cmd.Wait())
	if want := "get 0 x\nline \"go on\\n\" <nil>\nget " + prohibitedOperation + " \n"; stdout.String() != want {
		t.Errorf("it said %q, want %q", stdout, want)
	}
}

// TestAnEmbeddedKeeperKnowsGuestsByName: without any configuration, whoever owns the directory names the tenant. Another name
// has other keys; the same name has the same after a restart.
func TestAnEmbeddedKeeperKnowsGuestsByName(t *testing.T) {
	g, dir := build(t, "plain"), filepath.Join(t.TempDir(), "keys")
	as := func(tenant string, args ...string) daemontest.Result {
		return alone(t, "", append([]string{"--embedded", dir, "--tenant", tenant, g.file}, args...)...)
	}
	r := alone(t, "", "--embedded", dir, g.file, "put", "x")
	rest(t, r, "put "+unsupportedFeature)
	if _, err := os.Stat(dir); err == nil || !strings.Contains(r.Stderr, "--tenant NAME") {
		t.Errorf("without a name: %q, and the directory is there: %v", r.Stderr, err)
	}
	secret, key := rest(t, as("demo", "put", "x"), "put 0"), rest(t, as("demo", "key"), "key 0")
	rest(t, as("demo", "get", secret, "mac", key), "get 0")
	rest(t, as("other", "get", secret), "get "+notFound)
	rest(t, as("other", "mac", key), "mac "+notFound)
	rest(t, as("demo", "mac", key), "mac 0") // after a start at which "demo" was nobody's name
	for _, bad := range []string{"self", "admin:0", "a b"} {
		if r := as(bad, "put", "x"); r.Code != 125 || r.Stdout != "" || !strings.Contains(r.Stderr, "(InvalidArgument)") {
			t.Errorf("--tenant %q: status %d, %q", bad, r.Code, r.Stderr)
		}
	}
}

// TestTheOwnerOfADaemonNamesGuests: over the socket of a daemon that a user runs for himself, too. A daemon with a configuration
// takes no names.
func TestTheOwnerOfADaemonNamesGuests(t *testing.T) {
	g := build(t, "plain")
	dir := must(os.MkdirTemp("", "clv"))(t)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "claviger.sock")
	serve := exec.Command(daemontest.Binary(t), "serve", "--dev", dir)
	serve.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, serve.Start())
	t.Cleanup(func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	})
	secret := rest(t, alone(t, "", "--socket", socket, "--tenant", "demo", g.file, "put", "x"), "put 0")
	rest(t, alone(t, "", "--socket", socket, "--tenant", "demo", g.file, "get", secret), "get 0")
	rest(t, alone(t, "", "--socket", socket, "--tenant", "other", g.file, "get", secret), "get "+notFound)
	rest(t, alone(t, "", "--socket", socket, g.file, "get", secret), "get "+unsupportedFeature)
	owner := must(client.Dial(context.Background(), client.Config{Endpoint: socket}))(t)
	defer owner.Close()
	if _, err := owner.Secrets().Get(t.Context(), secret, 1); !errors.Is(err, claviger.ErrSecretNotFound) {
		t.Errorf("the owner's own tenant reads it: %v", err)
	}

	d := daemontest.Start(t, common+runner("app")+app("app", g))
	r := d.Run(t, nil, "run", "--cache", cache(t, os.Getuid()), "--tenant", "app", g.file, "put", "x")
	rest(t, r, "put "+unsupportedFeature)
	if !strings.Contains(r.Stderr, "(AccessDenied)") {
		t.Errorf("a name for a daemon with a configuration: %q", r.Stderr)
	}
}
