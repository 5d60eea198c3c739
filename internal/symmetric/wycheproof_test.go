package symmetric

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// bytesOf is hexadecimal in a vector.
type bytesOf []byte

// UnmarshalText decodes it.
func (b *bytesOf) UnmarshalText(text []byte) error {
	*b = make([]byte, hex.DecodedLen(len(text)))
	_, err := hex.Decode(*b, text)
	return err
}

// vector is a test of any of the schemas used here.
type vector struct {
	ID                                               int `json:"tcId"`
	Key, IV, Msg, AAD, CT, Tag, IKM, Salt, Info, OKM bytesOf
	Size                                             int
	Result                                           string
}

type vectorGroup struct {
	KeySize, IVSize, TagSize int // bits
	Tests                    []vector
}

// wycheproofFile is a file and the algorithms for its groups by the size of the key in bits; 0 stands for any.
type wycheproofFile struct {
	name string
	run  func(*testing.T, *algorithm.Guest, vectorGroup, vector)
	by   map[int]string
}

func wycheproofFiles() []wycheproofFile {
	aes := func(form func(string) string) map[int]string {
		return map[int]string{128: form("128"), 192: form("192"), 256: form("256")}
	}
	return []wycheproofFile{
		{"aes_gcm", runAEAD, aes(func(n string) string { return "AES-" + n + "-GCM" })},
		{"aes_gcm_siv", runAEAD, map[int]string{128: "AES-128-GCM-SIV", 256: "AES-256-GCM-SIV"}},
		{"aead_aes_siv_cmac", runAEAD, map[int]string{256: "AES-128-SIV", 384: "AES-192-SIV", 512: "AES-256-SIV"}},
		{"aes_siv_cmac", runSIV, map[int]string{256: "AES-128-SIV", 384: "AES-192-SIV", 512: "AES-256-SIV"}},
		{"chacha20_poly1305", runAEAD, map[int]string{256: "CHACHA20-POLY1305"}},
		{"xchacha20_poly1305", runAEAD, map[int]string{256: "XCHACHA20-POLY1305"}},
		{"aegis128L", runAEAD, map[int]string{128: "AEGIS-128L"}},
		{"aegis256", runAEAD, map[int]string{256: "AEGIS-256"}},
		{"ascon_sp800_232_aead128", runAEAD, map[int]string{128: "ASCON-AEAD"}},
		{"aes_cbc_pkcs5", runCBC, aes(func(n string) string { return "AES-" + n + "-CBC" })},
		{"aes_cmac", runMAC, aes(func(n string) string { return "AES-" + n + "-CMAC" })},
		{"hmac_sha256", runMAC, map[int]string{0: "HMAC/SHA-256"}}, {"hmac_sha384", runMAC, map[int]string{0: "HMAC/SHA-384"}},
		{"hmac_sha512", runMAC, map[int]string{0: "HMAC/SHA-512"}}, {"hmac_sha3_256", runMAC, map[int]string{0: "HMAC/SHA3-256"}},
		{"hmac_sha3_384", runMAC, map[int]string{0: "HMAC/SHA3-384"}}, {"hmac_sha3_512", runMAC, map[int]string{0: "HMAC/SHA3-512"}},
		{"hkdf_sha256", runHKDF, map[int]string{0: "HKDF-EXTRACT/SHA-256"}}, {"hkdf_sha384", runHKDF, map[int]string{0: "HKDF-EXTRACT/SHA-384"}},
		{"hkdf_sha512", runHKDF, map[int]string{0: "HKDF-EXTRACT/SHA-512"}},
	}
}

// covered reports whether a file has answers for an algorithm.
func covered(name string) bool {
	for _, f := range wycheproofFiles() {
		for _, n := range f.by {
			if g, _ := algorithm.LookupGuest(claviger.GuestSymmetric, n); n == name || g != nil && string(g.Next) == name {
				return true
			}
		}
	}
	return false
}

// Each file of Wycheproof that has answers for one of the algorithms: valid vectors give exactly the expected bytes both
// ways, invalid ones are refused.
func TestWycheproof(t *testing.T) {
	for _, f := range wycheproofFiles() {
		t.Run(f.name, func(t *testing.T) {
			text, err := fs.ReadFile(wycheproof.TestVectors, f.name+"_test.json")
			if err != nil {
				t.Fatal(err)
			}
			var file struct{ TestGroups []vectorGroup }
			if err := json.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			ran := 0
			for _, group := range file.TestGroups {
				name, ok := f.by[group.KeySize]
				if !ok {
					if name, ok = f.by[0]; !ok {
						continue
					}
				}
				for _, v := range group.Tests {
					f.run(t, lookup(t, name), group, v)
					ran++
				}
			}
			if ran < 60 {
				t.Errorf("only %d vectors", ran)
			}
		})
	}
}

