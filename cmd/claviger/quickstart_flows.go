package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// slotDirect is F1: a slot serves as key without being loaded first.
func (t *tour) slotDirect(ctx context.Context) (string, error) {
	message, iv := randomBytes(1000), randomBytes(16)
	var ciphertext []byte
	_, err := t.scope(func(cc *client.CryptoContext) (string, error) {
		slot, err := cc.KeySlot(ctx, "PreDeployedSlot")
		if err != nil {
			return "", err
		}
		enc, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: slot, Direction: claviger.Encrypting})
		if err != nil {
			return "", err
		}
		if err := enc.Init(ctx, iv); err != nil {
			return "", err
		}
		if ciphertext, err = enc.Update(ctx, nil, message); err != nil {
			return "", err
		}
		ciphertext, err = enc.Finalize(ctx, ciphertext)
		return "", err
	})
	if err != nil {
		return "", err
	}
	local, err := localCBC(t.dataKey, iv, message)
	if err != nil {
		return "", err
	}
	status, err := t.stack.Status(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes became %d of AES-256-CBC, the same as crypto/aes makes; loaded keys after the end: %d",
			len(message), len(ciphertext), status.LoadedSlots), errors.Join(
			expect(bytes.Equal(ciphertext, local), "the ciphertext is not that of crypto/aes"),
			expect(status.LoadedSlots == 0, "%d loaded keys are left", status.LoadedSlots))
}

// severalContexts is F2: one loaded key serves two contexts at once and outlives its own release.
func (t *tour) severalContexts(ctx context.Context) (string, error) {
	return t.scope(func(cc *client.CryptoContext) (string, error) {
		slot, err := cc.KeySlot(ctx, "PreDeployedSlot")
		if err != nil {
			return "", err
		}
		m, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{})
		if err != nil {
			return "", err
		}
		key, err := m.Load(ctx, slot)
		if err != nil {
			return "", err
		}
		info, err := m.SlotInfo(ctx, slot)
		if err != nil {
			return "", err
		}
		seen, err := t.describe(ctx, info)
		if err != nil {
			return "", err
		}
		enc, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Encrypting})
		if err != nil {
			return "", err
		}
		dec, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Decrypting})
		if err != nil {
			return "", err
		}
		if err := key.Close(); err != nil {
			return "", err
		}
		return seen + "; decrypt(encrypt(x)) = x in two contexts after the key's release", roundTrip(ctx, enc, dec)
	})
}

// describe gives a slot's information with the names of its providers.
func (t *tour) describe(ctx context.Context, info claviger.KeySlotInfo) (string, error) {
	want := claviger.KeySlotInfo{State: claviger.SlotOccupied, Algorithm: "AES-256", Primary: 2,
		Compatible: []claviger.ProviderID{2, 5}, Permissions: info.Permissions}
	if err := expect(info.Equal(want), "the slot is %+v", info); err != nil {
		return "", err
	}
	providers, err := t.stack.Providers(ctx)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s, %s, primary %d, compatible %v", info.State, info.Algorithm, info.Primary, info.Compatible)
	for _, p := range providers {
		for _, id := range info.Compatible {
			if p.ID == id {
				text += fmt.Sprintf(", %d is %s", p.ID, p.Name)
			}
		}
	}
	return text, nil
}

// roundTrip checks that dec undoes enc.
func roundTrip(ctx context.Context, enc, dec *client.Cipher) error {
	message, iv := randomBytes(777), randomBytes(enc.IVSize())
	ciphertext, err := enc.Encrypt(ctx, nil, iv, message)
	if err != nil {
		return err
	}
	plain, err := dec.Decrypt(ctx, nil, iv, ciphertext)
	if err != nil {
		return err
	}
	return expect(bytes.Equal(plain, message) && !bytes.Contains(ciphertext, message), "decrypt(encrypt(x)) is not x")
}

