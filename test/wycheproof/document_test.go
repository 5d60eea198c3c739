package wycheproof

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

//go:generate go test -run TestVectors . -update

var update = flag.Bool("update", false, "write docs/VECTORS.md")

const preface = `# Public test vectors

This file is written by the test that runs the vectors (` + "`go generate ./test/wycheproof`" + `).

All files of Project Wycheproof, module github.com/c2sp/wycheproof, go through the software provider, with keys imported as users import
them. "Passed": a valid vector gave exactly the expected bytes, in both directions where there are two; an invalid one was refused; an
acceptable one may do either. ML-DSA signatures are randomised: there the expected signature verifies, and so does one made here. ECDSA,
EdDSA and RSA-PSS vectors are about verification. What other nonces AES-SIV takes, KMAC codes of other lengths and labels of RSA-OAEP are
tested on the primitive, because the API has no place for them; with expanded private keys so are the exact signatures of ML-DSA, its contexts
and its message representatives. "Otherwise by design" are valid vectors that this daemon does not take, groups
of vectors whose parameters are not offered, and where it says so invalid vectors that are taken.
`

// compareDocument holds docs/VECTORS.md to what came out.
func compareDocument(t *testing.T, accounts []*account) {
	const path = "../../docs/VECTORS.md"
	text := document(accounts)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Error("docs/VECTORS.md is not what came out; run go generate ./test/wycheproof")
	}
}

func document(accounts []*account) string {
	var run strings.Builder
	left := make(map[string][]string) // files by reason
	var files, vectors, passed, chosen int
	for _, a := range accounts {
		if a.passed == 0 {
			left[a.absence()] = append(left[a.absence()], a.name)
			continue
		}
		files, vectors, passed, chosen = files+1, vectors+a.vectors, passed+a.passed, chosen+a.vectors-a.passed
		fmt.Fprintf(&run, "| %s | %d | %d | %d | %s |\n", a.name, a.vectors, a.passed, a.vectors-a.passed, a.reasons())
	}
	var absent strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(&absent, "| %s | %s |\n", reason, strings.Join(left[reason], ", "))
	}
	return preface + fmt.Sprintf("\n## Files that are run\n\n%d files with %d vectors: %d passed, %d otherwise by design, none failed.\n\n", files, vectors, passed, chosen) +
		"| File | Vectors | Passed | Otherwise by design | Reasons |\n|---|---|---|---|---|\n" + run.String() +
		"\n## Files of which nothing is offered\n\n| Reason | Files |\n|---|---|\n" + absent.String()
}

// reasons lists what is otherwise by design, with the numbers.
func (a *account) reasons() string {
	var all []string
	for _, reason := range slices.Sorted(maps.Keys(a.chosen)) {
		all = append(all, fmt.Sprintf("%d: %s", a.chosen[reason], reason))
	}
	return strings.Join(all, "; ")
}

// absence says why a file is not run.
func (a *account) absence() string {
	if len(a.chosen) != 0 {
		return strings.Join(slices.Sorted(maps.Keys(a.chosen)), "; ")
	}
	switch {
	case a.algorithm == "" || strings.Contains(a.name, "jwk") || strings.Contains(a.name, "webcrypto"):
		return "JSON Web Keys are not a key format here"
	case strings.Contains(a.name, "bitcoin"):
		return "both values of s verify"
	}
	return a.algorithm + " is not offered"
}
