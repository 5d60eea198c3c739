package claviger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Error is every error that Claviger returns: a code for programs, the operation that was attempted, and a text for
// people. Neither Op nor Detail ever holds a secret, key bytes or a file's contents. errors.Is(err, ErrX) matches the
// code; a timeout also matches context.DeadlineExceeded. Code, Op and Detail travel over the socket; Err stays where
// it arose.
type Error struct {
	Code   Code   // what went wrong; never zero
	Op     string // what was attempted: "resolve", "encrypt", "config"; "" if the context says it
	Detail string // the thing and the limit, lower case; "" for the code's own sentence
	Err    error  // cause; nil if there is none
}

// Errorf makes an *Error whose Detail is the formatted text. The format's %w verb is not understood; use WrapError.
func Errorf(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Detail: fmt.Sprintf(format, args...)}
}

// WrapError makes an *Error from a cause that has no code of its own. The cause's text becomes the Detail. An err that
// already carries a code keeps it, and nil stays nil.
func WrapError(code Code, op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if c, ok := errors.AsType[Code](err); ok {
		return &Error{Code: c, Op: op, Err: err}
	}
	return &Error{Code: code, Op: op, Detail: err.Error(), Err: err}
}

// Error reads "op: detail (CodeName)".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	if e.Detail != "" {
		b.WriteString(e.Detail)
	} else {
		b.WriteString(e.Code.Error())
	}
	b.WriteString(" (")
	b.WriteString(e.Code.Name())
	b.WriteString(")")
	return b.String()
}

// Is matches the error's code, and context.DeadlineExceeded if the code is ErrOperationTimedOut.
func (e *Error) Is(target error) bool {
	if target == context.DeadlineExceeded {
		return e.Code == ErrOperationTimedOut
	}
	code, ok := target.(Code)
	return ok && code == e.Code
}

// As gives the code to errors.As and errors.AsType.
func (e *Error) As(target any) bool {
	code, ok := target.(*Code)
	if ok {
		*code = e.Code
	}
	return ok
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code that err carries: ErrOperationTimedOut for context.DeadlineExceeded and ErrInternal for any
// other error without a code. CodeOf(nil) is zero.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if c, ok := errors.AsType[Code](err); ok {
		return c
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrOperationTimedOut
	}
	return ErrInternal
}

// Clip makes foreign text fit for an error or a log line: at most MaxName bytes, control characters replaced.
func Clip(s string) string {
	cut := len(s) > MaxName
	if cut {
		s = s[:MaxName]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
	if cut {
		s += "..."
	}
	return s
}
