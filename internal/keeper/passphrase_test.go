package keeper

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

const staple = "correct horse battery staple"

// quick is a work factor that takes no time; what it closes opens as well as what workFactor does.
const quick = 10

// recorded is "data key" as staple closed it once with the quick work factor.
const recorded = "026167652d656e6372797074696f6e2e6f72672f76310a2d3e2073637279707420374a5663416941303330463647544b39306a74412f5120" +
	"31300a5052556d2b5266784f42593967784c6c70526853375362485a7778684f6a507444712f4f6d61772b6e36670a2d2d2d207874344743" +
	"774d315158676e6f6e7331624f6b6a64384734744378345a55367551455761545569456b37450a3b5cf089c334ac6db7178fa1cda54c962a" +
	"3c4decfffd00d478dbfca762df60474768a021fb2e094c"

// golden gives the recorded bytes.
func golden(t testing.TB) []byte {
	t.Helper()
	wrapped, err := hex.DecodeString(recorded)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// phraseAt makes a passphrase file with this content and gives its path.
func phraseAt(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "phrase")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sealed is a secret closed by a passphrase with a quick work factor.
func sealed(t testing.TB, phrase, secret string) []byte {
	t.Helper()
	p, err := secmem.From([]byte(phrase))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wrapped, err := seal(p, quick, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// TestAPassphraseOpensWhatItClosed holds it for the real work factor, within the time that a start may take, whatever ends
// the line. The layout is format 2 and an age file with the work factor that the constants name.
func TestAPassphraseOpensWhatItClosed(t *testing.T) {
	secret := []byte("fifty-two bytes or any other number")
	start := time.Now()
	wrapped, err := Passphrase(phraseAt(t, staple)).Wrap(t.Context(), secret)
	check(t, err)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if !bytes.HasPrefix(wrapped, []byte("\x02age-encryption.org/v1\n-> scrypt ")) || !bytes.Contains(wrapped, []byte(" 17\n")) || bytes.Contains(wrapped, secret[:8]) {
		t.Errorf("%q", wrapped)
	}
	got, err := Passphrase(phraseAt(t, staple+"\n")).Unwrap(t.Context(), wrapped)
	check(t, err)
	defer got.Close()
	if !got.Equal(secret) {
		t.Error("another secret came back")
	}
}

// TestRecordedPassphraseHeaderOpens holds that what an earlier version closed opens.
func TestRecordedPassphraseHeaderOpens(t *testing.T) {
	wrapped := golden(t)
	for _, end := range []string{"", "\n", "\r\n"} {
		got, err := Passphrase(phraseAt(t, staple+end)).Unwrap(t.Context(), wrapped)
		check(t, err)
		if !got.Equal([]byte("data key")) {
			t.Errorf("another secret came back: %d bytes", got.Len())
		}
		got.Close()
	}
}

func TestUnwrapRefusesAnotherPassphraseAndAlteredBytes(t *testing.T) {
	k, wrapped := Passphrase(phraseAt(t, staple)), sealed(t, staple, "secret")
	other := phraseAt(t, staple+" ")
	_, err := Passphrase(other).Unwrap(t.Context(), wrapped)
	if !errors.Is(err, claviger.ErrWrapUnwrapFailed) || !strings.Contains(err.Error(), other+" holds another passphrase") || strings.Contains(err.Error(), "horse") {
		t.Errorf("another passphrase: %v", err)
	}
	for i := range wrapped {
		altered := bytes.Clone(wrapped)
		altered[i] ^= 0x10
		if got, err := k.Unwrap(t.Context(), altered); err == nil {
			got.Close()
			t.Errorf("byte %d altered, and still unwrapped", i)
		}
		if got, err := k.Unwrap(t.Context(), wrapped[:i]); err == nil {
			got.Close()
			t.Errorf("cut to %d bytes, and still unwrapped", i)
		}
	}
	if got, err := k.Unwrap(t.Context(), append(bytes.Clone(wrapped), 0)); err == nil {
		got.Close()
		t.Error("lengthened, and still unwrapped")
	}
}

// TestEachKindNamesWhatClosedTheStore holds that a keeper of the wrong kind says which kind would be right.
func TestEachKindNamesWhatClosedTheStore(t *testing.T) {
	key := keyAt(t)
	byKey, err := File(key).Wrap(t.Context(), []byte("secret"))
	check(t, err)
	phrase := phraseAt(t, staple)
	for _, c := range []struct {
		k       *Keeper
		wrapped []byte
		code    claviger.Code
		want    string
	}{
		{Passphrase(phrase), byKey, claviger.ErrWrapUnwrapFailed, "a key, of a file or a credential closed the store; passphrase file " + phrase},
		{File(key), sealed(t, staple, "secret"), claviger.ErrWrapUnwrapFailed, "a passphrase closed the store; key file " + key},
		{File(key), []byte{3}, claviger.ErrInvalidFormat, "not in a format"},
		{Passphrase(phrase), nil, claviger.ErrInvalidFormat, "not in a format"},
	} {
		if _, err := c.k.Unwrap(t.Context(), c.wrapped); !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestAForeignHeaderCannotAskForMoreWork holds that a header with a higher work factor is refused without doing it: 2^30
// would take an hour and a terabyte.
func TestAForeignHeaderCannotAskForMoreWork(t *testing.T) {
	k := Passphrase(phraseAt(t, staple))
	for _, factor := range []string{" 20\n", " 30\n", " 99999999999999999999\n", " -1\n", " 0\n"} {
		hostile := bytes.Replace(sealed(t, staple, "secret"), []byte(" 10\n"), []byte(factor), 1)
		start := time.Now()
		_, err := k.Unwrap(t.Context(), hostile)
		if !errors.Is(err, claviger.ErrWrapUnwrapFailed) || !strings.Contains(err.Error(), "more work") {
			t.Errorf("%q: %v", factor, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%q: refused after %v", factor, took)
		}
	}
}

// TestPassphrasesThatAreNoneAreRefused: the error names the file and holds nothing of it.
func TestPassphrasesThatAreNoneAreRefused(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "holds 0 bytes; a passphrase has at least 12"},
		{"only a line end", "\n", "holds 0 bytes"},
		{"too short", "elevenbytes\n", "holds 11 bytes"},
		{"too long", strings.Repeat("x", MaxPassphrase+1), "holds 1025 bytes; a passphrase may have 1024"},
		{"far too long", strings.Repeat("x", 1<<20), "has 1048576 bytes"},
		{"two lines", staple + "\n" + staple + "\n", "more than one line"},
		{"an empty line behind it", staple + "\n\n", "more than one line"},
		{"a zero byte", staple + "\x00", "more than one line"},
	} {
		path := phraseAt(t, c.content)
		err := Passphrase(path).Check(t.Context())
		if !errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: the error holds the passphrase", c.name)
		}
	}
	check(t, Passphrase(phraseAt(t, strings.Repeat("x", MaxPassphrase)+"\r\n")).Check(t.Context()))
	check(t, Passphrase(phraseAt(t, strings.Repeat("x", MinPassphrase))).Check(t.Context()))
}

// TestPassphraseFilesThatOthersCouldReachAreRefused holds that the rules for key files hold for these too.
func TestPassphraseFilesThatOthersCouldReachAreRefused(t *testing.T) {
	for _, c := range []struct {
		want  string
		spoil func(path string)
	}{
		{"mode 0640", func(p string) { chmod(t, p, 0o640) }},
		{"mode 0604", func(p string) { chmod(t, p, 0o604) }},
		{"mode 0777", func(p string) { chmod(t, filepath.Dir(p), 0o777) }},
		{"symbolic link", func(p string) { check(t, os.Rename(p, p+"2")); check(t, os.Symlink(p+"2", p)) }},
		{"there is no file", func(p string) { check(t, os.Remove(p)) }},
		{"not a regular file", func(p string) { check(t, os.Remove(p)); check(t, os.Mkdir(p, 0o700)) }},
	} {
		path := phraseAt(t, staple)
		c.spoil(path)
		if err := Passphrase(path).Check(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestAPassphraseComesFromACredential(t *testing.T) {
	path := phraseAt(t, staple+"\n")
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
	k, err := PassphraseCredential("phrase")
	check(t, err)
	got, err := k.Unwrap(t.Context(), sealed(t, staple, "secret"))
	check(t, err)
	got.Close()
	if !strings.Contains(k.Describe(), "passphrase in systemd credential phrase: protects") {
		t.Error(k.Describe())
	}
	for _, name := range []string{"", "..", "a/b"} {
		if _, err := PassphraseCredential(name); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FuzzUnseal holds that no bytes but those that were sealed are opened, and that work above the limit is never done.
func FuzzUnseal(f *testing.F) {
	phrase, err := secmem.From([]byte(staple))
	if err != nil {
		f.Fatal(err)
	}
	good := golden(f) // the same in every process of the fuzzer
	f.Add(good)
	f.Add(good[:60])
	f.Add(bytes.Replace(good, []byte(" 10\n"), []byte(" 11\n"), 1))
	f.Add([]byte{passphraseFormat})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		secret, err := unseal(phrase, quick, b)
		if err == nil && !bytes.Equal(b[1:], good[1:]) {
			t.Error("bytes that were never sealed were opened")
		}
		if err != nil && errors.Is(err, age.ErrIncorrectIdentity) && secret.Len() != 0 {
			t.Error("another passphrase gave a secret")
		}
		secret.Close()
	})
}
