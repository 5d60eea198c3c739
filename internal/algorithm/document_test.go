package algorithm

import (
	"flag"
	"os"
	"testing"
)

//go:generate go test -run TestDocumentIsCurrent . -update

var update = flag.Bool("update", false, "write docs/ALGORITHMS.md")

// The document in docs says what the table says.
func TestDocumentIsCurrent(t *testing.T) {
	const path = "../../docs/ALGORITHMS.md"
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != Document() {
		t.Error("docs/ALGORITHMS.md differs from the table; run go generate ./internal/algorithm")
	}
}
