package wasicrypto

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// managedPair makes a managed pair; options may be 0.
func (r *rig) managedPair(manager, family uint64, name string, options uint32) uint32 {
	r.t.Helper()
	o := r.none()
	if options != 0 {
		o = r.some(options)
	}
	return r.handle("keypair_generate_managed", append([]uint64{manager}, append(r.algorithmArgs(family, name), o)...)...)
}

// pairIdentity gives identifier and version of a pair.
func (r *rig) pairIdentity(pair uint32) (id []byte, version uint64) {
	r.t.Helper()
	at, size, v := r.room(32), r.room(4), r.room(8)
	r.must("keypair_id", uint64(pair), at, 32, size, v)
	return r.Get(uint32(at), r.U32(uint32(size))), r.U64(uint32(v))
}

// pairFromID opens a managed pair, or gives the errno.
func (r *rig) pairFromID(manager uint64, id []byte, version uint64) (uint32, errno) {
	r.t.Helper()
	at, n := r.put(id)
	to := r.room(4)
	e := errno(r.Call("keypair_from_id", manager, at, n, version, to))
	return r.U32(uint32(to)), e
}

// Every algorithm of pairs works where its keeper has the key: signatures verify here, exchanges agree with a local pair, and nothing
// of the secret comes out (rules 69, 70 and 80).
func TestEveryManagedPairWorks(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		for _, g := range pairGuests() {
			r.startOver()
			family, name := uint64(g.Type), string(g.Name)
			pair := r.managedPair(manager, family, name, 0)
			public, secret := r.publicOf(pair), r.secretOf(pair)
			again := r.handle("publickey_from_secretkey", uint64(secret))
			if !bytes.Equal(r.exported(kindPublic, public, asPKCS8), r.exported(kindPublic, again, asPKCS8)) {
				t.Errorf("%s: the secret key has another public half", name)
			}
			r.must("publickey_verify", uint64(public))
			r.close("keypair", r.handle("keypair_from_pk_and_sk", uint64(again), uint64(secret)))
			for encoding := range uint64(7) {
				r.notGivenOut(kindPair, pair, encoding)
				r.notGivenOut(kindSecret, secret, encoding)
			}
			switch {
			case g.Type == claviger.GuestSignatures:
				message := bytes.Repeat([]byte(name), 20)
				if e := r.verified(public, message, r.signed(pair, message)); e != success {
					t.Errorf("%s: a managed signature: %v", name, e)
				}
			case g.Use.Family == algorithm.FamilyKEM:
				want, ciphertext := r.encapsulated(public)
				at, n := r.put(ciphertext)
				if got := r.pull(r.handle("kx_decapsulate", uint64(secret), at, n)); !bytes.Equal(got, want) {
					t.Errorf("%s: another secret comes out", name)
				}
				r.refused(verificationFailed, "kx_decapsulate", uint64(secret), at, n-1)
			default:
				other := r.generated(family, name)
				a := r.pull(r.handle("kx_dh", uint64(public), uint64(r.secretOf(other))))
				if b := r.pull(r.handle("kx_dh", uint64(r.publicOf(other)), uint64(secret))); !bytes.Equal(a, b) {
					t.Errorf("%s: the two sides have different secrets", name)
				}
			}
			r.Release()
			r.startOver()
			manager = uint64(r.handle("secrets_manager_open", r.none()))
		}
	})
}

// notGivenOut holds that an export is prohibited, or the encoding unsupported.
func (r *rig) notGivenOut(kind half, h uint32, encoding uint64) {
	r.t.Helper()
	to := r.room(4)
	if e := errno(r.Call(string(kind)+"_export", uint64(h), encoding, to)); e != prohibitedOperation && e != unsupportedEncoding || e != prohibitedOperation && encoding == asPKCS8 {
		r.t.Errorf("a %s as %d: %v", kind, encoding, e)
	}
}

// A managed X25519 key of low order peers gives no secret either, and halves that do not match are refused as for local keys.
func TestManagedExchangeRefusals(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		pair := r.managedPair(manager, familyExchanges, "X25519", 0)
		secret := r.secretOf(pair)
		zero := r.imported(kindPublic, familyExchanges, "X25519", make([]byte, 32), asRaw)
		r.refused(invalidKey, "kx_dh", uint64(zero), uint64(secret))
		local := r.generated(familyExchanges, "X25519")
		r.refused(incompatibleKeys, "keypair_from_pk_and_sk", uint64(r.publicOf(local)), uint64(secret))
		r.refused(incompatibleKeys, "kx_dh", uint64(r.publicOf(r.generated(familyExchanges, "X448"))), uint64(secret))
		r.refused(invalidKey, "signature_state_open", uint64(pair))
	})
}

