package pkcs11

import (
	"context"

	"github.com/claviger/claviger/internal/cryptoki"
)

// Hold keeps what makes keys busy until release is called.
func (p *Provider) Hold() (release func()) {
	keepers := []*keeper{p.pool.writer}
	if p.pool.owner != p.pool.writer {
		keepers = append(keepers, p.pool.owner)
	}
	for _, k := range keepers {
		<-k.turn
	}
	return func() {
		for _, k := range keepers {
			k.turn <- struct{}{}
		}
	}
}

// Logout logs out behind the provider's back, as a token may.
func (p *Provider) Logout() error {
	return p.pool.writer.do(context.Background(), "logout", func(s *cryptoki.Session) error { return s.Logout() })
}
