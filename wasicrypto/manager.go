package wasicrypto

import (
	"context"

	"github.com/claviger/claviger"
)

// secretsManager is an open secrets manager. It holds nothing: keys and secrets that came through it know their keeper
// themselves and outlive it.
type secretsManager struct{ Managed }

func (*secretsManager) close() {}

// manager gives the keeper behind the secrets_manager at argument i: unsupported_feature on a host without one, whatever
// the handle.
func (c *call) manager(i int) (m Managed, e errno) {
	if !c.guest.host.config.keeps() {
		return nil, unsupportedFeature
	}
	e = use(&c.guest.table, c.u32(i), func(s *secretsManager) errno {
		m = s.Managed
		return success
	})
	return m, e
}

// identifierSize is the length of the identifier of a managed key or of a secret, in bytes: 32 lower-case hexadecimal characters.
const identifierSize = 32

// identifier reads the identifier at argument i, without the zero bytes that may stand behind it. What cannot be one is not_found.
func (c *call) identifier(i int) (string, errno) {
	b, e := c.bytes(i)
	if e != success {
		return "", e
	}
	if len(b) < identifierSize {
		return "", notFound
	}
	for _, pad := range b[identifierSize:] {
		if pad != 0 {
			return "", notFound
		}
	}
	return string(b[:identifierSize]), success
}

// identifierPlace gives the buffer for an identifier at argument i: overflow if it is too small.
func (c *call) identifierPlace(i int) (out, errno) {
	b, e := c.bytes(i)
	if e == success && len(b) < identifierSize {
		e = overflow
	}
	return out(b), e
}

// setIdentifier stores an identifier, and zero bytes in the rest of a longer buffer: the store functions tell no length.
func (o out) setIdentifier(id string) { clear(o[copy(o, id):]) }

// readable reports whether a version can be asked for: an exact one or the latest.
func readable(version uint64) bool {
	return version != claviger.UnspecifiedVersion && version != claviger.AllVersions
}

// invalidates makes secrets_manager_invalidate or external_secret_invalidate (secrets_manager, identifier, version) of what the keeper does: an
// exact version, the latest or all; not_found for the unspecified one.
func invalidates(run func(m Managed, ctx context.Context, id string, version uint64) error) func(*call) errno {
	return func(c *call) errno {
		m, e1 := c.manager(0)
		id, e2 := c.identifier(1)
		if e := first(e1, e2); e != success {
			return e
		}
		if c.u64(3) == claviger.UnspecifiedVersion {
			return notFound
		}
		return signal(run(m, c.ctx, id, c.u64(3)))
	}
}

// identifies makes keypair_id or symmetric_key_id (key, id buffer, out size, out version) of what finds the key at argument 0 and calls with its
// managed key, nil for one that is not managed: that has an identifier of no bytes and the unspecified version. overflow for a buffer that is
// too small.
func identifies(find func(c *call, with func(claviger.ManagedKey) errno) errno) func(*call) errno {
	return func(c *call) errno {
		to, e1 := c.bytes(1)
		size, e2 := c.out(3, size32)
		version, e3 := c.out(4, size64)
		if e := first(e1, e2, e3); e != success {
			return e
		}
		return find(c, func(k claviger.ManagedKey) errno {
			id, v := "", claviger.UnspecifiedVersion
			if k != nil {
				id, v = k.ID(), k.Version()
			}
			if len(id) > len(to) {
				return overflow
			}
			size.set32(uint32(copy(to, id)))
			version.set64(v)
			return success
		})
	}
}
