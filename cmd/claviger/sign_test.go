package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/client"
)

func TestDigestsAreOpenSSLs(t *testing.T) {
	c := newCLI(t)
	data := c.write("f", randomString(2<<20+5))
	for alg, name := range map[string]string{"SHA-256": "sha256", "sha512": "sha512", "SHA3-256": "sha3-256"} {
		want := strings.Fields(c.openssl("dgst -r -" + name + " f"))[0]
		if got := c.ok("", "hash "+alg+" @f"); got != want+"  "+c.dir+"/f\n" {
			t.Errorf("%s: %q, want %s", alg, got, want)
		}
		if got := c.ok(data, "hash "+alg); got != want+"  -\n" {
			t.Errorf("%s of standard input: %q", alg, got)
		}
	}
	if got := c.ok("", "hash SHAKE-256 --size 7"); len(got) != 2*7+len("  -\n") {
		t.Errorf("SHAKE-256 gave %q", got)
	}
	c.fails("", "hash SHA-1", exitOther, "UnsupportedAlgorithm")
	c.fails("", "hash SHA-256 @none", exitOther, "OperationFailed")
}

func TestCodesAreOpenSSLs(t *testing.T) {
	c := newCLI(t)
	key := randomString(32)
	c.ok(key, "slot import m - --format raw --algorithm HMAC-SHA-256")
	data := c.write("f", randomString(300000))
	want := strings.Fields(c.openssl("dgst -r -sha256 -mac hmac -macopt hexkey:" + hex.EncodeToString([]byte(key)) + " f"))[0]
	if got := c.ok("", "mac --key m @f"); got != want+"\n" {
		t.Errorf("%q, want %s", got, want)
	}
	if got := c.ok(data, "mac --key m --verify "+want); got != "valid\n" {
		t.Errorf("a right code is %q", got)
	}
	c.fails(data+"x", "mac --key m --verify "+want, exitVerdict, "SignatureInvalid")
	c.fails("", "mac --key empty @f", exitOther, "KeySlotEmpty")
}