// A pair whose options say so can be exported, in each of its encodings, and is the same pair.
func TestExportableManagedPair(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		for family, name := range map[uint64]string{familySigns: "Ed25519", familyExchanges: "ML-KEM-768"} {
			options := r.handle("options_open", family)
			at, n := r.text("exportable")
			r.must("options_set_u64", uint64(options), at, n, 1)
			pair := r.managedPair(manager, family, name, options)
			raw := r.exported(kindPair, pair, asRaw)
			local := r.imported(kindPair, family, name, raw, asRaw)
			r.close("keypair", r.handle("keypair_from_pk_and_sk", uint64(r.publicOf(pair)), uint64(r.secretOf(local))))
			if !bytes.Equal(r.exported(kindSecret, r.secretOf(pair), asPEM), r.exported(kindSecret, r.secretOf(local), asPEM)) {
				t.Errorf("%s: the secret key is another one", name)
			}
			id, version := r.pairIdentity(pair)
			opened, e := r.pairFromID(manager, id, version)
			if e != success || !bytes.Equal(r.exported(kindPair, opened, asRaw), raw) {
				t.Errorf("%s: opened by its identifier: %v", name, e)
			}
			r.refused(invalidHandle, "keypair_generate_managed", append([]uint64{manager}, append(r.algorithmArgs(family, name), r.some(r.handle("options_open", familySymmetric)))...)...)
		}
	})
}

// The algorithm of a managed pair is judged as that of a local one.
func TestAlgorithmOfAManagedPair(t *testing.T) {
	r, manager := managedRig(t, newKeeper())
	for _, c := range []struct {
		family uint64
		name   string
		want   errno
	}{{familySymmetric, "AES-128-GCM", invalidOperation}, {9, "Ed25519", unsupportedAlgorithm}, {familySigns, "X25519", unsupportedAlgorithm}, {familySigns, "none", unsupportedAlgorithm}} {
		r.refused(c.want, "keypair_generate_managed", append([]uint64{manager}, append(r.algorithmArgs(c.family, c.name), r.none())...)...)
	}
}

// Storing makes the handle the managed pair, fills a longer buffer with zero bytes, and the pair does not come out any more (rule 80). Signatures
// go on, and so does a state that was open before.
func TestStoreMakesTheHandleAManagedPair(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		known := knownEdwards()[0]
		pair := r.imported(kindPair, familySigns, "Ed25519", unhex(t, known.pair), asRaw)
		if id, version := r.pairIdentity(pair); len(id) != 0 || version != claviger.UnspecifiedVersion {
			t.Errorf("a local pair is version %#x of %q", version, id)
		}
		r.must("keypair_id", uint64(pair), 0, 0, r.room(4), r.room(8))
		before := r.handle("signature_state_open", uint64(pair))
		at := r.room(48)
		r.must("keypair_store_managed", manager, uint64(pair), at, 48)
		id, version := r.pairIdentity(pair)
		padded := r.Get(uint32(at), 48)
		if !bytes.Equal(padded, append(bytes.Clone(id), make([]byte, 16)...)) || !hexOnly(id) || len(id) != 32 || version != 1 {
			t.Errorf("stored as %q, the pair is version %d of %q", padded, version, id)
		}
		r.notGivenOut(kindPair, pair, asPKCS8)
		r.want(prohibitedOperation, "keypair_store_managed", manager, uint64(pair), at, 48)
		want := unhex(t, knownSignatures()[0].signature)
		opened, e := r.pairFromID(manager, padded, claviger.LatestVersion)
		if e != success {
			t.Fatal(e)
		}
		for _, sig := range []uint32{r.signed(pair, nil), r.signed(opened, nil), r.handle("signature_state_sign", uint64(before))} {
			if got := r.pull(r.handle("signature_export", uint64(sig), signatureRaw)); !bytes.Equal(got, want) {
				t.Error("the stored pair signs otherwise")
			}
		}
		r.want(overflow, "keypair_id", uint64(pair), at, 31, r.room(4), r.room(8))
		r.must("secrets_manager_close", manager)
		r.signed(pair, []byte("the pair outlives the manager's handle"))
	})
}

