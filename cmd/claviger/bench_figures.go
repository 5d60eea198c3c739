package main

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/link/linkbench"
)

// pinned is what the software costs: everything on one CPU, one caller.
func (b *bench) pinned() error {
	bare, err := linkbench.DialEcho(b.echo, echoSize)
	if err != nil {
		return err
	}
	defer bare.Close()
	mac, err := b.mac(32)
	if err != nil {
		return err
	}
	theirs := b.p50(true, bare.Call)
	if err := b.compare("no-op, one CPU", "bare echo of 32 B", "", microseconds, b.p50(false, b.ping), theirs); err != nil {
		return err
	}
	return b.compare("HMAC-SHA-256 of 32 B, one CPU", "bare echo of 32 B", "<= 1.6", microseconds, b.p50(false, mac), theirs)
}

// calls are small symmetric operations: latency against the daemon's own no-op, rate against the bare echo.
func (b *bench) calls() error {
	if err := b.firstSignature(); err != nil {
		return err
	}
	small, err := b.mac(32)
	if err != nil {
		return err
	}
	for _, row := range []struct {
		callers int
		must    string
	}{{8, ">= 1.2"}, {64, ">= 2.5"}} {
		bare := rate(row.callers, true, func() (func() error, error) {
			e, err := linkbench.DialEcho(b.echo, echoSize)
			if err != nil {
				return nil, err
			}
			return e.Call, nil
		})
		name := fmt.Sprintf("HMAC-SHA-256 of 32 B, %d callers", row.callers)
		if err := b.compare(name, "bare echo, as many callers", row.must, perSecond, rate(row.callers, false, each(small)), bare); err != nil {
			return err
		}
	}
	mac, err := b.mac(1 << 10)
	if err != nil {
		return err
	}
	seal, err := b.seal(1 << 10)
	if err != nil {
		return err
	}
	if err := b.latency("HMAC-SHA-256 of 1 KiB", "no-op", "<= 1.3", mac, b.ping); err != nil {
		return err
	}
	return b.latency("AES-256-GCM of 1 KiB", "no-op", "<= 1.3", seal, b.ping)
}

// firstSignature prints the time from the start of the daemon to its first signature, and its memory then.
func (b *bench) firstSignature() error {
	sign, err := b.sign("ECDSA-P256", "ECDSA-P256-SHA-256")
	if err != nil {
		return err
	}
	if err := sign(); err != nil {
		return err
	}
	took := time.Since(b.begin)
	if err := b.out.Encode(figure{"start of the daemon to its first signature", "100 ms", float64(took) / float64(100*time.Millisecond),
		"<= 1", milliseconds(took), "100 ms"}); err != nil {
		return err
	}
	const budget = 25 << 20
	used := anonymousMemory(b.daemon)
	return b.out.Encode(figure{"anonymous memory of the idle daemon", "25 MiB", float64(used) / budget, "<= 1", mebibytes(used), mebibytes(budget)})
}

// keys are operations of key pairs against the same work in process.
func (b *bench) keys() error {
	message := make([]byte, 32)
	digest := sha256.Sum256(message)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	local := func() error { _, err := ecdsa.SignASN1(rand.Reader, p256, digest[:]); return err }
	sign, err := b.sign("ECDSA-P256", "ECDSA-P256-SHA-256")
	if err != nil {
		return err
	}
	if err := b.latency("ECDSA P-256 sign", "in process, Go", "<= 2.3", sign, local); err != nil {
		return err
	}
	if err := b.compare("ECDSA P-256 sign, 64 callers", "in process, Go, 64 callers", ">= 0.5", perSecond,
		rate(64, false, each(sign)), rate(64, false, each(local))); err != nil {
		return err
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if sign, err = b.sign("Ed25519", "Ed25519"); err != nil {
		return err
	}
	if err := b.latency("Ed25519 sign", "in process, Go", "<= 2.3", sign, func() error { ed25519.Sign(edwards, message); return nil }); err != nil {
		return err
	}
	if err := b.rsa(digest[:]); err != nil {
		return err
	}
	return b.lattices(message)
}

func (b *bench) rsa(digest []byte) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	sign, err := b.sign("RSA-2048", "RSA-PKCS1-SHA-256")
	if err != nil {
		return err
	}
	return b.latency("RSA-2048 sign", "in process, Go", "<= 1.15", sign, func() error {
		_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
		return err
	})
}

// bulk is a mebibyte and more, against the same work in process.
func (b *bench) bulk() error {
	const mib = 1 << 20
	data := make([]byte, mib)
	h, err := b.link.NewHash(b.ctx, client.HashConfig{Algorithm: "SHA-256"})
	if err != nil {
		return err
	}
	sum := make([]byte, 0, 32)
	if err := b.latency("SHA-256 of 1 MiB", "in process, Go", "<= 1.8",
		func() error { _, err := h.Sum(b.ctx, sum, data); return err },
		func() error { sha256.Sum256(data); return nil }); err != nil {
		return err
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	for _, size := range []int{mib, 16 * mib} {
		name, must := "AES-256-GCM of 1 MiB", "<= 3.0"
		if size > mib {
			name, must = "AES-256-GCM of 16 MiB, copied in and out by the client", ""
		}
		seal, err := b.seal(size)
		if err != nil {
			return err
		}
		data, out, nonce := make([]byte, size), make([]byte, 0, size+16), make([]byte, 12)
		if err := b.latency(name, "in process, Go", must, seal, func() error { gcm.Seal(out, nonce, data, nil); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) ping() error { return b.link.stack.Ping(b.ctx) }

// generate makes an ephemeral key.
func (b *bench) generate(alg claviger.Algorithm) (*client.KeyManager, *client.Key, error) {
	km, err := b.link.NewKeyManager(b.ctx, client.KeyManagerConfig{})
	if err != nil {
		return nil, nil, err
	}
	key, err := km.Generate(b.ctx, client.GenerateParams{Algorithm: alg})
	return km, key, err
}

// mac gives a call that makes a code of size bytes on an open context. Safe for concurrent use.
func (b *bench) mac(size int) (func() error, error) {
	_, key, err := b.generate("HMAC-SHA-256")
	if err != nil {
		return nil, err
	}
	m, err := b.link.NewMAC(b.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key})
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	return func() error {
		var code [32]byte
		_, err := m.Sum(b.ctx, code[:0], data)
		return err
	}, nil
}

// seal gives a call that seals size bytes on an open context.
func (b *bench) seal(size int) (func() error, error) {
	_, key, err := b.generate("AES-256")
	if err != nil {
		return nil, err
	}
	c, err := b.link.NewAEAD(b.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key})
	if err != nil {
		return nil, err
	}
	data, out, nonce := make([]byte, size), make([]byte, 0, size+c.Overhead()), make([]byte, c.NonceSize())
	return func() error { _, err := c.Seal(b.ctx, out, nonce, data, nil); return err }, nil
}

// sign gives a call that signs 32 bytes on an open context. Safe for concurrent use.
func (b *bench) sign(keyAlg, alg claviger.Algorithm) (func() error, error) {
	_, key, err := b.generate(keyAlg)
	if err != nil {
		return nil, err
	}
	s, err := b.link.NewSigner(b.ctx, client.SignerConfig{Algorithm: alg, Key: key})
	if err != nil {
		return nil, err
	}
	message := make([]byte, 32)
	return func() error { _, err := s.Sign(b.ctx, nil, message); return err }, nil
}
