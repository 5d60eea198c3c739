package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// got ends the test on an error and gives the value: got(f())(t).
func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// encode makes a PEM block.
func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// certified makes a self-signed certificate of a key.
func certified(t testing.TB, key crypto.Signer, name string) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	return got(x509.ParseCertificate(got(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)))(t)
}

// closed makes a PKCS #12 file of a key, its certificate and others.
func closed(t testing.TB, e *pkcs12.Encoder, key crypto.Signer, password string, others ...*x509.Certificate) string {
	t.Helper()
	return string(got(e.Encode(key, certified(t, key, "Own"), others, password))(t))
}

// public gives the public half of a key as slot public writes it.
func public(t testing.TB, key crypto.Signer) string {
	t.Helper()
	return encode("PUBLIC KEY", got(x509.MarshalPKIXPublicKey(key.Public()))(t))
}

// pfx makes a PKCS #12 file with neither encryption nor MAC (RFC 7292 section 4), of keys and certificates.
func pfx(keys, certs [][]byte) string {
	var b cryptobyte.Builder
	sequence := func(b *cryptobyte.Builder, f cryptobyte.BuilderContinuation) { b.AddASN1(cbasn1.SEQUENCE, f) }
	data := func(b *cryptobyte.Builder, f cryptobyte.BuilderContinuation) { // ContentInfo of the type data
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.OCTET_STRING, f) })
		})
	}
	bag := func(b *cryptobyte.Builder, kind int, f cryptobyte.BuilderContinuation) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, kind})
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), f)
		})
	}
	sequence(&b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		data(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				data(b, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						for _, key := range keys {
							bag(b, 1, func(b *cryptobyte.Builder) { b.AddBytes(key) })
						}
						for _, cert := range certs {
							bag(b, 3, func(b *cryptobyte.Builder) {
								sequence(b, func(b *cryptobyte.Builder) {
									b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1})
									b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1OctetString(cert) })
								})
							})
						}
					})
				})
			})
		})
	})
	return string(b.BytesOrPanic())
}

