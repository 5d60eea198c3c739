// Command guest is the guest of the conformance kit: built for WASI preview 1, it checks what a host of wasi-crypto promises
// and prints a line for each row of the table in package conformance. It needs the eight modules of the interface
// and nothing else of the host's; its exit status is 0 if no row failed, 1 if one did, 2 for wrong usage.
//
//	-list          print the rows that the guest checks, and check nothing
//	-run REGEXP    check only rows whose "ID name" matches
//	-json          print one JSON object per row, and one for the summary
//	-skip-managed  the host has no secrets manager: check that it says so, and skip those rows
//	-secret-id-length N
//	               length of the identifiers of secrets; 0 finds it out, which fails for identifiers that end in a zero byte
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/claviger/claviger/conformance"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// config is what the flags say.
type config struct {
	list        bool
	only        *regexp.Regexp
	json        bool
	skipManaged bool
	idLength    int
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	var only string
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&c.list, "list", false, "print the rows that are checked, and check nothing")
	f.StringVar(&only, "run", "", "check only rows whose \"ID name\" matches this `regexp`")
	f.BoolVar(&c.json, "json", false, "print JSON, an object per line")
	f.BoolVar(&c.skipManaged, "skip-managed", false, "the host has no secrets manager: check that it says so, and skip those rows")
	f.IntVar(&c.idLength, "secret-id-length", 0, "`bytes` of an identifier of a secret; 0 finds it out")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	var err error
	c.only, err = regexp.Compile(only)
	return c, err
}

// run is the command; it gives the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return 2
	}
	out := &report{to: stdout, json: c.json}
	checks := checks()
	for _, row := range conformance.Rows() {
		if row.Check == "" || !c.only.MatchString(row.ID+" "+row.Check) {
			continue
		}
		if c.list {
			fmt.Fprintln(stdout, row.ID, row.Check)
			continue
		}
		out.add(row, check(checks[row.Check], c))
	}
	if c.list {
		return 0
	}
	return out.end()
}
