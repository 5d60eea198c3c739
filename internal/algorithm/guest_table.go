package algorithm

import (
	"strings"

	"github.com/claviger/claviger"
)

// maxGuestKey bounds the keys of guests whose length is open, in bytes.
const maxGuestKey = claviger.MaxSecret

// buildGuests puts the catalogue together from the table's rows.
func buildGuests() []Guest {
	var all []Guest
	for _, part := range []func() []Guest{rsaGuests, signatureGuests, hashGuests, macGuests, hkdfGuests, aeadGuests, cipherGuests, exchangeGuests} {
		all = append(all, part()...)
	}
	return all
}

// must finds a row that the catalogue is built on.
func must(name claviger.Algorithm, family Family) *Row {
	row, ok := Lookup(name, family)
	if !ok {
		panic("algorithm: the catalogue names " + string(name) + ", which the table does not have")
	}
	return row
}

// named makes a catalogue entry for a row that has no other entry in its family, so that
// every spelling of the row is one of the entry.
func named(name claviger.Algorithm, t claviger.GuestType, row *Row) Guest {
	g := Guest{Name: name, Type: t, Use: row}
	for _, n := range append([]string{string(row.Name)}, row.Aliases...) {
		if !strings.EqualFold(n, string(name)) {
			g.Aliases = append(g.Aliases, n)
		}
	}
	return g
}

// paired makes the entry of a row that works with pairs.
func paired(name claviger.Algorithm, t claviger.GuestType, row *Row) Guest {
	g := named(name, t, row)
	g.Key = must(row.Keys[0], FamilyKey)
	return g
}

// rsaGuests binds modulus, padding and hash.
func rsaGuests() []Guest {
	var all []Guest
	for _, padding := range []claviger.Algorithm{"PKCS1", "PSS"} {
		for _, bits := range rsaSizes() {
			for _, d := range digests()[:3] {
				all = append(all, Guest{Name: name("RSA_%s_%d_%s", padding, bits, plainForms(string(d.name))[0]), Type: claviger.GuestSignatures,
					Use: must("RSA-"+padding+"-"+d.name, FamilySignature), Key: must(name("RSA-%d", bits), FamilyKey)})
			}
		}
	}
	return all
}

// signatureGuests is every other signature of a pair. ECDSA has underscores in its names.
func signatureGuests() []Guest {
	var all []Guest
	for i := range table {
		r := &table[i]
		if r.Family != FamilySignature || r.Keyed() || len(r.Keys) != 1 || strings.HasPrefix(string(r.Name), "Hash") {
			continue
		}
		n := r.Name
		if strings.HasPrefix(string(n), "ECDSA-") {
			n = claviger.Algorithm(r.Aliases[len(r.Aliases)-1])
		}
		all = append(all, paired(n, claviger.GuestSignatures, r))
	}
	return all
}

// exchangeGuests is Diffie-Hellman and key encapsulation. The hash in the names of the
// curves is not applied: the secret is the x coordinate, as other hosts have it.
func exchangeGuests() []Guest {
	var all []Guest
	for _, c := range []struct{ name, row claviger.Algorithm }{
		{"P256-SHA256", "ECDH-P256"}, {"P384-SHA384", "ECDH-P384"}, {"P521-SHA512", "ECDH-P521"}, {"X25519", "X25519"}, {"X448", "X448"},
	} {
		all = append(all, paired(c.name, claviger.GuestKeyExchange, must(c.row, FamilyAgreement)))
	}
	for i := range table {
		if r := &table[i]; r.Family == FamilyKEM {
			all = append(all, paired(r.Name, claviger.GuestKeyExchange, r))
		}
	}
	return all
}

// symmetric makes a symmetric entry.
func symmetric(name claviger.Algorithm, row *Row, kind Kind) Guest {
	g := named(name, claviger.GuestSymmetric, row)
	g.Kind = kind
	return g
}

