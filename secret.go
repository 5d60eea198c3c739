package claviger

import "fmt"

// MaxSecret is the longest secret in bytes, stored or in a capsule.
const MaxSecret = 1 << 20

// Reserved versions of secrets and managed keys, numbered as in wasi-crypto. Real versions start at 1 and grow by 1.
const (
	UnspecifiedVersion uint64 = 0xFF00_0000_0000_0000 // no version; never found
	LatestVersion      uint64 = 0xFF00_0000_0000_0001 // the highest version ever made, also when it is gone or expired
	AllVersions        uint64 = 0xFF00_0000_0000_0002 // every version; only an invalidation takes it
)

// SecretInfo says what is stored under an identifier, without any of it.
type SecretInfo struct {
	ID       string          `json:"id"`        // 32 lower-case hexadecimal characters
	Tenant   string          `json:"tenant"`    // name of the owner
	TenantID string          `json:"tenant_id"` // lasting identifier of the owner
	Retired  bool            `json:"retired"`   // the owner was removed from the configuration: nobody can read it any more
	Latest   uint64          `json:"latest"`    // highest version ever made
	Versions []SecretVersion `json:"versions"`  // those that are stored, oldest first
}

// SecretVersion is one version of a secret.
type SecretVersion struct {
	Version uint64 `json:"version"`
	Expires uint64 `json:"expires"` // seconds since 1970, unsigned
	Size    int    `json:"size"`    // bytes
	Expired bool   `json:"expired"` // by the daemon's clock, when the list was made
}

// Secret is one version of a secret, read.
type Secret struct {
	Value   []byte `json:"-"` // the caller's, who should clear it after use
	Version uint64 // 0 for what came out of a capsule
	Expires uint64 // seconds since 1970
}

// Format writes version and expiry, never the value, for every verb and flag of package fmt.
func (s Secret) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "version %d of a secret of %d bytes, expires %d", s.Version, len(s.Value), s.Expires)
}
