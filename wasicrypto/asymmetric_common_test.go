package wasicrypto

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// Every algorithm of pairs makes pairs under its name in any case, whose halves belong together and whose public key is fit.
func TestEveryPairIsGenerated(t *testing.T) {
	r := newRig(t, Config{})
	for _, g := range pairGuests() {
		for _, name := range []string{string(g.Name), strings.ToUpper(string(g.Name)), strings.ToLower(string(g.Name))} {
			r.startOver()
			pair := r.generated(uint64(g.Type), name)
			public, secret := r.publicOf(pair), r.secretOf(pair)
			r.must("publickey_verify", uint64(public))
			again := r.handle("publickey_from_secretkey", uint64(secret))
			if !bytes.Equal(r.exported(kindPublic, again, asPKCS8), r.exported(kindPublic, public, asPKCS8)) {
				t.Errorf("%s: the secret key gives another public key", name)
			}
			r.close("keypair", r.handle("keypair_from_pk_and_sk", uint64(public), uint64(secret)))
			for kind, h := range map[half]uint32{kindPair: pair, kindPublic: public, kindSecret: secret} {
				r.close(string(kind), h)
			}
			r.close("publickey", again)
			if strings.HasPrefix(name, "RSA") {
				break // one is enough to wait for
			}
		}
	}
	if n := r.host.Handles(r.Module); n != 0 {
		t.Errorf("%d handles are left", n)
	}
}

// A name of another family or of none is unsupported_algorithm, so is an unknown family; the symmetric one is invalid_operation.
func TestAlgorithmOfAPair(t *testing.T) {
	r := newRig(t, Config{})
	for _, c := range []struct {
		family uint64
		name   string
		want   errno
	}{
		{familySymmetric, "AES-128-GCM", invalidOperation}, {familySymmetric, "Ed25519", invalidOperation}, {familySymmetric, "nonsense", invalidOperation},
		{3, "Ed25519", unsupportedAlgorithm}, {0xFFFF, "Ed25519", unsupportedAlgorithm}, {0x10000, "Ed25519", unsupportedAlgorithm}, {0xFFFFFFFF, "Ed25519", unsupportedAlgorithm},
		{familySigns, "X25519", unsupportedAlgorithm}, {familyExchanges, "Ed25519", unsupportedAlgorithm}, {familySigns, "AES-128-GCM", unsupportedAlgorithm},
		{familySigns, "", unsupportedAlgorithm}, {familySigns, "Ed25519\x00", unsupportedAlgorithm}, {familySigns, strings.Repeat("Ed25519", 100), unsupportedAlgorithm},
		{familySigns, "RSA_PKCS1_1024_SHA256", unsupportedAlgorithm},
	} {
		r.startOver()
		r.refused(c.want, "keypair_generate", append(r.algorithmArgs(c.family, c.name), r.none())...)
		for _, kind := range []half{kindPair, kindSecret, kindPublic} {
			r.refused(c.want, string(kind)+"_import", r.importArgs(c.family, c.name, make([]byte, 32), asRaw)...)
		}
		if c.want == invalidOperation {
			continue
		}
		at, n := r.text(c.name)
		p, k := r.put(make([]byte, 64))
		if c.family == familySigns {
			r.refused(c.want, "signature_import", at, n, p, k, 0)
		}
	}
}

// Options of the family are accepted by keypair_generate, whatever they are; those of another family are invalid_handle.
func TestOptionsOfAPair(t *testing.T) {
	r := newRig(t, Config{})
	for family, name := range map[uint64]string{familySigns: "Ed25519", familyExchanges: "X25519"} {
		own, other := r.handle("options_open", family), r.handle("options_open", familySymmetric)
		at, n := r.text("exportable")
		r.must("options_set_u64", uint64(own), at, n, 1)
		r.close("keypair", r.handle("keypair_generate", append(r.algorithmArgs(family, name), r.some(own))...))
		r.refused(invalidHandle, "keypair_generate", append(r.algorithmArgs(family, name), r.some(other))...)
		r.refused(invalidHandle, "keypair_generate", append(r.algorithmArgs(family, name), r.some(0))...)
		tag, _ := r.put([]byte{2, 0, 0, 0, 0, 0, 0, 0})
		r.refused(guestError, "keypair_generate", append(r.algorithmArgs(family, name), tag)...)
	}
}

