package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"math"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
)

// Tx is one transaction. It belongs to the function that received it, on one goroutine, and every use after that
// function has returned is ErrInvalidOperation. An Update's Tx sees its own writes, and those of the updates before it
// in its group, which become durable together with it or not at all.
type Tx struct {
	db      *DB
	r       kv.Reader // nil after the end
	w       kv.Writer // nil in a View
	undo    []change  // what this Tx has overwritten, oldest first
	touched []Key
}

// change is the state of a kv key before it was written.
type change struct {
	key, value []byte // a nil value means that there was none
}

// Get gives a record. The value is the caller's, who wipes it when it is secret. A record that is not there is
// ErrResourceNotFound, one that does not open ErrDamaged.
func (tx *Tx) Get(key Key) (Record, error) {
	if err := tx.check(false); err != nil {
		return Record{}, err
	}
	if err := key.check(); err != nil {
		return Record{}, err
	}
	return tx.get(key)
}

func (tx *Tx) get(key Key) (Record, error) {
	sealed, err := tx.r.Get(key.encode())
	if errors.Is(err, kv.ErrNotFound) {
		return Record{}, claviger.Errorf(claviger.ErrResourceNotFound, "store", "there is no %v", key)
	}
	if err != nil {
		return Record{}, fault(err)
	}
	return tx.db.open(key, sealed)
}

// open opens a sealed record.
func (db *DB) open(key Key, sealed []byte) (Record, error) {
	s, ok := parseRecord(sealed)
	if !ok {
		return Record{}, db.quarantine(key)
	}
	e := db.ring.find(s.generation)
	if e == nil {
		return Record{}, db.quarantine(key)
	}
	value, ok := s.open(e.aead, db.id, key)
	if !ok {
		return Record{}, db.quarantine(key)
	}
	return Record{Key: key, Schema: s.schema, Value: value}, nil
}

// Put sets a record, whether or not it was there. The value, of at most MaxValue bytes, is sealed at once and stays
// the caller's.
func (tx *Tx) Put(key Key, schema uint16, value []byte) error {
	if err := tx.checkWrite(key); err != nil {
		return err
	}
	if key.Kind == KindCounter {
		return errCounter()
	}
	if len(value) > MaxValue {
		return claviger.Errorf(claviger.ErrInvalidArgument, "store", "%v has %d bytes; the limit is %d", key, len(value), MaxValue)
	}
	return tx.put(key, schema, value)
}

func (tx *Tx) put(key Key, schema uint16, value []byte) error {
	at := key.encode()
	if err := tx.remember(key, at); err != nil {
		return err
	}
	return fault(tx.w.Put(at, tx.db.ring.now().seal(tx.db.id, key, schema, value)))
}

// Delete removes a record, which may be damaged; one that is not there is no error. The record cannot be read from
// then on; its bytes leave the file with the next Compact. A counter can be deleted only when it is damaged, and then
// begins again.
func (tx *Tx) Delete(key Key) error {
	if err := tx.checkWrite(key); err != nil {
		return err
	}
	if key.Kind == KindCounter {
		if _, err := tx.get(key); !errors.Is(err, ErrDamaged) {
			return errCounter()
		}
	}
	at := key.encode()
	if err := tx.remember(key, at); err != nil {
		return err
	}
	return fault(tx.w.Delete(at))
}

// Next counts: it gives 1, 2, 3, ... for a kind and name, and never a number again that an Update which succeeded has
// given, whatever is deleted meanwhile. Numbers of failed updates may come again.
func (tx *Tx) Next(kind Kind, name string) (uint64, error) {
	if err := tx.check(true); err != nil {
		return 0, err
	}
	if err := (Key{Kind: kind, Name: name}).check(); err != nil {
		return 0, err
	}
	key := counterKey(kind, name)
	var last uint64
	switch r, err := tx.get(key); {
	case err == nil && len(r.Value) == 8:
		last = binary.BigEndian.Uint64(r.Value)
	case err == nil:
		return 0, tx.db.quarantine(key)
	case !errors.Is(err, claviger.ErrResourceNotFound):
		return 0, err
	}
	if last == math.MaxUint64 {
		return 0, claviger.Errorf(claviger.ErrQuotaExceeded, "store", "the numbers of %v are used up", key)
	}
	return last + 1, tx.put(key, 1, binary.BigEndian.AppendUint64(nil, last+1))
}

