package flows_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

var (
	iv        = []byte("0123456789abcdef")
	plaintext = []byte("a message that is longer than two blocks, not a multiple of one")
)

// localCBC is what AES-256-CBC with PKCS #7 gives for the deployed key.
func localCBC(t *testing.T) []byte {
	t.Helper()
	block := must(aes.NewCipher(deployedKey))(t)
	pad := aes.BlockSize - len(plaintext)%aes.BlockSize
	padded := append(bytes.Clone(plaintext), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return padded
}

// stream runs Init, Update and Finalize.
func stream(t *testing.T, e *env, c *client.Cipher, iv, in []byte) []byte {
	t.Helper()
	check(t, c.Init(e.ctx, iv))
	out := must(c.Update(e.ctx, nil, in))(t)
	return must(c.Finalize(e.ctx, out))(t)
}

// TestF1 is the pre-deployed key, slot-direct.
func TestF1(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		var slot *client.KeySlot
		var enc *client.Cipher
		t.Run("F1.1", func(t *testing.T) { check(t, e.stack.Ping(e.ctx)) })
		t.Run("F1.2", func(t *testing.T) { slot = e.slot(t, "PreDeployedSlot") })
		t.Run("F1.3", func(t *testing.T) {
			enc = must(e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: slot, Direction: claviger.Encrypting}))(t)
			equal(t, "provider", enc.Provider(), 2)
			status, _ := e.status(t)
			equal(t, "loaded slot keys", status.LoadedSlots, 1)
		})
		t.Run("F1.4", func(t *testing.T) {
			check(t, enc.Init(e.ctx, iv))
			first := must(enc.Update(e.ctx, nil, plaintext))(t)
			last := must(enc.Finalize(e.ctx, nil))(t)
			if got := append(first, last...); !bytes.Equal(got, localCBC(t)) {
				t.Errorf("ciphertext %x, want %x", got, localCBC(t))
			}
		})
		t.Run("F1.5", func(t *testing.T) {
			check(t, enc.Close())
			eventually(t, "the slot's key is released", func() bool { s, _ := e.status(t); return s.LoadedSlots == 0 })
		})
	})
}

// TestF2 is the pre-deployed key by a guard, in several contexts.
func TestF2(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		var slot *client.KeySlot
		var km *client.KeyManager
		var key *client.Key
		var enc, dec *client.Cipher
		t.Run("F2.1", func(t *testing.T) {
			slot = e.slot(t, "PreDeployedSlot")
			km = must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{}))(t)
		})
		t.Run("F2.2", func(t *testing.T) {
			key = must(km.Load(e.ctx, slot))(t)
			equal(t, "type", key.Type(), claviger.TypeKey)
		})
		t.Run("F2.3", func(t *testing.T) {
			info := must(km.SlotInfo(e.ctx, slot))(t)
			want := claviger.KeySlotInfo{State: claviger.SlotOccupied, Algorithm: "AES-256", Primary: 2,
				Compatible: e.place.compatible, Permissions: claviger.Encrypt | claviger.Decrypt}
			if !info.Equal(want) {
				t.Errorf("slot information %+v, want %+v", info, want)
			}
		})
		t.Run("F2.4", func(t *testing.T) {
			enc = must(e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Encrypting}))(t)
			dec = must(e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Decrypting}))(t)
			if got := stream(t, e, dec, iv, stream(t, e, enc, iv, plaintext)); !bytes.Equal(got, plaintext) {
				t.Errorf("decrypt(encrypt(x)) is %q", got)
			}
		})
		t.Run("F2.5", func(t *testing.T) {
			check(t, key.Close())
			if got := stream(t, e, enc, iv, plaintext); !bytes.Equal(got, localCBC(t)) {
				t.Error("a context does not outlive the guard it was made with")
			}
			check(t, enc.Close())
			check(t, dec.Close())
			eventually(t, "the key is released", func() bool { s, me := e.status(t); return s.LoadedSlots == 0 && me.Keys == 0 })
		})
	})
}

