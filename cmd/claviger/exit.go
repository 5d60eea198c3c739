package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/claviger/claviger"
)

// The exit statuses.
const (
	exitOK          = 0
	exitVerdict     = 1 // bad signature, altered ciphertext, invalid certificate or file
	exitUsage       = 2
	exitRefused     = 3 // by policy
	exitOther       = 4
	exitUnreachable = 5 // or timed out
)

// usageError is a command line that makes no sense.
type usageError struct {
	what string // the command; "" until it is known
	err  error
}

// usagef makes an error of usage.
func usagef(format string, args ...any) error { return usageError{err: fmt.Errorf(format, args...)} }

// Error says what is wrong with the command line.
func (e usageError) Error() string { return e.err.Error() }

// verdict is a negative answer: all went well, and the answer is no.
type verdict struct {
	why  string
	name string // of the code or verdict
	err  error  // cause; nil if there is none
}

// verdictf makes a verdict whose name is that of a code.
func verdictf(code claviger.Code, format string, args ...any) error {
	return verdict{why: fmt.Sprintf(format, args...), name: code.Name()}
}

// Error says why the answer is no.
func (v verdict) Error() string { return v.why }

// Unwrap gives the cause, so that errors.Is finds its code.
func (v verdict) Unwrap() error { return v.err }

// asVerdict turns an error into a negative verdict if its code is among codes; other errors pass unchanged.
func asVerdict(err error, codes ...claviger.Code) error {
	for _, c := range codes {
		if errors.Is(err, c) {
			return verdict{why: detail(err), name: c.Name(), err: err}
		}
	}
	return err
}

// exitStatus says what status an error stands for.
func exitStatus(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[verdict](err); ok {
		return exitVerdict
	}
	switch codeOf(err) {
	case claviger.ErrAccessDenied, claviger.ErrInvalidResourceID, claviger.ErrKeyOperationNotPermitted, claviger.ErrKeyNotExportable:
		return exitRefused
	case claviger.ErrConnectionFailed, claviger.ErrOperationTimedOut, claviger.ErrSessionExpired:
		return exitUnreachable
	case claviger.ErrInvalidFormat, claviger.ErrCertificateParsingFailed, claviger.ErrCRLImportFailed,
		claviger.ErrSecretExpired, claviger.ErrSecretVerificationFailed:
		return exitVerdict
	}
	return exitOther
}

// report prints an error in one line, "claviger: what: why (CodeName)", and returns the exit status, which for run tells
// claviger's failures from the guest's own.
func (a *app) report(command string, err error) int {
	status := exitStatus(err)
	fmt.Fprintf(a.stderr, "claviger: %s\n", message(command, err))
	if status == exitUsage {
		help := "claviger --help"
		if command != "command" {
			help = "claviger " + command + " --help"
		}
		fmt.Fprintf(a.stderr, "%s says more\n", help)
	}
	if command == "run" {
		return exitRunner
	}
	return status
}

// message is the line without the program's name. Lines that follow the first, such as those to add to a configuration,
// follow it here too.
func message(command string, err error) string {
	what, why, name := command, err.Error(), codeOf(err).Name()
	if v, ok := errors.AsType[verdict](err); ok {
		why, name = v.why, v.name
	} else if _, ok := errors.AsType[usageError](err); ok {
		name = claviger.ErrInvalidArgument.Name()
	} else {
		why = detail(err)
	}
	first, rest, more := strings.Cut(strings.TrimSpace(why), "\n")
	line := fmt.Sprintf("%s: %s (%s)", what, first, name)
	if more {
		line += "\n" + rest
	}
	return line
}

// detail is the error's text without the name of its code.
func detail(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return strings.TrimSuffix(strings.TrimSpace(err.Error()), " ("+codeOf(err).Name()+")")
}

// codeOf is claviger.CodeOf, but what has no code is the failure of this operation and no fault of the daemon's.
func codeOf(err error) claviger.Code {
	if errors.Is(err, context.Canceled) {
		return claviger.ErrOperationFailed
	}
	code := claviger.CodeOf(err)
	if e, ok := errors.AsType[*claviger.Error](err); code == claviger.ErrInternal && (!ok || e.Code != claviger.ErrInternal) {
		return claviger.ErrOperationFailed
	}
	return code
}
