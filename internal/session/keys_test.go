package session

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	pb "github.com/claviger/claviger/proto"
)

// code runs HMAC with a key that a verb made: two keys are the same if their codes are.
func (s *Session) code(t *testing.T, key uint64) []byte {
	t.Helper()
	out, err := s.OneShot(t.Context(), s.make(t, claviger.MACContext, "HMAC-SHA-256", key), nil, nil, 0, []byte("same?"), nil)
	ok(t, err)
	return out
}

var hkdf = &pb.Kdf{Algorithm: "HKDF-SHA256", Salt: []byte("salt"), Info: []byte("info")}

func TestBothSidesOfAnExchangeMakeTheSameKey(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	const mac = "HMAC-SHA-256"
	for _, alg := range []string{"ECDH-P256", "ECDH-P521", "X25519"} {
		a, b := s.key(t, alg, claviger.Agree), s.key(t, alg, claviger.Agree)
		public, err := s.PublicKey(t.Context(), &pb.PublicKeyRequest{Key: a, Format: uint32(claviger.PEM)})
		ok(t, err)
		one, err := s.Agree(t.Context(), &pb.AgreeRequest{Key: a, PeerKey: b, Derived: mac, Kdf: hkdf})
		ok(t, err)
		two, err := s.Agree(t.Context(), &pb.AgreeRequest{Key: b, Peer: public.Data, Format: uint32(claviger.PEM), Derived: mac, Kdf: hkdf})
		ok(t, err)
		plain, err := s.Agree(t.Context(), &pb.AgreeRequest{Key: b, PeerKey: public.Key.Handle})
		ok(t, err)
		if plain.Key.Algorithm != "SECRET" || plain.Key.Persistence != uint32(claviger.Ephemeral) {
			t.Errorf("%s: %v", alg, plain.Key)
		}
		three, err := s.Derive(t.Context(), &pb.DeriveRequest{Key: plain.Handle, Derived: mac, Kdf: hkdf})
		ok(t, err)
		if x := s.code(t, one.Handle); !bytes.Equal(x, s.code(t, two.Handle)) || !bytes.Equal(x, s.code(t, three.Handle)) {
			t.Errorf("%s: the keys differ", alg)
		}
		_, err = s.Export(t.Context(), &pb.ExportRequest{Key: plain.Handle, Format: uint32(claviger.Raw)})
		fails(t, "the raw secret", err, claviger.ErrKeyOperationNotPermitted)
		_, err = s.Agree(t.Context(), &pb.AgreeRequest{Key: a, PeerKey: b, Peer: public.Data})
		fails(t, "two peers", err, claviger.ErrInvalidArgument)
		_, err = s.Agree(t.Context(), &pb.AgreeRequest{Key: a, Peer: public.Data[1:], Format: uint32(claviger.PEM)})
		fails(t, "a broken peer", err, claviger.ErrInvalidFormat)
	}
	pair := s.key(t, "ML-KEM-768", claviger.Agree)
	public, err := s.PublicKey(t.Context(), &pb.PublicKeyRequest{Key: pair, Format: uint32(claviger.Raw)})
	ok(t, err)
	out, err := s.Encapsulate(t.Context(), &pb.EncapsulateRequest{Key: public.Key.Handle, Derived: mac, Kdf: hkdf})
	ok(t, err)
	back, err := s.Decapsulate(t.Context(), &pb.DecapsulateRequest{Key: pair, Ciphertext: out.Ciphertext, Derived: mac, Kdf: hkdf})
	ok(t, err)
	if !bytes.Equal(s.code(t, out.Key.Handle), s.code(t, back.Handle)) {
		t.Error("ML-KEM: the keys differ")
	}
	_, err = s.Decapsulate(t.Context(), &pb.DecapsulateRequest{Key: public.Key.Handle, Ciphertext: out.Ciphertext})
	fails(t, "decapsulate with the public half", err, claviger.ErrIncompatibleKeyType)
	long := &pb.Kdf{Algorithm: "HKDF-SHA256", Salt: make([]byte, 129)}
	_, err = s.Decapsulate(t.Context(), &pb.DecapsulateRequest{Key: pair, Ciphertext: out.Ciphertext, Kdf: long})
	fails(t, "a long salt", err, claviger.ErrParamTruncated)
}

