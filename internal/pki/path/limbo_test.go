package path

import (
	"crypto/x509"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
)

type limboCase struct {
	ID             string     `json:"id"`
	Trusted        []string   `json:"trusted_certs"`
	Intermediates  []string   `json:"untrusted_intermediates"`
	Peer           string     `json:"peer_certificate"`
	Time           *time.Time `json:"validation_time"`
	Usages         []string   `json:"extended_key_usage"`
	Expected       string     `json:"expected_result"`
	PeerName       *limboName `json:"expected_peer_name"`
	PeerNames      []limboName
	MaxChainDepth  *int     `json:"max_chain_depth"`
	CRLs           []string `json:"crls"`
	ValidationKind string   `json:"validation_kind"`
}

type limboName struct{ Kind, Value string }

// limboSlowest is how long one case may take, the denial-of-service ones included.
const limboSlowest = 250 * time.Millisecond

// TestLimbo runs x509-limbo (github.com/C2SP/x509-limbo, revision 8a2e6f4) without the groups about the web's own
// rules. What differs is in testdata/limbo-exceptions.txt: eleven issuer faults that RFC 5280, 6.1 does not check.
func TestLimbo(t *testing.T) {
	var suite struct {
		Cases []limboCase `json:"testcases"`
	}
	if err := json.NewDecoder(vectorFile(t, "x509-limbo-core.json.gz")).Decode(&suite); err != nil {
		t.Fatal(err)
	}
	if len(suite.Cases) != 152 {
		t.Fatalf("%d cases; want 152", len(suite.Cases))
	}
	listed := exceptions(t, "limbo-exceptions.txt")
	if len(listed) > 11 {
		t.Errorf("%d exceptions; at most 11", len(listed))
	}
	for _, tc := range suite.Cases {
		reason, isListed := listed[tc.ID]
		delete(listed, tc.ID)
		t.Run(tc.ID, func(t *testing.T) {
			start := time.Now()
			got, detail := limboRun(t, tc)
			if took := time.Since(start); took > limboSlowest {
				t.Errorf("took %v; at most %v", took, limboSlowest)
			}
			want := tc.Expected == "SUCCESS"
			if got != want && !isListed {
				t.Fatalf("accepted = %v, want %v: %s", got, want, detail)
			}
			if got == want && isListed {
				t.Fatalf("agrees, but is listed as an exception (%s): %s", reason, detail)
			}
			if isListed && want {
				t.Fatal("only false accepts of issuer faults may be listed")
			}
		})
	}
	for id := range listed {
		t.Errorf("exception %q is no case of the suite", id)
	}
}

func limboRun(t *testing.T, tc limboCase) (ok bool, detail string) {
	req := Request{TrustStoreTerminated: true, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if tc.Time != nil {
		req.Time = *tc.Time
	}
	if tc.MaxChainDepth != nil {
		if req.MaxDepth = *tc.MaxChainDepth; req.MaxDepth == 0 {
			req.MaxDepth = -1
		}
	}
	for _, u := range tc.Usages {
		req.Purposes = append(req.Purposes, map[string]x509.ExtKeyUsage{
			"serverAuth": x509.ExtKeyUsageServerAuth, "clientAuth": x509.ExtKeyUsageClientAuth}[u])
	}
	var err error
	read := func(texts []string) (out []*cert.Certificate) {
		for _, text := range texts {
			c, perr := cert.Parse([]byte(text), claviger.PEM)
			if perr != nil {
				err = perr
				continue
			}
			out = append(out, c)
		}
		return out
	}
	req.Anchors, req.Intermediates = read(tc.Trusted), read(tc.Intermediates)
	if leaf := read([]string{tc.Peer}); len(leaf) == 1 {
		req.Leaf = leaf[0]
	}
	for _, text := range tc.CRLs {
		l, perr := crl.Parse([]byte(text), claviger.PEM)
		if perr != nil {
			return false, perr.Error()
		}
		req.CRLs, req.Revocation = append(req.CRLs, l), claviger.CRLOnly
	}
	if req.Leaf == nil || len(req.Anchors) == 0 || err != nil {
		return false, err.Error()
	}
	r, err := Verify(req)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != claviger.Valid {
		return false, r.Verdict.String() + ": " + r.Detail
	}
	return limboPeer(req.Leaf, tc), "valid; the peer's name was compared"
}

// limboPeer compares the name that the application expects, which is not the verifier's business.
func limboPeer(leaf *cert.Certificate, tc limboCase) bool {
	if tc.PeerName == nil {
		return true
	}
	if tc.PeerName.Kind == "IP" {
		ip := net.ParseIP(tc.PeerName.Value)
		return slices.ContainsFunc(leaf.X509().IPAddresses, func(i net.IP) bool { return i.Equal(ip) })
	}
	return leaf.X509().VerifyHostname(strings.Trim(tc.PeerName.Value, "[]")) == nil
}