// TestSignaturesAreOpenSSLs checks both ways: openssl verifies ours with the exported key, and we verify what
// openssl signs with a key that we imported.
func TestSignaturesAreOpenSSLs(t *testing.T) {
	c := newCLI(t)
	c.write("f", randomString(200000))
	pss := "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"
	tests := []struct{ name, generate, flags, digest string }{
		{"ECDSA-P256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "--der", "-sha256"},
		{"ECDSA-P384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "--der", "-sha384"},
		{"ECDSA-P521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "--der", "-sha512"},
		{"RSA-2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "", "-sha256 " + pss},
		{"RSA-2048-PKCS1", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "--algorithm RSA-PKCS1-SHA-256", "-sha256"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &cli{t, c.dir, c.socket}
			c.openssl("genpkey " + test.generate + " -out private.pem")
			c.openssl("pkey -in private.pem -pubout -out public.pem")
			c.ok("", "slot import "+test.name+" @private.pem --algorithm "+strings.TrimSuffix(test.name, "-PKCS1"))
			c.ok("", "sign --key "+test.name+" "+test.flags+" -o @ours @f")
			c.openssl("dgst " + test.digest + " -verify public.pem -signature ours f")
			c.openssl("dgst " + test.digest + " -sign private.pem -out theirs f")
			c.ok("", "verify --key "+test.name+" "+test.flags+" --signature @theirs @f")
			c.ok("", "verify --public @public.pem "+test.flags+" --signature @theirs @f")
			c.fails("other", "verify --key "+test.name+" "+test.flags+" --signature @theirs", exitVerdict, "SignatureInvalid")
			if got, want := c.ok("", "slot public "+test.name), c.read("public.pem"); got != want {
				t.Errorf("public key\n%swant\n%s", got, want)
			}
		})
	}
}

func TestEd25519IsOpenSSLs(t *testing.T) {
	c := newCLI(t)
	c.write("f", randomString(1000))
	c.ok("", "slot generate e --algorithm Ed25519")
	c.ok("", "slot public e -o @public.pem")
	c.ok("", "sign --key e -o @ours @f")
	c.openssl("pkeyutl -verify -pubin -inkey public.pem -rawin -in f -sigfile ours")
	c.openssl("genpkey -algorithm ED25519 -out private.pem")
	c.openssl("pkey -in private.pem -pubout -out other.pem")
	c.openssl("pkeyutl -sign -inkey private.pem -rawin -in f -out theirs")
	c.ok("", "verify --public @other.pem --signature @theirs @f")
	c.fails("", "verify --public @other.pem --signature @ours @f", exitVerdict, "SignatureInvalid")
}

func TestSignatureEncodings(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate s --algorithm ECDSA-P256")
	for _, flag := range []string{"", " --hex", " --base64"} {
		c.write("sig", c.ok("message", "sign --key s"+flag))
		c.ok("message", "verify --key s --signature @sig"+flag)
		c.fails("massage", "verify --key s --signature @sig"+flag, exitVerdict, "SignatureInvalid")
	}
	c.write("sig", "no hex")
	c.fails("message", "verify --key s --hex --signature @sig", exitVerdict, "InvalidFormat")
	c.fails("message", "sign --key s --algorithm RSA-PSS-SHA-256", exitOther, "IncompatibleKeyType")
}

func TestSlotCommands(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	c.fails("", "slot generate a --algorithm AES-256", exitOther, "KeySlotOccupied")
	var w writtenSlot
	if err := json.Unmarshal([]byte(c.ok("", "slot rotate a --json")), &w); err != nil || w.Version != 2 || len(w.ID) != 32 || w.Algorithm != "AES-256" {
		t.Errorf("rotate wrote %+v, %v", w, err)
	}
	var info printedSlot
	if err := json.Unmarshal([]byte(c.ok("", "slot info a --json")), &info); err != nil || info.State != "occupied" || len(info.Versions) != 2 {
		t.Errorf("info says %+v, %v", info, err)
	}
	if text := c.ok("", "slot info a"); !strings.Contains(text, "occupied") || !strings.Contains(text, info.Versions[1].ID) {
		t.Errorf("info prints %q", text)
	}
	if text := c.ok("", "slot list"); !strings.HasPrefix(text, "NAME") || !strings.Contains(text, "AES-256") {
		t.Errorf("list prints %q", text)
	}
	c.ok("", "slot clear a")
	c.fails("x", "encrypt --key a", exitOther, "KeySlotEmpty")
	c.fails("bytes", "slot import a -", exitUsage, "InvalidArgument")
	c.fails("bytes", "slot import a - --format der", exitVerdict, "InvalidFormat")
	c.fails("", "slot public a", exitOther, "KeySlotEmpty")
	c.fails("", "slot info with\x01control", exitOther, "InvalidArgument")
}

func TestQueries(t *testing.T) {
	c := newCLI(t)
	var status struct {
		PID       int
		Tenants   []client.TenantStatus
		Providers []printedProvider
	}
	if err := json.Unmarshal([]byte(c.ok("", "status --json")), &status); err != nil || len(status.Tenants) == 0 || status.PID == 0 || len(status.Providers) != 1 {
		t.Errorf("status is %+v, %v", status, err)
	}
	for line, want := range map[string]string{
		"status": "keeper", "providers": "software", "algorithms": "ML-DSA-65", "algorithms sha256": "SHA-256", "algorithms --operation hash": "SHA3-256",
	} {
		if got := c.ok("", line); !strings.Contains(got, want) {
			t.Errorf("%s prints %q", line, got)
		}
	}
	if strings.Contains(c.ok("", "algorithms --operation hash"), "AES") {
		t.Error("a cipher is listed as a hash")
	}
	c.fails("", "algorithms bogus", exitOther, "UnsupportedAlgorithm")
	if got := c.ok("", "store compact"); !strings.Contains(got, "after") {
		t.Errorf("compact prints %q", got)
	}
}

func TestCertificateCommands(t *testing.T) {
	c := newCLI(t)
	root, err := newAuthority("Test Root", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := root.issue("Test Leaf", 7, root.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	good, err := root.revoke(1)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := root.revoke(2, 7)
	if err != nil {
		t.Fatal(err)
	}
	c.write("root.der", string(root.cert.Raw))
	c.write("leaf.der", string(leaf))
	c.ok("", "cert import Root @root.der")
	c.fails("garbage", "cert import Root -", exitVerdict, "CertificateParsingFailed")
	c.fails("", "cert verify @leaf.der --trust-store Root --crl-only", exitVerdict, "RevocationStatusUnavailable")
	c.ok(string(good), "cert crl import Root -")
	if got := c.ok("", "cert verify @leaf.der --trust-store Root --crl-only"); got != "Valid\n" {
		t.Errorf("a good certificate is %q", got)
	}
	c.ok(string(bad), "cert crl import Root -")
	if got := c.fails("", "cert verify @leaf.der --trust-store Root --crl-only", exitVerdict, "Revoked"); got != "Revoked\n" {
		t.Errorf("a revoked certificate is %q", got)
	}
	late := time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	c.fails("", "cert verify @leaf.der --trust-store Root --time "+late, exitVerdict, "Expired")
	c.ok("", "cert import Leaf @leaf.der")
	c.ok("", "cert export Leaf --format der -o @again.der")
	if c.read("again.der") != string(leaf) {
		t.Error("the exported certificate is another one")
	}
	var p printedCertificate
	if err := json.Unmarshal([]byte(c.ok("", "cert info Leaf --json")), &p); err != nil || !strings.Contains(p.Subject, "Test Leaf") || p.Serial != fmt.Sprintf("%02X", 7) && p.Serial != "7" {
		t.Errorf("info says %+v, %v", p, err)
	}
	c.ok("", "cert clear Leaf")
	if got := c.ok("", "cert info Leaf"); !strings.Contains(got, "empty") {
		t.Errorf("a cleared slot is %q", got)
	}
}
