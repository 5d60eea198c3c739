package frozen_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"math"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// deployment is the configuration of a recorded store. The application "former" is in it only at first.
const deployment = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"
log    = "warn"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[admin]
uids = [{{.Self}}]

[[provider]]
id   = 2
name = "software"
kind = "software"
[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "300ms"

[[slot]]
name       = "data"
algorithm  = "AES-256"
providers  = ["software"]
operations = ["encrypt", "decrypt"]
[[slot]]
name       = "code"
algorithm  = "HMAC-SHA-256"
providers  = ["software"]
operations = ["mac"]
[[slot]]
name       = "ecdsa"
algorithm  = "ECDSA-P256"
providers  = ["software"]
operations = ["sign", "verify"]
[[slot]]
name       = "ed25519"
algorithm  = "Ed25519"
providers  = ["software"]
operations = ["sign", "verify"]
[[slot]]
name       = "rsa"
algorithm  = "RSA-2048"
providers  = ["software"]
operations = ["sign", "verify", "encrypt", "decrypt"]
[[slot]]
name       = "mldsa"
algorithm  = "ML-DSA-65"
providers  = ["software"]
operations = ["sign", "verify"]
[[slot]]
name       = "mlkem"
algorithm  = "ML-KEM-768"
providers  = ["software"]
operations = ["agree"]
[[slot]]
name       = "x25519"
algorithm  = "X25519"
providers  = ["software"]
operations = ["agree"]
[[slot]]
name       = "worn"
algorithm  = "HMAC-SHA-256"
providers  = ["software"]
operations = ["mac", "import"]

[[cert_slot]]
name = "root"
[[cert_slot]]
name = "device"
[[trust_store]]
name    = "anchors"
members = ["root"]

[[app]]
name         = "owner"
uid          = {{.Self}}
vouch_guests = ["guest"]
[app.resources]
Data       = { slot = "data", write = ["generate", "import", "clear"] }
Code       = { slot = "code", write = ["generate", "clear"] }
ECDSA      = { slot = "ecdsa", write = ["generate", "clear"] }
Ed25519    = { slot = "ed25519", write = ["generate", "clear"] }
RSA        = { slot = "rsa", write = ["generate", "clear"] }
MLDSA      = { slot = "mldsa", write = ["generate", "clear"] }
MLKEM      = { slot = "mlkem", write = ["generate", "clear"] }
X25519     = { slot = "x25519", write = ["generate", "clear"] }
Worn       = { slot = "worn", write = ["generate", "import", "persist", "clear"] }
RootCert   = { cert_slot = "root", write = ["save", "clear", "crl"] }
DeviceCert = { cert_slot = "device", write = ["save", "clear"] }
Anchors    = { trust_store = "anchors" }

[[app]]
name        = "guest"
wasm_sha256 = ["` + guestDigest + `"]
[app.resources]
Code = { slot = "code" }
`

// guestDigest is the SHA-256 of the module "guest", which there is not.
const guestDigest = "84983c60f7daadc1cb8698621f802c0d9f9a3c3c295c810748fb048115c186ec"

// expires is far away: the year 2100, in seconds since 1970.
const expires = 4102444800

// session is a stack and all that tests do things with.
type session struct {
	ctx     context.Context
	stack   *client.Stack
	cc      *client.CryptoContext
	keys    *client.KeyManager
	certs   *client.CertManager
	secrets *client.Secrets
}

// open makes the session of a stack.
func open(t testing.TB, stack *client.Stack) *session {
	t.Helper()
	s := &session{ctx: t.Context(), stack: stack, cc: must(stack.CryptoContext())(t), secrets: stack.Secrets()}
	s.keys = must(s.cc.NewKeyManager(s.ctx, client.KeyManagerConfig{}))(t)
	s.certs = must(s.cc.NewCertManager(s.ctx, client.CertManagerConfig{}))(t)
	return s
}

// guestStack connects as the guest.
func guestStack(t testing.TB, d *daemontest.Daemon) *client.Stack {
	t.Helper()
	return d.DialWith(t, client.Config{Guest: client.GuestIdentity{SHA256: sha256.Sum256([]byte("guest"))}})
}

func (s *session) slot(t testing.TB, name string) *client.KeySlot {
	t.Helper()
	return must(s.cc.KeySlot(s.ctx, name))(t)
}

// deploy fills an empty store and gives what can be read from it.
func deploy(t *testing.T, s *session) *results {
	r := &results{Message: bytes.Repeat([]byte("claviger version 1. "), 5), AAD: []byte("associated")}
	s.deployData(t, r)
	s.generate(t, "Code", false)
	r.Code = s.code(t, s.slot(t, "Code"), r.Message)
	for _, p := range []signing{{Slot: "ECDSA", Algorithm: "ECDSA-P256-SHA-256"}, {Slot: "Ed25519", Algorithm: "Ed25519"},
		{Slot: "RSA", Algorithm: "RSA-PKCS1-SHA-256"}, {Slot: "MLDSA", Algorithm: "ML-DSA-65"}} {
		s.generate(t, p.Slot, false)
		key, spki, err := s.keys.PublicKey(s.ctx, s.slot(t, p.Slot), claviger.DER)
		check(t, err)
		check(t, key.Close())
		p.Public, p.Signature = spki, s.sign(t, p.Slot, p.Algorithm, r.Message)
		r.Signing = append(r.Signing, p)
	}
	oaep := must(s.cc.NewCipher(s.ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: s.slot(t, "RSA")}))(t)
	r.Decryption = must(oaep.Encrypt(s.ctx, nil, nil, r.Message))(t)
	s.deployAgreed(t, r)
	s.deployNumbers(t, r)
	r.Certificates = s.deployCertificates(t)
	r.Secrets = s.deploySecrets(t)
	r.Capsules = s.deployCapsules(t)
	r.Managed = s.deployManaged(t, r.Message)
	return r
}

func (s *session) generate(t testing.TB, slot string, rotate bool) uint64 {
	t.Helper()
	return must(s.keys.GenerateIn(s.ctx, s.slot(t, slot), client.GenerateParams{Rotate: rotate}))(t)
}

// deployData makes two versions of a slot, and encrypts with each while it is the newest.
func (s *session) deployData(t *testing.T, r *results) {
	for version := range uint64(2) {
		s.generate(t, "Data", version > 0)
		e := encrypted{Version: version + 1, IV: bytes.Repeat([]byte{byte(version + 1)}, 16)}
		aead := must(s.cc.NewAEAD(s.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: s.slot(t, "Data")}))(t)
		e.Sealed = must(aead.Seal(s.ctx, nil, nil, r.Message, r.AAD))(t)
		cbc := must(s.cc.NewCipher(s.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: s.slot(t, "Data")}))(t)
		e.CBC = must(cbc.Encrypt(s.ctx, nil, e.IV, r.Message))(t)
		r.Data = append(r.Data, e)
	}
}

// code is the code of a message by a key.
func (s *session) code(t testing.TB, key client.KeySource, message []byte) []byte {
	t.Helper()
	mac := must(s.cc.NewMAC(s.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key}))(t)
	defer mac.Close()
	return must(mac.Sum(s.ctx, nil, message))(t)
}

func (s *session) sign(t testing.TB, slot string, algorithm claviger.Algorithm, message []byte) []byte {
	t.Helper()
	signer := must(s.cc.NewSigner(s.ctx, client.SignerConfig{Algorithm: algorithm, Key: s.slot(t, slot)}))(t)
	defer signer.Close()
	return must(signer.Sign(s.ctx, nil, message))(t)
}

// kdf is how recorded keys are derived.
func kdf() *client.KDF { return &client.KDF{Algorithm: "HKDF-SHA-256", Info: []byte("frozen")} }

func (s *session) deployAgreed(t *testing.T, r *results) {
	s.generate(t, "X25519", false)
	peer := must(ecdh.X25519().GenerateKey(rand.Reader))(t)
	r.Agreement = derived{Slot: "X25519", Peer: must(x509.MarshalPKIXPublicKey(peer.PublicKey()))(t)}
	r.Agreement.Code = s.agreed(t, &r.Agreement, r.Message)
	s.generate(t, "MLKEM", false)
	key, ciphertext, err := s.keys.Encapsulate(s.ctx, client.EncapsulateParams{Key: s.slot(t, "MLKEM"), Derived: "HMAC-SHA-256", KDF: kdf()})
	check(t, err)
	r.Encapsulation = derived{Slot: "MLKEM", Peer: ciphertext, Code: s.code(t, key, r.Message)}
	check(t, key.Close())
}

// agreed is the code by the key that a slot and a peer agree on.
func (s *session) agreed(t testing.TB, d *derived, message []byte) []byte {
	t.Helper()
	key := must(s.keys.Agree(s.ctx, client.AgreeParams{Key: s.slot(t, d.Slot), Peer: d.Peer, Derived: "HMAC-SHA-256", KDF: kdf()}))(t)
	defer key.Close()
	return s.code(t, key, message)
}

// decapsulated is the code by the key that a slot decapsulates.
func (s *session) decapsulated(t testing.TB, d *derived, message []byte) []byte {
	t.Helper()
	key := must(s.keys.Decapsulate(s.ctx, client.DecapsulateParams{Key: s.slot(t, d.Slot), Ciphertext: d.Peer, Derived: "HMAC-SHA-256", KDF: kdf()}))(t)
	defer key.Close()
	return s.code(t, key, message)
}

// deployNumbers leaves counters ahead of the versions that are kept.
func (s *session) deployNumbers(t *testing.T, r *results) {
	data, worn := s.slot(t, "Data"), s.slot(t, "Worn")
	check(t, s.keys.ClearVersion(s.ctx, data, s.generate(t, "Data", true)))
	s.generate(t, "Worn", false)
	s.generate(t, "Worn", true)
	check(t, s.keys.Clear(s.ctx, worn))
	r.Numbers = []numbers{{"Data", []uint64{1, 2}, 4}, {"Worn", nil, 3}}
}

func (s *session) deploySecrets(t *testing.T) []secret {
	never := secret{Values: map[uint64][]byte{1: []byte("one"), 2: []byte("two"), 3: {}}, Expires: math.MaxUint64, Latest: 3}
	some := secret{Values: map[uint64][]byte{1: []byte("left")}, Expires: expires, Gone: []uint64{2, 3, claviger.LatestVersion}, Latest: 3}
	none := secret{Expires: expires, Gone: []uint64{1, claviger.LatestVersion}, Latest: 1}
	list := []secret{never, some, none}
	for i := range list {
		p := &list[i]
		p.ID = must(s.secrets.Put(s.ctx, valueOr(p.Values[1]), p.Expires))(t)
		for v := uint64(2); v <= p.Latest; v++ {
			must(s.secrets.Replace(s.ctx, p.ID, valueOr(p.Values[v]), p.Expires))(t)
		}
		for _, v := range p.Gone {
			if v != claviger.LatestVersion {
				check(t, s.secrets.Invalidate(s.ctx, p.ID, v))
			}
		}
	}
	return list
}

// valueOr gives something for a version that will be invalidated.
func valueOr(value []byte) []byte {
	if value == nil {
		return []byte("gone")
	}
	return value
}
