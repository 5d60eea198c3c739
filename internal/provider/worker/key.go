package worker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// key is a key in a worker.
type key struct {
	provider *Provider
	spec     provider.Spec
	bits     int
	public   []byte        // SubjectPublicKeyInfo; nil for a secret key
	blob     *secmem.Bytes // what it is loaded from again; nil for a key that dies with its worker
	closed   atomic.Bool

	at      atomic.Pointer[home]
	loading chan struct{} // holds one value while somebody loads it into another worker, or closes it
}

// home is where a key is: the worker and its number there.
type home struct {
	link   *link
	number uint64
}

// newKey makes a key of a reply, and owns the blob.
func (p *Provider) newKey(l *link, number uint64, r *reply, blob *secmem.Bytes) *key {
	k := &key{provider: p, spec: r.spec, bits: int(r.bits), public: bytes.Clone(r.public), blob: blob, loading: make(chan struct{}, 1)}
	k.at.Store(&home{l, number})
	return k
}

// Format keeps the key out of every printed text.
func (k *key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[key "+string(k.spec.Algorithm)+" in a device]")
}

// Spec says what the key is.
func (k *key) Spec() provider.Spec { return k.spec }

// Bits is what the device says of the key's size.
func (k *key) Bits() int { return k.bits }

// Public gives a copy of the SubjectPublicKeyInfo.
func (k *key) Public() ([]byte, error) {
	if k.spec.Class != claviger.SecretKey && len(k.public) == 0 {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "public key", "the device does not tell the public half of this key")
	}
	return bytes.Clone(k.public), nil
}

// home gives the key's place in the worker of this moment. A key that lived only in a worker that has ended is
// ErrProviderNotAvailable.
func (k *key) home(ctx context.Context, op string) (*home, error) {
	if k.closed.Load() {
		return nil, claviger.Errorf(claviger.ErrResourceNotFound, op, "the key is closed")
	}
	if err := provider.Alive(ctx, op); err != nil {
		return nil, err
	}
	at := k.at.Load()
	if at.link.alive() {
		return at, nil
	}
	if k.blob == nil {
		return nil, &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: op, Err: provider.ErrLost,
			Detail: fmt.Sprintf("the key was lost with the worker of provider %q: %v", k.provider.cfg.Name, at.link.why())}
	}
	provider.Park(ctx)
	select {
	case k.loading <- struct{}{}:
	case <-ctx.Done():
		return nil, provider.Given(ctx, op)
	}
	defer func() { <-k.loading }()
	if at = k.at.Load(); at.link.alive() {
		return at, nil
	}
	return k.reload(ctx, op)
}

// reload loads the key into the worker of this moment; the caller holds loading.
func (k *key) reload(ctx context.Context, op string) (*home, error) {
	l, err := k.provider.current(ctx, op)
	if err != nil {
		return nil, err
	}
	at := &home{l, l.ids.Add(1)}
	a, err := l.call(ctx, op, &request{verb: verbLoad, result: at.number, data: k.blob.Bytes()})
	if err != nil {
		return nil, err
	}
	defer a.release()
	if a.spec != k.spec || !bytes.Equal(a.public, k.public) {
		l.tell(&request{verb: verbCloseKey, target: at.number})
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, op, "the device has another key where this one was")
	}
	k.at.Store(at)
	return at, nil
}

// find gives the way of an operation with this key, and checks what does not depend on the message.
func (k *key) find(op provider.Op, params *provider.Params) (place, error) {
	if k.spec.Class == claviger.PublicKey && !public(op) {
		return place{}, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "a public key of %s cannot %s", k.spec.Algorithm, op)
	}
	at, err := k.provider.find(op, params.Algorithm, k.spec.Algorithm)
	if err != nil {
		return at, err
	}
	return at, at.check(op, params)
}

// public reports whether a public key does the operation.
func public(op provider.Op) bool {
	switch op {
	case provider.Verify, provider.VerifyDigest, provider.Encrypt, provider.Encapsulate, provider.Wrap:
		return true
	}
	return false
}

