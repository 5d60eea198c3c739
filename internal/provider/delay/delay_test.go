package delay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/delay"
	"github.com/claviger/claviger/internal/provider/providertest"
	"github.com/claviger/claviger/internal/provider/software"
)

// Without a delay the contract holds as in the provider within.
func TestContract(t *testing.T) {
	providertest.Test(t, func(*testing.T) provider.Provider { return delay.New(software.New()) },
		providertest.Options{Quick: true, Skip: providertest.LargeRSA()})
}

// Nothing is cheap here: the rooms above run all of it where a hanging call holds up
// nobody.
func TestAllIsForThePool(t *testing.T) {
	p := delay.New(software.New())
	defer p.Close()
	for _, m := range p.Mechanisms() {
		if m.Cost != provider.Pool {
			t.Errorf("%s %s is inline", m.Op, m.Algorithm)
		}
	}
	for _, m := range software.New().Mechanisms() {
		if m.Op == provider.Hash && m.Cost != provider.Inline {
			t.Error("the provider within has changed too")
		}
	}
}

// took gives how long f takes.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// Every operation takes the delay, whatever becomes of the context, and then succeeds.
func TestEveryOperationHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const d = 300 * time.Millisecond
		p := delay.New(software.New())
		defer p.Close()
		ready, err := p.Generate(t.Context(), provider.Spec{Algorithm: "AES-256"})
		if err != nil {
			t.Fatal(err)
		}
		defer ready.Close()
		blob, err := ready.Blob(t.Context(), provider.Tag{})
		if err != nil {
			t.Fatal(err)
		}
		defer blob.Close()
		p.SetDelay(d)
		ctx, cancel := context.WithTimeout(t.Context(), d/3)
		defer cancel()
		hash := &provider.Params{Algorithm: "SHA-256"}
		cbc := &provider.Params{Algorithm: "AES-256-CBC", IV: make([]byte, 16)}
		var stream provider.Stream
		for _, c := range []struct {
			name string
			call func() error
		}{
			{"OneShot", func() error { _, err := p.OneShot(ctx, provider.Hash, hash, nil, nil); return err }},
			{"OneShot of a key", func() error { _, err := ready.OneShot(ctx, provider.Encrypt, cbc, nil, nil); return err }},
			{"Begin", func() (err error) { stream, err = p.Begin(ctx, provider.Hash, hash); return err }},
			{"Update", func() error { _, err := stream.Update(ctx, nil, []byte("x")); return err }},
			{"Finish", func() error { _, err := stream.Finish(ctx, nil, nil); return err }},
			{"Reset", func() error { return stream.Reset(ctx, nil) }},
			{"Generate", func() error { return closed(p.Generate(ctx, provider.Spec{Algorithm: "ML-KEM-768"})) }},
			{"Import", func() error { return closed(p.Import(ctx, provider.Spec{Algorithm: "AES-128"}, make([]byte, 16))) }},
			{"Load", func() error { return closed(p.Load(ctx, blob.Bytes())) }},
			{"Export", func() error {
				b, err := ready.Export(ctx)
				b.Close()
				return err
			}},
		} {
			var err error
			if got := took(func() { err = c.call() }); got != d || err != nil {
				t.Errorf("%s took %v, %v", c.name, got, err)
			}
		}
		stream.Close()
	})
}

func closed(k provider.Key, err error) error {
	if err != nil {
		return err
	}
	return k.Close()
}

// A shorter delay frees what hangs already; without one a context that has ended counts
// again.
func TestSetDelayFreesWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := delay.New(software.New())
		defer p.Close()
		p.SetDelay(time.Hour)
		time.AfterFunc(time.Second, func() { p.SetDelay(5 * time.Second) })
		if got := took(func() {
			if _, err := p.OneShot(t.Context(), provider.Random, &provider.Params{Algorithm: "RANDOM", Size: 8}, nil, nil); err != nil {
				t.Error(err)
			}
		}); got != 5*time.Second {
			t.Errorf("the call took %v", got)
		}
		p.SetDelay(0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Generate(ctx, provider.Spec{Algorithm: "AES-128"}); !errors.Is(err, context.Canceled) {
			t.Errorf("generating with a cancelled context: %v", err)
		}
	})
}
