package pkcs11_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// only gives the one object that a query finds.
func only(t testing.TB, p *pkcs11.Provider, q provider.Query) provider.Object {
	t.Helper()
	found, err := p.Objects(t.Context(), q)
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("%d objects for %+v", len(found), q)
	}
	return found[0]
}

// Keys that another tool made are found by label, identifier and algorithm, work, and stay when they are destroyed here.
func TestForeignKeysAreAdopted(t *testing.T) {
	p := fresh(t, 0)
	for i, c := range []struct {
		args []string
		as   claviger.Algorithm
		open bool // the object does not say what it is for
	}{
		{[]string{"--keygen", "--key-type", "AES:32"}, "AES-256", false},
		{[]string{"--keygen", "--key-type", "GENERIC:48", "--usage-sign"}, "HMAC-SHA-384", true},
		{[]string{"--keypairgen", "--key-type", "rsa:2048", "--usage-sign"}, "RSA-2048", false},
		{[]string{"--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign", "--usage-derive"}, "ECDSA-P256", true},
		{[]string{"--keypairgen", "--key-type", "EC:secp384r1", "--usage-derive"}, "ECDH-P384", true},
	} {
		id := []byte{0x10, byte(i)}
		name := "foreign " + string(c.as)
		tool(t, append(c.args, "--label", name, "--id", fmt.Sprintf("%x", id))...)
		asked := only(t, p, provider.Query{Algorithm: c.as, ID: id})
		if got := only(t, p, provider.Query{Label: name}); got.Label != name || !bytes.Equal(got.ID, id) || got.Bits != asked.Bits {
			t.Errorf("%s is %+v", name, got)
		} else if want := (map[bool]claviger.Algorithm{true: "", false: c.as})[c.open]; got.Spec.Algorithm != want || (got.Blob == nil) != c.open {
			t.Errorf("%s is taken for %q", name, got.Spec.Algorithm)
		}
		if asked.Spec.Algorithm != c.as {
			t.Errorf("%s is taken for %q", name, asked.Spec.Algorithm)
		}
		k, err := p.Load(t.Context(), asked.Blob)
		must(t, err)
		made := exercise(t, k)
		must(t, k.Close())
		must(t, p.Destroy(t.Context(), asked.Blob))
		k, err = p.Load(t.Context(), asked.Blob)
		must(t, err)
		if !bytes.Equal(exercise(t, k), made) {
			t.Errorf("another key of %s was found", c.as)
		}
		must(t, k.Close())
		none, err := p.Objects(t.Context(), provider.Query{Algorithm: "ECDH-P521", ID: id})
		if err != nil || len(none) != 0 {
			t.Errorf("%d objects of another algorithm, %v", len(none), err)
		}
	}
	all, err := p.Objects(t.Context(), provider.Query{})
	if err != nil || len(all) != 5 {
		t.Errorf("%d objects in all, %v", len(all), err)
	}
}

// A private key without its public object: RSA tells the public half itself; of an elliptic curve a certificate may, and where nothing does
// signing works all the same.
func TestPrivateKeysWithoutPublicObjects(t *testing.T) {
	p := fresh(t, 0)
	for _, c := range []struct {
		kind               string
		alg                claviger.Algorithm
		params             provider.Params
		certificate, known bool
	}{
		{"rsa:2048", "RSA-2048", provider.Params{Algorithm: "RSA-PSS-SHA-256"}, false, true},
		{"EC:prime256v1", "ECDSA-P256", provider.Params{Algorithm: "ECDSA-P256-SHA-256"}, false, false},
		{"EC:secp384r1", "ECDSA-P384", provider.Params{Algorithm: "ECDSA-P384-SHA-256"}, true, true},
	} {
		tool(t, "--keypairgen", "--key-type", c.kind, "--usage-sign", "--label", c.kind, "--id", "77")
		whole, err := p.Load(t.Context(), only(t, p, provider.Query{Algorithm: c.alg, Label: c.kind}).Blob)
		must(t, err)
		want, err := whole.Public()
		must(t, err)
		must(t, whole.Close())
		tool(t, "--delete-object", "--type", "pubkey", "--id", "77")
		if c.certificate {
			file := filepath.Join(t.TempDir(), "certificate.der")
			must(t, os.WriteFile(file, certificate(t, want), 0o600))
			tool(t, "--write-object", file, "--type", "cert", "--id", "77", "--label", c.kind)
		}
		k, err := p.Load(t.Context(), only(t, p, provider.Query{Algorithm: c.alg, Label: c.kind}).Blob)
		must(t, err)
		check := c.params
		check.Signature = oneShot(t, k, provider.SignDigest, &c.params, make([]byte, 32))
		public, err := k.Public()
		_, verified := k.OneShot(t.Context(), provider.VerifyDigest, &check, nil, make([]byte, 32))
		if c.known {
			must(t, errors.Join(err, verified))
			if !bytes.Equal(public, want) {
				t.Errorf("%s has another public half", c.alg)
			}
		} else {
			wantCode(t, "the public half of "+c.kind, err, claviger.ErrUnsupportedOperation)
			wantCode(t, "verifying with "+c.kind, verified, claviger.ErrUnsupportedOperation)
		}
		must(t, k.Close())
		tool(t, "--delete-object", "--type", "privkey", "--id", "77")
	}
}

// certificate is one of a public key, by whomever.
func certificate(t testing.TB, spki []byte) []byte {
	t.Helper()
	public, err := x509.ParsePKIXPublicKey(spki)
	must(t, err)
	issuer, err := ecdsa.GenerateKey(public.(*ecdsa.PublicKey).Curve, rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, issuer)
	must(t, err)
	return der
}

