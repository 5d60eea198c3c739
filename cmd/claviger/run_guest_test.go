package main

import (
	"strings"
	"testing"
)

// importing is a module with an empty _start that imports one function without parameters and results. Names are shorter
// than 128 bytes.
func importing(module, name string) []byte {
	entry := string(rune(len(module))) + module + string(rune(len(name))) + name + "\x00\x00"
	return []byte("\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + // one type
		"\x02" + string(rune(1+len(entry))) + "\x01" + entry +
		"\x03\x02\x01\x00" + "\x07\x0a\x01\x06_start\x00\x01" + "\x0a\x04\x01\x02\x00\x0b")
}

// TestAModuleThatDoesNotFitIsNotSaidToHaveTrapped holds that who runs a module learns which import this host lacks.
func TestAModuleThatDoesNotFitIsNotSaidToHaveTrapped(t *testing.T) {
	for _, test := range []struct{ module, name, says string }{
		{"env", "foo", "a module that this host does not have"},
		{"wasi_ephemeral_crypto_kx", "foo", "a function that this host does not have"},
		{"wasi_ephemeral_crypto_kx", "kx_dh", "another type"},
	} {
		g := &guest{file: "guest.wasm", pages: 1}
		err := g.await(importing(test.module, test.name))
		if err == nil {
			t.Fatalf("%s %s is linked", test.module, test.name)
		}
		for _, part := range []string{"guest.wasm imports", test.module, test.name, test.says} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}
