package pkcs11

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
)

// quirk is what a kind of token is known to do otherwise than it says or than the standard has it. Whatever is not known is
// not guessed at and never tried out.
type quirk struct {
	manufacturer, model string           // of the token; "" for any
	upTo                cryptoki.Version // of the firmware; zero for every one
	traits
}

// traits are what quirks change. The zero value is the standard.
type traits struct {
	without  []claviger.Algorithm // operation algorithms that the mechanism list promises and that do not work
	forged   []cryptoki.Error     // what C_Decrypt says of a wrong tag or padding, beside what it should
	macBytes bool                 // key sizes of HMAC mechanisms are in bytes, and hold
	x25519   bool                 // X25519 goes by the mechanism and key type of Edwards curves, as long as there are none of its own
}

// quirks lists what is known.
func quirks() []quirk {
	return []quirk{
		// MechParamCheckRSAPKCSOAEP takes SHA-1 alone.
		{manufacturer: "SoftHSM project", upTo: cryptoki.Version{Major: 2, Minor: 7}, traits: traits{
			without: []claviger.Algorithm{"RSA-OAEP-SHA-256", "RSA-OAEP-SHA-384", "RSA-OAEP-SHA-512"}}},
		// SymDecrypt and AsymDecrypt have one value for all that goes wrong; MacSignInit holds keys to the sizes listed.
		{manufacturer: "SoftHSM project", upTo: cryptoki.Version{Major: 2, Minor: 6}, traits: traits{
			forged: []cryptoki.Error{cryptoki.ErrGeneralError}, macBytes: true}},
		// C_GenerateKeyPair and C_DeriveKey take the Montgomery curves of RFC 8410 by the numbers of the Edwards curves.
		{manufacturer: "SoftHSM project", traits: traits{x25519: true}},
	}
}

// traitsOf gathers what is known of a token.
func traitsOf(info cryptoki.TokenInfo) traits {
	var t traits
	for _, q := range quirks() {
		if q.manufacturer != "" && q.manufacturer != info.Manufacturer || q.model != "" && q.model != info.Model || !q.within(info.Firmware) {
			continue
		}
		t.without = append(t.without, q.without...)
		t.forged = append(t.forged, q.forged...)
		t.macBytes = t.macBytes || q.macBytes
		t.x25519 = t.x25519 || q.x25519
	}
	return t
}

// within reports whether the quirk is known of this firmware.
func (q quirk) within(v cryptoki.Version) bool {
	return q.upTo == cryptoki.Version{} || v.Major < q.upTo.Major || v.Major == q.upTo.Major && v.Minor <= q.upTo.Minor
}
