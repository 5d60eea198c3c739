package flows_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"filippo.io/mldsa"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// digest runs Init, Update for each chunk, and Finalize.
func digest(t *testing.T, e *env, h *client.Hash, chunks ...string) [32]byte {
	t.Helper()
	check(t, h.Init(e.ctx))
	for _, chunk := range chunks {
		check(t, h.Update(e.ctx, []byte(chunk)))
	}
	sum := must(h.Finalize(e.ctx, nil))(t)
	equal(t, "bytes written", len(sum), 32)
	return [32]byte(sum)
}

// TestF4 is hashing.
func TestF4(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		var h *client.Hash
		t.Run("F4.1", func(t *testing.T) {
			h = must(e.cc.NewHash(e.ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
			equal(t, "size", h.Size(), 32)
			equal(t, "provider", h.Provider(), 2)
		})
		t.Run("F4.2", func(t *testing.T) {
			equal(t, "digest", digest(t, e, h, "chunk1", "chunk2"), sha256.Sum256([]byte("chunk1chunk2")))
		})
		t.Run("F4.3", func(t *testing.T) {
			sum := must(h.Sum(e.ctx, nil, []byte("chunk1chunk2")))(t)
			equal(t, "digest", [32]byte(sum), sha256.Sum256([]byte("chunk1chunk2")))
		})
	})
}

// TestF5 is reuse through Reset.
func TestF5(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		var h *client.Hash
		t.Run("F5.1", func(t *testing.T) {
			h = must(e.cc.NewHash(e.ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
			equal(t, "provider", h.Provider(), 2)
		})
		t.Run("F5.2", func(t *testing.T) { equal(t, "digest1", digest(t, e, h, "m1"), sha256.Sum256([]byte("m1"))) })
		t.Run("F5.3", func(t *testing.T) {
			_, before := e.status(t)
			sent := e.stack.Frames()
			check(t, h.Reset(e.ctx))
			equal(t, "requests sent", e.stack.Frames()-sent, 1)
			_, after := e.status(t)
			for op, n := range after.Operations {
				want := before.Operations[op]
				if op == "reset" || op == "status" {
					want++
				}
				equal(t, "requests of "+op, n, want)
			}
		})
		t.Run("F5.4", func(t *testing.T) { equal(t, "digest2", digest(t, e, h, "m2"), sha256.Sum256([]byte("m2"))) })
		t.Run("F5.5", func(t *testing.T) {
			check(t, h.Init(e.ctx))
			check(t, h.Update(e.ctx, []byte("partial")))
			check(t, h.Reset(e.ctx))
			equal(t, "digest3", digest(t, e, h, "correct"), sha256.Sum256([]byte("correct")))
		})
	})
}

// scheme is an algorithm of signatures.
type scheme struct {
	key, operation claviger.Algorithm
	size           int                                           // of a signature, in bytes
	format         claviger.Format                               // of the public half
	agrees         func(public, message, signature []byte) error // what another implementation says
}

// postQuantum is the scheme of the flow's text. FIPS 204 table 2 has the size; the S-CORE text's 3293 is a draft's.
func postQuantum() scheme {
	return scheme{"ML-DSA-65", "ML-DSA-65", 3309, claviger.Raw, func(public, message, signature []byte) error {
		key, err := mldsa.NewPublicKey(mldsa.MLDSA65(), public)
		if err != nil {
			return err
		}
		return mldsa.Verify(key, message, signature, nil)
	}}
}

// ellipticCurve is one of which a signature is two numbers of 32 bytes.
func ellipticCurve() scheme {
	return scheme{"ECDSA-P256", "ECDSA-P256-SHA-256", 64, claviger.DER, func(public, message, signature []byte) error {
		key, err := x509.ParsePKIXPublicKey(public)
		if err != nil {
			return err
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		if sum := sha256.Sum256(message); !ecdsa.Verify(key.(*ecdsa.PublicKey), sum[:], r, s) {
			return errors.New("the signature is not right")
		}
		return nil
	}}
}

// TestF6 is signing with a post-quantum algorithm.
func TestF6(t *testing.T) {
	all(t, func(t *testing.T, e *env) {
		alg := e.place.signing
		km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Provider: e.place.provider}))(t)
		var key *client.Key
		var signer *client.Signer
		t.Run("F6.1", func(t *testing.T) {
			key = must(km.Generate(e.ctx, client.GenerateParams{Algorithm: alg.key}))(t)
			equal(t, "permissions", key.Permissions(), claviger.AllPermissions)
		})
		t.Run("F6.2", func(t *testing.T) {
			signer = must(e.cc.NewSigner(e.ctx, client.SignerConfig{Algorithm: alg.operation, Key: key}))(t)
			equal(t, "provider", signer.Provider(), 2)
		})
		t.Run("F6.3", func(t *testing.T) { equal(t, "signature size", signer.SignatureSize(), alg.size) })
		t.Run("F6.4", func(t *testing.T) {
			check(t, signer.Init(e.ctx))
			check(t, signer.Update(e.ctx, plaintext))
			signature := must(signer.SignFinalize(e.ctx, nil))(t)
			equal(t, "length", len(signature), alg.size)
			public, encoded, err := km.PublicKey(e.ctx, key, alg.format)
			check(t, err)
			verifier := must(e.cc.NewVerifier(e.ctx, client.VerifierConfig{Algorithm: alg.operation, Key: public}))(t)
			if !must(verifier.Verify(e.ctx, plaintext, signature))(t) {
				t.Error("the daemon does not verify the signature with the public half")
			}
			check(t, alg.agrees(encoded, plaintext, signature))
			check(t, public.Close())
			check(t, verifier.Close())
		})
		t.Run("F6.5", func(t *testing.T) {
			check(t, key.Close())
			check(t, signer.Close())
			eventually(t, "the pair is freed", func() bool { _, me := e.status(t); return me.Keys == 0 })
		})
	})
}

