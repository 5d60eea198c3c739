package client

import (
	"errors"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

func TestEndpointIsAURIOrAPath(t *testing.T) {
	t.Setenv(socketVariable, "")
	for _, c := range []struct{ endpoint, want string }{
		{"unix:///var/run/crypto-daemon.sock", "/var/run/crypto-daemon.sock"},
		{"/tmp/s", "/tmp/s"},
		{"s", "s"},
		{"unix:///a%20b", "/a%20b"},
		{"", defaultSocket},
	} {
		if got, err := socketPath(c.endpoint); err != nil || got != c.want {
			t.Errorf("socketPath(%q) = %q, %v; want %q", c.endpoint, got, err, c.want)
		}
	}
	t.Setenv(socketVariable, "unix:///from/environment")
	if got, err := socketPath(""); err != nil || got != "/from/environment" {
		t.Errorf("with the variable set: %q, %v", got, err)
	}
}

func TestEndpointRefusesWhatIsNoPath(t *testing.T) {
	for _, endpoint := range []string{"unix://", "unix://relative", "http://localhost", "@abstract", "/a\x00b", "/" + strings.Repeat("x", maxSocketPath)} {
		if _, err := socketPath(endpoint); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("socketPath(%.20q) = %v; want ErrInvalidArgument", endpoint, err)
		}
	}
}

func TestDaemonUIDComesFromTheEnvironment(t *testing.T) {
	own := uint32(7)
	t.Setenv(ownerVariable, "")
	if got, err := daemonUID(nil); err != nil || got != nil {
		t.Errorf("without the variable: %v, %v", got, err)
	}
	t.Setenv(ownerVariable, "61001")
	if got, err := daemonUID(nil); err != nil || got == nil || *got != 61001 {
		t.Errorf("with the variable: %v, %v", got, err)
	}
	if got, err := daemonUID(&own); err != nil || got != &own {
		t.Errorf("a configured user gives way to the variable: %v, %v", got, err)
	}
	for _, text := range []string{"claviger", "-1", "4294967296", "1 "} {
		t.Setenv(ownerVariable, text)
		if _, err := daemonUID(nil); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("%q: %v; want ErrInvalidArgument", text, err)
		}
	}
}
