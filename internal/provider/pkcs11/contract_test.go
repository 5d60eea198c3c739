package pkcs11_test

import (
	"encoding/json"
	"testing"

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
	options := providertest.Options{NoExport: true, Quick: true, NoShortCodeKeys: true, Skip: providertest.LargeRSA()}
	providertest.Test(t, func(t *testing.T) provider.Provider {
		p := behind(t, pkcs11.Config{Module: path, TokenLabel: label})
		must(t, p.Ready(t.Context()))
		return p
	}, options)
}

// behind gives a token behind the daemon's end of a worker.
func behind(t testing.TB, c pkcs11.Config) *worker.Provider {
	t.Helper()
	settings, err := json.Marshal(c)
	must(t, err)
	return workertest.New(t, worker.Config{Name: "token", Settings: settings, PIN: func() (*secmem.Bytes, error) { return secmem.From([]byte(pin)) }}, opener)
}

// opener makes the device that the settings name.
func opener(settings []byte) (provider.Device, error) {
	var c pkcs11.Config
	err := json.Unmarshal(settings, &c)
	return pkcs11.New(c), err
}
