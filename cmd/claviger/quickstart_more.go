package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// postQuantum is F6: a signature by ML-DSA-65, checked in this process by another implementation.
func (t *tour) postQuantum(ctx context.Context) (string, error) {
	return t.scope(func(cc *client.CryptoContext) (string, error) {
		m, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{})
		if err != nil {
			return "", err
		}
		key, err := m.Generate(ctx, client.GenerateParams{Algorithm: "ML-DSA-65"})
		if err != nil {
			return "", err
		}
		s, err := cc.NewSigner(ctx, client.SignerConfig{Algorithm: "ML-DSA-65", Key: key})
		if err != nil {
			return "", err
		}
		message := randomBytes(2000)
		if err := errors.Join(s.Init(ctx), s.Update(ctx, message)); err != nil {
			return "", err
		}
		signature, err := s.SignFinalize(ctx, nil)
		if err != nil {
			return "", err
		}
		_, der, err := m.PublicKey(ctx, key, claviger.DER)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("ML-DSA-65 signature of %d bytes, verified by filippo.io/mldsa with the exported public key", len(signature)), errors.Join(
			expect(s.SignatureSize() == 3309 && len(signature) == 3309, "the signature has %d bytes, announced were %d", len(signature), s.SignatureSize()),
			verifyMLDSA(der, message, signature))
	})
}

// verifyMLDSA verifies a signature with an empty context (FIPS 204 section 5.3). der is a SubjectPublicKeyInfo (RFC
// 9881).
func verifyMLDSA(der, message, signature []byte) error {
	public, err := mldsax509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	key, ok := public.(*mldsa.PublicKey)
	if !ok {
		return fmt.Errorf("the public key is a %T", public)
	}
	return mldsa.Verify(key, message, signature, nil)
}

// certificate is F7: a certificate is verified against the trust store, and its key is used only because it is valid.
func (t *tour) certificate(ctx context.Context) (string, error) {
	return t.scope(func(cc *client.CryptoContext) (string, error) {
		cert, err := cc.CertSlot(ctx, "DeviceCert")
		if err != nil {
			return "", err
		}
		anchor, err := cc.TrustStore(ctx, "RootCA")
		if err != nil {
			return "", err
		}
		v, err := cc.NewCertVerifier(ctx, client.CertVerifierConfig{})
		if err != nil {
			return "", err
		}
		v.SetCertificate(cert)
		v.SetVerificationTrustStore(anchor)
		v.SetRevocationCheckPolicy(claviger.CRLOnly)
		result, err := v.Verify(ctx)
		if err != nil {
			return "", err
		}
		if result.Verdict != claviger.Valid {
			return "", fmt.Errorf("the verdict is %s: %s", result.Verdict, result.Detail)
		}
		alg, err := t.checkDeviceSignature(ctx, cc, cert)
		if err != nil {
			return "", err
		}
		if err := t.publish(ctx, 2, deviceSerial); err != nil {
			return "", err
		}
		after, err := v.Verify(ctx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s; its %s key verifies a signature by SigningKey; after a newer revocation list: %s", result.Verdict, alg, after.Verdict),
			expect(after.Verdict == claviger.Revoked, "the revoked certificate is %s", after.Verdict)
	})
}

// checkDeviceSignature signs with the slot and verifies with the certificate's key.
func (t *tour) checkDeviceSignature(ctx context.Context, cc *client.CryptoContext, cert *client.CertSlot) (claviger.Algorithm, error) {
	const alg = "ECDSA-P256-SHA-256"
	m, err := cc.NewCertManager(ctx, client.CertManagerConfig{})
	if err != nil {
		return "", err
	}
	public, keyAlg, err := m.PublicKey(ctx, cert)
	if err != nil {
		return "", err
	}
	slot, err := cc.KeySlot(ctx, "SigningKey")
	if err != nil {
		return "", err
	}
	s, err := cc.NewSigner(ctx, client.SignerConfig{Algorithm: alg, Key: slot})
	if err != nil {
		return "", err
	}
	v, err := cc.NewVerifier(ctx, client.VerifierConfig{Algorithm: alg, Key: public})
	if err != nil {
		return "", err
	}
	message := randomBytes(100)
	signature, err := s.Sign(ctx, nil, message)
	if err != nil {
		return "", err
	}
	good, err := v.Verify(ctx, message, signature)
	if err != nil {
		return "", err
	}
	message[0] ^= 1
	bad, err := v.Verify(ctx, message, signature)
	if err != nil {
		return "", err
	}
	return keyAlg, expect(good && !bad, "the signature verifies: %t; over another message: %t", good, bad)
}

// permissions is F8: a key does what it was made for and nothing else.
func (t *tour) permissions(ctx context.Context) (string, error) {
	return t.scope(func(cc *client.CryptoContext) (string, error) {
		m, err := cc.NewKeyManager(ctx, client.KeyManagerConfig{})
		if err != nil {
			return "", err
		}
		enc, err := m.Generate(ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: claviger.Encrypt | claviger.Decrypt})
		if err != nil {
			return "", err
		}
		if _, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: enc}); err != nil {
			return "", err
		}
		_, refused := cc.NewSigner(ctx, client.SignerConfig{Algorithm: "HMAC-SHA-256", Key: enc})
		slot, err := cc.KeySlot(ctx, "SigningKey")
		if err != nil {
			return "", err
		}
		object, err := slot.Object(ctx)
		if err != nil {
			return "", err
		}
		auth, err := m.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256", Permissions: claviger.Authentication})
		if err != nil {
			return "", err
		}
		if _, err := cc.NewSigner(ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: auth}); err != nil {
			return "", err
		}
		_, alsoRefused := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: auth})
		return fmt.Sprintf("encrypt|decrypt key: CBC yes, HMAC refused (%s); SigningKey permits %s; authentication key: ECDSA yes, encryption refused (%s)",
				claviger.CodeOf(refused).Name(), object.PermittedOperations(), claviger.CodeOf(alsoRefused).Name()), errors.Join(
				expectCode(refused, claviger.ErrKeyOperationNotPermitted, "HMAC with a key for encryption"),
				expectCode(alsoRefused, claviger.ErrKeyOperationNotPermitted, "encryption with a key for authentication"),
				expect(object.PermittedOperations().Has(claviger.Sign), "SigningKey permits %s", object.PermittedOperations()))
	})
}

