package wycheproof

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module is where the vectors come from.
const module = "github.com/c2sp/wycheproof"

// hexBytes is a field of hexadecimal text.
type hexBytes []byte

// UnmarshalJSON reads the text.
func (h *hexBytes) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	b, err := hex.DecodeString(text)
	*h = b
	return err
}

// file is one file of vectors, with the fields that any runner looks at.
type file struct {
	Name       string `json:"-"`
	Algorithm  string
	TestGroups []*group
}

// group has vectors with parameters in common. Sizes are in bits, but for SLen.
type group struct {
	Type, Sha, MgfSha, Curve, Encoding, ParameterSet string
	KeySize, TagSize, SLen                           int
	PublicKeyDer, PublicKeyAsn                       hexBytes
	PrivateKeyPkcs8, PrivateSeed                     hexBytes
	PublicKey, PrivateKey                            json.RawMessage // hexadecimal text for ML-DSA
	Tests                                            []*vector
}

// vector is one case.
type vector struct {
	TcID    int
	Comment string
	Result  string // valid, invalid or acceptable
	Size    int    // bytes

	Key, Iv, Aad, Msg, Ct, Tag hexBytes
	Ikm, Salt, Info, Okm       hexBytes
	Shared, Sig, Label, Ctx    hexBytes
	Seed, Ek, Dk, M, Rnd       hexBytes
	C                          hexBytes        `json:"c"`
	K                          hexBytes        `json:"K"`
	Mu                         hexBytes        `json:"mu"`
	Public, Private            json.RawMessage // hexadecimal text or PEM
}

// text gives a field that is text.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// octets gives a field that is hexadecimal text; nothing if it is not.
func octets(raw json.RawMessage) []byte {
	b, err := hex.DecodeString(text(raw))
	if err != nil {
		return nil
	}
	return b
}

// directory finds the module's files, and loads the module if this machine has not got it.
func directory(t *testing.T) string {
	t.Helper()
	for _, load := range []bool{false, true} {
		if load {
			if out, err := exec.Command("go", "mod", "download", module).CombinedOutput(); err != nil {
				t.Skipf("the vectors are not here; run \"go mod download %s\": %v %s", module, err, out)
			}
		}
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if dir := strings.TrimSpace(string(out)); err == nil && dir != "" {
			return filepath.Join(dir, "testvectors_v1")
		}
	}
	t.Fatalf("no directory of %s", module)
	return ""
}

// load reads one file.
func load(path string) (*file, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &file{Name: strings.TrimSuffix(filepath.Base(path), "_test.json")}
	// Files for what is not offered have fields of other types under the same names: only their head is read.
	var head struct {
		Algorithm  string
		TestGroups []struct{ Type string }
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	f.Algorithm = head.Algorithm
	if len(head.TestGroups) == 0 || openers()[head.TestGroups[0].Type] == nil {
		return f, nil
	}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return f, nil
}
