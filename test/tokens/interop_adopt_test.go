package tokens

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestKeysOfOtherProgramsAreListedAdoptedAndLeft holds that for keys that pkcs11-tool makes in a token, or writes into it.
func TestKeysOfOtherProgramsAreListedAdoptedAndLeft(t *testing.T) {
	b := newBench(t)
	secret := bytes.Repeat([]byte{0x42}, 32)
	b.file("aes", secret)
	b.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "device key", "--id", "01", "--usage-sign")
	b.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "device rsa", "--id", "02", "--usage-sign")
	b.tool("--write-object", "aes", "--type", "secrkey", "--key-type", "AES:32", "--label", "device aes", "--id", "03", "--usage-decrypt", "--sensitive", "--private")
	b.tool("--keygen", "--key-type", "GENERIC:32", "--label", "device code", "--id", "04", "--usage-sign", "--extractable")
	code := b.tool("--read-object", "--type", "secrkey", "--id", "04")
	want := []listed{{"device key", "01", "private", "ECDSA-P256", 256}, {"device rsa", "02", "private", "RSA-2048", 2048},
		{"device aes", "03", "secret", "AES-256", 256}, {"device code", "04", "secret", "", 256}}
	found := b.keysOf()
	for _, w := range want {
		if !slices.Contains(found, w) {
			t.Errorf("%+v is not listed: %+v", w, found)
		}
	}
	equal(t, "keys listed by identifier", len(b.keysOf("--id", "02")), 1)
	equal(t, "keys listed by label", len(b.keysOf("--label", "device aes")), 1)
	equal(t, "keys listed by algorithm", len(b.keysOf("--algorithm", "HMAC-SHA-256")), 1)
	adopted := map[string]listed{"token/signing": want[0], "token/rsa": want[1], "token/data": want[2], "token/mac": want[3]}
	for slot, o := range adopted {
		b.claviger("slot", "adopt", slot, "--label", o.Label, "--id", o.ID)
	}
	b.pairSigns("token/signing", "01", "ECDSA-P256-SHA-256", "--der")
	b.pairSigns("token/rsa", "02", "RSA-PKCS1-SHA-256")
	b.secretsWork(t, secret, code)
	before := len(b.objects(""))
	for slot := range adopted {
		b.claviger("slot", "clear", slot)
		equal(t, slot+" is", must(b.slot(t, slot).Info(b.ctx))(t).State, claviger.SlotEmpty)
	}
	equal(t, "objects after the slots were cleared", len(b.objects("")), before)
	equal(t, "objects that the adopted keys are of", before, 6)
}

// pairSigns holds that openssl verifies what a slot signs, by the public key that pkcs11-tool reads from the token.
func (b *bench) pairSigns(slot, id, alg string, flags ...string) {
	b.t.Helper()
	b.file("message", []byte(message))
	b.tool("--read-object", "--type", "pubkey", "--id", id, "--output-file", "public.der")
	b.claviger(append([]string{"sign", "--key", slot, "--algorithm", alg, "-o", "@signature." + id, "@message"}, flags...)...)
	b.openssl("dgst -sha256 -keyform DER -verify public.der -signature signature." + id + " message")
}

// secretsWork holds that the adopted secret keys give what the standard library gives of the same bytes.
func (b *bench) secretsWork(t *testing.T, secret, code []byte) {
	t.Helper()
	gcm := must(cipher.NewGCM(must(aes.NewCipher(secret))(t)))(t)
	sealed := must(b.crypt(b.slot(t, "token/data"), claviger.Encrypting, []byte(message)))(t)
	opened := must(gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil))(t)
	equal(t, "what was encrypted", string(opened), message)
	nonce := bytes.Repeat([]byte{1}, gcm.NonceSize())
	opened = must(b.crypt(b.slot(t, "token/data"), claviger.Decrypting, gcm.Seal(nonce, nonce, []byte(message), nil)))(t)
	equal(t, "what is decrypted", string(opened), message)
	mac := must(b.cc.NewMAC(b.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: b.slot(t, "token/mac")}))(t)
	h := hmac.New(sha256.New, code)
	h.Write([]byte(message))
	if got := must(mac.Sum(b.ctx, nil, []byte(message)))(t); !bytes.Equal(got, h.Sum(nil)) {
		t.Errorf("the code is %x, want %x", got, h.Sum(nil))
	}
}
