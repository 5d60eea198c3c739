package providertest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

var errDiffers = errors.New("the result differs")

// testDigest holds hashes and codes.
func (s *suite) testDigest(t *testing.T, m provider.Mechanism) {
	r := row(t, m, algorithm.FamilyHash, algorithm.FamilyMAC)
	o := s.operator(t, m)
	params := &provider.Params{Algorithm: m.Algorithm}
	want := func(msg []byte) []byte { return appended(t, o, m.Op, params, msg) }
	if n := len(want([]byte("x"))); n != r.Size {
		t.Fatalf("%d bytes of result, want %d", n, r.Size)
	}
	if bytes.Equal(want([]byte("x")), want([]byte("y"))) {
		t.Error("two messages have one result")
	}
	testStream(t, o, m.Op, params, want)
	testClone(t, begin(t, o, m.Op, params), want)
	s.testSizes(t, o, m, r)
	expected := want(message(1000))
	atOnce(t, func(int) error {
		for range 20 {
			got, err := o.OneShot(t.Context(), m.Op, params, nil, message(1000))
			if err != nil {
				return err
			}
			if !bytes.Equal(got, expected) {
				return errDiffers
			}
		}
		return nil
	})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.OneShot(ended, m.Op, params, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
}

// testSizes holds the output length: free for extendable-output functions, whose short
// outputs begin the long ones, and fixed otherwise.
func (s *suite) testSizes(t *testing.T, o provider.Operator, m provider.Mechanism, r *algorithm.Row) {
	if m.Op != provider.Hash {
		return
	}
	if !r.Extendable {
		_, err := o.OneShot(t.Context(), m.Op, &provider.Params{Algorithm: m.Algorithm, Size: r.Size + 1}, nil, nil)
		wantCode(t, "a longer digest", err, claviger.ErrInvalidArgument)
		return
	}
	long := appended(t, o, m.Op, &provider.Params{Algorithm: m.Algorithm, Size: 1000}, []byte("x"))
	for _, n := range []int{1, 31, 999} {
		params := &provider.Params{Algorithm: m.Algorithm, Size: n}
		if got := appended(t, o, m.Op, params, []byte("x")); !bytes.Equal(got, long[:n]) {
			t.Errorf("%d bytes are not the beginning of 1000", n)
		}
		got, err := inParts(t, begin(t, o, m.Op, params), []byte("x"), nil, 1)
		if err != nil || !bytes.Equal(got, long[:n]) {
			t.Errorf("%d bytes from a stream: %v", n, err)
		}
	}
}

// testRandom holds length and that two outputs differ.
func (s *suite) testRandom(t *testing.T, m provider.Mechanism) {
	get := func(n int) []byte {
		return appended(t, s.provider, m.Op, &provider.Params{Algorithm: m.Algorithm, Size: n}, nil)
	}
	for _, n := range []int{0, 1, 33, 4096} {
		if len(get(n)) != n {
			t.Errorf("asked for %d bytes, got another number", n)
		}
	}
	if bytes.Equal(get(32), get(32)) {
		t.Error("the same 32 bytes twice")
	}
	_, err := s.provider.OneShot(t.Context(), m.Op, &provider.Params{Algorithm: m.Algorithm, Size: -1}, nil, nil)
	wantCode(t, "a negative number of bytes", err, claviger.ErrInvalidArgument)
}

// testEncrypt holds ciphers, AEADs and encryption to a public key, both ways.
func (s *suite) testEncrypt(t *testing.T, m provider.Mechanism) {
	if _, ok := provider.Find(s.rows, provider.Decrypt, m.Algorithm, m.Key); !ok {
		t.Fatal("it encrypts what it does not decrypt")
	}
	r := row(t, m, algorithm.FamilyCipher, algorithm.FamilyAEAD, algorithm.FamilyAsymmetric)
	if r.Family == algorithm.FamilyAsymmetric {
		s.testAsymmetric(t, m)
		return
	}
	k := s.key(t, m.Key)
	params := &provider.Params{Algorithm: m.Algorithm, IV: message(r.IV)}
	if r.Family == algorithm.FamilyAEAD {
		params.AAD = []byte("associated")
	}
	encrypt := func(msg []byte) []byte { return appended(t, k, provider.Encrypt, params, msg) }
	testStream(t, k, provider.Encrypt, params, encrypt)
	for _, n := range sizes() {
		if got := appended(t, k, provider.Decrypt, params, encrypt(message(n))); !bytes.Equal(got, message(n)) {
			t.Fatalf("%d bytes do not come back", n)
		}
		for _, part := range []int{7, 16, 5000} {
			got, err := inParts(t, begin(t, k, provider.Decrypt, params), encrypt(message(n)), nil, part)
			if err != nil || !bytes.Equal(got, message(n)) {
				t.Fatalf("%d bytes do not come back through a stream in parts of %d: %v", n, part, err)
			}
		}
	}
	s.testVectors(t, k, r, params)
	switch {
	case r.Family == algorithm.FamilyAEAD:
		s.testTampering(t, k, r, params)
		s.testLimit(t, k, provider.Encrypt, params, m.MaxMessage, "")
	case !r.BothWays:
		testPadding(t, k, r, params)
	}
	atOnce(t, func(i int) error {
		own := &provider.Params{Algorithm: m.Algorithm, IV: message(r.IV), AAD: params.AAD}
		for range 20 {
			out, err := k.OneShot(t.Context(), provider.Encrypt, own, nil, message(100+i))
			if err != nil {
				return err
			}
			back, err := k.OneShot(t.Context(), provider.Decrypt, own, nil, out)
			if err != nil {
				return err
			}
			if !bytes.Equal(back, message(100+i)) {
				return errDiffers
			}
		}
		return nil
	})
}

// testVectors holds that an IV of another length is refused, by all doors.
func (s *suite) testVectors(t *testing.T, k provider.Key, r *algorithm.Row, params *provider.Params) {
	for _, n := range []int{0, r.IV - 1, r.IV + 1} {
		wrong := &provider.Params{Algorithm: params.Algorithm, IV: make([]byte, n), AAD: params.AAD}
		for _, op := range []provider.Op{provider.Encrypt, provider.Decrypt} {
			_, err := k.OneShot(t.Context(), op, wrong, nil, message(48))
			wantCode(t, "a wrong IV", err, claviger.ErrInvalidArgument)
			_, err = k.Begin(t.Context(), op, wrong)
			wantCode(t, "a stream with a wrong IV", err, claviger.ErrInvalidArgument)
		}
		err := begin(t, k, provider.Encrypt, params).Reset(t.Context(), wrong.IV)
		wantCode(t, "a reset with a wrong IV", err, claviger.ErrInvalidArgument)
	}
	if r.Family != algorithm.FamilyAEAD {
		_, err := k.OneShot(t.Context(), provider.Encrypt, &provider.Params{Algorithm: params.Algorithm, IV: params.IV, AAD: []byte("x")}, nil, nil)
		wantCode(t, "associated data without an AEAD", err, claviger.ErrInvalidArgument)
	}
}

// testTampering changes what an AEAD protects: ciphertext, tag, associated data, nonce,
// length. Nothing may come out.
func (s *suite) testTampering(t *testing.T, k provider.Key, r *algorithm.Row, params *provider.Params) {
	sealed := appended(t, k, provider.Encrypt, params, message(50))
	refused := func(what string, in []byte, p *provider.Params) {
		t.Helper()
		out, err := k.OneShot(t.Context(), provider.Decrypt, p, []byte("dst"), in)
		wantMismatch(t, what, err)
		if string(out) != "dst" {
			t.Errorf("%s: something was released", what)
		}
		stream := begin(t, k, provider.Decrypt, p)
		if out, err = stream.Update(t.Context(), nil, in); err != nil || len(out) != 0 {
			t.Errorf("%s: an update released %d bytes, %v", what, len(out), err)
		}
		out, err = stream.Finish(t.Context(), nil, nil)
		wantMismatch(t, what+" through a stream", err)
		if len(out) != 0 {
			t.Errorf("%s through a stream: something was released", what)
		}
	}
	for i := range sealed {
		in := bytes.Clone(sealed)
		in[i] ^= 0x80
		refused("a changed byte", in, params)
	}
	refused("a missing byte", sealed[:len(sealed)-1], params)
	refused("an added byte", append(bytes.Clone(sealed), 0), params)
	refused("less than a tag", sealed[:r.Tag-1], params)
	refused("nothing", nil, params)
	refused("other associated data", sealed, &provider.Params{Algorithm: params.Algorithm, IV: params.IV, AAD: []byte("Associated")})
	refused("no associated data", sealed, &provider.Params{Algorithm: params.Algorithm, IV: params.IV})
	refused("another nonce", sealed, &provider.Params{Algorithm: params.Algorithm, IV: make([]byte, r.IV), AAD: params.AAD})
}

// testPadding holds that wrong lengths and wrong padding have one answer.
func testPadding(t *testing.T, k provider.Key, r *algorithm.Row, params *provider.Params) {
	sealed := appended(t, k, provider.Encrypt, params, message(2*r.Block)) // the last block is padding only
	wrong := map[string][]byte{"nothing": nil, "half a block": sealed[:r.Block/2], "a block and a half": sealed[:r.Block+r.Block/2]}
	for i := range r.Block {
		in := bytes.Clone(sealed)
		in[len(in)-2*r.Block+i] ^= 0x40 // changes byte i of the last block
		wrong["padding byte "+string(rune('a'+i))] = in
	}
	for what, in := range wrong {
		out, err := k.OneShot(t.Context(), provider.Decrypt, params, []byte("dst"), in)
		wantMismatch(t, what, err)
		if string(out) != "dst" {
			t.Errorf("%s: something was released", what)
		}
		_, err = inParts(t, begin(t, k, provider.Decrypt, params), in, nil, 5)
		wantMismatch(t, what+" through a stream", err)
	}
}

// testAsymmetric holds encryption to a public key.
func (s *suite) testAsymmetric(t *testing.T, m provider.Mechanism) {
	k := s.key(t, m.Key)
	params := &provider.Params{Algorithm: m.Algorithm}
	for _, n := range []int{0, 1, 32, int(m.MaxMessage)} {
		sealed := appended(t, k, provider.Encrypt, params, message(n))
		if got := appended(t, k, provider.Decrypt, params, sealed); !bytes.Equal(got, message(n)) {
			t.Errorf("%d bytes do not come back", n)
		}
		streamed, err := inParts(t, begin(t, k, provider.Encrypt, params), message(n), nil, 7)
		if err != nil {
			t.Fatalf("%d bytes through a stream: %v", n, err)
		}
		got, err := inParts(t, begin(t, k, provider.Decrypt, params), streamed, nil, 50)
		if err != nil || !bytes.Equal(got, message(n)) {
			t.Errorf("%d bytes do not come back through streams: %v", n, err)
		}
	}
	_, err := k.OneShot(t.Context(), provider.Encrypt, params, nil, message(int(m.MaxMessage)+1))
	wantCode(t, "a message over the limit", err, claviger.ErrInvalidArgument)
	sealed := appended(t, k, provider.Encrypt, params, []byte("x"))
	for what, in := range map[string][]byte{"a changed byte": append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1),
		"a missing byte": sealed[1:], "nothing": nil} {
		_, err := k.OneShot(t.Context(), provider.Decrypt, params, nil, in)
		wantMismatch(t, what, err)
	}
	public := s.public(t, m.Key)
	if public == nil {
		return
	}
	sealed = appended(t, public, provider.Encrypt, params, []byte("to the public half"))
	if got := appended(t, k, provider.Decrypt, params, sealed); string(got) != "to the public half" {
		t.Error("what the public half encrypted does not come back")
	}
	_, err = public.OneShot(t.Context(), provider.Decrypt, params, nil, sealed)
	wantCode(t, "decrypting with a public key", err, claviger.ErrIncompatibleKeyType)
}
