package store

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"

	"github.com/claviger/claviger/internal/primitive/xaes"
)

// Record is a record as its owner sees it.
type Record struct {
	Key    Key
	Schema uint16 // how Value is to be read; its owner's number
	Value  []byte // in the clear, a copy for the receiver, who wipes it (secmem.Wipe) when it is secret
}

// MaxValue is the longest value of a record in bytes: 16 MiB, room for the largest revocation lists in use.
const MaxValue = 16 << 20

// Layout of a sealed record, integers big-endian:
//
//	0        1         3             7            31               31+n    47+n
//	┌────────┬─────────┬─────────────┬────────────┬────────────────┬───────┐
//	│ format │ schema  │ generation  │ nonce (24) │ ciphertext (n) │ tag   │
//	│ = 1    │ uint16  │ uint32      │ random     │                │ (16)  │
//	└────────┴─────────┴─────────────┴────────────┴────────────────┴───────┘
//
// Sealed with XAES-256-GCM (c2sp.org/XAES-256-GCM) under the data key of that generation. The additional data is
//
//	"claviger record" 0x00 | store id (16) | the record's first 7 bytes | kind (1) | version (8) | name
//
// so that a record opens only in its own store, under its own key. The name is last and all before it has a fixed
// length, which makes the encoding unambiguous.
const (
	recordFormat  = 1
	recordPrefix  = 7
	recordHead    = recordPrefix + xaes.NonceSize
	recordMinimum = recordHead + xaes.Overhead
)

// recordLabel sets the seals of records apart from every other use of a key.
const recordLabel = "claviger record\x00"

// storeID is the random identity of a store; it stays through compaction.
type storeID [16]byte

// sealedRecord is a record's layout, taken apart. The slices are parts of the bytes that it was taken from.
type sealedRecord struct {
	schema     uint16
	generation uint32
	head       []byte // the first recordPrefix bytes
	nonce      []byte
	ciphertext []byte // with the tag
}

// parseRecord takes a sealed record apart; false for bytes that cannot be one of this format.
func parseRecord(b []byte) (sealedRecord, bool) {
	if len(b) < recordMinimum || b[0] != recordFormat {
		return sealedRecord{}, false
	}
	return sealedRecord{
		schema:     binary.BigEndian.Uint16(b[1:]),
		generation: binary.BigEndian.Uint32(b[3:]),
		head:       b[:recordPrefix],
		nonce:      b[recordPrefix:recordHead],
		ciphertext: b[recordHead:],
	}, true
}

// additional is a record's additional data.
func additional(id storeID, head []byte, key Key) []byte {
	out := make([]byte, 0, len(recordLabel)+len(id)+len(head)+9+len(key.Name))
	out = append(append(append(out, recordLabel...), id[:]...), head...)
	out = binary.BigEndian.AppendUint64(append(out, byte(key.Kind)), key.Version)
	return append(out, key.Name...)
}

// seal makes a sealed record with a random nonce.
func (e *epoch) seal(id storeID, key Key, schema uint16, value []byte) []byte {
	var nonce [xaes.NonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return sealRecord(e.aead, id, e.generation, nonce, key, schema, value)
}

func sealRecord(aead cipher.AEAD, id storeID, generation uint32, nonce [xaes.NonceSize]byte, key Key, schema uint16, value []byte) []byte {
	out := make([]byte, 0, recordMinimum+len(value))
	out = binary.BigEndian.AppendUint16(append(out, recordFormat), schema)
	out = binary.BigEndian.AppendUint32(out, generation)
	out = append(out, nonce[:]...)
	return aead.Seal(out, nonce[:], value, additional(id, out[:recordPrefix], key))
}

// open gives a record's value; false when the record was altered, moved or sealed under another key.
func (s sealedRecord) open(aead cipher.AEAD, id storeID, key Key) ([]byte, bool) {
	value, err := aead.Open(nil, s.nonce, s.ciphertext, additional(id, s.head, key))
	return value, err == nil
}