func TestImportTakesTheFormsThatKeysComeIn(t *testing.T) {
	c := newCLI(t)
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	rsaKey := got(rsa.GenerateKey(rand.Reader, 2048))(t)
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	sec1 := got(x509.MarshalECPrivateKey(ec))(t)
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	pkcs8 := got(x509.MarshalPKCS8PrivateKey(edwards))(t)
	spki := got(x509.MarshalPKIXPublicKey(ec.Public()))(t)
	parameters := encode("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
	for name, f := range map[string]struct {
		data string
		key  crypto.Signer
	}{
		"sec1-pem":         {encode("EC PRIVATE KEY", sec1), ec},
		"sec1-parameters":  {parameters + encode("EC PRIVATE KEY", sec1), ec},
		"sec1-der":         {string(sec1), ec},
		"pkcs1-pem":        {encode("RSA PRIVATE KEY", pkcs1), rsaKey},
		"pkcs1-der":        {string(pkcs1), rsaKey},
		"pkcs1-public":     {encode("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), rsaKey},
		"pkcs1-public-der": {string(x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), rsaKey},
		"pkcs8-pem":        {"Bag Attributes\n    friendlyName: x\n" + encode("PRIVATE KEY", pkcs8), edwards},
		"pkcs8-der":        {string(pkcs8), edwards},
		"spki-pem":         {encode("PUBLIC KEY", spki), ec},
		"spki-der":         {string(spki), ec},
		"pkcs12-bare":      {pfx([][]byte{pkcs8}, [][]byte{certified(t, edwards, "x").Raw}), edwards},
		"pkcs12-empty":     {closed(t, pkcs12.Modern2023, ec, ""), ec},
	} {
		c.write(name, f.data)
		if out := c.ok("", "slot import "+name+" @"+name); !strings.Contains(out, ", version 1, provider ") {
			t.Errorf("%s: %s", name, out)
		}
		if got := c.ok("", "slot public "+name); got != public(t, f.key) {
			t.Errorf("%s: another key:\n%s", name, got)
		}
		c.ok(f.data, "slot import "+name+" - --rotate")
	}
	c.ok(randomString(32), "slot import raw - --format raw --algorithm AES-256")
}

func TestImportOpensPKCS12WithItsPassword(t *testing.T) {
	c := newCLI(t)
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	const password = "größer als 1"
	c.write("phrase", password+"\n")
	c.write("windows", password+"\r\n")
	for name, e := range map[string]*pkcs12.Encoder{"rc2": pkcs12.LegacyRC2, "des": pkcs12.LegacyDES, "2023": pkcs12.Modern2023, "2026": pkcs12.Modern2026} {
		c.write("p12", closed(t, e, ec, password))
		c.ok("", "slot import "+name+" @p12 --password-file @phrase")
		c.ok("", "slot import "+name+" @p12 --password-file @windows --rotate")
		c.ok(password, "slot import "+name+" @p12 --password-file - --rotate")
		c.ok(c.read("p12"), "slot import "+name+" - --password-file @phrase --rotate --format p12")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		fmt.Fprintln(w, password)
		w.Close()
		if out := c.ok("", fmt.Sprintf("slot import %s @p12 --password-file /dev/fd/%d --rotate", name, r.Fd())); !strings.Contains(out, "version 5,") {
			t.Errorf("%s: %s", name, out)
		}
		if got := c.ok("", "slot public "+name); got != public(t, ec) {
			t.Errorf("%s: another key", name)
		}
	}
}

// refusal is a file that slot import refuses, and how.
type refusal struct {
	what, data, flags string
	status            int
	code, text        string // text: a part of the error
}

// refusedPKCS12 lists PKCS #12 files. The password of the closed one is in the file right.
func refusedPKCS12(t *testing.T, ec, rsaKey crypto.Signer) []refusal {
	t.Helper()
	pkcs8 := got(x509.MarshalPKCS8PrivateKey(ec))(t)
	cert := certified(t, ec, "x").Raw
	p12 := closed(t, pkcs12.Modern, ec, "passphrase")
	altered := []byte(p12)
	altered[len(altered)/2] ^= 1
	const extract = "openssl pkcs12 -in FILE -nocerts -nodes | claviger slot import s -"
	return []refusal{
		{"wrong password", p12, "--password-file @wrong", exitVerdict, "WrapUnwrapFailed", "password is wrong"},
		{"altered file", string(altered), "--password-file @right", exitVerdict, "WrapUnwrapFailed", "altered"},
		{"cut file", p12[:len(p12)-1], "--password-file @right --format p12", exitVerdict, "InvalidFormat", extract},
		{"no password", p12, "", exitUsage, "InvalidArgument", "--password-file"},
		{"two lines of password", p12, "--password-file @lines", exitUsage, "InvalidArgument", "one line"},
		{"long password", p12, "--password-file @long", exitUsage, "InvalidArgument", "1024"},
		{"both from standard input", p12, "--password-file -", exitUsage, "InvalidArgument", "standard input"},
		{"no such password file", p12, "--password-file @none", exitOther, "OperationFailed", "none"},
		{"two keys", pfx([][]byte{pkcs8, pkcs8}, [][]byte{cert}), "", exitVerdict, "InvalidFormat", "several keys"},
		{"no key", pfx(nil, [][]byte{cert}), "", exitVerdict, "InvalidFormat", "no key"},
		{"no certificate", pfx([][]byte{pkcs8}, nil), "", exitVerdict, "InvalidFormat", extract},
		{"BER", "\x30\x80\x02\x01\x03\x30\x80\x00\x00\x00\x00", "", exitVerdict, "InvalidFormat", extract},
		{"another's certificate", pfx([][]byte{pkcs8}, [][]byte{certified(t, rsaKey, "x").Raw}), "--certificate-slot c", exitVerdict, "InvalidFormat", "none of the 1"},
		{"no name of a certificate slot", pfx([][]byte{pkcs8}, [][]byte{cert}), "--certificate-slot " + strings.Repeat("x", 100), exitOther, "InvalidArgument", "limit"},
	}
}

// refusedFiles lists other files.
func refusedFiles(t *testing.T, ec crypto.Signer) []refusal {
	t.Helper()
	pkcs8 := got(x509.MarshalPKCS8PrivateKey(ec))(t)
	cert := certified(t, ec, "x").Raw
	block := encode("PRIVATE KEY", pkcs8)
	traditional := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: pkcs8}))
	encrypted := got(asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}}, pkcs8}))(t)
	const decrypt = "openssl pkey -in FILE | claviger slot import s -"
	return []refusal{
		{"encrypted PEM", encode("ENCRYPTED PRIVATE KEY", encrypted), "", exitVerdict, "InvalidFormat", decrypt},
		{"encrypted PEM with a password", encode("ENCRYPTED PRIVATE KEY", encrypted), "--password-file @right", exitVerdict, "InvalidFormat", decrypt},
		{"encrypted by OpenSSL's own way", traditional, "", exitVerdict, "InvalidFormat", decrypt},
		{"encrypted DER", string(encrypted), "", exitVerdict, "InvalidFormat", decrypt},
		{"encrypted DER, forced", string(encrypted), "--format der", exitVerdict, "InvalidFormat", decrypt},
		{"two keys", block + block, "", exitVerdict, "InvalidFormat", "2 keys"},
		{"certificate in PEM", encode("CERTIFICATE", cert), "", exitVerdict, "InvalidFormat", "claviger cert import"},
		{"certificate in DER", string(cert), "", exitVerdict, "InvalidFormat", ""},
		{"key of OpenSSH", encode("OPENSSH PRIVATE KEY", pkcs8), "", exitVerdict, "InvalidFormat", "ssh-keygen"},
		{"another block", encode("DH PARAMETERS", pkcs8), "", exitVerdict, "InvalidFormat", "DH PARAMETERS"},
		{"cut PEM", block[:len(block)/2], "", exitVerdict, "InvalidFormat", "whole"},
		{"no PEM", "hello", "--format pem", exitVerdict, "InvalidFormat", "whole"},
		{"a word", "hello", "", exitUsage, "InvalidArgument", "--format raw"},
		{"nothing", "", "", exitUsage, "InvalidArgument", "--format raw"},
		{"unknown format", block, "--format jwk", exitUsage, "InvalidArgument", "pkcs12"},
		{"password of a PEM file", block, "--password-file @right", exitUsage, "InvalidArgument", "PKCS #12"},
		{"unknown permission", block, "--permissions sing", exitUsage, "InvalidArgument", "sing"},
		{"no permission", block, "--permissions=", exitUsage, "InvalidArgument", "leave it out"},
		{"certificate slot of a PEM file", block, "--certificate-slot c", exitUsage, "InvalidArgument", "cert import"},
	}
}