// Scan gives the records of a kind whose name begins with namePrefix, ordered by name, then version. Values are the
// caller's, as in Get. A damaged record comes with its Key and ErrDamaged, and the scan goes on; any other error ends
// it. The loop of an Update may write; it then sees what it wrote ahead of its place.
func (tx *Tx) Scan(kind Kind, namePrefix string) iter.Seq2[Record, error] {
	return tx.records(prefix(kind, namePrefix))
}

// Versions is Scan for the one name: its versions, lowest first.
func (tx *Tx) Versions(kind Kind, name string) iter.Seq2[Record, error] {
	return tx.records(append(prefix(kind, name), 0))
}

// Keys is Scan without opening the records: damaged ones are not told apart.
func (tx *Tx) Keys(kind Kind, namePrefix string) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		for p, err := range tx.pairs(prefix(kind, namePrefix)) {
			if !yield(p.key, err) {
				return
			}
		}
	}
}

// pair is a record still sealed.
type pair struct {
	key    Key
	sealed []byte
}

func (tx *Tx) records(prefix []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for p, err := range tx.pairs(prefix) {
			r := Record{}
			if err == nil {
				r, err = tx.db.open(p.key, p.sealed)
			}
			if err != nil {
				r.Key = p.key
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// pairs gives the sealed records under a prefix. A key that cannot be ours comes as ErrDamaged.
func (tx *Tx) pairs(prefix []byte) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		if err := tx.check(false); err != nil {
			yield(pair{}, err)
			return
		}
		for p, err := range tx.r.Scan(prefix) {
			if err != nil {
				yield(pair{}, fault(err))
				return
			}
			if bytes.Equal(p.Key, headerKey) {
				continue
			}
			key, ok := decodeKey(p.Key)
			if !ok {
				key = Key{Kind: Kind(p.Key[0]), Name: claviger.Clip(string(p.Key[1:]))}
				err = tx.db.quarantine(key)
			}
			if !yield(pair{key, p.Value}, err) {
				return
			}
		}
	}
}

// check refuses use after the end, and writing in a View.
func (tx *Tx) check(write bool) error {
	if tx.r == nil {
		return claviger.Errorf(claviger.ErrInvalidOperation, "store", "the transaction has ended")
	}
	if write && tx.w == nil {
		return claviger.Errorf(claviger.ErrInvalidOperation, "store", "a view cannot write")
	}
	return nil
}

func (tx *Tx) checkWrite(key Key) error {
	if err := tx.check(true); err != nil {
		return err
	}
	return key.check()
}

func errCounter() error {
	return claviger.Errorf(claviger.ErrInvalidOperation, "store", "a counter only counts")
}

// remember keeps the state of a kv key for revert.
func (tx *Tx) remember(key Key, at []byte) error {
	before, err := tx.r.Get(at)
	switch {
	case errors.Is(err, kv.ErrNotFound):
		before = nil
	case err != nil:
		return fault(err)
	default:
		before = append([]byte{}, before...)
	}
	tx.undo = append(tx.undo, change{at, before})
	tx.touched = append(tx.touched, key)
	return nil
}

// revert undoes what this Tx wrote, newest first, so that its neighbours in the group stay untouched.
func (tx *Tx) revert() error {
	for i := len(tx.undo) - 1; i >= 0; i-- {
		c := tx.undo[i]
		var err error
		if c.value == nil {
			err = tx.w.Delete(c.key)
		} else {
			err = tx.w.Put(c.key, c.value)
		}
		if err != nil {
			return fault(err)
		}
	}
	tx.undo, tx.touched = nil, nil
	return nil
}

func (tx *Tx) end() { tx.r, tx.w = nil, nil }
