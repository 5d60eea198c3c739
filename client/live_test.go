package client_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
)

// live is a daemon in this process in which every name is a slot, and a scope to work in.
type live struct {
	*client.CryptoContext
	stack *embedded.Stack
	keys  *client.KeyManager
}

func start(t testing.TB) *live {
	t.Helper()
	stack, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Client: client.Config{Timeout: daemontest.Patience}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	})
	cc := get(stack.CryptoContext())(t)
	return &live{cc, stack, get(cc.NewKeyManager(t.Context(), client.KeyManagerConfig{}))(t)}
}

// get ends the test on an error and gives the value: get(f())(t).
func get[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (l *live) importKey(t testing.TB, algorithm claviger.Algorithm, raw []byte) *client.Key {
	t.Helper()
	return get(l.keys.Import(t.Context(), client.ImportParams{Algorithm: algorithm, Format: claviger.Raw, Data: raw}))(t)
}

func wantCode(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: %v; want %s", what, err, code.Name())
	}
}

// sizes lie around every limit that a message can meet on its way.
var sizes = []int{0, 1, 15, 16, 511, 512, 513, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 5}

func message(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i * 31 >> 3)
	}
	return m
}

var prefix = []byte("prefix")

func TestHashOfAnyLengthWholeAndInParts(t *testing.T) {
	l, ctx := start(t), t.Context()
	h := get(l.NewHash(ctx, client.HashConfig{Algorithm: "SHA256"}))(t)
	if h.Algorithm() != "SHA-256" || h.Size() != 32 {
		t.Errorf("algorithm %s, size %d", h.Algorithm(), h.Size())
	}
	for _, n := range sizes {
		m := message(n)
		sum := sha256.Sum256(m)
		want := append(bytes.Clone(prefix), sum[:]...)
		if got := get(h.Sum(ctx, bytes.Clone(prefix), m))(t); !bytes.Equal(got, want) {
			t.Errorf("Sum of %d bytes is wrong", n)
		}
		if err := h.Init(ctx); err != nil {
			t.Fatal(err)
		}
		if copied := get(io.Copy(h.Writer(ctx), iotest.HalfReader(bytes.NewReader(m))))(t); copied != int64(n) {
			t.Errorf("the writer took %d of %d bytes", copied, n)
		}
		if got := get(h.Finalize(ctx, bytes.Clone(prefix)))(t); !bytes.Equal(got, want) {
			t.Errorf("Finalize after %d bytes is wrong", n)
		}
	}
}

func TestHashBeyondARegionGoesInPieces(t *testing.T) {
	l, m := start(t), message(65<<20)
	h := get(l.NewHash(t.Context(), client.HashConfig{Algorithm: "SHA-256"}))(t)
	want := sha256.Sum256(m)
	if got := get(h.Sum(t.Context(), nil, m))(t); !bytes.Equal(got, want[:]) {
		t.Error("wrong")
	}
	if err := h.Init(t.Context()); err != nil {
		t.Errorf("the context is not idle afterwards: %v", err)
	}
	_, err := h.Sum(t.Context(), nil, m)
	wantCode(t, "beside an open stream", err, claviger.ErrStreamAlreadyActive)
	if err := h.Update(t.Context(), nil); err != nil {
		t.Errorf("the open stream was lost: %v", err)
	}
}

func TestMACMakesAndVerifies(t *testing.T) {
	l, ctx := start(t), t.Context()
	raw := message(32)
	mac := get(l.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: l.importKey(t, "HMAC-SHA-256", raw)}))(t)
	std := get(l.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: l.importKey(t, "HMAC-SHA-256", raw)}))(t).Std()
	for _, n := range sizes {
		m := message(n)
		reference := hmac.New(sha256.New, raw)
		reference.Write(m)
		want := reference.Sum(nil)
		if got := get(mac.Sum(ctx, nil, m))(t); !bytes.Equal(got, want) || len(got) != mac.Size() {
			t.Errorf("Sum of %d bytes is wrong", n)
		}
		if !get(mac.Verify(ctx, m, want))(t) {
			t.Errorf("the right code of %d bytes is refused", n)
		}
		for _, wrong := range [][]byte{nil, want[:31], append(bytes.Clone(want), 0), message(32)} {
			if get(mac.Verify(ctx, m, wrong))(t) {
				t.Errorf("a wrong code of %d bytes is accepted", len(wrong))
			}
		}
		for _, code := range [][]byte{want, nil} {
			if err := errors.Join(mac.Init(ctx), mac.Update(ctx, m)); err != nil {
				t.Fatal(err)
			}
			if get(mac.VerifyFinalize(ctx, code))(t) != (code != nil) {
				t.Errorf("VerifyFinalize of a code of %d bytes", len(code))
			}
		}
		std.Reset()
		std.Write(m)
		if first, second := std.Sum(nil), std.Sum(nil); !bytes.Equal(first, want) || !bytes.Equal(second, want) {
			t.Errorf("Std of %d bytes is wrong", n)
		}
	}
}