// A pair is one handle from which both halves come, and they outlive it.
func TestRow9HalvesOutliveTheirPair(t *testing.T) {
	r := newRig(t, Config{})
	pair := r.generated(familySigns, "Ed25519")
	secret, public := r.secretOf(pair), r.publicOf(pair)
	want := r.exported(kindPair, pair, asPKCS8)
	sig := r.signed(pair, []byte("message"))
	state := r.handle("signature_state_open", uint64(pair))
	r.close("keypair", pair)
	if !bytes.Equal(r.exported(kindSecret, secret, asPKCS8), want) {
		t.Error("the secret key changed with its pair")
	}
	r.update("signature_state", state, []byte("message"))
	again := r.handle("signature_state_sign", uint64(state))
	for _, s := range []uint32{sig, again} {
		if e := r.verified(public, []byte("message"), s); e != success {
			t.Errorf("the signature: %v", e)
		}
	}
	r.refused(invalidHandle, "keypair_publickey", uint64(pair))
	r.refused(invalidHandle, "keypair_secretkey", uint64(pair))
	r.refused(invalidHandle, "signature_state_open", uint64(pair))
	r.refused(invalidHandle, "keypair_export", uint64(pair), asPKCS8)
	r.want(closed, "keypair_close", uint64(pair))
}

// Scalars and coordinates are big-endian on NIST curves and little-endian on Curve25519: the keys of value 1 have the published base
// points as their public halves.
func TestRow5ByteOrders(t *testing.T) {
	r := newRig(t, Config{})
	one := append(make([]byte, 31), 1)
	secret := r.imported(kindSecret, familySigns, "ECDSA_P256_SHA256", one, asRaw)
	public := r.handle("publickey_from_secretkey", uint64(secret))
	if got := r.exported(kindPublic, public, asSEC); !bytes.Equal(got[1:33], unhex(t, "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")) {
		t.Error("the public key of 1 is not the base point of P-256")
	}
	// RFC 7748 section 6.1 is little-endian; TestPublicHalfOfPublishedKeys has it. Here: the base point u = 9 times the scalar of 2²⁵⁴, clamped from zero.
	zero := r.imported(kindSecret, familyExchanges, "X25519", make([]byte, 32), asRaw)
	top := make([]byte, 32)
	top[31] = 0x40
	clamped := r.imported(kindSecret, familyExchanges, "X25519", top, asRaw)
	a, b := r.handle("publickey_from_secretkey", uint64(zero)), r.handle("publickey_from_secretkey", uint64(clamped))
	if !bytes.Equal(r.exported(kindPublic, a, asRaw), r.exported(kindPublic, b, asRaw)) {
		t.Error("bit 254 is not in the last byte of an X25519 scalar")
	}
}

// The raw pair of EdDSA has 64 bytes; 32 are invalid_key.
func TestRow11RawEdwardsPair(t *testing.T) {
	r := newRig(t, Config{})
	for name, size := range map[string]int{"Ed25519": 32, "Ed448": 57} {
		pair := r.generated(familySigns, name)
		raw := r.exported(kindPair, pair, asRaw)
		if len(raw) != 2*size {
			t.Errorf("a raw %s pair has %d bytes", name, len(raw))
		}
		if !bytes.Equal(raw[:size], r.exported(kindSecret, r.secretOf(pair), asRaw)) || !bytes.Equal(raw[size:], r.exported(kindPublic, r.publicOf(pair), asRaw)) {
			t.Errorf("a raw %s pair is not secret ‖ public", name)
		}
		r.refused(invalidKey, "keypair_import", r.importArgs(familySigns, name, raw[:size], asRaw)...)
		wrong := bytes.Clone(raw)
		wrong[2*size-2] ^= 1
		r.refused(invalidKey, "keypair_import", r.importArgs(familySigns, name, wrong, asRaw)...)
	}
}

