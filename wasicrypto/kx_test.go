package wasicrypto

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// Published exchanges give the published secrets both ways: RFC 7748 sections 6.1 and 6.2.
func TestPublishedExchanges(t *testing.T) {
	r := newRig(t, Config{})
	for _, c := range []struct{ name, secret, public, otherSecret, otherPublic, shared string }{
		{"X25519", knownEdwards()[2].secret, knownEdwards()[2].public,
			"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
		{"x448", knownEdwards()[3].secret, knownEdwards()[3].public,
			"1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
			"3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
			"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d"},
	} {
		for _, side := range [][2]string{{c.secret, c.otherPublic}, {c.otherSecret, c.public}} {
			secret := r.imported(kindSecret, familyExchanges, c.name, unhex(t, side[0]), asRaw)
			public := r.imported(kindPublic, familyExchanges, c.name, unhex(t, side[1]), asRaw)
			if got := r.pull(r.handle("kx_dh", uint64(public), uint64(secret))); !bytes.Equal(got, unhex(t, c.shared)) {
				t.Errorf("%s: another secret", c.name)
			}
		}
	}
}

// On NIST curves the secret is the x coordinate, big-endian, and the hash in the name is not applied: what crypto/ecdh gives.
func TestSecretsOfCurvesAreTheXCoordinate(t *testing.T) {
	r := newRig(t, Config{})
	for name, curve := range map[string]ecdh.Curve{"P256-SHA256": ecdh.P256(), "P384-SHA384": ecdh.P384(), "P521-SHA512": ecdh.P521()} {
		peer, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		pair := r.generated(familyExchanges, name)
		own, err := curve.NewPublicKey(r.exported(kindPublic, r.publicOf(pair), asSEC))
		if err != nil {
			t.Fatal(err)
		}
		want, err := peer.ECDH(own)
		if err != nil {
			t.Fatal(err)
		}
		public := r.imported(kindPublic, familyExchanges, name, peer.PublicKey().Bytes(), asSEC)
		if got := r.pull(r.handle("kx_dh", uint64(public), uint64(r.secretOf(pair)))); !bytes.Equal(got, want) {
			t.Errorf("%s: another secret", name)
		}
	}
}

// Every exchange works between two pairs: Diffie-Hellman or encapsulation, and the function for the other kind is invalid_operation.
func TestRow21EveryExchange(t *testing.T) {
	r := newRig(t, Config{})
	for _, g := range pairGuests() {
		if g.Type != claviger.GuestKeyExchange {
			continue
		}
		r.startOver()
		one, two := r.generated(familyExchanges, string(g.Name)), r.generated(familyExchanges, string(g.Name))
		if g.Use.Family == algorithm.FamilyAgreement {
			a := r.pull(r.handle("kx_dh", uint64(r.publicOf(one)), uint64(r.secretOf(two))))
			b := r.pull(r.handle("kx_dh", uint64(r.publicOf(two)), uint64(r.secretOf(one))))
			if !bytes.Equal(a, b) || len(a) != g.Use.Size {
				t.Errorf("%s: secrets of %d and %d bytes differ", g.Name, len(a), len(b))
			}
			r.refused(invalidOperation, "kx_encapsulate", uint64(r.publicOf(one)), r.room(4))
			at, n := r.put(make([]byte, 100))
			r.refused(invalidOperation, "kx_decapsulate", uint64(r.secretOf(one)), at, n)
			continue
		}
		secret, ciphertext := r.encapsulated(r.publicOf(one))
		if len(secret) != 32 || len(ciphertext) != g.Use.Ciphertext {
			t.Errorf("%s: a secret of %d bytes in %d", g.Name, len(secret), len(ciphertext))
		}
		at, n := r.put(ciphertext)
		if got := r.pull(r.handle("kx_decapsulate", uint64(r.secretOf(one)), at, n)); !bytes.Equal(got, secret) {
			t.Errorf("%s: another secret comes out", g.Name)
		}
		if got := r.pull(r.handle("kx_decapsulate", uint64(r.secretOf(two)), at, n)); bytes.Equal(got, secret) {
			t.Errorf("%s: another pair gets the secret", g.Name)
		}
		r.refused(invalidOperation, "kx_dh", uint64(r.publicOf(one)), uint64(r.secretOf(one)))
	}
}

// encapsulated gives a secret and what carries it.
func (r *rig) encapsulated(public uint32) (secret, ciphertext []byte) {
	r.t.Helper()
	to := r.room(8)
	r.must("kx_encapsulate", uint64(public), to, to+4)
	return r.pull(r.U32(uint32(to))), r.pull(r.U32(uint32(to) + 4))
}

// A ciphertext that cannot be opened, being of another length, is verification_failed.
func TestRow22FailingDecapsulation(t *testing.T) {
	r := newRig(t, Config{})
	for _, name := range []string{"ML-KEM-512", "ML-KEM-768", "ML-KEM-1024", "X-WING"} {
		r.startOver()
		pair := r.generated(familyExchanges, name)
		_, ciphertext := r.encapsulated(r.publicOf(pair))
		for _, wrong := range [][]byte{{}, ciphertext[1:], append(bytes.Clone(ciphertext), 0), make([]byte, maxEncoded+1)} {
			at, n := r.put(wrong)
			r.refused(verificationFailed, "kx_decapsulate", uint64(r.secretOf(pair)), at, n)
		}
	}
}

// What crypto/mlkem encapsulates is opened here, and the other way round.
func TestEncapsulationIsInteroperable(t *testing.T) {
	r := newRig(t, Config{})
	key, err := mlkem.GenerateKey768()
	if err != nil {
		t.Fatal(err)
	}
	pair := r.imported(kindPair, familyExchanges, "ML-KEM-768", append(key.EncapsulationKey().Bytes(), key.Bytes()...), asRaw)
	want, ciphertext := key.EncapsulationKey().Encapsulate()
	at, n := r.put(ciphertext)
	if got := r.pull(r.handle("kx_decapsulate", uint64(r.secretOf(pair)), at, n)); !bytes.Equal(got, want) {
		t.Error("what crypto/mlkem encapsulated opens to another secret")
	}
	secret, own := r.encapsulated(r.publicOf(pair))
	if got, err := key.Decapsulate(own); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("crypto/mlkem opens another secret: %v", err)
	}
}

