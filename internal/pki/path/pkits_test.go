package path

import (
	"crypto/x509"
	"encoding/json"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
)

type pkitsCase struct {
	Name                        string
	CertPath, CRLPath           []string
	ShouldValidate              bool
	InitialPolicySet            []string
	InitialPolicyMappingInhibit bool
	InitialExplicitPolicy       bool
	InitialAnyPolicyInhibit     bool
}

// TestPKITS runs the Public Key Interoperability Test Suite of NIST, all 249 tests with their revocation lists. No
// false accept is allowed; the false rejects are in testdata/pkits-exceptions.txt.
func TestPKITS(t *testing.T) {
	files := vectorArchive(t, "nist-pkits.tar.gz")
	var cases []pkitsCase
	if err := json.Unmarshal(files["nist-pkits/vectors.json"], &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 249 {
		t.Fatalf("%d tests; want 249", len(cases))
	}
	listed := exceptions(t, "pkits-exceptions.txt")
	for _, tc := range cases {
		reason, isListed := listed[tc.Name]
		delete(listed, tc.Name)
		t.Run(tc.Name, func(t *testing.T) {
			got, detail := pkitsRun(t, files, tc)
			switch {
			case got && !tc.ShouldValidate:
				t.Fatal("false accept")
			case !got && tc.ShouldValidate && !isListed:
				t.Fatalf("false reject: %s", detail)
			case got == tc.ShouldValidate && isListed:
				t.Fatalf("passes, but is listed as a false reject (%s)", reason)
			}
		})
	}
	for name := range listed {
		t.Errorf("exception %q is no test of the suite", name)
	}
}

func pkitsRun(t *testing.T, files map[string][]byte, tc pkitsCase) (ok bool, detail string) {
	req := Request{
		Time:       time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), // everything in the suite is valid to 2030
		Revocation: claviger.CRLOnly,
		Policy: Policy{
			Acceptable:      pkitsPolicies(t, tc.InitialPolicySet),
			RequireExplicit: tc.InitialExplicitPolicy,
			InhibitMapping:  tc.InitialPolicyMappingInhibit,
			InhibitAny:      tc.InitialAnyPolicyInhibit,
		},
	}
	for i, name := range tc.CertPath {
		data, found := files["nist-pkits/certs/"+name]
		if !found {
			t.Fatalf("no file %s", name)
		}
		c, err := cert.Parse(data, claviger.DER)
		switch {
		case err != nil:
			return false, name + ": " + err.Error()
		case i == 0:
			req.Anchors = append(req.Anchors, c)
		case i == len(tc.CertPath)-1:
			req.Leaf = c
		default:
			req.Intermediates = append(req.Intermediates, c)
		}
	}
	for _, name := range tc.CRLPath {
		data, found := files["nist-pkits/crls/"+name]
		if !found {
			t.Fatalf("no file %s", name)
		}
		l, err := crl.Parse(data, claviger.DER)
		if err != nil {
			return false, name + ": " + err.Error()
		}
		req.CRLs = append(req.CRLs, l)
	}
	r, err := Verify(req)
	if err != nil {
		t.Fatal(err)
	}
	return r.Verdict == claviger.Valid, r.Verdict.String() + ": " + r.Detail
}

func pkitsPolicies(t *testing.T, names []string) []x509.OID {
	oids := map[string]string{
		"anyPolicy":          "2.5.29.32.0",
		"NIST-test-policy-1": "2.16.840.1.101.3.2.1.48.1",
		"NIST-test-policy-2": "2.16.840.1.101.3.2.1.48.2",
		"NIST-test-policy-3": "2.16.840.1.101.3.2.1.48.3",
		"NIST-test-policy-6": "2.16.840.1.101.3.2.1.48.6",
	}
	var out []x509.OID
	for _, n := range names {
		oid, err := x509.ParseOID(oids[n])
		if err != nil {
			t.Fatalf("policy %s: %v", n, err)
		}
		out = append(out, oid)
	}
	return out
}
