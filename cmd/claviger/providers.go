package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
)

// providersCommand lists the configured providers and says which of them cannot be used now, and why.
func (a *app) providersCommand() *cobra.Command {
	var asJSON, mechanisms bool
	cmd := &cobra.Command{
		Use:   "providers [NAME|NUMBER]",
		Short: "List the places where keys live and work",
		Long: "List the places where keys live and work, and say which of them cannot be used now, and why. With a NAME or NUMBER, or\n" +
			"with --mechanisms, also what they offer: algorithms by operation. What is not listed cannot be done there; what several\n" +
			"providers offer is listed with all that any of them does. A token that has not been reached since the daemon started offers nothing.",
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			infos, err := l.stack.Providers(ctx)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				if infos, err = named(infos, args[0]); err != nil {
					return err
				}
				mechanisms = true
			}
			if mechanisms {
				return a.printOffers(ctx, l, infos, asJSON)
			}
			if asJSON {
				return a.printJSON(printProviderInfos(infos))
			}
			return a.printProviders(infos)
		})),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&mechanisms, "mechanisms", false, "also list what each of them offers")
	return cmd
}

// named finds a provider by its name or its number.
func named(list []claviger.ProviderInfo, word string) ([]claviger.ProviderInfo, error) {
	for _, fits := range []func(claviger.ProviderInfo) bool{
		func(p claviger.ProviderInfo) bool { return p.Name == word },
		func(p claviger.ProviderInfo) bool { return strconv.Itoa(int(p.ID)) == word },
	} {
		if i := slices.IndexFunc(list, fits); i >= 0 {
			return list[i : i+1], nil
		}
	}
	return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "", "no provider has the name or number %q", claviger.Clip(word))
}

// printProviders prints one provider a line.
func (a *app) printProviders(list []claviger.ProviderInfo) error {
	var rows [][]string
	for _, p := range list {
		rows = append(rows, []string{strconv.Itoa(int(p.ID)), p.Name, p.Kind.String(), providerState(p)})
	}
	return a.printTable([]string{"PROVIDER", "NAME", "KIND", "STATE"}, rows)
}

// providerState says how a provider is, and of a device what it is.
func providerState(p claviger.ProviderInfo) string {
	state := "available"
	switch {
	case !p.Available:
		state = "not available: " + p.Reason
	case p.Detail != "":
		state = "available: " + p.Detail
	}
	if p.Restarts > 0 {
		state += fmt.Sprintf("; restarts: %d", p.Restarts)
	}
	return state
}

// printOffers prints each provider and what it offers.
func (a *app) printOffers(ctx context.Context, l *link, list []claviger.ProviderInfo, asJSON bool) error {
	printed := []printedOffer{}
	for _, p := range list {
		offers, err := l.offers(ctx, p.ID)
		if err != nil {
			return err
		}
		printed = append(printed, printedOffer{printProviderInfo(p), offers})
	}
	if asJSON {
		return a.printJSON(printed)
	}
	for i, p := range printed {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if err := a.printProviders(list[i : i+1]); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout)
		var rows [][]string
		for _, operation := range slices.Sorted(maps.Keys(p.Operations)) {
			rows = append(rows, []string{operation, join(p.Operations[operation], ", ")})
		}
		if err := a.printTable([]string{"OPERATION", "ALGORITHMS"}, rows); err != nil {
			return err
		}
	}
	return nil
}

// offers lists what a provider offers, algorithms by operation.
func (l *link) offers(ctx context.Context, id claviger.ProviderID) (map[string][]claviger.Algorithm, error) {
	c, err := l.stack.ProviderCapabilities(ctx, id)
	if err != nil {
		return nil, err
	}
	offers := make(map[string][]claviger.Algorithm)
	for _, a := range c.Algorithms {
		for _, operation := range a.Operations {
			offers[operation] = append(offers[operation], a.Name)
		}
	}
	return offers, nil
}
