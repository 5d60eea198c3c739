package tokens

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

func drillPair(ctx context.Context, a *arena) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{Provider: tokenSelector()})
	if err != nil {
		return err
	}
	key, err := km.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256"})
	if err != nil {
		return err
	}
	defer key.Close()
	half, der, err := km.PublicKey(ctx, key, claviger.DER)
	if err != nil {
		return err
	}
	defer half.Close()
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return wrongResult{"a public key that is none"}
	}
	s, err := a.cc.NewSigner(ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key, DER: true})
	if err != nil {
		return err
	}
	defer s.Close()
	signature, err := s.Sign(ctx, nil, []byte(message))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256([]byte(message)); !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), sum[:], signature) {
		return wrongResult{"a new key whose signature does not verify"}
	}
	return nil
}

// roundTrip seals and opens with a key that nobody knows.
func (a *arena) roundTrip(ctx context.Context, key client.KeySource) error {
	c, err := a.aead(ctx, key, claviger.Encrypting)
	if err != nil {
		return err
	}
	defer c.Close()
	nonce := []byte(nil)
	if !c.DaemonNonce() {
		nonce = make([]byte, 12)
	}
	sealed, err := c.Seal(ctx, nil, nonce, []byte(message), nil)
	if err != nil {
		return err
	}
	o, err := a.aead(ctx, key, claviger.Decrypting)
	if err != nil {
		return err
	}
	defer o.Close()
	opened, err := o.Open(ctx, nil, nonce, sealed, nil)
	if err != nil {
		return err
	}
	return same(opened, []byte(message), "a plaintext that was not sealed")
}

func drillSecret(ctx context.Context, a *arena) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{Provider: tokenSelector()})
	if err != nil {
		return err
	}
	key, err := km.Generate(ctx, client.GenerateParams{Algorithm: "AES-256"})
	if err != nil {
		return err
	}
	defer key.Close()
	return a.roundTrip(ctx, key)
}

func drillImport(ctx context.Context, a *arena) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{Provider: tokenSelector()})
	if err != nil {
		return err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	key, err := km.Import(ctx, client.ImportParams{Algorithm: "HMAC-SHA-256", Format: claviger.Raw, Data: secret})
	if err != nil {
		return err
	}
	defer key.Close()
	m, err := a.cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key})
	if err != nil {
		return err
	}
	defer m.Close()
	got, err := m.Sum(ctx, nil, []byte(message))
	if err != nil {
		return err
	}
	return same(got, codeOf(secret), "a code of an imported key that is another one")
}

// drillAgree agrees with a peer that the test is, and holds the shared key against the peer's.
func drillAgree(ctx context.Context, a *arena) error {
	peer, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	secret, err := peer.ECDH(a.own.PublicKey())
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(peer.PublicKey())
	if err != nil {
		return err
	}
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	key, err := km.Agree(ctx, client.AgreeParams{Key: a.slots["token/agree"], Peer: der, PeerFormat: claviger.DER, Derived: "AES-256"})
	if err != nil {
		return err
	}
	defer key.Close()
	return a.sealsAs(ctx, key, secret)
}

// sealsAs holds a key against its bytes.
func (a *arena) sealsAs(ctx context.Context, key *client.Key, secret []byte) error {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	c, err := a.aead(ctx, key, claviger.Encrypting)
	if err != nil {
		return err
	}
	defer c.Close()
	nonce := make([]byte, 12)
	got, err := c.Seal(ctx, nil, nonce, []byte(message), nil)
	if err != nil {
		return err
	}
	return same(bytes.TrimPrefix(got, nonce), gcm.Seal(nil, nonce, []byte(message), nil), "a key that is not the peer's")
}

// drillSlot makes the next version of a slot's key and uses it.
func drillSlot(ctx context.Context, a *arena) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	if _, err := km.GenerateIn(ctx, a.slots["token/new"], client.GenerateParams{Rotate: true}); err != nil {
		return err
	}
	return a.roundTrip(ctx, a.slots["token/new"])
}

// fillGone makes the key that drillClear destroys.
func fillGone(ctx context.Context, a *arena) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	_, err = km.GenerateIn(ctx, a.slots["pair/data"], client.GenerateParams{Rotate: true})
	return err
}

func drillClear(ctx context.Context, a *arena) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	return km.Clear(ctx, a.slots["pair/data"])
}

// tidy empties the slots that drills have written.
func (a *arena) tidy(ctx context.Context) error {
	km, err := a.cc.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	for _, name := range []string{"token/new", "pair/data"} {
		if err := km.Clear(ctx, a.slots[name]); err != nil && !errors.Is(err, claviger.ErrKeySlotEmpty) {
			return err
		}
	}
	return nil
}

// endWorker kills the worker and waits until the daemon has started another one, or is about to give up.
func endWorker(ctx context.Context, a *arena) error {
	old := workers(a.PID())
	for _, pid := range old {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for _, pid := range workers(a.PID()) {
			if !slices.Contains(old, pid) {
				return nil
			}
		}
	}
	return nil
}

// newWorker has a worker that has opened no more sessions than it must.
func newWorker(ctx context.Context, a *arena) error {
	if err := endWorker(ctx, a); err != nil {
		return err
	}
	for {
		err := a.serves()
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// drillStart uses the token while its worker starts.
func drillStart(ctx context.Context, a *arena) error {
	if err := endWorker(ctx, a); err != nil {
		return err
	}
	return drillSign(ctx, a)
}

// drillStreams has as many streams open at once as there may be, for which further sessions are opened.
func drillStreams(ctx context.Context, a *arena) error {
	const streams = 2 // as many as one tenant may have of three, which is half of the sessions that are not for keys
	errs := make(chan error, streams)
	var all sync.WaitGroup
	all.Add(streams)
	for range streams {
		go func() { errs <- a.together(ctx, &all) }()
	}
	var first error
	for range streams {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// together makes a code in a stream that others are open beside.
func (a *arena) together(ctx context.Context, all *sync.WaitGroup) error {
	m, err := a.cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: a.slots["token/mac"]})
	if err == nil {
		defer m.Close()
		err = m.Init(ctx)
	}
	all.Done()
	if err != nil {
		return err
	}
	all.Wait()
	if err := m.Update(ctx, []byte(message)); err != nil {
		return err
	}
	got, err := m.Finalize(ctx, nil)
	if err != nil {
		return err
	}
	return same(got, codeOf(a.code), "a code that is another one")
}
