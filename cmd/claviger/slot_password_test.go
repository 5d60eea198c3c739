package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

func TestAskedPasswordsAreNotShown(t *testing.T) {
	term := newTerminal(t)
	before := term.flags(t)
	var prompt bytes.Buffer
	asked := make(chan struct{})
	a := &app{stdin: term.slave, stderr: writerFunc(func(p []byte) (int, error) {
		if prompt.Write(p); len(p) > 1 {
			close(asked)
		}
		return len(p), nil
	})}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		<-asked
		term.master.WriteString("s3cret\n")
	}()
	password, err := a.askPassword(t.Context(), "password of x: ")
	<-answered
	if err != nil || string(password) != "s3cret" || prompt.String() != "password of x: \n" {
		t.Errorf("%q, %v; the prompt is %q", password, err, prompt.String())
	}
	if shown := term.shown(t); strings.Contains(shown, "s3cret") {
		t.Errorf("the terminal shows %q", shown)
	}
	if term.flags(t) != before {
		t.Error("the terminal is not as it was before")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.stderr = &prompt
	if _, err := a.askPassword(ctx, "password: "); !errors.Is(err, context.Canceled) || term.flags(t) != before {
		t.Errorf("interrupted: %v", err)
	}
	term.master.WriteString("\n") // ends the reading that was given up
}

func TestImportAsksForAPasswordOnATerminal(t *testing.T) {
	c, term := newCLI(t), newTerminal(t)
	ec := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	c.write("p12", closed(t, pkcs12.Modern, ec, "s3cret"))
	for answer, want := range map[string]int{"s3cret\n": exitOK, "wrong\n": exitVerdict, "\x04": exitUsage} {
		var stdout, stderr bytes.Buffer
		asked := make(chan struct{})
		errs := writerFunc(func(p []byte) (int, error) {
			if strings.HasPrefix(string(p), "password of ") {
				close(asked)
			}
			return stderr.Write(p)
		})
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			<-asked
			term.master.WriteString(answer)
		}()
		status := run([]string{"--socket", c.socket, "slot", "import", "s", c.dir + "/p12"}, term.slave, &stdout, errs)
		<-answered
		if status != want || strings.Contains(stderr.String(), "s3cret") {
			t.Errorf("%q: status %d, want %d: %s", answer, status, want, stderr.String())
		}
	}
	if got := c.ok("", "slot public s"); got != public(t, ec) {
		t.Error("another key")
	}
}
