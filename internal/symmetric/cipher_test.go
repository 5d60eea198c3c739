package symmetric

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// Without a nonce one is drawn where that is safe, can be read, and differs each time; elsewhere it is ErrNonceRequired,
// first of all for AES-GCM. A nonce of another length is ErrInvalidNonce.
func TestNonces(t *testing.T) {
	ctx := context.Background()
	drawn := map[string]int{"XCHACHA20-POLY1305": 24, "AES-128-GCM-SIV": 12, "AES-256-GCM-SIV": 12, "AEGIS-256": 32, "AEGIS-256X2": 32, "AEGIS-256X4": 32}
	none := map[string]bool{"AES-128-SIV": true, "AES-192-SIV": true, "AES-256-SIV": true}
	for _, g := range symmetric() {
		if g.Kind != algorithm.KindAEAD && g.Kind != algorithm.KindCipher {
			continue
		}
		key := make([]byte, g.DefaultKey)
		s, err := Open(g, key, claviger.StateOptions{})
		switch size := drawn[string(g.Name)]; {
		case none[string(g.Name)]:
			if err != nil {
				t.Errorf("%s: %v", g.Name, err)
			}
			continue
		case size == 0:
			wants(t, string(g.Name), err, claviger.ErrNonceRequired)
		default:
			checkDrawn(t, g, s, err, size)
		}
		for _, n := range []int{0, g.Nonce - 1, g.Nonce + 1} {
			_, err := Open(g, key, claviger.StateOptions{Nonce: make([]byte, n)})
			wants(t, string(g.Name), err, claviger.ErrInvalidNonce)
		}
	}
	if _, err := opened(t, lookup(t, "AES-128-SIV"), make([]byte, 32), claviger.StateOptions{}).Option(ctx, "nonce"); !errors.Is(err, claviger.ErrOptionNotSet) {
		t.Errorf("AES-SIV without a nonce has one: %v", err)
	}
}

