package algorithm

import (
	"crypto/aes"
	"crypto/cipher"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/aegis"
	"github.com/claviger/claviger/internal/primitive/ascon"
	"github.com/claviger/claviger/internal/primitive/gcmsiv"
	"github.com/claviger/claviger/internal/primitive/siv"
	"github.com/claviger/claviger/internal/primitive/xoodyak"
)

// sized is a key algorithm with a key of one size in bytes.
type sized struct {
	name claviger.Algorithm
	size int
}

// aeadKeys lists the key algorithms that only AEADs take. An AES-SIV key is two AES keys.
func aeadKeys() []sized {
	return []sized{{"AES-128-SIV", 32}, {"AES-192-SIV", 48}, {"AES-256-SIV", 64}, {"AEGIS-128", 16}, {"AEGIS-256", 32},
		{"ASCON-AEAD", ascon.KeySize}, {"XOODYAK-128", xoodyak.KeySize}}
}

func aeadRows() []Row {
	rows := aesRows()
	rows = append(rows,
		Row{Name: "ChaCha20-Poly1305", Keys: keys("ChaCha20"), IV: chacha20poly1305.NonceSize, impl: implementation{aead: chacha20poly1305.New}},
		Row{Name: "XCHACHA20-POLY1305", Keys: keys("ChaCha20"), IV: chacha20poly1305.NonceSizeX, impl: implementation{aead: chacha20poly1305.NewX}})
	rows = append(rows, aegisRows()...)
	rows = append(rows,
		Row{Name: "ASCON-AEAD", Aliases: []string{"ASCON-AEAD128"}, Keys: keys("ASCON-AEAD"), IV: ascon.NonceSize, impl: implementation{aead: ascon.New}},
		Row{Name: "XOODYAK-128", Keys: keys("XOODYAK-128"), IV: xoodyak.NonceSize, impl: implementation{aead: xoodyak.NewAEAD}})
	for i := range rows {
		r := &rows[i]
		r.Family, r.Tag, r.Block, r.MaxMessage, r.Inline = FamilyAEAD, 16, 1, MaxHeld, true
	}
	return rows
}

// aesRows has the modes of AES.
func aesRows() []Row {
	var rows []Row
	for _, bits := range []int{128, 192, 256} {
		rows = append(rows, Row{Name: name("AES-%d-GCM", bits), Keys: keys(name("AES-%d", bits)), IV: 12, impl: implementation{aead: newGCM}})
	}
	for _, bits := range []int{128, 256} {
		rows = append(rows, Row{Name: name("AES-%d-GCM-SIV", bits), Aliases: []string{string(name("AES-GCM-SIV-%d", bits))}, Keys: keys(name("AES-%d", bits)),
			IV: gcmsiv.NonceSize, impl: implementation{aead: gcmsiv.New}})
	}
	for _, bits := range []int{128, 192, 256} {
		rows = append(rows, Row{Name: name("AES-%d-SIV", bits), Aliases: []string{string(name("AES-SIV-CMAC-%d", 2*bits))}, Keys: keys(name("AES-%d-SIV", bits)),
			IV: siv.NonceSize, impl: implementation{aead: siv.New}})
	}
	return rows
}

// aegisRows has the AEGIS family with tags of 16 bytes.
func aegisRows() []Row {
	var rows []Row
	for _, a := range []struct {
		name, key, alias string
		variant          aegis.Variant
	}{
		{"AEGIS-128L", "AEGIS-128", "AEGIS128L", aegis.AEGIS128L()}, {"AEGIS-128X2", "AEGIS-128", "AEGIS128X2", aegis.AEGIS128X2()},
		{"AEGIS-128X4", "AEGIS-128", "AEGIS128X4", aegis.AEGIS128X4()}, {"AEGIS-256", "AEGIS-256", "AEGIS256", aegis.AEGIS256()},
		{"AEGIS-256X2", "AEGIS-256", "AEGIS256X2", aegis.AEGIS256X2()}, {"AEGIS-256X4", "AEGIS-256", "AEGIS256X4", aegis.AEGIS256X4()},
	} {
		rows = append(rows, Row{Name: claviger.Algorithm(a.name), Aliases: []string{a.alias}, Keys: keys(claviger.Algorithm(a.key)), IV: a.variant.KeySize(),
			impl: implementation{aead: func(key []byte) (cipher.AEAD, error) { return aegis.New(a.variant, key, aegis.ShortTag) }}})
	}
	return rows
}

// newGCM is AES-GCM with a 96-bit nonce and a 128-bit tag (SP 800-38D).
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