// A public key of low order gives invalid_key, and no secret.
func TestLowOrderKeysGiveNoSecret(t *testing.T) {
	r := newRig(t, Config{})
	for name, points := range map[string][]string{
		"X25519": {"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
			"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
			"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
		"X448": {"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
			"0100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"},
	} {
		secret := r.secretOf(r.generated(familyExchanges, name))
		for _, point := range points {
			public := r.imported(kindPublic, familyExchanges, name, unhex(t, point), asRaw)
			r.refused(invalidKey, "kx_dh", uint64(public), uint64(secret))
		}
	}
}

// Keys of two algorithms are incompatible_keys.
func TestExchangeBetweenAlgorithms(t *testing.T) {
	r := newRig(t, Config{})
	one, two, kem := r.generated(familyExchanges, "X25519"), r.generated(familyExchanges, "P256-SHA256"), r.generated(familyExchanges, "ML-KEM-768")
	r.refused(incompatibleKeys, "kx_dh", uint64(r.publicOf(one)), uint64(r.secretOf(two)))
	r.refused(incompatibleKeys, "kx_dh", uint64(r.publicOf(two)), uint64(r.secretOf(one)))
	r.refused(incompatibleKeys, "kx_dh", uint64(r.publicOf(kem)), uint64(r.secretOf(one)))
}

// An encapsulation whose second result has no room gives nothing, and leaves no handle behind.
func TestEncapsulationGivesBothOrNothing(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Handles: 3}})
	pair := r.generated(familyExchanges, "ML-KEM-512")
	public := r.publicOf(pair)
	to := r.room(8)
	r.want(tooManyHandles, "kx_encapsulate", uint64(public), to, to+4)
	if r.U64(uint32(to)) != 0xA5A5A5A5A5A5A5A5 {
		t.Error("something was stored")
	}
	if n := r.host.Handles(r.Module); n != 2 {
		t.Errorf("%d handles are open", n)
	}
}