func TestImportRefusesWhatIsNotOneOpenKeyAndChangesNothing(t *testing.T) {
	c := newCLI(t)
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	rsaKey := got(rsa.GenerateKey(rand.Reader, 2048))(t)
	c.write("right", "passphrase\n")
	c.write("wrong", "Passphrase\n")
	c.write("lines", "pass\nphrase\n")
	c.write("long", strings.Repeat("x", 1025))
	for _, f := range append(refusedPKCS12(t, ec, rsaKey), refusedFiles(t, ec)...) {
		t.Run(f.what, func(t *testing.T) {
			status, stdout, stderr := c.try(f.data, "slot import s - "+f.flags)
			first, _, _ := strings.Cut(stderr, "\n")
			if status != f.status || !strings.HasSuffix(first, "("+f.code+")") || !strings.Contains(first, f.text) || stdout != "" {
				t.Errorf("status %d, want %d: %s, want %q (%s)", status, f.status, stderr, f.text, f.code)
			}
			if strings.Contains(stderr, "assphrase") {
				t.Errorf("the password is in the error: %s", stderr)
			}
		})
	}
	if out := c.ok("", "slot info s"); !strings.Contains(out, "empty") {
		t.Errorf("the slot is\n%s", out)
	}
	if out := c.ok("", "cert info c"); !strings.Contains(out, "empty") {
		t.Errorf("the certificate slot is\n%s", out)
	}
	c.ok(encode("PRIVATE KEY", got(x509.MarshalPKCS8PrivateKey(ec))(t)), "slot import s -")
	c.fails(encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), "slot import s - --rotate", exitOther, "IncompatibleKeyType")
	if out := c.ok("", "slot info s"); strings.Contains(out, "version 2") {
		t.Errorf("the slot is\n%s", out)
	}
}

