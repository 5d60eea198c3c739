package algorithm

import (
	"crypto/aes"
	"crypto/fips140"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"hash"

	"golang.org/x/crypto/blake2b"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/ascon"
	"github.com/claviger/claviger/internal/primitive/cmac"
	"github.com/claviger/claviger/internal/primitive/kmac"
	"github.com/claviger/claviger/internal/primitive/turboshake"
	"github.com/claviger/claviger/internal/primitive/xoodyak"
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
		{"SHA-224", 28, sha256.BlockSize, sha256.New224},
		{"SHA-512/224", 28, sha512.BlockSize, sha512.New512_224},
		{"SHA3-224", 28, 144, copyable(sha3.New224)},
		{"BLAKE2B-256", 32, blake2b.BlockSize, newBLAKE2b(32)},
		{"BLAKE2B-512", 64, blake2b.BlockSize, newBLAKE2b(64)},
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
	return append(all[:3:3], all[4:7]...)
}

func secretKeyRows() []Row {
	var rows []Row
	for _, bits := range []int{128, 192, 256} {
		n := bits / 8
		rows = append(rows, Row{Name: name("AES-%d", bits), KeySize: n, MinKey: n, MaxKey: n, DefaultKey: n, Bits: bits})
	}
	rows = append(rows, Row{Name: "ChaCha20", KeySize: 32, MinKey: 32, MaxKey: 32, DefaultKey: 32, Bits: 256})
	for _, c := range aeadKeys() {
		rows = append(rows, Row{Name: c.name, KeySize: c.size, MinKey: c.size, MaxKey: c.size, DefaultKey: c.size, Bits: 8 * c.size})
	}
	for _, d := range macDigests() {
		rows = append(rows, Row{Name: "HMAC-" + d.name, Aliases: hmacAliases(d.name), MinKey: minMAC, MaxKey: maxMAC, DefaultKey: d.size, Bits: 8 * d.size})
	}
	for _, bits := range []int{128, 256} {
		rows = append(rows, Row{Name: name("KMAC-%d", bits), MinKey: minMAC, MaxKey: maxMAC, DefaultKey: bits / 4, Bits: 2 * bits})
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
		rows = append(rows, Row{Name: d.name, Size: d.size, Block: d.block, impl: implementation{hash: d.fn}})
	}
	ascon256 := extendable(ascon.NewHash256, (*ascon.Hash).Clone)
	cyclist := extendable(func() *xoodyak.Hash { return new(xoodyak.Hash) }, (*xoodyak.Hash).Clone)
	rows = append(rows,
		Row{Name: "ASCON-HASH", Aliases: []string{"ASCON-HASH256"}, Size: ascon.Size, Block: 8, impl: implementation{hash: digestOf(ascon256, ascon.Size)}},
		Row{Name: "XOODYAK-HASH", Aliases: []string{"XOODYAK"}, Size: xoodyak.Size, Block: 16, impl: implementation{hash: digestOf(cyclist, xoodyak.Size)}})
	rows = append(rows, extendableRows()...)
	for i := range rows {
		rows[i].Family, rows[i].Inline = FamilyHash, true
		if r := &rows[i]; r.Extendable {
			r.impl.hash = digestOf(r.impl.xof, r.Size)
		}
	}
	return rows
}

// extendableRows lists the functions whose callers choose the output length. The default is
// what the strength in the name wants.
func extendableRows() []Row {
	rows := []Row{
		{Name: "SHAKE-128", Size: 32, Block: 168, impl: implementation{xof: shake(sha3.NewSHAKE128)}},
		{Name: "SHAKE-256", Size: 64, Block: 136, impl: implementation{xof: shake(sha3.NewSHAKE256)}},
		{Name: "CSHAKE-128", Size: 32, Block: 168, impl: implementation{named: cshake(sha3.NewCSHAKE128)}},
		{Name: "CSHAKE-256", Size: 64, Block: 136, impl: implementation{named: cshake(sha3.NewCSHAKE256)}},
		{Name: "TURBOSHAKE-128", Size: 32, Block: 168, impl: implementation{xof: turbo(turboshake.New128)}},
		{Name: "TURBOSHAKE-256", Size: 64, Block: 136, impl: implementation{xof: turbo(turboshake.New256)}},
		{Name: "KT128", Aliases: []string{"KT-128", "KangarooTwelve", "K12"}, Size: 32, Block: 168, impl: implementation{named: tree(turboshake.NewKT128)}},
		{Name: "KT256", Aliases: []string{"KT-256"}, Size: 64, Block: 136, impl: implementation{named: tree(turboshake.NewKT256)}},
		{Name: "ASCON-XOF", Aliases: []string{"ASCON-XOF128"}, Size: 32, Block: 8, impl: implementation{xof: extendable(ascon.NewXOF128, (*ascon.Hash).Clone)}},
		{Name: "BLAKE3", Aliases: []string{"BLAKE3-256"}, Size: 32, Block: 64, impl: implementation{xof: extendable(newBLAKE3, (*blake3State).clone), keyed: keyedBLAKE3}},
	}
	for i := range rows {
		rows[i].Extendable = true
		if named := rows[i].impl.named; named != nil {
			rows[i].impl.xof = plain(named)
		}
	}
	return rows
}

// hmacAliases adds the spelling with a slash.
func hmacAliases(digest claviger.Algorithm) []string { return []string{"HMAC/" + string(digest)} }

// hmacRows is HMAC with each hash, which serves as a signature too.
func hmacRows() []Row {
	var rows []Row
	for _, d := range macDigests() {
		rows = append(rows, Row{Name: "HMAC-" + d.name, Aliases: hmacAliases(d.name), Family: FamilyMAC, Keys: keys("HMAC-" + d.name),
			Size: d.size, Block: d.block, Digest: d.name, Inline: true, impl: implementation{hash: d.fn}})
	}
	return rows
}

func macRows() []Row {
	rows := hmacRows()
	for _, bits := range []int{128, 192, 256} {
		rows = append(rows, Row{Name: name("AES-%d-CMAC", bits), Aliases: []string{fmt.Sprintf("AES-CMAC-%d", bits)}, Keys: keys(name("AES-%d", bits)),
			Size: cmac.Size, Block: aes.BlockSize, impl: implementation{mac: newCMAC}})
	}
	rows = append(rows,
		Row{Name: "KMAC-128", Keys: keys("KMAC-128"), Size: 32, Block: 168, impl: implementation{kmac: newKMAC128}},
		Row{Name: "KMAC-256", Keys: keys("KMAC-256"), Size: 64, Block: 136, impl: implementation{kmac: newKMAC256}})
	for i := range rows {
		rows[i].Family, rows[i].Inline = FamilyMAC, true
		if named := rows[i].impl.kmac; named != nil {
			rows[i].impl.mac = func(key []byte) (hash.Hash, error) { return named(key, nil) }
		}
	}
	return rows
}

// newKMAC128 is KMAC128 with codes of 32 bytes (SP 800-185 section 4.2).
func newKMAC128(key, customization []byte) (hash.Hash, error) {
	return kmac.New128(key, 32, customization)
}

// newKMAC256 is KMAC256 with codes of 64 bytes.
func newKMAC256(key, customization []byte) (hash.Hash, error) {
	return kmac.New256(key, 64, customization)
}

// newCMAC is AES-CMAC (SP 800-38B).
func newCMAC(key []byte) (hash.Hash, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cmac.New(block)
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
