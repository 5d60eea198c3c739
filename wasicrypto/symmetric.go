package wasicrypto

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// symmetricFunctions is wasi_ephemeral_crypto_symmetric.
func symmetricFunctions() []function {
	return []function{
		{"symmetric_key_generate", "iiii", symmetricKeyGenerate},
		{"symmetric_key_import", "iiiii", symmetricKeyImport},
		{"symmetric_key_export", "ii", symmetricKeyExport},
		{"symmetric_key_close", "i", func(c *call) errno { return drop[*symmetricKey](&c.guest.table, c.u32(0)) }},
		{"symmetric_key_generate_managed", "iiiii", symmetricKeyGenerateManaged},
		{"symmetric_key_store_managed", "iiii", symmetricKeyStoreManaged},
		{"symmetric_key_replace_managed", "iiii", symmetricKeyReplaceManaged},
		{"symmetric_key_id", "iiiii", identifies((*call).managedSymmetric)},
		{"symmetric_key_from_id", "iiiIi", symmetricKeyFromID},
		{"symmetric_state_open", "iiiii", symmetricStateOpen},
		{"symmetric_state_options_get", "iiiiii", symmetricStateOptionsGet},
		{"symmetric_state_options_get_u64", "iiii", symmetricStateOptionsGetU64},
		{"symmetric_state_clone", "ii", single(1, stateClone)},
		{"symmetric_state_close", "i", func(c *call) errno { return drop[*symmetricState](&c.guest.table, c.u32(0)) }},
		{"symmetric_state_absorb", "iii", stateAbsorb},
		{"symmetric_state_squeeze", "iii", func(c *call) errno { _, e := stateSqueeze(c); return e }},
		{"symmetric_state_squeeze_tag", "ii", single(1, stateSqueezeTag)},
		{"symmetric_state_squeeze_key", "iiii", single(3, stateSqueezeKey)},
		{"symmetric_state_max_tag_len", "ii", single(1, stateMaxTagLen)},
		{"symmetric_state_encrypt", "iiiiii", single(5, stateEncrypt)},
		{"symmetric_state_encrypt_detached", "iiiiii", single(5, stateEncryptDetached)},
		{"symmetric_state_decrypt", "iiiiii", single(5, stateDecrypt)},
		{"symmetric_state_decrypt_detached", "iiiiiiii", single(7, stateDecryptDetached)},
		{"symmetric_state_ratchet", "i", stateRatchet},
		{"symmetric_tag_len", "ii", single(1, tagLen)},
		{"symmetric_tag_pull", "iiii", single(3, tagPull)},
		{"symmetric_tag_verify", "iii", tagVerify},
		{"symmetric_tag_close", "i", func(c *call) errno { return drop[*symmetricTag](&c.guest.table, c.u32(0)) }},
	}
}

// operation is a function with one result of 32 bits, a size or a handle, whose place it does not know: a batch has another one.
type operation func(*call) (uint32, errno)

// single makes a function of an operation, whose result goes where argument i says.
func single(i int, run operation) func(*call) errno {
	return func(c *call) errno {
		to, e := c.out(i, size32)
		if e != success {
			return e
		}
		v, e := run(c)
		if e == success {
			to.set32(v)
		}
		return e
	}
}

// symmetricKeyGenerate (algorithm, opt_options, out symmetric_key): options are not used.
func symmetricKeyGenerate(c *call) errno {
	name, e1 := c.text(0)
	to, e2 := c.out(3, size32)
	if e := first(e1, e2, c.checkOptions(2, claviger.GuestSymmetric)); e != success {
		return e
	}
	g, e := symmetricNamed(name)
	if e != success {
		return e
	}
	key, e := generateSymmetric(g, c.guest.host.config.Random)
	if e != success {
		return e
	}
	defer secmem.Wipe(key)
	k, e := newSymmetricKey(&c.guest.budget, g, key)
	if e != success {
		return e
	}
	return c.give(to, k)
}

