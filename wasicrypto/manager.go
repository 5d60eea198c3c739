package wasicrypto

import "github.com/claviger/claviger"

// secretsManager is an open secrets manager. It holds nothing: keys and secrets that came through it know their keeper
// themselves and outlive it.
type secretsManager struct{ Managed }

func (*secretsManager) close() {}

// manager gives the keeper behind the secrets_manager at argument i: unsupported_feature on a host without one, whatever
// the handle.
func (c *call) manager(i int) (m Managed, e errno) {
	if c.guest.host.config.Managed == nil {
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
