package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/claviger/claviger/conformance"
)

// verdict is how a check ended.
type verdict string

const (
	passed  verdict = "ok"
	failed  verdict = "not ok"
	skipped verdict = "skip"
)

// result is the end of one check. Detail says what was expected and what came, or why the row was skipped.
type result struct {
	verdict verdict
	detail  string
}

// report prints results and counts them.
type report struct {
	to                      io.Writer
	json                    bool
	passed, failed, skipped int
}

// line is a result as JSON.
type line struct {
	Row    string  `json:"row"`
	Name   string  `json:"name"`
	Rule   string  `json:"rule"`
	Result verdict `json:"result"`
	Detail string  `json:"detail,omitempty"`
}

// summary is the last line as JSON.
type summary struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// add prints a row's result: "ok 42 tag-verify", or "not ok 42 tag-verify: what was expected, what came".
func (r *report) add(row conformance.Row, is result) {
	switch is.verdict {
	case passed:
		r.passed++
	case failed:
		r.failed++
	case skipped:
		r.skipped++
	}
	if r.json {
		r.object(line{row.ID, row.Check, row.Rule, is.verdict, is.detail})
		return
	}
	text := fmt.Sprintf("%s %s %s", is.verdict, row.ID, row.Check)
	if is.detail != "" {
		text += ": " + is.detail
	}
	fmt.Fprintln(r.to, text)
}

// end prints the summary and gives the exit status.
func (r *report) end() int {
	if r.json {
		r.object(summary{r.passed, r.failed, r.skipped})
	} else {
		fmt.Fprintf(r.to, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	}
	if r.failed > 0 {
		return 1
	}
	return 0
}

func (r *report) object(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	fmt.Fprintf(r.to, "%s\n", text)
}