func TestCBCOfAnyLengthWholeAndInParts(t *testing.T) {
	l, ctx := start(t), t.Context()
	raw, iv := message(32), message(16)
	key := l.importKey(t, "AES-256", raw)
	enc := get(l.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key}))(t)
	dec := get(l.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Decrypting}))(t)
	if enc.BlockSize() != 16 || enc.IVSize() != 16 {
		t.Errorf("block %d, IV %d", enc.BlockSize(), enc.IVSize())
	}
	block := get(aes.NewCipher(raw))(t)
	for _, n := range sizes {
		m := message(n)
		pad := 16 - n%16
		want := append(bytes.Clone(m), bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(want, want)
		if got := get(enc.Encrypt(ctx, bytes.Clone(prefix), iv, m))(t); !bytes.Equal(got, append(bytes.Clone(prefix), want...)) {
			t.Errorf("Encrypt of %d bytes is wrong", n)
		}
		if got := get(dec.Decrypt(ctx, nil, iv, want))(t); !bytes.Equal(got, m) {
			t.Errorf("Decrypt of %d bytes is wrong", n)
		}
		for _, c := range []struct {
			cipher   *client.Cipher
			in, want []byte
		}{{enc, m, want}, {dec, want, m}} {
			var out bytes.Buffer
			w := c.cipher.Writer(ctx, &out)
			if err := c.cipher.Init(ctx, iv); err != nil {
				t.Fatal(err)
			}
			get(io.Copy(w, bytes.NewReader(c.in)))(t)
			if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), c.want) {
				t.Errorf("%s by Writer, %d bytes: %v", c.cipher.Direction(), n, err)
			}
		}
	}
	_, err := enc.Decrypt(ctx, nil, iv, message(32))
	wantCode(t, "the other direction", err, claviger.ErrInvalidOperation)
	_, err = dec.Decrypt(ctx, nil, iv, message(32))
	wantCode(t, "bad padding", err, claviger.ErrOperationFailed)
}

func TestAEADOfAnyLengthWholeAndInParts(t *testing.T) {
	l, ctx := start(t), t.Context()
	raw, nonce, aad := message(32), message(12), []byte("associated")
	key := l.importKey(t, "AES-256", raw)
	seal := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key}))(t)
	open := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key, Direction: claviger.Decrypting}))(t)
	std := get(seal.Std(ctx))(t)
	reference := get(cipher.NewGCM(get(aes.NewCipher(raw))(t)))(t)
	if seal.NonceSize() != 12 || seal.TagSize() != 16 || seal.Overhead() != 16 || seal.DaemonNonce() || std.NonceSize() != 12 || std.Overhead() != 16 {
		t.Error("sizes are wrong")
	}
	for _, n := range sizes {
		m := message(n)
		want := reference.Seal(bytes.Clone(prefix), nonce, m, aad)
		sealed := want[len(prefix):]
		if got := get(seal.Seal(ctx, bytes.Clone(prefix), nonce, m, aad))(t); !bytes.Equal(got, want) {
			t.Errorf("Seal of %d bytes is wrong", n)
		}
		if got := std.Seal(bytes.Clone(prefix), nonce, m, aad); !bytes.Equal(got, want) {
			t.Errorf("Std's Seal of %d bytes is wrong", n)
		}
		if got := get(open.Open(ctx, nil, nonce, sealed, aad))(t); !bytes.Equal(got, m) {
			t.Errorf("Open of %d bytes is wrong", n)
		}
		if got := get(open.Open(ctx, nil, nil, append(bytes.Clone(nonce), sealed...), aad))(t); !bytes.Equal(got, m) {
			t.Errorf("Open of %d bytes behind their nonce is wrong", n)
		}
		if got := get(std.Open(nil, nonce, sealed, aad))(t); !bytes.Equal(got, m) {
			t.Errorf("Std's Open of %d bytes is wrong", n)
		}
		if err := seal.Init(ctx, nonce, aad); err != nil {
			t.Fatal(err)
		}
		if out := get(seal.Update(ctx, nil, m))(t); len(out) != 0 {
			t.Errorf("Update gave %d bytes of a message that is not whole", len(out))
		}
		if got := get(seal.Finalize(ctx, bytes.Clone(prefix)))(t); !bytes.Equal(got, want) {
			t.Errorf("Finalize after %d bytes is wrong", n)
		}
		sealed[len(sealed)-1] ^= 1
		for name, f := range map[string]func() ([]byte, error){
			"Open": func() ([]byte, error) { return open.Open(ctx, nil, nonce, sealed, aad) },
			"Std":  func() ([]byte, error) { return std.Open(nil, nonce, sealed, aad) },
		} {
			out, err := f()
			wantCode(t, name+" of an altered message", err, claviger.ErrOperationFailed)
			if len(out) != 0 {
				t.Errorf("%s released %d unverified bytes", name, len(out))
			}
		}
	}
}

