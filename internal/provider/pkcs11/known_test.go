package pkcs11_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
	"github.com/claviger/claviger/internal/provider/software"
)

// sizes are message lengths in bytes: around blocks, and longer than what goes to a token at once.
func sizes() []int { return []int{0, 1, 15, 16, 17, 31, 32, 1000, 4099} }

const long = 1<<20 + 5

func message(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i*7 + i>>8 + n)
	}
	return m
}

// oneShot runs an operation behind bytes that must stay.
func oneShot(t testing.TB, o provider.Operator, op provider.Op, p *provider.Params, in []byte) []byte {
	t.Helper()
	out, err := o.OneShot(context.Background(), op, p, []byte("before"), in)
	if err != nil {
		t.Fatalf("%s by %s of %d bytes: %v", op, p.Algorithm, len(in), err)
	}
	if !bytes.HasPrefix(out, []byte("before")) {
		t.Fatalf("%s overwrote what was there", op)
	}
	return out[len("before"):]
}

// inParts runs a message through a stream in parts.
func inParts(t testing.TB, s provider.Stream, in []byte, part int) []byte {
	t.Helper()
	var out []byte
	for len(in) > 0 {
		n := min(part, len(in))
		next, err := s.Update(context.Background(), out, in[:n])
		must(t, err)
		out, in = next, in[n:]
	}
	out, err := s.Finish(context.Background(), out, nil)
	must(t, err)
	return out
}

func stream(t testing.TB, o provider.Operator, op provider.Op, p *provider.Params) provider.Stream {
	t.Helper()
	s, err := o.Begin(context.Background(), op, p)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// Hashes and codes of the token are those of the software, whole and in parts.
func TestHashesAndCodesAreThoseOfSoftware(t *testing.T) {
	p := fresh(t, 0)
	for _, m := range append(offeredRows(p, provider.Hash), offeredRows(p, provider.MAC)...) {
		t.Run(string(m.Algorithm), func(t *testing.T) {
			inToken, inSoftware := provider.Operator(p), provider.Operator(software.New())
			if m.Key != "" {
				k := both(t, p, m.Key)
				inToken, inSoftware = k.token, k.software
			}
			params := &provider.Params{Algorithm: m.Algorithm}
			s := stream(t, inToken, m.Op, params)
			for i, n := range append(sizes(), long) {
				want := oneShot(t, inSoftware, m.Op, params, message(n))
				if got := oneShot(t, inToken, m.Op, params, message(n)); !bytes.Equal(got, want) {
					t.Errorf("%d bytes: %x, want %x", n, got, want)
				}
				if i > 0 {
					must(t, s.Reset(t.Context(), nil))
				}
				if got := inParts(t, s, message(n), max(1, n/3)); !bytes.Equal(got, want) {
					t.Errorf("%d bytes in parts: %x, want %x", n, got, want)
				}
			}
		})
	}
}

// vectors are initialization vectors that show how a counter goes on: over 64 bits, and over all 128.
func vectors(n int) [][]byte {
	ones := bytes.Repeat([]byte{0xff}, n)
	near := bytes.Clone(ones)
	near[n-1] = 0xfd
	half := bytes.Clone(ones)
	half[0] = 0
	return [][]byte{message(n), ones, near, half}
}

// What the token encrypts software decrypts to the same and the other way round; it is the same ciphertext.
func TestCiphersAreThoseOfSoftware(t *testing.T) {
	p := fresh(t, 0)
	for _, m := range offeredRows(p, provider.Encrypt) {
		r, ok := algorithm.Lookup(m.Algorithm, algorithm.FamilyCipher, algorithm.FamilyAEAD)
		if !ok {
			continue
		}
		t.Run(string(m.Algorithm), func(t *testing.T) {
			k := both(t, p, m.Key)
			for _, iv := range vectors(r.IV) {
				params := &provider.Params{Algorithm: m.Algorithm, IV: iv}
				if r.Family == algorithm.FamilyAEAD {
					params.AAD = []byte("associated")
				}
				for _, n := range append(sizes(), long) {
					testCipher(t, k, m, params, n)
				}
			}
		})
	}
}

func testCipher(t *testing.T, k pair, m provider.Mechanism, params *provider.Params, n int) {
	t.Helper()
	want := oneShot(t, k.software, provider.Encrypt, params, message(n))
	if got := oneShot(t, k.token, provider.Encrypt, params, message(n)); !bytes.Equal(got, want) {
		t.Fatalf("%d bytes with the vector %x encrypt to something else", n, params.IV)
	}
	if got := oneShot(t, k.token, provider.Decrypt, params, want); !bytes.Equal(got, message(n)) {
		t.Fatalf("%d bytes with the vector %x do not come back", n, params.IV)
	}
	if !m.Stream {
		_, err := k.token.Begin(t.Context(), provider.Encrypt, params)
		wantCode(t, "a stream of what is taken whole", err, claviger.ErrUnsupportedOperation)
		return
	}
	parts := []int{1, 7, 16, 33, 5000}
	if n > 5000 {
		parts = []int{4097, 1 << 20}
	}
	for _, part := range parts {
		if n > 100 && part == 1 {
			continue
		}
		if got := inParts(t, stream(t, k.token, provider.Encrypt, params), message(n), part); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes in parts of %d with the vector %x encrypt to something else", n, part, params.IV)
		}
		if got := inParts(t, stream(t, k.token, provider.Decrypt, params), want, part); !bytes.Equal(got, message(n)) {
			t.Fatalf("%d bytes in parts of %d with the vector %x do not come back", n, part, params.IV)
		}
	}
}

