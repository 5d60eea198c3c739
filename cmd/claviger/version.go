package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildVersion is what the binary says about itself.
type buildVersion struct {
	Version  string `json:"version"`            // module version; "devel" for a build from a working tree
	Revision string `json:"revision,omitempty"` // of the source
	Modified bool   `json:"modified,omitempty"` // the working tree had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// versionCommand says what this binary was built from.
func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			if asJSON {
				return a.printJSON(readVersion())
			}
			return a.printVersion()
		}),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// printVersion prints one line.
func (a *app) printVersion() error {
	v := readVersion()
	revision := v.Revision
	if v.Modified {
		revision += " and changes"
	}
	if revision != "" {
		revision = " (" + revision + ")"
	}
	_, err := fmt.Fprintf(a.stdout, "claviger %s%s %s %s\n", v.Version, revision, v.Go, v.Platform)
	return err
}

// readVersion reads what the linker left in the binary.
func readVersion() buildVersion {
	v := buildVersion{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
