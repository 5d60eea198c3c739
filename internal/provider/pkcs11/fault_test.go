package pkcs11_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// shim makes the module of testdata/shim.c, with SoftHSM behind it, and gives its path.
func shim(t testing.TB) string {
	t.Helper()
	behind := store(t)
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler cc to build the module that fails on demand")
	}
	path := filepath.Join(t.TempDir(), "shim.so")
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-O1", "-o", path, "testdata/shim.c", "-ldl", "-lpthread").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("SHIM_MODULE", behind)
	t.Setenv("SHIM_FAULTS", "")
	return path
}

// faulty opens a token behind the shim.
func faulty(t testing.TB, c pkcs11.Config) *pkcs11.Provider {
	t.Helper()
	c.Module, c.TokenLabel = shim(t), label
	initialise(t, label)
	p, done := open(t, c)
	t.Cleanup(func() {
		t.Setenv("SHIM_FAULTS", "")
		done()
	})
	return p
}

// lasting gives a key that is an object of the token.
func lasting(t testing.TB, p *pkcs11.Provider, alg claviger.Algorithm) provider.Key {
	t.Helper()
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: alg})
	must(t, err)
	defer k.Close()
	blob, err := k.Blob(t.Context(), provider.Tag{Label: "lasting"})
	must(t, err)
	defer blob.Close()
	loaded, err := p.Load(t.Context(), blob.Bytes())
	must(t, err)
	t.Cleanup(func() { loaded.Close() })
	return loaded
}

// mac makes a code, whose functions the shim can make fail.
func mac(k provider.Key) error {
	_, err := k.OneShot(context.Background(), provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"}, nil, []byte("x"))
	return err
}

// What the module returns has one meaning each, and what is lost is said to be.
func TestReturnValuesHaveCodes(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k := lasting(t, p, "HMAC-SHA-256")
	for _, c := range []struct {
		fault string
		code  claviger.Code
		lost  bool
	}{
		{"C_Sign=0x101", claviger.ErrProviderNotAvailable, true},     // USER_NOT_LOGGED_IN
		{"C_SignInit=0x32", claviger.ErrProviderNotAvailable, true},  // DEVICE_REMOVED
		{"C_SignInit=0xE0", claviger.ErrProviderNotAvailable, true},  // TOKEN_NOT_PRESENT
		{"C_Sign=0x30", claviger.ErrProviderNotAvailable, true},      // DEVICE_ERROR
		{"C_Sign=0x03", claviger.ErrProviderNotAvailable, true},      // SLOT_ID_INVALID
		{"C_SignInit=0xB3", claviger.ErrProviderNotAvailable, true},  // SESSION_HANDLE_INVALID, again and again
		{"C_Sign=0x05", claviger.ErrOperationFailed, false},          // GENERAL_ERROR
		{"C_Sign=0x06", claviger.ErrOperationFailed, false},          // FUNCTION_FAILED
		{"C_Sign=0x50", claviger.ErrOperationFailed, false},          // FUNCTION_CANCELED
		{"C_Sign=0x31", claviger.ErrAllocationFailed, false},         // DEVICE_MEMORY
		{"C_SignInit=0x62", claviger.ErrIncompatibleKeyType, false},  // KEY_SIZE_RANGE
		{"C_SignInit=0x70", claviger.ErrUnsupportedAlgorithm, false}, // MECHANISM_INVALID
		{"C_SignInit=0x68", claviger.ErrKeyOperationNotPermitted, false},
		{"C_SignInit=0x60", claviger.ErrResourceNotFound, false},     // KEY_HANDLE_INVALID, again and again
		{"C_Sign=0x80000001", claviger.ErrOperationFailed, false},    // a vendor's own
		{"C_SignInit=0x90", claviger.ErrOperationFailed, false},      // OPERATION_ACTIVE, again and again
		{"C_SignInit=0x54", claviger.ErrUnsupportedOperation, false}, // FUNCTION_NOT_SUPPORTED
	} {
		t.Setenv("SHIM_FAULTS", c.fault)
		err := mac(k)
		wantCode(t, c.fault, err, c.code)
		if errors.Is(err, provider.ErrLost) != c.lost || errors.Is(err, provider.ErrMismatch) {
			t.Errorf("%s: %v", c.fault, err)
		}
		if c.lost && err != nil && !strings.Contains(err.Error(), `token "`+label+`" serial `) {
			t.Errorf("%s: the token is not named: %v", c.fault, err)
		}
		t.Setenv("SHIM_FAULTS", "")
		must(t, mac(k))
	}
}

// What C_Decrypt says of a ciphertext is the mismatch where the ciphertext can be wrong for the token, and only what it says of that.
func TestWhatIsAMismatch(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "AES-128"})
	must(t, err)
	defer k.Close()
	for _, c := range []struct {
		fault string
		gcm   claviger.Code // 0: the mismatch
	}{
		{"C_Decrypt=0x40", 0}, {"C_Decrypt=0x41", 0}, {"C_Decrypt=0x42", 0}, {"C_Decrypt=0x20", 0}, {"C_Decrypt=0x21", 0},
		{"C_Decrypt=0x05", 0}, // GENERAL_ERROR: SoftHSM says so of a wrong tag
		{"C_Decrypt=0x06", claviger.ErrOperationFailed}, {"C_Decrypt=0x30", claviger.ErrProviderNotAvailable},
		{"C_Decrypt=0xC0", claviger.ErrOperationFailed}, {"C_DecryptInit=0x05", claviger.ErrOperationFailed},
		{"C_DecryptInit=0x40", claviger.ErrOperationFailed}, {"C_DecryptInit=0x68", claviger.ErrKeyOperationNotPermitted},
	} {
		t.Setenv("SHIM_FAULTS", c.fault)
		_, err := k.OneShot(t.Context(), provider.Decrypt, &provider.Params{Algorithm: "AES-128-GCM", IV: make([]byte, 12)}, nil, make([]byte, 32))
		if (c.gcm == 0) != errors.Is(err, provider.ErrMismatch) {
			t.Errorf("GCM with %s: %v", c.fault, err)
		}
		if c.gcm != 0 {
			wantCode(t, "GCM with "+c.fault, err, c.gcm)
		}
		for _, alg := range []claviger.Algorithm{"AES-128-CBC", "AES-128-CTR"} {
			_, err = k.OneShot(t.Context(), provider.Decrypt, &provider.Params{Algorithm: alg, IV: make([]byte, 16)}, nil, make([]byte, 32))
			if err == nil || errors.Is(err, provider.ErrMismatch) {
				t.Errorf("%s with %s: %v", alg, c.fault, err)
			}
		}
	}
}

