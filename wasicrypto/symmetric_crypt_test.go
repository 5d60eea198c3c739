package wasicrypto

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"strings"
	"testing"
)

// gcm opens a state of AES-128-GCM with a key and a nonce of zero bytes.
func (r *rig) gcm() uint32 {
	return r.state("AES-128-GCM", r.key("AES-128-GCM", make([]byte, 16)), r.options("nonce", string(make([]byte, 12))))
}

// reference is the same with Go's own.
func reference(t *testing.T, plaintext, data string) []byte {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead.Seal(nil, make([]byte, 12), []byte(plaintext), []byte(data))
}

// TestAEAD is rules 32 and 59 to 62, and that a nonce encrypts once.
func TestAEAD(t *testing.T) {
	r := newRig(t, Config{})
	want := reference(t, "message", "associated data")
	s := r.gcm()
	r.absorb(s, "associated ")
	r.absorb(s, "data")
	to := r.room(4)
	r.must("symmetric_state_max_tag_len", uint64(s), to)
	if n := r.U32(uint32(to)); n != 16 {
		t.Errorf("max_tag_len is %d", n)
	}
	twin := r.handle("symmetric_state_clone", uint64(s))
	if got, n := r.crypt("symmetric_state_encrypt", s, 23, []byte("message")); !bytes.Equal(got, want) || n != 23 {
		t.Errorf("%d bytes %x, want %x", n, got, want)
	}
	got, tag := r.crypt("symmetric_state_encrypt_detached", twin, 7, []byte("message"))
	if raw := r.pullTag(tag); !bytes.Equal(append(got, raw...), want) {
		t.Errorf("detached %x and %x, want %x", got, raw, want)
	}
	at := r.room(23)
	r.refused(nonceRequired, "symmetric_state_encrypt", r.cryptArgs(s, at, 23, []byte("message"))...)
	for range 2 {
		if got, n := r.crypt("symmetric_state_decrypt", s, 7, want); string(got) != "message" || n != 7 {
			t.Errorf("decrypted %q", got)
		}
		if got, n := r.crypt("symmetric_state_decrypt_detached", s, 7, want[:7], want[7:]); string(got) != "message" || n != 7 {
			t.Errorf("decrypted %q", got)
		}
	}
}

// TestBufferSizes is rules 35, 39, 40 and 41. A refused call changes nothing: the nonce is not used up.
func TestBufferSizes(t *testing.T) {
	r := newRig(t, Config{})
	sealed := reference(t, "message", "")
	s := r.gcm()
	for _, c := range []struct {
		name   string
		size   int
		inputs [][]byte
	}{
		{"symmetric_state_decrypt", 7, [][]byte{sealed}},
		{"symmetric_state_decrypt_detached", 7, [][]byte{sealed[:7], sealed[7:]}},
		{"symmetric_state_encrypt", 23, [][]byte{[]byte("message")}},
		{"symmetric_state_encrypt_detached", 7, [][]byte{[]byte("message")}},
	} {
		at := r.room(64)
		state := r.handle("symmetric_state_clone", uint64(s))
		for _, size := range []int{0, 1, c.size - 1} {
			r.refused(overflow, c.name, r.cryptArgs(state, at, size, c.inputs...)...)
		}
		for _, size := range []int{c.size + 1, 64} {
			r.refused(invalidLength, c.name, r.cryptArgs(state, at, size, c.inputs...)...)
		}
		if got := r.U64(uint32(at)); got != 0xA5A5A5A5A5A5A5A5 {
			t.Errorf("%s wrote on an error", c.name)
		}
		r.crypt(c.name, state, c.size, c.inputs...)
	}
}

// TestAlteredCiphertext is rules 37 and 63: invalid_tag, and zero bytes in the whole buffer.
func TestAlteredCiphertext(t *testing.T) {
	r := newRig(t, Config{})
	sealed := reference(t, "message", "")
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		s := r.gcm()
		for name, inputs := range map[string][][]byte{"symmetric_state_decrypt": {bad}, "symmetric_state_decrypt_detached": {bad[:7], bad[7:]}} {
			at := r.room(7)
			r.refused(invalidTag, name, r.cryptArgs(s, at, 7, inputs...)...)
			if got := r.Get(uint32(at), 7); !bytes.Equal(got, make([]byte, 7)) {
				t.Errorf("%s left %x", name, got)
			}
		}
		if i == 3 {
			break
		}
	}
	s := r.gcm()
	at := r.room(16)
	r.refused(invalidTag, "symmetric_state_decrypt", r.cryptArgs(s, at, 0, sealed[:15])...)
	for _, n := range []int{0, 15, 17} {
		r.refused(invalidTag, "symmetric_state_decrypt_detached", r.cryptArgs(s, at, 7, sealed[:7], make([]byte, n))...)
	}
}