// publickey_verify passes what has nothing wrong, and calls keys invalid_key that import takes: Ed25519 keys of low order, such as 32 zero
// bytes, and X25519 keys of low order or in another form than the canonical one.
func TestRow16PublickeyVerify(t *testing.T) {
	r := newRig(t, Config{})
	point := func(first byte, rest byte, last byte, size int) []byte {
		b := bytes.Repeat([]byte{rest}, size)
		b[0], b[size-1] = first, last
		return b
	}
	for _, c := range []struct {
		family uint64
		name   string
		raw    []byte
		want   errno
	}{
		{familySigns, "Ed25519", make([]byte, 32), invalidKey},
		{familySigns, "Ed25519", point(1, 0, 0, 32), invalidKey},
		{familySigns, "Ed25519", point(2, 0, 0, 32), invalidKey},
		{familySigns, "Ed25519", unhex(t, knownEdwards()[0].public), success},
		{familySigns, "Ed448", make([]byte, 57), invalidKey},
		{familySigns, "Ed448", unhex(t, knownEdwards()[1].public), success},
		{familyExchanges, "X25519", make([]byte, 32), invalidKey},
		{familyExchanges, "X25519", point(1, 0, 0, 32), invalidKey},
		{familyExchanges, "X25519", point(0xec, 0xFF, 0x7F, 32), invalidKey}, // p - 1
		{familyExchanges, "X25519", point(0xed, 0xFF, 0x7F, 32), invalidKey}, // p
		{familyExchanges, "X25519", point(0xf6, 0xFF, 0x7F, 32), invalidKey}, // p + 9 is u = 9, not reduced
		{familyExchanges, "X25519", point(9, 0, 0x80, 32), success},          // the top bit counts for nothing, and is gone after import
		{familyExchanges, "X25519", point(9, 0, 0, 32), success},
		{familyExchanges, "X25519", unhex(t, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), invalidKey},
		{familyExchanges, "X448", make([]byte, 56), invalidKey},
		{familyExchanges, "X448", point(1, 0, 0, 56), invalidKey},
		{familyExchanges, "X448", bytes.Repeat([]byte{0xFF}, 56), invalidKey},
		{familyExchanges, "X448", point(5, 0, 0, 56), success},
	} {
		public := r.imported(kindPublic, c.family, c.name, c.raw, asRaw)
		r.want(c.want, "publickey_verify", uint64(public))
		r.close("publickey", public)
	}
}

// Halves of two pairs or of two algorithms are incompatible_keys.
func TestRow18HalvesMustMatch(t *testing.T) {
	r := newRig(t, Config{})
	for _, g := range pairGuests() {
		if strings.HasPrefix(string(g.Name), "RSA_PSS") {
			continue
		}
		r.startOver()
		one, two := r.generated(uint64(g.Type), string(g.Name)), r.generated(uint64(g.Type), string(g.Name))
		r.refused(incompatibleKeys, "keypair_from_pk_and_sk", uint64(r.publicOf(one)), uint64(r.secretOf(two)))
	}
	// One key under two algorithms is two keys.
	raw := unhex(t, knownCurves()[0].secret)
	sign, agree := r.imported(kindPair, familySigns, "ECDSA_P256_SHA256", raw, asRaw), r.imported(kindPair, familyExchanges, "P256-SHA256", raw, asRaw)
	r.refused(incompatibleKeys, "keypair_from_pk_and_sk", uint64(r.publicOf(sign)), uint64(r.secretOf(agree)))
	text := pemFile(t, "rsa2048.pem")
	first, second := r.imported(kindPair, familySigns, "RSA_PKCS1_2048_SHA256", text, asPEM), r.imported(kindPair, familySigns, "RSA_PSS_2048_SHA256", text, asPEM)
	r.refused(incompatibleKeys, "keypair_from_pk_and_sk", uint64(r.publicOf(first)), uint64(r.secretOf(second)))
}