// OneShot runs one message in the device; one to be signed or verified is hashed here.
func (k *key) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	at, err := k.find(op, params)
	if err != nil {
		return dst, err
	}
	if err := at.checkLength(len(in)); err != nil {
		return dst, err
	}
	if at.digest != nil {
		h := at.digest.NewHash()
		h.Write(in)
		var digest [64]byte
		return k.device(ctx, ofDigests(op), params, dst, h.Sum(digest[:0]), at.digested())
	}
	return k.device(ctx, op, params, dst, in, at)
}

// device runs one message in the device.
func (k *key) device(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte, way place) ([]byte, error) {
	at, err := k.home(ctx, op.String())
	if err != nil {
		return dst, err
	}
	return oneShot(ctx, at.link, at.number, op, params, dst, in, way)
}

// Begin opens a stream: hashed here, gathered here, or in the device.
func (k *key) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	way, err := k.find(op, params)
	if err != nil {
		return nil, err
	}
	at, err := k.home(ctx, op.String())
	switch {
	case err != nil:
		return nil, err
	case op == provider.SignDigest || op == provider.VerifyDigest:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "a digest has no streams")
	case way.digest != nil:
		return &hashed{Life: provider.Life{Op: op}, key: k, way: way.digested(), state: way.digest.NewHash(), params: provider.Params{Algorithm: params.Algorithm, DER: params.DER}}, nil
	case !way.row.Stream:
		return newGathered(k, op, params, way), nil
	}
	return begin(ctx, at.link, at.number, op, params, way.output(params))
}

// KeyOp runs an operation whose result is a key in the same worker.
func (k *key) KeyOp(ctx context.Context, op provider.Op, params *provider.Params) (provider.Key, []byte, error) {
	if _, err := k.find(op, params); err != nil {
		return nil, nil, err
	}
	at, err := k.home(ctx, op.String())
	if err != nil {
		return nil, nil, err
	}
	r := &request{verb: verbKeyOp, target: at.number, result: at.link.ids.Add(1), op: op, params: *params}
	r.params.Other = nil
	a, err := at.link.call(ctx, op.String(), r)
	if err != nil {
		return nil, nil, err
	}
	defer a.release()
	if err := at.link.plausible(op.String(), &a.reply, provider.Spec{Algorithm: params.Result.Algorithm, Class: claviger.SecretKey}); err != nil {
		return nil, nil, err
	}
	return k.provider.newKey(at.link, r.result, &a.reply, nil), bytes.Clone(a.extra), nil
}

// Export gives what the device gives out of the key.
func (k *key) Export(ctx context.Context) (*secmem.Bytes, error) {
	return k.secret(ctx, "export", &request{verb: verbExport})
}

// Blob makes an object of the device of the key, and gives what refers to it.
func (k *key) Blob(ctx context.Context, tag provider.Tag) (*secmem.Bytes, error) {
	return k.secret(ctx, "store", &request{verb: verbBlob, tag: tag})
}

func (k *key) secret(ctx context.Context, op string, r *request) (*secmem.Bytes, error) {
	at, err := k.home(ctx, op)
	if err != nil {
		return nil, err
	}
	r.target = at.number
	a, err := at.link.call(ctx, op, r)
	if err != nil {
		return nil, err
	}
	defer a.release()
	return secmem.From(a.data)
}

// Close has the worker forget the key. Idempotent.
func (k *key) Close() error {
	if !k.closed.CompareAndSwap(false, true) {
		return nil
	}
	k.loading <- struct{}{}
	at := k.at.Load() // not before: it may have just been loaded into another worker
	at.link.tell(&request{verb: verbCloseKey, target: at.number})
	k.blob.Close()
	<-k.loading
	return nil
}

// Lost reports whether the key died with its worker.
func (k *key) Lost() bool { return k.blob == nil && !k.at.Load().link.alive() }
