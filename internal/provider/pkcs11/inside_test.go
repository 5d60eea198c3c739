package pkcs11

import (
	"bytes"
	"context"
	"encoding/asn1"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// offering is a provider for a token with these mechanisms.
func offering(has abilities, t traits) *Provider {
	p := &Provider{pool: &pool{limit: 8}, quirks: t}
	p.offerAll(has, false)
	return p
}

// What is offered follows from flags, key sizes and quirks, and keys from what can be done with them.
func TestOffersFollowFromTheToken(t *testing.T) {
	signs, pairs := cryptoki.FlagSign, cryptoki.FlagGenerateKeyPair
	fp := cryptoki.FlagECFP | cryptoki.FlagECNamedCurve
	for _, c := range []struct {
		what    string
		has     abilities
		traits  traits
		with    []string
		without []string
	}{
		{what: "nothing"},
		{what: "signing without verifying", has: abilities{cryptoki.MechRSAPKCS: {MinKeySize: 1024, MaxKeySize: 2048, Flags: signs}},
			with:    []string{"sign-digest RSA-PKCS1-SHA-256 RSA-2048", "import RSA-2048 "},
			without: []string{"verify-digest", "generate", "RSA-3072", "RSA-PSS"}},
		{what: "generating what nothing works with", has: abilities{cryptoki.MechRSAPKCSKeyPairGen: {Flags: pairs}, cryptoki.MechAESKeyGen: {Flags: cryptoki.FlagGenerate}},
			without: []string{"generate", "import"}},
		{what: "curves by number fields only", has: abilities{cryptoki.MechECDSA: {Flags: signs | 0x200000}}, without: []string{"ECDSA"}},
		{what: "curves of one size", has: abilities{cryptoki.MechECDSA: {MinKeySize: 256, MaxKeySize: 256, Flags: signs | fp}, cryptoki.MechECKeyPairGen: {Flags: pairs | fp}},
			with:    []string{"sign-digest ECDSA-P256-SHA-512 ECDSA-P256", "generate ECDSA-P256 ", "import ECDSA-P256 "},
			without: []string{"ECDSA-P384", "ECDSA-K256", "ECDH", "Ed25519", " SECRET "}},
		{what: "AES in bytes", has: abilities{cryptoki.MechAESCBC: {MinKeySize: 32, MaxKeySize: 32, Flags: cryptoki.FlagDecrypt}},
			with: []string{"decrypt AES-256-CBC AES-256"}, without: []string{"encrypt AES", "AES-128"}},
		{what: "AES in bits", has: abilities{cryptoki.MechAESGCM: {MinKeySize: 128, MaxKeySize: 192, Flags: cryptoki.FlagEncrypt}},
			with: []string{"encrypt AES-128-GCM AES-128", "encrypt AES-192-GCM AES-192"}, without: []string{"AES-256", "SIV"}},
		{what: "agreement", has: abilities{cryptoki.MechECDH1Derive: {Flags: cryptoki.FlagDerive}, cryptoki.MechECMontgomeryKeyPairGen: {Flags: pairs}, cryptoki.MechGenericSecretKeyGen: {Flags: cryptoki.FlagGenerate}},
			with: []string{"agree ECDH-P521 ECDH-P521", "agree X25519 X25519", "import SECRET ", "generate SECRET ", "generate X25519 "}, without: []string{"HMAC", "generate ECDH", "ECDH-K256"}},
		{what: "OAEP", has: abilities{cryptoki.MechRSAPKCSOAEP: {Flags: cryptoki.FlagEncrypt | cryptoki.FlagDecrypt}},
			with: []string{"encrypt RSA-OAEP-SHA-512 RSA-4096", "decrypt RSA-OAEP-SHA-256 RSA-2048"}},
		{what: "OAEP that does not work", has: abilities{cryptoki.MechRSAPKCSOAEP: {Flags: cryptoki.FlagEncrypt | cryptoki.FlagDecrypt}},
			traits: traits{without: []claviger.Algorithm{"RSA-OAEP-SHA-256"}}, with: []string{"encrypt RSA-OAEP-SHA-512 RSA-4096"}, without: []string{"RSA-OAEP-SHA-256"}},
		{what: "X25519 by other numbers", has: abilities{cryptoki.MechECDH1Derive: {Flags: cryptoki.FlagDerive}, cryptoki.MechECEdwardsKeyPairGen: {Flags: pairs}},
			traits: traits{x25519: true}, with: []string{"generate X25519 ", "agree X25519 X25519"}, without: []string{"Ed25519"}},
		{what: "codes", has: abilities{cryptoki.MechSHA3256HMAC: {Flags: signs}, cryptoki.MechAESCMAC: {Flags: signs}, cryptoki.MechSHA3512: {Flags: cryptoki.FlagDigest}},
			with: []string{"mac HMAC-SHA3-256 HMAC-SHA3-256", "mac AES-192-CMAC AES-192", "hash SHA3-512 ", "import HMAC-SHA3-256 "}, without: []string{"KMAC", "hash SHA3-256"}},
	} {
		var b strings.Builder
		for _, m := range offering(c.has, c.traits).Mechanisms() {
			fmt.Fprintf(&b, "%s %s %s\n", m.Op, m.Algorithm, m.Key)
			if m.Cost != provider.Pool {
				t.Errorf("%s: %v does not go to the pool", c.what, m)
			}
		}
		for _, line := range c.with {
			if !strings.Contains(b.String(), line+"\n") {
				t.Errorf("%s: %q is not offered", c.what, line)
			}
		}
		for _, word := range c.without {
			if strings.Contains(b.String(), word) {
				t.Errorf("%s: %q is offered", c.what, word)
			}
		}
	}
}

// Quirks hold for the tokens they are known of.
func TestQuirksHoldWhereTheyAreKnown(t *testing.T) {
	v := func(major, minor byte) cryptoki.Version { return cryptoki.Version{Major: major, Minor: minor} }
	for _, c := range []struct {
		manufacturer string
		firmware     cryptoki.Version
		oaep, forged bool
	}{{"SoftHSM project", v(2, 6), false, true}, {"SoftHSM project", v(2, 5), false, true}, {"SoftHSM project", v(2, 7), false, false},
		{"SoftHSM project", v(2, 8), true, false}, {"SoftHSM project", v(3, 0), true, false}, {"Somebody", v(2, 6), true, false}} {
		got := traitsOf(cryptoki.TokenInfo{Manufacturer: c.manufacturer, Firmware: c.firmware})
		if (len(got.without) == 0) != c.oaep || (len(got.forged) > 0) != c.forged {
			t.Errorf("%s %s: %+v", c.manufacturer, c.firmware, got)
		}
	}
}

// A public point is read bare and in an octet or bit string, and nothing else is.
func TestPointsAreReadInAllForms(t *testing.T) {
	for _, alg := range []claviger.Algorithm{"ECDSA-P256", "ECDSA-P521", "ECDH-P384", "Ed25519", "X25519"} {
		row, _ := algorithm.Lookup(alg, algorithm.FamilyKey)
		private, err := row.GeneratePair()
		if err != nil {
			t.Fatal(err)
		}
		want, _ := row.MarshalPublic(row.PublicOf(private))
		raw, _ := row.MarshalRaw(claviger.PublicKey, row.PublicOf(private))
		octets, _ := asn1.Marshal(raw)
		bits, _ := asn1.Marshal(asn1.BitString{Bytes: raw, BitLength: 8 * len(raw)})
		for _, form := range [][]byte{raw, octets, bits} {
			if got := publicKey(row, nil, nil, form); !bytes.Equal(got, want) {
				t.Errorf("%s in %d bytes is not read", alg, len(form))
			}
		}
		for _, form := range [][]byte{nil, {0}, octets[:len(octets)-1], append(bytes.Clone(octets), 0), bytes.Repeat([]byte{0xff}, len(raw)+40)} {
			if publicKey(row, nil, nil, form) != nil {
				t.Errorf("%d bytes are read as a point of %s", len(form), alg)
			}
		}
	}
	row, _ := algorithm.Lookup("RSA-2048", algorithm.FamilyKey)
	odd := append(bytes.Repeat([]byte{0xff}, 255), 0xfd)
	for _, c := range [][2][]byte{{nil, nil}, {odd, nil}, {nil, {3}}, {odd, bytes.Repeat([]byte{1}, 5)}, {odd[1:], {3}}, {odd, {2}}} {
		if publicKey(row, c[0], c[1], nil) != nil {
			t.Errorf("a modulus of %d and an exponent of %d bytes are a key", len(c[0]), len(c[1]))
		}
	}
	if publicKey(row, append([]byte{0}, odd...), []byte{1, 0, 1}, nil) == nil {
		t.Error("a modulus with a zero before it is no key")
	}
}

// The counter of CTR goes on over all its bytes, and no call goes over its end.
func TestCounter(t *testing.T) {
	ones := bytes.Repeat([]byte{0xff}, blockSize)
	for _, c := range []struct {
		block []byte
		used  int
		n     int
		want  string
	}{
		{make([]byte, blockSize), 0, 33, "00000000000000000000000000000002 1"},
		{make([]byte, blockSize), 15, 17, "00000000000000000000000000000002 0"},
		{append(make([]byte, 8), ones[:8]...), 0, 16, "00000000000000010000000000000000 0"},
		{ones, 0, 16, "00000000000000000000000000000000 0"},
		{ones, 3, 12, "ffffffffffffffffffffffffffffffff 15"},
	} {
		k := counter{used: c.used}
		copy(k.block[:], c.block)
		k.advance(c.used + c.n)
		if got := fmt.Sprintf("%x %d", k.block, k.used); got != c.want {
			t.Errorf("%d bytes after %x and %d: %s, want %s", c.n, c.block, c.used, got, c.want)
		}
	}
	for last, want := range map[byte]int{0xff: blockSize, 0xfe: 2 * blockSize, 0: 256 * blockSize} {
		k := counter{}
		copy(k.block[:], ones)
		k.block[blockSize-1] = last
		if k.room() != want {
			t.Errorf("room for %d bytes before the end", k.room())
		}
	}
	full := counter{used: 5}
	copy(full.block[:], ones)
	if full.room() != blockSize-5 || (&counter{}).room() != cipherChunk || cipherChunk%blockSize != 0 || uint64(cipherChunk) > math.MaxUint32 {
		t.Error("the room of a call is wrong")
	}
}

// Who waits for a session gives up with the context, in each of the places where one waits.
func TestWaitingHonoursTheContext(t *testing.T) {
	p := &pool{permits: make(chan struct{}), limit: 4}
	p.writer = &keeper{turn: make(chan struct{})}
	p.owner = p.writer
	run := &Provider{pool: p}
	run.offerAll(abilities{cryptoki.MechSHA256: {Flags: cryptoki.FlagDigest}, cryptoki.MechSHA256HMAC: {Flags: cryptoki.FlagSign},
		cryptoki.MechGenericSecretKeyGen: {Flags: cryptoki.FlagGenerate}}, false)
	for _, c := range []struct {
		what string
		call func(context.Context) error
	}{
		{"hashing", func(ctx context.Context) error {
			_, err := run.OneShot(ctx, provider.Hash, &provider.Params{Algorithm: "SHA-256"}, nil, nil)
			return err
		}},
		{"a stream", func(ctx context.Context) error {
			_, err := run.Begin(ctx, provider.Hash, &provider.Params{Algorithm: "SHA-256"})
			return err
		}},
		{"generating", func(ctx context.Context) error {
			_, err := run.Generate(ctx, provider.Spec{Algorithm: "HMAC-SHA-256"})
			return err
		}},
		{"importing", func(ctx context.Context) error {
			_, err := run.Import(ctx, provider.Spec{Algorithm: "HMAC-SHA-256"}, make([]byte, 32))
			return err
		}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.call(ctx) }()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if p.streams.open != 0 {
		t.Errorf("%d streams count as open", p.streams.open)
	}
}

// Keys and errors print no handles and no bytes.
func TestPrintedKeys(t *testing.T) {
	k := &key{spec: provider.Spec{Algorithm: "AES-128", Class: claviger.SecretKey}, spki: []byte("spki")}
	k.main.Store(4711)
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%x"} {
		if text := fmt.Sprintf(format, k); text != "[key AES-128 in a token]" {
			t.Errorf("%s prints %s", format, text)
		}
	}
}
