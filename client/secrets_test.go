package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
)

func TestSecretsComeBackInTheirVersions(t *testing.T) {
	s := start(t).stack.Secrets()
	ctx := t.Context()
	future := uint64(time.Now().Add(time.Hour).Unix())
	id := get(s.Put(ctx, []byte("one"), future))(t)
	if v := get(s.Replace(ctx, id, []byte("two"), math.MaxUint64))(t); v != 2 {
		t.Errorf("version %d", v)
	}
	first, second := get(s.Get(ctx, id, 1))(t), get(s.Get(ctx, id+"\x00\x00", claviger.LatestVersion))(t)
	if string(first.Value) != "one" || first.Expires != future || string(second.Value) != "two" || second.Version != 2 {
		t.Errorf("%+v, %+v", first, second)
	}
	past := get(s.Put(ctx, []byte("over"), 1))(t)
	_, err := s.Get(ctx, past, 1)
	wantCode(t, "expired", err, claviger.ErrSecretExpired)
	if err := s.Invalidate(ctx, id, claviger.LatestVersion); err != nil {
		t.Error(err)
	}
	_, err = s.Get(ctx, id, claviger.LatestVersion)
	wantCode(t, "latest never falls back", err, claviger.ErrSecretNotFound)
	_, err = s.Get(ctx, "\xff not an identifier", 1)
	wantCode(t, "bytes of any kind", err, claviger.ErrSecretNotFound)
	wantCode(t, "invalidate twice", s.Invalidate(ctx, id, 2), claviger.ErrSecretNotFound)
}

func TestASecretIsNotPrinted(t *testing.T) {
	s := client.Secret{Value: []byte("recognisable"), Version: 3}
	encoded := string(get(json.Marshal(&s))(t))
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %s %x", s, &s, s, s), encoded} {
		if !strings.Contains(text, "3") || strings.Contains(text, "recog") || strings.Contains(text, "7265636f67") || strings.Contains(text, "cmVjb2") {
			t.Errorf("it reads %s", text)
		}
	}
}

func TestTheLongestSecretFits(t *testing.T) {
	s := start(t).stack.Secrets()
	long := message(claviger.MaxSecret)
	id := get(s.Put(t.Context(), long, math.MaxUint64))(t)
	if back := get(s.Get(t.Context(), id, 1))(t); !bytes.Equal(back.Value, long) {
		t.Error("it comes back altered")
	}
	capsule := get(s.Seal(t.Context(), long, math.MaxUint64))(t)
	if back := get(s.Open(t.Context(), capsule))(t); !bytes.Equal(back.Value, long) {
		t.Error("it comes out altered")
	}
	_, err := s.Put(t.Context(), message(claviger.MaxSecret+1), math.MaxUint64)
	wantCode(t, "one byte more", err, claviger.ErrQuotaExceeded)
	_, err = s.Seal(t.Context(), message(claviger.MaxSecret+1), math.MaxUint64)
	wantCode(t, "one byte more", err, claviger.ErrQuotaExceeded)
}

func TestListGoesThroughAllSecrets(t *testing.T) {
	s := start(t).stack.Secrets()
	const many = 1100 // more than a page
	want := make(map[string]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 11 {
		wg.Go(func() {
			for range many / 11 {
				id, err := s.Put(t.Context(), []byte{byte(w)}, math.MaxUint64)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, list := range []func() (n int){
		func() (n int) {
			for i, err := range s.List(t.Context()) {
				if err != nil || !want[i.ID] || len(i.Versions) != 1 || i.Versions[0].Size != 1 {
					t.Fatal(i, err)
				}
				n++
			}
			return n
		},
		func() (n int) {
			for _, err := range s.ListAll(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		},
	} {
		if n := list(); n != many {
			t.Errorf("%d of %d are listed", n, many)
		}
	}
}

func TestCapsulesOpenUntilTheirKeyIsDestroyed(t *testing.T) {
	s := start(t).stack.Secrets()
	ctx := t.Context()
	capsule := get(s.Seal(ctx, []byte("secret"), math.MaxUint64))(t)
	if v := get(s.RotateKEK(ctx))(t); v != 2 {
		t.Errorf("version %d", v)
	}
	if back := get(s.Open(ctx, capsule))(t); string(back.Value) != "secret" || back.Expires != math.MaxUint64 {
		t.Errorf("%+v", back)
	}
	over := get(s.Seal(ctx, []byte("secret"), 1))(t)
	_, err := s.Open(ctx, over)
	wantCode(t, "expired", err, claviger.ErrSecretExpired)
	if err := s.DestroyKEK(ctx, 1); err != nil {
		t.Error(err)
	}
	_, err = s.Open(ctx, capsule)
	wantCode(t, "destroyed key", err, claviger.ErrSecretVerificationFailed)
	wantCode(t, "destroyed twice", s.DestroyKEK(ctx, 1), claviger.ErrSecretNotFound)
}

func TestSecretsOutliveTheInstance(t *testing.T) {
	dir := t.TempDir()
	open := func() *embedded.Stack {
		return get(embedded.Open(t.Context(), embedded.Options{Dir: dir}))(t)
	}
	stack := open()
	id := get(stack.Secrets().Put(t.Context(), []byte("kept"), math.MaxUint64))(t)
	capsule := get(stack.Secrets().Seal(t.Context(), []byte("sealed"), math.MaxUint64))(t)
	if err := stack.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := stack.Secrets().Get(t.Context(), id, 1)
	wantCode(t, "a closed stack", err, claviger.ErrUninitializedStack)
	stack = open()
	defer stack.Close()
	kept, sealed := get(stack.Secrets().Get(t.Context(), id, 1))(t), get(stack.Secrets().Open(t.Context(), capsule))(t)
	if string(kept.Value) != "kept" || string(sealed.Value) != "sealed" {
		t.Errorf("%+v, %+v", kept, sealed)
	}
}

func ExampleSecrets() {
	stack := flowStack(client.Config{}) // stands for client.Dial
	defer stack.Close()
	ctx := context.Background()
	secrets := stack.Secrets()
	tomorrow := uint64(time.Now().Add(24 * time.Hour).Unix())
	id := must(secrets.Put(ctx, []byte("token"), tomorrow))
	must(secrets.Replace(ctx, id, []byte("newer token"), tomorrow))
	found := must(secrets.Get(ctx, id, claviger.LatestVersion))
	defer clear(found.Value)
	fmt.Printf("version %d: %s\n", found.Version, found.Value)
	// Output: version 2: newer token
}
