package files_test

import (
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// memoryLimit is the most anonymous memory that a command and the daemon may take, in bytes, whatever the file's size.
const memoryLimit = 64 << 20

// small runs a command like ok, and holds that it and the daemon stay under memoryLimit meanwhile.
func (b *bench) small(line string) daemontest.Result {
	b.t.Helper()
	daemon := daemontest.Watch(b.PID())
	r := b.ok(line)
	peak := daemon()
	b.t.Logf("%-50s client %5.1f MiB, daemon %5.1f MiB", line, float64(r.PeakAnon)/(1<<20), float64(peak)/(1<<20))
	if r.PeakAnon == 0 || peak == 0 {
		b.t.Errorf("claviger %s: memory was not seen: client %d, daemon %d", line, r.PeakAnon, peak)
	}
	if !daemontest.Race && (r.PeakAnon >= memoryLimit || peak >= memoryLimit) {
		b.t.Errorf("claviger %s: client %d bytes, daemon %d bytes; the limit is %d", line, r.PeakAnon, peak, memoryLimit)
	}
	return r
}

// TestLargeFilesTakeLittleMemory runs every command that streams over the large file. openssl confirms what it can.
func TestLargeFilesTakeLittleMemory(t *testing.T) {
	b := newBench(t)
	b.noise("large", fileSize(t))
	key, digits := secret("key", 32)
	_, iv := secret("iv", 16)
	b.write("key", key)
	b.ok("slot import data @key --format raw")
	b.ok("slot import code @key --format raw")
	for _, name := range []string{"p256", "rsa2048"} {
		b.ok("slot generate " + name)
		b.ok("slot public " + name + " -o @" + name + ".pem")
	}
	t.Run("hash", func(t *testing.T) {
		b := b.with(t)
		got := b.small("hash SHA-256 @large").Stdout
		if want := b.openssl("dgst -sha256 -r large"); strings.Fields(got)[0] != strings.Fields(want)[0] {
			t.Errorf("digest %s, want %s", got, want)
		}
	})
	t.Run("mac", func(t *testing.T) {
		b := b.with(t)
		got := strings.TrimSpace(b.small("mac --key code @large").Stdout)
		if want := b.openssl("dgst -sha256 -mac HMAC -macopt hexkey:" + digits + " -r large"); got != strings.Fields(want)[0] {
			t.Errorf("code %s, want %s", got, want)
		}
		b.small("mac --key code --verify " + got + " @large")
	})
	t.Run("age", func(t *testing.T) {
		b := b.with(t)
		b.small("encrypt --key data -o @large.age @large")
		b.small("decrypt -o @large.again @large.age")
		b.same("large", "large.again")
	})
	t.Run("armored", func(t *testing.T) {
		b := b.with(t)
		b.small("encrypt --key data --armor -o @large.age @large")
		b.small("decrypt -o @large.again @large.age")
		b.same("large", "large.again")
	})
	t.Run("AES-256-CBC", func(t *testing.T) {
		b := b.with(t)
		b.small("encrypt --key data --raw AES-256-CBC --iv " + iv + " -o @large.cbc @large")
		b.openssl("enc -d -aes-256-cbc -K " + digits + " -iv " + iv + " -in large.cbc -out large.again")
		b.same("large", "large.again")
		b.small("decrypt --key data --raw AES-256-CBC --iv " + iv + " -o @large.again @large.cbc")
		b.same("large", "large.again")
	})
	t.Run("ECDSA", func(t *testing.T) {
		b := b.with(t)
		b.small("sign --key p256 --der -o @sig @large")
		b.openssl("dgst -sha256 -verify p256.pem -signature sig large")
		b.small("verify --key p256 --der --signature @sig @large")
	})
	t.Run("RSA-PSS", func(t *testing.T) {
		b := b.with(t)
		b.small("sign --key rsa2048 -o @sig @large")
		b.openssl("dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -verify rsa2048.pem -signature sig large")
		b.small("verify --key rsa2048 --signature @sig @large")
	})
}
