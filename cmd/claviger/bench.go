package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/link/linkbench"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	json    bool
	rounds  int
	span    time.Duration
	secrets int    // in the large store of the group "secrets"
	group   string // hidden: run one group in this process and print its figures as JSON lines
}

// figure is one measured ratio: ours divided by the peer's, both taken in each round, the median over the rounds.
type figure struct {
	Name   string  `json:"name"`
	Peer   string  `json:"peer"`
	Ratio  float64 `json:"ratio"`
	Must   string  `json:"must,omitempty"` // "<= 1.6"
	Ours   string  `json:"ours"`           // median, with its unit
	Theirs string  `json:"theirs"`
}

// benchGroups are run one after the other, each in a process of its own: "pinned" puts client, daemon and peer on one
// CPU, which shows what the software costs rather than what waking another CPU does.
var benchGroups = []string{"pinned", "calls", "keys", "bulk", "secrets", "token", "wasm"}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [group...]",
		Short: "Measure this machine: ratios to a bare socket echo and to the same work in process",
		Long: "Start a daemon and a bare socket echo of its own and measure in short rounds, in turn: each ratio is taken inside\n" +
			"a round, and the median over the rounds is printed beside the figure that is promised. Absolute times belong to the\n" +
			"machine and the hour; the ratios are the result. A quiet machine is needed.\n\n" +
			"The groups are pinned, calls, keys, bulk, secrets, token and wasm; without one, all of them.\n\n" +
			"secrets compares durable writes with appending the same bytes to a file and fdatasync, under $TMPDIR or else /var/tmp, and\n" +
			"makes a store of --secrets secrets through the daemon, which it opens and reads again. The figures are promised up to\n" +
			"1000000; that many take two or three minutes to make, and 1.4 GiB.\n\n" +
			"token measures a key in a SoftHSM token, which is made for it, against the same module in process and against p11-kit's\n" +
			"server; what is not installed is left out.\n\n" +
			"wasm needs no daemon: it measures what a WebAssembly guest pays for calls of the host. Where there is a Go toolchain it is\n" +
			"compared with the same work inside a guest.",
		ValidArgs: benchGroups,
		Args:      cobra.OnlyValidArgs,
		RunE: a.run(func(ctx context.Context, groups []string) error {
			switch f.group {
			case "":
				return a.bench(ctx, f, groups)
			case "wasm":
				return a.wasm(ctx, f)
			case "secrets":
				return a.secrets(ctx, f)
			case "token":
				return a.token(ctx, f)
			}
			return a.benchGroup(ctx, f)
		}),
	}
	jsonFlag(cmd, &f.json)
	cmd.Flags().IntVar(&f.rounds, "rounds", 5, "rounds of each figure")
	cmd.Flags().DurationVar(&f.span, "span", 100*time.Millisecond, "time of one side in a round")
	cmd.Flags().IntVar(&f.secrets, "secrets", 100_000, "secrets in the large store")
	cmd.Flags().StringVar(&f.group, "group", "", "run one group in this process")
	_ = cmd.Flags().MarkHidden("group")
	return cmd
}

// bench runs the groups, all if none is named, and prints their figures.
func (a *app) bench(ctx context.Context, f benchFlags, groups []string) error {
	if f.rounds < 1 || f.span <= 0 {
		return usagef("--rounds must be 1 or more and --span above zero")
	}
	if f.secrets < 1 || f.secrets > mostSecrets {
		return usagef("--secrets must be 1 to %d", mostSecrets)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var all []figure
	for _, group := range benchGroups {
		if len(groups) > 0 && !slices.Contains(groups, group) {
			continue
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, self, "bench", "--group", group, "--rounds", fmt.Sprint(f.rounds), "--span", f.span.String(),
			"--secrets", fmt.Sprint(f.secrets))
		cmd.Stdout, cmd.Stderr = &out, a.stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("group %s: %w", group, err)
		}
		figures, err := readFigures(&out)
		if err != nil {
			return err
		}
		all = append(all, figures...)
		if !f.json {
			fmt.Fprintf(a.stderr, "%s: %d figures\n", group, len(figures))
		}
	}
	if f.json {
		return a.printJSON(all)
	}
	var rows [][]string
	for _, g := range all {
		rows = append(rows, []string{g.Name, g.Peer, fmt.Sprintf("%.2f x", g.Ratio), g.Must, g.Ours, g.Theirs})
	}
	return a.printTable([]string{"FIGURE", "AGAINST", "RATIO", "PROMISED", "OURS", "PEER"}, rows)
}

