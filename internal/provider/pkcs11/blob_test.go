package pkcs11

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// goldenBlobs are recorded blobs; stores hold such bytes, so that a change here needs a new version.
func goldenBlobs() map[string]reference {
	return map[string]reference{
		"01" + "00" + "01" + "07" + "4145532d323536" + "2000" + "0400" + "01020304" + "0400" + "736c6f74" + "0000": {
			spec: provider.Spec{Algorithm: "AES-256", Class: claviger.SecretKey}, size: 32, id: []byte{1, 2, 3, 4}, label: "slot"},
		"01" + "01" + "02" + "0a" + "45434453412d50323536" + "0000" + "0000" + "0300" + "6f6c64" + "0000": {
			spec: provider.Spec{Algorithm: "ECDSA-P256", Class: claviger.PrivateKey}, adopted: true, label: "old"},
		"01" + "00" + "03" + "07" + "45643235353139" + "0000" + "0000" + "0000" + "2c00" + goldenSPKI: {
			spec: provider.Spec{Algorithm: "Ed25519", Class: claviger.PublicKey}, spki: unhex(goldenSPKI)},
	}
}

// goldenSPKI is the public key of RFC 8032 section 7.1 test 1.
const goldenSPKI = "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func same(a, b *reference) bool {
	return a.adopted == b.adopted && a.spec == b.spec && a.size == b.size && bytes.Equal(a.id, b.id) && a.label == b.label && bytes.Equal(a.spki, b.spki)
}

// The bytes of a blob stay what they were.
func TestBlobsAreAsRecorded(t *testing.T) {
	for golden, want := range goldenBlobs() {
		got, err := want.encode()
		if err != nil || !bytes.Equal(got, unhex(golden)) {
			t.Errorf("%s: %x, %v", &want, got, err)
		}
		back, err := decodeBlob(unhex(golden))
		if err != nil || !same(back, &want) {
			t.Errorf("%s came back as %+v, %v", &want, back, err)
		}
		if err == nil {
			if _, err := back.row(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Each cut, each byte more and each changed byte of the header is refused.
func TestBrokenBlobsAreRefused(t *testing.T) {
	p := &Provider{}
	for golden := range goldenBlobs() {
		blob := unhex(golden)
		for n := range blob {
			if _, err := p.Load(t.Context(), blob[:n]); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
		}
		if _, err := p.Load(t.Context(), append(bytes.Clone(blob), 0)); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Errorf("with a byte behind it: %v", err)
		}
		for i := range blobHeader + int(blob[3]) {
			changed := bytes.Clone(blob)
			changed[i] ^= 0x80
			if _, err := p.Load(t.Context(), changed); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
	}
}

// What decodes is what would be encoded, and nothing makes the decoder fail otherwise than with an error.
func FuzzBlob(f *testing.F) {
	for golden := range goldenBlobs() {
		f.Add(unhex(golden))
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		r, err := decodeBlob(blob)
		if err != nil {
			if claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Error(err)
			}
			return
		}
		if again, err := r.encode(); err != nil || !bytes.Equal(again, blob) {
			t.Errorf("decoding and encoding gives other bytes, %v", err)
		}
		if _, err := r.row(); err != nil && claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Error(err)
		}
	})
}
