package providertest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// testSign holds signatures of messages, in one shot and in parts, and that nothing else
// verifies.
func (s *suite) testSign(t *testing.T, m provider.Mechanism) {
	if _, ok := provider.Find(s.rows, provider.Verify, m.Algorithm, m.Key); !ok {
		t.Fatal("it signs what it does not verify")
	}
	r := row(t, m, algorithm.FamilySignature)
	k := s.key(t, m.Key)
	params := &provider.Params{Algorithm: m.Algorithm}
	for _, n := range []int{0, 1, 63, 1000} {
		signature := appended(t, k, provider.Sign, params, message(n))
		if want := r.SignatureSize(m.Key); len(signature) != want {
			t.Fatalf("a signature of %d bytes, want %d", len(signature), want)
		}
		verify(t, k, params, message(n), signature)
		streamed, err := inParts(t, begin(t, k, provider.Sign, params), message(n), nil, 37)
		if err != nil {
			t.Fatalf("signing %d bytes in parts: %v", n, err)
		}
		verify(t, k, params, message(n), streamed)
	}
	testForgeries(t, k, params)
	s.testSignReset(t, k, params)
	s.testPublicVerifies(t, m, r, params)
	if strings.HasPrefix(string(m.Key), "ECDSA-") {
		testDER(t, k, params)
	}
	s.testLimit(t, k, provider.Sign, params, m.MaxMessage, r.PreHash)
	atOnce(t, func(i int) error {
		signature, err := k.OneShot(t.Context(), provider.Sign, params, nil, message(i))
		if err != nil {
			return err
		}
		check := *params
		check.Signature = signature
		_, err = k.OneShot(t.Context(), provider.Verify, &check, nil, message(i))
		return err
	})
}

// verify expects a signature to be right, by both doors.
func verify(t *testing.T, k provider.Key, params *provider.Params, msg, signature []byte) {
	t.Helper()
	check := *params
	check.Signature = signature
	if out, err := k.OneShot(t.Context(), provider.Verify, &check, nil, msg); err != nil || len(out) != 0 {
		t.Errorf("verifying %d bytes: %d bytes of output, %v", len(msg), len(out), err)
	}
	if _, err := inParts(t, begin(t, k, provider.Verify, params), msg, signature, 41); err != nil {
		t.Errorf("verifying %d bytes in parts: %v", len(msg), err)
	}
}

// testForgeries offers signatures that are none.
func testForgeries(t *testing.T, k provider.Key, params *provider.Params) {
	t.Helper()
	signature := appended(t, k, provider.Sign, params, []byte("message"))
	wrong := map[string][]byte{"no signature": nil, "a zero signature": make([]byte, len(signature)), "a short one": signature[:len(signature)-1],
		"a long one": append(bytes.Clone(signature), 0)}
	for _, at := range []int{0, len(signature) / 2, len(signature) - 1} {
		changed := bytes.Clone(signature)
		changed[at] ^= 1
		wrong["a changed one"+string(rune('a'+at%26))] = changed
	}
	for what, forged := range wrong {
		check := *params
		check.Signature = forged
		_, err := k.OneShot(t.Context(), provider.Verify, &check, nil, []byte("message"))
		wantMismatch(t, what, err)
		_, err = inParts(t, begin(t, k, provider.Verify, params), []byte("message"), forged, 3)
		wantMismatch(t, what+" through a stream", err)
	}
	check := *params
	check.Signature = signature
	_, err := k.OneShot(t.Context(), provider.Verify, &check, nil, []byte("Message"))
	wantMismatch(t, "another message", err)
}

