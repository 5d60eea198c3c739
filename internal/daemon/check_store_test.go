package daemon_test

import (
	"strings"
	"testing"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/daemon"
)

// TestCheckLiveFindsSlotsThatHoldSomethingElse: the file says one thing, and the store has keys of another algorithm or provider.
func TestCheckLiveFindsSlotsThatHoldSomethingElse(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"ECDSA-P256"`, `"ECDSA-P384"`, `.algorithm: the slot holds keys of ECDSA-P256; clear it before it is for keys of ECDSA-P384`},
		{"id   = 2", "id   = 3", `.providers: the slot holds keys of provider 2, and no provider has that number`},
		{"id    = 5", "id    = 6", ""},
	} {
		file := write(t, `"sign"`)
		d := start(t, load(t, file))
		_, scope := dial(t, load(t, file).Daemon.Socket)
		keyIn(t, scope, "Key", client.GenerateParams{})
		check(t, d.Close())
		rewrite(t, file, c.old, c.new)
		if _, err := daemon.CheckLive(t.Context(), load(t, file), ""); (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), `slot "signing"`+c.want) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
}