// Two pairs are never the same.
func TestRow19GeneratedPairsDiffer(t *testing.T) {
	r := newRig(t, Config{})
	seen := map[string]bool{}
	for range 50 {
		pair := r.generated(familySigns, "Ed25519")
		seen[string(r.exported(kindPair, pair, asRaw))] = true
	}
	if len(seen) != 50 {
		t.Errorf("50 pairs are %d", len(seen))
	}
}

// A pair of another family is invalid_key; another kind of object is invalid_handle.
func TestRow20PairOfAnotherFamily(t *testing.T) {
	r := newRig(t, Config{})
	sign, agree, kem := r.generated(familySigns, "Ed25519"), r.generated(familyExchanges, "X25519"), r.generated(familyExchanges, "ML-KEM-768")
	r.refused(invalidKey, "signature_state_open", uint64(agree))
	r.refused(invalidKey, "signature_state_open", uint64(kem))
	r.refused(invalidKey, "signature_verification_state_open", uint64(r.publicOf(agree)))
	r.refused(invalidKey, "kx_dh", uint64(r.publicOf(sign)), uint64(r.secretOf(sign)))
	r.refused(invalidKey, "kx_dh", uint64(r.publicOf(agree)), uint64(r.secretOf(sign)))
	r.refused(invalidKey, "kx_dh", uint64(r.publicOf(sign)), uint64(r.secretOf(agree)))
	to := r.room(4)
	r.refused(invalidKey, "kx_encapsulate", uint64(r.publicOf(sign)), to)
	at, n := r.put(make([]byte, 1088))
	r.refused(invalidKey, "kx_decapsulate", uint64(r.secretOf(sign)), at, n)
	for _, h := range []uint32{r.publicOf(sign), r.secretOf(sign), r.handle("options_open", familySigns), 0, 0xFFFFFFFF} {
		r.refused(invalidHandle, "signature_state_open", uint64(h))
		r.refused(invalidHandle, "keypair_publickey", uint64(h))
		r.refused(invalidHandle, "keypair_export", uint64(h), asPKCS8)
	}
	r.refused(invalidHandle, "kx_dh", uint64(agree), uint64(r.secretOf(agree)))
	r.refused(invalidHandle, "kx_dh", uint64(r.publicOf(agree)), uint64(agree))
	r.refused(invalidHandle, "publickey_export", uint64(sign), asRaw)
	r.refused(invalidHandle, "secretkey_export", uint64(r.publicOf(sign)), asRaw)
	r.want(invalidHandle, "publickey_verify", uint64(sign))
	r.want(invalidHandle, "keypair_close", uint64(r.publicOf(sign)))
	r.want(invalidHandle, "secretkey_close", uint64(sign))
	r.want(invalidHandle, "publickey_close", uint64(sign))
}

// What is imported is copied: the guest may overwrite its buffer, and may place the handle in it.
func TestImportCopiesAndMayOverlap(t *testing.T) {
	r := newRig(t, Config{})
	k := knownEdwards()[0]
	args := r.importArgs(k.family, k.names[0], unhex(t, k.pair), asRaw)
	at := uint32(args[3])
	r.must("keypair_import", append(args, uint64(at)+4)...)
	pair := r.U32(at + 4)
	r.Put(at, make([]byte, 64))
	if !bytes.Equal(r.exported(kindPair, pair, asRaw), unhex(t, k.pair)) {
		t.Error("the pair changed with the guest's memory")
	}
}

