package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// providerFlag gives a command --provider, which says where it is to be done. The zero value of at leaves it to slot and daemon.
func providerFlag(cmd *cobra.Command, at *client.ProviderSelector) {
	cmd.Flags().Var(providerValue{at}, "provider",
		"`PROVIDER` that does it, by its number, name or kind: "+join(providerKinds(), ", "))
}

// providerKinds lists the words for a sort of provider. A provider that has one of them for its name is named by its number.
func providerKinds() []string {
	var words []string
	for k := claviger.DefaultProvider; k <= claviger.SoftwarePreferred; k++ {
		words = append(words, k.String())
	}
	return words
}

// providerValue is the value of --provider (pflag.Value).
type providerValue struct{ at *client.ProviderSelector }

// String gives what was chosen, "" for nothing.
func (v providerValue) String() string {
	switch {
	case v.at == nil || *v.at == (client.ProviderSelector{}):
		return ""
	case v.at.ID != 0:
		return strconv.Itoa(int(v.at.ID))
	case v.at.Name != "":
		return v.at.Name
	}
	return v.at.Kind.String()
}

// Set reads a number, a kind or a name, in this order.
func (v providerValue) Set(word string) error {
	if n, err := strconv.ParseUint(word, 10, 64); err == nil {
		if id := claviger.ProviderID(n); id == 0 || uint64(id) != n {
			return usagef("providers have the numbers 1 to 65535")
		}
		*v.at = client.ProviderSelector{ID: claviger.ProviderID(n)}
		return nil
	}
	for k := claviger.DefaultProvider; k <= claviger.SoftwarePreferred; k++ {
		if word == k.String() {
			*v.at = client.ProviderSelector{Kind: k}
			return nil
		}
	}
	if word == "" { // such as an unset variable
		return usagef("a provider has a number or a name")
	}
	*v.at = client.ProviderSelector{Name: word}
	return nil
}

// Type is the word for a value where the usage gives none.
func (providerValue) Type() string { return "provider" }
