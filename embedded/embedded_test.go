package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
)

func open(t *testing.T, o embedded.Options) *embedded.Stack {
	t.Helper()
	stack, err := embedded.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	})
	return stack
}

// signer gives a signer for the slot's key, which it makes first unless it is there.
func signer(t *testing.T, stack *client.Stack, slotName string, fresh bool) *client.Signer {
	t.Helper()
	scope, err := stack.CryptoContext()
	if err != nil {
		t.Fatal(err)
	}
	slot, err := scope.KeySlot(t.Context(), slotName)
	if err != nil {
		t.Fatal(err)
	}
	if fresh {
		keys, err := scope.NewKeyManager(t.Context(), client.KeyManagerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.GenerateIn(t.Context(), slot, client.GenerateParams{Algorithm: "Ed25519"}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := scope.NewSigner(t.Context(), client.SignerConfig{Algorithm: "Ed25519", Key: slot})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestKeysSurviveReopening signs, closes, and gets the same Ed25519 signature, which is deterministic, again.
func TestKeysSurviveReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	stack := open(t, embedded.Options{Dir: dir})
	first, err := signer(t, stack.Stack, "signing", true).Sign(t.Context(), nil, []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.CryptoContext(); !errors.Is(err, claviger.ErrUninitializedStack) {
		t.Errorf("after Close: %v", err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v, %v", st.Mode(), err)
	}
	stack = open(t, embedded.Options{Dir: dir})
	second, err := signer(t, stack.Stack, "signing", false).Sign(t.Context(), nil, []byte("message"))
	if err != nil || string(first) != string(second) || len(first) != 64 {
		t.Errorf("%x then %x, %v", first, second, err)
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	open(t, embedded.Options{Dir: dir})
	_, err := embedded.Open(t.Context(), embedded.Options{Dir: dir})
	if !errors.Is(err, claviger.ErrAlreadyInitialized) || !strings.Contains(err.Error(), fmt.Sprintf("locked by process %d", os.Getpid())) {
		t.Errorf("the second Open: %v", err)
	}
}

func TestConnectGivesASessionOfItsOwn(t *testing.T) {
	stack := open(t, embedded.Options{Dir: t.TempDir()})
	sign := signer(t, stack.Stack, "signing", true)
	other, err := stack.Connect(t.Context(), client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer(t, other, "signing", false).Sign(t.Context(), nil, []byte("x")); err != nil {
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sign.Sign(t.Context(), nil, []byte("x")); err != nil {
		t.Errorf("the first session ended with the second: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		o    embedded.Options
		code claviger.Code
	}{
		{embedded.Options{}, claviger.ErrInvalidArgument},
		{embedded.Options{Dir: "a", Config: []byte("b")}, claviger.ErrInvalidArgument},
		{embedded.Options{ConfigFile: filepath.Join(t.TempDir(), "none")}, claviger.ErrInvalidArgument},
		{embedded.Options{Config: []byte("colour = 1")}, claviger.ErrInvalidFormat},
	} {
		if _, err := embedded.Open(t.Context(), c.o); claviger.CodeOf(err) != c.code {
			t.Errorf("%+v: %v, want %v", c.o, err, c.code)
		}
	}
}

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "claviger")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	stack, err := embedded.Open(ctx, embedded.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stack.Close()
	scope, err := stack.CryptoContext()
	if err != nil {
		fmt.Println(err)
		return
	}
	hash, err := scope.NewHash(ctx, client.HashConfig{Algorithm: "SHA-256"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sum, err := hash.Sum(ctx, nil, []byte("abc"))
	fmt.Printf("%x %v\n", sum[:4], err)
	// Output: ba7816bf <nil>
}
