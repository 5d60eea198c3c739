package frozen_test

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// conversation is what one client asks, over a recorded store. What it asks follows from the store alone, so that the answers
// that were recorded fit whenever it is asked again. A conversation never changes: what is new is a new one.
type conversation struct {
	name  string
	over  string // kind of recording that it needs
	guest client.GuestIdentity
	parts []part
}

// part is a part of a conversation that needs no other.
type part struct {
	name string
	ask  func(*talk, *testing.T)
}

// conversations lists them. Regions come last, because the client releases unused ones after a while.
func conversations() []conversation {
	return []conversation{
		{name: "program", over: "store", parts: []part{
			{"opening", (*talk).opening}, {"names", (*talk).names}, {"hashes", (*talk).hashes}, {"codes", (*talk).codes}, {"ciphers", (*talk).ciphers},
			{"sealing", (*talk).sealing}, {"signatures", (*talk).signatures}, {"loading", (*talk).loading}, {"making", (*talk).making},
			{"storing", (*talk).storing}, {"certificates", (*talk).certificates}, {"keeping", (*talk).keeping}, {"capsules", (*talk).capsules},
			{"managing", (*talk).managing}, {"states", (*talk).states}, {"administration", (*talk).administration},
			{"together", (*talk).together}, {"giving up", (*talk).givingUp}, {"regions", (*talk).regions},
		}},
		{name: "guest", over: "store", guest: client.GuestIdentity{SHA256: guestSHA256()}, parts: []part{{"guest", (*talk).beingGuest}}},
		{name: "tokens", over: "token", parts: []part{{"listing", (*talk).listing}, {"adopting", (*talk).adopting}, {"inside", (*talk).inside}}},
	}
}

// askedOtherwise reports whether the client of today asks a part of a recorded conversation otherwise than it did when it was
// recorded, as it may. The recorded daemon then has no answer for it; the daemon of today still answers the recorded client.
func askedOtherwise(recording, part string) bool { return false }

// converse has a client ask everything but some parts, and gives what it understood, line by line.
func (c *conversation) converse(t *testing.T, stack *client.Stack, r *results, without func(part string) bool) []string {
	k := &talk{session: open(t, stack), results: r}
	for _, p := range c.parts {
		if k.part = p.name; !without(p.name) {
			p.ask(k, t)
		}
	}
	check(t, k.cc.Close())
	return k.said
}

// talk is a session whose answers are written down as the client understands them.
type talk struct {
	*session
	*results
	part string
	said []string
}

// say writes down an answer: bytes in hexadecimal, enumerations as numbers, and errors as their codes. Words for people are
// none of a promise.
func (k *talk) say(what string, answers ...any) {
	line := k.part + ": " + what
	for _, a := range answers {
		line += " " + spell(a)
	}
	k.said = append(k.said, line)
}

func spell(answer any) string {
	switch a := answer.(type) {
	case nil:
		return "-"
	case []byte:
		return hex.EncodeToString(a)
	case [32]byte:
		return hex.EncodeToString(a[:])
	case error:
		return fmt.Sprintf("%#08x", uint32(claviger.CodeOf(a)))
	case time.Time:
		return fmt.Sprint(a.Unix())
	case claviger.KeyInfo:
		return spell([]any{a.Algorithm, a.Class, a.Persistence, a.Permissions, a.Provider, a.Bits})
	case claviger.KeyVersion:
		return spell([]any{a.Version, a.ID})
	case claviger.SecretInfo:
		return spell([]any{a.ID, a.Tenant, a.TenantID, a.Retired, a.Latest, a.Versions})
	case claviger.SecretVersion:
		return spell([]any{a.Version, a.Expires, a.Size, a.Expired})
	case claviger.ManagedInfo:
		return spell([]any{a.ID, a.Type, a.Algorithm, a.Latest, a.Versions})
	case client.CertificateInfo:
		return spell([]any{a.State, a.Subject, a.Issuer, a.Serial, a.NotBefore, a.NotAfter, a.KeyAlgorithm, a.Fingerprint, a.HasCRL})
	}
	switch v := reflect.ValueOf(answer); {
	case v.Kind() == reflect.Slice:
		words := make([]string, v.Len())
		for i := range words {
			words[i] = spell(v.Index(i).Interface())
		}
		return "[" + strings.Join(words, " ") + "]"
	case v.CanInt():
		return fmt.Sprint(v.Int())
	case v.CanUint():
		return fmt.Sprint(v.Uint())
	default:
		return fmt.Sprint(v)
	}
}

func (k *talk) opening(t *testing.T) {
	k.say("tenant", k.stack.Tenant())
	check(t, k.stack.Ping(k.ctx))
}

