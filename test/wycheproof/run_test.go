package wycheproof

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
)

// rig is what runners work with.
type rig struct {
	ctx      context.Context
	provider *software.Provider
}

// verdict is what came of one vector: no error if it worked and gave exactly the expected bytes. design says why a valid
// vector is refused on purpose, lenient why an invalid one is taken.
type verdict struct {
	err             error
	design, lenient string
}

// errWrong is the error of a result that is not the expected one.
var errWrong = errors.New("another result")

// check tries one vector.
type check func(v *vector) verdict

// opener prepares a group. A group of which nothing is offered gives the reason.
type opener func(r *rig, f *file, g *group) (check, string)

// openers lists the kinds of groups that are run.
func openers() map[string]opener {
	return map[string]opener{
		"AeadTest": openAEAD, "DaeadTest": openSIV, "IndCpaTest": openCipher, "MacTest": openMAC, "MacWithIvTest": openGMAC, "HkdfTest": openHKDF,
		"EcdhTest": openECDH, "EcdhEcpointTest": openPoint, "EcdhPemTest": openECDHPEM, "XdhComp": openXDH, "XdhAsnComp": openXDHDER, "XdhPemComp": openXDHPEM,
		"EcdsaVerify": openECDSA, "EcdsaP1363Verify": openECDSA, "EddsaVerify": openEdDSA,
		"RsassaPkcs1Verify": openPKCS1, "RsassaPkcs1Generate": openPKCS1Sign, "RsassaPssVerify": openPSS, "RsassaPssWithParametersVerify": openPSS,
		"RsaesOaepDecrypt": openOAEP,
		"MLKEMTest":        openMLKEM, "MLKEMKeyGen": openMLKEMKey, "MLKEMEncapsTest": openMLKEMEncapsulate, "MLKEMDecapsValidationTest": openMLKEM,
		"MlDsaVerify": openMLDSA, "MlDsaSign": openMLDSASign,
	}
}

// account is the result of a file.
type account struct {
	name, algorithm string
	vectors, passed int
	chosen          map[string]int // vectors that are treated otherwise by design, by reason
}

// TestVectors runs every file and compares the account with docs/VECTORS.md.
func TestVectors(t *testing.T) {
	if testing.Short() {
		t.Skip("all vectors take half a minute")
	}
	paths, err := filepath.Glob(filepath.Join(directory(t), "*_test.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files of vectors: %v", err)
	}
	accounts := make([]*account, len(paths))
	t.Run("files", func(t *testing.T) {
		for i, path := range paths {
			name := filepath.Base(path)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				accounts[i] = runFile(t, path)
			})
		}
	})
	if !t.Failed() {
		compareDocument(t, accounts)
	}
}

func runFile(t *testing.T, path string) *account {
	f, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &account{name: f.Name, algorithm: f.Algorithm, chosen: make(map[string]int)}
	r := &rig{t.Context(), software.New()}
	for _, g := range f.TestGroups {
		a.vectors += len(g.Tests)
		try, reason := openers()[g.Type](r, f, g)
		if reason != "" {
			a.chosen[reason] += len(g.Tests)
			continue
		}
		for _, v := range g.Tests {
			a.count(t, v, try(v))
		}
	}
	return a
}

// count holds the rule: valid works, invalid is refused, acceptable is either.
func (a *account) count(t *testing.T, v *vector, got verdict) {
	t.Helper()
	switch {
	case got.design != "" && got.err == nil:
		t.Errorf("vector %d (%s) works, though it is to be refused: %s", v.TcID, v.Comment, got.design)
	case v.Result == "invalid" && got.err == nil && got.lenient != "":
		a.chosen[got.lenient]++
	case v.Result == "invalid" && got.err == nil:
		t.Errorf("vector %d (%s) is invalid, and works", v.TcID, v.Comment)
	case v.Result == "valid" && got.err != nil && got.design != "":
		a.chosen[got.design]++
	case v.Result == "valid" && got.err != nil:
		t.Errorf("vector %d (%s) is valid: %v", v.TcID, v.Comment, got.err)
	default:
		a.passed++
	}
}

// find gives a row, or the reason that there is none.
func find(name claviger.Algorithm, family algorithm.Family) (*algorithm.Row, string) {
	if row, ok := algorithm.Lookup(name, family); ok {
		return row, ""
	}
	return nil, fmt.Sprintf("%s is not offered", name)
}

// load imports a key that is closed with the test's context; material is canonical.
func (r *rig) load(alg claviger.Algorithm, class claviger.KeyClass, material []byte) (provider.Key, error) {
	k, err := r.provider.Import(r.ctx, provider.Spec{Algorithm: alg, Class: class}, material)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(r.ctx, func() { k.Close() })
	return k, nil
}

// decode imports a key from one of its formats.
func (r *rig) decode(format claviger.Format, alg claviger.Algorithm, class claviger.KeyClass, data []byte) (provider.Key, error) {
	material, _, err := algorithm.DecodeAs(format, alg, class, data)
	if err != nil {
		return nil, err
	}
	return r.load(alg, class, material)
}
