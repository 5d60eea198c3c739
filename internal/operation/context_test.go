package operation

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha3"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

// stream runs a message in parts and joins what comes out.
func stream(t *testing.T, c *Context, g policy.Grant, iv, aad, signature []byte, parts ...[]byte) ([]byte, error) {
	t.Helper()
	out, err := c.Init(t.Context(), g, iv, aad, nil)
	ok(t, err)
	for _, p := range parts {
		if out, err = c.Update(t.Context(), g, out, p); err != nil {
			return out, err
		}
	}
	return c.Finalize(t.Context(), g, signature, 0, false, 0, out)
}

// imported makes an ephemeral key of given bytes.
func (r *rig) imported(t testing.TB, alg claviger.Algorithm, secret []byte) *Key {
	t.Helper()
	made, err := r.Import(t.Context(), r.keyless(), alg, claviger.Raw, secret, Target{})
	ok(t, err)
	t.Cleanup(made.Key.Release)
	return made.Key
}

var (
	hello  = []byte("a message that is longer than one block of AES")
	secret = bytes.Repeat([]byte{0x5a}, 32)
)

func TestStreamAndOneShotGiveWhatTheStandardLibraryGives(t *testing.T) {
	r := newRig(t)
	digest := sha256.Sum256(hello)
	code := hmac.New(sha256.New, secret)
	code.Write(hello)
	block, err := aes.NewCipher(secret)
	ok(t, err)
	gcm, err := cipher.NewGCM(block)
	ok(t, err)
	ctr := make([]byte, len(hello))
	cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(ctr, hello)
	for _, c := range []struct {
		spec    ContextSpec
		key     claviger.Algorithm
		iv, aad []byte
		want    []byte
	}{
		{spec: ContextSpec{Kind: claviger.HashContext, Algorithm: "sha256"}, want: digest[:]},
		{spec: ContextSpec{Kind: claviger.HashContext, Algorithm: "SHAKE-256", Size: 77}, want: sha3.SumSHAKE256(hello, 77)},
		{spec: ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA256"}, key: "HMAC-SHA-256", want: code.Sum(nil)},
		{spec: ContextSpec{Kind: claviger.SignContext, Algorithm: "HMAC-SHA256"}, key: "HMAC-SHA-256", want: code.Sum(nil)},
		{spec: ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CTR"}, key: "AES-256", iv: make([]byte, 16), want: ctr},
		{spec: ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-GCM"}, key: "AES-256", iv: make([]byte, 12), want: gcm.Seal(nil, make([]byte, 12), hello, nil)},
		{spec: ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"}, key: "AES-256", iv: make([]byte, 12), aad: []byte("aad"), want: gcm.Seal(nil, make([]byte, 12), hello, []byte("aad"))},
	} {
		var key *Key
		if c.key != "" {
			key = r.imported(t, c.key, secret)
		}
		x, g := r.context(t, key, c.spec)
		for range 2 { // the second round shows that nothing is left of the first
			got, err := stream(t, x, g, c.iv, c.aad, nil, hello[:7], hello[7:])
			if err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("%s stream: %x, %v; want %x", c.spec.Algorithm, got, err, c.want)
			}
			got, err = x.OneShot(t.Context(), g, c.iv, c.aad, 0, []byte("before"), hello)
			if err != nil || !bytes.Equal(got, append([]byte("before"), c.want...)) {
				t.Errorf("%s one shot: %x, %v", c.spec.Algorithm, got, err)
			}
		}
	}
}

func TestSignaturesVerifyAndWrongOnesGiveZero(t *testing.T) {
	r := newRig(t)
	digest := sha256.Sum256(hello)
	for _, c := range []struct {
		key  claviger.Algorithm
		spec ContextSpec
		data []byte
		size int
	}{
		{"ECDSA-P256", ContextSpec{Algorithm: "ECDSA-P256-SHA-256"}, hello, 64},
		{"ECDSA-P256", ContextSpec{Algorithm: "ECDSA-P256-SHA-256", Digest: true}, digest[:], 64},
		{"ECDSA-P256", ContextSpec{Algorithm: "ECDSA-P256-SHA-256", DER: true}, hello, 0},
		{"RSA-2048", ContextSpec{Algorithm: "RSA-PSS-SHA-256"}, hello, 256},
		{"RSA-2048", ContextSpec{Algorithm: "RSA-PKCS1-SHA-256", Digest: true}, digest[:], 256},
		{"Ed25519", ContextSpec{Algorithm: "Ed25519"}, hello, 64},
		{"ML-DSA-65", ContextSpec{Algorithm: "ML-DSA-65"}, hello, 3309},
		{"HMAC-SHA-256", ContextSpec{Algorithm: "HMAC-SHA-256"}, hello, 32},
	} {
		key := r.generate(t, c.key, claviger.Sign|claviger.Verify)
		c.spec.Kind = claviger.SignContext
		signer, g := r.context(t, key, c.spec)
		c.spec.Kind = claviger.VerifyContext
		verifier, vg := r.context(t, key, c.spec)
		if signer.Info().Size != c.size {
			t.Errorf("%s: size %d; want %d", c.spec.Algorithm, signer.Info().Size, c.size)
		}
		signature, err := stream(t, signer, g, nil, nil, nil, c.data)
		ok(t, err)
		if c.size != 0 && len(signature) != c.size {
			t.Errorf("%s: %d bytes", c.spec.Algorithm, len(signature))
		}
		other := slices.Clone(c.data)
		other[0] ^= 1
		for data, want := range map[string]byte{string(c.data): right, string(other): wrong} {
			got, err := stream(t, verifier, vg, nil, nil, signature, []byte(data))
			if err != nil || !bytes.Equal(got, []byte{want}) {
				t.Errorf("%s stream: %v, %v; want %d", c.spec.Algorithm, got, err, want)
			}
			got, err = verifier.OneShot(t.Context(), vg, signature, nil, 0, nil, []byte(data))
			if err != nil || !bytes.Equal(got, []byte{want}) {
				t.Errorf("%s one shot: %v, %v; want %d", c.spec.Algorithm, got, err, want)
			}
		}
	}
}

func TestAMACContextCompares(t *testing.T) {
	r := newRig(t)
	c, g := r.context(t, r.imported(t, "HMAC-SHA-256", secret), ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"})
	code, err := c.OneShot(t.Context(), g, nil, nil, 0, nil, hello)
	ok(t, err)
	for _, x := range []struct {
		expected []byte
		want     byte
	}{{code, right}, {code[:31], wrong}, {append(slices.Clone(code[:31]), code[31]^1), wrong}, {append(slices.Clone(code), 0), wrong}} {
		got, err := c.OneShot(t.Context(), g, x.expected, nil, 0, nil, hello)
		if err != nil || !bytes.Equal(got, []byte{x.want}) {
			t.Errorf("one shot with %d bytes: %v, %v", len(x.expected), got, err)
		}
		got, err = stream(t, c, g, nil, nil, x.expected, hello)
		if err != nil || !bytes.Equal(got, []byte{x.want}) {
			t.Errorf("stream with %d bytes: %v, %v", len(x.expected), got, err)
		}
	}
}

func TestAssociatedDataIsThatOfEachMessage(t *testing.T) {
	r := newRig(t)
	c, g := r.context(t, r.generate(t, "AES-256", claviger.AllPermissions), ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"})
	nonce := make([]byte, 12)
	for _, aad := range []string{"first", "second", ""} {
		want, err := c.OneShot(t.Context(), g, nonce, []byte(aad), 0, nil, hello)
		ok(t, err)
		got, err := stream(t, c, g, nonce, []byte(aad), nil, hello)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: %x, %v; want %x", aad, got, err, want)
		}
	}
	plain, g := r.context(t, c.Key(), ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-GCM"})
	_, err := plain.Init(t.Context(), g, nonce, []byte("aad"), nil)
	fails(t, "associated data in a cipher context", err, claviger.ErrInvalidArgument)
}

func TestEveryFailedDecryptionReadsTheSame(t *testing.T) {
	r := newRig(t)
	texts := make(map[string]bool)
	for _, c := range []struct {
		key claviger.Algorithm
		alg claviger.Algorithm
		iv  int
	}{{"AES-256", "AES-256-CBC", 16}, {"AES-256", "AES-256-GCM", 12}, {"ChaCha20", "ChaCha20-Poly1305", 12}, {"RSA-2048", "RSA-OAEP-SHA-256", 0}} {
		key := r.generate(t, c.key, claviger.AllPermissions)
		down, g := r.context(t, key, ContextSpec{Kind: claviger.CipherContext, Algorithm: c.alg, Direction: claviger.Decrypting})
		for _, n := range []int{0, 15, 16, 32, 256} {
			dst := []byte("kept")
			out, err := down.OneShot(t.Context(), g, make([]byte, c.iv), nil, 0, dst, make([]byte, n))
			if err == nil {
				continue // CBC of zeroes may have a padding by chance
			}
			fails(t, string(c.alg), err, claviger.ErrOperationFailed)
			if !bytes.Equal(out, dst) {
				t.Errorf("%s gives %x", c.alg, out)
			}
			texts[err.Error()] = true
			out, err = stream(t, down, g, make([]byte, c.iv), nil, nil, make([]byte, n))
			fails(t, string(c.alg)+" stream", err, claviger.ErrOperationFailed)
			if c.alg != "AES-256-CBC" && len(out) != 0 {
				t.Errorf("%s releases %d bytes of an altered message", c.alg, len(out))
			}
			if down.State() != Idle {
				t.Errorf("%s: then %s", c.alg, down.State())
			}
		}
	}
	if len(texts) != 1 {
		t.Errorf("several texts: %v", texts)
	}
}

func TestNoncesOfASlotAreTheDaemons(t *testing.T) {
	own := slot("own", "AES-256", twoWay)
	own.CallerNonce = true
	r := newRig(t, slot("data", "AES-256", twoWay), own)
	nonce, spec := make([]byte, 12), ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"}
	for _, name := range []string{"data", "own"} {
		_, err := r.Generate(t.Context(), r.keyless(), "", r.into(t, name), nil)
		ok(t, err)
		ref, g := r.use(t, name)
		up, err := r.NewContext(t.Context(), g, ref, spec)
		ok(t, err)
		defer up.Close()
		if up.Info().DaemonNonce != (name == "data") || up.Info().IV != 12 {
			t.Errorf("%s: %+v", name, up.Info())
		}
		given, missing := nonce, []byte(nil)
		if name == "data" {
			given, missing = nil, nonce
		}
		_, err = up.OneShot(t.Context(), g, missing, nil, 0, nil, hello)
		fails(t, name, err, claviger.ErrInvalidArgument)
		if name == "data" && !strings.Contains(err.Error(), "caller_nonce") {
			t.Errorf("%v does not name caller_nonce", err)
		}
		_, err = up.Init(t.Context(), g, missing, nil, nil)
		fails(t, name+" init", err, claviger.ErrInvalidArgument)
		sealed, err := up.OneShot(t.Context(), g, given, []byte("aad"), 0, nil, hello)
		ok(t, err)
		if name == "own" {
			sealed = append(slices.Clone(given), sealed...)
		}
		streamed, err := stream(t, up, g, given, []byte("aad"), nil, hello)
		ok(t, err)
		if name == "own" {
			streamed = append(slices.Clone(given), streamed...)
		}
		if name == "data" && bytes.Equal(sealed[:12], streamed[:12]) {
			t.Error("two nonces are the same")
		}
		down, err := r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM", Direction: claviger.Decrypting})
		ok(t, err)
		defer down.Close()
		for _, s := range [][]byte{sealed, streamed} {
			plain, err := down.OneShot(t.Context(), g, s[:12], []byte("aad"), 0, nil, s[12:])
			if err != nil || !bytes.Equal(plain, hello) {
				t.Errorf("%s: %q, %v", name, plain, err)
			}
		}
	}
	c, g := r.context(t, r.generate(t, "AES-256", claviger.AllPermissions), spec)
	_, err := c.OneShot(t.Context(), g, nil, nil, 0, nil, hello)
	fails(t, "an ephemeral key's nonce is missing", err, claviger.ErrInvalidArgument)
}

func TestADigestGoesOnAfterAResultThatIsKept(t *testing.T) {
	r := newRig(t)
	c, g := r.context(t, nil, ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"})
	_, err := c.Init(t.Context(), g, nil, nil, nil)
	ok(t, err)
	for n := range hello {
		_, err := c.Update(t.Context(), g, nil, hello[n:n+1])
		ok(t, err)
		got, err := c.Finalize(t.Context(), g, nil, 0, true, 0, nil)
		if want := sha256.Sum256(hello[:n+1]); err != nil || !bytes.Equal(got, want[:]) {
			t.Fatalf("after %d bytes: %x, %v", n+1, got, err)
		}
	}
}

func TestOutputSizes(t *testing.T) {
	r := newRig(t)
	xof, g := r.context(t, nil, ContextSpec{Kind: claviger.HashContext, Algorithm: "SHAKE-128", Size: 200})
	want := sha3.SumSHAKE128(hello, 200)
	for _, n := range []int{0, 1, 200} {
		_, err := xof.Init(t.Context(), g, nil, nil, nil)
		ok(t, err)
		_, err = xof.Update(t.Context(), g, nil, hello)
		ok(t, err)
		got, err := xof.Finalize(t.Context(), g, nil, n, false, 0, nil)
		if n == 0 {
			n = 200
		}
		if err != nil || !bytes.Equal(got, want[:n]) {
			t.Errorf("%d: %x, %v", n, got, err)
		}
	}
	got, err := xof.OneShot(t.Context(), g, nil, nil, 300, nil, hello)
	if err != nil || !bytes.Equal(got, sha3.SumSHAKE128(hello, 300)) {
		t.Errorf("one shot: %x, %v", got, err)
	}
	_, err = xof.Init(t.Context(), g, nil, nil, nil)
	ok(t, err)
	_, err = xof.Finalize(t.Context(), g, nil, 201, false, 0, nil)
	fails(t, "more than the context was made for", err, claviger.ErrInvalidArgument)
	if xof.State() != Initialized {
		t.Errorf("a refused Finalize leads to %s", xof.State())
	}
	fixed, g := r.context(t, nil, ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"})
	_, err = fixed.OneShot(t.Context(), g, nil, nil, 31, nil, hello)
	fails(t, "31 bytes of SHA-256", err, claviger.ErrInvalidArgument)
}

func TestCreationRefusesWishesThatCannotBeMet(t *testing.T) {
	r := newRig(t)
	key := r.generate(t, "Ed25519", claviger.AllPermissions)
	hash := ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"}
	sign := ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519"}
	alter := func(s ContextSpec, f func(*ContextSpec)) ContextSpec { f(&s); return s }
	for name, c := range map[string]struct {
		key  *Key
		spec ContextSpec
		want claviger.Code
	}{
		"unknown kind":       {nil, ContextSpec{Kind: 99}, claviger.ErrInvalidArgument},
		"unknown direction":  {nil, alter(hash, func(s *ContextSpec) { s.Direction = 2 }), claviger.ErrInvalidArgument},
		"hash with a key":    {key, hash, claviger.ErrInvalidArgument},
		"hash with a size":   {nil, alter(hash, func(s *ContextSpec) { s.Size = 10 }), claviger.ErrInvalidArgument},
		"XOF over the limit": {nil, ContextSpec{Kind: claviger.HashContext, Algorithm: "SHAKE-128", Size: MaxOutput + 1}, claviger.ErrInvalidArgument},
		"unknown hash":       {nil, alter(hash, func(s *ContextSpec) { s.Algorithm = "MD5" }), claviger.ErrUnsupportedAlgorithm},
		"cipher as hash":     {nil, alter(hash, func(s *ContextSpec) { s.Algorithm = "AES-256-CBC" }), claviger.ErrAlgorithmMismatch},
		"sign without a key": {nil, sign, claviger.ErrInvalidArgument},
		"DER of Ed25519":     {key, alter(sign, func(s *ContextSpec) { s.DER = true }), claviger.ErrInvalidArgument},
		"digest of Ed25519":  {key, alter(sign, func(s *ContextSpec) { s.Digest = true }), claviger.ErrAlgorithmMismatch},
	} {
		var ref *KeyRef
		g := r.keyless()
		if c.key != nil {
			ref, g = LiveRef(c.key), r.grant(t, c.key, c.spec.operation())
		}
		_, err := r.NewContext(t.Context(), g, ref, c.spec)
		fails(t, name, err, c.want)
	}
}
