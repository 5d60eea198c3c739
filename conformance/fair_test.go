package conformance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/guest/raw"
)

// legitimate is a host that differs from this one in a way that the text allows.
type legitimate struct {
	name    string
	install func(*brokenHost)
	skipped string // rows that are skipped, because the host lacks what it may lack
	failed  string // rows that fail nevertheless
}

// TestOtherReadingsPass holds that the kit is fair: hosts that read the text otherwise where it is silent or says two things, and hosts that
// lack what is optional, fail nothing.
func TestOtherReadingsPass(t *testing.T) {
	m := guest(t).boot(t, keeper(t))
	for _, l := range slices.Concat(otherReadings(), lesserHosts()) {
		t.Run(l.name, func(t *testing.T) {
			m.broken = &brokenHost{t: t, hooks: map[string][]hook{}, real: m.functions}
			defer func() { m.broken = nil }()
			l.install(m.broken)
			out := m.run(t, "-run", "^[^I]")
			for id, row := range out.rows {
				want := "ok"
				switch {
				case slices.Contains(strings.Fields(l.skipped), id):
					want = "skip"
				case slices.Contains(strings.Fields(l.failed), id):
					want = "not ok"
				}
				if row.Result != want {
					t.Errorf("row %s: want %s, got %s: %s", id, want, row.Result, row.Detail)
				}
			}
		})
	}
}

func otherReadings() []legitimate {
	return []legitimate{
		{"undefined operations are unsupported_feature", func(b *brokenHost) {
			for _, f := range []string{"squeeze", "squeeze_tag", "squeeze_key", "ratchet", "max_tag_len", "encrypt", "encrypt_detached", "decrypt", "decrypt_detached"} {
				b.answer("symmetric_state_"+f, nil, raw.UnsupportedFeature, raw.InvalidOperation)
			}
		}, "", ""},
		{"a pair of another family is invalid_handle", func(b *brokenHost) {
			for _, f := range []string{"signature_state_open", "signature_verification_state_open", "kx_dh", "kx_encapsulate"} {
				b.answer(f, nil, raw.InvalidHandle, raw.InvalidKey)
			}
		}, "", ""},
		{"closing what is closed is invalid_handle", func(b *brokenHost) {
			for _, f := range []string{"symmetric_key_close", "secrets_manager_close"} {
				b.answer(f, nil, raw.InvalidHandle, raw.Closed)
			}
		}, "", ""},
		{"array_output_len tells what is left, or all", theOtherLength, "", ""},
		{"a key that is not managed has no identity", func(b *brokenHost) {
			for _, f := range []string{"keypair_id", "symmetric_key_id"} {
				b.on(f, func(c *invocation) {
					if c.run() == raw.Success && c.out64(4) == raw.VersionUnspecified {
						c.errno = raw.UnsupportedFeature
					}
				})
			}
		}, "", ""},
		{"a capsule that cannot be verified is invalid_tag", func(b *brokenHost) {
			b.answer("external_secret_decapsulate", nil, raw.InvalidTag, raw.VerificationFailed)
		}, "", ""},
		{"an expired secret is deleted", func(b *brokenHost) {
			b.answer("external_secret_from_id", nil, raw.NotFound, raw.Expired)
		}, "", ""},
		{"no nonce is drawn", func(b *brokenHost) {
			b.refuse("symmetric_state_open", func(c *invocation) bool {
				_, given := c.option(3)
				return !given && slices.Contains([]string{"XCHACHA20-POLY1305", "AES-256-GCM-SIV", "AEGIS-256"}, strings.ToUpper(c.text(0)))
			}, raw.NonceRequired)
		}, "67", ""},
		{"public keys are not checked", func(b *brokenHost) {
			b.refuse("publickey_verify", func(*invocation) bool { return true }, raw.NotImplemented)
		}, "", ""},
		{"latest falls back after an invalidation", latestFallsBack, "", ""},
	}
}

// theOtherLength gives the whole length of an output that was pulled in part if the host gives what is left, and the other way round.
func theOtherLength(b *brokenHost) {
	whole := map[uint32]uint32{}
	b.on("array_output_len", func(c *invocation) {
		if c.run() != raw.Success {
			return
		}
		n, known := whole[c.arg(0)]
		switch {
		case !known:
			whole[c.arg(0)] = c.out(1)
		case c.out(1) == n:
			c.store(1, n-10) // what array-output pulls first
		default:
			c.store(1, n)
		}
	})
}

// latestFallsBack answers a read of the latest version, where that is not found, with the highest that is.
func latestFallsBack(b *brokenHost) {
	for _, f := range []string{"external_secret_from_id", "symmetric_key_from_id"} {
		b.on(f, func(c *invocation) {
			latest := c.args[3] == raw.VersionLatest
			if c.run() != raw.NotFound || !latest {
				return
			}
			for version := uint64(9); version > 0 && c.errno == raw.NotFound; version-- {
				c.args[3] = version
				c.run()
			}
		})
	}
}

func lesserHosts() []legitimate {
	required := []string{"RSA_PKCS1_2048_SHA256", "RSA_PKCS1_3072_SHA384", "RSA_PKCS1_4096_SHA512", "HKDF-EXTRACT/SHA-256", "HKDF-EXTRACT/SHA-512",
		"HKDF-EXPAND/SHA-256", "HKDF-EXPAND/SHA-512", "HMAC/SHA-256", "HMAC/SHA-512", "SHA-256", "SHA-512", "SHA-512/256", "AES-128-GCM", "AES-256-GCM"}
	return []legitimate{
		{"only the required algorithms", func(b *brokenHost) {
			for f, i := range map[string]int{"keypair_generate": 1, "keypair_import": 1, "publickey_import": 1, "secretkey_import": 1, "signature_import": 0,
				"keypair_generate_managed": 2, "symmetric_key_import": 0, "symmetric_key_generate": 0, "symmetric_state_open": 0} {
				b.refuse(f, func(c *invocation) bool { return !slices.Contains(required, strings.ToUpper(c.text(i))) }, raw.UnsupportedAlgorithm)
			}
		}, "5 8 10 11 20 22 56 57 64 67 68", "21"}, // the exchange that rule 21 wants is in no list of required algorithms
		{"no batch functions", func(b *brokenHost) {
			for _, f := range []string{"symmetric_state_squeeze", "symmetric_state_squeeze_tag", "symmetric_state_encrypt", "symmetric_state_encrypt_detached",
				"symmetric_state_decrypt", "symmetric_state_decrypt_detached", "signature_state_sign", "signature_state_verify"} {
				b.refuse("batch_"+f, func(*invocation) bool { return true }, raw.NotImplemented)
			}
		}, "B1 B2 B3 B4 B5 B6 B7 B8", ""},
		{"no storage of external secrets", func(b *brokenHost) {
			b.refuse("external_secret_store", func(*invocation) bool { return true }, raw.UnsupportedFeature)
		}, "85 86 87 88 89 90 91 S1 S2 S3 S4", ""},
		{"no imported keys in the manager", func(b *brokenHost) {
			for _, f := range []string{"symmetric_key_store_managed", "keypair_store_managed"} {
				b.refuse(f, func(*invocation) bool { return true }, raw.ProhibitedOperation)
			}
		}, "69 73 74 75 77 79 80", ""},
	}
}
