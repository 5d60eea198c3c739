package attack_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// trail collects what may be seen from outside.
type trail struct{ bytes.Buffer }

func (l *trail) err(err error) { fmt.Fprintf(l, "%v\n%+v\n%#v\n", err, err, err) }

// TestSecretsStayOut: the bytes of keys that were imported, used, refused and destroyed are in no log line, error text,
// status or printed value, and not in any file of the daemon's.
func TestSecretsStayOut(t *testing.T) {
	d := daemontest.Start(t, ownSlots)
	stack := d.Dial(t)
	cc := scope(t, stack)
	km := manager(t, cc)
	secret := make([]byte, 32)
	rand.Read(secret)
	pair := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	scalar := must(pair.Bytes())(t)
	der := must(x509.MarshalPKCS8PrivateKey(pair))(t)
	var seen trail

	slot := must(cc.KeySlot(t.Context(), "Locked"))(t)
	must(km.ImportIn(t.Context(), slot, client.ImportParams{Format: claviger.Raw, Data: secret}))(t)
	key := must(km.Import(t.Context(), client.ImportParams{Algorithm: "AES-256", Format: claviger.Raw, Data: secret}))(t)
	private := must(km.Import(t.Context(), client.ImportParams{Format: claviger.DER, Data: der}))(t)
	fmt.Fprintf(&seen, "%v %+v %#v %v %+v %#v\n", key, key.Info(), slot, private, private.Info(), km)
	use(t, cc, key, private, &seen)
	refused(t, cc, km, slot, key, secret, der, &seen)
	must(seen.Write(must(json.Marshal(must(stack.Status(t.Context()))(t)))(t)))(t)
	must(seen.Write(must(json.Marshal(must(stack.Slots(t.Context()))(t)))(t)))(t)
	check(t, private.Close())
	_, err := km.KeyInfo(t.Context(), private)
	seen.err(err)
	seen.WriteString(d.Run(t, nil, "status", "--json").Stdout)
	d.Stop(t)
	seen.WriteString(d.Log())
	files(t, d.Dir, &seen)
	for name, bytes := range map[string][]byte{"the AES key": secret, "the private scalar": scalar, "the PKCS #8 encoding": der[len(der)-64:]} {
		absent(t, seen.Bytes(), name, bytes)
	}
	seen.WriteString(hex.EncodeToString(secret))
	if !found(seen.Bytes(), secret) {
		t.Error("the search does not find what is there")
	}
}

// use works with the keys, and fails with them too.
func use(t *testing.T, cc *client.CryptoContext, key, private *client.Key, seen *trail) {
	enc := must(cc.NewCipher(t.Context(), client.CipherConfig{Algorithm: "AES-256-CBC", Key: key}))(t)
	must(enc.Encrypt(t.Context(), nil, make([]byte, 16), []byte("text")))(t)
	_, err := enc.Encrypt(t.Context(), nil, make([]byte, 3), []byte("text"))
	seen.err(err)
	dec := must(cc.NewCipher(t.Context(), client.CipherConfig{Algorithm: "AES-256-CBC", Key: key, Direction: claviger.Decrypting}))(t)
	_, err = dec.Decrypt(t.Context(), nil, make([]byte, 16), make([]byte, 32))
	seen.err(err)
	sign := must(cc.NewSigner(t.Context(), client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: private}))(t)
	must(sign.Sign(t.Context(), nil, []byte("text")))(t)
	fmt.Fprintf(seen, "%v %+v %#v\n", enc, dec, sign)
}

// refused imports and exports in ways that are refused with the key's bytes at hand.
func refused(t *testing.T, cc *client.CryptoContext, km *client.KeyManager, slot *client.KeySlot, key *client.Key, secret, der []byte, seen *trail) {
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"Key": string(secret)}, Bytes: append(bytes.Clone(der), 0)})
	for _, p := range []client.ImportParams{
		{Format: claviger.Raw, Data: secret[:31], Algorithm: "AES-256"},
		{Format: claviger.Raw, Data: secret, Algorithm: claviger.Algorithm(secret)},
		{Format: claviger.DER, Data: secret, Algorithm: "AES-256"},
		{Format: claviger.DER, Data: append(bytes.Clone(der), secret...)},
		{Format: claviger.DER, Data: der[:len(der)-1]},
		{Format: claviger.PEM, Data: block},
		{Format: claviger.PEM, Data: secret},
		{Format: claviger.DER, Data: der, Algorithm: "Ed25519"},
	} {
		_, err := km.Import(t.Context(), p)
		if err == nil {
			t.Errorf("import of bad bytes as %q succeeds", p.Algorithm)
		}
		if p.Algorithm != claviger.Algorithm(secret) { // a name is echoed: it is no secret, and is clipped
			seen.err(err)
		}
	}
	_, err := km.ImportIn(t.Context(), slot, client.ImportParams{Format: claviger.Raw, Data: secret})
	seen.err(err)
	_, err = km.Export(t.Context(), slot, claviger.Raw)
	seen.err(err)
	_, err = cc.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key})
	seen.err(err)
}

// files adds every file of a directory.
func files(t *testing.T, dir string, seen *trail) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		seen.Write(content)
		return err
	}))
}

// absent looks for bytes as they are and in their usual encodings.
func absent(t *testing.T, seen []byte, name string, secret []byte) {
	t.Helper()
	if found(seen, secret) {
		t.Errorf("%s can be seen from outside", name)
	}
}

// found reports whether any 16 bytes in a row of a secret appear: as they are, in hexadecimal, in base64 at each of its
// three alignments, or as the decimal numbers that %v prints.
func found(seen, secret []byte) bool {
	lower := bytes.ToLower(seen)
	for i := 0; i+16 <= len(secret); i++ {
		part := secret[i : i+16]
		decimal := fmt.Appendf(nil, "%v", part)
		if bytes.Contains(seen, part) || bytes.Contains(lower, []byte(hex.EncodeToString(part))) ||
			bytes.Contains(seen, []byte(base64.StdEncoding.EncodeToString(part)[:20])) ||
			bytes.Contains(seen, []byte(base64.URLEncoding.EncodeToString(part)[:20])) ||
			bytes.Contains(seen, decimal[1:len(decimal)-1]) {
			return true
		}
	}
	return false
}
