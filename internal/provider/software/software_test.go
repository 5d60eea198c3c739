package software_test

import (
	"testing"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/providertest"
	"github.com/claviger/claviger/internal/provider/software"
)

// The software provider keeps the contract, for everything in the algorithm table.
func TestContract(t *testing.T) {
	providertest.Test(t, func(*testing.T) provider.Provider { return software.New() }, providertest.Options{})
}
