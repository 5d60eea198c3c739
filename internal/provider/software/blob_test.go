package software

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// goldenBlob is a recorded blob; stores hold such bytes, so that a change here needs a new
// version.
const goldenBlob = "010107" + "4145532d313238" + "10000000" + "000102030405060708090a0b0c0d0e0f"

// The bytes of a blob stay what they were.
func TestBlobIsAsRecorded(t *testing.T) {
	golden, err := hex.DecodeString(goldenBlob)
	if err != nil {
		t.Fatal(err)
	}
	material := golden[len(golden)-16:]
	k, err := New().Import(t.Context(), provider.Spec{Algorithm: "AES-128", Class: claviger.SecretKey}, material)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	blob, err := k.Blob(t.Context(), provider.Tag{})
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if !blob.Equal(golden) {
		t.Error("the blob is not the recorded one")
	}
	loaded, err := New().Load(t.Context(), golden)
	if err != nil {
		t.Fatalf("another instance: %v", err)
	}
	defer loaded.Close()
	out, err := loaded.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if !out.Equal(material) {
		t.Error("the recorded blob gives another key")
	}
}

// Each cut and each changed header byte of a blob is refused.
func TestBrokenBlobsAreRefused(t *testing.T) {
	golden, err := hex.DecodeString(goldenBlob)
	if err != nil {
		t.Fatal(err)
	}
	for n := range golden {
		if _, err := New().Load(t.Context(), golden[:n]); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for i := range len(golden) - 16 {
		changed := bytes.Clone(golden)
		changed[i] ^= 0x80
		if _, err := New().Load(t.Context(), changed); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

// Keys do not print their bytes, and a closed key does nothing more.
func TestClosedAndPrintedKeys(t *testing.T) {
	k, err := New().Import(t.Context(), provider.Spec{Algorithm: "AES-128"}, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%x"} {
		if text := fmt.Sprintf(format, k); text != "[key AES-128]" {
			t.Errorf("%s prints the key", format)
		}
	}
	k.Close()
	_, err = k.OneShot(t.Context(), provider.Encrypt, &provider.Params{Algorithm: "AES-128-CBC", IV: make([]byte, 16)}, nil, nil)
	if claviger.CodeOf(err) != claviger.ErrResourceNotFound {
		t.Errorf("encrypting with a closed key: %v", err)
	}
	if _, err := k.Export(t.Context()); claviger.CodeOf(err) != claviger.ErrResourceNotFound {
		t.Errorf("exporting a closed key: %v", err)
	}
}

// What decodes is what would be encoded, and nothing makes the decoder fail otherwise than
// with an error.
func FuzzBlob(f *testing.F) {
	golden, err := hex.DecodeString(goldenBlob)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte{blobVersion, 3, 1, 'x', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, blob []byte) {
		spec, material, err := decodeBlob(blob)
		if err != nil {
			return
		}
		again, err := encodeBlob(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if !again.Equal(blob) {
			t.Error("decoding and encoding gives other bytes")
		}
		if k, err := New().Load(t.Context(), blob); err == nil {
			k.Close()
		}
	})
}
