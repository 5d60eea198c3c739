package algorithm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/claviger/claviger"
)

// Bounds of secret keys whose length is open, in bytes.
const (
	minMAC     = 14   // 112 bits, SP 800-131A revision 2 section 10
	maxMAC     = 1024 // far above every block size; longer keys are hashed anyway (RFC 2104 section 2)
	maxGeneric = 8192
)

// digest is a hash that others build on. Sizes in bytes.
type digest struct {
	name  claviger.Algorithm
	size  int
	block int
	fn    func() hash.Hash
}

// digests lists the fixed-length hashes, those of SHA-2 first.
func digests() []digest {
	return []digest{
		{"SHA-256", 32, sha256.BlockSize, sha256.New},
		{"SHA-384", 48, sha512.BlockSize, sha512.New384},
		{"SHA-512", 64, sha512.BlockSize, sha512.New},
		{"SHA-512/256", 32, sha512.BlockSize, sha512.New512_256},
		{"SHA3-256", 32, 136, copyable(sha3.New256)},
		{"SHA3-384", 48, 104, copyable(sha3.New384)},
		{"SHA3-512", 64, 72, copyable(sha3.New512)},
	}
}

// sha3Digest hides SHA-3 from crypto/hmac, which otherwise takes the state out of it and
// cannot copy that.
type sha3Digest struct{ *sha3.SHA3 }

// Clone copies the state.
func (d sha3Digest) Clone() (hash.Cloner, error) {
	c, err := d.SHA3.Clone()
	if err != nil {
		return nil, err
	}
	return sha3Digest{c.(*sha3.SHA3)}, nil
}

// copyable makes SHA-3 states that can be copied under HMAC too; not in FIPS 140 mode,
// where HMAC wants the standard library's own type.
func copyable(fn func() *sha3.SHA3) func() hash.Hash {
	if fips140.Enabled() {
		return func() hash.Hash { return fn() }
	}
	return func() hash.Hash { return sha3Digest{fn()} }
}

// macDigests are the hashes that HMAC is offered with.
func macDigests() []digest {
	all := digests()
	return append(all[:3:3], all[4:]...)
}

func secretKeyRows() []Row {
	var rows []Row
	for _, bits := range []int{128, 192, 256} {
		n := bits / 8
		rows = append(rows, Row{Name: name("AES-%d", bits), KeySize: n, MinKey: n, MaxKey: n, DefaultKey: n, Bits: bits})
	}
	rows = append(rows, Row{Name: "ChaCha20", KeySize: 32, MinKey: 32, MaxKey: 32, DefaultKey: 32, Bits: 256})
	for _, d := range macDigests() {
		rows = append(rows, Row{Name: "HMAC-" + d.name, MinKey: minMAC, MaxKey: maxMAC, DefaultKey: d.size, Bits: 8 * d.size})
	}
	rows = append(rows, Row{Name: Generic, Aliases: []string{"Generic-Secret"}, MinKey: 1, MaxKey: maxGeneric, DefaultKey: 32, Bits: 256})
	for i := range rows {
		rows[i].Family, rows[i].Class, rows[i].Inline = FamilyKey, claviger.SecretKey, true
	}
	return rows
}

func hashRows() []Row {
	var rows []Row
	for _, d := range digests() {
		rows = append(rows, Row{Name: d.name, Family: FamilyHash, Size: d.size, Block: d.block, Inline: true, impl: implementation{hash: d.fn}})
	}
	return append(rows,
		Row{Name: "SHAKE-128", Family: FamilyHash, Size: 32, Block: 168, Extendable: true, Inline: true, impl: implementation{shake: sha3.NewSHAKE128}},
		Row{Name: "SHAKE-256", Family: FamilyHash, Size: 64, Block: 136, Extendable: true, Inline: true, impl: implementation{shake: sha3.NewSHAKE256}})
}

func macRows() []Row {
	var rows []Row
	for _, d := range macDigests() {
		rows = append(rows, Row{Name: "HMAC-" + d.name, Family: FamilyMAC, Keys: []claviger.Algorithm{"HMAC-" + d.name},
			Size: d.size, Block: d.block, Digest: d.name, Inline: true, impl: implementation{hash: d.fn}})
	}
	return rows
}

func cipherRows() []Row {
	var rows []Row
	for _, bits := range []int{128, 192, 256} {
		rows = append(rows,
			Row{Name: name("AES-%d-CBC", bits), Keys: keys(name("AES-%d", bits)), Block: aes.BlockSize},
			Row{Name: name("AES-%d-CTR", bits), Keys: keys(name("AES-%d", bits)), Block: 1, BothWays: true})
	}
	for i := range rows {
		rows[i].Family, rows[i].IV, rows[i].Inline, rows[i].impl.block = FamilyCipher, aes.BlockSize, true, aes.NewCipher
	}
	return rows
}

func aeadRows() []Row {
	var rows []Row
	for _, bits := range []int{128, 192, 256} {
		rows = append(rows, Row{Name: name("AES-%d-GCM", bits), Keys: keys(name("AES-%d", bits)), impl: implementation{aead: newGCM}})
	}
	rows = append(rows, Row{Name: "ChaCha20-Poly1305", Keys: keys("ChaCha20"), impl: implementation{aead: chacha20poly1305.New}})
	for i := range rows {
		rows[i].Family, rows[i].IV, rows[i].Tag, rows[i].Block, rows[i].MaxMessage, rows[i].Inline = FamilyAEAD, 12, 16, 1, MaxHeld, true
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

func kdfRows() []Row {
	var rows []Row
	for _, d := range digests()[:3] {
		rows = append(rows, Row{Name: "HKDF-" + d.name, Family: FamilyKDF, Keys: keys(Generic), Size: d.size, Digest: d.name,
			Inline: true, impl: implementation{hash: d.fn}})
	}
	return rows
}

// randomRows has one generator: the kernel's, through crypto/rand, which in FIPS 140 mode
// is an SP 800-90A CTR_DRBG. The names that others give their generators are aliases.
func randomRows() []Row {
	return []Row{{Name: "RANDOM", Aliases: []string{"CTR-DRBG", "ChaCha20Rng"}, Family: FamilyRandom, Inline: true}}
}
