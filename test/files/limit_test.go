package files_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// messageLimit is the longest message of the signature algorithms that need it whole, in bytes.
const messageLimit = 64 << 20

// TestTooLongMessagesNameThePreHashForm holds that signing and verifying say what to do instead, whether the size is known at
// the start or not, and that what they advise works.
func TestTooLongMessagesNameThePreHashForm(t *testing.T) {
	b := newBench(t)
	b.noise("long", messageLimit+1)
	b.noise("longest", messageLimit)
	b.write("short", []byte("message"))
	for slot, form := range map[string]string{"ed": "Ed25519ph", "lattice": "HashML-DSA-65-SHA-512"} {
		t.Run(slot, func(t *testing.T) {
			b := b.with(t)
			b.ok("slot generate " + slot)
			b.ok("sign --key " + slot + " -o @sig @short")
			b.tooLong("sign --key "+slot+" -o @none @long", form)
			b.tooLong("verify --key "+slot+" --signature @sig @long", form)
			if _, err := os.Stat(b.path("none")); err == nil {
				t.Error("a signature was written")
			}
			b.ok("--timeout 1m sign --key " + slot + " -o @sig @longest")
			b.ok("--timeout 1m verify --key " + slot + " --signature @sig @longest")
			b.fails("--timeout 1m verify --key "+slot+" --signature @sig @short", 1, "SignatureInvalid")
			b.ok("--timeout 1m sign --key " + slot + " --algorithm " + form + " -o @sig @long")
			b.ok("--timeout 1m verify --key " + slot + " --algorithm " + form + " --signature @sig @long")
			b.fails("--timeout 1m verify --key "+slot+" --signature @sig @longest", 1, "SignatureInvalid")
		})
	}
}

// tooLong runs a command on a file, and with the same bytes through a pipe, whose length nobody knows before its end.
func (b *bench) tooLong(line, form string) {
	b.t.Helper()
	words := b.words(line)
	for from, r := range map[string]daemontest.Result{
		"file": b.Run(b.t, nil, words...), "pipe": b.Run(b.t, b.read("long"), words[:len(words)-1]...),
	} {
		if r.Code != 4 || !strings.Contains(r.Stderr, form) || !strings.Contains(r.Stderr, fmt.Sprint(messageLimit)) {
			b.t.Errorf("%s from a %s: status %d, want 4 with %s and the limit: %s", line, from, r.Code, form, r.Stderr)
		}
	}
}
