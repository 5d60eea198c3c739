package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age/armor"
)

// payload is longer than three chunks of the age format, and no whole number of them.
const payload = 3*(64<<10) + 12345

// ageChunk is the size of an encrypted chunk: 64 KiB and a tag.
const ageChunk = 64<<10 + 16

func randomString(n int) string { return string(randomBytes(n)) }

func TestAgeFilesComeBack(t *testing.T) {
	c := newCLI(t)
	for key, alg := range map[string]string{"a": "AES-256", "b": "AES-128", "c": "ChaCha20", "r": "RSA-2048"} {
		c.ok("", "slot generate "+key+" --algorithm "+alg)
		for _, n := range []int{0, 1, payload} {
			plain := c.write("plain", randomString(n))
			c.ok("", "encrypt --key "+key+" -o @file.age @plain")
			if strings.Contains(c.read("file.age"), plain) && n > 1 {
				t.Fatalf("%s: the plaintext is in the file", alg)
			}
			c.ok("", "decrypt -o @again @file.age")
			if c.read("again") != plain {
				t.Errorf("%s: %d bytes came back altered", alg, n)
			}
			if got := c.ok(c.read("file.age"), "decrypt --key "+key); got != plain {
				t.Errorf("%s: %d bytes came back altered on standard output", alg, n)
			}
			if info, _ := os.Stat(filepath.Join(c.dir, "again")); info.Mode().Perm() != 0o600 {
				t.Errorf("the decrypted file has mode %v", info.Mode())
			}
		}
	}
}

func TestArmoredAgeFile(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	text := c.ok("hello", "encrypt --key a --armor")
	if !strings.HasPrefix(text, armor.Header) || c.ok(text, "decrypt") != "hello" {
		t.Errorf("armored file %q", text)
	}
	c.fails(strings.Replace(text, armor.Footer, "", 1), "decrypt", exitVerdict, "InvalidFormat")
}

func TestOldVersionsStillDecrypt(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	first := c.ok("one", "encrypt --key a")
	c.ok("", "slot rotate a")
	second := c.ok("two", "encrypt --key a")
	if c.ok(first, "decrypt") != "one" || c.ok(second, "decrypt") != "two" {
		t.Error("a version does not decrypt")
	}
	c.ok("", "slot clear a --version 1")
	c.fails(first, "decrypt --key a", exitVerdict, "ResourceNotFound")
	if c.ok(second, "decrypt --key a") != "two" {
		t.Error("the newest version went with the first")
	}
}

// TestAlteredAgeFilesAreRefused alters a file in every part. With -o nothing may appear; standard output may have
// what comes before the alteration and nothing else.
func TestAlteredAgeFilesAreRefused(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	c.ok("", "slot generate b --algorithm AES-256")
	plain := randomString(payload)
	file := []byte(c.ok(plain, "encrypt --key a"))
	start := bytes.Index(file, []byte("\n--- "))
	start += 1 + bytes.IndexByte(file[start+1:], '\n') + 1 + 16 // behind header and nonce
	flip := func(at int) []byte { b := bytes.Clone(file); b[at] ^= 1; return b }
	swap := func(i, j int) []byte {
		b := bytes.Clone(file)
		copy(b[start+i*ageChunk:], file[start+j*ageChunk:start+(j+1)*ageChunk])
		copy(b[start+j*ageChunk:], file[start+i*ageChunk:start+(i+1)*ageChunk])
		return b
	}
	stanza := bytes.Index(file, []byte("-> "))
	body := stanza + bytes.IndexByte(file[stanza:], '\n') + 1
	tests := map[string][]byte{
		"first byte":            flip(0),
		"key identifier":        flip(stanza + len("-> "+stanzaType+" ")),
		"algorithm":             flip(body - 2),
		"wrapped key":           bytes.Replace(file, file[body:body+1], []byte{file[body] ^ 1}, 1),
		"header's code":         flip(bytes.Index(file, []byte("\n--- ")) + 6),
		"nonce":                 flip(start - 1),
		"first chunk":           flip(start),
		"third chunk":           flip(start + 2*ageChunk + 99),
		"last byte":             flip(len(file) - 1),
		"two chunks swapped":    swap(1, 2),
		"a chunk left out":      append(bytes.Clone(file[:start+ageChunk]), file[start+2*ageChunk:]...),
		"a chunk twice":         append(bytes.Clone(file[:start+ageChunk]), file[start:]...),
		"tail cut off":          file[:len(file)-1],
		"last chunk cut off":    file[:start+3*ageChunk],
		"nothing but a header":  file[:start],
		"something behind":      append(bytes.Clone(file), 'x'),
		"empty":                 nil,
		"another kind of file":  []byte("PK\x03\x04"),
		"someone else's stanza": bytes.Replace(file, []byte(stanzaType), []byte("x25519-of-others!"), 1),
	}
	for name, altered := range tests {
		t.Run(name, func(t *testing.T) {
			c := &cli{t, c.dir, c.socket}
			c.write("altered.age", string(altered))
			status, _, stderr := c.try("", "decrypt -o @out @altered.age")
			if status != exitVerdict {
				t.Errorf("status %d, want %d: %s", status, exitVerdict, stderr)
			}
			c.missing("out")
			if _, stdout, _ := c.try(string(altered), "decrypt"); !strings.HasPrefix(plain, stdout) || len(stdout) == len(plain) && name != "something behind" {
				t.Errorf("%d bytes were released that are not the beginning of the file", len(stdout))
			}
		})
	}
	c.fails(string(file), "decrypt --key b", exitVerdict, "ResourceNotFound")
}