func TestAVerbCanWriteIntoASlot(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	slot := s.slot(t, "mac")
	a, b := s.key(t, "X25519", claviger.Agree), s.key(t, "X25519", claviger.Agree)
	request := &pb.AgreeRequest{Key: a, PeerKey: b, Kdf: hkdf, Target: &pb.KeyTarget{Slot: slot}}
	made, err := s.Agree(t.Context(), request)
	ok(t, err)
	if made.Handle != 0 || made.Version != 1 || made.Key.Algorithm != "HMAC-SHA-256" || made.Key.Permissions != uint32(claviger.Mac) {
		t.Errorf("%v", made)
	}
	request = &pb.AgreeRequest{Key: b, PeerKey: a, Kdf: hkdf, Derived: "HMAC-SHA-256"}
	other, err := s.Agree(t.Context(), request)
	ok(t, err)
	if !bytes.Equal(s.code(t, slot), s.code(t, other.Handle)) {
		t.Error("the slot holds another key")
	}
	request.Target = &pb.KeyTarget{Slot: slot}
	_, err = s.Agree(t.Context(), request)
	fails(t, "occupied", err, claviger.ErrKeySlotOccupied)
	request.Target = &pb.KeyTarget{Rotate: true}
	_, err = s.Agree(t.Context(), request)
	fails(t, "rotate nothing", err, claviger.ErrInvalidArgument)
}

func TestExportAndImportAreEachOthersReverse(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	for _, c := range []struct {
		alg     string
		formats []claviger.Format
	}{
		{"AES-256", []claviger.Format{claviger.Raw}},
		{"RSA-2048", []claviger.Format{claviger.DER, claviger.PEM}},
		{"ECDSA-P256", []claviger.Format{claviger.DER, claviger.PEM}},
		{"Ed25519", []claviger.Format{claviger.DER, claviger.PEM}},
		{"ML-DSA-65", []claviger.Format{claviger.DER, claviger.PEM}},
	} {
		key := s.key(t, c.alg, claviger.AllPermissions)
		for _, f := range c.formats {
			out, err := s.Export(t.Context(), &pb.ExportRequest{Key: key, Format: uint32(f)})
			ok(t, err)
			name := c.alg
			if f != claviger.Raw {
				name = "" // the encoding says what it is
			}
			in, err := s.Import(t.Context(), &pb.ImportRequest{Algorithm: name, Format: uint32(f), Data: bytes.Clone(out.Data)})
			ok(t, err)
			again, err := s.Export(t.Context(), &pb.ExportRequest{Key: in.Handle, Format: uint32(f)})
			if err != nil || !bytes.Equal(out.Data, again.Data) || in.Key.Algorithm != c.alg {
				t.Errorf("%s as %s: %v, %v", c.alg, f, in.Key, err)
			}
		}
	}
	request := &pb.ImportRequest{Format: 9, Data: []byte("x")}
	_, err := s.Import(t.Context(), request)
	fails(t, "unknown format", err, claviger.ErrInvalidArgument)
	if request.Data[0] != 0 {
		t.Error("the bytes of the request are still there")
	}
	_, err = s.Import(t.Context(), &pb.ImportRequest{Algorithm: "AES-256", Format: uint32(claviger.Raw), Data: []byte("short")})
	fails(t, "a short key", err, claviger.ErrIncompatibleKeyType)
}