// A token that cannot be written to makes keys for the process, and says why they cannot last.
func TestWriteProtectedToken(t *testing.T) {
	path := shim(t)
	initialise(t, label)
	t.Setenv("SHIM_FAULTS", "C_OpenSession=0xE2*1")
	p, done := open(t, pkcs11.Config{Module: path, TokenLabel: label})
	defer done()
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	defer k.Close()
	must(t, mac(k))
	_, err = k.Blob(t.Context(), provider.Tag{Label: "x"})
	wantCode(t, "making it last", err, claviger.ErrUnsupportedOperation)
}

// What another session or another handle mends is not noticed.
func TestSessionsAndHandlesAreRenewed(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k := lasting(t, p, "HMAC-SHA-256")
	for _, fault := range []string{"C_SignInit=0xB3*1", "C_Sign=0xB3*1", "C_SignInit=0xB0*1", "C_SignInit=0x90*1", "C_SignInit=0x60*1", "C_SignInit=0x82*1"} {
		t.Setenv("SHIM_FAULTS", fault)
		if err := mac(k); err != nil {
			t.Errorf("%s: %v", fault, err)
		}
		t.Setenv("SHIM_FAULTS", fault+" ")
		s, err := k.Begin(t.Context(), provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"})
		if err != nil && !strings.HasPrefix(fault, "C_Sign=") {
			t.Errorf("a stream with %s: %v", fault, err)
		}
		if err == nil {
			s.Close()
		}
	}
	t.Setenv("SHIM_FAULTS", "C_SignInit=0xB3*1 C_GetSessionInfo=0xB3")
	if err := mac(k); !errors.Is(err, provider.ErrLost) {
		t.Errorf("all sessions are gone: %v", err)
	}
	t.Setenv("SHIM_FAULTS", "")
	own, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	defer own.Close()
	t.Setenv("SHIM_FAULTS", "C_SignInit=0x60*1")
	err = mac(own)
	wantCode(t, "a key of this process that the token has lost", err, claviger.ErrProviderNotAvailable)
	if errors.Is(err, provider.ErrLost) {
		t.Error("the token is said to be lost with one key")
	}
}

// A token that has logged out is lost, whatever is asked of it: its keys are not said to be gone, or destroyed.
func TestLoggedOutTokensAreLost(t *testing.T) {
	p := fresh(t, 0)
	own, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	defer own.Close()
	blob, err := own.Blob(t.Context(), provider.Tag{Label: "x"})
	must(t, err)
	defer blob.Close()
	k, err := p.Load(t.Context(), blob.Bytes())
	must(t, err)
	defer k.Close()
	must(t, p.Logout())
	_, objects := p.Objects(t.Context(), provider.Query{})
	_, loaded := p.Load(t.Context(), blob.Bytes())
	_, generated := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	_, began := k.Begin(t.Context(), provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"})
	for what, err := range map[string]error{"a key of the process": mac(own), "a key of the token": mac(k), "listing": objects, "loading": loaded,
		"generating": generated, "a stream": began, "destroying": p.Destroy(t.Context(), blob.Bytes())} {
		wantCode(t, what, err, claviger.ErrProviderNotAvailable)
		if !errors.Is(err, provider.ErrLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A stream that fails says so, is over until Reset, and works again then; its session does not stay with it.
func TestStreamsFailAndAreReset(t *testing.T) {
	p := faulty(t, pkcs11.Config{Sessions: 4})
	k := lasting(t, p, "HMAC-SHA-256")
	params := &provider.Params{Algorithm: "HMAC-SHA-256"}
	want := oneShot(t, k, provider.MAC, params, []byte("kept"))
	for _, fault := range []string{"C_SignUpdate=0x05", "C_SignFinal=0x05", "C_SignUpdate=0xB3", "C_SignFinal=0xB3"} {
		s := stream(t, k, provider.MAC, params)
		t.Setenv("SHIM_FAULTS", fault)
		_, err := s.Update(t.Context(), nil, []byte("lost"))
		if err == nil {
			_, err = s.Finish(t.Context(), nil, nil)
		}
		wantCode(t, fault, err, claviger.ErrOperationFailed)
		_, err = s.Finish(t.Context(), nil, nil)
		wantCode(t, "after a failure", err, claviger.ErrStreamNotInitialized)
		t.Setenv("SHIM_FAULTS", "")
		must(t, s.Reset(t.Context(), nil))
		if got := inParts(t, s, []byte("kept"), 3); !bytes.Equal(got, want) {
			t.Errorf("%s: the message after it has another code", fault)
		}
		s.Close()
	}
}

// A search that does not end is in the way of nothing that comes after it.
func TestDestroyingOutlivesASearch(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "AES-128"})
	must(t, err)
	defer k.Close()
	blob, err := k.Blob(t.Context(), provider.Tag{Label: "x"})
	must(t, err)
	defer blob.Close()
	t.Setenv("SHIM_FAULTS", "C_FindObjectsFinal=0x05")
	wantCode(t, "a search that does not end", p.Destroy(t.Context(), blob.Bytes()), claviger.ErrOperationFailed)
	t.Setenv("SHIM_FAULTS", "")
	must(t, p.Destroy(t.Context(), blob.Bytes()))
}

// A token that says that it has destroyed something and has not is found out, and so is one that has logged out, where nothing
// private is to be seen.
func TestDestroyingIsChecked(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	for _, alg := range []claviger.Algorithm{"AES-128", "ECDSA-P256"} {
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: alg})
		must(t, err)
		blob, err := k.Blob(t.Context(), provider.Tag{Label: "x"})
		must(t, err)
		t.Setenv("SHIM_FAULTS", "C_DestroyObject=0")
		wantCode(t, "a token that lies", p.Destroy(t.Context(), blob.Bytes()), claviger.ErrOperationFailed)
		t.Setenv("SHIM_FAULTS", "C_DestroyObject=0x1B")
		wantCode(t, "a token that refuses", p.Destroy(t.Context(), blob.Bytes()), claviger.ErrOperationFailed)
		t.Setenv("SHIM_FAULTS", "C_GetSessionInfo=0x101")
		if err := p.Destroy(t.Context(), blob.Bytes()); !errors.Is(err, provider.ErrLost) {
			t.Errorf("a token that has logged out: %v", err)
		}
		t.Setenv("SHIM_FAULTS", "")
		must(t, p.Destroy(t.Context(), blob.Bytes()))
		blob.Close()
		must(t, k.Close())
	}
}

// What cannot be made to last leaves no half of it.
func TestFailedPersistenceLeavesNothing(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "ECDSA-P256"})
	must(t, err)
	defer k.Close()
	for fault, code := range map[string]claviger.Code{"C_CopyObject=0x54": claviger.ErrUnsupportedOperation, "C_CopyObject=0x05": claviger.ErrPersistFailed,
		"C_CreateObject=0x31": claviger.ErrAllocationFailed, "C_CreateObject=0x13": claviger.ErrPersistFailed} {
		t.Setenv("SHIM_FAULTS", fault)
		_, err := k.Blob(t.Context(), provider.Tag{Label: "x"})
		wantCode(t, fault, err, code)
	}
	t.Setenv("SHIM_FAULTS", "")
	if out := tool(t, "--list-objects"); strings.Contains(out, "Key Object") {
		t.Errorf("an object is in the token: %s", out)
	}
}

