package cryptoki_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/claviger/claviger/internal/cryptoki"
)

// secret imports key bytes as a session object.
func secret(t testing.TB, s *cryptoki.Session, keyType uint, value []byte) cryptoki.Object {
	t.Helper()
	key, err := s.CreateObject([]cryptoki.Attribute{
		cryptoki.Ulong(cryptoki.AttrClass, cryptoki.ClassSecretKey), cryptoki.Ulong(cryptoki.AttrKeyType, keyType),
		cryptoki.Bytes(cryptoki.AttrValue, value), cryptoki.Bool(cryptoki.AttrToken, false), cryptoki.Bool(cryptoki.AttrPrivate, false),
		cryptoki.Bool(cryptoki.AttrEncrypt, true), cryptoki.Bool(cryptoki.AttrDecrypt, true),
		cryptoki.Bool(cryptoki.AttrSign, true), cryptoki.Bool(cryptoki.AttrVerify, true),
	})
	ok(t, err)
	return key
}

func TestAES(t *testing.T) {
	s := login(t)
	raw, iv := bytes.Repeat([]byte{3}, 32), bytes.Repeat([]byte{9}, 16)
	key := secret(t, s, cryptoki.KeyAES, raw)
	block, err := aes.NewCipher(raw)
	ok(t, err)
	gcm, err := cipher.NewGCM(block)
	ok(t, err)
	for _, size := range []int{0, 1, 16, 1000, 1 << 20} {
		data, associated := bytes.Repeat([]byte{5}, size), bytes.Repeat([]byte{6}, min(size, 5000))
		sealed, err := s.Encrypt(nil, cryptoki.GCM(iv[:12], associated, 16), key, data, size+16)
		ok(t, err)
		if !bytes.Equal(sealed, gcm.Seal(nil, iv[:12], data, associated)) || !bytes.Equal(s.IV(), iv[:12]) {
			t.Errorf("GCM of %d bytes is not Go's", size)
		}
		opened, err := s.Decrypt(nil, cryptoki.GCM(iv[:12], associated, 16), key, sealed, 0)
		ok(t, err)
		if !bytes.Equal(opened, data) {
			t.Errorf("GCM of %d bytes does not come back", size)
		}
		sealed[0] ^= 1
		if _, err = s.Decrypt(nil, cryptoki.GCM(iv[:12], associated, 16), key, sealed, size); err == nil {
			t.Errorf("a forged ciphertext of %d bytes opened", size)
		}

		want := make([]byte, size)
		cipher.NewCTR(block, iv).XORKeyStream(want, data)
		got, err := s.Encrypt(nil, cryptoki.CTR(128, [16]byte(iv)), key, data, size)
		ok(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("CTR of %d bytes is not Go's", size)
		}

		padded, err := s.Encrypt(nil, cryptoki.IV(cryptoki.MechAESCBCPad, iv), key, data, size+16)
		ok(t, err)
		opened, err = s.Decrypt(nil, cryptoki.IV(cryptoki.MechAESCBC, iv), key, padded, len(padded))
		ok(t, err)
		if !bytes.HasPrefix(opened, data) || len(opened) != size/16*16+16 {
			t.Errorf("CBC of %d bytes gives %d", size, len(opened))
		}
	}
	_, err = s.Encrypt(nil, cryptoki.GCMWithoutBits(iv[:12], nil, 16), key, nil, 16)
	wants(t, "GCM of the older text", err, cryptoki.ErrArgumentsBad)
}

func TestPartsGiveWhatOneGoGives(t *testing.T) {
	s := login(t)
	raw, iv := bytes.Repeat([]byte{3}, 32), make([]byte, 16)
	key, data := secret(t, s, cryptoki.KeyAES, raw), bytes.Repeat([]byte("0123456789"), 1000)
	cbc := cryptoki.IV(cryptoki.MechAESCBCPad, iv)
	whole, err := s.Encrypt(nil, cbc, key, data, len(data)+16)
	ok(t, err)

	ok(t, s.EncryptInit(cbc, key))
	var sealed, opened []byte
	for part := range slices.Chunk(data, 999) {
		sealed, err = s.EncryptUpdate(sealed, part, 1008)
		ok(t, err)
	}
	sealed, err = s.EncryptFinal(sealed, 16)
	ok(t, err)
	ok(t, s.DecryptInit(cbc, key))
	for part := range slices.Chunk(sealed, 777) {
		opened, err = s.DecryptUpdate(opened, part, 784)
		ok(t, err)
	}
	opened, err = s.DecryptFinal(opened, 16)
	ok(t, err)
	if !bytes.Equal(sealed, whole) || !bytes.Equal(opened, data) {
		t.Error("CBC in parts differs")
	}

	ok(t, s.DigestInit(cryptoki.Plain(cryptoki.MechSHA256)))
	ok(t, s.DigestUpdate(data[:5000]))
	ok(t, s.DigestUpdate(data[5000:]))
	digest, err := s.DigestFinal(nil, 32)
	ok(t, err)
	once, err := s.Digest(nil, cryptoki.Plain(cryptoki.MechSHA256), data, 32)
	ok(t, err)
	if want := sha256.Sum256(data); !bytes.Equal(digest, want[:]) || !bytes.Equal(once, want[:]) {
		t.Errorf("digest %x, %x", digest, once)
	}
}

func TestMACs(t *testing.T) {
	s := login(t)
	raw := bytes.Repeat([]byte{4}, 32)
	key, hmac256 := secret(t, s, cryptoki.KeyGenericSecret, raw), cryptoki.Plain(cryptoki.MechSHA256HMAC)
	want := hmac.New(sha256.New, raw)
	want.Write([]byte("message"))
	ok(t, s.SignInit(hmac256, key))
	ok(t, s.SignUpdate([]byte("mess")))
	ok(t, s.SignUpdate([]byte("age")))
	mac, err := s.SignFinal(nil, 32)
	ok(t, err)
	if !hmac.Equal(mac, want.Sum(nil)) {
		t.Errorf("MAC %x", mac)
	}
	for i, want := range []error{nil, cryptoki.ErrSignatureInvalid} {
		mac[0] ^= byte(i)
		ok(t, s.VerifyInit(hmac256, key))
		ok(t, s.VerifyUpdate([]byte("message")))
		wants(t, "VerifyFinal", s.VerifyFinal(mac), want)
	}
	cmacKey, cmac := secret(t, s, cryptoki.KeyAES, raw), cryptoki.Plain(cryptoki.MechAESCMAC)
	mac, err = s.Sign(nil, cmac, cmacKey, []byte("message"), 16)
	ok(t, err)
	ok(t, s.Verify(cmac, cmacKey, []byte("message"), mac))
}