func TestAEADOfTheLongestMessage(t *testing.T) {
	l, ctx := start(t), t.Context()
	nonce, m := message(12), message(64<<20)
	key := l.importKey(t, "AES-256", message(32))
	seal := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key}))(t)
	open := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: key, Direction: claviger.Decrypting}))(t)
	sealed := get(seal.Seal(ctx, nil, nonce, m, nil))(t)
	if got := get(open.Open(ctx, nil, nonce, sealed, nil))(t); !bytes.Equal(got, m) {
		t.Error("wrong")
	}
	_, err := seal.Seal(ctx, nil, nonce, append(m, 0), nil)
	wantCode(t, "one byte more", err, claviger.ErrInvalidArgument)
	if err := seal.Init(ctx, nonce, nil); err != nil {
		t.Errorf("the context is not idle afterwards: %v", err)
	}
}

func TestNoncesOfSlotKeysAreTheDaemons(t *testing.T) {
	l, ctx := start(t), t.Context()
	slot := get(l.KeySlot(ctx, "data"))(t)
	get(l.keys.GenerateIn(ctx, slot, client.GenerateParams{Algorithm: "AES-256"}))(t)
	seal := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: slot}))(t)
	open := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: slot, Direction: claviger.Decrypting}))(t)
	if !seal.DaemonNonce() || seal.Overhead() != 28 {
		t.Fatalf("daemon's nonce %v, overhead %d", seal.DaemonNonce(), seal.Overhead())
	}
	for _, n := range []int{0, 100, 100 << 10, 2 << 20} {
		m := message(n)
		one, two := get(seal.Seal(ctx, nil, nil, m, nil))(t), get(seal.Seal(ctx, nil, nil, m, nil))(t)
		if len(one) != n+28 || bytes.Equal(one[:12], two[:12]) {
			t.Errorf("%d bytes: sealed %d, nonce used again: %v", n, len(one), bytes.Equal(one[:12], two[:12]))
		}
		if got := get(open.Open(ctx, nil, nil, one, nil))(t); !bytes.Equal(got, m) {
			t.Errorf("Open of %d bytes is wrong", n)
		}
		if err := seal.Init(ctx, nil, nil); err != nil {
			t.Fatal(err)
		}
		nonce := seal.Nonce()
		get(seal.Update(ctx, nil, m))(t)
		if got := get(open.Open(ctx, nil, nonce, get(seal.Finalize(ctx, nil))(t), nil))(t); !bytes.Equal(got, m) {
			t.Errorf("in parts, %d bytes: wrong", n)
		}
	}
	_, err := seal.Seal(ctx, nil, message(12), nil, nil)
	wantCode(t, "a nonce of the caller's", err, claviger.ErrInvalidArgument)
	_, err = open.Open(ctx, nil, nil, message(11), nil)
	wantCode(t, "less than a nonce", err, claviger.ErrInvalidFormat)
	_, err = seal.Std(ctx)
	wantCode(t, "cipher.AEAD", err, claviger.ErrUnsupportedOperation)
}