func TestAnEphemeralKeyStaysAfterPersisting(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	key := s.key(t, "AES-256", twoWay)
	info, err := s.KeyInfo(t.Context(), &pb.KeyInfoRequest{Key: key})
	ok(t, err)
	if info.Handle != 0 || info.Key.Permissions != uint32(twoWay) || info.Key.Persistence != uint32(claviger.Ephemeral) || info.Key.Bits != 256 {
		t.Errorf("%v", info)
	}
	slot := s.slot(t, "data")
	_, err = s.Persist(t.Context(), &pb.PersistRequest{Key: key, Slot: slot})
	ok(t, err)
	_, err = s.Persist(t.Context(), &pb.PersistRequest{Key: slot, Slot: s.slot(t, "spare")})
	fails(t, "a slot as key", err, claviger.ErrInvalidResourceType)
	iv := make([]byte, 16)
	mine, err := s.OneShot(t.Context(), s.make(t, claviger.CipherContext, "AES-256-CBC", key), iv, nil, 0, []byte("x"), nil)
	ok(t, err)
	stored, err := r.session(t, alice).withSlot(t, "data", iv)
	if err != nil || !bytes.Equal(mine, stored) {
		t.Errorf("the slot encrypts otherwise: %v", err)
	}
}

// withSlot encrypts one letter with a slot's key in another session.
func (s *Session) withSlot(t *testing.T, name string, iv []byte) ([]byte, error) {
	return s.OneShot(t.Context(), s.make(t, claviger.CipherContext, "AES-256-CBC", s.slot(t, name)), iv, nil, 0, []byte("x"), nil)
}

func TestRequestsWithNumbersOutOfRangeAreRefused(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	key := s.key(t, "AES-256", claviger.AllPermissions)
	for what, err := range map[string]error{
		"kind":      second(s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: 1<<8 + 1, Algorithm: "SHA-256"})),
		"direction": second(s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: 3, Algorithm: "AES-256-CBC", Key: key, Direction: 1 << 8})),
		"size":      second(s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: 1, Algorithm: "SHAKE-128", Size: 1 << 31})),
		"type":      second(s.Resolve(t.Context(), &pb.ResolveRequest{Name: "data", Type: 1<<8 + 1})),
		"format":    second(s.Export(t.Context(), &pb.ExportRequest{Key: key, Format: 1<<8 + 2})),
		"version":   second(s.Export(t.Context(), &pb.ExportRequest{Key: key, Version: 1})),
		"kinds":     second(s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "AES-256", Target: &pb.KeyTarget{Provider: &pb.Selector{Kind: 1<<8 + 2}}})),
	} {
		fails(t, what, err, claviger.ErrInvalidArgument)
	}
	_, err := s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "AES-256", Target: &pb.KeyTarget{Provider: &pb.Selector{Id: 1<<16 + 2}}})
	fails(t, "provider", err, claviger.ErrProviderNotAvailable)
	_, err = s.OneShot(t.Context(), key, nil, nil, 0, nil, nil)
	fails(t, "a key as context", err, claviger.ErrInvalidResourceType)
	_, err = s.Region(key)
	fails(t, "a key as region", err, claviger.ErrInvalidMemoryRegion)
	if s.Cost(s.make(t, claviger.HashContext, "SHA-256", 0), 1<<20) != provider.Pool {
		t.Error("a long message is not for the pool")
	}
}

// rootCertificate makes a self-signed certificate and a revocation list of it.
func rootCertificate(t *testing.T) (der, crl []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte("root")}
	der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ok(t, err)
	parsed, err := x509.ParseCertificate(der)
	ok(t, err)
	crl, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}, parsed, key)
	ok(t, err)
	return der, crl
}

// listed gives the states of certificate slots as the list of slots has them.
func listed(t *testing.T, s *Session) map[string]uint32 {
	t.Helper()
	list, err := s.ListSlots(t.Context(), nil)
	ok(t, err)
	states := make(map[string]uint32)
	for _, n := range list.Slots {
		if n.Type == uint32(claviger.TypeCertSlot) {
			states[n.Name] = n.Certificate
		}
	}
	return states
}

