package path

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectorFile opens a file of public vectors, or skips the test.
func vectorFile(t *testing.T, name string) io.Reader {
	t.Helper()
	dir := os.Getenv("CLAVIGER_VECTORS")
	if dir == "" {
		t.Skip("CLAVIGER_VECTORS is not set: it names the directory that holds " + name)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// vectorArchive reads all files of a compressed tar archive.
func vectorArchive(t *testing.T, name string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(vectorFile(t, name)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = data
	}
}

// exceptions reads a file of lines "name: reason": the cases in which the verdict differs from the suite's, and may.
func exceptions(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, " = ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("%s: line %q gives no reason", file, line)
		}
		out[strings.TrimSpace(name)] = reason
	}
	return out
}