func TestRandomGivesAsManyBytesAsAskedFor(t *testing.T) {
	l := start(t)
	r := get(l.NewRandom(t.Context(), client.RandomConfig{}))(t)
	for _, n := range []int{0, 1, 64 << 10, 200<<10 + 1} {
		out := get(r.Generate(t.Context(), bytes.Clone(prefix), n))(t)
		if len(out) != len(prefix)+n || !bytes.HasPrefix(out, prefix) {
			t.Errorf("Generate of %d gave %d", n, len(out)-len(prefix))
		}
	}
	p := make([]byte, 100<<10)
	get(io.ReadFull(r, p))(t)
	if bytes.Equal(p[:32], make([]byte, 32)) || bytes.Equal(p[len(p)-32:], make([]byte, 32)) || bytes.Equal(p[:32], p[64<<10:64<<10+32]) {
		t.Error("Read did not fill its buffer")
	}
	_, err := r.Generate(t.Context(), nil, -1)
	wantCode(t, "a negative length", err, claviger.ErrInvalidArgument)
}

func TestDerivedKeysAreThoseOfHKDF(t *testing.T) {
	l, ctx := start(t), t.Context()
	secret := message(32)
	source := l.importKey(t, "SECRET", secret)
	kdf := client.KDF{Algorithm: "HKDF-SHA-256", Salt: []byte("salt"), Info: []byte("info")}
	key := get(l.keys.Derive(ctx, client.DeriveParams{Key: source, KDF: kdf, Derived: "AES-256"}))(t)
	want := get(hkdf.Key(sha256.New, secret, kdf.Salt, "info", 32))(t)
	if got := get(l.keys.Export(ctx, key, claviger.Raw))(t); !bytes.Equal(got, want) {
		t.Error("another key")
	}
	_, err := l.keys.Derive(ctx, client.DeriveParams{Key: source, KDF: client.KDF{Size: -1}})
	wantCode(t, "a negative size", err, claviger.ErrInvalidArgument)
}

func TestOneContextServesManyGoroutines(t *testing.T) {
	l, ctx := start(t), t.Context()
	h := get(l.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	var all sync.WaitGroup
	for g := range 32 {
		all.Go(func() {
			m := message(100 * (g + 1))
			want := sha256.Sum256(m)
			for range 50 {
				if got, err := h.Sum(ctx, nil, m); err != nil || !bytes.Equal(got, want[:]) {
					t.Errorf("%x, %v", got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestSmallCallsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l, ctx := start(t), t.Context()
	aes := l.importKey(t, "AES-256", message(32))
	h := get(l.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	mac := get(l.NewMAC(ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: l.importKey(t, "HMAC-SHA-256", message(32))}))(t)
	cbc := get(l.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: aes}))(t)
	gcm := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: aes}))(t)
	m, iv, nonce, dst := message(32), message(16), message(12), make([]byte, 0, 256)
	background := context.WithoutCancel(ctx) // watching for an end costs allocations
	code := get(mac.Sum(ctx, nil, m))(t)
	for _, c := range []struct {
		name  string
		limit float64
		call  func() error
	}{
		{"Hash.Sum", 0, func() error { _, err := h.Sum(background, dst, m); return err }},
		{"MAC.Sum", 0, func() error { _, err := mac.Sum(background, dst, m); return err }},
		{"MAC.Verify", 0, func() error { _, err := mac.Verify(background, m, code); return err }},
		{"AEAD.Seal", 0, func() error { _, err := gcm.Seal(background, dst, nonce, m, nil); return err }},
		{"Cipher.Encrypt", 1, func() error { _, err := cbc.Encrypt(background, dst, iv, m); return err }}, // crypto/cipher's mode
		{"Hash in parts", 0, func() error {
			err := errors.Join(h.Init(background), h.Update(background, m))
			_, finalized := h.Finalize(background, dst)
			return errors.Join(err, finalized, h.Reset(background))
		}},
	} {
		var failed error
		n := testing.AllocsPerRun(200, func() {
			if err := c.call(); err != nil {
				failed = err
			}
		})
		if n > c.limit || failed != nil {
			t.Errorf("%s: %v allocations, both sides together; want %v at most; %v", c.name, n, c.limit, failed)
		}
	}
}