// A key whose object is destroyed by somebody else while it is in use is said to be gone.
func TestKeysThatSomebodyElseDestroys(t *testing.T) {
	p := fresh(t, 0)
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "AES-128"})
	must(t, err)
	blob, err := k.Blob(t.Context(), provider.Tag{Label: "shared", ID: []byte{0x55}})
	must(t, err)
	defer blob.Close()
	must(t, k.Close())
	k, err = p.Load(t.Context(), blob.Bytes())
	must(t, err)
	defer k.Close()
	params := &provider.Params{Algorithm: "AES-128-CBC", IV: make([]byte, 16)}
	oneShot(t, k, provider.Encrypt, params, nil)
	tool(t, "--delete-object", "--type", "secrkey", "--id", "55")
	_, err = k.OneShot(t.Context(), provider.Encrypt, params, nil, nil)
	wantCode(t, "a key that is gone", err, claviger.ErrResourceNotFound)
	if err != nil && !strings.Contains(err.Error(), "shared") {
		t.Errorf("the error does not name it: %v", err)
	}
}

// Public objects that bear the name of a private key and contradict each other tell nothing of it, and one that is another's does not
// make an RSA key another.
func TestAmbiguousPublicObjects(t *testing.T) {
	p := fresh(t, 0)
	for _, kind := range []string{"EC:prime256v1", "rsa:2048"} {
		tool(t, "--keypairgen", "--key-type", kind, "--usage-sign", "--label", "one", "--id", "01")
		tool(t, "--keypairgen", "--key-type", kind, "--usage-sign", "--label", "two", "--id", "02")
		tool(t, "--delete-object", "--type", "privkey", "--id", "02")
		tool(t, "--set-id", "01", "--type", "pubkey", "--id", "02")
	}
	curve, err := p.Load(t.Context(), only(t, p, provider.Query{Algorithm: "ECDSA-P256", ID: []byte{1}}).Blob)
	must(t, err)
	defer curve.Close()
	_, err = curve.Public()
	wantCode(t, "two public halves", err, claviger.ErrUnsupportedOperation)
	must(t, ignore(curve.OneShot(t.Context(), provider.SignDigest, &provider.Params{Algorithm: "ECDSA-P256-SHA-256"}, nil, make([]byte, 32))))
	rsa, err := p.Load(t.Context(), only(t, p, provider.Query{Algorithm: "RSA-2048", ID: []byte{1}}).Blob)
	must(t, err)
	defer rsa.Close()
	params := &provider.Params{Algorithm: "RSA-PKCS1-SHA-256"}
	params.Signature = oneShot(t, rsa, provider.SignDigest, params, make([]byte, 32))
	oneShot(t, rsa, provider.VerifyDigest, params, make([]byte, 32))
	tool(t, "--delete-object", "--type", "pubkey", "--label", "one")
	must(t, ignore(rsa.Public()))
	blob := only(t, p, provider.Query{Algorithm: "RSA-2048", ID: []byte{1}}).Blob
	again, err := p.Load(t.Context(), blob)
	must(t, err)
	must(t, again.Close())
}

func ignore(_ []byte, err error) error { return err }

// A key that wants the PIN for each use is listed as what it is, and whoever loads it is told why it cannot be used.
func TestKeysThatWantThePINForEachUse(t *testing.T) {
	p := fresh(t, 0)
	tool(t, "--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign", "--label", "each time", "--id", "01", "--always-auth")
	_, err := p.Load(t.Context(), only(t, p, provider.Query{Algorithm: "ECDSA-P256", Label: "each time"}).Blob)
	wantCode(t, "loading it", err, claviger.ErrIncompatibleKeyType)
	if err != nil && (!strings.Contains(err.Error(), `"each time"`) || !strings.Contains(err.Error(), "wants the PIN for each use")) {
		t.Errorf("loading it: %v", err)
	}
}

// A long list says as much of each object as a short one, and its blobs load too. A key that was loaded by one is not taken for another one
// under the same name later.
func TestLongLists(t *testing.T) {
	p := fresh(t, 0)
	tool(t, "--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign", "--label", "swapped", "--id", "01")
	only(t, p, provider.Query{}) // SoftHSM does not see what others made before it makes something itself, unless it has looked
	for i := range 20 {
		k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "ECDSA-P256"})
		must(t, err)
		blob, err := k.Blob(t.Context(), provider.Tag{Label: fmt.Sprint("other ", i)})
		must(t, err)
		blob.Close()
		must(t, k.Close())
	}
	all, err := p.Objects(t.Context(), provider.Query{})
	must(t, err)
	if len(all) != 21 {
		t.Fatalf("%d objects are listed", len(all))
	}
	var blob []byte
	for _, o := range all {
		if o.Spec.Algorithm != "ECDSA-P256" || o.Bits != 256 || o.Blob == nil {
			t.Errorf("it lists %+v", o)
		}
		if o.Label == "swapped" {
			blob = o.Blob
		}
	}
	k, err := p.Load(t.Context(), blob)
	must(t, err)
	defer k.Close()
	must(t, ignore(k.Public()))
	exercise(t, k)
	tool(t, "--delete-object", "--type", "privkey", "--id", "01")
	tool(t, "--delete-object", "--type", "pubkey", "--id", "01")
	tool(t, "--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign", "--label", "swapped", "--id", "01")
	_, err = k.OneShot(t.Context(), provider.SignDigest, &provider.Params{Algorithm: "ECDSA-P256-SHA-256"}, nil, make([]byte, 32))
	wantCode(t, "another key under the name", err, claviger.ErrIncompatibleKeyType)
}