// ephemeralKey is F3: a key is used without being stored, then copied into an empty slot.
func (t *tour) ephemeralKey(ctx context.Context) (string, error) {
	message, nonce := randomBytes(500), randomBytes(12)
	var sealed []byte
	seen, err := t.scope(func(cc *client.CryptoContext) (string, error) {
		m, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{})
		if err != nil {
			return "", err
		}
		key, err := m.Generate(ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: claviger.Encrypt | claviger.Decrypt})
		if err != nil {
			return "", err
		}
		enc, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: key, Direction: claviger.Encrypting})
		if err != nil {
			return "", err
		}
		if sealed, err = enc.Encrypt(ctx, nil, nonce, message); err != nil {
			return "", err
		}
		target, err := cc.KeySlot(ctx, "MyNewSlot")
		if err != nil {
			return "", err
		}
		if _, err := m.Persist(ctx, target, key); err != nil {
			return "", err
		}
		again, err := enc.Encrypt(ctx, nil, nonce, message)
		if err != nil {
			return "", fmt.Errorf("the key after persisting: %w", err)
		}
		return fmt.Sprintf("%s %s key, %s; persisted, and still usable", key.Persistence(), key.Algorithm(), key.Permissions()), errors.Join(
			expect(bytes.Equal(again, sealed), "the key changed when it was persisted"),
			expect(key.Persistence() == claviger.Ephemeral && key.Permissions() == claviger.Encrypt|claviger.Decrypt, "the key is %+v", key.Info()))
	})
	if err != nil {
		return "", err
	}
	return seen + "; a new session opens its AES-256-GCM message with MyNewSlot alone", t.openElsewhere(ctx, nonce, sealed, message)
}

// openElsewhere opens a message in a session of its own, with the slot as key.
func (t *tour) openElsewhere(ctx context.Context, nonce, sealed, message []byte) error {
	l, err := dial(ctx, t.config)
	if err != nil {
		return err
	}
	defer l.Close()
	slot, err := l.KeySlot(ctx, "MyNewSlot")
	if err != nil {
		return err
	}
	dec, err := l.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-GCM", Key: slot, Direction: claviger.Decrypting})
	if err != nil {
		return err
	}
	plain, err := dec.Decrypt(ctx, nil, nonce, sealed)
	if err != nil {
		return err
	}
	return expect(bytes.Equal(plain, message), "the message is another one")
}

// hashing is F4: a digest in parts and in one call, from one context.
func (t *tour) hashing(ctx context.Context) (string, error) {
	return t.scope(func(cc *client.CryptoContext) (string, error) {
		h, err := cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"})
		if err != nil {
			return "", err
		}
		message := randomBytes(3000)
		streamed, err := digest(ctx, h, message[:1234], message[1234:])
		if err != nil {
			return "", err
		}
		whole, err := h.Sum(ctx, nil, message)
		if err != nil {
			return "", err
		}
		want := sha256.Sum256(message)
		return fmt.Sprintf("%d bytes, in parts and in one call: %x..., the same as crypto/sha256", len(streamed), streamed[:6]), expect(
			bytes.Equal(streamed, want[:]) && bytes.Equal(whole, want[:]), "the digests are %x, %x and %x", streamed, whole, want)
	})
}

// digest hashes a message in parts.
func digest(ctx context.Context, h *client.Hash, parts ...[]byte) ([]byte, error) {
	if err := h.Init(ctx); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if err := h.Update(ctx, p); err != nil {
			return nil, err
		}
	}
	return h.Finalize(ctx, nil)
}

// reuse is F5: Reset makes a context ready again by one call.
func (t *tour) reuse(ctx context.Context) (string, error) {
	return t.scope(func(cc *client.CryptoContext) (string, error) {
		h, err := cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"})
		if err != nil {
			return "", err
		}
		first, err := digest(ctx, h, []byte("message 1"))
		if err != nil {
			return "", err
		}
		before := t.stack.Frames()
		if err := h.Reset(ctx); err != nil {
			return "", err
		}
		calls := t.stack.Frames() - before
		if err := errors.Join(h.Init(ctx), h.Update(ctx, []byte("partial")), h.Reset(ctx)); err != nil {
			return "", err
		}
		second, err := digest(ctx, h, []byte("message 2"))
		if err != nil {
			return "", err
		}
		want1, want2 := sha256.Sum256([]byte("message 1")), sha256.Sum256([]byte("message 2"))
		return fmt.Sprintf("Reset is %d call; it discarded half a message, and the next digest is right", calls), errors.Join(
			expect(calls == 1, "Reset took %d calls", calls),
			expect(bytes.Equal(first, want1[:]) && bytes.Equal(second, want2[:]), "the digests are %x and %x", first, second))
	})
}
