package tokens

import (
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// privateKinds are the kinds of objects that hold what must not be had.
func privateKinds() map[string]string {
	return map[string]string{"token/signing": "Private Key Object; EC", "token/rsa": "Private Key Object; RSA", "token/agree": "Private Key Object; EC",
		"token/data": "Secret Key Object; AES length 32", "token/mac": "Secret Key Object; Generic secret length 32", "pair/signing": "Private Key Object; EC"}
}

// seen holds that pkcs11-tool lists one key that cannot be had for each version of a slot, and nothing that could, and gives the
// versions.
func (b *bench) seen(slot, kind string) []claviger.KeyVersion {
	b.t.Helper()
	versions := must(b.slot(b.t, slot).Info(b.ctx))(b.t).Versions
	found := make(map[string]int)
	for _, o := range b.objects(slot) {
		if strings.HasPrefix(o.kind, "Public Key Object") {
			continue
		}
		found[o.fields["ID"]]++
		equal(b.t, slot+": kind", o.kind, kind)
		for _, word := range []string{"sensitive", "always sensitive", "never extractable", "local"} {
			if !slices.Contains(strings.Split(o.fields["Access"], ", "), word) {
				b.t.Errorf("%s: access is %q, without %q", slot, o.fields["Access"], word)
			}
		}
	}
	for _, v := range versions {
		equal(b.t, slot+": objects with the identifier of version "+v.ID, found[v.ID], 1)
	}
	equal(b.t, slot+": keys", len(found), len(versions))
	return versions
}

// TestOtherProgramsSeeOurKeys holds what pkcs11-tool sees of keys that slots keep in a token: from the generation, over a rotation, to
// the end, after which nothing is left.
func TestOtherProgramsSeeOurKeys(t *testing.T) {
	b := newBench(t)
	for slot, kind := range privateKinds() {
		b.claviger("slot", "generate", slot)
		equal(t, slot+": versions", len(b.seen(slot, kind)), 1)
		b.claviger("slot", "rotate", slot)
		versions := b.seen(slot, kind)
		equal(t, slot+": versions", len(versions), 2)
		b.claviger("slot", "clear", slot, "--version", "1")
		if left := b.seen(slot, kind); len(left) != 1 || left[0] != versions[1] {
			t.Errorf("%s: versions %v, want the second of %v", slot, left, versions)
		}
		b.claviger("slot", "clear", slot)
		if left := b.objects(slot); len(left) != 0 {
			t.Errorf("%s: the token still has %v", slot, left)
		}
	}
	u := b.user
	key := must(u.keys(t, choices()["token"]).Generate(u.ctx, generateP256()))(t)
	u.signs(t, key)
	if left := b.objects(""); len(left) != 0 {
		t.Errorf("the token has %v, of slots that are empty or of a session", left)
	}
}
