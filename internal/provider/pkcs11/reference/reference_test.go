package reference

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// goldenBlobs are recorded blobs; stores hold such bytes, so that a change here needs a new version.
func goldenBlobs() map[string]Key {
	return map[string]Key{
		"01" + "00" + "01" + "07" + "4145532d323536" + "2000" + "0400" + "01020304" + "0400" + "736c6f74" + "0000": {
			Spec: provider.Spec{Algorithm: "AES-256", Class: claviger.SecretKey}, Size: 32, ID: []byte{1, 2, 3, 4}, Label: "slot"},
		"01" + "01" + "02" + "0a" + "45434453412d50323536" + "0000" + "0000" + "0300" + "6f6c64" + "0000": {
			Spec: provider.Spec{Algorithm: "ECDSA-P256", Class: claviger.PrivateKey}, Adopted: true, Label: "old"},
		"01" + "00" + "03" + "07" + "45643235353139" + "0000" + "0000" + "0000" + "2c00" + goldenSPKI: {
			Spec: provider.Spec{Algorithm: "Ed25519", Class: claviger.PublicKey}, SPKI: unhex(goldenSPKI)},
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

func same(a, b *Key) bool {
	return a.Adopted == b.Adopted && a.Spec == b.Spec && a.Size == b.Size && bytes.Equal(a.ID, b.ID) && a.Label == b.Label && bytes.Equal(a.SPKI, b.SPKI)
}

// The bytes of a blob stay what they were.
func TestBlobsAreAsRecorded(t *testing.T) {
	for golden, want := range goldenBlobs() {
		got, err := want.Encode()
		if err != nil || !bytes.Equal(got, unhex(golden)) {
			t.Errorf("%s: %x, %v", &want, got, err)
		}
		back, err := Decode(unhex(golden))
		if err != nil || !same(back, &want) {
			t.Errorf("%s came back as %+v, %v", &want, back, err)
		}
		if err == nil {
			if _, err := back.Row(); err != nil {
				t.Error(err)
			}
		}
		if spki := Public(unhex(golden)); !bytes.Equal(spki, want.SPKI) || (spki == nil) != (want.SPKI == nil) {
			t.Errorf("the public half of %s is %x", &want, spki)
		}
	}
}

// A pair that came with its public half gives it, and not one that is of another algorithm than the pair.
func TestTheBlobOfAPairTellsItsPublicHalf(t *testing.T) {
	pair := Key{Spec: provider.Spec{Algorithm: "Ed25519", Class: claviger.PrivateKey}, ID: []byte{1}, Label: "slot", SPKI: unhex(goldenSPKI)}
	blob, err := pair.Encode()
	if err != nil {
		t.Fatal(err)
	}
	spki := Public(blob)
	if !bytes.Equal(spki, pair.SPKI) {
		t.Fatalf("%x", spki)
	}
	clear(spki)
	if !bytes.Contains(blob, pair.SPKI) {
		t.Error("what was given is a part of the blob")
	}
	pair.Spec.Algorithm = "ECDSA-P256"
	if blob, err = pair.Encode(); err != nil {
		t.Fatal(err)
	}
	if spki := Public(blob); spki != nil {
		t.Errorf("%x", spki)
	}
}

// refused gives the error for what is no blob, which must not tell a public half either.
func refused(blob []byte) error {
	r, err := Decode(blob)
	if err == nil {
		_, err = r.Row()
	}
	if Public(blob) != nil {
		return nil
	}
	return err
}

// Each cut, each byte more and each changed byte of the header is refused.
func TestBrokenBlobsAreRefused(t *testing.T) {
	for golden := range goldenBlobs() {
		blob := unhex(golden)
		for n := range blob {
			if err := refused(blob[:n]); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
		}
		if err := refused(append(bytes.Clone(blob), 0)); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Errorf("with a byte behind it: %v", err)
		}
		for i := range header + int(blob[3]) {
			changed := bytes.Clone(blob)
			changed[i] ^= 0x80
			if err := refused(changed); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
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
		r, err := Decode(blob)
		if err != nil {
			if claviger.CodeOf(err) != claviger.ErrInvalidFormat {
				t.Error(err)
			}
			return
		}
		if again, err := r.Encode(); err != nil || !bytes.Equal(again, blob) {
			t.Errorf("decoding and encoding gives other bytes, %v", err)
		}
		if _, err := r.Row(); err != nil && claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Error(err)
		}
	})
}
