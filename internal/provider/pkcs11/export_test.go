package pkcs11

import (
	"context"

	"github.com/claviger/claviger/internal/cryptoki"
)

// Logout logs out behind the provider's back, as a token may.
func (p *Provider) Logout() error {
	return p.pool.writer.do(context.Background(), "logout", func(s *cryptoki.Session) error { return s.Logout() })
}
