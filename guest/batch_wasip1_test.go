package guest_test

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger/guest"
)

// sealStates opens n states of one key, each with a nonce of its own.
func sealStates(t *testing.T, n int) []guest.Item {
	t.Helper()
	key := keyOf(t, "AES-256-GCM", make([]byte, 32))
	items := make([]guest.Item, n)
	for i := range items {
		nonce := make([]byte, 12)
		nonce[0] = byte(i)
		items[i].State = stateOf(t, "AES-256-GCM", guest.StateConfig{Key: key, Nonce: nonce})
	}
	return items
}

func TestABatchIsTheSameAsOneByOne(t *testing.T) {
	sealed, opened := sealStates(t, 5), sealStates(t, 5)
	for i := range sealed {
		sealed[i].Data = bytes.Repeat([]byte("m"), 100*i)
	}
	ok(t, guest.BatchEncrypt(sealed))
	for i, one := range sealStates(t, 5) {
		want, err := one.State.Encrypt(nil, sealed[i].Data)
		ok(t, err)
		if sealed[i].Err != nil || !bytes.Equal(sealed[i].Out, want) {
			t.Errorf("item %d is not what a call of its own gives (%v)", i, sealed[i].Err)
		}
		opened[i].Data = sealed[i].Out
	}
	opened[3].Data = bytes.Clone(opened[3].Data)
	opened[3].Data[0] ^= 1
	ok(t, guest.BatchDecrypt(opened))
	for i := range opened {
		if i == 3 {
			refused(t, opened[i].Err, guest.ErrInvalidTag)
		} else if opened[i].Err != nil || !bytes.Equal(opened[i].Out, sealed[i].Data) {
			t.Errorf("item %d did not come back (%v)", i, opened[i].Err)
		}
	}
}

func TestABatchWithTagsApart(t *testing.T) {
	sealed, opened := sealStates(t, 3), sealStates(t, 3)
	for i := range sealed {
		sealed[i].Data = []byte("message")
	}
	ok(t, guest.BatchEncryptDetached(sealed))
	for i := range opened {
		opened[i].Data, opened[i].Tag = sealed[i].Out, sealed[i].Tag
	}
	opened[1].Tag = nil
	ok(t, guest.BatchDecryptDetached(opened))
	refused(t, opened[1].Err, guest.ErrInvalidTag)
	if opened[0].Err != nil || string(opened[2].Out) != "message" {
		t.Errorf("%v, %q", opened[0].Err, opened[2].Out)
	}
}

func TestABatchOfHashesAndMACs(t *testing.T) {
	hashes := make([]guest.Item, 3)
	for i := range hashes {
		hashes[i].State, hashes[i].Out = stateOf(t, "SHA-256", guest.StateConfig{}), make([]byte, 32)
		ok(t, hashes[i].State.Absorb([]byte{byte(i)}))
	}
	hashes[2].Out = make([]byte, 33)
	ok(t, guest.BatchSqueeze(hashes))
	want := make([]byte, 32)
	ok(t, hashes[1].State.Squeeze(want))
	if hashes[1].Err != nil || !bytes.Equal(hashes[1].Out, want) || bytes.Equal(hashes[0].Out, want) {
		t.Error("a digest of the batch is another one")
	}
	refused(t, hashes[2].Err, guest.ErrInvalidLength)
	macs := []guest.Item{{State: stateOf(t, "HMAC/SHA-256", guest.StateConfig{Key: keyOf(t, "HMAC/SHA-256", []byte("key"))})}}
	ok(t, guest.BatchSqueezeTag(macs))
	tag, err := macs[0].State.SqueezeTag()
	ok(t, err)
	defer tag.Close()
	ok(t, tag.Verify(macs[0].Tag))
	refused(t, guest.BatchSqueezeTag(append(macs, hashes[0])), guest.ErrUnsupportedFeature)
	ok(t, guest.BatchSqueezeTag(hashes))
	refused(t, hashes[0].Err, guest.ErrInvalidOperation)
}

func TestABatchOfSignatures(t *testing.T) {
	pair := pairOf(t, guest.Signatures, "Ed25519")
	signers := make([]*guest.Signer, 3)
	batch := make([]guest.Verification, 3)
	for i := range signers {
		signer, err := pair.NewSigner()
		ok(t, err)
		defer signer.Close()
		verifier, err := publicOf(t, pair).NewVerifier()
		ok(t, err)
		defer verifier.Close()
		signer.Write([]byte{byte(i)})
		verifier.Write([]byte{byte(i)})
		signers[i], batch[i].Verifier = signer, verifier
	}
	signed, err := guest.BatchSign(signers)
	ok(t, err)
	for i, s := range signed {
		ok(t, s.Err)
		defer s.Signature.Close()
		batch[i].Signature = s.Signature
	}
	batch[2].Signature = batch[0].Signature
	errs, err := guest.BatchVerify(batch)
	ok(t, err)
	ok(t, errs[0])
	ok(t, errs[1])
	refused(t, errs[2], guest.ErrVerificationFailed)
}

func TestABatchOfPaddedMessages(t *testing.T) {
	c := guest.StateConfig{Key: keyOf(t, "AES-128-CBC", make([]byte, 16)), Nonce: make([]byte, 16)}
	items := make([]guest.Item, 4)
	for i := range items {
		items[i] = guest.Item{State: stateOf(t, "AES-128-CBC", c), Data: make([]byte, 8*i+1)}
	}
	ok(t, guest.BatchEncrypt(items))
	for i := range items {
		ok(t, items[i].Err)
		items[i] = guest.Item{State: stateOf(t, "AES-128-CBC", c), Data: items[i].Out}
	}
	ok(t, guest.BatchDecrypt(items))
	for i := range items {
		if items[i].Err != nil || len(items[i].Out) != 8*i+1 {
			t.Errorf("item %d came back with %d bytes, %v", i, len(items[i].Out), items[i].Err)
		}
	}
}
