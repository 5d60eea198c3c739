package algorithm

import (
	"fmt"
	"strings"

	"github.com/claviger/claviger"
)

const guestText = `
## Names of WebAssembly guests

What the functions of wasi-crypto take as the name of an algorithm. Other spellings of the algorithms above stand for them too,
except for RSA and HKDF.
`

const symmetricText = `A key of open length has at most %d bytes. "Optional" is a key or a nonce that may be left out; "drawn" is a nonce that the
host draws at random when none is given, to be read back as the option ` + "`nonce`" + `. One nonce encrypts one message and decrypts any number. The option
` + "`context`" + ` is the customization string of CSHAKE, KT and KMAC; options without a use are kept to be read back.

- hash: absorb, squeeze (truncated, on a copy). Extendable output: squeeze goes on; nothing is absorbed after it. BLAKE3 with a key is its keyed mode.
- mac: absorb, squeeze_tag (on a copy).
- extract: absorb the salt, squeeze_key for the expanding half with the same hash. Expand: absorb the information, squeeze.
- aead: absorb associated data, encrypt and decrypt, the tag attached or apart. To AES-SIV what was absorbed is one
  string of S2V, empty if nothing was, and a nonce is the one behind it; without a nonce it is deterministic.
- cipher: encrypt and decrypt. CBC adds 1 to 16 bytes of padding, which max_tag_len counts; CTR goes on in one key stream, squeeze gives it plain.
- session: everything, each operation on the one rolling state of Xoodyak; a call of absorb is a string of its own. Without a key it absorbs and squeezes,
  tags included. A nonce of at most 43 bytes less the key goes in with the key as the reference implementation of wasi-crypto has it: key, a zero byte, nonce.
`

// guestDocument is the part about the names of guests.
func guestDocument() string {
	var b strings.Builder
	b.WriteString(guestText)
	for _, s := range []struct {
		family claviger.GuestType
		title  string
		head   []string
		cells  func(*Guest) []string
	}{
		{claviger.GuestSignatures, "Signatures", []string{"Name", "Key", "Algorithm"}, pairedCells},
		{claviger.GuestKeyExchange, "Key exchange", []string{"Name", "Key", "Algorithm"}, pairedCells},
		{claviger.GuestSymmetric, "Symmetric", []string{"Name", "Kind", "Generated key", "Accepted key", "Nonce"}, symmetricCells},
	} {
		fmt.Fprintf(&b, "\n### %s\n\n", s.title)
		if s.family == claviger.GuestSymmetric {
			fmt.Fprintf(&b, symmetricText+"\n", maxGuestKey)
		}
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(s.head, " | "), strings.Repeat("---|", len(s.head)))
		for i := range guests {
			if g := &guests[i]; g.Type == s.family {
				fmt.Fprintf(&b, "| %s |\n", strings.Join(s.cells(g), " | "))
			}
		}
	}
	return b.String()
}

func pairedCells(g *Guest) []string {
	return []string{string(g.Name), string(g.Key.Name), string(g.Use.Name)}
}

func symmetricCells(g *Guest) []string {
	return []string{string(g.Name), g.Kind.String(), sizeText(g.DefaultKey), g.acceptedText(), g.nonceText()}
}

func sizeText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (g *Guest) acceptedText() string {
	text := sizeText(g.MaxKey)
	if g.MinKey < g.MaxKey {
		text = fmt.Sprintf("from %d", g.MinKey)
	}
	if g.KeyOptional {
		text += ", optional"
	}
	return text
}

func (g *Guest) nonceText() string {
	switch {
	case g.NonceOptional:
		return "optional"
	case g.RandomNonce:
		return fmt.Sprintf("%d, drawn", g.Nonce)
	}
	return sizeText(g.Nonce)
}
