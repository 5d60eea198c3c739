package guests

import (
	"regexp"
	"strings"
	"testing"
)

// TestThePackagesInAGuest runs the tests of the Go packages where they belong: in a guest, on this host.
func TestThePackagesInAGuest(t *testing.T) {
	h := newHost(t)
	for pkg, least := range map[string]int{"./guest": 30, "./guest/signer": 2} {
		t.Run(pkg, func(t *testing.T) {
			file := buildGuest(t, root, pkg, "test", "-c")
			status, output := h.run(t, file, strings.NewReader(""), "-test.v")
			if passed := strings.Count(output, "--- PASS: Test"); status != 0 || passed < least {
				t.Errorf("status %d, %d tests passed\n%s", status, passed, output)
			}
		})
	}
}

// TestTheExamples runs each example and looks at what it says.
func TestTheExamples(t *testing.T) {
	h := newHost(t)
	for name, want := range map[string]string{
		"sign":    `(?s)^key: [0-9a-f]{32} version 1\nsignature: 30[0-9a-f]+\n-----BEGIN PUBLIC KEY-----.*export: keypair_export: prohibited_operation\n$`,
		"secrets": `^version 2 is token-2\nversion 1 is gone: external_secret_from_id: not_found\nthe capsule holds token-3\naltered: external_secret_decapsulate: verification_failed\n$`,
		"aead":    `^sealed: 34 bytes\nopened: for your eyes only\naltered: symmetric_state_decrypt: invalid_tag\n$`,
	} {
		t.Run(name, func(t *testing.T) {
			file := buildGuest(t, root, "./guest/examples/"+name, "build")
			status, output := h.run(t, file, strings.NewReader("hello\n"))
			if status != 0 || !regexp.MustCompile(want).MatchString(output) {
				t.Errorf("status %d, output\n%s", status, output)
			}
		})
	}
}

// TestTheSigningExampleFindsItsKeyAgain runs it twice.
func TestTheSigningExampleFindsItsKeyAgain(t *testing.T) {
	h := newHost(t)
	file := buildGuest(t, root, "./guest/examples/sign", "build")
	_, first := h.run(t, file, strings.NewReader("hello\n"))
	id := strings.Fields(first)[1]
	status, second := h.run(t, file, strings.NewReader("hello\n"), id)
	_, key, _ := strings.Cut(first, "-----BEGIN")
	if status != 0 || !strings.Contains(second, id) || !strings.HasSuffix(second, key) {
		t.Errorf("status %d, first\n%s\nthen\n%s", status, first, second)
	}
}