// hashGuests is every hash and extendable-output function. BLAKE3 may have a key (BLAKE3
// specification section 2.3). XOODYAK is offered as a session only.
func hashGuests() []Guest {
	var all []Guest
	for i := range table {
		r := &table[i]
		switch {
		case r.Family != FamilyHash || r.Name == "XOODYAK-HASH":
		case r.Name == "BLAKE3":
			g := symmetric(r.Name, r, KindXOF)
			g.KeyOptional, g.MinKey, g.MaxKey, g.DefaultKey = true, blake3Key, blake3Key, blake3Key
			all = append(all, g)
		case r.Extendable:
			all = append(all, symmetric(r.Name, r, KindXOF))
		default:
			all = append(all, symmetric(r.Name, r, KindHash))
		}
	}
	return all
}

// macGuests takes keys of any length for HMAC (RFC 2104 section 3) and KMAC (SP 800-185
// section 4), shorter ones than native programs may have: the RFCs' own examples have them.
func macGuests() []Guest {
	var all []Guest
	for i := range table {
		r := &table[i]
		if r.Family != FamilyMAC {
			continue
		}
		k := must(r.Keys[0], FamilyKey)
		g := symmetric(r.Name, r, KindMAC)
		g.MinKey, g.MaxKey, g.DefaultKey = k.MinKey, k.MaxKey, k.DefaultKey
		if strings.HasPrefix(string(r.Name), "HMAC-") {
			g = symmetric("HMAC/"+r.Digest, r, KindMAC)
		}
		if k.KeySize == 0 {
			g.MinKey, g.MaxKey, g.DefaultKey = 0, maxGuestKey, k.DefaultKey
		}
		all = append(all, g)
	}
	return all
}

// hkdfGuests is the two halves of HKDF (RFC 5869). The extracting half's key is the input
// keying material, of any length; the expanding half's is at least a hash (section 2.3).
func hkdfGuests() []Guest {
	var all []Guest
	for _, d := range digests()[:3] {
		row := must("HKDF-"+d.name, FamilyKDF)
		all = append(all,
			Guest{Name: "HKDF-EXTRACT/" + d.name, Type: claviger.GuestSymmetric, Use: row, Kind: KindExtract, MaxKey: maxGuestKey, DefaultKey: d.size, Next: "HKDF-EXPAND/" + d.name},
			Guest{Name: "HKDF-EXPAND/" + d.name, Type: claviger.GuestSymmetric, Use: row, Kind: KindExpand, MinKey: d.size, MaxKey: maxGuestKey, DefaultKey: d.size})
	}
	return all
}

// aeadGuests is every AEAD; XOODYAK is a session, with a key or without, and has a longer
// key too, as the reference implementation of wasi-crypto does.
func aeadGuests() []Guest {
	var all []Guest
	for i := range table {
		r := &table[i]
		if r.Family != FamilyAEAD {
			continue
		}
		size := must(r.Keys[0], FamilyKey).KeySize
		g := symmetric(claviger.Algorithm(strings.ToUpper(string(r.Name))), r, KindAEAD)
		g.MinKey, g.MaxKey, g.DefaultKey, g.Nonce = size, size, size, r.IV
		switch {
		case r.Name == "XOODYAK-128":
			g.Kind, g.KeyOptional, g.Nonce, g.NonceOptional = KindSession, true, 0, true
			all = append(all, g)
			g.Name, g.Aliases = "XOODYAK-160", nil
			g.MinKey, g.MaxKey, g.DefaultKey = longXoodyak, longXoodyak, longXoodyak
		case strings.HasSuffix(string(r.Name), "-GCM-SIV"):
			g.RandomNonce = true
		case strings.HasSuffix(string(r.Name), "-SIV"):
			g.Nonce, g.NonceOptional = 0, true
		case r.IV >= randomNonce:
			g.RandomNonce = true
		}
		all = append(all, g)
	}
	return all
}

// Sizes in bytes.
const (
	blake3Key   = 32
	longXoodyak = 20
	randomNonce = 24 // from here on any number of nonces may be drawn at random for one key
)

// cipherGuests is CBC and CTR.
func cipherGuests() []Guest {
	var all []Guest
	for i := range table {
		r := &table[i]
		if r.Family != FamilyCipher {
			continue
		}
		size := must(r.Keys[0], FamilyKey).KeySize
		g := symmetric(r.Name, r, KindCipher)
		g.MinKey, g.MaxKey, g.DefaultKey, g.Nonce = size, size, size, r.IV
		if !r.BothWays {
			g.Padding = r.Block
		}
		all = append(all, g)
	}
	return all
}
