package guests

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/test/daemontest"
	"github.com/claviger/claviger/wasicrypto"
)

// use is a managed key's algorithm, and the form of the key that an export brings into memory for certain.
type use struct {
	family    claviger.GuestType
	algorithm string
	form      string
}

// uses are signing, encryption, authentication and derivation.
func uses() []use {
	return []use{
		{claviger.GuestSignatures, "ECDSA_P256_SHA256", "ECDSA_P256_SHA256 scalar"},
		{claviger.GuestSignatures, "Ed25519", "Ed25519 seed"},
		{claviger.GuestSignatures, "RSA_PKCS1_2048_SHA256", "RSA_PKCS1_2048_SHA256 d"},
		{claviger.GuestSignatures, "ML-DSA-65", "ML-DSA-65 seed"},
		{claviger.GuestSymmetric, "AES-256-GCM", "AES-256-GCM key"},
		{claviger.GuestSymmetric, "XCHACHA20-POLY1305", "XCHACHA20-POLY1305 key"},
		{claviger.GuestSymmetric, "XOODYAK-128", "XOODYAK-128 key"},
		{claviger.GuestSymmetric, "HMAC/SHA-256", "HMAC/SHA-256 key"},
		{claviger.GuestSymmetric, "HKDF-EXTRACT/SHA-256", "HKDF-EXTRACT/SHA-256 key"},
		{claviger.GuestSymmetric, "HKDF-EXPAND/SHA-512", "HKDF-EXPAND/SHA-512 key"},
		{claviger.GuestKeyExchange, "X25519", "X25519 scalar"},
		{claviger.GuestKeyExchange, "ML-KEM-768", "ML-KEM-768 z"},
	}
}

// kept is a managed key twice: once to be exported, and once not. n knows its bytes.
type kept struct{ exportable, sealed string }

// keep has the keeper make a key, takes it out, and stores it once more so that nobody can take it out of there. A guest that
// opens either afterwards has never had its bytes.
func keep(t *testing.T, m wasicrypto.Managed, u use, n *needles) kept {
	t.Helper()
	ctx := context.Background()
	k, err := m.GenerateKey(ctx, u.family, claviger.Algorithm(u.algorithm), claviger.ManagedOptions{Exportable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	exported, err := k.Export(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n.addKey(t, u.algorithm, exported)
	stored, err := m.StoreKey(ctx, claviger.ManagedMaterial{Type: u.family, Algorithm: k.Algorithm(), Key: exported})
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	return kept{k.ID(), stored.ID()}
}

// learn takes a key out that a guest has made.
func learn(t *testing.T, m wasicrypto.Managed, u use, id string, n *needles) {
	t.Helper()
	ctx := context.Background()
	k, err := m.OpenKey(ctx, id, claviger.LatestVersion)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	exported, err := k.Export(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n.addKey(t, u.algorithm, exported)
}

// wants holds what was found against what has to be there.
func wants(t *testing.T, where string, found []string, want ...string) {
	t.Helper()
	for _, form := range want {
		if !slices.Contains(found, form) {
			t.Errorf("%s: the search does not find %q, which is there, so it proves nothing", where, form)
		}
	}
	if len(want) == 0 && len(found) > 0 {
		t.Errorf("%s: there are %q", where, found)
	}
}

// TestAManagedKeyIsNowhereInItsRunner looks through all memory of a process that runs a guest over a daemon's socket, the guest's
// own memory included, after the guest has signed, encrypted, authenticated, derived, agreed and decapsulated with keys that
// it made, that it found, and that may not be exported, and has tried to export these. Behind that the same search finds
// the exportable keys when the guest has exported them.
func TestAManagedKeyIsNowhereInItsRunner(t *testing.T) {
	daemontest.NeedRoot(t)
	g := buildKeyed(t, "user")
	d := daemontest.Start(t, tenants(g))
	native := secretsOf(t, d, g)
	var n needles
	var words, last []string
	for _, u := range uses() {
		k := keep(t, native, u, &n)
		words = append(words, "make", u.algorithm, "use", u.algorithm, k.exportable, "use", u.algorithm, k.sealed, "export", u.algorithm, k.sealed)
		last = append(last, "export", u.algorithm, k.exportable)
	}
	r := runGuest(t, over(d, g, slices.Concat(words, []string{"wait"}, last, []string{"wait"})...)...)
	for _, u := range uses() {
		made := r.says("made ")
		id, problem, _ := strings.Cut(made, " ")
		if problem != "<nil>" {
			t.Fatalf("%s: %s", u.algorithm, made)
		}
		learn(t, native, u, id, &n)
		r.says("used <nil>")
		r.says("used <nil>")
		if answer := r.says("export "); !strings.HasSuffix(answer, ": prohibited_operation") {
			t.Errorf("%s: export of a key that is not exportable: %s", u.algorithm, answer)
		}
	}
	r.says("waiting")
	wants(t, "after use", n.scan(t, r.pid()))
	r.goOn()
	var forms []string
	for _, u := range uses() {
		r.says("export <nil>")
		forms = append(forms, u.form)
	}
	r.says("waiting")
	wants(t, "after export", n.scan(t, r.pid()), forms...)
	r.goOn()
	r.ends()
}
