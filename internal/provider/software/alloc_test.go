package software_test

import (
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
)

// small is a call that a caller makes again and again.
type small struct {
	name    string
	o       provider.Operator
	op      provider.Op
	params  *provider.Params
	dst, in []byte
}

func smallCalls(t testing.TB) []small {
	t.Helper()
	p := software.New()
	made := func(alg claviger.Algorithm) provider.Key {
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: alg})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		return k
	}
	aes, mac := made("AES-256"), made("HMAC-SHA-256")
	gcm := &provider.Params{Algorithm: "AES-256-GCM", IV: make([]byte, 12), AAD: make([]byte, 16)}
	sealed, err := aes.OneShot(t.Context(), provider.Encrypt, gcm, nil, make([]byte, 1024))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 2048)
	return []small{
		{"SHA-256 of 32 bytes", p, provider.Hash, &provider.Params{Algorithm: "SHA-256"}, dst, make([]byte, 32)},
		{"SHA3-256 of 32 bytes", p, provider.Hash, &provider.Params{Algorithm: "SHA3-256"}, dst, make([]byte, 32)},
		{"HMAC-SHA-256 of 32 bytes", mac, provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"}, dst, make([]byte, 32)},
		{"AES-256-GCM of 1 KiB", aes, provider.Encrypt, gcm, dst, make([]byte, 1024)},
		{"AES-256-GCM open of 1 KiB", aes, provider.Decrypt, gcm, dst, sealed},
		{"32 random bytes", p, provider.Random, &provider.Params{Algorithm: "RANDOM", Size: 32}, dst, nil},
	}
}

// Small calls into a buffer that is large enough allocate nothing.
func TestSmallCallsAllocateNothing(t *testing.T) {
	for _, c := range smallCalls(t) {
		ctx := t.Context()
		n := testing.AllocsPerRun(200, func() {
			if _, err := c.o.OneShot(ctx, c.op, c.params, c.dst, c.in); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 && !raceEnabled {
			t.Errorf("%s: %.1f allocations", c.name, n)
		}
	}
}

// An open stream that is reset allocates nothing either.
func TestStreamReuseAllocatesNothing(t *testing.T) {
	for _, c := range smallCalls(t)[:3] {
		ctx := t.Context()
		stream, err := c.o.Begin(ctx, c.op, c.params)
		if err != nil {
			t.Fatal(err)
		}
		n := testing.AllocsPerRun(200, func() {
			stream.Update(ctx, c.dst, c.in)
			if _, err := stream.Finish(ctx, c.dst, nil); err != nil {
				t.Fatal(err)
			}
			if err := stream.Reset(ctx, nil); err != nil {
				t.Fatal(err)
			}
		})
		stream.Close()
		if n != 0 && !raceEnabled {
			t.Errorf("%s: %.1f allocations", c.name, n)
		}
	}
}

func BenchmarkSmall(b *testing.B) {
	for _, c := range smallCalls(b) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.in)))
			ctx := b.Context()
			for b.Loop() {
				if _, err := c.o.OneShot(ctx, c.op, c.params, c.dst, c.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	p := software.New()
	for _, c := range []struct{ key, algorithm claviger.Algorithm }{
		{"ECDSA-P256", "ECDSA-P256-SHA-256"}, {"Ed25519", "Ed25519"}, {"ML-DSA-65", "ML-DSA-65"}, {"RSA-2048", "RSA-PSS-SHA-256"},
	} {
		b.Run(string(c.algorithm), func(b *testing.B) {
			k, err := p.Generate(b.Context(), provider.Spec{Algorithm: c.key})
			if err != nil {
				b.Fatal(err)
			}
			defer k.Close()
			b.ReportAllocs()
			params, dst, in := &provider.Params{Algorithm: c.algorithm}, make([]byte, 0, 5000), make([]byte, 32)
			for b.Loop() {
				if _, err := k.OneShot(b.Context(), provider.Sign, params, dst, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
