package tokens

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// attempt runs a drill with a deadline. Beside it a timer of the test's own says when the deadline is on a machine that may stand still
// for all of them.
func (a *arena) attempt(d drill, deadline time.Duration) answer {
	ctx, cancel := context.WithTimeout(a.ctx, deadline)
	defer cancel()
	start := time.Now()
	rang := make(chan time.Duration, 1)
	timer := time.AfterFunc(deadline, func() { rang <- time.Since(start) })
	err := d.run(ctx, a)
	out := answer{d: d, err: err, took: time.Since(start), deadline: deadline}
	if !timer.Stop() {
		out.deadline = <-rang
	}
	return out
}

// prepare has a drill ready. What hangs still of what was before may end the worker meanwhile.
func (a *arena) prepare(t testing.TB, d drill) {
	t.Helper()
	if d.ready == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, recovery)
	defer cancel()
	err := d.ready(ctx, a)
	for err != nil && ctx.Err() == nil {
		err = d.ready(ctx, a)
	}
	if err != nil {
		t.Fatalf("before %s: %v\n%s", d.name, err, a.lastLog())
	}
}

// always is a count of commands that go on for as long as they are there.
const always = 1_000_000

// cell is one misbehaviour of one function, under one drill.
type cell struct {
	function, behaviour string
	d                   drill
}

// cells are those of a behaviour, in an order that is always the same.
func cells(behaviour string) (list []cell) {
	all := drills()
	for _, function := range slices.Sorted(maps.Keys(reached())) {
		names, ends := reached()[function], verdicts()[behaviour].ends
		switch {
		case behaviour == "session-count" && function != "C_OpenSession", ends && slices.Contains(spared(), function):
			continue
		case ends:
			names = names[:1]
		}
		for _, name := range names {
			if function != "*" || behaviour != "slow" { // a call that asks the module four times would hang
				list = append(list, cell{function, behaviour, all[name]})
			}
		}
	}
	return list
}

// deadlines of a caller in a hurry, and of one that has time.
const (
	hasty   = 100 * time.Millisecond
	patient = 2 * time.Second
)

// run has the function misbehave while the drill needs it, and then waits until the token is of use again.
func (c cell) run(t *testing.T, a *arena) (recovered time.Duration) {
	what := c.function + " " + c.behaviour
	a.prepare(t, c.d)
	count := always
	if c.d.name == "start" || c.function == "*" && c.behaviour == "garbage" {
		count = 1 // and the next start succeeds; more of them in a row is another test
	}
	a.h.Command(fmt.Sprintf("%s %s %d", c.function, c.behaviour, count))
	hurried := make(chan answer, 1)
	if c.behaviour == "sleep" && c.d.name != "start" && c.d.name != "many streams" {
		go func() { hurried <- a.attempt(c.d, hasty) }()
		defer func() { (<-hurried).hold(t, what+" in a hurry", c.behaviour) }()
	}
	got := a.attempt(c.d, patient)
	applied := a.h.applied()
	got.hold(t, what, c.behaviour)
	if applied > 0 && got.err == nil && verdicts()[c.behaviour].fails && count == always && c.function != "*" {
		t.Errorf("%s: %s succeeded, which it cannot", what, c.d.name)
	}
	if applied == 0 && slices.Contains([]string{"crash", "sleep", "general-error"}, c.behaviour) {
		t.Errorf("%s: %s does not call the function", what, c.d.name)
	}
	a.h.Command()
	if misleads(c.function, c.behaviour) {
		ok(t, endWorker(a.ctx, a))
	}
	return a.recovers(t)
}

// TestEveryMisbehaviourOfEveryFunction: whatever a function of the module does, its caller is told what is right by its deadline and
// never given a wrong result; the token is of use again once the module behaves, without a restart of the daemon; a tenant who works
// with software does not notice.
func TestEveryMisbehaviourOfEveryFunction(t *testing.T) {
	for _, behaviour := range slices.Sorted(maps.Keys(verdicts())) {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			late := hang
			if behaviour != "sleep" { // nothing hangs, and a busy machine is not to look as if something did
				late *= 10
			}
			a := startArena(t, Options{HangAfter: late})
			other := a.dialOther(t)
			before := a.settled(t)
			b := other.watch(t)
			worst := time.Duration(0)
			for _, c := range cells(behaviour) {
				worst = max(worst, c.run(t, a))
			}
			b.done()
			t.Logf("the slowest recovery took %v; software was used %d times meanwhile", worst, len(b.took))
			a.nothingLeft(t, before, 8)
		})
	}
}
