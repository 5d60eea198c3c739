//go:build wycheproof_pin

package wycheproof

// The vectors stay in go.mod and are linked into nothing: no build sets this tag.
import _ "github.com/c2sp/wycheproof"
