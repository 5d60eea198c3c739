//go:build !nopkcs11

package main

import (
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// openToken makes a device of a PKCS #11 token, whose module is loaded when it is opened.
func openToken(s daemon.WorkerSettings) (provider.Device, error) {
	return pkcs11.New(pkcs11.Config{Module: s.Module, TokenLabel: s.Label, Serial: s.Serial, Slot: s.Slot, Sessions: s.Sessions}), nil
}
