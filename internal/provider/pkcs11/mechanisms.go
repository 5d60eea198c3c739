package pkcs11

import (
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// route is what a call is found by: names are canonical here.
type route struct {
	op             provider.Op
	algorithm, key claviger.Algorithm
}

// way is how a call is run.
type way struct {
	row       *algorithm.Row
	mechanism cryptoki.MechanismType
}

// abilities are the mechanisms of a token.
type abilities map[cryptoki.MechanismType]cryptoki.MechanismInfo

// read asks the token what it can do. It is called once, before the provider is used. ErrProviderNotAvailable where that is nothing but
// random numbers: a token that has not come up yet may say so, and another start asks it again.
func (p *Provider) read(t *Token) error {
	list, err := t.module.Mechanisms(t.at.slot)
	if err != nil {
		return err
	}
	has := make(abilities, len(list))
	for _, m := range list {
		info, err := t.module.MechanismInfo(t.at.slot, m)
		switch {
		case err == nil:
			has[m] = info
		case unexplained(err), losing(err): // it is not about this mechanism; of others a token says that it does not have them after all
			return err
		}
	}
	p.quirks, p.rawPoints = traitsOf(t.at.info), t.version.Major >= 3
	p.offerAll(has, t.at.info.Flags.Has(cryptoki.FlagRNG))
	if !slices.ContainsFunc(p.mechanisms, func(m provider.Mechanism) bool { return m.Op != provider.Random }) {
		return unavailable("unlock", "%s of module %s offers no mechanism that can be used; it lists %d", t.at, t.config.Module, len(list))
	}
	return nil
}

// offerAll works out the list of mechanisms.
func (p *Provider) offerAll(has abilities, random bool) {
	p.ways, p.uses, p.has = make(map[route]way), make(map[claviger.Algorithm]usage), has
	rows := algorithm.All()
	for i := range rows {
		r := &rows[i]
		switch {
		case slices.Contains(p.quirks.without, r.Name), r.Family == algorithm.FamilyKey:
		case r.Family != algorithm.FamilyRandom:
			p.offerOperations(r)
		case random:
			p.offer(provider.Mechanism{Op: provider.Random, Algorithm: r.Name}, way{row: r})
		}
	}
	for i := range rows {
		if r := &rows[i]; r.Family == algorithm.FamilyKey {
			p.offerKeys(r)
		}
	}
}

// offer adds one line. All go to the pool: a token may be a network away.
func (p *Provider) offer(m provider.Mechanism, w way) {
	m.Cost = provider.Pool
	p.mechanisms = append(p.mechanisms, m)
	p.ways[route{m.Op, m.Algorithm, m.Key}] = w
}

// offerOperations adds what a row of the algorithm table can do here, with each key algorithm that the token takes.
func (p *Provider) offerOperations(r *algorithm.Row) {
	mechanism, ok := p.mechanism(r)
	info, there := p.has[mechanism]
	if !ok || !there {
		return
	}
	keys := r.Keys
	if len(keys) == 0 {
		keys = []claviger.Algorithm{""}
	}
	for _, k := range keys {
		if !p.takes(info, k) {
			continue
		}
		for _, o := range operations(r) {
			if !info.Flags.Has(o.flag) {
				continue
			}
			p.offer(provider.Mechanism{Op: o.op, Algorithm: r.Name, Key: k, MaxMessage: r.MaxMessageFor(k), Stream: p.inParts(r)}, way{r, mechanism})
			if k != "" {
				p.uses[k] |= usageOf(o.op)
			}
		}
	}
}

// inParts reports whether a row works in constant memory: block ciphers by calls for each part, hashes and codes in a session that is
// theirs until they end, if one can be spared of those that are configured, or that the token has allowed when it was opened.
func (p *Provider) inParts(r *algorithm.Row) bool {
	switch r.Family {
	case algorithm.FamilyCipher:
		return true
	case algorithm.FamilyHash, algorithm.FamilyMAC:
		return streams(p.pool.limit) > 0
	}
	return false
}

// operation is an operation of a family and the flag by which a token says that it does it.
type operation struct {
	op   provider.Op
	flag cryptoki.Flags
}

// operations lists what a row's family does in a token.
func operations(r *algorithm.Row) []operation {
	switch r.Family {
	case algorithm.FamilyHash:
		return []operation{{provider.Hash, cryptoki.FlagDigest}}
	case algorithm.FamilyMAC:
		return []operation{{provider.MAC, cryptoki.FlagSign}}
	case algorithm.FamilyCipher, algorithm.FamilyAEAD, algorithm.FamilyAsymmetric:
		return []operation{{provider.Encrypt, cryptoki.FlagEncrypt}, {provider.Decrypt, cryptoki.FlagDecrypt}}
	case algorithm.FamilySignature:
		if r.Digest == "" {
			return []operation{{provider.Sign, cryptoki.FlagSign}, {provider.Verify, cryptoki.FlagVerify}}
		}
		return []operation{{provider.SignDigest, cryptoki.FlagSign}, {provider.VerifyDigest, cryptoki.FlagVerify}}
	case algorithm.FamilyAgreement:
		return []operation{{provider.Agree, cryptoki.FlagDerive}}
	}
	return nil
}

// The flags of elliptic curves that say with which curves a mechanism works: prime fields, named by identifier.
const ecFlags = cryptoki.FlagECFP | cryptoki.FlagECNamedCurve

// otherFields is CKF_EC_F_2M and CKF_EC_ECPARAMETERS: with one of them and without ecFlags a mechanism is not for the curves here.
const otherFields cryptoki.Flags = 0x200000 | 0x400000

// maxKeyBytes is what no AES key has in bytes, so that larger sizes are in bits; the standard says bytes, and tokens differ.
const maxKeyBytes = 64

// takes reports whether a mechanism works with keys of an algorithm, by its flags and key sizes. A greatest size of zero says
// nothing.
func (p *Provider) takes(info cryptoki.MechanismInfo, key claviger.Algorithm) bool {
	row, ok := algorithm.Lookup(key, algorithm.FamilyKey)
	if !ok {
		return key == ""
	}
	size := uint(row.Bits)
	if c, ok := p.curve(row); ok {
		if row.Curve() != "" && info.Flags&otherFields != 0 && !info.Flags.Has(ecFlags) {
			return false
		}
		size = c.bits
	} else if !row.Pair() {
		if row.KeySize == 0 {
			return true // judged with the key
		}
		if info.MaxKeySize <= maxKeyBytes {
			size = uint(row.KeySize)
		}
	}
	return info.MaxKeySize == 0 || size >= info.MinKeySize && size <= info.MaxKeySize
}

// offerKeys adds making keys of an algorithm that some operation works with. Generic secrets are what agreement gives.
func (p *Provider) offerKeys(r *algorithm.Row) {
	if r.Name == algorithm.Generic {
		if !slices.ContainsFunc(p.mechanisms, func(m provider.Mechanism) bool { return m.Op == provider.Agree }) {
			return
		}
	} else if p.uses[r.Name] == 0 {
		return
	}
	mechanism, flag := p.maker(r)
	if info, ok := p.has[mechanism]; ok && info.Flags.Has(flag) && (!r.Pair() && r.KeySize == 0 || p.takes(info, r.Name)) {
		p.offer(provider.Mechanism{Op: provider.Generate, Algorithm: r.Name}, way{r, mechanism})
	}
	p.offer(provider.Mechanism{Op: provider.Import, Algorithm: r.Name}, way{row: r})
}

// checkKeySize refuses a secret key that the algorithm or, where its word counts, the token does not take.
func (p *Provider) checkKeySize(op string, r *algorithm.Row, n int) error {
	if err := r.CheckKeySize(n); err != nil {
		return err
	}
	row, ok := algorithm.Lookup(r.Name, algorithm.FamilyMAC)
	if !ok || !p.quirks.macBytes {
		return nil
	}
	mechanism, _ := p.mechanism(row)
	if info, ok := p.has[mechanism]; ok && (uint(n) < info.MinKeySize || info.MaxKeySize > 0 && uint(n) > info.MaxKeySize) {
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "%d bytes cannot be a key of %s in this token, which takes %d to %d",
			n, r.Name, info.MinKeySize, info.MaxKeySize)
	}
	return nil
}

// find gives the way of an operation, or says what does not fit: the name, the operation or the key.
func (p *Provider) find(op provider.Op, alg, key claviger.Algorithm) (way, error) {
	if w, ok := p.ways[route{op, alg, key}]; ok {
		return w, nil
	}
	named, does := false, false
	for _, m := range p.mechanisms {
		named = named || m.Algorithm == alg
		does = does || m.Algorithm == alg && m.Op == op
	}
	name := claviger.Clip(string(alg))
	switch {
	case does && key == "":
		return way{}, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "%s needs a key", name)
	case does:
		return way{}, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "%s does not take a key of %s", name, key)
	case named:
		return way{}, claviger.Errorf(claviger.ErrAlgorithmMismatch, op.String(), "the token does not %s with %s", op, name)
	}
	return way{}, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(), "the token does not offer %q", name)
}
