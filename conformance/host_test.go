package conformance_test

import (
	"testing"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/conformance"
	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
	"github.com/claviger/claviger/wasicrypto"
)

// TestHostWithoutAManager holds that a host without a keeper passes all rows but those of managed keys, and that the guest
// skips these only because the host says that it has no manager.
func TestHostWithoutAManager(t *testing.T) {
	m := guest(t).boot(t, nil)
	expect(t, m.run(t, "-skip-managed"), func(row conformance.Row) string {
		if row.Managed {
			return "skip"
		}
		return "ok"
	})
	if out := m.run(t, "-run", "^85 "); out.failed != 1 || out.status != 1 {
		t.Errorf("without -skip-managed: want row 85 to fail and status 1, got %d failed and status %d", out.failed, out.status)
	}
}

// TestEmbeddedHost holds that the host over an embedded instance passes every row.
func TestEmbeddedHost(t *testing.T) {
	m := guest(t).boot(t, keeper(t))
	expect(t, m.run(t), func(conformance.Row) string { return "ok" })
	if m.left != 0 {
		t.Errorf("the guest left %d handles open", m.left)
	}
	if out := m.run(t, "-secret-id-length", "32", "-run", "^(8[5-9]|9|S)"); out.status != 0 || out.passed < 15 {
		t.Errorf("with the length of identifiers: want at least 15 rows to pass and none to fail, got %d and %d", out.passed, out.failed)
	}
}

// TestSkipManagedIsNotBelieved holds that -skip-managed does not hide a secrets manager that is there.
func TestSkipManagedIsNotBelieved(t *testing.T) {
	out := guest(t).boot(t, keeper(t)).run(t, "-skip-managed", "-run", "^(72|85|94) ")
	if out.failed != 3 || out.status != 1 {
		t.Errorf("want 3 rows to fail and status 1, got %d failed, %d skipped and status %d", out.failed, out.skipped, out.status)
	}
}

// expect holds the result of every row.
func expect(t *testing.T, out outcome, want func(conformance.Row) string) {
	t.Helper()
	for _, row := range conformance.Rows() {
		if got := out.rows[row.ID]; row.Check != "" && got.Result != want(row) {
			t.Errorf("row %s %s: want %s, got %q: %s", row.ID, row.Check, want(row), got.Result, got.Detail)
		}
	}
}

// keeper is an embedded instance with a guest as its tenant.
func keeper(t *testing.T) wasicrypto.Managed {
	t.Helper()
	stack, err := embedded.Open(t.Context(), embedded.Options{
		Dir: t.TempDir(), Client: client.Config{Guest: client.GuestIdentity{Tenant: "conformance"}, Timeout: daemontest.Patience},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stack.Close() })
	return stack.Secrets()
}
