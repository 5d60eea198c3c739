package main

import (
	"fmt"
	"io"
	"time"
)

// progressAfter is how long work lasts before it is shown, and how often it is shown anew.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress shows on a terminal how far long work has come. A nil progress shows nothing.
type progress struct {
	w     io.Writer
	name  string
	total int64 // bytes; -1 if unknown
	count int64
	start time.Time
	next  time.Time
	shown bool
}

// progress begins to count; nil if standard error is no terminal.
func (a *app) progress(name string, total int64) *progress {
	if !isTerminal(a.stderr) {
		return nil
	}
	now := time.Now()
	return &progress{w: a.stderr, name: name, total: total, start: now, next: now.Add(progressAfter)}
}

// add counts n bytes more.
func (p *progress) add(n int) {
	if p == nil {
		return
	}
	p.count += int64(n)
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	rate := int64(float64(p.count) / now.Sub(p.start).Seconds())
	if p.total > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s of %s, %d %%, %s/s", p.name, size(p.count), size(p.total), 100*p.count/p.total, size(rate))
	} else {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s, %s/s", p.name, size(p.count), size(rate))
	}
}

// done takes the line away again.
func (p *progress) done() {
	if p != nil && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// size gives bytes in the unit that fits: "640 B", "1.5 GiB".
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1024, 0
	for ; f >= 1024 && unit < 3; unit++ {
		f /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGT"[unit])
}
