package wasicrypto

import (
	"encoding/binary"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// exchangeFunctions is wasi_ephemeral_crypto_kx.
func exchangeFunctions() []function {
	return []function{
		{"kx_dh", "iii", exchangeDH},
		{"kx_encapsulate", "iii", exchangeEncapsulate},
		{"kx_decapsulate", "iiii", exchangeDecapsulate},
	}
}

// encapsulates checks that an algorithm is a KEM: a key for signatures is invalid_key, one for
// Diffie-Hellman invalid_operation.
func encapsulates(g *algorithm.Guest) errno {
	switch {
	case g.Type != claviger.GuestKeyExchange:
		return invalidKey
	case g.Use.Family != algorithm.FamilyKEM:
		return invalidOperation
	}
	return success
}

// exchangeDH (publickey, secretkey, out array_output): the raw shared secret, which is the x
// coordinate, big-endian, on a prime curve; the hash in the names of those algorithms is not
// applied. A key for signatures is invalid_key, keys of a KEM are invalid_operation. Keys of
// two algorithms are incompatible_keys, a public key that gives no secret, being of low order,
// is invalid_key.
func exchangeDH(c *call) errno {
	to, e := c.out(2, size32)
	if e != success {
		return e
	}
	return use2(&c.guest.table, c.u32(0), c.u32(1), func(pk *publicKey, sk *secretKey) errno {
		switch g := sk.private.guest; {
		case pk.guest.Type != claviger.GuestKeyExchange || g.Type != claviger.GuestKeyExchange:
			return invalidKey
		case pk.guest != g:
			return incompatibleKeys
		case g.Use.Family != algorithm.FamilyAgreement:
			return invalidOperation
		}
		secret, err := sk.private.agree(c.ctx, pk)
		if err != nil {
			return signal(err)
		}
		return c.giveOutput(to, secret)
	})
}

// exchangeEncapsulate (publickey, out secret, out encapsulated secret): both array_outputs or
// none. Errors: those of encapsulates, too_many_handles.
func exchangeEncapsulate(c *call) errno {
	toSecret, e1 := c.out(1, size32)
	toCiphertext, e2 := c.out(2, size32)
	if e := first(e1, e2); e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *publicKey) errno {
		if e := encapsulates(k.guest); e != success {
			return e
		}
		ciphertext, secret, err := k.guest.Use.Encapsulate(k.key)
		if err != nil {
			return signal(err)
		}
		handle := make(out, size32)
		if e := c.giveOutput(handle, secret); e != success {
			return e
		}
		if e := c.giveOutput(toCiphertext, ciphertext); e != success {
			drop[*arrayOutput](&c.guest.table, binary.LittleEndian.Uint32(handle))
			return e
		}
		copy(toSecret, handle)
		return success
	})
}

// exchangeDecapsulate (secretkey, encapsulated secret, out secret): verification_failed for
// what cannot be opened. An altered one of the right length gives another secret instead, as
// ML-KEM has it (FIPS 203 section 6.3).
func exchangeDecapsulate(c *call) errno {
	ciphertext, e1 := c.encoded(1)
	to, e2 := c.out(3, size32)
	if e := first(e1, e2); e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *secretKey) errno {
		g := k.private.guest
		if e := encapsulates(g); e != success {
			return e
		}
		if len(ciphertext) != g.Use.Ciphertext {
			return verificationFailed
		}
		secret, err := k.private.decapsulate(c.ctx, ciphertext)
		switch {
		case errors.Is(err, claviger.ErrKeyAgreementFailed):
			return verificationFailed
		case err != nil:
			return signal(err)
		}
		return c.giveOutput(to, secret)
	})
}
