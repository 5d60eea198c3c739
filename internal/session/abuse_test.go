package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// authority is a self-signed certificate and a revocation list of it with so many entries.
func authority(t testing.TB, entries int) (certificate, list []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	x := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	certificate, err = x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	ok(t, err)
	crl := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}
	for i := range entries {
		crl.RevokedCertificateEntries = append(crl.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i) + 1000), RevocationTime: time.Now()})
	}
	list, err = x509.CreateRevocationList(rand.Reader, crl, x, key)
	ok(t, err)
	return certificate, list
}

func TestHeldCertificatesAndListsAreCharged(t *testing.T) {
	r := newRig(t, Limits{HeldBytes: 200 << 10})
	s := r.session(t, alice)
	der, list := authority(t, 1000)
	parse := func() (uint64, error) {
		reply, err := s.ParseCertificate(t.Context(), &pb.ParseCertificateRequest{Data: der, Format: uint32(claviger.DER)})
		if err != nil {
			return 0, err
		}
		return reply.Handles[0], nil
	}
	keep := func(h uint64) error {
		_, err := s.ImportCrl(t.Context(), &pb.ImportCrlRequest{Data: list, Format: uint32(claviger.DER), Issuer: h})
		return err
	}
	h, err := parse()
	ok(t, err)
	if held := s.tenant.held.Load(); held < int64(len(der)) {
		t.Errorf("%d bytes are charged for a certificate of %d", held, len(der))
	}
	alone := s.tenant.held.Load()
	for range 3 { // the same list again takes the place of the one before
		ok(t, keep(h))
	}
	if held := s.tenant.held.Load() - alone; held < int64(len(list)) || held > 10*int64(len(list)) {
		t.Errorf("%d bytes are charged for a list of %d", held, len(list))
	}
	var refused error
	for range 100 {
		h, err := parse()
		if err == nil {
			err = keep(h)
		}
		if err != nil {
			refused = err
			break
		}
	}
	fails(t, "more lists than the tenant has bytes for", refused, claviger.ErrQuotaExceeded)
	s.Close()
	if held := s.tenant.held.Load(); held != 0 {
		t.Errorf("%d bytes are charged after the session", held)
	}
}

// nothing is a region without memory.
type nothing struct{}

func (nothing) Close() error { return nil }

func TestSmallRegionsAreChargedForTheirDescriptors(t *testing.T) {
	r := newRig(t, Limits{RegionBytes: 4 << 20})
	s := r.session(t, alice)
	n := 0
	for ; n < 100; n++ {
		if _, err := s.AddRegion(nothing{}, 1); err != nil {
			fails(t, "a region too many", err, claviger.ErrQuotaExceeded)
			break
		}
	}
	if n > 8 {
		t.Errorf("%d regions of one byte under a limit of 4 MiB, each with a descriptor of the daemon's", n)
	}
	s.Close()
	if left := s.tenant.regions.Load(); left != 0 {
		t.Errorf("%d bytes are charged after the session", left)
	}
}

func TestVerificationRefusesMoreHandlesThanItLooksAt(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	der, _ := authority(t, 0)
	parsed, err := s.ParseCertificate(t.Context(), &pb.ParseCertificateRequest{Data: der, Format: uint32(claviger.DER)})
	ok(t, err)
	root, err := s.Resolve(t.Context(), &pb.ResolveRequest{Name: "root", Type: uint32(claviger.TypeCertSlot)})
	ok(t, err)
	_, err = s.SaveCertificate(t.Context(), &pb.SaveCertificateRequest{Certificate: parsed.Handles[0], Slot: root.Handle})
	ok(t, err)
	roots, err := s.Resolve(t.Context(), &pb.ResolveRequest{Name: "roots", Type: uint32(claviger.TypeTrustStore)})
	ok(t, err)
	request := &pb.VerifyCertificateRequest{Certificate: parsed.Handles[0], TrustStores: make([]uint64, 200_000)}
	for i := range request.TrustStores {
		request.TrustStores[i] = roots.Handle
	}
	start := time.Now()
	_, err = s.VerifyCertificate(t.Context(), request)
	fails(t, "a trust store given 200,000 times", err, claviger.ErrInvalidArgument)
	if took := time.Since(start); took > time.Second {
		t.Errorf("refused after %s", took)
	}
}

func TestWithdrawnRightIsLoggedOncePerContextAndPolicy(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	key := s.fill(t, "mac")
	contexts := []uint64{s.make(t, claviger.MACContext, "HMAC-SHA-256", key), s.make(t, claviger.MACContext, "HMAC-SHA-256", key)}
	withdraw := func(n int) {
		t.Helper()
		r.SetPolicy(policy.New(rules(func(r *policy.Rules) { delete(r.Apps[0].Resources, "mac") })))
		r.log.take()
		for range 50 {
			for _, h := range contexts {
				_, err := s.OneShot(t.Context(), h, nil, nil, 0, nil, nil)
				fails(t, "a call under a withdrawn right", err, claviger.ErrInvalidResourceID)
			}
		}
		if lines := r.log.take(); len(lines) != n || n > 0 && !strings.Contains(lines[0], "outcome=refused") {
			t.Errorf("%d lines are logged for 100 refused calls on 2 contexts: %v", len(lines), lines)
		}
	}
	withdraw(2)
	r.SetPolicy(policy.New(rules()))
	_, err := s.OneShot(t.Context(), contexts[0], nil, nil, 0, nil, nil)
	ok(t, err)
	withdraw(2)
}
