package sandbox

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"
)

// clock is a time that stands still until it is told to go on.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// TestLinesComeOutWholeAndPrintable holds the form of a log.
func TestLinesComeOutWholeAndPrintable(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for in, want := range map[string]string{
		"":                                "",
		"one":                             "one\n",
		"one\ntwo\n":                      "one\ntwo\n",
		"\n\na":                           "\n\na\n",
		"tab\there":                       "tab here\n",
		"bell\a\x1b[2J\x7f\r\n":           "bell??[2J??\n",
		"bad \xff\xfe":                    "bad ??\n",
		"grüße – \u202e\u2028":            "grüße – ??\n",
		long + "\nx":                      long + "\nx\n",
		long + strings.Repeat("y", 1<<20): long + "\n",
	} {
		var whole, single bytes.Buffer
		copyLines(&whole, strings.NewReader(in), time.Now)
		copyLines(&single, iotest.OneByteReader(strings.NewReader(in)), time.Now)
		if whole.String() != want || single.String() != want {
			t.Errorf("%.40q: %.60q and %.60q, want %.60q", in, whole.String(), single.String(), want)
		}
	}
}

// TestAFloodOfLinesIsCounted holds the rate, and that the count is said when it is over.
func TestAFloodOfLinesIsCounted(t *testing.T) {
	c := &clock{at: time.Unix(1, 0)}
	var out bytes.Buffer
	l := lines{w: &out, now: c.now, left: lineBurst, last: c.at}
	print := func(n int) {
		for range n {
			l.take([]byte("x\n"))
		}
	}
	print(lineBurst + 50)
	if got := strings.Count(out.String(), "\n"); got != lineBurst {
		t.Fatalf("%d lines at once", got)
	}
	out.Reset()
	c.at = c.at.Add(time.Second)
	print(lineRate + 5)
	if want := "(50 lines left out)\n" + strings.Repeat("x\n", lineRate); out.String() != want {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	l.finish()
	if want := "(5 lines left out)\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// FuzzLog holds that no output of foreign code makes a line that is too long or cannot be printed.
func FuzzLog(f *testing.F) {
	f.Add([]byte("a line\nand \xff another\x00"))
	f.Add(bytes.Repeat([]byte("long"), maxLine))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		copyLines(&out, bytes.NewReader(in), time.Now)
		if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			t.Error("no end")
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) > maxLine || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%.80q", line)
			}
		}
	})
}

// FuzzFrame holds that no bytes of a worker do more than fail, and that what is written is read again.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("\x00\x00\x00\x20{\"Code\":16842756,\"Detail\":\"text\"}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		var said answer
		if err := readFrame(r, &said); err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeFrame(&again, said); err != nil {
			t.Fatal(err)
		}
		var back answer
		if err := readFrame(&again, &back); err != nil || back != said {
			t.Errorf("%+v, %+v, %v", said, back, err)
		}
		if said.Code != 0 && said.err() == nil || said.Code == 0 && said.err() != nil {
			t.Errorf("%+v: %v", said, said.err())
		}
	})
}

// TestFramesAreRead holds that a frame is read and not a byte more, and that others are refused.
func TestFramesAreRead(t *testing.T) {
	var b bytes.Buffer
	for stage := 1; stage <= 2; stage++ {
		if err := writeFrame(&b, plan{Stage: stage, Read: []string{"/a"}}); err != nil {
			t.Fatal(err)
		}
	}
	for stage := 1; stage <= 2; stage++ {
		var p plan
		if err := readFrame(&b, &p); err != nil || p.Stage != stage || fmt.Sprint(p.Read) != "[/a]" {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if err := writeFrame(&b, plan{Read: []string{strings.Repeat("x", maxFrame)}}); err == nil || b.Len() != 0 {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
	for _, in := range []string{"", "\x00\x00", "\x00\x10\x00\x01", "\x00\x00\x00\x02{", "\x00\x00\x00\x02{]"} {
		var p plan
		if err := readFrame(strings.NewReader(in), &p); err == nil {
			t.Errorf("%q was read", in)
		}
	}
}
