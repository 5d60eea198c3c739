package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// rawRequest is an encryption or decryption by a plain algorithm.
type rawRequest struct {
	key       string
	alg       claviger.Algorithm
	direction claviger.Direction
	iv        []byte
	aad       []byte
	file      string
	out       string
	at        client.ProviderSelector
}

// mode is the mode of the file that the request writes.
func (r rawRequest) mode() fs.FileMode {
	if r.direction == claviger.Decrypting {
		return secretMode
	}
	return publicMode
}

// rawCrypt runs a plain algorithm: authenticated ones take the message whole, the others in pieces.
func (a *app) rawCrypt(ctx context.Context, l *link, r rawRequest) error {
	slot, _, err := l.occupiedSlot(ctx, r.key)
	if err != nil {
		return err
	}
	aead, err := l.NewAEAD(ctx, client.AEADConfig{Algorithm: r.alg, Key: slot, Direction: r.direction, Provider: r.at})
	if err == nil {
		return a.rawAEAD(ctx, aead, r)
	}
	if !errors.Is(err, claviger.ErrAlgorithmMismatch) {
		return err
	}
	c, err := l.NewCipher(ctx, client.CipherConfig{Algorithm: r.alg, Key: slot, Direction: r.direction, Provider: r.at})
	if err != nil {
		return err
	}
	if len(r.aad) > 0 {
		return usagef("%s has no associated data", c.Algorithm())
	}
	if len(r.iv) != c.IVSize() {
		return usagef("%s needs --iv with %d bytes; there are %d", c.Algorithm(), c.IVSize(), len(r.iv))
	}
	return a.rawCipher(ctx, c, r)
}

// rawCipher streams a file through a cipher in constant memory.
func (a *app) rawCipher(ctx context.Context, c *client.Cipher, r rawRequest) error {
	in, err := a.open(ctx, r.file)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := checkMessage(in, c.MaxMessage()); err != nil {
		return r.judgeLength(err)
	}
	out, err := a.create(r.out, r.mode())
	if err != nil {
		return err
	}
	defer out.discard()
	if err := c.Init(ctx, r.iv); err != nil {
		return err
	}
	buf := make([]byte, 0, chunkSize+64)
	defer func() { clear(buf[:cap(buf)]) }()
	err = a.eachChunk(in, func(chunk []byte) error {
		if buf, err = c.Update(ctx, buf[:0], chunk); err != nil {
			return err
		}
		_, err := out.Write(buf)
		return err
	})
	if err != nil {
		return r.judge(err)
	}
	if buf, err = c.Finalize(ctx, buf[:0]); err != nil {
		return r.judge(err)
	}
	if _, err := out.Write(buf); err != nil {
		return err
	}
	return out.commit()
}

// rawAEAD runs one authenticated message. The nonce goes in front of the ciphertext, and is looked for there unless
// --iv gives it.
func (a *app) rawAEAD(ctx context.Context, c *client.AEAD, r rawRequest) error {
	in, err := a.open(ctx, r.file)
	if err != nil {
		return err
	}
	defer in.Close()
	limit := c.MaxMessage()
	if r.direction == claviger.Decrypting {
		limit += int64(c.NonceSize() + c.TagSize())
	}
	data, err := readAll(in, limit)
	if err != nil {
		return err
	}
	defer clear(data)
	out, err := a.create(r.out, r.mode())
	if err != nil {
		return err
	}
	defer out.discard()
	result, err := aeadOnce(ctx, c, r.direction, aeadMessage{nonce: r.iv, aad: r.aad, data: data})
	if err != nil {
		return r.judge(err)
	}
	defer clear(result)
	if _, err := out.Write(result); err != nil {
		return err
	}
	return out.commit()
}

// judge makes a negative verdict of a decryption that did not come out right.
func (r rawRequest) judge(err error) error {
	if r.direction == claviger.Decrypting {
		return asVerdict(err, claviger.ErrOperationFailed)
	}
	return err
}

// judgeLength makes a negative verdict of a ciphertext that is longer than any that the key makes.
func (r rawRequest) judgeLength(err error) error {
	if r.direction == claviger.Decrypting {
		return verdictf(claviger.ErrOperationFailed, "%s", detail(err))
	}
	return err
}

// aeadMessage is one message to seal or to open.
type aeadMessage struct {
	nonce []byte // empty: sealing, a new one; opening, in front of data
	aad   []byte
	data  []byte
}

// aeadOnce seals or opens one message. A sealed message is nonce ‖ ciphertext ‖ tag, also where the caller gave the
// nonce.
func aeadOnce(ctx context.Context, c *client.AEAD, d claviger.Direction, m aeadMessage) ([]byte, error) {
	if d == claviger.Decrypting {
		if len(m.nonce) == 0 && len(m.data) < c.NonceSize()+c.TagSize() {
			return nil, claviger.Errorf(claviger.ErrOperationFailed, "decrypt", "%d bytes are too few for nonce and tag", len(m.data))
		}
		if len(m.nonce) == 0 {
			m.nonce, m.data = m.data[:c.NonceSize()], m.data[c.NonceSize():]
		}
		return c.Open(ctx, nil, m.nonce, m.data, m.aad)
	}
	if c.DaemonNonce() && len(m.nonce) == 0 {
		return c.Seal(ctx, nil, nil, m.data, m.aad)
	}
	if len(m.nonce) == 0 {
		m.nonce = make([]byte, c.NonceSize())
		rand.Read(m.nonce) // never fails
	}
	return c.Seal(ctx, bytes.Clone(m.nonce), m.nonce, m.data, m.aad)
}

// cipherOnce encrypts or decrypts one short message.
func cipherOnce(ctx context.Context, c *client.Cipher, d claviger.Direction, iv, data []byte) ([]byte, error) {
	if d == claviger.Decrypting {
		return c.Decrypt(ctx, nil, iv, data)
	}
	return c.Encrypt(ctx, nil, iv, data)
}

// checkMessage refuses a file that is longer than an algorithm takes before it is read. A limit of 0 is none.
func checkMessage(in *input, limit int64) error {
	if limit > 0 && in.size > limit {
		return claviger.Errorf(claviger.ErrInvalidArgument, "", "%s has %d bytes; the algorithm takes %d", in.name, in.size, limit)
	}
	return nil
}
