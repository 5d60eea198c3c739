package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

func TestErrorsHaveTheirExitStatusAndText(t *testing.T) {
	deny := claviger.Errorf(claviger.ErrAccessDenied, "resolve", "no right")
	tests := []struct {
		name   string
		err    error
		status int
		text   string
	}{
		{"usage", usagef("no %s", "flag"), 2, "sign: no flag (InvalidArgument)"},
		{"verdict", verdictf(claviger.ErrInvalidFormat, "cut off"), 1, "sign: cut off (InvalidFormat)"},
		{"verdict of a certificate", verdict{why: "leaf", name: claviger.Expired.String()}, 1, "sign: leaf (Expired)"},
		{"refused", deny, 3, "sign: resolve: no right (AccessDenied)"},
		{"refused, wrapped", fmt.Errorf("age: %w", deny), 3, "sign: age: resolve: no right (AccessDenied)"},
		{"unmapped name", claviger.ErrInvalidResourceID, 3, "sign: name not mapped for this caller (InvalidResourceId)"},
		{"key does not permit", claviger.Errorf(claviger.ErrKeyOperationNotPermitted, "", "no"), 3, "sign: no (KeyOperationNotPermitted)"},
		{"not exportable", claviger.ErrKeyNotExportable, 3, "sign: key cannot be exported (KeyNotExportable)"},
		{"occupied", claviger.ErrKeySlotOccupied, 4, "sign: key slot is occupied (KeySlotOccupied)"},
		{"unreachable", claviger.Errorf(claviger.ErrConnectionFailed, "dial", "gone"), 5, "sign: dial: gone (ConnectionFailed)"},
		{"timed out", claviger.ErrOperationTimedOut, 5, "sign: deadline passed (OperationTimedOut)"},
		{"deadline", context.DeadlineExceeded, 5, "sign: context deadline exceeded (OperationTimedOut)"},
		{"interrupted", context.Canceled, 4, "sign: interrupted (OperationFailed)"},
		{"bad certificate", claviger.Errorf(claviger.ErrCertificateParsingFailed, "parse", "not DER"), 1, "sign: parse: not DER (CertificateParsingFailed)"},
		{"file system", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, 4, "sign: open x: file does not exist (OperationFailed)"},
		{"fault of the daemon", claviger.Errorf(claviger.ErrInternal, "sign", "panic"), 4, "sign: sign: panic (InternalError)"},
		{"lines to add", claviger.Errorf(claviger.ErrAccessDenied, "hello", "unknown; add\n[[app]]\n"), 3, "sign: hello: unknown; add (AccessDenied)\n[[app]]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := exitStatus(test.err); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			if got := message("sign", test.err); got != test.text {
				t.Errorf("text %q, want %q", got, test.text)
			}
		})
	}
}

func TestAsVerdictKeepsOtherErrors(t *testing.T) {
	wrong := claviger.Errorf(claviger.ErrOperationFailed, "decrypt", "altered")
	if got := asVerdict(wrong, claviger.ErrOperationFailed); exitStatus(got) != exitVerdict || !errors.Is(got, wrong.Code) {
		t.Errorf("%v is no verdict", got)
	}
	gone := claviger.Errorf(claviger.ErrConnectionFailed, "decrypt", "gone")
	if got := asVerdict(gone, claviger.ErrOperationFailed); got != error(gone) {
		t.Errorf("%v changed to %v", gone, got)
	}
}

func TestWrongCommandLinesAreUsageErrors(t *testing.T) {
	t.Setenv("CLAVIGER_SOCKET", "/nonexistent/claviger.sock")
	for _, line := range []string{
		"", "bogus", "slot", "slot bogus", "cert crl", "store",
		"hash", "hash --bogus SHA-256", "slot info", "slot info a b", "mac", "mac --key a --verify zz",
		"encrypt", "encrypt --key a --raw AES-256-CBC --iv zz", "encrypt --key a --iv 00", "encrypt --key a --aad 00",
		"encrypt --key a --raw AES-256-CBC --armor", "decrypt --raw AES-256-CBC", "decrypt --aad 0",
		"serve", "serve --config a --dev b", "random", "random x", "random -- -1", "random 8 --hex --base64",
		"sign", "verify --key a", "verify --signature s", "verify --key a --public b --signature s",
		"slot public a --format bogus", "slot adopt", "slot adopt a", "slot adopt a --id zz", "slot adopt a --label x --permissions bogus", "slot objects", "slot objects 2 --id 0", "cert export a --format bogus", "cert verify a", "check", "man", "--timeout soon status",
	} {
		t.Run(line, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
			if status != exitUsage {
				t.Errorf("status %d, want %d; %s", status, exitUsage, stderr.String())
			}
			text := stderr.String()
			if !strings.HasPrefix(text, "claviger: ") || !strings.Contains(text, " (InvalidArgument)\n") || stdout.Len() != 0 {
				t.Errorf("standard error %q, standard output %q", text, stdout.String())
			}
		})
	}
}

func TestUnreachableDaemonIsItsOwnStatus(t *testing.T) {
	for _, line := range []string{
		"status", "slot list", "slot adopt a --label x", "slot objects 2", "slot objects hsm", "hash SHA-256", "random 8 --hex", "decrypt", "cert info x", "algorithms", "providers", "store compact",
	} {
		t.Run(line, func(t *testing.T) {
			var stderr bytes.Buffer
			args := append([]string{"--timeout", "30ms", "--socket", t.TempDir() + "/none.sock"}, strings.Fields(line)...)
			if status := run(args, strings.NewReader(""), &bytes.Buffer{}, &stderr); status != exitUnreachable {
				t.Errorf("status %d, want %d", status, exitUnreachable)
			}
			if !strings.Contains(stderr.String(), "(ConnectionFailed)") {
				t.Errorf("standard error %q", stderr.String())
			}
		})
	}
}

func TestCommandsWithoutDaemon(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{
		"version", "version --json", "--help", "slot --help", "completion bash", "completion zsh", "completion fish", "man " + dir, "store key " + dir + "/k",
	} {
		var stdout, stderr bytes.Buffer
		if status := run(strings.Fields(line), strings.NewReader(""), &stdout, &stderr); status != exitOK {
			t.Errorf("%q: status %d: %s", line, status, stderr.String())
		}
	}
	if status := run([]string{"store", "key", dir + "/k"}, nil, &bytes.Buffer{}, &bytes.Buffer{}); status != exitOther {
		t.Errorf("a key file was written over: status %d", status)
	}
}
