package guests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// needC skips a test where there is no compiler for WebAssembly, or no C library for it.
func needC(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"clang", "wasm-ld"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (Debian: clang lld wasi-libc libclang-rt-dev-wasm32)", tool)
		}
	}
	if _, err := os.Stat("/usr/include/wasm32-wasi/stdio.h"); err != nil {
		t.Skip("there is no C library for WebAssembly (Debian: wasi-libc)")
	}
}

// clang compiles without warnings.
func clang(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("clang", append([]string{"-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I" + root + "/guest/c"}, args...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang %v: %v\n%s", args, err, text)
	}
}

// TestTheHeaderCompilesWithoutALibrary holds that the header wants nothing but a compiler, in C and in C++, and that its
// assertions on the layout of records are true.
func TestTheHeaderCompilesWithoutALibrary(t *testing.T) {
	needC(t)
	dir := t.TempDir()
	source := filepath.Join(dir, "header.c")
	if err := os.WriteFile(source, []byte("#include \"wasi_crypto.h\"\nint used;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, language := range [][]string{{"-x", "c", "-std=c99"}, {"-x", "c", "-std=c11"}, {"-x", "c++", "-std=c++17"}} {
		for _, target := range []string{"--target=wasm32", "--target=x86_64-linux-gnu"} {
			clang(t, append(language, target, "-ffreestanding", "-c", "-o", filepath.Join(dir, "header.o"), source)...)
		}
	}
}

// TestTheGuestInC builds and runs the example in C.
func TestTheGuestInC(t *testing.T) {
	needC(t)
	file := filepath.Join(t.TempDir(), "example.wasm")
	clang(t, "--target=wasm32-wasi", "-std=c11", "-o", file, root+"/guest/c/example.c")
	status, output := newHost(t).run(t, file, strings.NewReader(""))
	want := regexp.MustCompile(`^key [0-9a-f]{32} version 1\nsignature of 64 bytes verified\nthe key cannot be taken out\n$`)
	if status != 0 || !want.MatchString(output) {
		t.Errorf("status %d, output\n%s", status, output)
	}
}
