package main

import "slices"

// The test vectors of RFC 5869, appendix A, with SHA-256.

// hkdfWorks holds rule 53 by test case 1: both halves, and that the extracted key is one for expansion.
func hkdfWorks(t *T) {
	key := slices.Repeat([]byte{0x0b}, 22)
	salt, info := string(counting(13)), string(unhex("f0f1f2f3f4f5f6f7f8f9"))
	prk, okm := t.derive("SHA-256", key, []string{salt}, []string{info}, 42)
	t.same("extracted key of test case 1", prk, unhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"))
	t.same("output of test case 1", okm, unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
	imported := t.keyed("HKDF-EXPAND/SHA-256", prk)
	t.absorb(imported, info)
	t.same("output with an imported key", t.squeeze(imported, 42), okm)
}

// hkdfEmpty holds rule 54 by test case 3: nothing is absorbed, and the same with empty pieces.
func hkdfEmpty(t *T) {
	key := slices.Repeat([]byte{0x0b}, 22)
	wantPRK := unhex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04")
	wantOKM := unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
	for _, pieces := range [][]string{nil, {""}} {
		prk, okm := t.derive("SHA-256", key, pieces, pieces, 42)
		t.same("extracted key of test case 3", prk, wantPRK)
		t.same("output of test case 3", okm, wantOKM)
	}
}

// hkdfConcatenation holds rule 55 for salt and information.
func hkdfConcatenation(t *T) {
	key := counting(32)
	prk, okm := t.derive("SHA-512", key, []string{"salt of several pieces"}, []string{"information of several pieces"}, 100)
	again, same := t.derive("SHA-512", key, []string{"salt ", "of", " several pieces"}, []string{"information", "", " of several pieces"}, 100)
	t.same("extracted key", again, prk)
	t.same("output", same, okm)
}
