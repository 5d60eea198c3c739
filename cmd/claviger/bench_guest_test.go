package main

import (
	"crypto/sha256"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/claviger/claviger/wasicrypto"
)

func TestTheGuestOfTheBenchmarkDoesTheWork(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	host, err := wasicrypto.Instantiate(ctx, r, wasicrypto.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(ctx)
	guest, err := callingGuest(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	before := host.Handles(guest)
	for _, routine := range []string{"fresh", "digest", "sign", "call"} {
		if err := repeat(ctx, guest, routine)(3); err != nil {
			t.Error(err)
		}
		if n := host.Handles(guest); n != before {
			t.Errorf("%s leaves %d handles more", routine, n-before)
		}
	}
	if err := repeat(ctx, guest, "fresh")(1); err != nil {
		t.Error(err)
	}
	digest, _ := guest.Memory().Read(atDigest, sha256.Size)
	if want := sha256.Sum256(make([]byte, kibibyte)); string(digest) != string(want[:]) {
		t.Errorf("digest %x, want %x", digest, want)
	}
	if err := repeat(ctx, guest, "setup")(1); err != nil {
		t.Error(err)
	}
	guest.Memory().WriteUint32Le(atOpen, 0)
	if err := repeat(ctx, guest, "digest")(1); err == nil {
		t.Error("the errno of a handle that is none went unseen")
	}
}

func TestConstantsAreSignedLEB128(t *testing.T) {
	for v, want := range map[uint32]string{0: "\x00", 63: "\x3F", 64: "\xC0\x00", 0x400: "\x80\x08", 0x7FFFFFFF: "\xFF\xFF\xFF\xFF\x07", 0xFFFFFFFF: "\x7F", 0x80000000: "\x80\x80\x80\x80\x78"} {
		if got := signed(v); string(got) != want {
			t.Errorf("%#x: %x, want %x", v, got, want)
		}
	}
}
