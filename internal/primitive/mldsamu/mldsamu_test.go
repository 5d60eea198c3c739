package mldsamu_test

import (
	"bytes"
	"crypto"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"

	"github.com/claviger/claviger/internal/primitive/mldsamu"
)

// external asks filippo.io/mldsa to sign μ.
type external struct{}

func (external) HashFunc() crypto.Hash { return mldsacrypto.MLDSAMu }

type set struct {
	own    mldsamu.Parameters
	other  mldsa.Parameters
	scheme sign.Scheme
}

func sets() []set {
	return []set{{mldsamu.MLDSA44(), mldsa.MLDSA44(), mldsa44.Scheme()}, {mldsamu.MLDSA65(), mldsa.MLDSA65(), mldsa65.Scheme()},
		{mldsamu.MLDSA87(), mldsa.MLDSA87(), mldsa87.Scheme()}}
}

// The sizes are those of FIPS 204 table 2.
func TestSizes(t *testing.T) {
	for i, want := range [][2]int{{1312, 2420}, {1952, 3309}, {2592, 4627}} {
		if p := sets()[i].own; p.PublicKeySize() != want[0] || p.SignatureSize() != want[1] {
			t.Errorf("set %d: public keys of %d bytes, signatures of %d", i, p.PublicKeySize(), p.SignatureSize())
		}
	}
}

// Two other libraries' signatures of messages verify over the μ of those messages, and
// signatures of μ do.
func TestVerifiesWhatOthersSign(t *testing.T) {
	for _, s := range sets() {
		for i := range 8 {
			key, err := mldsa.GenerateKey(s.other)
			if err != nil {
				t.Fatal(err)
			}
			public, message := key.PublicKey().Bytes(), bytes.Repeat([]byte{byte(i)}, 100*i)
			mu := mldsamu.Mu(public, []byte{0, 0}, message) // FIPS 204 algorithm 2, line 10: plain form, empty context
			_, circlKey := s.scheme.DeriveKey(key.Bytes())
			plain, err := key.Sign(nil, message, crypto.Hash(0))
			if err != nil {
				t.Fatal(err)
			}
			ofMu, err := key.Sign(nil, mu, external{})
			if err != nil {
				t.Fatal(err)
			}
			for what, signature := range map[string][]byte{"plain": plain, "over μ": ofMu, "by circl": s.scheme.Sign(circlKey, message, nil)} {
				if !s.own.Verify(public, mu, signature) {
					t.Errorf("%s %d: the signature %s is refused", s.other, i, what)
				}
			}
			mu[i] ^= 1
			if s.own.Verify(public, mu, plain) {
				t.Errorf("%s %d: a signature of another μ is taken", s.other, i)
			}
		}
	}
}

// Altered signatures and keys get the verdict that circl gives; one flipped bit anywhere is
// refused.
func TestAlteredSignatures(t *testing.T) {
	for _, s := range sets() {
		key, err := mldsa.GenerateKey(s.other)
		if err != nil {
			t.Fatal(err)
		}
		public := key.PublicKey().Bytes()
		mu := mldsamu.Mu(public, []byte{0, 0}, []byte("message"))
		signature, err := key.Sign(nil, []byte("message"), crypto.Hash(0))
		if err != nil {
			t.Fatal(err)
		}
		circlPublic, err := s.scheme.UnmarshalBinaryPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		positions := []int{0, 40, 70, len(signature) / 2}
		for i := len(signature) - 90; i < len(signature); i++ { // the hint and its counts
			positions = append(positions, i)
		}
		for _, at := range positions {
			for _, bit := range []byte{1, 0x80} {
				altered := bytes.Clone(signature)
				altered[at] ^= bit
				own := s.own.Verify(public, mu, altered)
				if own || own != s.scheme.Verify(circlPublic, []byte("message"), altered, nil) {
					t.Errorf("%s: a signature with byte %d altered: %v", s.other, at, own)
				}
			}
		}
		for _, wrong := range [][]byte{nil, signature[:len(signature)-1], append(bytes.Clone(signature), 0)} {
			if s.own.Verify(public, mu, wrong) {
				t.Errorf("%s: a signature of %d bytes is taken", s.other, len(wrong))
			}
		}
		public[50] ^= 1
		if s.own.Verify(public, mu, signature) || s.own.Verify(public[1:], mu, signature) || (mldsamu.Parameters{}).Verify(public, mu, signature) {
			t.Errorf("%s: another key verifies", s.other)
		}
	}
}

// No signature makes the decoder fail, and none is found by chance.
func FuzzVerify(f *testing.F) {
	key, err := mldsa.GenerateKey(mldsa.MLDSA44())
	if err != nil {
		f.Fatal(err)
	}
	public := key.PublicKey().Bytes()
	mu := mldsamu.Mu(public, []byte("other"))
	valid, err := key.Sign(nil, make([]byte, mldsamu.MuSize), external{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add(make([]byte, len(valid)))
	f.Fuzz(func(t *testing.T, signature []byte) {
		if mldsamu.MLDSA44().Verify(public, mu, signature) {
			t.Error("a signature of another μ is taken")
		}
	})
}
