package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/store"
)

// pinGate keeps a wrong PIN from costing a token more than one try, whatever ends and starts again meanwhile. What it knows
// is a record of the store, so that it also knows it after a restart. It is a worker.Gate; safe for concurrent use.
type pinGate struct {
	db       *store.DB
	provider string // its name
	token    string // module and token, as the configuration has them
	place    string // where the PIN is, for people
	again    bool   // somebody asks for one more try of a PIN that was refused

	mu      sync.Mutex
	refused pinRecord // guarded by mu; of the last PIN that was refused while this process runs
}

// newPINGate makes the gate of a provider of kind pkcs11.
func newPINGate(db *store.DB, p config.Provider) *pinGate {
	place := p.Token.PINFile
	if place == "" {
		place = "credential " + p.Token.PINCredential
	}
	return &pinGate{db: db, provider: p.Name, token: p.Token.Module + "\x00" + p.Token.Selector(), place: place}
}

// pinState is what is known of a PIN.
type pinState uint8

const (
	pinTrying      pinState = iota + 1 // it has gone to the token, or is about to; if nothing more came, nobody knows
	pinGood                            // the token took it
	pinRefused                         // the token did not
	pinTryingAgain                     // as trying, after a try of which nobody knows what came
	pinTryingGood                      // as trying, of a PIN that the token has taken before
)

// pinSchema is the schema of the record: state (1 byte), salt (16), then HMAC-SHA-256 under the salt (32). That is of the length
// of the following (4 bytes, big-endian); the module's path, a zero byte, and which token, in words; and then the PIN.
const pinSchema = 1

// pinRecord is what the store remembers of a provider's PIN.
type pinRecord struct {
	state  pinState
	salt   [16]byte
	digest [sha256.Size]byte
}

func (r pinRecord) encode() []byte {
	return append(append([]byte{byte(r.state)}, r.salt[:]...), r.digest[:]...)
}

// decodePIN is the inverse of encode; false for what encode does not give.
func decodePIN(b []byte) (pinRecord, bool) {
	var r pinRecord
	if len(b) != 1+len(r.salt)+len(r.digest) || b[0] < byte(pinTrying) || b[0] > byte(pinTryingGood) {
		return r, false
	}
	r.state = pinState(b[0])
	copy(r.salt[:], b[1:])
	copy(r.digest[:], b[1+len(r.salt):])
	return r, true
}

func (g *pinGate) key() store.Key { return store.Key{Kind: store.KindPIN, Name: g.provider} }

// read gives what the store remembers. Of a record that is not there, does not open or is not understood it gives one that
// fits no PIN, with a salt of its own.
func (g *pinGate) read(tx *store.Tx) (pinRecord, error) {
	r, err := tx.Get(g.key())
	if err == nil && r.Schema == pinSchema {
		if known, ok := decodePIN(r.Value); ok {
			return known, nil
		}
	}
	if err != nil && !errors.Is(err, claviger.ErrResourceNotFound) && !errors.Is(err, store.ErrDamaged) {
		return pinRecord{}, err
	}
	var fresh pinRecord
	_, _ = rand.Read(fresh.salt[:]) // never fails
	return fresh, nil
}

// digest gives what a PIN of this token looks like under a record's salt.
func (g *pinGate) digest(r pinRecord, pin []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, r.salt[:])
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(g.token))))
	mac.Write([]byte(g.token))
	mac.Write(pin)
	mac.Sum(sum[:0])
	return sum
}

// Try refuses a PIN that the token has refused, and notes durably that any other is about to be tried. One whose last try was
// cut off counts as refused if the token doubts. Otherwise one that the token has taken before is tried, and any other has one
// more try, because a token that cannot tell would else be given a wrong one for ever.
func (g *pinGate) Try(ctx context.Context, pin []byte, doubt bool) error {
	if g.barred(pin) && !g.again {
		return g.refusal()
	}
	refused := false
	err := g.db.Update(ctx, func(tx *store.Tx) error {
		r, err := g.read(tx)
		if err != nil {
			return err
		}
		next := pinTrying
		if refused = false; g.fits(r, pin) && !g.again {
			switch r.state {
			case pinRefused, pinTryingAgain:
				refused = true
			case pinTrying:
				refused, next = doubt, pinTryingAgain
			case pinTryingGood:
				refused, next = doubt, pinTryingGood
			case pinGood:
				next = pinTryingGood
			}
			if refused {
				next = pinRefused
			}
			if r.state == next {
				return nil
			}
		}
		return g.write(tx, r, next, pin)
	})
	if err == nil && refused {
		return g.refusal()
	}
	return err
}

// Done notes durably what came of the PIN. A refusal is also remembered here, should it not be possible to note it.
func (g *pinGate) Done(ctx context.Context, pin []byte, v worker.Verdict) error {
	g.bar(pin, v == worker.Refused)
	return g.db.Update(ctx, func(tx *store.Tx) error {
		r, err := g.read(tx)
		switch {
		case err != nil:
			return err
		case v == worker.Good:
			return g.write(tx, r, pinGood, pin)
		case v == worker.Refused:
			return g.write(tx, r, pinRefused, pin)
		}
		if r.state == pinTryingGood && g.fits(r, pin) {
			return g.write(tx, r, pinGood, pin)
		}
		return tx.Delete(g.key())
	})
}

// bar remembers a PIN as refused while this process runs, or no PIN.
func (g *pinGate) bar(pin []byte, refused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused = (pinRecord{}); !refused {
		return
	}
	_, _ = rand.Read(g.refused.salt[:]) // never fails
	g.refused.state = pinRefused
	g.refused.digest = g.digest(g.refused, pin)
}

// barred reports whether a PIN is the one that bar remembers.
func (g *pinGate) barred(pin []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fits(g.refused, pin)
}

// fits reports whether a record is about this PIN of this token.
func (g *pinGate) fits(r pinRecord, pin []byte) bool {
	sum := g.digest(r, pin)
	return r.state != 0 && hmac.Equal(sum[:], r.digest[:])
}

// write puts the record of a PIN in the place of r, under the same salt.
func (g *pinGate) write(tx *store.Tx, r pinRecord, state pinState, pin []byte) error {
	r.state, r.digest = state, g.digest(r, pin)
	return tx.Put(g.key(), pinSchema, r.encode())
}

// refusal is the error of a PIN that is not tried again.
func (g *pinGate) refusal() error {
	err := claviger.Errorf(claviger.ErrProviderNotAvailable, "unlock",
		"the PIN of provider %q is not tried again, because the token refused it or a try of it was cut off; change the PIN (%s) or the configuration, "+
			"or give it one more try by check --live --retry-pin %s", g.provider, g.place, g.provider)
	err.Err = provider.ErrPIN
	return err
}