// testSignReset holds that a stream signs again after Finish and forgets what came before
// Reset.
func (s *suite) testSignReset(t *testing.T, k provider.Key, params *provider.Params) {
	stream := begin(t, k, provider.Sign, params)
	for range 2 {
		if _, err := stream.Update(t.Context(), nil, []byte("forgotten")); err != nil {
			t.Fatal(err)
		}
		if err := stream.Reset(t.Context(), nil); err != nil {
			t.Fatalf("reset: %v", err)
		}
		signature, err := inParts(t, stream, []byte("kept"), nil, 3)
		if err != nil {
			t.Fatalf("signing after a reset: %v", err)
		}
		verify(t, k, params, []byte("kept"), signature)
		if err := stream.Reset(t.Context(), nil); err != nil {
			t.Fatalf("reset after the end: %v", err)
		}
	}
}

// testPublicVerifies holds that the public half alone verifies and does not sign.
func (s *suite) testPublicVerifies(t *testing.T, m provider.Mechanism, r *algorithm.Row, params *provider.Params) {
	if r.Keyed() {
		return
	}
	public := s.public(t, m.Key)
	if public == nil {
		return
	}
	verify(t, public, params, []byte("x"), appended(t, s.key(t, m.Key), provider.Sign, params, []byte("x")))
	_, err := public.OneShot(t.Context(), provider.Sign, params, nil, []byte("x"))
	wantCode(t, "signing with a public key", err, claviger.ErrIncompatibleKeyType)
	_, err = public.Begin(t.Context(), provider.Sign, params)
	wantCode(t, "a signing stream with a public key", err, claviger.ErrIncompatibleKeyType)
}

// testDER holds that the two forms of ECDSA signatures are not mixed up.
func testDER(t *testing.T, k provider.Key, params *provider.Params) {
	t.Helper()
	der := *params
	der.DER = true
	signature := appended(t, k, provider.Sign, &der, []byte("x"))
	if signature[0] != 0x30 {
		t.Errorf("a DER signature begins with %#x", signature[0])
	}
	verify(t, k, &der, []byte("x"), signature)
	check := *params
	check.Signature = signature
	_, err := k.OneShot(t.Context(), provider.Verify, &check, nil, []byte("x"))
	wantMismatch(t, "a DER signature taken as r ‖ s", err)
	check = der
	check.Signature = appended(t, k, provider.Sign, params, []byte("x"))
	_, err = k.OneShot(t.Context(), provider.Verify, &check, nil, []byte("x"))
	wantMismatch(t, "r ‖ s taken as DER", err)
}

// testSignDigest holds that signing a digest is signing the message, and that the digest's
// length counts.
func (s *suite) testSignDigest(t *testing.T, m provider.Mechanism) {
	r := row(t, m, algorithm.FamilySignature)
	h, ok := algorithm.Lookup(r.Digest, algorithm.FamilyHash)
	if !ok {
		t.Fatalf("%s takes digests of %q", m.Algorithm, r.Digest)
	}
	k := s.key(t, m.Key)
	params := &provider.Params{Algorithm: m.Algorithm}
	hash := h.NewHash()
	hash.Write([]byte("message"))
	digest := hash.Sum(nil)
	verify(t, k, params, []byte("message"), appended(t, k, provider.SignDigest, params, digest))
	check := *params
	check.Signature = appended(t, k, provider.Sign, params, []byte("message"))
	if _, err := k.OneShot(t.Context(), provider.VerifyDigest, &check, nil, digest); err != nil {
		t.Errorf("verifying by digest: %v", err)
	}
	digest[0] ^= 1
	_, err := k.OneShot(t.Context(), provider.VerifyDigest, &check, nil, digest)
	wantMismatch(t, "another digest", err)
	for _, n := range []int{0, len(digest) - 1, len(digest) + 1} {
		_, err := k.OneShot(t.Context(), provider.SignDigest, params, nil, make([]byte, n))
		wantCode(t, "signing a digest of another length", err, claviger.ErrInvalidArgument)
		_, err = k.OneShot(t.Context(), provider.VerifyDigest, &check, nil, make([]byte, n))
		wantCode(t, "verifying a digest of another length", err, claviger.ErrInvalidArgument)
	}
}
