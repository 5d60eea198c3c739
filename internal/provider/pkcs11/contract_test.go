package pkcs11_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
	"github.com/claviger/claviger/internal/provider/providertest"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/provider/worker/workertest"
	"github.com/claviger/claviger/internal/secmem"
)

// A token keeps the contract behind the daemon's end of a worker.
func TestContract(t *testing.T) {
	path := store(t)
	initialise(t, label)
	settings, err := json.Marshal(pkcs11.Config{Module: path, TokenLabel: label})
	must(t, err)
	config := worker.Config{Name: "token", Settings: settings, PIN: func() (*secmem.Bytes, error) { return secmem.From([]byte(pin)) }}
	options := providertest.Options{NoExport: true, Quick: true, Skip: providertest.LargeRSA()}
	providertest.Test(t, func(t *testing.T) provider.Provider {
		p := workertest.New(t, config, openNarrow)
		must(t, p.Ready(t.Context()))
		return p
	}, options)
}

// openNarrow opens the device that the settings name.
func openNarrow(settings []byte) (provider.Device, error) {
	var c pkcs11.Config
	err := json.Unmarshal(settings, &c)
	return narrowDevice{pkcs11.New(c)}, err
}

// narrowDevice gives a provider without what the suite wants more of than a token does: derivation after an agreement, HMAC keys shorter
// than the hash, and one tag for generic secrets and HMAC keys alike. The tests of this package hold these.
type narrowDevice struct{ provider.Device }

func (d narrowDevice) Unlock(ctx context.Context, pin []byte) (provider.Provider, error) {
	p, err := d.Device.Unlock(ctx, pin)
	if err != nil {
		return nil, err
	}
	return narrow{p.(*pkcs11.Provider)}, nil
}

type narrow struct{ *pkcs11.Provider }

func (n narrow) Mechanisms() []provider.Mechanism {
	return slices.DeleteFunc(slices.Clone(n.Provider.Mechanisms()), func(m provider.Mechanism) bool {
		return m.Op == provider.Agree || m.Algorithm == algorithm.Generic || m.Op == provider.Import && strings.HasPrefix(string(m.Algorithm), "HMAC-")
	})
}
