package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/claviger/claviger/conformance"
	"github.com/claviger/claviger/guest/raw"
)

// TestOutput holds the lines and the exit status that README.md promises, as text and as JSON.
func TestOutput(t *testing.T) {
	m := guest(t).boot(t, nil)
	tagVerify := func(b *brokenHost) { b.answer("symmetric_tag_verify", equals(2, 0), raw.Success, raw.InvalidTag) }
	for _, c := range []struct {
		name   string
		broken func(*brokenHost)
		args   []string
		want   string
		status int
	}{
		{"text", nil, []string{"-run", "^4[23] "},
			"ok 42 tag-verify\nok 43 tag-pull\n2 passed, 0 failed, 0 skipped\n", 0},
		{"a failure", tagVerify, []string{"-run", " tag-verify$"},
			"not ok 42 tag-verify: symmetric_tag_verify of  (0 bytes): want invalid_tag, got success\n0 passed, 1 failed, 0 skipped\n", 1},
		{"no manager", nil, []string{"-run", "^94", "-skip-managed"},
			"skip 94 capsule-nonce: the host has no secrets manager, and says so\n0 passed, 0 failed, 1 skipped\n", 0},
		{"JSON", tagVerify, []string{"-run", "^42", "-json"},
			`{"row":"42","name":"tag-verify","rule":"symmetric_tag_verify of another tag, whatever its length, is invalid_tag.","result":"not ok",` +
				`"detail":"symmetric_tag_verify of  (0 bytes): want invalid_tag, got success"}` + "\n" + `{"passed":0,"failed":1,"skipped":0}` + "\n", 1},
		{"list", nil, []string{"-list", "-run", "^S"},
			"S1 external-store\nS2 external-replace\nS3 external-from-id\nS4 external-invalidate\nS5 external-encapsulate\nS6 external-decapsulate\n", 0},
		{"usage", nil, []string{"-run", "("}, "", 2},
		{"arguments", nil, []string{"everything"}, "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.broken = nil
			if c.broken != nil {
				m.broken = &brokenHost{t: t, hooks: map[string][]hook{}, real: m.functions}
				c.broken(m.broken)
			}
			stdout, stderr, status := m.exec(t, c.args...)
			if stdout != c.want || status != c.status || (status == 2) != (stderr != "") {
				t.Errorf("want status %d and %q\ngot status %d and %q\n%s", c.status, c.want, status, stdout, stderr)
			}
		})
	}
}

// TestList holds that the guest knows every check of the table.
func TestList(t *testing.T) {
	var want strings.Builder
	for _, row := range conformance.Rows() {
		if row.Check != "" {
			fmt.Fprintln(&want, row.ID, row.Check)
		}
	}
	if got, _, _ := guest(t).boot(t, nil).exec(t, "-list"); got != want.String() {
		t.Errorf("want %s\ngot %s", want.String(), got)
	}
}