// A tag or a padding that is wrong is the mismatch, and nothing comes out; what is wrong with the key or the token is not.
func TestWrongTagsAndPaddingsAreMismatches(t *testing.T) {
	p := fresh(t, 0)
	for _, m := range offeredRows(p, provider.Decrypt) {
		r, ok := algorithm.Lookup(m.Algorithm, algorithm.FamilyCipher, algorithm.FamilyAEAD)
		if !ok || r.BothWays {
			continue
		}
		t.Run(string(m.Algorithm), func(t *testing.T) {
			k := both(t, p, m.Key)
			params := &provider.Params{Algorithm: m.Algorithm, IV: message(r.IV)}
			sealed := oneShot(t, k.software, provider.Encrypt, params, message(40))
			forged := bytes.Clone(sealed)
			forged[len(forged)-17] ^= 1
			for _, in := range [][]byte{forged, sealed[:len(sealed)-1], sealed[:15], nil} {
				out, err := k.token.OneShot(t.Context(), provider.Decrypt, params, []byte("dst"), in)
				if !errors.Is(err, provider.ErrMismatch) || string(out) != "dst" {
					t.Errorf("%d wrong bytes: %v, and %d bytes", len(in), err, len(out))
				}
			}
			k.token.Close()
			if _, err := k.token.OneShot(t.Context(), provider.Decrypt, params, nil, sealed); err == nil || errors.Is(err, provider.ErrMismatch) {
				t.Errorf("a closed key: %v", err)
			}
		})
	}
}

// Signatures of the token verify by software and the other way round, in both forms, and wrong ones are mismatches in both.
func TestSignaturesAreThoseOfSoftware(t *testing.T) {
	p := fresh(t, 0)
	keys := make(map[claviger.Algorithm]pair)
	for _, m := range append(offeredRows(p, provider.SignDigest), offeredRows(p, provider.Sign)...) {
		if testing.Short() && m.Key == "RSA-4096" {
			continue
		}
		if _, ok := keys[m.Key]; !ok {
			keys[m.Key] = both(t, p, m.Key)
		}
		t.Run(fmt.Sprintf("%s/%s", m.Algorithm, m.Key), func(t *testing.T) { testSignature(t, keys[m.Key], m) })
	}
}

func testSignature(t *testing.T, k pair, m provider.Mechanism) {
	check := provider.Verify
	in := message(100)
	r, _ := algorithm.Lookup(m.Algorithm, algorithm.FamilySignature)
	if m.Op == provider.SignDigest {
		check = provider.VerifyDigest
		h, _ := algorithm.Lookup(r.Digest, algorithm.FamilyHash)
		in = message(h.Size)
		_, err := k.token.OneShot(t.Context(), m.Op, &provider.Params{Algorithm: m.Algorithm}, nil, in[1:])
		wantCode(t, "a digest of another length", err, claviger.ErrInvalidArgument)
	}
	forms := []bool{false}
	if r.TwoForms() {
		forms = append(forms, true)
	}
	for _, der := range forms {
		params := provider.Params{Algorithm: m.Algorithm, DER: der}
		for _, way := range [][2]provider.Key{{k.token, k.software}, {k.software, k.token}, {k.token, k.token}} {
			own := params
			own.Signature = oneShot(t, way[0], m.Op, &params, in)
			oneShot(t, way[1], check, &own, in)
			for i := range own.Signature {
				forged := params
				forged.Signature = bytes.Clone(own.Signature)
				forged.Signature[i] ^= 1
				if i%17 == 0 {
					if _, err := way[1].OneShot(t.Context(), check, &forged, nil, in); !errors.Is(err, provider.ErrMismatch) {
						t.Errorf("byte %d changed: %v", i, err)
					}
				}
			}
			for _, wrong := range [][]byte{nil, own.Signature[1:], append(bytes.Clone(own.Signature), 0), make([]byte, len(own.Signature))} {
				forged := params
				forged.Signature = wrong
				if _, err := way[1].OneShot(t.Context(), check, &forged, nil, in); !errors.Is(err, provider.ErrMismatch) {
					t.Errorf("%d wrong bytes: %v", len(wrong), err)
				}
			}
		}
	}
}

