package wasicrypto

import (
	"testing"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
)

// daemonKeeper gives the secrets of a stack over a daemon in this process, with a store of its own.
func daemonKeeper(t *testing.T) Managed {
	t.Helper()
	stack, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Client: client.Config{Timeout: daemontest.Patience}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	})
	return stack.Secrets()
}
