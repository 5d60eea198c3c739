package ed448ph

import (
	"bytes"
	"crypto/rand"
	"crypto/sha3"
	"encoding/hex"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"
)

// RFC 8032 section 7.5: Ed448ph of "abc" with an empty context.
func TestVectorOfTheRFC(t *testing.T) {
	seed, err := hex.DecodeString("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49")
	if err != nil {
		t.Fatal(err)
	}
	const want = "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae381f54d6bce2ea911574932f52a4e6cadd78769375ec3ffd1b801a0d9b3f4030cd" +
		"433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3ad203df7dc7ce360c3cd3696d9d9fab90f00"
	key := ed448.NewKeyFromSeed(seed)
	public := key[SeedSize:]
	digest := sha3.SumSHAKE256([]byte("abc"), DigestSize)
	signature := Sign(seed, public, digest)
	if got := hex.EncodeToString(signature); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !Verify(public, digest, signature) {
		t.Error("the signature does not verify")
	}
}

// It signs and verifies as the library does that takes whole messages, and refuses what that refuses.
func TestAgreesWithTheLibraryOnWholeMessages(t *testing.T) {
	for i := range 20 {
		public, key, err := ed448.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 10*i)
		digest := sha3.SumSHAKE256(message, DigestSize)
		own, theirs := Sign(key.Seed(), public, digest), ed448.SignPh(key, message, "")
		if !bytes.Equal(own, theirs) {
			t.Fatalf("%d bytes: the signatures differ", len(message))
		}
		for _, at := range []int{0, 30, 56, 57, 80, 112, 113} {
			forged := bytes.Clone(own)
			forged[at] ^= 1
			if Verify(public, digest, forged) || ed448.VerifyPh(public, message, forged, "") {
				t.Errorf("byte %d changed, and it verifies", at)
			}
		}
		digest[0] ^= 1
		if Verify(public, digest, own) {
			t.Error("another digest verifies")
		}
	}
}

// The order added to the second half is another encoding of the same number, and refused (RFC 8032 section 5.2.7).
func TestSecondHalfBelowTheOrder(t *testing.T) {
	public, key, err := ed448.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	order, err := hex.DecodeString("f34458ab92c27823558fc58d72c26c219036d6ae49db4ec4e923ca7cffffffffffffffffffffffffffffffffffffffffffffffffffffff3f")
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, DigestSize)
	signature := Sign(key.Seed(), public, digest)
	carry := 0
	for i, b := range order {
		carry += int(b) + int(signature[PublicSize+i])
		signature[PublicSize+i] = byte(carry)
		carry >>= 8
	}
	if Verify(public, digest, signature) {
		t.Error("a second half at or above the order verifies")
	}
	if Verify(public[1:], digest, signature) || Verify(public, digest[1:], signature) || Verify(public, digest, nil) {
		t.Error("something of another length verifies")
	}
}
