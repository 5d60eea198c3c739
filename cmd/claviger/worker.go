package main

import (
	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/sandbox"
)

// ownWorker is the command line of a worker of this program, also when its file has been replaced since it began.
func ownWorker() []string { return []string{"", "worker"} }

// workerCommand is the process that works with one token, which the daemon starts. It is confined before it does anything.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.started = true
			conn, _, err := sandbox.Enter()
			if err != nil {
				return err
			}
			return worker.Serve(conn, openDevice)
		},
	}
}

// openDevice makes the device that the daemon's settings name.
func openDevice(text []byte) (provider.Device, error) {
	settings, err := daemon.ReadSettings(text)
	switch {
	case err != nil:
		return nil, err
	case settings.Kind == config.PKCS11:
		return openToken(settings)
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "worker", "there are no devices of kind %q", claviger.Clip(string(settings.Kind)))
}
