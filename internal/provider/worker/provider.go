package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// DefaultHangAfter is how long a call may last where Config does not say.
const DefaultHangAfter = 10 * time.Second

// Config says how a Provider starts and watches its worker.
type Config struct {
	Name      string                                     // of the provider, for people
	Settings  []byte                                     // what the worker is told first: which device, and how
	Start     func(ctx context.Context) (Process, error) // starts a process that calls Serve
	PIN       func() (*secmem.Bytes, error)              // reads the PIN, which is closed here; nil: there is none
	Gate      Gate                                       // nil: every PIN is tried
	HangAfter time.Duration                              // a call that lasts longer has the worker replaced; 0 means DefaultHangAfter
	Log       *slog.Logger                               // nil discards
	Public    func(blob []byte) []byte                   // reads the public half from a blob of the device; nil: no blob tells it
}

// Verdict is what came of a PIN.
type Verdict uint8

// A device took the PIN, refused it, or failed in a way that says nothing of the PIN.
const (
	Good Verdict = iota
	Refused
	Untried
)

// Gate remembers what came of the last PIN that a device was given, so that one which was refused is not tried again.
type Gate interface {
	// Try is asked before a PIN goes to the device, and when it returns nil it has noted durably that it will. A PIN that was
	// refused before is an error. doubt: the device says that a wrong PIN was given since the last right one.
	Try(ctx context.Context, pin []byte, doubt bool) error
	// Done notes durably what came of it. It is not called where nobody knows.
	Done(ctx context.Context, pin []byte, v Verdict) error
}

// Provider is the daemon's end: a provider whose keys live in a worker process. It is a provider.ObjectProvider, a
// provider.PublicProvider and a provider.Reporter. Safe for concurrent use.
type Provider struct {
	supervisor
	stock atomic.Pointer[stock]
}

var (
	_ provider.ObjectProvider = (*Provider)(nil)
	_ provider.PublicProvider = (*Provider)(nil)
	_ provider.Reporter       = (*Provider)(nil)
)

// New makes a provider and starts its worker, without waiting for it. Close must be called.
func New(c Config) *Provider {
	if c.HangAfter <= 0 {
		c.HangAfter = DefaultHangAfter
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Provider{supervisor: supervisor{cfg: c, stop: stop, kick: make(chan struct{}, 1), changed: make(chan struct{})}}
	p.stock.Store(&stock{})
	p.opened = p.take
	p.wg.Go(func() { p.run(ctx) })
	return p
}

// Ready waits until the first start of the worker has succeeded or failed, and gives its error.
func (p *Provider) Ready(ctx context.Context) error { return p.ready(ctx) }

// Retry has a worker that waits for its next start started now, because something has changed that may help.
func (p *Provider) Retry() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Health tells how the worker is.
func (p *Provider) Health() provider.Health { return p.health() }

// Close ends the worker. Calls that are under way end with ErrProviderNotAvailable.
func (p *Provider) Close() error {
	p.close()
	return nil
}

// take makes what a device offers the provider's own. A list that has not changed stays the same slice.
func (p *Provider) take(i inventory) {
	fresh := newStock(i.Mechanisms)
	if last := p.stock.Load(); !slices.Equal(last.rows, fresh.rows) {
		p.stock.Store(fresh)
	}
}

// Mechanisms lists what the device offers, and the last that it did while it is away.
func (p *Provider) Mechanisms() []provider.Mechanism { return p.stock.Load().rows }

// OneShot runs Hash or Random.
func (p *Provider) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	if err := provider.Alive(ctx, op.String()); err != nil {
		return dst, err
	}
	at, err := p.find(op, params.Algorithm, "")
	if err == nil {
		err = at.checkLength(len(in))
	}
	if err != nil {
		return dst, err
	}
	l, err := p.current(ctx, op.String())
	if err != nil {
		return dst, err
	}
	return oneShot(ctx, l, 0, op, params, dst, in, at)
}

// Begin opens a stream of Hash.
func (p *Provider) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	at, err := p.find(op, params.Algorithm, "")
	if err != nil {
		return nil, err
	}
	if !at.row.Stream {
		return newGathered(p, op, params, at), nil
	}
	l, err := p.current(ctx, op.String())
	if err != nil {
		return nil, err
	}
	return begin(ctx, l, 0, op, params, at.output(params))
}

// ask checks that the device offers the making of a key, and gives the worker for it.
func (p *Provider) ask(ctx context.Context, op provider.Op, alg claviger.Algorithm) (*link, error) {
	if err := provider.Alive(ctx, op.String()); err != nil {
		return nil, err
	}
	l, err := p.current(ctx, op.String())
	if err != nil {
		return nil, err
	}
	_, err = p.find(op, alg, "")
	return l, err
}

// oneShot runs one message and appends the result to dst. A long one goes in parts where the device takes parts.
func oneShot(ctx context.Context, l *link, target uint64, op provider.Op, params *provider.Params, dst, in []byte, at place) ([]byte, error) {
	size := at.output(params)
	if at.row.Stream && len(in) > part {
		s, err := begin(ctx, l, target, op, params, size)
		if err != nil {
			return dst, err
		}
		return inParts(ctx, s, params.Signature, dst, in)
	}
	a, err := l.call(ctx, op.String(), &request{verb: verbOneShot, target: target, op: op, params: *params, data: in})
	if err != nil {
		return dst, err
	}
	defer a.release()
	return l.output(op, size, dst, a.data)
}

