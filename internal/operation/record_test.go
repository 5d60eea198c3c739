package operation

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// goldenSlot is a stored record. A change of it is a change of schema.
const goldenSlot = `{"algorithm":"AES-256","versions":[` +
	`{"version":1,"id":"00112233445566778899aabbccddeeff","provider":2,"class":1,"bits":256,"permissions":3,"public":0,"restricted":false},` +
	`{"version":4,"id":"ffeeddccbbaa99887766554433221100","provider":5,"class":2,"bits":256,"permissions":2047,"public":544,"restricted":true}]}`

func TestSlotRecordIsTheOneDrawn(t *testing.T) {
	want := &slotRecord{Algorithm: "AES-256", Versions: []versionRecord{
		{Version: 1, ID: "00112233445566778899aabbccddeeff", Provider: 2, Class: claviger.SecretKey, Bits: 256, Permissions: 3},
		{Version: 4, ID: "ffeeddccbbaa99887766554433221100", Provider: 5, Class: claviger.PrivateKey, Bits: 256, Permissions: claviger.AllPermissions,
			Public: claviger.Verify | claviger.Export, Restricted: true},
	}}
	got, err := decodeSlot(slotSchema, []byte(goldenSlot))
	ok(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	encoded, err := want.encode()
	ok(t, err)
	if string(encoded) != goldenSlot {
		t.Errorf("%s", encoded)
	}
}

func TestSlotRecordsAreReadStrictly(t *testing.T) {
	for name, broken := range map[string]string{
		"empty":           "",
		"unknown field":   strings.Replace(goldenSlot, `"bits"`, `"bats"`, 1),
		"trailing bytes":  goldenSlot + "{}",
		"no algorithm":    strings.Replace(goldenSlot, "AES-256", "", 1),
		"short id":        strings.Replace(goldenSlot, "0011", "00", 1),
		"unordered":       strings.Replace(goldenSlot, `"version":4`, `"version":1`, 1),
		"unknown bit":     strings.Replace(goldenSlot, "2047", "4095", 1),
		"unknown class":   strings.Replace(goldenSlot, `"class":2`, `"class":4`, 1),
		"version zero":    strings.Replace(goldenSlot, `"version":1`, `"version":0`, 1),
		"too many digits": strings.Replace(goldenSlot, `"provider":2`, `"provider":65536`, 1),
	} {
		_, err := decodeSlot(slotSchema, []byte(broken))
		fails(t, name, err, claviger.ErrInvalidFormat)
	}
	_, err := decodeSlot(slotSchema+1, []byte(goldenSlot))
	fails(t, "another schema", err, claviger.ErrInvalidFormat)
}

func FuzzSlotRecord(f *testing.F) {
	f.Add([]byte(goldenSlot))
	f.Add([]byte(`{"algorithm":"x","versions":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := decodeSlot(slotSchema, in)
		if err != nil {
			return
		}
		out, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeSlot(slotSchema, out)
		if err != nil {
			t.Fatalf("what was encoded does not decode: %v", err)
		}
		if second, _ := again.encode(); !bytes.Equal(out, second) {
			t.Errorf("%s and %s", out, second)
		}
	})
}