// beingGuest asks as the guest, whose session begins with who it is.
func (k *talk) beingGuest(t *testing.T) {
	g := k.Guest
	k.say("tenant", k.stack.Tenant())
	k.say("secret", must(k.secrets.Get(k.ctx, g.Secret.ID, 1))(t).Value)
	_, err := k.secrets.Get(k.ctx, k.Secrets[0].ID, 1)
	k.say("another tenant's secret", err)
	key := must(k.secrets.OpenKey(k.ctx, g.Managed.ID, claviger.LatestVersion))(t)
	k.say("managed key", key.Version(), key.Algorithm(), made(t, k.session, key, k.Message))
	check(t, key.Close())
	k.say("code", k.code(t, k.slot(t, "Code"), k.Message))
	_, err = k.cc.KeySlot(k.ctx, "Data")
	k.say("a name of the program's", err)
	k.say("reload", k.stack.Reload(k.ctx))
}

func (k *talk) names(t *testing.T) {
	for _, name := range []string{"Data", "Code", "Worn"} {
		slot := k.slot(t, name)
		info := must(slot.Info(k.ctx))(t)
		k.say("slot", name, slot.Provider(), info.State, info.Algorithm, info.Permissions, info.Versions)
	}
	object := must(k.slot(t, "Data").Object(k.ctx))(t)
	k.say("object", object.CompatibleProviders(), object.CallerNonce(), object.Modes())
	_, err := k.cc.KeySlot(k.ctx, "Nothing")
	k.say("no such name", err)
	_, err = k.cc.TrustStore(k.ctx, "Data")
	k.say("a name of another type", err)
	for _, s := range must(k.stack.Slots(k.ctx))(t) {
		k.say("listed", s.Name, s.Slot, s.Type, s.Info.State, s.Info.Versions)
	}
	a := must(k.stack.Algorithm(k.ctx, "sha256"))(t)
	k.say("algorithm", a.Name, a.Operations, a.Providers)
	_, err = k.stack.Algorithm(k.ctx, "ROT13")
	k.say("no such algorithm", err)
}

func (k *talk) hashes(t *testing.T) {
	h := must(k.cc.NewHash(k.ctx, client.HashConfig{Algorithm: "SHA-256"}))(t)
	k.say("hash", h.Algorithm(), h.Size(), h.Provider(), must(h.Sum(k.ctx, nil, k.Message))(t))
	check(t, h.Init(k.ctx))
	k.say("init again", h.Init(k.ctx))
	check(t, h.Update(k.ctx, k.Message[:10]))
	check(t, h.Update(k.ctx, k.Message[10:]))
	k.say("in parts", must(h.Finalize(k.ctx, nil))(t))
	check(t, h.Init(k.ctx))
	check(t, h.Reset(k.ctx))
	k.say("update after reset", h.Update(k.ctx, k.Message))
	std := h.Std()
	must(std.Write(make([]byte, 70_000)))(t)
	k.say("so far", std.Sum(nil))
	must(std.Write(k.Message))(t)
	k.say("in all", std.Sum(nil))
	check(t, h.Close())
	x := must(k.cc.NewHash(k.ctx, client.HashConfig{Algorithm: "SHAKE-128", Size: 100, Timeout: time.Minute}))(t)
	k.say("extendable output", must(x.Sum(k.ctx, nil, k.Message))(t))
	check(t, x.Close())
	random := must(k.cc.NewRandom(k.ctx, client.RandomConfig{}))(t)
	k.say("random", len(must(random.Generate(k.ctx, nil, 33))(t)))
	check(t, random.Close())
}

func (k *talk) codes(t *testing.T) {
	m := must(k.cc.NewMAC(k.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: k.slot(t, "Code"), Timeout: client.NoTimeout}))(t)
	k.say("code", m.Size(), must(m.Sum(k.ctx, nil, k.Message))(t))
	k.say("right", must(m.Verify(k.ctx, k.Message, k.Code))(t))
	k.say("wrong", must(m.Verify(k.ctx, k.Message[1:], k.Code))(t))
	check(t, m.Init(k.ctx))
	check(t, m.Update(k.ctx, k.Message))
	k.say("right in parts", must(m.VerifyFinalize(k.ctx, k.Code))(t))
	check(t, m.Init(k.ctx))
	k.say("code of nothing", must(m.Finalize(k.ctx, nil))(t))
	check(t, m.Close())
	_, err := k.cc.NewMAC(k.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: k.slot(t, "Worn")})
	k.say("an empty slot", err)
	_, err = k.cc.NewMAC(k.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: k.slot(t, "Data")})
	k.say("a key for something else", err)
}

