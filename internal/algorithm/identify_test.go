package algorithm

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// A key that describes its curve instead of naming it is refused with a text that says so, in each encoding; what merely looks like one is
// not.
func TestExplicitCurvesAreSaidToBeNone(t *testing.T) {
	scalar := strings.Repeat("01", 32)
	for _, c := range []struct{ what, der, text string }{
		{"PKCS #8", "303702010030" + "0e06072a8648ce3d0201" + "3003020101" + "0422" + "0420" + scalar, "explicit curve parameters"},
		{"SubjectPublicKeyInfo", "301530" + "0e06072a8648ce3d0201" + "3003020101" + "0303000400", "explicit curve parameters"},
		{"RFC 5915", "302c0201010420" + scalar + "a005" + "3003020101", "explicit curve parameters"},
		{"RFC 5915 without a curve", "30250201010420" + scalar, "neither PKCS #8"},
		{"RFC 5915 with an unknown curve", "302c0201010420" + scalar + "a005" + "06032b6501", "neither PKCS #8"},
	} {
		der, err := hex.DecodeString(c.der)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Decode(claviger.DER, "", der); claviger.CodeOf(err) != claviger.ErrInvalidFormat || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", c.what, err, c.text)
		}
	}
}