// TestOverlappingBuffers is rule 33, with the output before, at and after the input, for messages of several blocks.
func TestOverlappingBuffers(t *testing.T) {
	r := newRig(t, Config{})
	text := strings.Repeat("0123456789abcdef", 20)
	sealed := reference(t, text, "")
	for _, shift := range []int{-40, -16, -1, 0, 1, 5, 16, 40} {
		base := r.room(len(sealed) + 200)
		in, to := uint32(base)+64, r.room(4)
		out := uint32(int(in) + shift)
		r.Put(in, []byte(text))
		s := r.gcm()
		r.must("symmetric_state_encrypt", uint64(s), uint64(out), uint64(len(sealed)), uint64(in), uint64(len(text)), to)
		if got := r.Get(out, uint32(len(sealed))); !bytes.Equal(got, sealed) {
			t.Errorf("encrypting into a buffer %d bytes off gives another ciphertext", shift)
		}
		r.Put(in, sealed)
		r.must("symmetric_state_decrypt", uint64(s), uint64(out), uint64(len(text)), uint64(in), uint64(len(sealed)), to)
		if got := r.Get(out, uint32(len(text))); string(got) != text {
			t.Errorf("decrypting into a buffer %d bytes off gives another plaintext", shift)
		}
	}
}

func TestEmptyMessages(t *testing.T) {
	r := newRig(t, Config{})
	s := r.gcm()
	at, to := r.room(16), r.room(4)
	r.must("symmetric_state_absorb", uint64(s), 0xFFFFFFFF, 0)
	r.must("symmetric_state_encrypt", uint64(s), at, 16, 1, 0, to)
	if want := reference(t, "", ""); !bytes.Equal(r.Get(uint32(at), 16), want) {
		t.Errorf("the empty message is sealed as %x, want %x", r.Get(uint32(at), 16), want)
	}
	r.must("symmetric_state_decrypt", uint64(s), 0, 0, at, 16, to)
	if n := r.U32(uint32(to)); n != 0 {
		t.Errorf("its plaintext has %d bytes", n)
	}
}

// TestPadding is rule 34 for CBC: the padding is what the tag is for others, up to one block.
func TestPadding(t *testing.T) {
	r := newRig(t, Config{})
	for n := range 33 {
		open := func() uint32 {
			return r.state("AES-128-CBC", r.key("AES-128-CBC", make([]byte, 16)), r.options("nonce", string(make([]byte, 16))))
		}
		want := n - n%16 + 16
		plaintext := bytes.Repeat([]byte{'x'}, n)
		at := r.room(64)
		s := open()
		r.refused(overflow, "symmetric_state_encrypt", r.cryptArgs(s, at, want-1, plaintext)...)
		r.refused(invalidLength, "symmetric_state_encrypt", r.cryptArgs(s, at, n+17, plaintext)...)
		if _, size := r.crypt("symmetric_state_encrypt", open(), n+16, plaintext); int(size) != want {
			t.Errorf("%d bytes into a buffer of %d: %d, want %d", n, n+16, size, want)
		}
		got, _ := r.crypt("symmetric_state_encrypt", s, want, plaintext)
		for _, buffer := range []int{n, want} {
			if back, size := r.crypt("symmetric_state_decrypt", s, buffer, got); int(size) != n || !bytes.Equal(back[:size], plaintext) {
				t.Errorf("%d bytes come back as %d in a buffer of %d", n, size, buffer)
			}
		}
		if n > 0 {
			r.refused(overflow, "symmetric_state_decrypt", r.cryptArgs(s, at, n-1, got)...)
		}
		r.refused(invalidLength, "symmetric_state_decrypt", r.cryptArgs(s, at, want+1, got)...)
		r.refused(invalidOperation, "symmetric_state_encrypt_detached", r.cryptArgs(s, at, n, plaintext)...)
	}
}

// TestNonces is rules 26 and 64 to 67.
func TestNonces(t *testing.T) {
	r := newRig(t, Config{})
	gcm, x := r.key("AES-256-GCM", make([]byte, 32)), r.key("XCHACHA20-POLY1305", make([]byte, 32))
	r.refused(nonceRequired, "symmetric_state_open", r.openArgs("AES-256-GCM", gcm, 0)...)
	r.refused(nonceRequired, "symmetric_state_open", r.openArgs("AES-256-GCM", gcm, r.options("context", "c"))...)
	for _, n := range []int{0, 11, 13} {
		r.refused(invalidNonce, "symmetric_state_open", r.openArgs("AES-256-GCM", gcm, r.options("nonce", strings.Repeat("n", n)))...)
	}
	first, second := r.option(r.state("XChaCha20-Poly1305", x, 0), "nonce"), r.option(r.state("XChaCha20-Poly1305", x, r.options("salt", "s")), "nonce")
	if len(first) != 24 || len(second) != 24 || bytes.Equal(first, second) {
		t.Errorf("drawn nonces %x and %x", first, second)
	}
}