// A buffer that is too small for an identifier is overflow, and nothing is stored; so is what the keeper refuses.
func TestSmallBufferStoresNoPair(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	pair := r.generated(familySigns, "Ed25519")
	at := r.room(32)
	for _, n := range []uint64{0, 1, 31} {
		r.want(overflow, "keypair_store_managed", manager, uint64(pair), at, n)
	}
	r.want(guestError, "keypair_store_managed", manager, uint64(pair), 0xFFFFFFF0, 32)
	if n := keeper.stored(); n != 0 {
		t.Errorf("%d pairs were stored", n)
	}
	keeper.fails = claviger.ErrQuotaExceeded
	r.want(overflow, "keypair_store_managed", manager, uint64(pair), at, 32)
	if !bytes.Equal(r.Get(uint32(at), 32), bytes.Repeat([]byte{0xA5}, 32)) {
		t.Error("something was written")
	}
	r.exported(kindPair, pair, asPKCS8)
}

// Replacing makes the new handle the next version and closes the old one; older versions stay, and other algorithms do not fit (rules 75, 81, 83).
func TestReplaceManagedPair(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		first := r.managedPair(manager, familySigns, "Ed25519", 0)
		id, _ := r.pairIdentity(first)
		local, to := r.generated(familySigns, "Ed25519"), r.room(8)
		publicKeys := [][]byte{r.exported(kindPublic, r.publicOf(first), asRaw), r.exported(kindPublic, r.publicOf(local), asRaw)}
		r.must("keypair_replace_managed", manager, uint64(first), uint64(local), to)
		if v := r.U64(uint32(to)); v != 2 {
			t.Errorf("the version is %d", v)
		}
		if now, v := r.pairIdentity(local); !bytes.Equal(now, id) || v != 2 {
			t.Errorf("the new pair is version %d of %q", v, now)
		}
		r.notGivenOut(kindPair, local, asPKCS8)
		r.want(closed, "keypair_close", uint64(first))

		managed := r.managedPair(manager, familySigns, "Ed25519", 0)
		publicKeys = append(publicKeys, r.exported(kindPublic, r.publicOf(managed), asRaw))
		r.must("keypair_replace_managed", manager, uint64(local), uint64(managed), to)
		r.must("keypair_replace_managed", manager, uint64(managed), uint64(managed), to) // a copy of itself
		publicKeys = append(publicKeys, publicKeys[2])
		for i, want := range publicKeys {
			h, e := r.pairFromID(manager, id, uint64(i+1))
			if e != success || !bytes.Equal(r.exported(kindPublic, r.publicOf(h), asRaw), want) {
				t.Errorf("version %d: %v, or another pair", i+1, e)
			}
			if e := r.verified(r.publicOf(h), []byte("m"), r.signed(h, []byte("m"))); e != success {
				t.Errorf("version %d signs: %v", i+1, e)
			}
		}

		r.refused(incompatibleKeys, "keypair_replace_managed", manager, uint64(managed), uint64(r.generated(familySigns, "Ed448")))
		r.refused(incompatibleKeys, "keypair_replace_managed", manager, uint64(managed), uint64(r.generated(familyExchanges, "X25519")))
		r.refused(unsupportedFeature, "keypair_replace_managed", manager, uint64(r.generated(familySigns, "Ed25519")), uint64(managed))
		r.refused(invalidHandle, "keypair_replace_managed", manager, uint64(managed), manager)
		if now, v := r.pairIdentity(managed); !bytes.Equal(now, id) || v != 4 {
			t.Errorf("after refusals the pair is version %d of %q", v, now)
		}
	})
}

