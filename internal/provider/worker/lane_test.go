package worker_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/provider/worker/workertest"
)

// owned notes whose streams are opened.
type owned struct {
	provider.Provider
	mu    sync.Mutex
	lanes []string // guarded by mu
}

// Begin notes.
func (o *owned) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	o.mu.Lock()
	o.lanes = append(o.lanes, params.Lane)
	o.mu.Unlock()
	return o.Provider.Begin(ctx, op, params)
}

// A device is told whose stream it opens, also where that is one of a long message; of a caller who is not known it is told nothing.
func TestADeviceKnowsWhoseAStreamIs(t *testing.T) {
	o := &owned{Provider: software.New()}
	p := workertest.New(t, worker.Config{Name: "token"}, workertest.Open(func() provider.Provider { return o }))
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	params := &provider.Params{Algorithm: "SHA-256"}
	of := func(name string) context.Context { return provider.WithPark(t.Context(), name, func() {}) }
	for _, ctx := range []context.Context{of("one"), t.Context(), of("two")} {
		s, err := p.Begin(ctx, provider.Hash, params)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if _, err := p.OneShot(of("three"), provider.Hash, params, nil, make([]byte, 2<<20)); err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if want := []string{"one", "", "two", "three"}; !slices.Equal(o.lanes, want) {
		t.Errorf("the streams are of %q, want %q", o.lanes, want)
	}
}