// When a key is let go of, what its library keeps in plain bytes is wiped, and not before its last user is done.
func TestClosedKeysAreWiped(t *testing.T) {
	for _, name := range []string{"Ed25519", "Ed448"} {
		g, ok := algorithm.LookupGuest(claviger.GuestSignatures, name)
		if !ok {
			t.Fatal(name)
		}
		key, err := g.Key.GeneratePair()
		if err != nil {
			t.Fatal(err)
		}
		var b budget
		b.left.Store(maxTotal)
		p, err := newLocal(&b, g, key)
		if err != nil {
			t.Fatal(err)
		}
		pair, secret := &keyPair{private: p}, &secretKey{p.share()}
		pair.close()
		if raw, err := g.Key.MarshalRaw(claviger.PrivateKey, key); err != nil || bytes.Equal(raw, make([]byte, len(raw))) {
			t.Errorf("%s: wiped while in use: %v", name, err)
		}
		secret.close()
		if raw, err := g.Key.MarshalRaw(claviger.PrivateKey, key); err != nil || !bytes.Equal(raw, make([]byte, len(raw))) {
			t.Errorf("%s: not wiped: %v", name, err)
		}
		if left := b.left.Load(); left != maxTotal {
			t.Errorf("%s: %d bytes of the budget are gone", name, maxTotal-left)
		}
	}
}

// Keys are charged to the guest: over its limit they are overflow, and closing one makes room.
func TestKeysCountAgainstTheLimit(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Total: 400 << 10}})
	var open []uint32
	for {
		at, n := r.text("ML-DSA-87")
		to := r.room(4)
		e := errno(r.Call("keypair_generate", familySigns, at, n, r.none(), to))
		if e == overflow {
			break
		}
		if e != success || len(open) > 100 {
			t.Fatalf("%v after %d pairs", e, len(open))
		}
		open = append(open, r.U32(uint32(to)))
	}
	if len(open) == 0 {
		t.Fatal("no pair fits")
	}
	r.close("keypair", open[0])
	r.generated(familySigns, "ML-DSA-87")
}

// Row 1: handles may be used by several threads at once: pairs, halves, states and signatures, while the pair is stored.
func TestRow1KeysAreSafeForThreads(t *testing.T) {
	r, manager := managedRig(t, newKeeper())
	pair := r.imported(kindPair, familySigns, "Ed25519", unhex(t, knownEdwards()[0].pair), asRaw)
	public := r.publicOf(pair)
	state := r.handle("signature_state_open", uint64(pair))
	check := r.handle("signature_verification_state_open", uint64(public))
	data, n := r.text("")
	id := r.room(32)
	var threads sync.WaitGroup
	for range 4 {
		to := r.room(16)
		threads.Go(func() {
			for range 50 {
				for _, c := range []struct {
					name string
					args []uint64
				}{
					{"signature_state_update", []uint64{uint64(state), data, n}}, {"signature_verification_state_update", []uint64{uint64(check), data, n}},
					{"signature_state_sign", []uint64{uint64(state), to}}, {"keypair_secretkey", []uint64{uint64(pair), to + 4}}, {"keypair_publickey", []uint64{uint64(pair), to + 8}},
				} {
					if e, err := r.Try(c.name, c.args...); err != nil || e != 0 {
						t.Errorf("%s: %d, %v", c.name, e, err)
						return
					}
				}
				sig, secret, half := uint64(r.U32(uint32(to))), uint64(r.U32(uint32(to)+4)), uint64(r.U32(uint32(to)+8))
				for name, args := range map[string][]uint64{"signature_verification_state_verify": {uint64(check), sig}, "publickey_from_secretkey": {secret, to + 12}} {
					if e, err := r.Try(name, args...); err != nil || e != 0 {
						t.Errorf("%s: %d, %v", name, e, err)
					}
				}
				for name, h := range map[string]uint64{"signature_close": sig, "secretkey_close": secret, "publickey_close": half} {
					if e, err := r.Try(name, h); err != nil || e != 0 {
						t.Errorf("%s: %d, %v", name, e, err)
					}
				}
				if e, err := r.Try("publickey_close", uint64(r.U32(uint32(to)+12))); err != nil || e != 0 {
					t.Errorf("publickey_close: %d, %v", e, err)
				}
			}
		})
	}
	threads.Go(func() {
		if e, err := r.Try("keypair_store_managed", manager, uint64(pair), id, 32); err != nil || e != 0 {
			t.Errorf("keypair_store_managed: %d, %v", e, err)
		}
	})
	threads.Wait()
	if n := r.host.Handles(r.Module); n != 5 {
		t.Errorf("%d handles are open, not the manager, the pair, its public key and two states", n)
	}
}
