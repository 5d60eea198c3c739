package files_test

import (
	"bytes"
	"strings"
	"testing"
)

// TestOpenSSLAgreesOnCiphers holds that both make the same bytes of a key that both know, and read each other's.
func TestOpenSSLAgreesOnCiphers(t *testing.T) {
	b := newBench(t)
	key, digits := secret("cipher", 32)
	_, iv := secret("iv", 16)
	b.write("key", key)
	b.ok("slot import data @key --format raw")
	for _, mode := range []string{"AES-256-CBC", "AES-256-CTR"} {
		for _, size := range []int64{0, 1, 15, 16, 17, 1<<20 - 1, 1 << 20, 3<<20 + 7} {
			b.noise("plain", size)
			b.ok("encrypt --key data --raw " + mode + " --iv " + iv + " -o @ours @plain")
			b.openssl("enc -" + strings.ToLower(mode) + " -K " + digits + " -iv " + iv + " -in plain -out theirs")
			b.same("ours", "theirs")
			b.openssl("enc -d -" + strings.ToLower(mode) + " -K " + digits + " -iv " + iv + " -in ours -out again")
			b.same("plain", "again")
			b.ok("decrypt --key data --raw " + mode + " --iv " + iv + " -o @again @theirs")
			b.same("plain", "again")
		}
	}
}

func TestOpenSSLAgreesOnCodes(t *testing.T) {
	b := newBench(t)
	b.noise("file", 2<<20+3)
	for name, digest := range map[string]string{"code": "sha256", "code512": "sha512"} {
		key, digits := secret(name, 64)
		b.write("key", key)
		b.ok("slot import " + name + " @key --format raw")
		want := strings.Fields(b.openssl("dgst -" + digest + " -mac HMAC -macopt hexkey:" + digits + " -r file"))[0]
		if got := strings.TrimSpace(b.ok("mac --key " + name + " @file").Stdout); got != want {
			t.Errorf("%s: code %s, want %s", digest, got, want)
		}
		b.ok("mac --key " + name + " --verify " + want + " @file")
		wrong := strings.Repeat("0", len(want))
		b.fails("mac --key "+name+" --verify "+wrong+" @file", 1, "SignatureInvalid")
		b.fails("mac --key "+name+" --verify "+want[:8]+" @file", 1, "SignatureInvalid")
	}
}

// signing is a signature scheme in both commands' words.
type signing struct {
	name    string
	slot    string
	genpkey string // how openssl makes a key for the slot
	ours    string // flags of sign and verify
	sign    string // openssl command that signs "file" with "private.pem" into "theirs"
	verify  string // openssl command that verifies "ours" with "public.pem"
}

func signings() []signing {
	const pss = " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"
	dgst := func(s signing, flags string) signing {
		s.sign = "dgst " + flags + " -sign private.pem -out theirs file"
		s.verify = "dgst " + flags + " -verify public.pem -signature ours file"
		return s
	}
	return []signing{
		dgst(signing{name: "ECDSA P-256", slot: "p256", genpkey: "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", ours: "--der"}, "-sha256"),
		dgst(signing{name: "ECDSA P-384", slot: "p384", genpkey: "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", ours: "--der"}, "-sha384"),
		dgst(signing{name: "ECDSA P-521", slot: "p521", genpkey: "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", ours: "--der"}, "-sha512"),
		dgst(signing{name: "PKCS1 2048", slot: "rsa2048", genpkey: "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", ours: "--algorithm RSA-PKCS1-SHA-256"}, "-sha256"),
		dgst(signing{name: "PKCS1 3072", slot: "rsa3072", genpkey: "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", ours: "--algorithm RSA-PKCS1-SHA-384"}, "-sha384"),
		dgst(signing{name: "PKCS1 4096", slot: "rsa4096", genpkey: "-algorithm RSA -pkeyopt rsa_keygen_bits:4096", ours: "--algorithm RSA-PKCS1-SHA-512"}, "-sha512"),
		dgst(signing{name: "PSS 2048", slot: "rsa2048", genpkey: "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"}, "-sha256"+pss),
		dgst(signing{name: "PSS 3072", slot: "rsa3072", genpkey: "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", ours: "--algorithm RSA-PSS-SHA-512"}, "-sha512"+pss),
		{"Ed25519", "ed", "-algorithm ED25519", "", "pkeyutl -sign -inkey private.pem -rawin -in file -out theirs",
			"pkeyutl -verify -pubin -inkey public.pem -rawin -in file -sigfile ours"},
	}
}

