package tokens

import (
	"bytes"
	"strings"
	"testing"
)

// TestFilesGoIntoATokensSlots holds that a key of each usual form of file comes to live in a token, and works there as it did outside.
func TestFilesGoIntoATokensSlots(t *testing.T) {
	b := newBench(t)
	b.file("message", []byte(message))
	b.file("password", []byte("a password\n"))
	b.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem")
	b.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER -out ec.der")
	b.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem")
	b.openssl("pkey -in rsa.pem -outform DER -out rsa.der")
	b.openssl("ecparam -name prime256v1 -genkey -noout -out p12.pem")
	b.openssl("req -new -x509 -key p12.pem -subj /CN=device -days 2 -out cert.pem")
	b.openssl("pkcs12 -export -inkey p12.pem -in cert.pem -passout file:password -out key.p12")
	b.openssl("pkey -in ec.der -inform DER -out ec.der.pem")
	for _, test := range []struct{ file, slot, private, alg, openssl string }{
		{"ec.pem", "token/signing", "ec.pem", "ECDSA-P256-SHA-256", ""},
		{"ec.der", "token/signing", "ec.der.pem", "ECDSA-P256-SHA-256", ""},
		{"key.p12", "token/signing", "p12.pem", "ECDSA-P256-SHA-256", ""},
		{"rsa.pem", "token/rsa", "rsa.pem", "RSA-PKCS1-SHA-256", ""},
		{"rsa.der", "token/rsa", "rsa.pem", "RSA-PSS-SHA-256", " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"},
	} {
		words := []string{"slot", "import", test.slot, "@" + test.file}
		if strings.HasSuffix(test.file, ".p12") {
			words = append(words, "--password-file", "@password")
		}
		b.claviger(words...)
		b.openssl("pkey -in " + test.private + " -pubout -out public.pem")
		sign := []string{"sign", "--key", test.slot, "--algorithm", test.alg, "-o", "@" + test.file + ".sig", "@message"}
		if test.slot == "token/signing" {
			sign = append(sign, "--der")
		}
		b.claviger(sign...)
		b.openssl("dgst -sha256 -verify public.pem" + test.openssl + " -signature " + test.file + ".sig message")
		b.kept(test.slot)
		b.claviger("slot", "clear", test.slot)
	}
	secret := bytes.Repeat([]byte{0x42}, 32)
	b.file("aes", secret)
	b.claviger("slot", "import", "token/data", "@aes", "--format", "raw")
	b.claviger("slot", "import", "token/mac", "@aes", "--format", "raw")
	b.secretsWork(t, secret, secret)
	b.kept("token/data")
	b.kept("token/mac")
}

// kept holds that a slot's one key is in the token, and cannot be had from it any longer.
func (b *bench) kept(slot string) {
	b.t.Helper()
	keys := 0
	for _, o := range b.objects(slot) {
		if strings.HasPrefix(o.kind, "Public Key Object") {
			continue
		}
		keys++
		equal(b.t, slot+": access", o.fields["Access"], "sensitive") // and it was not always so
		id := must(b.slot(b.t, slot).Info(b.ctx))(b.t).Versions[0].ID
		equal(b.t, slot+": identifier", o.fields["ID"], id)
	}
	equal(b.t, slot+": keys", keys, 1)
}
