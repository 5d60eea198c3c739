package secrets

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/claviger/claviger/internal/primitive/xaes"
)

// pattern gives n bytes that count up from first.
func pattern(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	must(t, err)
	return b
}

// TestGoldenRecords pins the layouts that docs/STORE.md shows: changed bytes are a new schema.
func TestGoldenRecords(t *testing.T) {
	h := head{latest: 3, kept: []entry{{1, 2_000_000_000, 5}, {3, 1<<64 - 1, 1 << 20}}}
	tombstone := head{latest: 7, died: 2_000_000_000}
	o := tenant{1, 2, 3, 4, 5, 6, "infotainment"}
	k := mark{time: 2_000_000_000, boot: 3600e9, id: [16]byte(pattern(0xA0, 16)), running: 1e9}
	golden := []struct {
		name, want string
		made       []byte
		again      func([]byte) (any, bool)
		value      any
	}{
		{"head", `0000000000000003 0000000000000000
			0000000000000001 0000000077359400 00000005
			0000000000000003 ffffffffffffffff 00100000`, h.encode(), func(b []byte) (any, bool) { v, ok := decodeHead(b); return v, ok }, h},
		{"tombstone", "0000000000000007 0000000077359400", tombstone.encode(), func(b []byte) (any, bool) { v, ok := decodeHead(b); return v, ok }, tombstone},
		{"tenant", `0000000000000001 0000000000000002 0000000000000003 0000000000000004 0000000000000005 0000000000000006
			696e666f7461696e6d656e74`, o.encode(), func(b []byte) (any, bool) { v, ok := decodeTenant(b); return v, ok }, o},
		{"mark", "0000000077359400 0000034630b8a000 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 000000003b9aca00", k.encode(),
			func(b []byte) (any, bool) { v, ok := decodeMark(b); return v, ok }, k},
	}
	for _, g := range golden {
		if !bytes.Equal(g.made, unhex(t, g.want)) {
			t.Errorf("%s is made as %x", g.name, g.made)
		}
		if v, ok := g.again(unhex(t, g.want)); !ok || !reflect.DeepEqual(v, g.value) {
			t.Errorf("%s is read as %+v", g.name, v)
		}
	}
	value := unhex(t, "0000000077359400 736563726574")
	if made := encodeValue(2_000_000_000, []byte("secret")); !bytes.Equal(made, value) {
		t.Errorf("a value is made as %x", made)
	}
	if expires, secret, ok := decodeValue(value); !ok || expires != 2_000_000_000 || string(secret) != "secret" {
		t.Errorf("a value is read as %d, %q", expires, secret)
	}
}

// goldenCapsule is the capsule of "secret" until 2,000,000,000 for tenant 10...1f under version 9 of the key 20...3f with
// the nonce 40...57.
const goldenCapsule = `434c5643 01 101112131415161718191a1b1c1d1e1f 0000000000000009
	404142434445464748494a4b4c4d4e4f5051525354555657
	3c931c27e9ee8fe7e1e4bb0d73e65baeef746e2d86a68aa08c1ca26ca137`

func TestGoldenCapsule(t *testing.T) {
	aead, err := xaes.New(pattern(0x20, 32))
	must(t, err)
	made := sealCapsule(aead, tenantID(pattern(0x10, 16)), 9, [xaes.NonceSize]byte(pattern(0x40, 24)), 2_000_000_000, []byte("secret"))
	want := unhex(t, goldenCapsule)
	if !bytes.Equal(made, want) {
		t.Fatalf("made is\n%x", made)
	}
	c, ok := parseCapsule(want)
	if !ok || c.tenant != tenantID(pattern(0x10, 16)) || c.kek != 9 {
		t.Fatalf("%+v", c)
	}
	if expires, secret, ok := c.open(aead); !ok || expires != 2_000_000_000 || string(secret) != "secret" {
		t.Errorf("it opens as %d, %q, %t", expires, secret, ok)
	}
}

func TestDecodersRefuseWhatEncodersCannotGive(t *testing.T) {
	good := head{latest: 3, kept: []entry{{1, 0, 5}, {3, 0, 5}}}
	for what, h := range map[string]head{
		"no version":        {},
		"twice":             {latest: 3, kept: []entry{{2, 0, 5}, {2, 0, 5}}},
		"disorder":          {latest: 3, kept: []entry{{3, 0, 5}, {1, 0, 5}}},
		"zero":              {latest: 3, kept: []entry{{0, 0, 5}}},
		"beyond the latest": {latest: 3, kept: []entry{{4, 0, 5}}},
		"too long":          {latest: 3, kept: []entry{{3, 0, 1<<20 + 1}}},
	} {
		if _, ok := decodeHead(h.encode()); ok {
			t.Errorf("head with %s is read", what)
		}
	}
	for n := range len(good.encode()) {
		if _, ok := decodeHead(good.encode()[:n]); ok && (n-headSize)%entrySize != 0 {
			t.Errorf("head of %d bytes is read", n)
		}
	}
	if _, ok := decodeTenant(tenant{}.encode()); ok {
		t.Error("a tenant without a name is read")
	}
	if _, ok := decodeMark(mark{boot: -1}.encode()); ok {
		t.Error("a mark before boot is read")
	}
	if _, _, ok := decodeValue(make([]byte, 7)); ok {
		t.Error("a value without expiry is read")
	}
}

// FuzzRecords holds that what the decoders take is exactly what the encoders give, and that nothing makes them panic.
func FuzzRecords(f *testing.F) {
	f.Add(head{latest: 3, kept: []entry{{1, 2, 5}, {3, 4, 6}}}.encode())
	f.Add(tenant{name: "alice"}.encode())
	f.Add(mark{time: 1}.encode())
	f.Add(encodeValue(7, []byte("s")))
	f.Add(unhex(f, "0002 01 0102 06 583235353139 626c6f62"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := decodeHead(b); ok && !bytes.Equal(h.encode(), b) {
			t.Errorf("head %x", b)
		}
		if o, ok := decodeTenant(b); ok && !bytes.Equal(o.encode(), b) {
			t.Errorf("tenant %x", b)
		}
		if k, ok := decodeMark(b); ok && !bytes.Equal(k.encode(), b) {
			t.Errorf("mark %x", b)
		}
		if expires, secret, ok := decodeValue(b); ok && !bytes.Equal(encodeValue(expires, secret), b) {
			t.Errorf("value %x", b)
		}
		if k, ok := decodeKey(b); ok {
			if again, err := encodeKey("test", k); err != nil || !bytes.Equal(again, b) {
				t.Errorf("key %x: %v", b, err)
			}
		}
		if id, ok := parseSecretID(b); ok && len(id) != idLength {
			t.Errorf("identifier %q", id)
		}
	})
}

// FuzzCapsule holds that no bytes but those of a seal open, and that nothing makes the parser panic.
func FuzzCapsule(f *testing.F) {
	aead, err := xaes.New(pattern(0x20, 32))
	must(f, err)
	good := sealCapsule(aead, tenantID{1}, 9, [xaes.NonceSize]byte{2}, 3, []byte("secret"))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte(capsuleMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, ok := parseCapsule(b)
		if !ok {
			return
		}
		if _, _, ok := c.open(aead); ok && !bytes.Equal(b, good) {
			t.Errorf("%x opens", b)
		}
	})
}
