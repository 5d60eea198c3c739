package wasicrypto

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// secretFunctions is wasi_ephemeral_crypto_external_secrets.
func secretFunctions() []function {
	return []function{
		{"external_secret_store", "iiiIii", externalSecretStore},
		{"external_secret_replace", "iiiIiii", externalSecretReplace},
		{"external_secret_from_id", "iiiIi", externalSecretFromID},
		{"external_secret_invalidate", "iiiI", invalidates(Managed.Invalidate)},
		{"external_secret_encapsulate", "iiiIi", externalSecretEncapsulate},
		{"external_secret_decapsulate", "iiii", externalSecretDecapsulate},
	}
}

// capsuleSlack is how many bytes a capsule may be longer than the longest secret.
const capsuleSlack = 4 << 10

// secret reads the secret at argument i: overflow if it is longer than claviger.MaxSecret.
func (c *call) secret(i int) ([]byte, errno) {
	b, e := c.bytes(i)
	if e == success && len(b) > claviger.MaxSecret {
		e = overflow
	}
	return b, e
}

// externalSecretStore (secrets_manager, secret, expiration, secret_id buffer): a buffer of fewer than 32 bytes stores nothing.
func externalSecretStore(c *call) errno {
	m, e1 := c.manager(0)
	secret, e2 := c.secret(1)
	to, e3 := c.identifierPlace(4)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	id, err := m.Put(c.ctx, secret, c.u64(3))
	if err != nil {
		return signal(err)
	}
	to.setIdentifier(id)
	return success
}

// externalSecretReplace (secrets_manager, secret, expiration, secret_id, out version).
func externalSecretReplace(c *call) errno {
	m, e1 := c.manager(0)
	secret, e2 := c.secret(1)
	to, e3 := c.out(6, size64)
	id, e4 := c.identifier(4)
	if e := first(e1, e2, e3, e4); e != success {
		return e
	}
	version, err := m.Replace(c.ctx, id, secret, c.u64(3))
	if err != nil {
		return signal(err)
	}
	to.set64(version)
	return success
}

// externalSecretFromID (secrets_manager, secret_id, version, out array_output).
func externalSecretFromID(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.out(4, size32)
	id, e3 := c.identifier(1)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	if !readable(c.u64(3)) {
		return notFound
	}
	secret, err := m.Get(c.ctx, id, c.u64(3))
	return c.giveSecret(to, secret, err)
}

// externalSecretEncapsulate (secrets_manager, secret, expiration, out array_output).
func externalSecretEncapsulate(c *call) errno {
	m, e1 := c.manager(0)
	secret, e2 := c.secret(1)
	to, e3 := c.out(4, size32)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	capsule, err := m.Seal(c.ctx, secret, c.u64(3))
	if err != nil {
		return signal(err)
	}
	return c.giveOutput(to, capsule)
}

// externalSecretDecapsulate (secrets_manager, capsule, out array_output).
func externalSecretDecapsulate(c *call) errno {
	m, e1 := c.manager(0)
	capsule, e2 := c.bytes(1)
	to, e3 := c.out(3, size32)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	if len(capsule) > claviger.MaxSecret+capsuleSlack {
		return verificationFailed
	}
	secret, err := m.Open(c.ctx, capsule)
	return c.giveSecret(to, secret, err)
}

// giveSecret gives the guest what was read, or the errno of why not.
func (c *call) giveSecret(to out, s claviger.Secret, err error) errno {
	if err != nil {
		secmem.Wipe(s.Value)
		return signal(err)
	}
	return c.giveOutput(to, s.Value)
}
