package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a worker's log.
const (
	maxLine   = 1024 // bytes of a line, its end not counted; what is longer is cut
	lineBurst = 200  // lines at once
	lineRate  = 10   // lines a second after that
)

// copyLines reads until an error and writes each line, made printable, with its end in one Write. Lines beyond the rate
// are counted and said in one. Errors of w are passed over: the worker must not wait for a log that is broken.
func copyLines(w io.Writer, r io.Reader, now func() time.Time) {
	l := lines{w: w, now: now, left: lineBurst, last: now()}
	var buf [4096]byte
	for {
		n, err := r.Read(buf[:])
		l.take(buf[:n])
		if err != nil {
			l.finish()
			return
		}
	}
}

// lines puts bytes together to lines.
type lines struct {
	w   io.Writer
	now func() time.Time

	line []byte // at most maxLine bytes
	some bool   // a byte has come since the last line's end

	left    float64 // lines that may be written at last
	last    time.Time
	dropped int
}

// take cuts what has come into lines.
func (l *lines) take(p []byte) {
	for len(p) > 0 {
		part, rest, whole := bytes.Cut(p, []byte{'\n'})
		l.some = l.some || len(part) > 0
		l.line = append(l.line, part[:min(len(part), maxLine-len(l.line))]...)
		if whole {
			l.end()
		}
		p = rest
	}
}

// end writes the line, or counts it.
func (l *lines) end() {
	text := printable(l.line)
	l.line, l.some = l.line[:0], false
	at := l.now()
	l.left = min(lineBurst, l.left+at.Sub(l.last).Seconds()*lineRate)
	l.last = at
	if l.left < 1 {
		l.dropped++
		return
	}
	l.left--
	l.sayDropped()
	_, _ = io.WriteString(l.w, text+"\n")
}

func (l *lines) finish() {
	if l.some {
		l.end()
	}
	l.sayDropped()
}

func (l *lines) sayDropped() {
	if l.dropped > 0 {
		_, _ = fmt.Fprintf(l.w, "(%d lines left out)\n", l.dropped)
		l.dropped = 0
	}
}

// printable replaces what is not UTF-8 or cannot be printed by "?", so that foreign code writes no line but its own.
func printable(line []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, string(line))
}
