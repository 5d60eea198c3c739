package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
)

// checkTokens looks at all tokens at once, each in a worker of its own, which has ended afterwards.
func checkTokens(ctx context.Context, cfg *config.Config, k kept, again string) []findings {
	all := make([]findings, len(cfg.Providers))
	var checks sync.WaitGroup
	for i, p := range cfg.Providers {
		if p.Token == nil {
			continue
		}
		var gate worker.Gate = closedGate{}
		if k.db != nil {
			g := newPINGate(k.db, p)
			g.again = p.Name == again
			gate = g
		}
		checks.Go(func() { all[i] = checkToken(ctx, cfg, p, gate, k.why) })
	}
	checks.Wait()
	return all
}

// checkToken looks at one token. why says why the gate is closed, if it is.
func checkToken(ctx context.Context, cfg *config.Config, p config.Provider, gate worker.Gate, why string) findings {
	confined := ""
	t := &token{cfg: cfg, p: p, log: slog.New(slog.DiscardHandler), said: func(detail string) { confined = detail }}
	w := t.open(&once{Gate: gate})
	err := w.Ready(ctx)
	health, offer := w.Health(), w.Mechanisms()
	list := unservable(cfg, []operation.Member{{ID: p.ID, Name: p.Name, Provider: w}})
	_ = w.Close() // never fails; the worker's goroutine has ended, and confined is ours
	switch {
	case errors.Is(err, errUntried):
		return findings{notes: []string{fmt.Sprintf("provider %q: the token is there (%s); its PIN was not tried: %s", p.Name, confined, why)}}
	case err != nil:
		return findings{list: []config.Complaint{cfg.At(fmt.Sprintf("provider %q.%s", p.Name, faultyField(p.Token, err)), reason(err))}}
	}
	return findings{notes: []string{fmt.Sprintf("provider %q: %s; %d mechanisms", p.Name, health.Detail, len(offer))}, list: list}
}

// faultyField is the field of a token's table that an error is about.
func faultyField(t *config.Token, err error) string {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.key
	}
	e, _ := errors.AsType[*claviger.Error](err)
	switch {
	case errors.Is(err, provider.ErrPIN), e != nil && e.Op == "unlock" && t.PINKey() == "":
		if t.PINKey() == "" {
			return "pin_file"
		}
		return t.PINKey()
	case e != nil && e.Op == "sandbox":
		return "sandbox"
	case e != nil && (e.Op == "module" || strings.HasPrefix(e.Detail, "module ")):
		return "module"
	}
	return t.SelectorKey()
}

// once is a gate that lets a PIN pass at most once: a check makes one try.
type once struct {
	worker.Gate
	tried bool
}

// Try asks the gate within, the first time.
func (o *once) Try(ctx context.Context, pin []byte, doubt bool) error {
	if o.tried {
		return errUntried
	}
	o.tried = true
	return o.Gate.Try(ctx, pin, doubt)
}

// closedGate lets no PIN pass.
type closedGate struct{}

// errUntried says that a token was found and its PIN kept back.
var errUntried = errors.New("the PIN was not tried")

// Try keeps the PIN back.
func (closedGate) Try(context.Context, []byte, bool) error { return errUntried }

// Done is never called.
func (closedGate) Done(context.Context, []byte, worker.Verdict) error { return nil }
