package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/server/servertest"
)

// token is a software provider that keeps objects.
type token struct {
	provider.Provider
	objects []provider.Object
}

func (p *token) put(t *testing.T, alg claviger.Algorithm, class claviger.KeyClass, label, id string) {
	t.Helper()
	spec := provider.Spec{Algorithm: alg, Class: class}
	key := got(p.Generate(t.Context(), spec))(t)
	defer key.Close()
	blob := got(key.Blob(t.Context(), provider.Tag{}))(t)
	defer blob.Close()
	p.objects = append(p.objects, provider.Object{Spec: spec, Bits: 256, Label: label, ID: []byte(id), Blob: bytes.Clone(blob.Bytes())})
}

func (p *token) Objects(_ context.Context, q provider.Query) ([]provider.Object, error) {
	var found []provider.Object
	for _, o := range p.objects {
		if (q.Label == "" || q.Label == o.Label) && (len(q.ID) == 0 || bytes.Equal(q.ID, o.ID)) && (q.Algorithm == "" || q.Algorithm == o.Spec.Algorithm) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (p *token) Destroy(context.Context, []byte) error { return nil }

// newTokenCLI runs commands against a daemon graph whose provider 2, "software", is a token with three keys.
func newTokenCLI(t *testing.T) *cli {
	t.Helper()
	p := &token{Provider: software.New()}
	p.put(t, "AES-256", claviger.SecretKey, "backup", "\x01\xff")
	p.put(t, "ECDSA-P256", claviger.PrivateKey, "device key", "\x02")
	p.put(t, "ECDSA-P256", claviger.PrivateKey, "\x1b[2J", "")
	p.objects[2].Spec.Algorithm = ""
	return &cli{t, t.TempDir(), servertest.Start(t, servertest.Config{Provider: p}).Path}
}

func TestObjectsOfATokenAreListed(t *testing.T) {
	c := newTokenCLI(t)
	want := "LABEL       ID    CLASS    ALGORITHM   BITS\n" +
		"?[2J        -     private  -           256\n" +
		"backup      01ff  secret   AES-256     256\n" +
		"device key  02    private  ECDSA-P256  256\n"
	for _, line := range []string{"slot objects 2", "slot objects software"} {
		if out := c.ok("", line); out != want {
			t.Errorf("%s:\n%s", line, out)
		}
	}
	for _, line := range []string{"--label backup", "--id 01ff", "--id 01:FF", "--algorithm aes-256", "--label backup --id 01ff"} {
		if out := c.ok("", "slot objects 2 "+line); strings.Count(out, "\n") != 2 || !strings.Contains(out, "\nbackup ") {
			t.Errorf("%s:\n%s", line, out)
		}
	}
	if out := c.ok("", "slot objects 2 --json --id 02"); !strings.Contains(out, `"label": "device key",`) || !strings.Contains(out, `"id": "02",`) ||
		!strings.Contains(out, `"class": "private",`) || !strings.Contains(out, `"algorithm": "ECDSA-P256",`) || !strings.Contains(out, `"bits": 256`) {
		t.Errorf("%s", out)
	}
	if out := c.ok("", "slot objects 2 --json --label none"); out != "[]\n" {
		t.Errorf("%s", out)
	}
	c.fails("", "slot objects 3", exitOther, "ProviderNotAvailable")
	c.fails("", "slot objects hsm", exitOther, "ProviderNotAvailable")
	c.fails("", "slot objects 2 --algorithm ROT13", exitOther, "UnsupportedAlgorithm")
}

func TestAdoptBindsASlotToAnObject(t *testing.T) {
	c := newTokenCLI(t)
	if out := c.ok("", "slot adopt a --label backup"); out != "a: AES-256, version 1, provider 2\n" {
		t.Errorf("%s", out)
	}
	if plain := c.ok(c.ok("hello", "encrypt --key a"), "decrypt"); plain != "hello" {
		t.Errorf("%q came back", plain)
	}
	c.fails("", "slot adopt a --label backup", exitOther, "KeySlotOccupied")
	if out := c.ok("", "slot adopt a --id 01:ff --rotate --permissions decrypt --json"); !strings.Contains(out, `"version": 2`) || !strings.Contains(out, "[\n    \"decrypt\"\n  ]") {
		t.Errorf("%s", out)
	}
	c.fails("hello", "encrypt --key a", exitRefused, "KeyOperationNotPermitted")
	c.fails("", "slot adopt a --id 02 --rotate", exitOther, "IncompatibleKeyType")
	c.fails("", "slot adopt b --label none", exitOther, "ResourceNotFound")
}
