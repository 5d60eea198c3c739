package pkcs11

import (
	"cmp"
	"context"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// keeper is a session that owns keys. Safe for concurrent use.
type keeper struct {
	pool    *pool
	turn    chan struct{} // holds one value while nobody uses the session
	session *cryptoki.Session
}

func newKeeper(p *pool, s *cryptoki.Session) *keeper {
	k := &keeper{pool: p, turn: make(chan struct{}, 1), session: s}
	k.turn <- struct{}{}
	return k
}

// do runs f when it is the caller's turn. A session of this kind that is gone takes keys with it, and a token that makes no objects and does
// not say why may not be there.
func (k *keeper) do(ctx context.Context, op string, f func(*cryptoki.Session) error) error {
	if err := provider.Alive(ctx, op); err != nil {
		return err
	}
	if err := await(ctx, op, k.turn); err != nil {
		return err
	}
	defer func() { k.turn <- struct{}{} }()
	err := f(k.session)
	switch {
	case sessionGone(err):
		return k.pool.at.lost(op, "has closed a session, and with it keys that were not made to last")
	case unexplained(err):
		return cmp.Or(k.pool.present(op), err)
	}
	return err
}

// destroy destroys objects of this process, as far as the token lets it. It waits for its turn however long that takes.
func (k *keeper) destroy(objects []cryptoki.Object) {
	<-k.turn
	defer func() { k.turn <- struct{}{} }()
	for _, h := range objects {
		_ = k.session.DestroyObject(h)
	}
}

// patience is for how long a call waits for a session. Whoever runs this process takes a call that lasts too long for one that hangs, and
// ends it with all keys that were not made to last: a crowd that makes keys in a slow token must not come to that.
const patience = 3 * time.Second

// await takes a value out of a channel of free sessions. ErrProviderBusy if there is none for too long.
func await(ctx context.Context, op string, free <-chan struct{}) error {
	select {
	case <-free:
		return nil
	default:
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-free:
		return nil
	case <-late.C:
		return claviger.Errorf(claviger.ErrProviderBusy, op, "the token is busy: no session has become free for %s", patience)
	case <-ctx.Done():
		return provider.Alive(ctx, op)
	}
}