// TestF3 is the ephemeral key.
func TestF3(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		const permitted = claviger.Encrypt | claviger.Decrypt
		nonce := iv[:12]
		km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Provider: e.place.provider}))(t)
		var key *client.Key
		var sealed []byte
		gcm := func(t *testing.T, cc *client.CryptoContext, k client.KeySource, way claviger.Direction) *client.Cipher {
			t.Helper()
			return must(cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: k, Direction: way}))(t)
		}
		t.Run("F3.1", func(t *testing.T) {
			key = must(km.Generate(e.ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: permitted}))(t)
		})
		t.Run("F3.2", func(t *testing.T) {
			equal(t, "type", key.Type(), claviger.TypeKey)
			equal(t, "persistence", key.Persistence(), claviger.Ephemeral)
			equal(t, "permissions", key.Permissions(), permitted)
			equal(t, "provider", key.Provider(), 2)
		})
		t.Run("F3.3", func(t *testing.T) {
			sealed = stream(t, e, gcm(t, e.cc, key, claviger.Encrypting), nonce, plaintext)
			equal(t, "sealed length", len(sealed), len(plaintext)+16)
		})
		t.Run("F3.4", func(t *testing.T) {
			slot := e.slot(t, "MyNewSlot")
			equal(t, "state", must(slot.Info(e.ctx))(t).State, claviger.SlotEmpty)
			must(km.Persist(e.ctx, slot, key))(t)
		})
		t.Run("F3.5", func(t *testing.T) {
			opened := stream(t, e, gcm(t, e.cc, key, claviger.Decrypting), nonce, sealed)
			if !bytes.Equal(opened, plaintext) {
				t.Error("the key does not work after it was persisted")
			}
			check(t, key.Close())
		})
		t.Run("F3.6", func(t *testing.T) {
			e.stack = e.restart(t)
			e.cc = e.context(t)
			opened := stream(t, e, gcm(t, e.cc, e.slot(t, "MyNewSlot"), claviger.Decrypting), nonce, sealed)
			if !bytes.Equal(opened, plaintext) {
				t.Error("the slot alone does not open what the key sealed")
			}
		})
	})
}

// TestF8 is permissions.
func TestF8(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Provider: e.place.provider}))(t)
		var key *client.Key
		t.Run("F8.1", func(t *testing.T) {
			key = must(km.Generate(e.ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: claviger.Encrypt | claviger.Decrypt}))(t)
		})
		t.Run("F8.2", func(t *testing.T) {
			must(e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key}))(t)
		})
		t.Run("F8.3", func(t *testing.T) {
			_, err := e.cc.NewSigner(e.ctx, client.SignerConfig{Algorithm: "HMAC-SHA-256", Key: key})
			wantCode(t, err, claviger.ErrKeyOperationNotPermitted)
			equal(t, "code", uint32(claviger.CodeOf(err)), 0x0108000A)
		})
		t.Run("F8.4", func(t *testing.T) {
			object := must(e.slot(t, "SigningKey").Object(e.ctx))(t)
			if p := object.PermittedOperations(); !p.Has(claviger.Sign) || p.Has(claviger.Encrypt) {
				t.Errorf("SigningKey permits %s", p)
			}
		})
		t.Run("F8.5", func(t *testing.T) { authenticationKey(t, e, km) })
	})
}

// authenticationKey holds what the preset permits and what it refuses.
func authenticationKey(t *testing.T, e *env, km *client.KeyManager) {
	key := must(km.Generate(e.ctx, client.GenerateParams{Algorithm: "ECDSA-P256", Permissions: claviger.Authentication}))(t)
	for p := claviger.Encrypt; p <= claviger.Import; p <<= 1 {
		equal(t, p.String(), key.Permissions().Has(p), p&(claviger.Sign|claviger.Verify|claviger.Mac|claviger.Agree) != 0)
	}
	signer := must(e.cc.NewSigner(e.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key}))(t)
	verifier := must(e.cc.NewVerifier(e.ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key}))(t)
	signature := must(signer.Sign(e.ctx, nil, plaintext))(t)
	if !must(verifier.Verify(e.ctx, plaintext, signature))(t) {
		t.Error("the signature does not verify")
	}
	_, err := e.cc.NewCipher(e.ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: key})
	wantCode(t, err, claviger.ErrKeyOperationNotPermitted)
	// Permitted by the mask, impossible by the type.
	_, err = e.cc.NewMAC(e.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key})
	wantCode(t, err, claviger.ErrIncompatibleKeyType)
	_, err = km.Export(e.ctx, key, claviger.DER)
	wantCode(t, err, claviger.ErrKeyOperationNotPermitted)
}
