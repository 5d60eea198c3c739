//go:build nopkcs11

package main

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/internal/provider"
)

// openToken refuses every token: what loads its module was left out of this program, which so needs no C library.
func openToken(daemon.WorkerSettings) (provider.Device, error) {
	return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "module", "this build has no PKCS #11")
}
