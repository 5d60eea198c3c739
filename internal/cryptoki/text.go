package cryptoki

import (
	"bytes"
	"strings"
	"unicode"
)

// text makes a string of a fixed field of text: up to the first NUL, without the blanks it is padded with, and with a
// question mark for whatever is not UTF-8 or cannot be printed. It has at most as many bytes as the field.
func text(field []byte) string {
	field, _, _ = bytes.Cut(field, []byte{0})
	return strings.TrimRight(printable(string(field)), " ")
}

// printable replaces what is not UTF-8 or cannot be printed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
