package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/client"
)

// statusCommand shows the daemon's own counters.
func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the daemon is and what its tenants hold",
		Long:  "Show how the daemon is and what its tenants hold. An administrator sees all tenants, others see themselves.",
		Args:  cobra.NoArgs,
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, _ []string) error {
			s, err := l.stack.Status(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				s.Tenants = list(s.Tenants)
				return a.printJSON(printedStatus{s, printProviderInfos(s.Providers)})
			}
			return a.printStatus(s)
		})),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// printStatus prints the daemon's fields, then a table of providers and one of tenants.
func (a *app) printStatus(s client.Status) error {
	err := a.printFields(
		"version", s.Version,
		"pid", strconv.Itoa(s.PID),
		"started", s.Started.Format(time.RFC3339),
		"configuration", s.Config,
		"keeper", s.Keeper,
		"store", forAdmin(s, size(int64(s.StoreBytes))),
		"loaded slots", forAdmin(s, strconv.FormatUint(s.LoadedSlots, 10)),
		"frames", strconv.FormatUint(s.Frames, 10),
		"damaged", strings.Join(s.Damaged, ", "),
	)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := a.printProviders(s.Providers); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	var rows [][]string
	for _, t := range s.Tenants {
		rows = append(rows, []string{t.Name, strconv.Itoa(t.Sessions), strconv.Itoa(t.Connections), strconv.Itoa(t.Handles),
			strconv.Itoa(t.Keys), strconv.Itoa(t.Contexts), strconv.Itoa(t.InFlight), size(int64(t.HeldBytes)), size(int64(t.RegionBytes)),
			strconv.FormatUint(t.Frames, 10)})
	}
	return a.printTable([]string{"TENANT", "SESSIONS", "CONNECTIONS", "HANDLES", "KEYS", "CONTEXTS", "IN FLIGHT", "HELD", "REGIONS", "FRAMES"}, rows)
}

// forAdmin gives the value if the answer was made for an administrator: to others the daemon tells no size of the store,
// and a store has some.
func forAdmin(s client.Status, value string) string {
	if s.StoreBytes == 0 {
		return ""
	}
	return value
}
