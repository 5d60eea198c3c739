package main

import (
	"crypto/mlkem"
	"slices"
	"time"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/link/linkbench"
)

// lattices compare with the library that Go programs would use, and with the one that the daemon uses: how much faster
// the second is than the first depends on the processor.
func (b *bench) lattices(message []byte) error {
	if err := b.mldsa(message); err != nil {
		return err
	}
	return b.mlkem()
}

// mldsa measures signatures of ML-DSA-65.
func (b *bench) mldsa(message []byte) error {
	const name = "ML-DSA-65 sign"
	usual, err := mldsa.GenerateKey(mldsa.MLDSA65())
	if err != nil {
		return err
	}
	_, same, err := mldsa65.GenerateKey(nil)
	if err != nil {
		return err
	}
	sign, err := b.sign("ML-DSA-65", "ML-DSA-65")
	if err != nil {
		return err
	}
	if err := b.latency(name, "in process, filippo.io/mldsa", "<= 0.4", sign, func() error {
		_, err := usual.Sign(nil, message, nil)
		return err
	}); err != nil {
		return err
	}
	signature := make([]byte, mldsa65.SignatureSize)
	return b.latency(name, "in process, circl", "<= 1.3", sign, func() error { return mldsa65.SignTo(same, message, nil, true, signature) })
}

// mlkem measures decapsulations of ML-KEM-768, which give a key; and with that key given back at once.
func (b *bench) mlkem() error {
	const name = "ML-KEM-768 decapsulate to a key"
	usual, err := mlkem.GenerateKey768()
	if err != nil {
		return err
	}
	_, ciphertext := usual.EncapsulationKey().Encapsulate()
	decapsulate := func() error { _, err := usual.Decapsulate(ciphertext); return err }
	public, same, err := mlkem768.GenerateKeyPair(nil)
	if err != nil {
		return err
	}
	scheme := mlkem768.Scheme()
	other, _, err := scheme.Encapsulate(public)
	if err != nil {
		return err
	}
	km, open, err := b.decapsulate()
	if err != nil {
		return err
	}
	alone := b.releasing(open)
	if err := b.compare(name, "in process, crypto/mlkem", "<= 0.8", microseconds, alone, b.p50(false, decapsulate)); err != nil {
		return err
	}
	if err := b.compare(name, "in process, circl", "<= 3", microseconds, alone,
		b.p50(false, func() error { _, err := scheme.Decapsulate(same, other); return err })); err != nil {
		return err
	}
	defer km.Close()
	return b.latency(name+", and release it", "in process, crypto/mlkem", "", func() error {
		key, err := open()
		if err != nil {
			return err
		}
		return key.Close()
	}, decapsulate)
}

// releasing is the median latency in nanoseconds of a call that makes a key; giving the key back is not in it.
func (b *bench) releasing(open func() (*client.Key, error)) side {
	return func(span time.Duration) (float64, error) {
		var all linkbench.Times
		for begin := time.Now(); time.Since(begin) < span; {
			start := time.Now()
			key, err := open()
			took := time.Since(start)
			if err == nil {
				err = key.Close()
			}
			if err != nil {
				return 0, err
			}
			all = append(all, took)
		}
		slices.Sort(all)
		return float64(all.Quantile(0.5)), nil
	}
}

// decapsulate gives a call that makes a key of a ciphertext.
func (b *bench) decapsulate() (*client.KeyManager, func() (*client.Key, error), error) {
	km, pair, err := b.generate("ML-KEM-768")
	if err != nil {
		return nil, nil, err
	}
	key, ciphertext, err := km.Encapsulate(b.ctx, client.EncapsulateParams{Key: pair})
	if err != nil {
		return nil, nil, err
	}
	if err := key.Close(); err != nil {
		return nil, nil, err
	}
	return km, func() (*client.Key, error) {
		return km.Decapsulate(b.ctx, client.DecapsulateParams{Key: pair, Ciphertext: ciphertext})
	}, nil
}
