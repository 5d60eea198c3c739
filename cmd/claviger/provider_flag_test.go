package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

func TestAProviderIsChosenByNumberKindOrName(t *testing.T) {
	for word, want := range map[string]client.ProviderSelector{
		"1": {ID: 1}, "65535": {ID: 65535}, "007": {ID: 7}, "default": {}, "hardware": {Kind: claviger.Hardware}, "software": {Kind: claviger.Software},
		"hardware-preferred": {Kind: claviger.HardwarePreferred}, "software-preferred": {Kind: claviger.SoftwarePreferred},
		"token": {Name: "token"}, "Hardware": {Name: "Hardware"}, "-1": {Name: "-1"}, "hsm 2": {Name: "hsm 2"},
	} {
		got := client.ProviderSelector{ID: 9}
		if err := (providerValue{&got}).Set(word); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", word, got, err, want)
		}
	}
	for _, word := range []string{"", "0", "65536", "4294967297", "18446744073709551615"} {
		got := client.ProviderSelector{}
		if err := (providerValue{&got}).Set(word); err == nil {
			t.Errorf("%q: %+v", word, got)
		}
	}
}

// providerLines are commands that work in a provider, without --provider, in an order in which they can run.
func providerLines() []string {
	return []string{"hash SHA-256", "random 8 --hex", "slot generate g --algorithm ECDSA-P256", "slot rotate g", "slot import i - --format raw --algorithm AES-256",
		"slot generate h --algorithm HMAC-SHA-256", "mac --key h", "sign --key g -o @sig", "verify --key g --signature @sig", "verify --public @pub --signature @sig",
		"encrypt --key i -o @age", "decrypt @age", "encrypt --key i --raw AES-256-GCM -o @gcm", "decrypt --key i --raw AES-256-GCM @gcm"}
}

const anyAESKey = "0123456789abcdef0123456789abcdef"

func TestEveryCommandWorksInTheProviderThatIsChosen(t *testing.T) {
	c := newCLI(t)
	for _, word := range []string{"1", "software", "hardware-preferred", "default"} {
		c.try("", "slot clear g")
		c.try("", "slot clear h")
		c.try("", "slot clear i")
		for _, line := range providerLines() {
			if strings.HasPrefix(line, "sign") {
				c.write("pub", c.ok("", "slot public g"))
			}
			c.ok(anyAESKey, line+" --provider "+word)
		}
	}
	for _, line := range append(providerLines(), "slot generate new --algorithm AES-256", "slot import new - --format raw --algorithm AES-256") {
		for _, word := range []string{"9", "hardware", "nobody"} {
			if status, _, errs := c.try(anyAESKey, line+" --provider "+word); status != exitOther || !strings.Contains(errs, "(ProviderNotAvailable)") {
				t.Errorf("%s in %s: status %d, %s", line, word, status, errs)
			}
		}
		if status, _, errs := c.try(anyAESKey, line+" --provider 0"); status != exitUsage || !strings.Contains(errs, "1 to 65535") {
			t.Errorf("%s in 0: status %d, %s", line, status, errs)
		}
	}
	if got := c.ok("", "slot info new"); !strings.Contains(got, "empty") {
		t.Errorf("a refused choice has written %s", got)
	}
}

func TestTheChoiceOfAProviderIsDocumented(t *testing.T) {
	c := newCLI(t)
	c.ok("", "man @man")
	for _, command := range []string{"hash", "mac", "sign", "verify", "encrypt", "decrypt", "random", "slot generate", "slot rotate", "slot import"} {
		if got := c.ok("", command+" --help"); !strings.Contains(got, "--provider PROVIDER") {
			t.Errorf("the help of %s: %s", command, got)
		}
		page := c.read(filepath.Join("man", "claviger-"+strings.ReplaceAll(command, " ", "-")+".1"))
		if !strings.Contains(page, `--provider`) {
			t.Errorf("the page of %s does not have it", command)
		}
		if got := c.ok("", "__complete "+command+" --provider hardware"); !strings.Contains(got, "hardware-preferred\n") {
			t.Errorf("%s completes %q", command, got)
		}
	}
}