// runAEAD refuses nonces of another length than the algorithm's, and what is invalid for another reason.
func runAEAD(t *testing.T, g *algorithm.Guest, group vectorGroup, v vector) {
	ctx := context.Background()
	fresh := func() (claviger.SymmetricState, error) {
		s, err := Open(g, v.Key, claviger.StateOptions{Nonce: v.IV})
		if err != nil {
			return nil, err
		}
		return s, s.Absorb(ctx, v.AAD)
	}
	s, err := fresh()
	if g.Nonce != 0 && group.IVSize != 8*g.Nonce {
		if !errors.Is(err, claviger.ErrInvalidNonce) {
			t.Errorf("%d: a nonce of %d bits: %v", v.ID, group.IVSize, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	both := slices.Concat(v.CT, v.Tag)
	got, err := s.Decrypt(ctx, nil, both)
	s, _ = fresh()
	apart, errApart := s.DecryptDetached(ctx, nil, v.CT, v.Tag)
	if v.Result == "invalid" {
		if !errors.Is(err, claviger.ErrInvalidTag) || !errors.Is(errApart, claviger.ErrInvalidTag) || len(got)+len(apart) != 0 {
			t.Errorf("%d: invalid, and gives %d bytes, %v, %v", v.ID, len(got)+len(apart), err, errApart)
		}
		return
	}
	if err != nil || errApart != nil || !bytes.Equal(got, v.Msg) || !bytes.Equal(apart, v.Msg) {
		t.Errorf("%d: got %x and %x, %v, %v", v.ID, got, apart, err, errApart)
	}
	if sealed, err := s.Encrypt(ctx, nil, v.Msg); err != nil || !bytes.Equal(sealed, both) {
		t.Errorf("%d: got %x, %v", v.ID, sealed, err)
	}
}

// runSIV has the synthetic IV in front of the ciphertext, which here is the tag behind it.
func runSIV(t *testing.T, g *algorithm.Guest, group vectorGroup, v vector) {
	if len(v.CT) < 16 {
		return
	}
	v.Tag, v.CT = v.CT[:16], v.CT[16:]
	runAEAD(t, g, group, v)
}

func runCBC(t *testing.T, g *algorithm.Guest, _ vectorGroup, v vector) {
	ctx := context.Background()
	s := opened(t, g, v.Key, claviger.StateOptions{Nonce: v.IV})
	got, err := s.Decrypt(ctx, nil, v.CT)
	if v.Result == "invalid" {
		if !errors.Is(err, claviger.ErrInvalidTag) || len(got) != 0 {
			t.Errorf("%d: invalid, and gives %d bytes, %v", v.ID, len(got), err)
		}
		return
	}
	if err != nil || !bytes.Equal(got, v.Msg) {
		t.Errorf("%d: got %x, %v", v.ID, got, err)
	}
	if sealed, err := s.Encrypt(ctx, nil, v.Msg); err != nil || !bytes.Equal(sealed, v.CT) {
		t.Errorf("%d: got %x, %v", v.ID, sealed, err)
	}
}

// runMAC compares as much of the code as the vector has.
func runMAC(t *testing.T, g *algorithm.Guest, group vectorGroup, v vector) {
	s := opened(t, g, v.Key, claviger.StateOptions{})
	absorb(t, s, string(v.Msg))
	tag, err := s.SqueezeTag(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if same := bytes.Equal(tag[:group.TagSize/8], v.Tag); same != (v.Result == "valid") {
		t.Errorf("%d: %s, and the code is right: %v", v.ID, v.Result, same)
	}
}

// runHKDF goes through both halves.
func runHKDF(t *testing.T, g *algorithm.Guest, _ vectorGroup, v vector) {
	ctx := context.Background()
	s := opened(t, g, v.IKM, claviger.StateOptions{})
	absorb(t, s, string(v.Salt))
	key, err := s.SqueezeKey(ctx, g.Next)
	if err != nil {
		t.Fatal(err)
	}
	s = opened(t, lookup(t, string(g.Next)), key, claviger.StateOptions{})
	absorb(t, s, string(v.Info))
	out := make([]byte, v.Size)
	err = s.Squeeze(ctx, out)
	if v.Result == "invalid" {
		if !errors.Is(err, claviger.ErrInvalidLength) {
			t.Errorf("%d: invalid, and %v", v.ID, err)
		}
		return
	}
	if err != nil || !bytes.Equal(out, v.OKM) {
		t.Errorf("%d: got %x, %v", v.ID, out, err)
	}
}
