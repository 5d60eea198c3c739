package operation

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// parts gives UpdateParts a message in two parts, or in one where it is a byte.
func parts(message []byte) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) {
		part := message[:(len(message)+1)/2]
		message = message[len(part):]
		return part, nil
	}
}

// TestRoomIsCountedToTheByte: with a byte less than its output a call is refused and changes nothing, with just enough it
// runs. A padded last block alone is counted whole.
func TestRoomIsCountedToTheByte(t *testing.T) {
	r := newRig(t)
	key := r.imported(t, "AES-256", secret)
	for _, c := range []struct {
		spec ContextSpec
		key  *Key
		iv   int
	}{
		{ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CTR"}, key, 16},
		{ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}, key, 16},
		{ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"}, key, 12},
		{ContextSpec{Kind: claviger.HashContext, Algorithm: "SHAKE-128", Size: 99}, nil, 0},
		{ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"}, nil, 0},
		{ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}, r.imported(t, "HMAC-SHA-256", secret), 0},
		{ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519"}, r.generate(t, "Ed25519", claviger.AllPermissions), 0},
	} {
		x, g := r.context(t, c.key, c.spec)
		for _, sizes := range [][]int{{1, 15, 16, 17}, {16, 16}, {31, 2, 1000}, {48}, {1}} {
			var message []byte
			for i, n := range sizes {
				message = append(message, bytes.Repeat([]byte{byte(i)}, n)...)
			}
			iv := make([]byte, c.iv)
			out := tight(t, x, g, iv, message, sizes)
			if x.op != provider.Encrypt {
				continue
			}
			c.spec.Direction = claviger.Decrypting
			back, bg := r.context(t, c.key, c.spec)
			if got := tight(t, back, bg, iv, out, []int{len(out) / 2, len(out) - len(out)/2}); !bytes.Equal(got, message) {
				t.Errorf("%s: %d bytes came back, of %d", c.spec.Algorithm, len(got), len(message))
			}
			c.spec.Direction = claviger.Encrypting
		}
	}
}

// tight runs a message in parts of the sizes given, each call first with a byte too little room. What it needs is learnt
// from another message on the same context.
func tight(t *testing.T, c *Context, g policy.Grant, iv, message []byte, sizes []int) []byte {
	t.Helper()
	var due []int // output of each Update
	want, err := c.Init(t.Context(), g, iv, nil, nil)
	ok(t, err)
	at := 0
	for _, n := range sizes {
		before := len(want)
		want, err = c.Update(t.Context(), g, want, message[at:at+n])
		ok(t, err)
		due, at = append(due, len(want)-before), at+n
	}
	before := len(want)
	want, err = c.Finalize(t.Context(), g, nil, 0, false, 0, want)
	ok(t, err)
	last := len(want) - before

	_, err = c.Init(t.Context(), g, iv, nil, nil)
	ok(t, err)
	at = 0
	for i, n := range sizes {
		for _, room := range []int{due[i] - 1, due[i]} {
			if room <= 0 {
				continue // no room at all is no bound
			}
			_, err := c.UpdateParts(t.Context(), g, int64(n), room, nil, parts(message[at:at+n]))
			if room < due[i] {
				fails(t, string(c.info.Algorithm)+" update", err, claviger.ErrInsufficientBufferSize)
			} else if err != nil {
				t.Fatalf("%s %s: %d bytes at %d with room for %d: %v", c.info.Algorithm, c.op, n, at, room, err)
			}
		}
		if due[i] == 0 {
			_, err := c.UpdateParts(t.Context(), g, int64(n), 1, nil, parts(message[at:at+n]))
			ok(t, err)
		}
		at += n
	}
	if last > 1 {
		_, err = c.Finalize(t.Context(), g, nil, 0, false, last-1, nil)
		fails(t, string(c.info.Algorithm)+" finalize", err, claviger.ErrInsufficientBufferSize)
	}
	if c.info.Block > 1 {
		last = c.info.Block
	}
	out, err := c.Finalize(t.Context(), g, nil, 0, false, last, nil)
	if err != nil || !bytes.Equal(out, want[len(want)-len(out):]) {
		t.Fatalf("%s %s: %d bytes with room for %d, %v", c.info.Algorithm, c.op, len(out), last, err)
	}
	return want
}

// TestPartsAreTakenAllOrNone: a refusal gives back what was charged, also where it is the source that fails; a failure
// after the first part ends the context.
func TestPartsAreTakenAllOrNone(t *testing.T) {
	r := newRig(t)
	key := r.generate(t, "Ed25519", claviger.AllPermissions)
	for name, c := range map[string]struct {
		n     int64
		fails int // the part at which the source fails; 0: at none
		want  claviger.Code
		state State
		used  int64
	}{
		"taken":                   {100, 0, 0, Active, 110},
		"none":                    {0, 0, 0, Active, 10},
		"over the quota":          {191, 0, claviger.ErrQuotaExceeded, Active, 10},
		"over the limit":          {64<<20 - 9, 0, claviger.ErrInvalidArgument, Active, 10},
		"the source at once":      {100, 1, claviger.ErrInvalidMemoryRegion, Active, 10},
		"the source after a part": {100, 2, claviger.ErrInvalidMemoryRegion, Failed, 0},
	} {
		m := &meter{limit: 200}
		x, g := r.context(t, key, ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519", Budget: m})
		_, err := x.Init(t.Context(), g, nil, nil, nil)
		ok(t, err)
		_, err = x.Update(t.Context(), g, nil, make([]byte, 10))
		ok(t, err)
		calls := 0
		_, err = x.UpdateParts(t.Context(), g, c.n, 0, nil, func([]byte) ([]byte, error) {
			if calls++; calls == c.fails {
				return nil, claviger.ErrInvalidMemoryRegion
			}
			return make([]byte, c.n/2), nil
		})
		if claviger.CodeOf(err) != c.want || x.State() != c.state || m.used != c.used {
			t.Errorf("%s: %v, %s, %d bytes charged", name, err, x.State(), m.used)
		}
	}
}
