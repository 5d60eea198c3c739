package frozen_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
	"github.com/claviger/claviger/test/tokens"
)

// tokenDeployment is the configuration of a recorded store whose keys lie in a token.
const tokenDeployment = `
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
id       = 2
name     = "token"
kind     = "pkcs11"
module   = "{{.Dir}}/module.so"
token    = "claviger-test"
pin_file = "{{.Dir}}/pin"
sandbox  = "required"
read     = ["{{.Dir}}/softhsm2.conf"]
write    = ["{{.Dir}}/tokens"]
env      = { SOFTHSM2_CONF = "{{.Dir}}/softhsm2.conf" }
[[provider]]
id   = 5
name = "software"
kind = "software"

[[slot]]
name       = "made"
algorithm  = "ECDSA-P256"
providers  = ["token", "software"]
operations = ["sign", "verify"]
[[slot]]
name       = "adopted"
algorithm  = "ECDSA-P256"
providers  = ["token"]
operations = ["sign", "verify"]
[[slot]]
name       = "later"
algorithm  = "ECDSA-P256"
providers  = ["token"]
operations = ["sign", "verify"]
[[slot]]
name       = "held"
algorithm  = "AES-256"
providers  = ["token"]
operations = ["encrypt", "decrypt"]

[[app]]
name = "owner"
uid  = {{.Self}}
[app.resources]
Made    = { slot = "made", write = ["generate", "clear"] }
Adopted = { slot = "adopted", write = ["import", "clear"] }
Later   = { slot = "later", write = ["import", "clear"] }
Held    = { slot = "held", write = ["generate", "clear"] }
`

// inToken is what was read from a store whose keys lie in a token, and from the token.
type inToken struct {
	Objects []client.Object
	Held    encrypted // by Held; only CBC
	Signing []signing
}

// recordToken has a daemon keep keys in a token of SoftHSM, and writes store and token, and what was read from them.
func recordToken(t *testing.T, dir string) {
	d, k := place(t), tokens.SoftHSM(t)
	check(t, os.CopyFS(filepath.Join(d.Dir, "tokens"), os.DirFS(k.Store)))
	give(t, d, "pin", []byte(k.PIN))
	equip(t, d)
	makeForeign(t, d, k)
	d.WriteConfig(t, tokenDeployment)
	launch(t, d)
	var r struct {
		Message []byte
		Token   *inToken
	}
	r.Message = bytes.Repeat([]byte("claviger version 1. "), 5)
	r.Token = open(t, d.Dial(t)).deployToken(t, r.Message)
	d.Stop(t)

	put(t, filepath.Join(dir, "claviger.toml"), []byte(strings.TrimPrefix(tokenDeployment, "\n")))
	deflate(t, filepath.Join(dir, "store.db.gz"), must(os.ReadFile(filepath.Join(d.Dir, "store.db")))(t))
	for _, name := range []string{"store.key", "pin"} {
		put(t, filepath.Join(dir, name), must(os.ReadFile(filepath.Join(d.Dir, name)))(t))
	}
	check(t, os.CopyFS(filepath.Join(dir, "tokens"), os.DirFS(filepath.Join(d.Dir, "tokens"))))
	put(t, filepath.Join(dir, "results.json"), append(must(json.MarshalIndent(&r, "", "\t"))(t), '\n'))
}

// equip gives a daemon the module of its token, which lies in its directory, and what that needs.
func equip(t *testing.T, d *daemontest.Daemon) {
	t.Helper()
	store := filepath.Join(d.Dir, "tokens")
	check(t, os.Symlink(tokens.Module(t), filepath.Join(d.Dir, "module.so")))
	give(t, d, "softhsm2.conf", []byte("directories.tokendir = "+store+"\nobjectstore.backend = file\nlog.level = ERROR\n"))
	check(t, filepath.WalkDir(store, func(path string, e fs.DirEntry, err error) error {
		mode := os.FileMode(0o600)
		if err == nil && e.IsDir() {
			mode = 0o700
		}
		if err == nil {
			err = os.Chmod(path, mode)
		}
		if err == nil {
			err = os.Chown(path, d.UID, -1)
		}
		return err
	}))
}

// makeForeign has another program make two pairs in a token.
func makeForeign(t *testing.T, d *daemontest.Daemon, k *tokens.Token) {
	t.Helper()
	tool := daemontest.NeedTool(t, "pkcs11-tool")
	for id, label := range map[string]string{"f1": "foreign", "f2": "spare"} {
		cmd := exec.Command(tool, "--module", k.Module, "--token-label", k.Label, "--login", "--pin", k.PIN, "--keypairgen", "--key-type", "EC:prime256v1",
			"--usage-sign", "--label", label, "--id", id)
		cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+filepath.Join(d.Dir, "softhsm2.conf"))
		if d.UID != os.Getuid() {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(d.UID), Gid: uint32(d.UID), Groups: []uint32{}}}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("pkcs11-tool: %v\n%s", err, out)
		}
	}
}