// What is not there is not_found: other versions, other identifiers, a symmetric key, what was invalidated (rules 77, 78, 83).
func TestPairsThatAreNotThere(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		pair := r.managedPair(manager, familyExchanges, "X25519", 0)
		id, _ := r.pairIdentity(pair)
		key, _ := r.identity(r.generate(manager, "HMAC/SHA-256", 0))
		for _, c := range []struct {
			id      []byte
			version uint64
		}{{id, 0}, {id, 2}, {id, claviger.UnspecifiedVersion}, {id, claviger.AllVersions}, {id[:31], 1}, {nil, 1}, {append(bytes.Clone(id), 1), 1}, {key, 1}} {
			if _, e := r.pairFromID(manager, c.id, c.version); e != notFound {
				t.Errorf("version %#x of %q: %v", c.version, c.id, e)
			}
		}
		at, n := r.put(id)
		r.must("secrets_manager_invalidate", manager, at, n, claviger.AllVersions)
		for _, version := range []uint64{1, claviger.LatestVersion} {
			if _, e := r.pairFromID(manager, id, version); e != notFound {
				t.Errorf("version %#x after all are invalid: %v", version, e)
			}
		}
		r.refused(notFound, "keypair_replace_managed", manager, uint64(pair), uint64(r.generated(familyExchanges, "X25519")))
	})
}

// A host without a keeper answers unsupported_feature, whatever the other arguments are.
func TestNoManagedPairsWithoutAKeeper(t *testing.T) {
	r := newRig(t, Config{})
	pair := r.generated(familySigns, "Ed25519")
	at, n := r.put(bytes.Repeat([]byte{'0'}, 32))
	r.refused(unsupportedFeature, "keypair_generate_managed", append([]uint64{0}, append(r.algorithmArgs(familySigns, "Ed25519"), r.none())...)...)
	r.want(unsupportedFeature, "keypair_store_managed", 0, uint64(pair), at, n)
	r.refused(unsupportedFeature, "keypair_replace_managed", 0, uint64(pair), uint64(pair))
	r.refused(unsupportedFeature, "keypair_from_id", 0, at, n, 1)
	if id, version := r.pairIdentity(pair); len(id) != 0 || version != claviger.UnspecifiedVersion {
		t.Errorf("a pair is version %#x of %q", version, id)
	}
}

// Every managed pair that the host opened is closed when its last handle is: that of a pair, a secret key or a signature state.
func TestManagedPairsAreLetGo(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	pair := r.managedPair(manager, familySigns, "Ed25519", 0)
	secret, state := r.secretOf(pair), r.handle("signature_state_open", uint64(pair))
	for kind, h := range map[string]uint32{"keypair": pair, "secretkey": secret, "signature_state": state} {
		if n := keeper.opened(); n != 1 {
			t.Errorf("%d managed pairs are open while there are handles", n)
		}
		r.close(kind, h)
	}
	if n := keeper.opened(); n != 0 {
		t.Errorf("%d managed pairs are open after the last handle", n)
	}
	id, err := keeper.GenerateKey(t.Context(), claviger.GuestSymmetric, "HMAC/SHA-256", claviger.ManagedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, e := r.pairFromID(manager, []byte(id.ID()), 1); e != notFound {
		t.Errorf("a symmetric key as a pair: %v", e)
	}
	other := r.managedPair(manager, familySigns, "Ed25519", 0)
	r.must("keypair_replace_managed", manager, uint64(other), uint64(r.generated(familySigns, "Ed25519")), r.room(8))
	if err := errors.Join(id.Close(), r.host.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if n := keeper.opened(); n != 0 {
		t.Errorf("%d managed keys are open at the end", n)
	}
}

// slowKeeper takes its time to store.
type slowKeeper struct{ *keeper }

func (k slowKeeper) StoreKey(ctx context.Context, m claviger.ManagedMaterial) (claviger.ManagedKey, error) {
	time.Sleep(50 * time.Millisecond)
	return k.keeper.StoreKey(ctx, m)
}

// TestOnePairIsStoredOnce: of several threads that store a pair one does, and the others find it managed.
func TestOnePairIsStoredOnce(t *testing.T) {
	k := newKeeper()
	r, manager := managedRig(t, slowKeeper{k})
	pair := r.imported(kindPair, familySigns, "Ed25519", unhex(t, knownEdwards()[0].pair), asRaw)
	var threads sync.WaitGroup
	var stored, refused atomic.Int32
	for range 3 {
		at := r.room(32)
		threads.Go(func() {
			switch e, err := r.Try("keypair_store_managed", manager, uint64(pair), at, 32); {
			case err == nil && errno(e) == success:
				stored.Add(1)
			case err == nil && errno(e) == prohibitedOperation:
				refused.Add(1)
			}
		})
	}
	threads.Wait()
	if stored.Load() != 1 || refused.Load() != 2 || k.stored() != 1 {
		t.Errorf("%d calls stored the pair and %d were refused; the keeper has %d", stored.Load(), refused.Load(), k.stored())
	}
}
