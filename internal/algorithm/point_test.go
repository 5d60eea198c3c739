package algorithm

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/claviger/claviger"
)

// Points of every curve compress and expand to the same key, raw and in a SubjectPublicKeyInfo; hybrid forms and infinity are refused.
func TestPointsCompressAndExpand(t *testing.T) {
	for i := range table {
		r := &table[i]
		if r.Curve() == "" {
			continue
		}
		for range 4 { // both signs of y
			key, err := r.GeneratePair()
			if err != nil {
				t.Fatal(err)
			}
			public := r.PublicOf(key)
			full, err := r.MarshalRaw(claviger.PublicKey, public)
			if err != nil {
				t.Fatal(err)
			}
			short, err := r.CompressPoint(public)
			if err != nil || len(short) != (len(full)+1)/2 {
				t.Fatalf("%s: a compressed point of %d bytes, %v", r.Name, len(short), err)
			}
			for _, point := range [][]byte{full, short} {
				again, err := r.ParsePoint(point)
				if err != nil {
					t.Fatalf("%s: %v", r.Name, err)
				}
				if got, err := r.MarshalRaw(claviger.PublicKey, again); err != nil || !bytes.Equal(got, full) {
					t.Errorf("%s: another point comes back: %v", r.Name, err)
				}
			}
			hybrid := bytes.Clone(full)
			hybrid[0] = 6 | full[len(full)-1]&1
			for _, wrong := range [][]byte{nil, {0}, hybrid, full[1:], short[1:], append(bytes.Clone(short), 0), bytes.Repeat([]byte{2}, len(full))} {
				if _, err := r.ParsePoint(wrong); !errors.Is(err, claviger.ErrInvalidFormat) {
					t.Errorf("%s: %d bytes that are no point: %v", r.Name, len(wrong), err)
				}
			}
			der, err := r.MarshalPublic(public)
			if err != nil {
				t.Fatal(err)
			}
			if compressed := recompress(der, full, short); compressed != nil {
				if again, err := r.ParsePublic(compressed); err != nil {
					t.Errorf("%s: a compressed point in a SubjectPublicKeyInfo: %v", r.Name, err)
				} else if got, err := r.MarshalPublic(again); err != nil || !bytes.Equal(got, der) {
					t.Errorf("%s: a compressed point in a SubjectPublicKeyInfo is another key: %v", r.Name, err)
				}
			}
		}
	}
}

// recompress puts the short point in place of the full one and corrects the lengths; nil for P-521, whose lengths have another form.
func recompress(der, full, short []byte) []byte {
	out := bytes.Replace(der, full, short, 1)
	if der[1] >= 0x80 {
		return nil
	}
	out[1] = byte(len(out) - 2)
	out[len(out)-len(short)-2] = byte(len(short) + 1)
	return out
}

// Rows without points have none.
func TestRowsWithoutPoints(t *testing.T) {
	for _, name := range []claviger.Algorithm{"Ed25519", "X25519", "RSA-2048", "ML-DSA-44", "AES-128"} {
		row, ok := Lookup(name, FamilyKey)
		if !ok {
			t.Fatal(name)
		}
		if _, err := row.ParsePoint([]byte{2, 1}); row.Curve() != "" || !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("%s: the curve %q, %v", name, row.Curve(), err)
		}
		if _, err := row.ParseRaw(claviger.PublicKey, make([]byte, maxEncoding+1)); !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("%s: a raw key over the limit: %v", name, err)
		}
	}
}

// Every generated public key is fit; RSA moduli with a small factor and those that are a prime are not, nor are 32 zero bytes as an Ed25519 key.
func TestCheckPublic(t *testing.T) {
	for i := range table {
		r := &table[i]
		if r.Family != FamilyKey || !r.Pair() || r.Name == "RSA-3072" || r.Name == "RSA-4096" {
			continue
		}
		key, err := r.GeneratePair()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.CheckPublic(r.PublicOf(key)); err != nil {
			t.Errorf("%s: a generated key: %v", r.Name, err)
		}
	}
	row, _ := Lookup("RSA-2048", FamilyKey)
	prime, err := rand.Prime(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	factor := new(big.Int).Mul(big.NewInt(751), new(big.Int).Rsh(prime, 10))
	for what, n := range map[string]*big.Int{"a prime": prime, "a multiple of 751": factor} {
		if err := row.CheckPublic(&rsa.PublicKey{N: n, E: 65537}); !errors.Is(err, claviger.ErrInvalidKey) {
			t.Errorf("a modulus that is %s: %v", what, err)
		}
	}
	row, _ = Lookup("Ed25519", FamilyKey)
	if err := row.CheckPublic(make(ed25519.PublicKey, 32)); !errors.Is(err, claviger.ErrInvalidKey) {
		t.Errorf("32 zero bytes: %v", err)
	}
}

// Wipe clears what is kept in plain bytes: the raw private key is zero afterwards.
func TestWipe(t *testing.T) {
	for _, name := range []claviger.Algorithm{"Ed25519", "Ed448", "X448", "ML-DSA-44", "ML-KEM-512"} {
		row, ok := Lookup(name, FamilyKey)
		if !ok {
			t.Fatal(name)
		}
		key, err := row.GeneratePair()
		if err != nil {
			t.Fatal(err)
		}
		Wipe(key)
		if raw, err := row.MarshalRaw(claviger.PrivateKey, key); err != nil || !bytes.Equal(raw, make([]byte, len(raw))) {
			t.Errorf("%s: not wiped: %v", name, err)
		}
	}
}

// ECDSA signatures change their form and back, and the other rows have one form.
func TestSignatureForms(t *testing.T) {
	for i := range table {
		r := &table[i]
		if r.Family != FamilySignature || r.Keyed() {
			continue
		}
		if !r.TwoForms() {
			_, one := r.SignatureToDER(nil)
			_, two := r.SignatureFromDER(nil)
			if !errors.Is(one, claviger.ErrUnsupportedOperation) || !errors.Is(two, claviger.ErrUnsupportedOperation) {
				t.Errorf("%s: %v, %v", r.Name, one, two)
			}
			continue
		}
		raw := make([]byte, r.Size)
		raw[0], raw[r.Size-1] = 0x80, 1
		der, err := r.SignatureToDER(raw)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := r.SignatureFromDER(der); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s: another signature comes back: %v", r.Name, err)
		}
		if _, err := r.SignatureToDER(raw[1:]); !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("%s: a short signature: %v", r.Name, err)
		}
		long, _ := hex.DecodeString("3006020100020101")
		for _, wrong := range [][]byte{nil, der[1:], append(bytes.Clone(der), 0), long[:7], []byte("\x30\x06\x02\x01\xFF\x02\x01\x01"), []byte("\x30\x07\x02\x02\x00\x01\x02\x01\x01")} {
			if _, err := r.SignatureFromDER(wrong); !errors.Is(err, claviger.ErrInvalidFormat) {
				t.Errorf("%s: %x: %v", r.Name, wrong, err)
			}
		}
		if got, err := r.SignatureFromDER(long); err != nil || got[r.Size-1] != 1 || got[r.Size/2-1] != 0 {
			t.Errorf("%s: the smallest numbers: %v", r.Name, err)
		}
	}
}
