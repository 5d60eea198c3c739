package worker

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

func fullRequest() *request {
	return &request{verb: verbKeyOp, target: 1, result: 2, op: provider.Agree, spec: provider.Spec{Algorithm: "A", Class: claviger.SecretKey},
		params: provider.Params{Algorithm: "B", IV: []byte("iv"), AAD: []byte("aad"), Signature: []byte("s"), Size: 3, DER: true, Peer: []byte("peer"), Lane: "lane",
			KDF: &provider.KDF{Algorithm: "C", Salt: []byte("salt"), Info: []byte("info"), Size: 4}, Result: provider.Spec{Algorithm: "D", Class: claviger.PublicKey}},
		tag: provider.Tag{Label: "label", ID: []byte("id")}, data: []byte("data")}
}

func fullReply() *reply {
	return &reply{status: statusError, code: claviger.ErrProviderBusy, op: "op", detail: "detail", spec: provider.Spec{Algorithm: "A", Class: claviger.PrivateKey},
		bits: 256, public: []byte("public"), extra: []byte("extra"), data: []byte("data")}
}

// The bytes of a frame. Both ends are one program, so they may change; this shows that they did.
func TestFramesAreAsTheyWere(t *testing.T) {
	for what, c := range map[string]struct{ frame, want string }{
		"request": {string(appendRequest(nil, 7, fullRequest())), "7b00000007000000000000000c010000000000000002000000000000000a010000004202000000697603000000616164010000007303000000010400000070656572" +
			"040000006c616e650101000000430400000073616c7404000000696e666f04000000010000004403010000004101050000006c6162656c0200000069640400000064617461"},
		"reply": {string(appendReply(nil, 7, fullReply())), "3a00000007000000000000000102000a01020000006f700600000064657461696c01000000410200010000060000007075626c69630500000065787472610400000064617461"},
	} {
		if got := hex.EncodeToString([]byte(c.frame)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", what, got, c.want)
		}
	}
}

func TestFramesComeBack(t *testing.T) {
	var r request
	frame := appendRequest(nil, 7, fullRequest())
	if err := parseRequest(frame[frameHeader:], &r); err != nil || !reflect.DeepEqual(&r, fullRequest()) {
		t.Errorf("%+v, %v", r, err)
	}
	if len(frame) > requestSize(fullRequest()) {
		t.Errorf("a request of %d bytes; %d were foreseen", len(frame), requestSize(fullRequest()))
	}
	var a reply
	frame = appendReply(nil, 7, fullReply())
	if err := parseReply(frame[frameHeader:], &a); err != nil || !reflect.DeepEqual(&a, fullReply()) {
		t.Errorf("%+v, %v", a, err)
	}
	if len(frame) > replySize(fullReply()) {
		t.Errorf("a reply of %d bytes; %d were foreseen", len(frame), replySize(fullReply()))
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(appendRequest(nil, 1, fullRequest())[frameHeader:])
	f.Add(appendRequest(nil, 1, &request{verb: verbOpen})[frameHeader:])
	f.Fuzz(func(t *testing.T, body []byte) {
		var r request
		if parseRequest(body, &r) != nil {
			return
		}
		if again := appendRequest(nil, 0, &r)[frameHeader:]; !bytes.Equal(again, body) {
			t.Errorf("%x became %x", body, again)
		}
	})
}

func FuzzParseReply(f *testing.F) {
	f.Add(appendReply(nil, 1, fullReply())[frameHeader:])
	f.Add(appendReply(nil, 1, &reply{})[frameHeader:])
	f.Fuzz(func(t *testing.T, body []byte) {
		var r reply
		if parseReply(body, &r) != nil {
			return
		}
		if again := appendReply(nil, 0, &r)[frameHeader:]; !bytes.Equal(again, body) {
			t.Errorf("%x became %x", body, again)
		}
	})
}
