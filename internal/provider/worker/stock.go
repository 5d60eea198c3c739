package worker

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// stock is what a device offers, with what is added here. It never changes.
type stock struct {
	rows   []provider.Mechanism
	routes map[route]place
}

type route struct {
	op       provider.Op
	alg, key claviger.Algorithm
}

// place is where and how a mechanism runs.
type place struct {
	row    provider.Mechanism
	alg    *algorithm.Row
	digest *algorithm.Row // the hash of a message that is hashed here; nil where the device takes the message
}

// newStock adds to the mechanisms of a device what comes of hashing messages here: where it signs digests, messages can
// be signed, of any length and in constant memory.
func newStock(rows []provider.Mechanism) *stock {
	s := &stock{routes: make(map[route]place)}
	add := func(row provider.Mechanism, digest *algorithm.Row) {
		id := route{row.Op, row.Algorithm, row.Key}
		alg := known(row)
		if _, twice := s.routes[id]; twice || alg == nil {
			return
		}
		s.rows = append(s.rows, row)
		s.routes[id] = place{row, alg, digest}
	}
	for _, row := range rows {
		row.Cost = provider.Pool
		row.MaxMessage = min(row.MaxMessage, largest)
		add(row, nil)
	}
	for _, row := range rows {
		message := ofMessages(row.Op)
		signature, ok := algorithm.Lookup(row.Algorithm, algorithm.FamilySignature)
		if !ok || message == 0 {
			continue
		}
		if digest, ok := algorithm.Lookup(signature.Digest, algorithm.FamilyHash); ok {
			add(provider.Mechanism{Op: message, Algorithm: row.Algorithm, Key: row.Key, Stream: true, Cost: provider.Pool}, digest)
		}
	}
	return s
}

// ofMessages is the operation on messages that comes of one on digests, 0 for any other.
func ofMessages(op provider.Op) provider.Op {
	switch op {
	case provider.SignDigest:
		return provider.Sign
	case provider.VerifyDigest:
		return provider.Verify
	}
	return 0
}

// ofDigests is the operation on digests behind one on messages.
func ofDigests(op provider.Op) provider.Op {
	if op == provider.Sign {
		return provider.SignDigest
	}
	return provider.VerifyDigest
}

// known gives the algorithm of a mechanism that a worker tells of; nil for one that is not in the table, because nobody
// above would know it.
func known(row provider.Mechanism) *algorithm.Row {
	r, ok := algorithm.Lookup(row.Algorithm, families(row.Op)...)
	if !ok || r.Name != row.Algorithm || row.MaxMessage < 0 {
		return nil
	}
	if k, ok := algorithm.Lookup(row.Key, algorithm.FamilyKey); row.Key != "" && (!ok || k.Name != row.Key) {
		return nil
	}
	return r
}

// families lists where the algorithms of an operation are.
func families(op provider.Op) []algorithm.Family {
	switch op {
	case provider.Hash:
		return []algorithm.Family{algorithm.FamilyHash}
	case provider.Random:
		return []algorithm.Family{algorithm.FamilyRandom}
	case provider.MAC:
		return []algorithm.Family{algorithm.FamilyMAC}
	case provider.Encrypt, provider.Decrypt:
		return []algorithm.Family{algorithm.FamilyCipher, algorithm.FamilyAEAD, algorithm.FamilyAsymmetric}
	case provider.Sign, provider.SignDigest, provider.Verify, provider.VerifyDigest:
		return []algorithm.Family{algorithm.FamilySignature}
	case provider.Agree:
		return []algorithm.Family{algorithm.FamilyAgreement}
	case provider.Encapsulate, provider.Decapsulate:
		return []algorithm.Family{algorithm.FamilyKEM}
	case provider.Derive:
		return []algorithm.Family{algorithm.FamilyKDF}
	case provider.Generate, provider.Import:
		return []algorithm.Family{algorithm.FamilyKey}
	}
	return nil
}

// find gives the way of an operation, or says what does not fit: the name, the operation or the key.
func (p *Provider) find(op provider.Op, alg, key claviger.Algorithm) (place, error) {
	s := p.stock.Load()
	if at, ok := s.routes[route{op, alg, key}]; ok {
		return at, nil
	}
	named, does := false, false
	for _, m := range s.rows {
		named = named || m.Algorithm == alg
		does = does || m.Algorithm == alg && m.Op == op
	}
	name := claviger.Clip(string(alg))
	switch {
	case does && key == "":
		return place{}, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "%s needs a key", name)
	case does:
		return place{}, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "%s does not take a key of %s", name, key)
	case named:
		return place{}, claviger.Errorf(claviger.ErrAlgorithmMismatch, op.String(), "provider %q does not %s with %s", p.cfg.Name, op, name)
	}
	return place{}, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(), "provider %q does not offer %q", p.cfg.Name, name)
}

// output is the length in bytes of what the operation gives; -1 where it depends on the input or the key.
func (at place) output(params *provider.Params) int {
	switch at.row.Op {
	case provider.Random:
		return params.Size
	case provider.Hash:
		if params.Size != 0 {
			return params.Size
		}
		return at.alg.Size
	case provider.MAC:
		return at.alg.Size
	case provider.Verify, provider.VerifyDigest:
		return 0
	}
	return -1
}

// check refuses an IV of another length, and associated data where it would be ignored.
func (at place) check(op provider.Op, params *provider.Params) error {
	switch {
	case len(params.IV) != at.alg.IV && at.alg.IV == 0:
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes no initialization vector", at.alg.Name)
	case len(params.IV) != at.alg.IV:
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes an initialization vector of %d bytes, not %d", at.alg.Name, at.alg.IV, len(params.IV))
	case len(params.AAD) != 0 && at.alg.Family != algorithm.FamilyAEAD:
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes no associated data", at.alg.Name)
	}
	return nil
}

// digested is the way of the digest of a message that is hashed here.
func (at place) digested() place {
	at.row.Op, at.row.Stream, at.row.MaxMessage, at.digest = ofDigests(at.row.Op), false, 0, nil
	return at
}

// largest is the longest message in bytes that goes to a device in one piece where its mechanism names no limit.
const largest = 64 << 20

// limit is the longest input in bytes, 0 for none. Ciphertexts are longer than their messages; one for RSA has the length of
// the modulus, and another length is merely a wrong ciphertext.
func (at place) limit() int {
	switch {
	case at.row.MaxMessage == 0 && at.row.Stream:
		return 0
	case at.row.MaxMessage == 0, at.row.Op == provider.Decrypt && at.alg.Family == algorithm.FamilyAsymmetric:
		return largest
	case at.row.Op == provider.Decrypt:
		return int(at.row.MaxMessage) + at.alg.Tag
	}
	return int(at.row.MaxMessage)
}

// checkLength refuses a message over the limit, and names the form of the algorithm that has none.
func (at place) checkLength(n int) error {
	most := at.limit()
	if most == 0 || n <= most {
		return nil
	}
	if at.alg.PreHash != "" {
		return claviger.Errorf(claviger.ErrInvalidArgument, at.row.Op.String(), "%s takes messages of up to %d bytes here; use %s for longer ones", at.alg.Name, most, at.alg.PreHash)
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, at.row.Op.String(), "%s takes messages of up to %d bytes here", at.alg.Name, most)
}