func TestRawCBCIsOpenSSLs(t *testing.T) {
	c := newCLI(t)
	key := c.write("key", randomString(32))
	c.ok(key, "slot import a - --format raw --algorithm AES-256")
	plain := c.write("plain", randomString(payload))
	iv := hex.EncodeToString(randomBytes(16))
	c.ok("", "encrypt --key a --raw AES-256-CBC --iv "+iv+" -o @ours @plain")
	c.openssl("enc -aes-256-cbc -in plain -out theirs -iv " + iv + " -K " + hex.EncodeToString([]byte(key)))
	if c.read("ours") != c.read("theirs") {
		t.Error("the ciphertexts differ")
	}
	c.ok("", "decrypt --key a --raw AES-256-CBC --iv "+iv+" -o @again @theirs")
	if c.read("again") != plain {
		t.Error("what openssl encrypted came back altered")
	}
	c.fails(plain[:31], "decrypt --key a --raw AES-256-CBC --iv "+iv, exitVerdict, "OperationFailed")
	c.fails("", "encrypt --key a --raw AES-256-CBC", exitUsage, "InvalidArgument")
	c.fails("", "encrypt --key a --raw AES-256-CBC --aad 00 --iv "+iv, exitUsage, "InvalidArgument")
}

func TestRawModes(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	c.ok("", "slot generate p --algorithm ChaCha20")
	c.ok("", "slot generate r --algorithm RSA-2048")
	iv := " --iv " + hex.EncodeToString(randomBytes(16))
	for _, mode := range []string{
		"--key a --raw AES-256-CTR" + iv, "--key a --raw AES-256-GCM", "--key a --raw AES-256-GCM --aad 0102", "--key p --raw ChaCha20-Poly1305", "--key r --raw RSA-OAEP-SHA-256",
	} {
		plain := randomString(150)
		sealed := c.ok(plain, "encrypt "+mode)
		if sealed == plain || c.ok(sealed, "decrypt "+mode) != plain {
			t.Errorf("%s: came back altered", mode)
		}
		if strings.Contains(mode, "CTR") {
			continue
		}
		c.fails(sealed[:len(sealed)-1]+string([]byte{sealed[len(sealed)-1] ^ 1}), "decrypt "+mode, exitVerdict, "OperationFailed")
	}
	sealed := c.ok("x", "encrypt --key a --raw AES-256-GCM --aad 01")
	if len(sealed) != 12+1+16 {
		t.Errorf("one byte became %d", len(sealed))
	}
	c.fails(sealed, "decrypt --key a --raw AES-256-GCM --aad 02", exitVerdict, "OperationFailed")
	c.fails("short", "decrypt --key a --raw AES-256-GCM", exitVerdict, "OperationFailed")
	c.fails("", "encrypt --key a --raw BOGUS", exitOther, "UnsupportedAlgorithm")
	c.fails("", "encrypt --key none --raw AES-256-GCM", exitOther, "KeySlotEmpty")
}

func TestMessageOverTheLimitIsRefusedUnread(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	c.ok("", "slot generate e --algorithm Ed25519")
	c.ok("", "slot generate m --algorithm ML-DSA-65")
	if err := os.WriteFile(filepath.Join(c.dir, "sparse"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(c.dir, "sparse"), 64<<20+1); err != nil {
		t.Fatal(err)
	}
	c.fails("", "encrypt --key a --raw AES-256-GCM -o @out @sparse", exitOther, "InvalidArgument")
	c.missing("out")
	for key, form := range map[string]string{"e": "Ed25519ph", "m": "HashML-DSA-65"} {
		if _, _, stderr := c.try("", "sign --key "+key+" -o @out @sparse"); !strings.Contains(stderr, form) || !strings.Contains(stderr, "67108864") {
			t.Errorf("the error does not name %s and the limit: %s", form, stderr)
		}
		c.missing("out")
	}
}

// TestLongMessageFromAPipeGetsTheDaemonsError shows the limit where the length is not known before.
func TestLongMessageFromAPipeGetsTheDaemonsError(t *testing.T) {
	c := newCLI(t)
	c.ok("", "slot generate e --algorithm Ed25519")
	zeros := strings.Repeat("\x00", 64<<20)
	c.write("sig", c.ok(zeros, "sign --key e"))
	c.ok(zeros, "verify --key e --signature @sig")
	status, _, stderr := c.try(zeros+"x", "sign --key e")
	if status != exitOther || !strings.Contains(stderr, "Ed25519ph") || !strings.Contains(stderr, "67108864") && !strings.Contains(stderr, "64 MiB") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestRandomIsAsLongAsAsked(t *testing.T) {
	c := newCLI(t)
	for _, n := range []int{0, 1, 70000, 1500000} {
		if got := c.ok("", "random "+strconv.Itoa(n)); len(got) != n {
			t.Errorf("random %d gave %d bytes", n, len(got))
		}
	}
	one, two := c.ok("", "random 16 --hex"), c.ok("", "random 16 --hex")
	if len(one) != 33 || one == two {
		t.Errorf("random gave %q and %q", one, two)
	}
	c.ok("", "random 100 -o @r")
	if len(c.read("r")) != 100 {
		t.Error("the file has another size")
	}
}