func TestCertificatesThroughASession(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	resolve := func(name string, kind claviger.ResourceType) uint64 {
		reply, err := s.Resolve(t.Context(), &pb.ResolveRequest{Name: name, Type: uint32(kind)})
		ok(t, err)
		return reply.Handle
	}
	slot, device, trust := resolve("root", claviger.TypeCertSlot), resolve("device", claviger.TypeCertSlot), resolve("roots", claviger.TypeTrustStore)
	der, crl := rootCertificate(t)
	bundle := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	parsed, err := s.ParseCertificate(t.Context(), &pb.ParseCertificateRequest{Data: bundle, Format: uint32(claviger.PEM), Several: true})
	if err != nil || len(parsed.Handles) != 2 {
		t.Fatalf("%v, %v", parsed, err)
	}
	cert := parsed.Handles[0]
	_, err = s.SaveCertificate(t.Context(), &pb.SaveCertificateRequest{Certificate: cert, Slot: slot})
	ok(t, err)
	info, err := s.CertificateInfo(t.Context(), &pb.CertificateRequest{Certificate: slot})
	if err != nil || info.Subject != "CN=root" || info.State != uint32(claviger.SlotOccupied) || len(info.Fingerprint) != 32 || info.HasCrl {
		t.Errorf("%v, %v", info, err)
	}
	if states := listed(t, s); states["root"] != uint32(claviger.SlotOccupied) || states["device"] != uint32(claviger.SlotEmpty) || len(states) != 2 {
		t.Errorf("the list says %v", states)
	}
	members, err := s.TrustStoreMembers(t.Context(), &pb.CertificateRequest{Certificate: trust})
	if err != nil || len(members.Members) != 1 {
		t.Errorf("%v, %v", members, err)
	}
	verify := &pb.VerifyCertificateRequest{Certificate: cert, TrustStores: []uint64{trust}, TrustStoreTerminated: true}
	result, err := s.VerifyCertificate(t.Context(), verify)
	if err != nil || result.Verdict != uint32(claviger.Valid) || len(result.Chain) == 0 || !bytes.Equal(result.Chain[0], der) {
		t.Errorf("%v, %v", result, err)
	}
	_, err = s.ImportCrl(t.Context(), &pb.ImportCrlRequest{Data: crl, Issuer: cert})
	ok(t, err)
	if info, err = s.CertificateInfo(t.Context(), &pb.CertificateRequest{Certificate: cert}); err != nil || !info.HasCrl {
		t.Errorf("%v, %v", info, err)
	}
	_, err = s.ImportCrl(t.Context(), &pb.ImportCrlRequest{Data: crl, Issuer: device})
	fails(t, "a list without the right", err, claviger.ErrAccessDenied)
	_, err = s.ClearCertificate(t.Context(), &pb.CertificateRequest{Certificate: slot})
	fails(t, "clear without the right", err, claviger.ErrAccessDenied)
	key, err := s.CertificateKey(t.Context(), &pb.CertificateRequest{Certificate: slot})
	if err != nil || key.Algorithm != "ECDSA-P256" || key.Key.Handle == 0 {
		t.Errorf("%v, %v", key, err)
	}
	loaded, err := s.LoadCertificate(t.Context(), &pb.CertificateRequest{Certificate: slot})
	ok(t, err)
	out, err := s.ExportCertificate(t.Context(), &pb.ExportCertificateRequest{Certificate: loaded.Handle, Format: uint32(claviger.DER)})
	if err != nil || !bytes.Equal(out.Data, der) {
		t.Errorf("%v", err)
	}
	_, err = s.LoadCertificate(t.Context(), &pb.CertificateRequest{Certificate: device})
	fails(t, "an empty slot", err, claviger.ErrKeySlotEmpty)
	_, err = s.VerifyCertificate(t.Context(), &pb.VerifyCertificateRequest{Certificate: cert})
	fails(t, "no anchors", err, claviger.ErrTrustAnchorNotFound)
}