func TestCertificatesBesideAKeyAreSavedOrCounted(t *testing.T) {
	c := newCLI(t)
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	other := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	pkcs8 := got(x509.MarshalPKCS8PrivateKey(ec))(t)
	own := certified(t, ec, "Own")
	c.write("one", pfx([][]byte{pkcs8}, [][]byte{own.Raw}))
	c.write("two", pfx([][]byte{pkcs8}, [][]byte{certified(t, other, "Issuer").Raw, own.Raw}))
	c.write("pem", encode("CERTIFICATE", own.Raw)+encode("PRIVATE KEY", pkcs8))
	for _, f := range []struct {
		line string
		left int
	}{
		{"slot import a @one", 1}, {"slot import b @one --certificate-slot one", 0}, {"slot import c @two", 2},
		{"slot import d @two --certificate-slot two --json", 1}, {"slot import e @pem", 1},
	} {
		status, stdout, stderr := c.try("", f.line)
		if note := fmt.Sprintf("certificates in the file that were not stored: %d;", f.left); status != 0 || stdout == "" || strings.Contains(stderr, note) != (f.left > 0) || f.left == 0 && stderr != "" {
			t.Errorf("%s: status %d, %q", f.line, status, stderr)
		}
	}
	for _, name := range []string{"one", "two"} {
		if got := c.ok("", "cert export "+name+" --format der"); got != string(own.Raw) {
			t.Errorf("slot %s holds another certificate", name)
		}
	}
}

func TestImportedKeysMayServeWhatPermissionsSay(t *testing.T) {
	c := newCLI(t)
	block := encode("PRIVATE KEY", got(x509.MarshalPKCS8PrivateKey(got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)))(t))
	for words, want := range map[string]string{"sign,verify": "sign|verify", "Sign|VERIFY": "sign|verify", "none": "none", "authentication,export": "sign|verify|mac|agree|export"} {
		c.ok(block, "slot import s - --permissions "+words)
		if out := c.ok("", "slot info s"); !strings.Contains(out, " "+want+"\n") {
			t.Errorf("%s: %s", words, out)
		}
		c.ok("", "slot clear s")
	}
}

// FuzzKeyFile holds that looking at a file gives one of the kinds and nothing worse, and that a PEM block gives its bytes back.
func FuzzKeyFile(f *testing.F) {
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(f)
	pkcs8 := got(x509.MarshalPKCS8PrivateKey(ec))(f)
	f.Add(pkcs8)
	f.Add([]byte(encode("PRIVATE KEY", pkcs8)))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nDEK-Info: x\n\n-----END EC PRIVATE KEY-----\n"))
	f.Add([]byte(pfx([][]byte{pkcs8}, nil)))
	f.Add([]byte("\x30\x80\x02\x01\x03"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if kind := sniff(data); kind > pkcs12File || kind > pemFile && data[0] != 0x30 {
			t.Errorf("it is of the kind %d", kind)
		}
		r := keyImport{slot: "s", file: "f"}
		key, err := openPEM(r, bytes.Clone(data))
		if (key == nil) == (err == nil) || err != nil && exitStatus(err) != exitVerdict {
			t.Errorf("%v, %v", key, err)
		}
		key, err = openPEM(r, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data}))
		if err != nil || !bytes.Equal(key.data, data) {
			t.Errorf("a block of %d bytes: %v", len(data), err)
		}
	})
}

func TestFilesAreKnownByTheirContents(t *testing.T) {
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	for what, f := range map[string]struct {
		data string
		kind fileKind
	}{
		"PKCS #8": {string(got(x509.MarshalPKCS8PrivateKey(ec))(t)), derFile}, "SEC 1": {string(got(x509.MarshalECPrivateKey(ec))(t)), derFile},
		"SPKI": {string(got(x509.MarshalPKIXPublicKey(ec.Public()))(t)), derFile}, "certificate": {string(certified(t, ec, "x").Raw), derFile},
		"PKCS #12": {closed(t, pkcs12.Modern, ec, "x"), pkcs12File}, "without a key": {pfx(nil, nil), pkcs12File},
		"PEM": {encode("PUBLIC KEY", nil), pemFile}, "32 bytes": {strings.Repeat("0", 32), unknownFile}, "nothing": {"", unknownFile},
		"DER and more": {"\x30\x00\x00", unknownFile},
	} {
		if kind := sniff([]byte(f.data)); kind != f.kind {
			t.Errorf("%s is of the kind %d, want %d", what, kind, f.kind)
		}
	}
}