// output appends what a worker gave, which must have the length that it has to have; size is -1 where that is open.
func (l *link) output(op provider.Op, size int, dst, data []byte) ([]byte, error) {
	if size >= 0 && len(data) != size {
		l.die(errFrame)
		return dst, l.lost(op.String())
	}
	return append(dst, data...), nil
}

// Generate makes a key in the device.
func (p *Provider) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	l, err := p.ask(ctx, provider.Generate, spec.Algorithm)
	if err != nil {
		return nil, err
	}
	return p.made(ctx, l, "generate", &request{verb: verbGenerate, spec: spec}, provider.Spec{Algorithm: spec.Algorithm}, nil)
}

// Import gives material to the device.
func (p *Provider) Import(ctx context.Context, spec provider.Spec, material []byte) (provider.Key, error) {
	l, err := p.ask(ctx, provider.Import, spec.Algorithm)
	if err != nil {
		return nil, err
	}
	return p.made(ctx, l, "import", &request{verb: verbImport, spec: spec, data: material}, spec, nil)
}

// Load makes a key from a blob, and keeps a copy of the blob to do so again with the next worker.
func (p *Provider) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	l, err := p.current(ctx, "load")
	if err != nil {
		return nil, err
	}
	kept, err := secmem.From(blob)
	if err != nil {
		return nil, err
	}
	k, err := p.made(ctx, l, "load", &request{verb: verbLoad, data: blob}, provider.Spec{}, kept)
	if err != nil {
		kept.Close()
	}
	return k, err
}

// PublicOf reads the public half from a blob, here: no worker is asked, and none need be there.
func (p *Provider) PublicOf(blob []byte) []byte {
	if p.cfg.Public == nil {
		return nil
	}
	return p.cfg.Public(blob)
}

// made runs a request that makes a key, which must be what was wanted.
func (p *Provider) made(ctx context.Context, l *link, op string, r *request, want provider.Spec, blob *secmem.Bytes) (provider.Key, error) {
	r.result = l.ids.Add(1)
	a, err := l.call(ctx, op, r)
	if err != nil {
		return nil, err
	}
	defer a.release()
	if err := l.plausible(op, &a.reply, want); err != nil {
		return nil, err
	}
	return p.newKey(l, r.result, &a.reply, blob), nil
}

// plausible holds what a worker says of a key against what was asked for, and against what keys can be. A worker that says
// something else is ended.
func (l *link) plausible(op string, r *reply, want provider.Spec) error {
	row, ok := algorithm.Lookup(r.spec.Algorithm, algorithm.FamilyKey)
	ok = ok && row.Name == r.spec.Algorithm && r.bits <= maxKeyBits &&
		(want.Algorithm == "" || want.Algorithm == r.spec.Algorithm) && (want.Class == 0 || want.Class == r.spec.Class)
	switch {
	case !ok:
	case r.spec.Class == claviger.SecretKey:
		ok = !row.Pair() && len(r.public) == 0
	case r.spec.Class == claviger.PrivateKey && len(r.public) == 0:
		ok = row.Pair()
	case r.spec.Class == claviger.PrivateKey || r.spec.Class == claviger.PublicKey:
		_, err := row.ParsePublic(r.public)
		ok = row.Pair() && err == nil
	default:
		ok = false
	}
	if ok {
		return nil
	}
	l.die(errFrame)
	return l.lost(op)
}

// maxKeyBits is more than the bits of any key: a secret of 8 KiB.
const maxKeyBits = 8 * 8192

// Objects lists the device's lasting keys.
func (p *Provider) Objects(ctx context.Context, q provider.Query) ([]provider.Object, error) {
	l, err := p.current(ctx, "objects")
	if err != nil {
		return nil, err
	}
	a, err := l.call(ctx, "objects", &request{verb: verbObjects, spec: provider.Spec{Algorithm: q.Algorithm}, tag: provider.Tag{Label: q.Label, ID: q.ID}})
	if err != nil {
		return nil, err
	}
	defer a.release()
	return objects(a.data)
}

// Limits of what a worker tells of objects.
const (
	maxObjects  = 1000
	maxObjectID = 1024     // bytes
	maxBlob     = 64 << 10 // bytes
)

// objects reads a worker's list.
func objects(data []byte) ([]provider.Object, error) {
	var list []provider.Object
	bad := json.Unmarshal(data, &list) != nil || len(list) > maxObjects
	for i := range list {
		o := &list[i]
		row, known := algorithm.Lookup(o.Spec.Algorithm, algorithm.FamilyKey)
		bad = bad || len(o.ID) > maxObjectID || len(o.Blob) > maxBlob || o.Bits < 0 || o.Bits > maxKeyBits ||
			o.Spec.Algorithm != "" && (!known || row.Name != o.Spec.Algorithm)
		o.Label = clean(o.Label)
	}
	if bad {
		return nil, claviger.Errorf(claviger.ErrOperationFailed, "objects", "the worker's list is none")
	}
	return list, nil
}

// Destroy removes the object that a blob refers to.
func (p *Provider) Destroy(ctx context.Context, blob []byte) error {
	l, err := p.current(ctx, "destroy")
	if err != nil {
		return err
	}
	a, err := l.call(ctx, "destroy", &request{verb: verbDestroy, data: blob})
	if err != nil {
		return err
	}
	a.release()
	return nil
}