// deployToken fills the slots of a new store, and gives what can be read from them.
func (s *session) deployToken(t *testing.T, message []byte) *inToken {
	k := new(inToken)
	s.generate(t, "Made", false)
	must(s.keys.Adopt(s.ctx, s.slot(t, "Adopted"), client.AdoptParams{Label: "foreign"}))(t)
	for _, name := range []string{"Made", "Adopted"} {
		p := signing{Slot: name, Algorithm: "ECDSA-P256-SHA-256"}
		key, spki, err := s.keys.PublicKey(s.ctx, s.slot(t, p.Slot), claviger.DER)
		check(t, err)
		check(t, key.Close())
		p.Public, p.Signature = spki, s.sign(t, p.Slot, p.Algorithm, message)
		k.Signing = append(k.Signing, p)
	}
	k.Held = encrypted{Version: s.generate(t, "Held", false), IV: bytes.Repeat([]byte{1}, 16)}
	cbc := must(s.cc.NewCipher(s.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: s.slot(t, "Held")}))(t)
	k.Held.CBC = must(cbc.Encrypt(s.ctx, nil, k.Held.IV, message))(t)
	k.Objects = must(s.stack.Objects(s.ctx, client.ObjectQuery{Provider: 2}))(t)
	return k
}

// TestARecordedTokenGivesWhatItHeld holds that a recorded store finds its keys in the recorded token, those that were made in it and
// one that was adopted, and that listing the token gives what it gave.
func TestARecordedTokenGivesWhatItHeld(t *testing.T) {
	over(t, "token", func(t *testing.T, dir string) {
		r, d := seen(t, dir), start(t, dir)
		for range 2 {
			s := open(t, d.Dial(t))
			for _, p := range r.Token.Signing {
				p.hold(t, s, r.Message)
			}
			s.decryptHeld(t, r)
			equal(t, "objects", spell(must(s.stack.Objects(s.ctx, client.ObjectQuery{Provider: 2}))(t)), spell(r.Token.Objects))
			d.Stop(t)
			launch(t, d)
		}
	})
}

// decryptHeld sees that Held decrypts what it has encrypted.
func (s *session) decryptHeld(t *testing.T, r *results) {
	t.Helper()
	cbc := must(s.cc.NewCipher(s.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: s.slot(t, "Held"), Direction: claviger.Decrypting}))(t)
	defer cbc.Close()
	same(t, "decrypted in the token", must(cbc.Decrypt(s.ctx, nil, r.Token.Held.IV, r.Token.Held.CBC))(t), r.Message)
}

// listing asks what lies in the token. What the token can do is not asked: another version of SoftHSM can do more.
func (k *talk) listing(t *testing.T) {
	for _, q := range []client.ObjectQuery{{Provider: 2}, {Provider: 2, Label: "spare"}, {Provider: 2, ID: []byte{0xf1}, Algorithm: "ECDSA-P256"},
		{Provider: 2, Label: "nobody"}, {Provider: 2, Algorithm: "AES-256"}, {Provider: 2, Algorithm: "nothing"}, {Provider: 5}, {Provider: 9}} {
		list, err := k.stack.Objects(k.ctx, q)
		k.say("objects", list, err)
	}
}

// adopting binds slots to objects of the token.
func (k *talk) adopting(t *testing.T) {
	later := k.slot(t, "Later")
	for _, p := range []client.AdoptParams{{Label: "nobody"}, {}, {Label: "spare"}, {ID: []byte{0xf2}}, {Label: "spare", ID: []byte{0xf2}, Rotate: true, Permissions: claviger.Verify}} {
		version, err := k.keys.Adopt(k.ctx, later, p)
		k.say("adopted", version, err)
	}
	_, err := k.keys.Adopt(k.ctx, k.slot(t, "Held"), client.AdoptParams{Label: "spare"})
	k.say("without the right", err)
	key, spki, err := k.keys.PublicKey(k.ctx, later, claviger.DER)
	check(t, err)
	k.say("public key", key.Info(), spki)
	check(t, key.Close())
	_, err = k.cc.NewSigner(k.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: later})
	k.say("permitted is verifying", err)
	check(t, k.keys.Clear(k.ctx, later))
	list, err := k.stack.Objects(k.ctx, client.ObjectQuery{Provider: 2, Label: "spare"})
	k.say("cleared, the object stays", list, err)
}

// inside uses keys of the token.
func (k *talk) inside(t *testing.T) {
	for _, p := range k.Token.Signing {
		k.say("signed", len(k.sign(t, p.Slot, p.Algorithm, k.Message)))
		v := must(k.cc.NewVerifier(k.ctx, client.VerifierConfig{Algorithm: p.Algorithm, Key: k.slot(t, p.Slot)}))(t)
		k.say("verified", must(v.Verify(k.ctx, k.Message, p.Signature))(t))
		check(t, v.Close())
	}
	k.decryptHeld(t, k.results)
	key := must(k.keys.Load(k.ctx, k.slot(t, "Held")))(t)
	k.say("loaded", key.Info())
	_, err := k.keys.Export(k.ctx, key, claviger.Raw)
	k.say("export", err)
	check(t, key.Close())
	session := must(must(k.cc.NewKeyManager(k.ctx, client.KeyManagerConfig{Provider: client.ProviderSelector{Kind: claviger.Hardware}}))(t).
		Generate(k.ctx, client.GenerateParams{Algorithm: "AES-256", Permissions: claviger.Encrypt}))(t)
	k.say("made in the token", session.Info())
	check(t, session.Close())
}
