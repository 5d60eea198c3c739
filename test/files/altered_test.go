package files_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// Sizes of the age format (age-encryption.org/v1, section "Payload"), in bytes.
const (
	plainChunk = 64 << 10        // of the plaintext
	ageChunk   = plainChunk + 16 // the same with its tag
	ageNonce   = 16              // in front of the first chunk
)

// chunks is how many whole chunks the plaintext of the test has; a part of one follows.
const chunks = 5

// ageFile is an encrypted file and where its parts begin.
type ageFile struct {
	data    []byte
	stanza  int // "-> "
	body    int // of the stanza: the wrapped file key
	mac     int // "--- "
	payload int // the first chunk
}

func dissect(t *testing.T, data []byte) ageFile {
	t.Helper()
	f := ageFile{data: data, stanza: bytes.Index(data, []byte("\n-> ")) + 1}
	f.mac = bytes.Index(data, []byte("\n--- ")) + 1
	if f.stanza == 0 || f.mac == 0 {
		t.Fatalf("no age header: %q", data[:min(len(data), 100)])
	}
	f.body = f.stanza + bytes.IndexByte(data[f.stanza:], '\n') + 1
	f.payload = f.mac + bytes.IndexByte(data[f.mac:], '\n') + 1 + ageNonce
	if rest := len(data) - f.payload; rest/ageChunk != chunks || rest%ageChunk < 17 {
		t.Fatalf("the payload has %d bytes, want %d chunks and a part", rest, chunks)
	}
	return f
}

// chunk says where a chunk begins.
func (f ageFile) chunk(i int) int { return f.payload + i*ageChunk }

// flip changes one bit.
func (f ageFile) flip(at int) []byte {
	data := bytes.Clone(f.data)
	data[at] ^= 1
	return data
}

// swap exchanges two whole chunks.
func (f ageFile) swap(i, j int) []byte {
	data := bytes.Clone(f.data)
	copy(data[f.chunk(i):f.chunk(i+1)], f.data[f.chunk(j):f.chunk(j+1)])
	copy(data[f.chunk(j):f.chunk(j+1)], f.data[f.chunk(i):f.chunk(i+1)])
	return data
}

// without leaves out the bytes from a to b.
func (f ageFile) without(a, b int) []byte { return append(bytes.Clone(f.data[:a]), f.data[b:]...) }

// with puts more bytes in at a.
func (f ageFile) with(a int, more []byte) []byte {
	return append(append(bytes.Clone(f.data[:a]), more...), f.data[a:]...)
}

// alteration is a file that decrypt must refuse. Chunks before the first wrong one, released of them, may be on standard output.
type alteration struct {
	name     string
	data     []byte
	released int // most whole chunks that may have been written; -1 means all of the plaintext
}

func (f ageFile) alterations() []alteration {
	last, end := f.chunk(chunks), len(f.data)
	return []alteration{
		{"version line", f.flip(f.stanza - 2), 0},
		{"kind of stanza", f.flip(f.stanza + len("-> c")), 0},
		{"identifier of the key", f.flip(f.stanza + bytes.LastIndexByte(f.data[f.stanza:f.body], ' ') - 1), 0},
		{"algorithm", f.flip(f.body - 2), 0},
		{"wrapped key, first byte", f.flip(f.body), 0},
		{"wrapped key, last byte", f.flip(f.mac - 3), 0},
		{"a second stanza", f.with(f.mac, f.data[f.stanza:f.mac]), 0},
		{"a foreign stanza", f.with(f.mac, []byte("-> grease x\n\n")), 0},
		{"no stanza", f.without(f.stanza, f.mac), 0},
		{"header's code", f.flip(f.mac + len("--- ")), 0},
		{"nonce", f.flip(f.payload - 1), 0},
		{"first byte of the payload", f.flip(f.payload), 0},
		{"tag of the first chunk", f.flip(f.chunk(1) - 1), 0},
		{"third chunk", f.flip(f.chunk(2) + 1000), 2},
		{"tag of the third chunk", f.flip(f.chunk(3) - 1), 2},
		{"last chunk", f.flip(last), chunks},
		{"last byte", f.flip(end - 1), chunks},
		{"neighbours swapped", f.swap(1, 2), 1},
		{"first and fourth swapped", f.swap(0, 3), 0},
		{"a chunk left out", f.without(f.chunk(2), f.chunk(3)), 2},
		{"a chunk twice", f.with(f.chunk(2), f.data[f.chunk(1):f.chunk(2)]), 2},
		{"the part in front", f.with(f.chunk(0), f.data[last:]), 0},
		{"cut behind the last whole chunk", f.data[:last], chunks},
		{"cut behind the first chunk", f.data[:f.chunk(1)], 1},
		{"cut inside the third chunk", f.data[:f.chunk(2)+500], 2},
		{"cut inside a tag", f.data[:f.chunk(3)-5], 2},
		{"last byte cut off", f.data[:end-1], chunks},
		{"cut behind the nonce", f.data[:f.payload], 0},
		{"cut inside the nonce", f.data[:f.payload-1], 0},
		{"cut inside the header", f.data[:f.mac-4], 0},
		{"one byte appended", append(bytes.Clone(f.data), 'x'), -1},
		{"the last part appended", append(bytes.Clone(f.data), f.data[last:]...), -1},
		{"the whole file appended", append(bytes.Clone(f.data), f.data...), -1},
	}
}

