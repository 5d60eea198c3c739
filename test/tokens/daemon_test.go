package tokens

import (
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

// TestARigServes holds that both providers of a rig can be used.
func TestARigServes(t *testing.T) {
	r := Start(t, Options{})
	stack := r.Dial(t)
	infos, err := stack.Providers(t.Context())
	if err != nil || len(infos) != 2 {
		t.Fatal(infos, err)
	}
	for i, want := range []claviger.ProviderInfo{{ID: TokenID, Name: "token", Kind: claviger.Hardware}, {ID: SoftwareID, Name: "software", Kind: claviger.Software}} {
		got := infos[i]
		if got.ID != want.ID || got.Name != want.Name || got.Kind != want.Kind || !got.Available {
			t.Errorf("provider %+v, want %+v", got, want)
		}
	}
}
