package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/server"
)

// Complaint is one thing that is wrong, and where. Line and Column count from 1, Column in bytes; both are 0 where the
// configuration came from no file.
type Complaint struct {
	File   string
	Line   int
	Column int
	Field  string // `slot "vehicle/data".algorithm`
	Reason string
}

// Error reads "file:line:column: field: reason", so that editors find the place.
func (c Complaint) Error() string {
	if c.Line == 0 {
		return c.Field + ": " + c.Reason
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", c.File, c.Line, c.Column, c.Field, c.Reason)
}

// Unwrap gives ErrInvalidFormat.
func (c Complaint) Unwrap() error { return claviger.ErrInvalidFormat }

// Error is all that is wrong with one file, in the order of the file; at least one complaint.
type Error struct {
	Complaints []Complaint
}

// Error gives one complaint a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Complaints))
	for i, c := range e.Complaints {
		lines[i] = c.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives ErrInvalidFormat.
func (e *Error) Unwrap() error { return claviger.ErrInvalidFormat }

// place is where a token begins. The zero place is nowhere.
type place struct {
	line, column int
}

// checker collects what is wrong while a file is read.
type checker struct {
	file       string
	cfg        *Config
	complaints []Complaint
	warnings   []Complaint
	places     map[string]place // by field, for Config.At
	providers  map[string]claviger.ProviderID
	certs      map[string]bool
	stores     map[string]bool
	overflow   uint32 // uid that stands for unmapped users
}

// newChecker makes a checker for one file; it serves one goroutine and one document.
func newChecker(file string) *checker {
	return &checker{
		file:      file,
		places:    make(map[string]place),
		providers: make(map[string]claviger.ProviderID),
		certs:     make(map[string]bool),
		stores:    make(map[string]bool),
		overflow:  server.OverflowUID(),
	}
}

// complain notes what makes the file unusable.
func (c *checker) complain(at place, field, format string, args ...any) {
	c.complaints = append(c.complaints, c.complaint(at, field, format, args...))
}

// warn notes what is allowed and unwise.
func (c *checker) warn(at place, field, format string, args ...any) {
	c.warnings = append(c.warnings, c.complaint(at, field, format, args...))
}

// complaint makes one; foreign text among args must be clipped by the caller.
func (c *checker) complaint(at place, field, format string, args ...any) Complaint {
	return Complaint{File: c.file, Line: at.line, Column: at.column, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// err gives the complaints, nil if there are none.
func (c *checker) err() error {
	if len(c.complaints) == 0 {
		return nil
	}
	return &Error{Complaints: sorted(c.complaints)}
}

// sorted puts complaints in the order of the file; those of one place keep theirs.
func sorted(list []Complaint) []Complaint {
	slices.SortStableFunc(list, func(a, b Complaint) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return list
}

// reason gives what an error of the root package says, without its code: the complaint has its own frame.
func reason(err error) string {
	if e, ok := err.(*claviger.Error); ok {
		return e.Detail
	}
	return err.Error()
}
