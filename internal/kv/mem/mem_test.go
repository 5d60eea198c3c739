package mem

import (
	"testing"

	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/kvtest"
)

func TestContract(t *testing.T) {
	kvtest.Test(t, func(*testing.T) kv.Store { return New() })
}
