package tokens

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// drill is a program's way to have functions of the module called. What comes back is held against what Go's own library makes of it.
type drill struct {
	name string
	// ready makes what run needs, while the module behaves.
	ready func(ctx context.Context, a *arena) error
	// run gives an error that the daemon gave, or a wrongResult.
	run func(ctx context.Context, a *arena) error
	// failed is what the operation says of a token that says no.
	failed []claviger.Code
}

// drills are all of them.
func drills() map[string]drill {
	list := []drill{
		{name: "sign", run: drillSign, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "verify", run: drillVerify, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "seal", run: drillSeal, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "open", run: drillOpen, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "digest", run: drillDigest, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "digest stream", run: drillDigestStream, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "code stream", run: drillCodeStream, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "random", run: drillRandom, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "generate pair", run: drillPair, failed: []claviger.Code{claviger.ErrKeyGenerationFailed, claviger.ErrOperationFailed}},
		{name: "generate", run: drillSecret, failed: []claviger.Code{claviger.ErrKeyGenerationFailed, claviger.ErrOperationFailed}},
		{name: "import", run: drillImport, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "agree", run: drillAgree, failed: []claviger.Code{claviger.ErrKeyAgreementFailed, claviger.ErrOperationFailed}},
		{name: "into slot", run: drillSlot, failed: []claviger.Code{claviger.ErrPersistFailed, claviger.ErrKeyGenerationFailed, claviger.ErrOperationFailed}},
		{name: "clear", ready: fillGone, run: drillClear, failed: []claviger.Code{claviger.ErrOperationFailed}},
		{name: "many streams", ready: newWorker, run: drillStreams, failed: []claviger.Code{claviger.ErrOperationFailed, claviger.ErrProviderBusy}},
		{name: "start", run: drillStart, failed: []claviger.Code{claviger.ErrProviderNotAvailable, claviger.ErrOperationFailed}},
	}
	all := make(map[string]drill)
	for _, d := range list {
		all[d.name] = d
	}
	return all
}

// tokenSelector is where keys without a slot are made.
func tokenSelector() client.ProviderSelector { return client.ProviderSelector{ID: TokenID} }

// judged is nil for a signature of message by token/signing.
func (a *arena) judged(signature []byte) error {
	if sum := sha256.Sum256([]byte(message)); !ecdsa.VerifyASN1(a.public, sum[:], signature) {
		return wrongResult{"a signature that does not verify"}
	}
	return nil
}

func drillSign(ctx context.Context, a *arena) error {
	s, err := a.cc.NewSigner(ctx, a.signing())
	if err != nil {
		return err
	}
	defer s.Close()
	signature, err := s.Sign(ctx, nil, []byte(message))
	if err != nil {
		return err
	}
	return a.judged(signature)
}

// drillVerify gives the token a right signature, and one of another message.
func drillVerify(ctx context.Context, a *arena) error {
	v, err := a.cc.NewVerifier(ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: a.slots["token/signing"], DER: true})
	if err != nil {
		return err
	}
	defer v.Close()
	for text, want := range map[string]bool{message: true, "another": false} {
		right, err := v.Verify(ctx, []byte(text), a.right)
		switch {
		case err != nil:
			return err
		case right != want:
			return wrongResult{"a verification that says the opposite"}
		}
	}
	return nil
}

// aead makes a context of token/data.
func (a *arena) aead(ctx context.Context, key client.KeySource, way claviger.Direction) (*client.AEAD, error) {
	return a.cc.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key, Direction: way})
}

// same is nil for a message that is the right one.
func same(got []byte, want []byte, what string) error {
	if !bytes.Equal(got, want) {
		return wrongResult{what}
	}
	return nil
}

func drillSeal(ctx context.Context, a *arena) error {
	c, err := a.aead(ctx, a.slots["token/data"], claviger.Encrypting)
	if err != nil {
		return err
	}
	defer c.Close()
	sealed, err := c.Seal(ctx, nil, nil, []byte(message), nil)
	if err != nil {
		return err
	}
	if len(sealed) < 12 {
		return wrongResult{"a ciphertext without its nonce"}
	}
	opened, err := a.data.Open(nil, sealed[:12], sealed[12:], nil)
	if err != nil {
		return wrongResult{"a ciphertext that does not open"}
	}
	return same(opened, []byte(message), "a ciphertext of something else")
}

func drillOpen(ctx context.Context, a *arena) error {
	c, err := a.aead(ctx, a.slots["token/data"], claviger.Decrypting)
	if err != nil {
		return err
	}
	defer c.Close()
	nonce := make([]byte, 12)
	rand.Read(nonce)
	opened, err := c.Open(ctx, nil, nonce, a.data.Seal(nil, nonce, []byte(message), nil), nil)
	if err != nil {
		return err
	}
	return same(opened, []byte(message), "a plaintext that was not sealed")
}

func drillDigest(ctx context.Context, a *arena) error {
	h, err := a.cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256", Provider: tokenSelector()})
	if err != nil {
		return err
	}
	defer h.Close()
	got, err := h.Sum(ctx, nil, []byte(message))
	if err != nil {
		return err
	}
	want := sha256.Sum256([]byte(message))
	return same(got, want[:], "a digest that is another one")
}

// parts is a message in parts.
type parts interface {
	Init(ctx context.Context) error
	Update(ctx context.Context, data []byte) error
	Finalize(ctx context.Context, dst []byte) ([]byte, error)
}

// inHalves gives a stream a message in two parts.
func inHalves(ctx context.Context, s parts) ([]byte, error) {
	if err := s.Init(ctx); err != nil {
		return nil, err
	}
	for _, part := range []string{message[:9], message[9:]} {
		if err := s.Update(ctx, []byte(part)); err != nil {
			return nil, err
		}
	}
	return s.Finalize(ctx, nil)
}

func drillDigestStream(ctx context.Context, a *arena) error {
	h, err := a.cc.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256", Provider: tokenSelector()})
	if err != nil {
		return err
	}
	defer h.Close()
	got, err := inHalves(ctx, h)
	if err != nil {
		return err
	}
	want := sha256.Sum256([]byte(message))
	return same(got, want[:], "a digest that is another one")
}

// codeOf gives the code of message under a key.
func codeOf(key []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(message))
	return m.Sum(nil)
}

func drillCodeStream(ctx context.Context, a *arena) error {
	m, err := a.cc.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: a.slots["token/mac"]})
	if err != nil {
		return err
	}
	defer m.Close()
	got, err := inHalves(ctx, m)
	if err != nil {
		return err
	}
	return same(got, codeOf(a.code), "a code that is another one")
}

func drillRandom(ctx context.Context, a *arena) error {
	r, err := a.cc.NewRandom(ctx, client.RandomConfig{Provider: tokenSelector()})
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := r.Generate(ctx, nil, 32)
	if err == nil && (len(got) != 32 || bytes.Equal(got, make([]byte, 32))) {
		return wrongResult{"random bytes that are none"}
	}
	return err
}
