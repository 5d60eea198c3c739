package pkcs11_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
	"github.com/claviger/claviger/internal/provider/software"
)

// exercise does something with a key that tells it from others of its algorithm, and gives what it made.
func exercise(t testing.TB, k provider.Key) []byte {
	t.Helper()
	switch alg := k.Spec().Algorithm; {
	case strings.HasPrefix(string(alg), "AES-"):
		return oneShot(t, k, provider.Encrypt, &provider.Params{Algorithm: alg + "-CBC", IV: make([]byte, 16)}, []byte("x"))
	case strings.HasPrefix(string(alg), "HMAC-"):
		return oneShot(t, k, provider.MAC, &provider.Params{Algorithm: alg}, []byte("x"))
	case strings.HasPrefix(string(alg), "RSA-"):
		return oneShot(t, k, provider.SignDigest, &provider.Params{Algorithm: "RSA-PKCS1-SHA-256"}, make([]byte, 32))
	case alg == "Ed25519":
		return oneShot(t, k, provider.Sign, &provider.Params{Algorithm: alg}, []byte("x"))
	case strings.HasPrefix(string(alg), "ECDH-"), alg == "X25519":
		return agreed(t, k, peer(t, alg))
	case strings.HasPrefix(string(alg), "ECDSA-"):
		p := &provider.Params{Algorithm: alg + "-SHA-256"}
		p.Signature = oneShot(t, k, provider.SignDigest, p, make([]byte, 32))
		oneShot(t, k, provider.VerifyDigest, p, make([]byte, 32))
		public, err := k.Public()
		must(t, err)
		return public
	}
	return nil
}

// peer gives a public key to agree with, always the same one.
func peer(t testing.TB, alg claviger.Algorithm) []byte {
	t.Helper()
	row, ok := algorithm.Lookup(alg, algorithm.FamilyKey)
	if !ok {
		t.Fatalf("%s is no key algorithm", alg)
	}
	scalar := bytes.Repeat([]byte{1}, row.RawSize(claviger.PrivateKey))
	scalar[0] = 0
	private, err := row.ParseRaw(claviger.PrivateKey, scalar)
	must(t, err)
	spki, err := row.MarshalPublic(row.PublicOf(private))
	must(t, err)
	return spki
}

// serial gives the serial number of the only token.
func serial(t testing.TB) string {
	t.Helper()
	for _, line := range strings.Split(run(t, "softhsm2-util", "--show-slots"), "\n") {
		if _, after, ok := strings.Cut(line, "Serial number:"); ok && strings.TrimSpace(after) != "" {
			return strings.TrimSpace(after)
		}
	}
	t.Fatal("the token has no serial number")
	return ""
}

// agreed is a code by the key that comes of an agreement.
func agreed(t testing.TB, k provider.Key, peer []byte) []byte {
	t.Helper()
	made, _, err := k.KeyOp(t.Context(), provider.Agree, &provider.Params{Algorithm: k.Spec().Algorithm, Peer: peer, Result: provider.Spec{Algorithm: "HMAC-SHA-256"}})
	must(t, err)
	defer made.Close()
	return oneShot(t, made, provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"}, []byte("x"))
}

// A key of each algorithm outlives its process once it has a blob, is what it was, is seen by other tools, and is gone when it is
// destroyed, which can be done twice.
func TestKeysLastAndAreDestroyed(t *testing.T) {
	path := store(t)
	initialise(t, label)
	config := pkcs11.Config{Module: path, Serial: serial(t), Sessions: 4}
	p, done := open(t, config)
	type kept struct {
		tag          provider.Tag
		blob         []byte
		made, public []byte
		spec         provider.Spec
		bits         int
	}
	var all []kept
	for i, m := range offeredRows(p, provider.Generate) {
		if testing.Short() && (m.Algorithm == "RSA-3072" || m.Algorithm == "RSA-4096") {
			continue
		}
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: m.Algorithm})
		must(t, err)
		tag := provider.Tag{Label: "slot " + string(m.Algorithm), ID: bytes.Repeat([]byte{byte(0xa0 + i)}, 16)}
		blob, err := k.Blob(t.Context(), tag)
		must(t, err)
		public, err := k.Public()
		must(t, err)
		all = append(all, kept{tag, bytes.Clone(blob.Bytes()), exercise(t, k), public, k.Spec(), k.Bits()})
		blob.Close()
		must(t, k.Close())
	}
	done()
	listed := tool(t, "--list-objects")
	p, done = open(t, config)
	defer done()
	for _, c := range all {
		if !strings.Contains(listed, hex.EncodeToString(c.tag.ID)) || !strings.Contains(listed, c.tag.Label) {
			t.Errorf("another tool does not see %s, of ID %x, among: %s", c.tag.Label, c.tag.ID, listed)
		}
		k, err := p.Load(t.Context(), c.blob)
		must(t, err)
		public, err := k.Public()
		must(t, err)
		if k.Spec() != c.spec || k.Bits() != c.bits || !bytes.Equal(public, c.public) {
			t.Errorf("%v of %d bits came back as %v of %d", c.spec, c.bits, k.Spec(), k.Bits())
		}
		if !bytes.Equal(exercise(t, k), c.made) {
			t.Errorf("another key of %s came back", c.spec.Algorithm)
		}
		must(t, k.Close())
		must(t, p.Destroy(t.Context(), c.blob))
		must(t, p.Destroy(t.Context(), c.blob))
		_, err = p.Load(t.Context(), c.blob)
		wantCode(t, "loading what was destroyed", err, claviger.ErrResourceNotFound)
		if err != nil && (!strings.Contains(err.Error(), c.tag.Label) || !strings.Contains(err.Error(), hex.EncodeToString(c.tag.ID))) {
			t.Errorf("the error does not name the object: %v", err)
		}
	}
	if listed := tool(t, "--list-objects"); strings.Contains(listed, "slot ") {
		t.Errorf("destroyed keys are still there: %s", listed)
	}
}

