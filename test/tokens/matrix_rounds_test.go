package tokens

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rounds is how often a test goes round: as often as given, or what CLAVIGER_ROUNDS says.
func rounds(t testing.TB, usual int) int {
	t.Helper()
	return numbered(t, "CLAVIGER_ROUNDS", usual)
}

// numbered gives the number that a variable of the environment holds.
func numbered(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, a number is wanted", name, text)
	}
	return n
}

// round is what is drawn for one round.
type round struct {
	commands   []string
	behaviours []string
	drills     []drill
	deadline   time.Duration
}

// draw draws one or two commands, and one to three drills that go on at the same time.
func draw(r *rand.Rand) round {
	names := slices.Sorted(maps.Keys(drills()))
	deadlines := []time.Duration{hasty, 3 * hasty, patient, patient}
	out := round{deadline: deadlines[r.IntN(len(deadlines))]}
	for range 1 + r.IntN(2) {
		function, behaviour := drawCommand(r)
		count := 1 + r.IntN(3)
		if r.IntN(3) == 0 {
			count = always
		}
		out.behaviours = append(out.behaviours, behaviour)
		out.commands = append(out.commands, fmt.Sprintf("%s %s %d", function, behaviour, count))
	}
	for _, i := range r.Perm(len(names))[:1+r.IntN(3)] {
		out.drills = append(out.drills, drills()[names[i]])
	}
	return out
}

// drawCommand draws what makes sense. A token that says twice in a row that a wrong PIN was given is believed, and its PIN is not tried
// again: that is another test's.
func drawCommand(r *rand.Rand) (function, behaviour string) {
	functions, behaviours := slices.Sorted(maps.Keys(reached())), slices.Sorted(maps.Keys(verdicts()))
	for {
		function, behaviour = functions[r.IntN(len(functions))], behaviours[r.IntN(len(behaviours))]
		switch {
		case behaviour == "session-count" && function != "C_OpenSession":
		case behaviour == "garbage" && (function == "C_GetTokenInfo" || function == "*"):
		default:
			return function, behaviour
		}
	}
}

// String says what a round is, for people.
func (r round) String() string {
	return fmt.Sprintf("%s, within %v", strings.Join(r.commands, " and "), r.deadline)
}

// has tells whether a drill is one of the round.
func (r round) has(name string) bool {
	return slices.ContainsFunc(r.drills, func(d drill) bool { return d.name == name })
}

// run runs a round and waits until the token is of use again.
func (r round) run(t *testing.T, a *arena, number int) time.Duration {
	what := fmt.Sprintf("round %d: %s", number, r)
	for _, d := range r.drills {
		a.prepare(t, d)
	}
	a.h.Command(r.commands...)
	answers := make([]answer, len(r.drills))
	var all sync.WaitGroup
	for i, d := range r.drills {
		all.Go(func() { answers[i] = a.attempt(d, r.deadline) })
	}
	all.Wait()
	for _, each := range answers {
		each.hold(t, what, r.counts()...)
	}
	a.h.Command()
	if r.misleads() {
		ok(t, endWorker(a.ctx, a))
	}
	return a.recovers(t)
}

// misleads tells whether a command of the round does.
func (r round) misleads() bool {
	return slices.ContainsFunc(r.commands, func(c string) bool { fields := strings.Fields(c); return misleads(fields[0], fields[1]) })
}

// counts are the behaviours that callers see in a round: what was commanded, and what comes of it and of the other drills.
func (r round) counts() []string {
	all := slices.Clone(r.behaviours)
	for _, command := range r.commands {
		function, _, _ := strings.Cut(command, " ")
		if atStart(function) { // by it the token is found, or not
			all = append(all, "exit")
		}
		if strings.HasPrefix(command, "* slow") { // several calls of the module together last too long
			all = append(all, "sleep")
		}
	}
	if r.has("start") { // it ends the worker of all
		all = append(all, "exit")
	}
	if r.has("many streams") { // they are all that may be
		all = append(all, "session-count")
	}
	return all
}

// TestRoundsOfMisbehaviourLeaveNothing: misbehaviour at random, of one or two functions at a time while several programs use the
// token. In each round what TestEveryMisbehaviourOfEveryFunction says, and after all of them nothing is left behind: one worker,
// and as many descriptors, keys, handles and calls of the daemon as before. CLAVIGER_SEED has an order of rounds come again.
func TestRoundsOfMisbehaviourLeaveNothing(t *testing.T) {
	t.Parallel()
	n, seed := rounds(t, 100), numbered(t, "CLAVIGER_SEED", 1+rand.IntN(1_000_000))
	t.Logf("%d rounds; CLAVIGER_SEED=%d", n, seed)
	a := startArena(t, Options{HangAfter: hang})
	other := a.dialOther(t)
	before := a.settled(t)
	b := other.watch(t)
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	start, recoveries := time.Now(), make([]time.Duration, 0, n)
	for i := range n {
		recoveries = append(recoveries, draw(r).run(t, a, i))
		if t.Failed() && i%10 == 9 {
			t.Fatalf("after round %d of CLAVIGER_SEED=%d", i, seed)
		}
	}
	took := time.Since(start)
	b.done()
	slices.Sort(recoveries)
	t.Logf("%v; recovery took %v at the median and %v at most; the worker was started again %d times; software was used %d times meanwhile",
		took.Round(time.Millisecond), recoveries[n/2], recoveries[n-1], a.provider(t, TokenID).Restarts, len(b.took))
	a.nothingLeft(t, before, 8)
}
