package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestManagedKeysAreListedByCommand shows identifiers, names and versions, and nothing of the keys.
func TestManagedKeysAreListedByCommand(t *testing.T) {
	c := newCLI(t)
	if got := c.ok("", "secret keys"); strings.Count(got, "\n") != 1 {
		t.Errorf("without keys it prints\n%s", got)
	}
	stack, err := client.Dial(t.Context(), client.Config{Endpoint: c.socket})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	material := claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "hmac/sha-256", Key: []byte("recognisable")}
	k, err := stack.Secrets().StoreKey(t.Context(), material)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stack.Secrets().ReplaceKey(t.Context(), k.ID(), material); err != nil {
		t.Fatal(err)
	}
	table := c.ok("", "secret keys")
	if strings.Count(table, k.ID()) != 2 || !strings.Contains(table, "HMAC/SHA-256") || !strings.Contains(table, "symmetric") || strings.Contains(table, "recognisable") {
		t.Errorf("it prints\n%s", table)
	}
	var listed claviger.ManagedInfo
	if err := json.Unmarshal([]byte(c.ok("", "secret keys --json")), &listed); err != nil || listed.ID != k.ID() || listed.Latest != 2 || len(listed.Versions) != 2 {
		t.Errorf("as JSON it is %+v, %v", listed, err)
	}
}