// With fewer sessions than asked for all calls come to an end, by waiting; keys live on, and streams cannot take the last session.
func TestFewSessions(t *testing.T) {
	for _, c := range []struct{ configured, allowed, said int }{{4, 0, 0}, {16, 4, 0}, {16, 3, 0}, {16, 2, 0}, {0, 3, 3}, {2, 2, 0}} {
		t.Run(fmt.Sprintf("%d of %d", c.allowed, c.configured), func(t *testing.T) {
			t.Setenv("SHIM_SESSIONS", fmt.Sprint(c.allowed))
			t.Setenv("SHIM_MAX", fmt.Sprint(c.said))
			p := faulty(t, pkcs11.Config{Sessions: c.configured})
			testAtOnce(t, p)
		})
	}
	t.Setenv("SHIM_SESSIONS", "0")
	t.Setenv("SHIM_MAX", "1")
	_, err := tryOpen(t, pkcs11.Config{Module: shim(t)})
	wantCode(t, "a token with one session", err, claviger.ErrProviderNotAvailable)
}

// testAtOnce uses, makes, persists and drops keys from 64 goroutines.
func testAtOnce(t *testing.T, p *pkcs11.Provider) {
	k := lasting(t, p, "HMAC-SHA-256")
	pair, err := p.Generate(t.Context(), provider.Spec{Algorithm: "ECDSA-P256"})
	must(t, err)
	defer pair.Close()
	want := exercise(t, k)
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for i := range cap(errs) {
		wg.Go(func() { errs <- atOnce(t.Context(), p, k, pair, want, i) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if found, err := p.Objects(t.Context(), provider.Query{}); err != nil || len(found) != 1 {
		t.Errorf("%d objects are left, %v", len(found), err)
	}
}

func atOnce(ctx context.Context, p *pkcs11.Provider, k, pair provider.Key, want []byte, i int) error {
	for range 5 {
		got, err := k.OneShot(ctx, provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"}, nil, []byte("x"))
		if err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("a code: %w", err)
		}
		params := &provider.Params{Algorithm: "ECDSA-P256-SHA-256"}
		if params.Signature, err = pair.OneShot(ctx, provider.SignDigest, params, nil, make([]byte, 32)); err != nil {
			return fmt.Errorf("signing: %w", err)
		}
		if _, err = pair.OneShot(ctx, provider.VerifyDigest, params, nil, make([]byte, 32)); err != nil {
			return fmt.Errorf("verifying: %w", err)
		}
		own, err := p.Generate(ctx, provider.Spec{Algorithm: "AES-128"})
		if err != nil {
			return fmt.Errorf("generating: %w", err)
		}
		if i%8 == 0 {
			blob, err := own.Blob(ctx, provider.Tag{Label: fmt.Sprint(i)})
			if err != nil {
				return fmt.Errorf("persisting: %w", err)
			}
			if err := p.Destroy(ctx, blob.Bytes()); err != nil {
				return fmt.Errorf("destroying: %w", err)
			}
			blob.Close()
		}
		s, err := own.Begin(ctx, provider.MAC, &provider.Params{Algorithm: "AES-128-CMAC"})
		switch {
		case err == nil:
			s.Close()
		case !errors.Is(err, claviger.ErrProviderBusy):
			return fmt.Errorf("a stream: %w", err)
		}
		if err := own.Close(); err != nil {
			return err
		}
	}
	return nil
}