// RSA-OAEP is not offered where the token only has it with SHA-1.
func TestOAEPIsNotOfferedWithoutItsHashes(t *testing.T) {
	p := fresh(t, 0)
	for _, m := range p.Mechanisms() {
		if _, ok := algorithm.Lookup(m.Algorithm, algorithm.FamilyAsymmetric); ok {
			t.Errorf("%s %s is offered", m.Op, m.Algorithm)
		}
	}
}

// Token and software agree on one key, from either side, many times, so that secrets that begin with zeros are among them.
func TestAgreementsAreThoseOfSoftware(t *testing.T) {
	p := fresh(t, 0)
	soft := software.New()
	for _, m := range offeredRows(p, provider.Agree) {
		t.Run(string(m.Algorithm), func(t *testing.T) {
			k := both(t, p, m.Key)
			for range 300 {
				other, err := soft.Generate(t.Context(), provider.Spec{Algorithm: m.Key})
				must(t, err)
				peer, err := other.Public()
				must(t, err)
				params := &provider.Params{Algorithm: m.Algorithm, Peer: peer, Result: provider.Spec{Algorithm: "HMAC-SHA-256"}}
				var codes [2][]byte
				for i, from := range []provider.Key{k.token, k.software} {
					made, _, err := from.KeyOp(t.Context(), provider.Agree, params)
					must(t, err)
					codes[i] = oneShot(t, made, provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"}, []byte("x"))
					must(t, made.Close())
				}
				if !bytes.Equal(codes[0], codes[1]) {
					t.Fatal("token and software have different keys")
				}
			}
			testAgreement(t, p, m)
		})
	}
}

// testAgreement holds which keys a shared secret becomes, and what is refused.
func testAgreement(t *testing.T, p *pkcs11.Provider, m provider.Mechanism) {
	r, _ := algorithm.Lookup(m.Algorithm, algorithm.FamilyAgreement)
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: m.Key})
	must(t, err)
	defer k.Close()
	peer, err := k.Public()
	must(t, err)
	for _, c := range []struct {
		what   string
		params provider.Params
		code   claviger.Code
	}{
		{"the secret itself", provider.Params{}, 0},
		{"with a derivation", provider.Params{KDF: &provider.KDF{Algorithm: "HKDF-SHA-256"}}, claviger.ErrUnsupportedAlgorithm},
		{"as AES-128", provider.Params{Result: provider.Spec{Algorithm: "AES-128"}}, claviger.ErrIncompatibleKeyType},
		{"as a pair", provider.Params{Result: provider.Spec{Algorithm: "RSA-2048"}}, claviger.ErrIncompatibleKeyType},
		{"as an unknown key", provider.Params{Result: provider.Spec{Algorithm: "AES-512"}}, claviger.ErrUnsupportedAlgorithm},
		{"as a key that the token does not have", provider.Params{Result: provider.Spec{Algorithm: "ChaCha20"}}, claviger.ErrUnsupportedAlgorithm},
		{"with a malformed peer", provider.Params{Peer: []byte("peer")}, claviger.ErrInvalidFormat},
		{"with half a peer", provider.Params{Peer: peer[:len(peer)/2]}, claviger.ErrInvalidFormat},
	} {
		c.params.Algorithm = m.Algorithm
		if c.params.Peer == nil {
			c.params.Peer = peer
		}
		made, _, err := k.KeyOp(t.Context(), provider.Agree, &c.params)
		if c.code != 0 {
			wantCode(t, c.what, err, c.code)
			continue
		}
		must(t, err)
		if made.Spec().Algorithm != algorithm.Generic || made.Bits() != 8*r.Size {
			t.Errorf("the secret is %v of %d bits", made.Spec(), made.Bits())
		}
		must(t, made.Close())
	}
}
