package wasicrypto

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// The families as arguments.
const (
	familySigns     = uint64(claviger.GuestSignatures)
	familySymmetric = uint64(claviger.GuestSymmetric)
	familyExchanges = uint64(claviger.GuestKeyExchange)
)

// The encodings as arguments, with the numbers of today's bindings. For those of 2020, asLocal was compressed_sec and asLocal2020 local.
const (
	asRaw       = 0
	asPKCS8     = 1
	asPEM       = 2
	asPairLocal = 3
	asSEC       = 3
	asLocal     = 4
	asLocal2020 = 5
)

// half is a kind of key object, as it stands before "_import" and the others.
type half string

const (
	kindPair   half = "keypair"
	kindSecret half = "secretkey"
	kindPublic half = "publickey"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pemFile reads a key that OpenSSL 3.0 made ("openssl genpkey"), for tests alone.
func pemFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// startOver takes back all the guest memory that the rig has handed out.
func (r *rig) startOver() { r.free = 64 }

// algorithmArgs are the arguments that name an algorithm.
func (r *rig) algorithmArgs(family uint64, name string) []uint64 {
	at, n := r.text(name)
	return []uint64{family, at, n}
}

// importArgs are the arguments of an import but the last.
func (r *rig) importArgs(family uint64, name string, data []byte, encoding uint64) []uint64 {
	at, n := r.put(data)
	return append(r.algorithmArgs(family, name), at, n, encoding)
}

// imported imports a key that must be accepted.
func (r *rig) imported(kind half, family uint64, name string, data []byte, encoding uint64) uint32 {
	r.t.Helper()
	return r.handle(string(kind)+"_import", r.importArgs(family, name, data, encoding)...)
}

// exported exports a key that must be given out.
func (r *rig) exported(kind half, h uint32, encoding uint64) []byte {
	r.t.Helper()
	return r.pull(r.handle(string(kind)+"_export", uint64(h), encoding))
}

// generated makes a pair.
func (r *rig) generated(family uint64, name string) uint32 {
	r.t.Helper()
	return r.handle("keypair_generate", append(r.algorithmArgs(family, name), r.none())...)
}

// publicOf and secretOf give the halves of a pair.
func (r *rig) publicOf(pair uint32) uint32 {
	r.t.Helper()
	return r.handle("keypair_publickey", uint64(pair))
}

func (r *rig) secretOf(pair uint32) uint32 {
	r.t.Helper()
	return r.handle("keypair_secretkey", uint64(pair))
}

// close closes a handle by the function for its kind.
func (r *rig) close(kind string, h uint32) {
	r.t.Helper()
	r.must(kind+"_close", uint64(h))
}

// update absorbs into a state of either kind.
func (r *rig) update(kind string, state uint32, data []byte) {
	r.t.Helper()
	at, n := r.put(data)
	r.must(kind+"_update", uint64(state), at, n)
}

// signed signs a message with a pair and gives the signature's handle.
func (r *rig) signed(pair uint32, message []byte) uint32 {
	r.t.Helper()
	state := r.handle("signature_state_open", uint64(pair))
	r.update("signature_state", state, message)
	sig := r.handle("signature_state_sign", uint64(state))
	r.close("signature_state", state)
	return sig
}

// verified verifies a signature and gives the errno.
func (r *rig) verified(public uint32, message []byte, sig uint32) errno {
	r.t.Helper()
	state := r.handle("signature_verification_state_open", uint64(public))
	r.update("signature_verification_state", state, message)
	e := errno(r.Call("signature_verification_state_verify", uint64(state), uint64(sig)))
	r.close("signature_verification_state", state)
	return e
}

// signatureArgs are the arguments of signature_import but the last.
func (r *rig) signatureArgs(name string, data []byte, encoding uint64) []uint64 {
	at, n := r.text(name)
	p, k := r.put(data)
	return []uint64{at, n, p, k, encoding}
}

// pairGuests lists the algorithms of pairs, RSA with more than 2048 bits left out where making a key would take seconds.
func pairGuests() []algorithm.Guest {
	var all []algorithm.Guest
	for _, g := range algorithm.Guests() {
		if g.Type != claviger.GuestSymmetric && g.Key.Name != "RSA-3072" && g.Key.Name != "RSA-4096" {
			all = append(all, g)
		}
	}
	return all
}
