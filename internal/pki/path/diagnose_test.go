package path

import (
	"strings"
	"testing"
)

// TestForeignTextIsMadeReadable holds that what a certificate says disturbs no terminal and has an end.
func TestForeignTextIsMadeReadable(t *testing.T) {
	name := strings.Repeat("n", 253)
	for text, want := range map[string]string{
		name + " is not permitted":        name + " is not permitted",
		"\x1b[2J\r\nfake\x00\xff":         "?[2J??fake??",
		strings.Repeat("n", detailSize+1): strings.Repeat("n", detailSize) + "...",
	} {
		if got := readable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
