package cryptoki_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/claviger/claviger/internal/cryptoki"
)

func TestObjects(t *testing.T) {
	s := login(t)
	template := []cryptoki.Attribute{
		cryptoki.String(cryptoki.AttrLabel, "a key"), cryptoki.Bytes(cryptoki.AttrID, []byte{1, 2}), cryptoki.Ulong(cryptoki.AttrValueLen, 32),
		cryptoki.Bool(cryptoki.AttrToken, true), cryptoki.Bool(cryptoki.AttrSensitive, true), cryptoki.Bool(cryptoki.AttrExtractable, false),
	}
	key, err := s.GenerateKey(cryptoki.Plain(cryptoki.MechAESKeyGen), template)
	ok(t, err)
	got, err := s.GetAttributes(key, []cryptoki.AttributeType{
		cryptoki.AttrLabel, cryptoki.AttrValue, cryptoki.AttrModulus, cryptoki.AttrKeyType, cryptoki.AttrSensitive, cryptoki.AttrID,
	})
	ok(t, err)
	if string(got[0].Value) != "a key" || got[1].Value != nil || got[2].Value != nil || string(got[5].Value) != "\x01\x02" {
		t.Errorf("%q", [][]byte{got[0].Value, got[1].Value, got[2].Value, got[5].Value})
	}
	if keyType, is := got[3].Ulong(); !is || keyType != cryptoki.KeyAES {
		t.Errorf("key type %d, %v", keyType, is)
	}
	if sensitive, is := got[4].Bool(); !is || !sensitive {
		t.Errorf("sensitive %v, %v", sensitive, is)
	}
	copied, err := s.CopyObject(key, []cryptoki.Attribute{cryptoki.String(cryptoki.AttrLabel, "copy"), cryptoki.Bool(cryptoki.AttrToken, false)})
	ok(t, err)
	for label, want := range map[string]cryptoki.Object{"a key": key, "copy": copied} {
		found, err := s.FindObjects([]cryptoki.Attribute{cryptoki.String(cryptoki.AttrLabel, label)}, 10)
		ok(t, err)
		if len(found) != 1 || found[0] != want {
			t.Errorf("%s: found %v; want %v", label, found, want)
		}
	}
	for limit, want := range map[int]int{0: 0, 1: 1, 100: 2} {
		found, err := s.FindObjects(nil, limit)
		ok(t, err)
		if len(found) != want {
			t.Errorf("%d objects within %d", len(found), limit)
		}
	}
	ok(t, s.DestroyObject(key))
	_, err = s.GetAttributes(key, []cryptoki.AttributeType{cryptoki.AttrLabel})
	wants(t, "GetAttributes", err, cryptoki.ErrObjectHandleInvalid)
}

func TestMoreObjectsThanFitOneCall(t *testing.T) {
	s := login(t)
	for i := range 150 {
		_, err := s.CreateObject([]cryptoki.Attribute{
			cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassData), cryptoki.String(cryptoki.AttrLabel, fmt.Sprint(i)),
			cryptoki.Bytes(cryptoki.AttrValue, make([]byte, 3000)),
		})
		ok(t, err)
	}
	found, err := s.FindObjects([]cryptoki.Attribute{cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassData)}, 1000)
	ok(t, err)
	slices.Sort(found)
	if len(slices.Compact(found)) != 150 {
		t.Errorf("%d objects", len(found))
	}
}

func TestRandomFillsTheBuffer(t *testing.T) {
	s := login(t)
	one, two := make([]byte, 1000), make([]byte, 1000)
	ok(t, s.Random(one))
	ok(t, s.Random(two))
	ok(t, s.Random(nil))
	if bytes.Equal(one, two) || bytes.Equal(one[900:], make([]byte, 100)) {
		t.Error("no random bytes")
	}
}

func TestNoVerbShowsAValue(t *testing.T) {
	a := cryptoki.String(cryptoki.AttrValue, "secret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{a, &a, []cryptoki.Attribute{a}} {
			got := fmt.Sprintf(verb, v)
			if !bytes.Contains([]byte(got), []byte("attribute 0x11 of 6 bytes")) {
				t.Errorf("%s: %s", verb, got)
			}
		}
	}
}
