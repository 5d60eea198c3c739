// Command claviger is the daemon and its tool in one binary: serve keeps the keys, the other commands use them over the
// daemon's socket. Each command has a file of its own here.
//
// Every command reads standard input and writes standard output where that makes sense. No flag and no environment
// variable takes a secret. A file given with -o appears only when it is whole.
//
// Exit status: 0 success; 1 a negative verdict (bad signature, altered ciphertext, invalid certificate or file); 2
// wrong usage; 3 refused by policy; 4 anything else; 5 the daemon is unreachable or did not answer in time. Run ends with
// the guest's own status, or with 125 for a failure of its own. An error is one line on standard error, "claviger: what: why (CodeName)".
package main

import (
	"errors"
	"io"
	"os"
)

// main is run with the process's own arguments and streams.
func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program: it runs one command and returns the exit status. It may be called many times in a process.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	if status, ok := errors.AsType[guestStatus](err); ok {
		return int(status)
	}
	if !a.started {
		err = usageError{what: commandName(cmd), err: err}
	}
	return a.report(commandName(cmd), err)
}
