package wasicrypto

import (
	"crypto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// asymmetricFunctions is wasi_ephemeral_crypto_asymmetric_common.
func asymmetricFunctions() []function {
	return []function{
		{"keypair_generate", "iiiii", keypairGenerate},
		{"keypair_import", "iiiiiii", keypairImport},
		{"keypair_generate_managed", "iiiiii", keypairGenerateManaged},
		{"keypair_store_managed", "iiii", keypairStoreManaged},
		{"keypair_replace_managed", "iiii", keypairReplaceManaged},
		{"keypair_id", "iiiii", identifies((*call).managedPair)},
		{"keypair_from_id", "iiiIi", keypairFromID},
		{"keypair_from_pk_and_sk", "iii", keypairFromHalves},
		{"keypair_export", "iii", keypairExport},
		{"keypair_publickey", "ii", keypairPublickey},
		{"keypair_secretkey", "ii", keypairSecretkey},
		{"keypair_close", "i", func(c *call) errno { return drop[*keyPair](&c.guest.table, c.u32(0)) }},
		{"publickey_import", "iiiiiii", publickeyImport},
		{"publickey_export", "iii", publickeyExport},
		{"publickey_verify", "i", publickeyVerify},
		{"publickey_from_secretkey", "ii", publickeyFromSecretkey},
		{"publickey_close", "i", func(c *call) errno { return drop[*publicKey](&c.guest.table, c.u32(0)) }},
		{"secretkey_import", "iiiiiii", secretkeyImport},
		{"secretkey_export", "iii", secretkeyExport},
		{"secretkey_close", "i", func(c *call) errno { return drop[*secretKey](&c.guest.table, c.u32(0)) }},
	}
}

// pairAlgorithm reads an algorithm of pairs: its family is argument i, its name the two that
// follow. The symmetric family is invalid_operation, an unknown family or name
// unsupported_algorithm.
func (c *call) pairAlgorithm(i int) (*algorithm.Guest, errno) {
	n, ok := c.u16(i)
	name, e := c.text(i + 1)
	family := claviger.GuestType(n)
	switch {
	case e != success:
		return nil, e
	case !ok || family > claviger.GuestKeyExchange:
		return nil, unsupportedAlgorithm
	case family == claviger.GuestSymmetric:
		return nil, invalidOperation
	}
	g, ok := algorithm.LookupGuest(family, name)
	if !ok {
		return nil, unsupportedAlgorithm
	}
	return g, success
}

// keypairGenerate (algorithm_type, algorithm, opt_options, out keypair): options of the family
// are accepted, none is used. The pair comes from the system's generator, and its key is parsed
// once, here. Errors: those of pairAlgorithm; invalid_handle for options of another family;
// rng_error; too_many_handles and overflow, before and after the work.
func keypairGenerate(c *call) errno {
	to, e1 := c.out(4, size32)
	g, e2 := c.pairAlgorithm(0)
	if e := first(e1, e2); e != success {
		return e
	}
	if e := first(c.checkOptions(3, g.Type), c.room()); e != success {
		return e
	}
	key, err := g.Key.GeneratePair()
	if err != nil {
		return rngError
	}
	p, err := newLocal(&c.guest.budget, g, key)
	return c.givePair(to, p, err)
}

// importing reads the arguments of the three import functions: algorithm_type, algorithm,
// encoded, encoding, out. The caller wipes data.
func (c *call) importing() (to out, g *algorithm.Guest, data []byte, e errno) {
	to, e1 := c.out(6, size32)
	g, e2 := c.pairAlgorithm(0)
	data, e3 := c.encoded(3)
	return to, g, data, first(e1, e2, e3)
}

// keypairImport (algorithm_type, algorithm, encoded, encoding, out keypair): the encodings are
// those of pairForm and layout. Errors: those of pairAlgorithm; unsupported_encoding;
// invalid_key for what is no pair of the algorithm, RSA keys of another modulus than the name
// says included.
func keypairImport(c *call) errno {
	to, g, data, e := c.importing()
	defer secmem.Wipe(data)
	if e != success {
		return e
	}
	key, err := decodePrivate(g, pairForm(c.u16(5)), true, data)
	if err != nil {
		return signal(err)
	}
	p, err := newLocal(&c.guest.budget, g, key)
	return c.givePair(to, p, err)
}

// keypairFromHalves (publickey, secretkey, out keypair): halves of two algorithms or of two
// pairs are incompatible_keys.
func keypairFromHalves(c *call) errno {
	to, e := c.out(2, size32)
	if e != success {
		return e
	}
	return use2(&c.guest.table, c.u32(0), c.u32(1), func(pk *publicKey, sk *secretKey) errno {
		if pk.guest != sk.private.guest || !samePublic(pk.guest, pk.key, sk.private.public) {
			return incompatibleKeys
		}
		return c.givePair(to, sk.private.share(), nil)
	})
}

// samePublic compares two public keys of an algorithm by their encodings.
func samePublic(g *algorithm.Guest, a, b crypto.PublicKey) bool {
	x, err := g.Key.MarshalPublic(a)
	if err != nil {
		return false
	}
	y, err := g.Key.MarshalPublic(b)
	return err == nil && string(x) == string(y)
}

// keypairExport (keypair, encoding, out array_output): prohibited_operation for a managed pair,
// unless it was made exportable.
func keypairExport(c *call) errno {
	to, e := c.out(2, size32)
	if e != success {
		return e
	}
	return c.pair(0, func(p *private) errno { return c.exportPrivate(to, p, pairForm(c.u16(1)), true) })
}

// exportPrivate gives the guest a secret key, or a whole pair: an encoding that the key does
// not have is unsupported_encoding also where an export is prohibited.
func (c *call) exportPrivate(to out, p *private, f form, whole bool) errno {
	if _, _, err := layoutOf(p.guest).document(f); err != nil {
		return signal(err)
	}
	data, err := p.withKey(c.ctx, func(key crypto.PrivateKey) ([]byte, error) { return encodePrivate(p.guest, f, whole, key) })
	if err != nil {
		return signal(err)
	}
	return c.giveOutput(to, data)
}

// keypairPublickey (keypair, out publickey): the handle is the caller's to close, and outlives
// the pair.
func keypairPublickey(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return c.pair(0, func(p *private) errno { return c.givePublic(to, p.guest, p.public) })
}

// keypairSecretkey (keypair, out secretkey): that of a managed pair stays with its keeper, and
// is used there. The handle outlives the pair.
func keypairSecretkey(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return c.pair(0, func(p *private) errno { return c.give(to, &secretKey{p.share()}) })
}

// publickeyImport (algorithm_type, algorithm, encoded, encoding, out publickey): points are on
// their curves; what else makes a key unfit is for publickey_verify to say.
func publickeyImport(c *call) errno {
	to, g, data, e := c.importing()
	if e != success {
		return e
	}
	key, err := decodePublic(g, halfForm(c.u16(5)), data)
	if err != nil {
		return signal(err)
	}
	return c.givePublic(to, g, key)
}

// publickeyExport (publickey, encoding, out array_output): unsupported_encoding for an encoding
// that such keys do not have. The SEC form of a point is always the uncompressed one, the raw
// form the compressed one.
func publickeyExport(c *call) errno {
	to, e := c.out(2, size32)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *publicKey) errno {
		data, err := encodePublic(k.guest, halfForm(c.u16(1)), k.key)
		if err != nil {
			return signal(err)
		}
		return c.giveOutput(to, data)
	})
}

