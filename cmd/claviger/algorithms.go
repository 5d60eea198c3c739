package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// algorithmsCommand lists what the daemon offers. It is answered from the mechanism tables of the providers;
// nothing is tried.
func (a *app) algorithmsCommand() *cobra.Command {
	var asJSON bool
	var operation string
	cmd := &cobra.Command{
		Use:   "algorithms [NAME]",
		Short: "List the algorithms that the daemon offers",
		Long: "List the algorithms that the daemon offers: names, what they do, the keys they take, and the numbers of the\n" +
			"providers that offer them. With a NAME or an alias of it, only that one.",
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(withOperation(&operation, a.withLink(func(ctx context.Context, l *link, args []string) error {
			infos, err := l.algorithms(ctx, argument(args, 0))
			if err != nil {
				return err
			}
			if operation != "" {
				infos = slices.DeleteFunc(infos, func(i claviger.AlgorithmInfo) bool { return !slices.Contains(i.Operations, operation) })
			}
			if asJSON {
				return a.printJSON(list(infos))
			}
			return a.printAlgorithms(infos)
		}))),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&operation, "operation", "", "only those that do this: "+strings.Join(operations(), ", "))
	return cmd
}

// withOperation refuses a word that is no operation, before the daemon is asked, and gives the others their spelling.
func withOperation(word *string, f action) action {
	return func(ctx context.Context, args []string) error {
		given := *word
		if *word = strings.ToLower(given); given != "" && !slices.Contains(operations(), *word) {
			return usagef("--operation %q is unknown; there are %s", claviger.Clip(given), strings.Join(operations(), ", "))
		}
		return f(ctx, args)
	}
}

// operations lists the words that algorithms are listed with.
func operations() []string {
	var words []string
	for op := provider.Hash; op <= provider.Import; op++ {
		words = append(words, op.String())
	}
	return words
}

// algorithms lists all algorithms, or the one of a name.
func (l *link) algorithms(ctx context.Context, name string) ([]claviger.AlgorithmInfo, error) {
	if name != "" {
		info, err := l.stack.Algorithm(ctx, claviger.Algorithm(name))
		return []claviger.AlgorithmInfo{info}, err
	}
	c, err := l.stack.Capabilities(ctx)
	return c.Algorithms, err
}

// printAlgorithms prints one algorithm a line.
func (a *app) printAlgorithms(list []claviger.AlgorithmInfo) error {
	var rows [][]string
	for _, i := range list {
		rows = append(rows, []string{string(i.Name), join(i.Operations, ","), join(i.Keys, ","), numbers(i.Providers), strings.Join(i.Aliases, ",")})
	}
	return a.printTable([]string{"ALGORITHM", "OPERATIONS", "KEYS", "PROVIDERS", "ALIASES"}, rows)
}

// join joins names; an empty list is a dash, so that columns stay apart.
func join[S ~string](list []S, separator string) string {
	if len(list) == 0 {
		return "-"
	}
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, separator)
}
