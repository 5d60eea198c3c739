package wasicrypto

import "github.com/claviger/claviger"

// keypairGenerateManaged (secrets_manager, algorithm_type, algorithm, opt_options, out
// keypair): the pair is durable when this returns. It can be exported only if the option
// "exportable" says so. Errors: unsupported_feature without a keeper; those of pairAlgorithm;
// invalid_handle for options of another family; overflow over a limit of the keeper or of the
// guest, too_many_handles, both before anything is stored; what else the keeper answers, by
// errnoOf.
func keypairGenerateManaged(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.out(5, size32)
	if e := first(e1, e2); e != success {
		return e
	}
	g, e := c.pairAlgorithm(1)
	if e != success {
		return e
	}
	o, e := c.managedOptions(4, g.Type)
	if e := first(e, c.room()); e != success {
		return e
	}
	paid, e := c.pay(g)
	if e != success {
		return e
	}
	k, err := m.GenerateKey(c.ctx, g.Type, g.Name, o)
	p, err := takeManaged(paid, k, err)
	return c.givePair(to, p, err)
}

// keypairStoreManaged (secrets_manager, keypair, kp_id buffer): the handle is the managed pair
// from now on, and what was here is let go of. A buffer of fewer than 32 bytes is overflow and
// stores nothing; a longer one is filled with zero bytes. States and secret keys that came of
// the pair before go on with what they have. A pair that is managed already is
// prohibited_operation.
func keypairStoreManaged(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.identifierPlace(2)
	if e := first(e1, e2); e != success {
		return e
	}
	return use(&c.guest.table, c.u32(1), func(pair *keyPair) errno {
		pair.changing.Lock()
		defer pair.changing.Unlock()
		was := pair.take()
		defer was.release()
		paid, e := c.pay(was.guest)
		if e != success {
			return e
		}
		p, err := was.store(paid, func(material claviger.ManagedMaterial) (claviger.ManagedKey, error) {
			return m.StoreKey(c.ctx, material)
		})
		if err != nil {
			return signal(err)
		}
		to.setIdentifier(p.managed.ID())
		pair.become(p)
		return success
	})
}

// keypairReplaceManaged (secrets_manager, kp_old, kp_new, out version): the handle kp_new is
// the new version from now on, and kp_old is closed. A kp_old that is not managed has no
// versions: unsupported_feature. Two algorithms are incompatible_keys; an identifier whose
// versions are all invalidated is not_found. After an error both handles are what they were.
// Older versions stay.
func keypairReplaceManaged(c *call) errno {
	m, e1 := c.manager(0)
	to, e2 := c.out(3, size64)
	if e := first(e1, e2); e != success {
		return e
	}
	old, replacement := c.u32(1), c.u32(2)
	e := use2(&c.guest.table, old, replacement, func(before, after *keyPair) errno {
		after.changing.Lock()
		defer after.changing.Unlock()
		was, next := before.take(), after.take()
		defer was.release()
		defer next.release()
		switch {
		case was.managed == nil:
			return unsupportedFeature
		case was.guest != next.guest:
			return incompatibleKeys
		}
		p, err := c.nextVersion(m, was.managed.ID(), next)
		if err != nil {
			return signal(err)
		}
		to.set64(p.managed.Version())
		after.become(p)
		return success
	})
	if e == success && old != replacement {
		drop[*keyPair](&c.guest.table, old)
	}
	return e
}

// nextVersion makes a pair the next version of an identifier: a copy of a managed one, which
// need not come here for that, or one from here.
func (c *call) nextVersion(m Managed, id string, next *private) (*private, error) {
	paid, e := c.pay(next.guest)
	if e != success {
		return nil, e
	}
	if next.managed != nil {
		k, err := m.ReplaceKeyWith(c.ctx, id, next.managed)
		return takeManaged(paid, k, err)
	}
	return next.store(paid, func(material claviger.ManagedMaterial) (claviger.ManagedKey, error) {
		return m.ReplaceKey(c.ctx, id, material)
	})
}

// managedPair calls with the managed key of the pair at argument 0, nil for a local one.
func (c *call) managedPair(with func(claviger.ManagedKey) errno) errno {
	return c.pair(0, func(p *private) errno { return with(p.managed) })
}

// keypairFromID (secrets_manager, kp_id, version, out keypair): an exact version or the latest;
// zero bytes after the identifier do not matter. not_found for other versions, for identifiers
// that are unknown, invalidated, another tenant's, or those of a symmetric key.
func keypairFromID(c *call) errno {
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
	p, err := takeManaged(charge{}, k, err)
	if err != nil {
		return signal(err)
	}
	if e := p.charge.hold(&c.guest.budget, keyCost(p.guest)); e != success {
		p.release()
		return e
	}
	return c.givePair(to, p, nil)
}
