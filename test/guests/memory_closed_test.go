package guests

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/test/daemontest"
)

// hostProcess is a process that runs a guest and lives on: it says "ended" when the guest has, and waits for a line. The
// arguments are the guest's file and the guest's own.
func hostProcess() int {
	input := bufio.NewReader(os.Stdin)
	err := plainHost(context.Background(), os.Args[1], os.Args[2:], nil, func(wazero.Runtime) io.Reader { return input }, os.Stdout)
	fmt.Println("ended", err)
	_, _ = input.ReadString('\n')
	return 0
}

// localKeys draws a key for each symmetric algorithm, and gives the words with which a guest takes them. forms are the keys
// themselves among what is looked for.
func localKeys(t *testing.T, word string, n *needles) (words, forms []string) {
	t.Helper()
	for _, g := range algorithm.Guests() {
		if g.Type != claviger.GuestSymmetric || g.Keyless() {
			continue
		}
		key, masked := drawKey(g.DefaultKey)
		n.addKey(t, string(g.Name), key)
		words = append(words, word, string(g.Name), masked)
		forms = append(forms, string(g.Name)+" key")
	}
	return words, forms
}

// lingers reports whether something of a key may still be in the host's memory when its states are closed: libraries expand
// keys on the heap of Go, where nobody can wipe them (docs/THREATS.md). Of HMAC and HKDF-EXPAND the key itself is gone
// nevertheless, of KMAC and Xoodyak all.
func lingers(form string) bool {
	name := form[:strings.Index(form, " ")]
	if strings.HasPrefix(name, "HMAC") || strings.HasPrefix(name, "HKDF-EXPAND") {
		return strings.HasSuffix(form, " pad")
	}
	return !strings.HasPrefix(name, "KMAC") && !strings.HasPrefix(name, "XOODYAK")
}

// gone holds that nothing is left but what lingers may.
func gone(t *testing.T, where string, found []string) {
	t.Helper()
	found = slices.DeleteFunc(found, lingers)
	wants(t, where, found)
}

// TestClosedKeysAreGone looks through all memory of a process whose guest imported symmetric keys of every algorithm, took
// them out again, and closed them: they are there before, and nothing of them behind.
func TestClosedKeysAreGone(t *testing.T) {
	daemontest.NeedRoot(t)
	unpreempted(t)
	g := buildKeyed(t, "user")
	var n needles
	words, forms := localKeys(t, "hold", &n)
	r := runGuest(t, slices.Concat([]string{g.file}, words, []string{"wait", "close", "wait"})...)
	for range forms {
		r.says("hold <nil>")
	}
	r.says("waiting")
	wants(t, "before", n.scan(t, r.pid()), forms...)
	r.goOn()
	r.says("closed <nil>")
	r.says("waiting")
	wants(t, "behind", n.scan(t, r.pid()))
	r.goOn()
	r.ends()
}

// TestClosedStatesKeepNoKey is the same where the keys were used in states, as far as anybody can wipe what these made of them.
func TestClosedStatesKeepNoKey(t *testing.T) {
	daemontest.NeedRoot(t)
	unpreempted(t)
	g := buildKeyed(t, "user")
	var n needles
	words, forms := localKeys(t, "local", &n)
	r := runGuest(t, slices.Concat([]string{g.file}, words, []string{"wait", "close", "wait"})...)
	for range forms {
		r.says("local <nil>")
	}
	r.says("waiting")
	wants(t, "before", n.scan(t, r.pid()), forms...)
	r.goOn()
	r.says("closed <nil>")
	r.says("waiting")
	gone(t, "behind", n.scan(t, r.pid()))
	r.goOn()
	r.ends()
}

// TestAnEndedGuestLeavesNoKey is both for a guest that closes nothing, in a process that lives on without it.
func TestAnEndedGuestLeavesNoKey(t *testing.T) {
	daemontest.NeedRoot(t)
	unpreempted(t)
	g := buildKeyed(t, "user")
	for word, hold := range map[string]func(*testing.T, string, []string){
		"hold":  func(t *testing.T, where string, found []string) { wants(t, where, found) },
		"local": gone,
	} {
		t.Run(word, func(t *testing.T) {
			var n needles
			words, forms := localKeys(t, word, &n)
			cmd := exec.Command("/proc/self/exe", slices.Concat([]string{g.file}, words, []string{"wait"})...)
			cmd.Env = append(os.Environ(), hostMode+"=1")
			r := start(t, cmd)
			for range forms {
				r.says(word + " <nil>")
			}
			r.says("waiting")
			wants(t, "before", n.scan(t, r.pid()), forms...)
			r.goOn()
			r.says("ended <nil>")
			hold(t, "behind", n.scan(t, r.pid()))
			r.goOn()
			r.ends()
		})
	}
}