// TestOpenSSLAgreesOnSignatures signs with a key that openssl made and both know, and with one that only the daemon
// knows.
func TestOpenSSLAgreesOnSignatures(t *testing.T) {
	b := newBench(t)
	b.noise("file", 1<<20+11)
	b.noise("other", 1<<20+11)
	for _, s := range signings() {
		t.Run(s.name, func(t *testing.T) {
			b := b.with(t)
			b.openssl("genpkey " + s.genpkey + " -out private.pem")
			b.openssl("pkey -in private.pem -pubout -out public.pem")
			b.ok("slot import " + s.slot + " @private.pem")
			if got := b.ok("slot public " + s.slot).Stdout; got != string(b.read("public.pem")) {
				t.Errorf("public key\n%swant\n%s", got, b.read("public.pem"))
			}
			b.openssl(s.sign)
			b.ok("verify --key " + s.slot + " " + s.ours + " --signature @theirs @file")
			b.ok("verify --public @public.pem " + s.ours + " --signature @theirs @file")
			b.fails("verify --key "+s.slot+" "+s.ours+" --signature @theirs @other", 1, "SignatureInvalid")
			b.ok("sign --key " + s.slot + " " + s.ours + " -o @ours @file")
			b.openssl(s.verify)
			b.ok("slot clear " + s.slot)
			b.ok("slot generate " + s.slot)
			b.ok("slot public " + s.slot + " -o @public.pem")
			b.ok("sign --key " + s.slot + " " + s.ours + " -o @ours @file")
			b.openssl(s.verify)
			b.fails("verify --key "+s.slot+" "+s.ours+" --signature @theirs @file", 1, "SignatureInvalid")
			b.ok("slot clear " + s.slot)
		})
	}
}

func TestWrongSignaturesAreVerdicts(t *testing.T) {
	b := newBench(t)
	b.write("file", []byte("message"))
	for name, flags := range map[string]string{"p256": "", "p384": "--der", "rsa2048": "", "ed": "", "lattice": ""} {
		b.ok("slot generate " + name)
		b.ok("sign --key " + name + " " + flags + " -o @sig @file")
		b.ok("verify --key " + name + " " + flags + " --signature @sig @file")
		right := b.read("sig")
		for what, sig := range map[string][]byte{
			"flipped": (ageFile{data: right}).flip(len(right) / 2), "shorter": right[:len(right)-1], "longer": append(bytes.Clone(right), 0),
			"empty": nil, "zero": make([]byte, len(right)), "ones": bytes.Repeat([]byte{0xff}, len(right)),
		} {
			b.write("wrong", sig)
			if r := b.fails("verify --key "+name+" "+flags+" --signature @wrong @file", 1, "SignatureInvalid"); r.Stdout != "" {
				t.Errorf("%s, %s: standard output says %q", name, what, r.Stdout)
			}
		}
	}
}

// TestOpenSSLAgreesOnKeyFiles imports one key in every form that openssl writes.
func TestOpenSSLAgreesOnKeyFiles(t *testing.T) {
	b := newBench(t)
	b.write("file", []byte("message"))
	b.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem")
	b.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa2048.pem")
	b.openssl("genpkey -algorithm ED25519 -out ed.pem")
	for slot, traditional := range map[string]string{"p256": "ec", "rsa2048": "rsa -traditional", "ed": ""} {
		b.openssl("pkey -in " + slot + ".pem -pubout -out public.pem")
		b.openssl("pkey -in " + slot + ".pem -pubout -outform DER -out public.der")
		forms := map[string]string{"PKCS #8 DER": "pkey -outform DER"}
		if traditional != "" {
			forms["older PEM"], forms["older DER"] = traditional, traditional+" -outform DER"
		}
		for name, form := range forms {
			b.openssl(form + " -in " + slot + ".pem -out key")
			format := ""
			if strings.Contains(name, "DER") {
				format = " --format der"
			}
			b.ok("slot import " + slot + " @key" + format)
			b.ok("slot public " + slot + " --format der -o @again.der")
			b.same("public.der", "again.der")
			b.ok("slot clear " + slot)
		}
		b.ok("slot import " + slot + " @public.pem")
		b.ok("slot public " + slot + " --format der -o @again.der")
		b.same("public.der", "again.der")
		if r := b.Run(t, nil, b.words("sign --key "+slot+" @file")...); r.Code == 0 || r.Stdout != "" {
			t.Errorf("%s: a public key signs: status %d", slot, r.Code)
		}
	}
}

func TestOpenSSLAgreesOnOAEP(t *testing.T) {
	b := newBench(t)
	const oaep = " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"
	b.noise("plain", 100)
	b.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out private.pem")
	b.openssl("pkey -in private.pem -pubout -out public.pem")
	b.ok("slot import wrap @private.pem")
	b.openssl("pkeyutl -encrypt -pubin -inkey public.pem" + oaep + " -in plain -out theirs")
	b.ok("decrypt --key wrap --raw RSA-OAEP-SHA-256 -o @again @theirs")
	b.same("plain", "again")
	b.ok("encrypt --key wrap --raw RSA-OAEP-SHA-256 -o @ours @plain")
	b.openssl("pkeyutl -decrypt -inkey private.pem" + oaep + " -in ours -out again")
	b.same("plain", "again")
}