// TestAlteredFilesAreRefused holds that nothing wrong is released: with -o no file appears, and standard output has at most the
// chunks in front of the alteration.
func TestAlteredFilesAreRefused(t *testing.T) {
	b := newBench(t)
	b.noise("plain", chunks*plainChunk+4321)
	plain := b.read("plain")
	for _, key := range []string{"data", "wrap"} {
		b.ok("slot generate " + key)
		b.ok("encrypt --key " + key + " -o @file.age @plain")
		f := dissect(t, b.read("file.age"))
		b.ok("decrypt -o @again @file.age")
		b.same("plain", "again")
		for _, a := range f.alterations() {
			t.Run(key+"/"+a.name, func(t *testing.T) { b.with(t).refused(a, plain) })
		}
	}
}

// refused runs decrypt on an altered file, to a file and to standard output.
func (b *bench) refused(a alteration, plain []byte) {
	b.t.Helper()
	b.write("altered.age", a.data)
	out := b.t.TempDir()
	for _, line := range []string{"decrypt -o " + out + "/plain @altered.age", "decrypt @altered.age"} {
		r := b.Run(b.t, nil, b.words(line)...)
		if r.Code != 1 || !strings.HasPrefix(r.Stderr, "claviger: decrypt: ") {
			b.t.Errorf("%s: status %d, want 1: %s", line, r.Code, r.Stderr)
		}
		most := a.released * plainChunk
		if a.released < 0 {
			most = len(plain)
		}
		n := len(r.Stdout)
		if n > most || !bytes.HasPrefix(plain, []byte(r.Stdout)) || n%plainChunk != 0 && n != len(plain) {
			b.t.Errorf("%s: %d bytes were released, allowed are whole chunks of the beginning, at most %d bytes", line, n, most)
		}
	}
	if left := must(os.ReadDir(out))(b.t); len(left) != 0 {
		b.t.Errorf("a refused file left %v", left)
	}
}

// TestAlteredMessagesAreRefused holds the same for the plain algorithms that can tell.
func TestAlteredMessagesAreRefused(t *testing.T) {
	b := newBench(t)
	b.noise("plain", 300000)
	b.ok("slot generate data")
	b.ok("slot generate wrap")
	b.write("short", []byte("a short message"))
	for _, test := range []struct{ name, flags, plain string }{
		{"AES-256-GCM", "--key data --raw AES-256-GCM --aad 0102", "plain"},
		{"RSA-OAEP", "--key wrap --raw RSA-OAEP-SHA-256", "short"},
	} {
		b.ok("encrypt " + test.flags + " -o @sealed @" + test.plain)
		b.ok("decrypt " + test.flags + " -o @again @sealed")
		b.same(test.plain, "again")
		sealed := b.read("sealed")
		for _, a := range []alteration{
			{"first byte", (ageFile{data: sealed}).flip(0), 0},
			{"middle byte", (ageFile{data: sealed}).flip(len(sealed) / 2), 0},
			{"last byte", (ageFile{data: sealed}).flip(len(sealed) - 1), 0},
			{"cut off", sealed[:len(sealed)-1], 0},
			{"longer", append(bytes.Clone(sealed), 0), 0},
			{"empty", nil, 0},
		} {
			t.Run(test.name+"/"+a.name, func(t *testing.T) {
				b := b.with(t)
				b.write("altered", a.data)
				out := t.TempDir()
				b.fails("decrypt "+test.flags+" -o "+out+"/plain @altered", 1, "OperationFailed")
				if r := b.fails("decrypt "+test.flags+" @altered", 1, "OperationFailed"); r.Stdout != "" {
					t.Errorf("%d bytes were released", len(r.Stdout))
				}
				if left := must(os.ReadDir(out))(t); len(left) != 0 {
					t.Errorf("a refused message left %v", left)
				}
			})
		}
	}
	b.ok("encrypt --key data --raw AES-256-GCM --aad 0102 -o @sealed @plain")
	b.fails("decrypt --key data --raw AES-256-GCM --aad 0103 -o @no @sealed", 1, "OperationFailed")
	b.fails("decrypt --key data --raw AES-256-GCM -o @no @sealed", 1, "OperationFailed")
}