func readFigures(r io.Reader) ([]figure, error) {
	var list []figure
	for d := json.NewDecoder(r); ; {
		var f figure
		err := d.Decode(&f)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
}

// benchGroup runs one group against a daemon of its own and prints its figures as JSON lines.
func (a *app) benchGroup(ctx context.Context, f benchFlags) (err error) {
	parent := os.Getppid()
	if f.group == "pinned" {
		if err := linkbench.Pin(0); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "claviger-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	begin := time.Now()
	daemon, err := startChild(ctx, parent, "serve", "--dev", dir)
	if err != nil {
		return err
	}
	defer daemon.stop()
	echo := filepath.Join(dir, "echo")
	stopEcho, err := startEcho(echo)
	if err != nil {
		return err
	}
	defer stopEcho()
	l, err := dial(ctx, client.Config{Endpoint: filepath.Join(dir, "claviger.sock")})
	if err != nil {
		return err
	}
	defer l.Close()
	b := &bench{ctx: ctx, flags: f, link: l, echo: echo, out: json.NewEncoder(a.stdout), begin: begin, daemon: daemon.cmd.Process.Pid}
	switch f.group {
	case "pinned":
		return b.pinned()
	case "calls":
		return b.calls()
	case "keys":
		return b.keys()
	case "bulk":
		return b.bulk()
	}
	return usagef("no group %q", f.group)
}

// startEcho starts the bare peer and returns when it listens; the function it gives ends it.
func startEcho(path string) (func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	peer := exec.Command(self, "bench-echo", path)
	lifeline, err := peer.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := peer.Start(); err != nil {
		return nil, err
	}
	stop := func() { lifeline.Close(); _ = peer.Wait() }
	for range 1000 {
		if e, err := linkbench.DialEcho(path, echoSize); err == nil {
			e.Close()
			return stop, nil
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	return nil, errors.New("the echo does not listen after a second")
}

// benchEchoCommand is the bare peer, in a process of its own. It ends with its standard input.
func (a *app) benchEchoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bench-echo PATH", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: a.run(func(_ context.Context, args []string) error {
			failed := make(chan error, 1)
			go func() { failed <- linkbench.ServeEcho(args[0], echoSize) }()
			ended := make(chan struct{})
			go func() { _, _ = io.Copy(io.Discard, a.stdin); close(ended) }()
			select {
			case err := <-failed:
				return err
			case <-ended:
				return nil
			}
		}),
	}
}

// echoSize is the payload of the bare echo in bytes, that of a small call.
const echoSize = 32

// bench is one group being measured.
type bench struct {
	ctx    context.Context
	flags  benchFlags
	link   *link
	echo   string // socket of the bare echo
	out    *json.Encoder
	begin  time.Time // when the daemon was started
	daemon int       // its process id
}

// side measures one of the two sides of a figure for a span. Higher is better only for rates.
type side func(span time.Duration) (float64, error)

// compare takes both sides in turn, round by round, and prints the median ratio.
func (b *bench) compare(name, peer, must string, unit func(float64) string, ours, theirs side) error {
	var ratios, us, them []float64
	for range b.flags.rounds {
		t, err := theirs(b.flags.span)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, peer, err)
		}
		o, err := ours(b.flags.span)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		ratios, us, them = append(ratios, o/t), append(us, o), append(them, t)
	}
	return b.out.Encode(figure{name, peer, median(ratios), must, unit(median(us)), unit(median(them))})
}

// latency compares the medians of single calls, one caller.
func (b *bench) latency(name, peer, must string, ours, theirs func() error) error {
	return b.compare(name, peer, must, microseconds, b.p50(false, ours), b.p50(false, theirs))
}

// p50 is the median latency of a call in nanoseconds.
func (b *bench) p50(locked bool, call func() error) side {
	return func(span time.Duration) (float64, error) {
		t, err := linkbench.Latency(span, locked, call)
		return float64(t.Quantile(0.5)), err
	}
}

// rate is calls per second from several callers.
func rate(callers int, locked bool, caller func() (func() error, error)) side {
	return func(span time.Duration) (float64, error) { return linkbench.Rate(span, callers, locked, caller) }
}

// each gives every caller the same call.
func each(call func() error) func() (func() error, error) {
	return func() (func() error, error) { return call, nil }
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func microseconds(ns float64) string { return fmt.Sprintf("%.1f µs", ns/1e3) }

func perSecond(n float64) string { return fmt.Sprintf("%.0f/s", n) }