// The times of F9. Every operation of the provider "slow" takes 300 ms.
const (
	stackTime = 500 * time.Millisecond
	tightTime = 200 * time.Millisecond
)

// deadlines is F9: calls end in time, with an answer or without one.
func (t *tour) deadlines(ctx context.Context) (string, error) {
	config := t.config
	config.Timeout = stackTime
	l, err := dial(ctx, config)
	if err != nil {
		return "", err
	}
	defer l.Close()
	slow := client.ProviderSelector{Name: "slow"}
	if _, err := l.sum(ctx, client.ProviderSelector{}, tightTime); err != nil {
		return "", fmt.Errorf("a quick hash: %w", err)
	}
	late, refused := l.sum(ctx, slow, tightTime)
	patient, err := l.sum(ctx, slow, 0)
	if err != nil {
		return "", fmt.Errorf("300 ms of work within 500 ms: %w", err)
	}
	m, err := l.NewKeyManager(ctx, client.KeyManagerConfig{Provider: slow, Timeout: client.NoTimeout})
	if err != nil {
		return "", err
	}
	begin := time.Now()
	if _, err := m.Generate(ctx, client.GenerateParams{Algorithm: "ML-KEM-768"}); err != nil {
		return "", fmt.Errorf("generation without a deadline: %w", err)
	}
	took := time.Since(begin)
	return fmt.Sprintf("300 ms of work under 200 ms: %s after %s; under 500 ms: done after %s; ML-KEM-768 without deadline: %s",
			claviger.CodeOf(refused).Name(), milliseconds(late), milliseconds(patient), milliseconds(took)), errors.Join(
			expectCode(refused, claviger.ErrOperationTimedOut, "300 ms of work under 200 ms"),
			expect(errors.Is(refused, context.DeadlineExceeded), "the timeout is not context.DeadlineExceeded"),
			expect(late < tightTime+100*time.Millisecond, "the answer took %s", late))
}

// sum hashes a short message in a provider and says how long the hashing call took.
func (l *link) sum(ctx context.Context, p client.ProviderSelector, timeout time.Duration) (time.Duration, error) {
	h, err := l.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256", Provider: p, Timeout: timeout})
	if err != nil {
		return 0, err
	}
	defer h.Close()
	begin := time.Now()
	_, err = h.Sum(ctx, nil, []byte("quickstart"))
	return time.Since(begin), err
}
