package client

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"hash"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
)

// hashData answers data calls as a SHA-256 context does.
func hashData() func(wire.Op, wire.Flags, wire.Data) ([]byte, error) {
	var mu sync.Mutex
	var h hash.Hash
	return func(op wire.Op, flags wire.Flags, d wire.Data) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		switch op {
		case wire.OpOneShot:
			sum := sha256.Sum256(d.Payload)
			return sum[:], nil
		case wire.OpInit:
			if h != nil {
				return nil, claviger.ErrStreamAlreadyActive
			}
			h = sha256.New()
		case wire.OpReset:
			h = nil
		case wire.OpUpdate:
			h.Write(d.Payload)
		case wire.OpFinalize:
			sum := h.Sum(nil)
			if flags&wire.FlagKeep == 0 {
				h = nil
			}
			return sum, nil
		}
		return nil, nil
	}
}

func TestStdHashGivesWhatWasWrittenInAnyPieces(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	p.rules(func() { p.data = hashData() })
	p.rules(func() { p.context.Size, p.context.Block = sha256.Size, sha256.BlockSize })
	context, err := newContext(t, stack).NewHash(t.Context(), HashConfig{Algorithm: "SHA-256"})
	if err != nil {
		t.Fatal(err)
	}
	h := context.Std()
	if h.Size() != sha256.Size || h.BlockSize() != sha256.BlockSize {
		t.Errorf("size %d, block size %d", h.Size(), h.BlockSize())
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []int{1, 100, wire.MaxInline - 1, wire.MaxInline, wire.MaxInline + 1, 2*wire.MaxInline - 1} {
		h.Reset()
		var all []byte
		for range 8 {
			part := bytes.Repeat([]byte{byte(random.Int())}, random.IntN(longest+1))
			if n, err := h.Write(part); n != len(part) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
			all = append(all, part...)
			if want := sha256.Sum256(all); !bytes.Equal(h.Sum([]byte{7}), append([]byte{7}, want[:]...)) {
				t.Fatalf("parts of up to %d bytes: wrong after %d bytes", longest, len(all))
			}
		}
	}
}

func TestStdHashOfAShortMessageIsOneCall(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	p.rules(func() { p.data = hashData() })
	context, err := newContext(t, stack).NewHash(t.Context(), HashConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h, before := context.Std(), stack.Frames()
	for range 100 {
		h.Write([]byte("a few bytes"))
	}
	h.Sum(nil)
	if n := stack.Frames() - before; n != 1 {
		t.Errorf("%d calls; want 1", n)
	}
}

func TestStdHashKeepsItsFirstError(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	p.rules(func() { p.data = hashData() })
	context, err := newContext(t, stack).NewHash(t.Context(), HashConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h := context.Std()
	h.Write([]byte("before"))
	context.Close()
	defer func() {
		err, _ := recover().(error)
		if !errors.Is(err, claviger.ErrContextAlreadyDestroyed) {
			t.Errorf("Sum panicked with %v", err)
		}
		if _, err := h.Write([]byte("after")); !errors.Is(err, claviger.ErrContextAlreadyDestroyed) {
			t.Errorf("Write = %v", err)
		}
	}()
	h.Sum(nil)
}

func TestStdSignerFollowsItsOptions(t *testing.T) {
	rsaKey := &stdSigner{public: &rsa.PublicKey{}, key: "RSA-2048"}
	ecKey := &stdSigner{public: &ecdsa.PublicKey{}, key: "ECDSA-P256"}
	edKey := &stdSigner{public: ed25519.PublicKey{}, key: "Ed25519"}
	for _, c := range []struct {
		signer *stdSigner
		opts   crypto.SignerOpts
		want   claviger.Algorithm
		code   claviger.Code
	}{
		{rsaKey, crypto.SHA256, "RSA-PKCS1-SHA-256", 0},
		{rsaKey, &rsa.PSSOptions{Hash: crypto.SHA384, SaltLength: rsa.PSSSaltLengthEqualsHash}, "RSA-PSS-SHA-384", 0},
		{rsaKey, &rsa.PSSOptions{Hash: crypto.SHA512, SaltLength: 64}, "RSA-PSS-SHA-512", 0},
		{rsaKey, &rsa.PSSOptions{Hash: crypto.SHA512}, "RSA-PSS-SHA-512", 0},
		{rsaKey, &rsa.PSSOptions{Hash: crypto.SHA512, SaltLength: 20}, "", claviger.ErrUnsupportedOperation},
		{rsaKey, crypto.Hash(0), "", claviger.ErrUnsupportedAlgorithm},
		{ecKey, crypto.SHA256, "ECDSA-P256-SHA-256", 0},
		{ecKey, crypto.Hash(0), "", claviger.ErrUnsupportedAlgorithm},
		{edKey, crypto.Hash(0), "Ed25519", 0},
		{edKey, crypto.SHA512, "Ed25519ph", 0},
		{edKey, &ed25519.Options{Hash: crypto.SHA512, Context: "c"}, "", claviger.ErrUnsupportedOperation},
		{edKey, crypto.SHA256, "", claviger.ErrUnsupportedAlgorithm},
	} {
		got, err := c.signer.algorithm(c.opts)
		if got != c.want || claviger.CodeOf(err) != c.code {
			t.Errorf("%s with %#v: %q, %v; want %q, %s", c.signer.key, c.opts, got, err, c.want, c.code.Name())
		}
	}
	if _, err := ecKey.Sign(nil, make([]byte, 31), crypto.SHA256); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("a digest of another length: %v; want ErrInvalidArgument", err)
	}
}

func TestStdDecrypterOffersOAEPAlone(t *testing.T) {
	d := &stdDecrypter{}
	for _, opts := range []crypto.DecrypterOpts{nil, crypto.SHA256, &rsa.OAEPOptions{Hash: crypto.SHA256, Label: []byte("l")},
		&rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1}} {
		if _, err := d.Decrypt(nil, nil, opts); !errors.Is(err, claviger.ErrUnsupportedOperation) {
			t.Errorf("%#v: %v; want ErrUnsupportedOperation", opts, err)
		}
	}
}

func TestAnAdapterReplacesASpoiltContext(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	cc := newContext(t, stack)
	manager, _ := cc.NewKeyManager(t.Context(), KeyManagerConfig{})
	key, err := manager.Generate(t.Context(), GenerateParams{})
	if err != nil {
		t.Fatal(err)
	}
	v := newVariants(cc, key, ProviderSelector{}, 0)
	var handles []uint64
	for range 2 {
		for range 2 {
			o, err := v.get(t.Context(), use{kind: claviger.SignContext})
			if err != nil {
				t.Fatal(err)
			}
			handles = append(handles, o.handle)
		}
		v.made[use{kind: claviger.SignContext}].fail()
	}
	if handles[0] != handles[1] || handles[1] == handles[2] || handles[2] != handles[3] {
		t.Errorf("handles %v; want two alike, then two other ones", handles)
	}
	for range 2 { // the second changes nothing
		if err := cc.release(0, v.end(nil)...); err != nil {
			t.Fatal(err)
		}
	}
	if calls, n := p.gone(); calls != 2 || n != 2 {
		t.Errorf("%d calls released %d contexts; want the spoilt one by one call and the other by the next", calls, n)
	}
	if _, err := v.get(t.Context(), use{}); !errors.Is(err, claviger.ErrContextAlreadyDestroyed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAContextAndWhatItsAdaptersMadeCloseByOneCall(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	cc, ctx := newContext(t, stack), t.Context()
	slot, err := cc.KeySlot(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	a, err := cc.NewAEAD(ctx, AEADConfig{Key: slot})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := a.Std(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second changes nothing
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if calls, n := p.gone(); calls != 1 || n != 4 {
		t.Errorf("%d calls released %d handles; want 1 call for the context, one for each direction and their key", calls, n)
	}
}