// TestF9 is timeouts. Provider 9 takes 300 ms for every operation, provider 10 two seconds.
func TestF9(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		t.Run("F9.1", func(t *testing.T) { stackDefault(t, e) })
		var h *client.Hash
		slow := client.ProviderSelector{Name: "slow"}
		t.Run("F9.2", func(t *testing.T) {
			h = must(e.cc.NewHash(e.ctx, client.HashConfig{Algorithm: "SHA-256", Timeout: 200 * time.Millisecond}))(t)
			equal(t, "digest", digest(t, e, h, "in time"), sha256.Sum256([]byte("in time")))
		})
		t.Run("F9.3", func(t *testing.T) {
			// Each call has its own budget: three calls of 300 ms under 700 ms each.
			h := must(e.cc.NewHash(e.ctx, client.HashConfig{Algorithm: "SHA-256", Timeout: 700 * time.Millisecond, Provider: slow}))(t)
			equal(t, "digest", digest(t, e, h, "a", "b", "c"), sha256.Sum256([]byte("abc")))
		})
		t.Run("F9.4", func(t *testing.T) {
			late := must(e.cc.NewHash(e.ctx, client.HashConfig{Algorithm: "SHA-256", Timeout: 200 * time.Millisecond, Provider: slow}))(t)
			start, stalls := time.Now(), daemontest.Stalls()
			_, err := late.Sum(e.ctx, nil, plaintext)
			took := time.Since(start) - stalls()
			wantCode(t, err, claviger.ErrOperationTimedOut)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error("a timeout does not match context.DeadlineExceeded")
			}
			if took > 300*time.Millisecond {
				t.Errorf("the answer took %v", took)
			}
			wantCode(t, late.Init(e.ctx), claviger.ErrInvalidOperation)
			wantCode(t, late.Reset(e.ctx), claviger.ErrInvalidOperation)
			equal(t, "another context", digest(t, e, h, "lives on"), sha256.Sum256([]byte("lives on")))
		})
		t.Run("F9.5", func(t *testing.T) {
			km := must(e.cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Timeout: client.NoTimeout, Provider: client.ProviderSelector{ID: 10}}))(t)
			key := must(km.Generate(e.ctx, client.GenerateParams{Algorithm: "ML-KEM-768"}))(t)
			equal(t, "provider", key.Provider(), 10)
		})
		t.Run("F9.6", func(t *testing.T) {
			for timeout, late := range map[time.Duration]bool{200 * time.Millisecond: true, 500 * time.Millisecond: false} {
				h := must(e.cc.NewHash(e.ctx, client.HashConfig{Algorithm: "SHA-256", Timeout: timeout, Provider: slow}))(t)
				if _, err := h.Sum(e.ctx, nil, plaintext); (err != nil) != late {
					t.Errorf("300 ms under %v: %v", timeout, err)
				}
			}
		})
	})
}

// stackDefault holds that a stack's timeout counts where a context states none, and that nothing else does.
func stackDefault(t *testing.T, e *env) {
	stack := e.dial(t, client.Config{Timeout: 500 * time.Millisecond})
	cc := must(stack.CryptoContext())(t)
	slower := client.ProviderSelector{Name: "slower"}
	start, stalls := time.Now(), daemontest.Stalls()
	_, err := must(cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Provider: slower}))(t).Generate(e.ctx, client.GenerateParams{Algorithm: "AES-256"})
	took, stalled := time.Since(start), stalls()
	wantCode(t, err, claviger.ErrOperationTimedOut)
	if took < 490*time.Millisecond || took > 600*time.Millisecond+stalled {
		t.Errorf("the answer took %v, the stack's timeout is 500 ms", took)
	}
	km := must(cc.NewKeyManager(e.ctx, client.KeyManagerConfig{Provider: slower, Timeout: client.NoTimeout}))(t)
	must(km.Generate(e.ctx, client.GenerateParams{Algorithm: "AES-256"}))(t)
	if !slices.ContainsFunc(must(stack.Providers(e.ctx))(t), func(p claviger.ProviderInfo) bool { return p.Name == "slower" }) {
		t.Error("the slow provider is not listed")
	}
}