// Keys that are not made to last leave nothing in the token, neither when they are closed nor when the provider is.
func TestKeysOfTheProcessLeaveNothing(t *testing.T) {
	p := fresh(t, 0)
	for _, alg := range []claviger.Algorithm{"AES-256", "ECDSA-P256"} {
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: alg})
		must(t, err)
		exercise(t, k)
		both(t, p, alg)
		if out := tool(t, "--list-objects"); strings.Contains(out, "Key Object") {
			t.Errorf("an object is in the token: %s", out)
		}
		must(t, k.Close())
		must(t, k.Close())
		_, err = k.OneShot(t.Context(), provider.Sign, &provider.Params{Algorithm: "Ed25519"}, nil, nil)
		wantCode(t, "a closed key", err, claviger.ErrResourceNotFound)
	}
}

// What the token keeps cannot be taken out, permits what its algorithm does and no more.
func TestObjectsAreClosed(t *testing.T) {
	p := fresh(t, 0)
	id := []byte("0123456789abcdef")
	for alg, want := range map[claviger.Algorithm]string{"AES-128": "encrypt, decrypt", "ECDSA-P384": "sign", "ECDH-P256": "derive", "RSA-2048": "sign"} {
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: alg})
		must(t, err)
		defer k.Close()
		_, err = k.Export(t.Context())
		wantCode(t, "export of "+string(alg), err, claviger.ErrKeyNotExportable)
		blob, err := k.Blob(t.Context(), provider.Tag{Label: string(alg), ID: id})
		must(t, err)
		kind := "secrkey"
		if k.Spec().Class == claviger.PrivateKey {
			kind = "privkey"
		}
		out := tool(t, "--list-objects", "--type", kind, "--id", hex.EncodeToString(id))
		for _, line := range []string{"Usage:      " + want + "\n", "sensitive", "never extractable"} {
			if !strings.Contains(out, line) {
				t.Errorf("%s: no %q in %s", alg, line, out)
			}
		}
		must(t, p.Destroy(t.Context(), blob.Bytes()))
		blob.Close()
	}
}

// A public key is whole in its blob, exports, and leaves nothing in the token.
func TestPublicKeysAreWholeInTheirBlobs(t *testing.T) {
	p := fresh(t, 0)
	private, err := software.New().Generate(t.Context(), provider.Spec{Algorithm: "ECDSA-P256"})
	must(t, err)
	spki, err := private.Public()
	must(t, err)
	k, err := p.Import(t.Context(), provider.Spec{Algorithm: "ECDSA-P256", Class: claviger.PublicKey}, spki)
	must(t, err)
	blob, err := k.Blob(t.Context(), provider.Tag{Label: "public", ID: []byte{1}})
	must(t, err)
	must(t, k.Close())
	k, err = p.Load(t.Context(), blob.Bytes())
	must(t, err)
	defer k.Close()
	out, err := k.Export(t.Context())
	must(t, err)
	defer out.Close()
	if !out.Equal(spki) {
		t.Error("another public key comes out")
	}
	params := &provider.Params{Algorithm: "ECDSA-P256-SHA-256"}
	params.Signature = oneShot(t, private, provider.SignDigest, params, make([]byte, 32))
	oneShot(t, k, provider.VerifyDigest, params, make([]byte, 32))
	_, err = k.OneShot(t.Context(), provider.SignDigest, params, nil, make([]byte, 32))
	wantCode(t, "signing with a public key", err, claviger.ErrIncompatibleKeyType)
	must(t, p.Destroy(t.Context(), blob.Bytes()))
	oneShot(t, k, provider.VerifyDigest, params, make([]byte, 32))
	if out := tool(t, "--list-objects"); strings.Contains(out, "Key Object") {
		t.Errorf("an object is in the token: %s", out)
	}
}

// A key under the identifier of another one is not taken for it, whatever differs: type, size, use or public half.
func TestSwappedObjectsAreRefused(t *testing.T) {
	p := fresh(t, 0)
	id := []byte{0x42, 0x43}
	hexID := hex.EncodeToString(id)
	for alg, others := range map[claviger.Algorithm][][]string{
		"AES-256":      {{"--keygen", "--key-type", "AES:16"}, {"--keygen", "--key-type", "GENERIC:32", "--usage-sign"}},
		"HMAC-SHA-256": {{"--keygen", "--key-type", "GENERIC:64", "--usage-sign"}},
		"RSA-2048":     {{"--keypairgen", "--key-type", "rsa:2048", "--usage-sign"}},
		"ECDSA-P256":   {{"--keypairgen", "--key-type", "EC:secp384r1", "--usage-sign"}, {"--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign"}},
	} {
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: alg})
		must(t, err)
		blob, err := k.Blob(t.Context(), provider.Tag{Label: "mine", ID: id})
		must(t, err)
		must(t, k.Close())
		must(t, p.Destroy(t.Context(), blob.Bytes()))
		for _, other := range others {
			tool(t, append(other, "--id", hexID, "--label", "mine")...)
			_, err = p.Load(t.Context(), blob.Bytes())
			wantCode(t, fmt.Sprintf("%v in place of %s", other, alg), err, claviger.ErrIncompatibleKeyType)
			for _, kind := range []string{"secrkey", "privkey", "pubkey"} {
				for strings.Contains(tool(t, "--list-objects", "--type", kind), hexID) {
					tool(t, "--delete-object", "--type", kind, "--id", hexID)
				}
			}
		}
		blob.Close()
	}
}
