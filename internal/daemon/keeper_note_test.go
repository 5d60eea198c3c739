package daemon

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/config"
)

// TestGoldenNote pins the record that says since when a keeper opens the store.
func TestGoldenNote(t *testing.T) {
	const want = "0000000065920080" + "70617373706872617365" // 2024-01-01T00:00:00Z, "passphrase"
	note := keeperNote{config.Passphrase, time.Unix(0x65920080, 0)}
	if got := hex.EncodeToString(note.encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := decodeNote(note.encode()); got.kind != note.kind || !got.since.Equal(note.since) {
		t.Errorf("%+v came back", got)
	}
	for _, value := range []string{"", "1234567", "12345678", "12345678vault"} {
		if got := decodeNote([]byte(value)); got != (keeperNote{}) {
			t.Errorf("%q: %+v", value, got)
		}
	}
}

// FuzzNote holds that what is understood is what would be written.
func FuzzNote(f *testing.F) {
	f.Add(keeperNote{config.KeyFile, time.Unix(1, 0)}.encode())
	f.Add([]byte("1234567"))
	f.Fuzz(func(t *testing.T, value []byte) {
		if n := decodeNote(value); n.kind != "" && !bytes.Equal(n.encode(), value) {
			t.Errorf("%x is understood as %+v", value, n)
		}
	})
}
