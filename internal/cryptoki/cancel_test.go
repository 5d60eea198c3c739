package cryptoki_test

import (
	"testing"

	"github.com/claviger/claviger/internal/cryptoki"
)

func TestACancelledOperationLeavesTheSessionUsable(t *testing.T) {
	s := login(t)
	key := secret(t, s, cryptoki.KeyAES, make([]byte, 32))
	hmacKey := secret(t, s, cryptoki.KeyGenericSecret, make([]byte, 32))
	gcm, hmac256 := cryptoki.GCM(make([]byte, 12), nil, 16), cryptoki.Plain(cryptoki.MechSHA256HMAC)
	for name, c := range map[string]struct {
		operation cryptoki.Operation
		init      func() error
	}{
		"encrypt":      {cryptoki.Encrypting, func() error { return s.EncryptInit(gcm, key) }},
		"decrypt":      {cryptoki.Decrypting, func() error { return s.DecryptInit(gcm, key) }},
		"digest":       {cryptoki.Digesting, func() error { return s.DigestInit(cryptoki.Plain(cryptoki.MechSHA256)) }},
		"MAC":          {cryptoki.Signing, func() error { return s.SignInit(hmac256, hmacKey) }},
		"verify a MAC": {cryptoki.Verifying, func() error { return s.VerifyInit(hmac256, hmacKey) }},
		"decrypt much": {cryptoki.Decrypting, func() error {
			if err := s.DecryptInit(gcm, key); err != nil {
				return err
			}
			_, err := s.DecryptUpdate(nil, make([]byte, 100000), 0)
			return err
		}},
	} {
		for range 3 {
			if err := c.init(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Cancel(c.operation); err != nil {
				t.Errorf("cancel %s: %v", name, err)
			}
		}
	}
}

func TestCancelClaimsNothingThatItDidNotDo(t *testing.T) {
	m, slot := token(t)
	first := session(t, m, slot)
	ok(t, first.Login([]byte(pin)))
	s := session(t, m, slot)
	_, private := pair(t, first, cryptoki.MechECKeyPairGen, cryptoki.Bytes(cryptoki.AttrECParams, p256))
	ok(t, s.SignInit(plain, private))
	if err := s.Cancel(cryptoki.Signing); err != nil {
		ok(t, s.Close())
		s = session(t, m, slot)
	}
	_, err := s.Sign(nil, plain, private, make([]byte, 32), 64)
	ok(t, err)
}
