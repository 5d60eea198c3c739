package wasicrypto

import (
	"bytes"
	"encoding"
	"encoding/asn1"
	"encoding/pem"
	"testing"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
)

// expandedKey is a key as another library expands it.
type expandedKey struct {
	family           uint64
	name             string
	expanded, public []byte
	pkcs8            []byte // with the expanded key alone (RFC 9881 and 9935 section 6)
}

func newExpandedKey(t *testing.T, family uint64, name string, arc, number int, private, public encoding.BinaryMarshaler) expandedKey {
	t.Helper()
	k := expandedKey{family: family, name: name}
	var err error
	if k.expanded, err = private.MarshalBinary(); err != nil {
		t.Fatal(err)
	}
	if k.public, err = public.MarshalBinary(); err != nil {
		t.Fatal(err)
	}
	type identifier struct{ OID asn1.ObjectIdentifier }
	inner, err := asn1.Marshal(k.expanded)
	if err != nil {
		t.Fatal(err)
	}
	k.pkcs8, err = asn1.Marshal(struct {
		Version   int
		Algorithm identifier
		Key       []byte
	}{0, identifier{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, arc, number}}, inner})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func expandedKeys(t *testing.T) []expandedKey {
	t.Helper()
	var all []expandedKey
	for i, s := range []kem.Scheme{mlkem512.Scheme(), mlkem768.Scheme(), mlkem1024.Scheme()} {
		public, private, err := s.GenerateKeyPair()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, newExpandedKey(t, familyExchanges, s.Name(), 4, 1+i, private, public))
	}
	for i, s := range []sign.Scheme{mldsa44.Scheme(), mldsa65.Scheme(), mldsa87.Scheme()} {
		public, private, err := s.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, newExpandedKey(t, familySigns, s.Name(), 3, 17+i, private, public))
	}
	return all
}

// An expanded secret key goes in raw, as pkcs8 and as pem, alone and as a pair, and comes out expanded whatever it came in as. It
// has its public half, and signs or decapsulates.
func TestExpandedSecretKeys(t *testing.T) {
	r := newRig(t, Config{})
	for _, k := range expandedKeys(t) {
		secret := map[uint64][]byte{asRaw: k.expanded, asPKCS8: k.pkcs8, asPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k.pkcs8}), asLocal: k.expanded}
		pair := map[uint64][]byte{asRaw: k.expanded, asPKCS8: secret[asPKCS8], asPEM: secret[asPEM], asPairLocal: k.expanded}
		if k.family == familyExchanges {
			pair[asRaw] = append(bytes.Clone(k.public), k.expanded...)
			pair[asPairLocal] = pair[asRaw]
		}
		for kind, forms := range map[half]map[uint64][]byte{kindSecret: secret, kindPair: pair} {
			for from, data := range forms {
				r.startOver()
				h := r.imported(kind, k.family, k.name, data, from)
				for to, want := range forms {
					if !bytes.Equal(r.exported(kind, h, to), want) {
						t.Errorf("%s: a %s that came as %d has another form %d", k.name, kind, from, to)
					}
				}
				if kind == kindPair {
					r.works(t, k, h)
					continue
				}
				public := r.handle("publickey_from_secretkey", uint64(h))
				if !bytes.Equal(r.exported(kindPublic, public, asRaw), k.public) {
					t.Errorf("%s: the secret key has another public half", k.name)
				}
				r.works(t, k, r.handle("keypair_from_pk_and_sk", uint64(public), uint64(h)))
			}
		}
	}
}

// works holds that a pair does what its algorithm is for.
func (r *rig) works(t *testing.T, k expandedKey, pair uint32) {
	t.Helper()
	public := r.publicOf(pair)
	if k.family == familySigns {
		if e := r.verified(public, []byte("message"), r.signed(pair, []byte("message"))); e != success {
			t.Errorf("%s: a signature: %v", k.name, e)
		}
		return
	}
	want, ciphertext := r.encapsulated(public)
	at, n := r.put(ciphertext)
	if got := r.pull(r.handle("kx_decapsulate", uint64(r.secretOf(pair)), at, n)); !bytes.Equal(got, want) {
		t.Errorf("%s: another secret comes out", k.name)
	}
}

// An expanded key that is not what it should be is invalid_key in every encoding, and so is a pair of two keys' halves.
func TestWrongExpandedSecretKeysAreRefused(t *testing.T) {
	r := newRig(t, Config{})
	first, second := expandedKeys(t), expandedKeys(t)
	for i, k := range first {
		r.startOver()
		altered := bytes.Clone(k.expanded)
		altered[len(altered)-40] ^= 1 // ML-KEM: the hash of the public key; ML-DSA: t0
		wrong := [][]byte{k.expanded[1:], append(bytes.Clone(k.expanded), 0), altered, make([]byte, len(k.expanded))}
		for _, data := range wrong {
			r.startOver()
			r.refused(invalidKey, "secretkey_import", r.importArgs(k.family, k.name, data, asRaw)...)
			r.refused(invalidKey, "keypair_import", r.importArgs(k.family, k.name, data, asRaw)...)
			r.refused(invalidKey, "keypair_import", r.importArgs(k.family, k.name, append(bytes.Clone(k.public), data...), asRaw)...)
		}
		document := bytes.Replace(bytes.Clone(k.pkcs8), k.expanded, altered, 1)
		r.refused(invalidKey, "secretkey_import", r.importArgs(k.family, k.name, document, asPKCS8)...)
		r.refused(invalidKey, "keypair_import", r.importArgs(k.family, k.name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: document}), asPEM)...)
		r.refused(invalidKey, "keypair_import", r.importArgs(k.family, k.name, append(bytes.Clone(second[i].public), k.expanded...), asRaw)...)
	}
}

// A keeper takes an expanded key, and the managed pair works.
func TestExpandedPairsAreKept(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		for _, k := range expandedKeys(t) {
			r.startOver()
			pair := r.imported(kindPair, k.family, k.name, k.pkcs8, asPKCS8)
			at := r.room(32)
			r.must("keypair_store_managed", manager, uint64(pair), at, 32)
			id, version := r.pairIdentity(pair)
			again, e := r.pairFromID(manager, id, version)
			if e != success {
				t.Fatalf("%s: %v", k.name, e)
			}
			if !bytes.Equal(r.exported(kindPublic, r.publicOf(again), asRaw), k.public) {
				t.Errorf("%s: the managed pair has another public half", k.name)
			}
			r.works(t, k, again)
		}
	})
}
