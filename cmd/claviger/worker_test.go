package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// TestOnlyADaemonStartsAWorker holds that the command says so to everybody else, and is not listed.
func TestOnlyADaemonStartsAWorker(t *testing.T) {
	cmd := exec.Command(os.Args[0], "worker")
	cmd.Env = append(os.Environ(), mainVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != exitOther || !strings.Contains(string(out), "only the daemon starts a worker") {
		t.Errorf("%v: %s", err, out)
	}
	if out := newCLI(t).ok("", "--help"); strings.Contains(out, "\n  worker ") {
		t.Errorf("listed:\n%s", out)
	}
}

// TestAWorkerOpensWhatItsDaemonNames holds that settings of another form, kind or release open nothing.
func TestAWorkerOpensWhatItsDaemonNames(t *testing.T) {
	for text, want := range map[string]claviger.Code{
		"":                      claviger.ErrInvalidFormat,
		"[]":                    claviger.ErrInvalidFormat,
		`{"kind": "tape"}`:      claviger.ErrUnsupportedOperation,
		`{"kind": "software"}`:  claviger.ErrUnsupportedOperation,
		`{"sessions": "many"}`:  claviger.ErrInvalidFormat,
		`{"kind": "pk\u000as"}`: claviger.ErrUnsupportedOperation,
	} {
		if d, err := openDevice([]byte(text)); d != nil || claviger.CodeOf(err) != want || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
}

// TestProvidersSayWhatTheyOffer holds that one is found by name and number.
func TestProvidersSayWhatTheyOffer(t *testing.T) {
	c := newCLI(t)
	for _, line := range []string{"providers software", "providers 1", "providers --mechanisms"} {
		status, out, errs := c.try("", line)
		if status != exitOK || !strings.Contains(out, "1         software  software  available\n") || !strings.Contains(out, "\nhash ") || !strings.Contains(out, "SHA-256, ") {
			t.Errorf("%s: status %d, %s%s", line, status, out, errs)
		}
		if _, out, _ = c.try("", line+" --json"); !strings.HasPrefix(out, "[") {
			t.Errorf("%s --json: %s", line, out)
		}
		var printed []printedOffer
		if err := json.Unmarshal([]byte(out), &printed); err != nil || len(printed) != 1 || printed[0].Name != "software" || len(printed[0].Operations["sign"]) == 0 {
			t.Errorf("%s --json: %v, %+v", line, err, printed)
		}
	}
	if status, _, errs := c.try("", "providers nobody"); status != exitOther || !strings.Contains(errs, `no provider has the name or number "nobody" (ProviderNotAvailable)`) {
		t.Errorf("status %d, %s", status, errs)
	}
}

// TestProvidersInWords goes through the states of a provider.
func TestProvidersInWords(t *testing.T) {
	for want, p := range map[string]claviger.ProviderInfo{
		"available":                       {Available: true},
		"available: a token":              {Available: true, Detail: "a token"},
		"available: a token; restarts: 2": {Available: true, Detail: "a token", Restarts: 2},
		"not available: it is away":       {Reason: "it is away", Detail: "a token"},
	} {
		if got := providerState(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