// publickeyVerify (publickey): invalid_key for one that is not canonical or not safe to use.
func publickeyVerify(c *call) errno {
	return use(&c.guest.table, c.u32(0), func(k *publicKey) errno { return signal(k.guest.Key.CheckPublic(k.key)) })
}

// publickeyFromSecretkey (secretkey, out publickey): costs nothing, because the public half was
// computed with the secret one, and works for managed keys as well.
func publickeyFromSecretkey(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *secretKey) errno { return c.givePublic(to, k.private.guest, k.private.public) })
}

// secretkeyImport (algorithm_type, algorithm, encoded, encoding, out secretkey): errors as for
// keypairImport. The copy of the encoding is wiped.
func secretkeyImport(c *call) errno {
	to, g, data, e := c.importing()
	defer secmem.Wipe(data)
	if e != success {
		return e
	}
	key, err := decodePrivate(g, halfForm(c.u16(5)), false, data)
	if err != nil {
		return signal(err)
	}
	p, err := newLocal(&c.guest.budget, g, key)
	if err != nil {
		return signal(err)
	}
	return c.give(to, &secretKey{p})
}

// secretkeyExport (secretkey, encoding, out array_output): prohibited_operation for that of a
// managed pair, unless it was made exportable.
func secretkeyExport(c *call) errno {
	to, e := c.out(2, size32)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *secretKey) errno {
		return c.exportPrivate(to, k.private, halfForm(c.u16(1)), false)
	})
}
