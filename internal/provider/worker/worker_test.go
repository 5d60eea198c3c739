package worker_test

import (
	"testing"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/providertest"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/provider/worker/workertest"
)

// What a provider keeps of the contract it keeps through a worker.
func TestContract(t *testing.T) {
	providertest.Test(t, func(t *testing.T) provider.Provider {
		p := workertest.New(t, worker.Config{Name: "software"}, workertest.Open(func() provider.Provider { return software.New() }))
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p
	}, providertest.Options{})
}