// symmetricKeyImport (algorithm, raw, out symmetric_key).
func symmetricKeyImport(c *call) errno {
	name, e1 := c.text(0)
	raw, e2 := c.bytes(2)
	to, e3 := c.out(4, size32)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	g, e := symmetricNamed(name)
	if e != success {
		return e
	}
	k, e := newSymmetricKey(&c.guest.budget, g, raw)
	if e != success {
		return e
	}
	return c.give(to, k)
}

// symmetricKeyExport (symmetric_key, out array_output).
func symmetricKeyExport(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *symmetricKey) errno {
		raw, err := k.export(c.ctx)
		if err != nil {
			return signal(err)
		}
		return c.giveOutput(to, raw)
	})
}

// symmetricKeyGenerateManaged (secrets_manager, algorithm, opt_options, out symmetric_key).
func symmetricKeyGenerateManaged(c *call) errno {
	m, e1 := c.manager(0)
	name, e2 := c.text(1)
	to, e3 := c.out(4, size32)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	o, e4 := c.managedOptions(3, claviger.GuestSymmetric)
	g, e5 := symmetricNamed(name)
	if e := first(e4, e5, c.room()); e != success {
		return e
	}
	if g.Keyless() {
		return keyNotSupported
	}
	made, err := m.GenerateKey(c.ctx, claviger.GuestSymmetric, g.Name, o)
	if err != nil {
		return signal(err)
	}
	return c.giveManaged(to, made)
}

// giveManaged gives the guest a managed symmetric key.
func (c *call) giveManaged(to out, m claviger.ManagedKey) errno {
	k, e := managedSymmetric(m)
	if e != success {
		return e
	}
	return c.give(to, k)
}

// symmetricKeyStoreManaged (secrets_manager, symmetric_key, id buffer): a buffer of fewer than 32 bytes stores nothing. The handle stands for the
// managed key from now on, which cannot be exported.
func symmetricKeyStoreManaged(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.identifierPlace(2)
	if e := first(e1, e2); e != success {
		return e
	}
	return use(&c.guest.table, c.u32(1), func(k *symmetricKey) errno {
		id, e := k.store(c.ctx, m)
		if e == success {
			to.setIdentifier(id)
		}
		return e
	})
}

// symmetricKeyReplaceManaged (secrets_manager, old, new, out version): the new handle stands for the new version, and the old
// one is closed, as witx says. An old key that is not managed cannot be replaced: unsupported_feature.
func symmetricKeyReplaceManaged(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.out(3, size64)
	if e := first(e1, e2); e != success {
		return e
	}
	old, next := c.u32(1), c.u32(2)
	e := use2(&c.guest.table, old, next, func(o, n *symmetricKey) errno {
		was := o.isManaged()
		switch {
		case was == nil:
			return unsupportedFeature
		case o.guest != n.guest:
			return incompatibleKeys
		}
		version, e := n.replace(c.ctx, m, was.ID())
		if e == success {
			to.set64(version)
		}
		return e
	})
	if e == success && old != next {
		drop[*symmetricKey](&c.guest.table, old)
	}
	return e
}

// managedSymmetric calls with the managed key of the symmetric key at argument 0, nil for a local one.
func (c *call) managedSymmetric(with func(claviger.ManagedKey) errno) errno {
	return use(&c.guest.table, c.u32(0), func(k *symmetricKey) errno { return with(k.isManaged()) })
}

// symmetricKeyFromID (secrets_manager, id, version, out symmetric_key): an exact version or the latest.
func symmetricKeyFromID(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.out(4, size32)
	id, e3 := c.identifier(1)
	if e := first(e1, e2, e3, c.room()); e != success {
		return e
	}
	if !readable(c.u64(3)) {
		return notFound
	}
	k, err := m.OpenKey(c.ctx, id, c.u64(3))
	if err != nil {
		return signal(err)
	}
	return c.giveManaged(to, k)
}
