package worker_test

import (
	"testing"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/provider/worker/workertest"
)

// BenchmarkCall is the cost of the socket pair: a MAC of a few bytes through the worker, by one caller and by many.
func BenchmarkCall(b *testing.B) {
	p := workertest.New(b, worker.Config{Name: "bench"}, workertest.Open(func() provider.Provider { return software.New() }))
	k, err := p.Generate(b.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	if err != nil {
		b.Fatal(err)
	}
	params := &provider.Params{Algorithm: "HMAC-SHA-256"}
	message := []byte("message")
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.OneShot(b.Context(), provider.MAC, params, nil, message); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := k.OneShot(b.Context(), provider.MAC, params, nil, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