// checkDrawn reads the nonce of a state and decrypts with it what the state encrypted.
func checkDrawn(t *testing.T, g *algorithm.Guest, s claviger.SymmetricState, err error, size int) {
	t.Helper()
	ctx := context.Background()
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	defer s.Close()
	key := make([]byte, g.DefaultKey)
	nonce, err := s.Option(ctx, "Nonce")
	if err != nil || len(nonce) != size {
		t.Errorf("%s drew a nonce of %d bytes, %v", g.Name, len(nonce), err)
	}
	if other, err := opened(t, g, key, claviger.StateOptions{}).Option(ctx, "nonce"); err != nil || bytes.Equal(other, nonce) {
		t.Errorf("%s drew one nonce twice, %v", g.Name, err)
	}
	sealed, err := s.Encrypt(ctx, nil, []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := opened(t, g, key, claviger.StateOptions{Nonce: nonce}).Decrypt(ctx, nil, sealed); err != nil || string(back) != "message" {
		t.Errorf("%s: the nonce that was read is not the one that was used: %v", g.Name, err)
	}
}

// A nonce encrypts one message and decrypts any number; AES-SIV without a nonce encrypts the same to the same; CTR goes on.
func TestANonceIsUsedUp(t *testing.T) {
	ctx := context.Background()
	for _, g := range symmetric() {
		if g.Kind != algorithm.KindAEAD && g.Padding == 0 {
			continue
		}
		o := claviger.StateOptions{Nonce: make([]byte, max(g.Nonce, 16))}
		if g.Nonce != 0 {
			o.Nonce = o.Nonce[:g.Nonce]
		}
		s := opened(t, g, make([]byte, g.DefaultKey), o)
		sealed, err := s.Encrypt(ctx, nil, []byte("message"))
		if err != nil {
			t.Fatalf("%s: %v", g.Name, err)
		}
		out, err := s.Encrypt(ctx, []byte("x"), []byte("message"))
		if !errors.Is(err, claviger.ErrNonceRequired) || string(out) != "x" {
			t.Errorf("%s encrypts twice: %q, %v", g.Name, out, err)
		}
		c, err := s.Clone(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Encrypt(ctx, nil, nil); !errors.Is(err, claviger.ErrNonceRequired) {
			t.Errorf("a copy of a used state of %s encrypts: %v", g.Name, err)
		}
		for range 2 {
			if back, err := s.Decrypt(ctx, nil, sealed); err != nil || string(back) != "message" {
				t.Errorf("%s: %q, %v", g.Name, back, err)
			}
		}
	}
	s := opened(t, lookup(t, "AES-256-SIV"), make([]byte, 64), claviger.StateOptions{})
	one, _ := s.Encrypt(ctx, nil, []byte("message"))
	if two, err := s.Encrypt(ctx, nil, []byte("message")); err != nil || !bytes.Equal(one, two) {
		t.Errorf("AES-SIV without a nonce: %v", err)
	}
}

// What was altered, has no room for a tag or has a tag of another length is ErrInvalidTag, gives nothing, and leaves the
// state as it was.
func TestWrongCiphertextsGiveNothing(t *testing.T) {
	ctx := context.Background()
	for _, g := range symmetric() {
		if g.Kind != algorithm.KindAEAD && g.Kind != algorithm.KindSession {
			continue
		}
		sealed, err := usual(t, g).Encrypt(ctx, nil, []byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		s := usual(t, g)
		check := func(what string, out []byte, err error) {
			t.Helper()
			if !errors.Is(err, claviger.ErrInvalidTag) || string(out) != "x" {
				t.Errorf("%s, %s: %q, %v", g.Name, what, out, err)
			}
		}
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			dst := append(make([]byte, 0, 64), 'x')
			out, err := s.Decrypt(ctx, dst, bad)
			check("altered", out, err)
			if bytes.Contains(dst[:64], []byte("messa")) {
				t.Errorf("%s leaves the message behind", g.Name)
			}
		}
		for n := range sealed {
			out, err := s.Decrypt(ctx, []byte("x"), sealed[:n])
			check("cut", out, err)
			out, err = s.DecryptDetached(ctx, []byte("x"), sealed[:7], sealed[7:][:min(n, 15)])
			check("short tag", out, err)
		}
		out, err := s.DecryptDetached(ctx, []byte("x"), sealed[:7], append(sealed[7:], 0))
		check("long tag", out, err)
		if back, err := s.Decrypt(ctx, nil, sealed); err != nil || string(back) != "message" {
			t.Errorf("%s: afterwards %q, %v", g.Name, back, err)
		}
	}
}

// CTR takes the next bytes of its key stream, whatever for and from whatever counter.
func TestCTRGoesOn(t *testing.T) {
	ctx := context.Background()
	g := lookup(t, "AES-128-CTR")
	o := claviger.StateOptions{Nonce: bytes.Repeat([]byte{0xff}, 16)}
	whole := squeeze(t, opened(t, g, make([]byte, 16), o), 100)
	s := opened(t, g, make([]byte, 16), o)
	got := squeeze(t, s, 5)
	got, err := s.Encrypt(ctx, got, make([]byte, 12))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Clone(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = s.Decrypt(ctx, got, make([]byte, 31)); err != nil {
		t.Fatal(err)
	}
	if got = append(got, squeeze(t, s, 52)...); !bytes.Equal(got, whole) {
		t.Errorf("the key stream in parts is another one: %x, %x", got, whole)
	}
	if !bytes.Equal(squeeze(t, c, 31), whole[17:48]) {
		t.Error("a copy does not go on where it was made")
	}
	next := opened(t, g, make([]byte, 16), claviger.StateOptions{Nonce: make([]byte, 16)})
	if !bytes.Equal(squeeze(t, next, 16), whole[16:32]) {
		t.Error("the counter does not wrap around")
	}
}

// CBC gives the next multiple of the block, always with padding, and takes it off again.
func TestCBCPads(t *testing.T) {
	ctx := context.Background()
	g := lookup(t, "AES-256-CBC")
	if n, err := usual(t, g).MaxTagLen(ctx); err != nil || n != g.Padding {
		t.Errorf("at most %d bytes of padding, %v", n, err)
	}
	for n := range 50 {
		message := bytes.Repeat([]byte{7}, n)
		sealed, err := usual(t, g).Encrypt(ctx, []byte("x"), message)
		if err != nil || len(sealed) != 1+(n/16+1)*16 {
			t.Fatalf("%d bytes give %d, %v", n, len(sealed)-1, err)
		}
		if back, err := usual(t, g).Decrypt(ctx, []byte("y"), sealed[1:]); err != nil || !bytes.Equal(back[1:], message) {
			t.Errorf("%d bytes: %x, %v", n, back, err)
		}
		out, err := usual(t, g).Decrypt(ctx, []byte("y"), sealed[1:len(sealed)-1])
		if wants(t, "cut", err, claviger.ErrInvalidTag); string(out) != "y" {
			t.Errorf("cut gives %q", out)
		}
	}
}

// In a session everything counts: order, verbs, strings, nonce; both ends that do the same hold the same state.
func TestSessions(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{"XOODYAK-128", "XOODYAK-160"} {
		g := lookup(t, name)
		key := make([]byte, g.DefaultKey)
		for _, n := range []int{0, 12, 16, 43 - len(key)} {
			o := claviger.StateOptions{Nonce: make([]byte, n)}
			alice, bob := opened(t, g, key, o), opened(t, g, key, o)
			sealed, err := alice.Encrypt(ctx, nil, []byte("over to you"))
			if err != nil {
				t.Fatal(err)
			}
			if back, err := bob.Decrypt(ctx, nil, sealed); err != nil || string(back) != "over to you" {
				t.Errorf("%q, %v", back, err)
			}
			if !bytes.Equal(squeeze(t, alice, 40), squeeze(t, bob, 40)) {
				t.Error("the states are apart after a message")
			}
			if alice.Ratchet(ctx) != nil || bytes.Equal(squeeze(t, alice, 40), squeeze(t, bob, 40)) {
				t.Error("ratcheting does not count")
			}
		}
		_, err := Open(g, key, claviger.StateOptions{Nonce: make([]byte, 44-len(key))})
		wants(t, "a long nonce", err, claviger.ErrInvalidNonce)
		one, two := opened(t, g, key, claviger.StateOptions{Nonce: []byte{1}}), opened(t, g, key, claviger.StateOptions{Nonce: []byte{2}})
		if bytes.Equal(squeeze(t, one, 16), squeeze(t, two, 16)) {
			t.Error("the nonce does not count")
		}
	}
}