func (k *talk) ciphers(t *testing.T) {
	for _, e := range k.Data {
		version := k.slot(t, "Data").Version(e.Version)
		c := must(k.cc.NewCipher(k.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: version, Direction: claviger.Decrypting}))(t)
		k.say("decrypt", c.IVSize(), c.BlockSize(), must(c.Decrypt(k.ctx, nil, e.IV, e.CBC))(t))
		check(t, c.Init(k.ctx, e.IV))
		part := must(c.Update(k.ctx, nil, e.CBC[:40]))(t)
		part = must(c.Update(k.ctx, part, e.CBC[40:]))(t)
		k.say("decrypt in parts", len(part), must(c.Finalize(k.ctx, part))(t))
		_, err := c.Decrypt(k.ctx, nil, e.IV, e.CBC[:20])
		k.say("half a block", err)
		_, err = c.Decrypt(k.ctx, nil, e.IV[1:], e.CBC)
		k.say("too short an IV", err)
		check(t, c.Close())
	}
	iv := make([]byte, 16)
	for _, algorithm := range []claviger.Algorithm{"AES-256-CBC", "AES-256-CTR"} {
		c := must(k.cc.NewCipher(k.ctx, client.CipherConfig{Algorithm: algorithm, Key: k.slot(t, "Data")}))(t)
		k.say("encrypt", algorithm, must(c.Encrypt(k.ctx, nil, iv, k.Message))(t))
		check(t, c.Close())
	}
	_, err := k.cc.NewCipher(k.ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: k.slot(t, "Data").Version(1)})
	k.say("encrypt with an older version", err)
	c := must(k.cc.NewCipher(k.ctx, client.CipherConfig{Algorithm: "RSA-OAEP-SHA-256", Key: k.slot(t, "RSA"), Direction: claviger.Decrypting}))(t)
	k.say("decrypt with a pair", must(c.Decrypt(k.ctx, nil, nil, k.Decryption))(t))
	check(t, c.Close())
}

func (k *talk) sealing(t *testing.T) {
	for _, e := range k.Data {
		version := k.slot(t, "Data").Version(e.Version)
		a := must(k.cc.NewAEAD(k.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: version, Direction: claviger.Decrypting}))(t)
		k.say("open", a.NonceSize(), a.TagSize(), must(a.Open(k.ctx, nil, nil, e.Sealed, k.AAD))(t))
		_, err := a.Open(k.ctx, nil, nil, e.Sealed, nil)
		k.say("without associated data", err)
		check(t, a.Init(k.ctx, e.Sealed[:12], k.AAD))
		must(a.Update(k.ctx, nil, e.Sealed[12:]))(t)
		k.say("open in parts", must(a.Finalize(k.ctx, nil))(t))
		check(t, a.Close())
	}
	a := must(k.cc.NewAEAD(k.ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: k.slot(t, "Data")}))(t)
	k.say("seal", a.DaemonNonce(), len(must(a.Seal(k.ctx, nil, nil, k.Message, k.AAD))(t)))
	check(t, a.Init(k.ctx, nil, k.AAD))
	must(a.Update(k.ctx, nil, k.Message))(t)
	k.say("seal in parts", len(a.Nonce()), len(must(a.Finalize(k.ctx, nil))(t)))
	_, err := a.Seal(k.ctx, nil, make([]byte, 12), k.Message, nil)
	k.say("a nonce of one's own", err)
	check(t, a.Close())
}

func (k *talk) signatures(t *testing.T) {
	for _, p := range k.Signing {
		s := must(k.cc.NewSigner(k.ctx, client.SignerConfig{Algorithm: p.Algorithm, Key: k.slot(t, p.Slot)}))(t)
		signature := must(s.Sign(k.ctx, nil, k.Message))(t)
		k.say("sign", p.Slot, s.SignatureSize(), len(signature))
		check(t, s.Close())
		v := must(k.cc.NewVerifier(k.ctx, client.VerifierConfig{Algorithm: p.Algorithm, Key: k.slot(t, p.Slot)}))(t)
		for _, one := range [][]byte{signature, p.Signature, p.Signature[1:]} {
			k.say("verify", must(v.Verify(k.ctx, k.Message, one))(t))
		}
		check(t, v.Init(k.ctx))
		check(t, v.Update(k.ctx, k.Message))
		k.say("verify in parts", must(v.VerifyFinalize(k.ctx, p.Signature))(t))
		check(t, v.Close())
	}
	der := must(k.cc.NewSigner(k.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: k.slot(t, "ECDSA"), DER: true, Digest: true}))(t)
	k.say("sign a digest", must(der.Sign(k.ctx, nil, make([]byte, 32)))(t)[0])
	_, err := der.Sign(k.ctx, nil, make([]byte, 31))
	k.say("no digest", err)
	check(t, der.Close())
}
