package guest

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// State is a symmetric algorithm at work. What it does follows from the algorithm; what the algorithm does not do is
// ErrInvalidOperation.
//
//	hash            Absorb, Squeeze: the digest so far, which may be asked for again
//	extendable      Absorb, Squeeze: goes on where it was, each time other bytes
//	MAC             Absorb, SqueezeTag
//	HKDF-EXTRACT    Absorb the salt, SqueezeKey for HKDF-EXPAND; the state's key is the input key
//	HKDF-EXPAND     Absorb the information, Squeeze
//	AEAD            Absorb associated data, Encrypt once for each nonce, Decrypt
//	session         all of these over one rolling state, and Ratchet
//	cipher          Encrypt, Decrypt, without a tag and therefore without protection against changes; CBC once for
//	                each nonce, CTR goes on in its key stream
//
// A State is an io.Writer that absorbs and an io.Reader that squeezes.
type State struct {
	object
	buffer   []byte // lent to the host until Close
	overhead int    // what Encrypt adds; -1 until the host was asked
}

// NewState opens a state. ErrKeyRequired, ErrKeyNotSupported, ErrNonceRequired and ErrInvalidNonce say what the algorithm
// wants; ErrInvalidKey that the key is one of another algorithm. The state has its own copy of key and options: both may be
// closed or changed after that.
func NewState(algorithm string, c StateConfig) (*State, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	defer closeOptions(options)
	s := &State{buffer: c.Buffer, overhead: -1}
	at, length := text(algorithm)
	key, set := optional(0, false), optional(options, options != 0)
	if c.Key != nil {
		key = optional(c.Key.object, true)
	}
	return made(s, result("symmetric_state_open", raw.SymmetricStateOpen(at, length, pointer(&key), pointer(&set), s.out())))
}

// Option reads "nonce", "salt" or "context" back, a nonce that the host drew included. ErrOptionNotSet if nobody set it.
func (s *State) Option(name string) ([]byte, error) {
	at, length := text(name)
	for room := make([]byte, 64); ; room = make([]byte, 4*len(room)) {
		var n uint32
		from, size := data(room)
		errno := raw.SymmetricStateOptionsGet(uint32(s.object), at, length, from, size, unsafe.Pointer(&n))
		if errno == raw.Overflow && len(room) < 1<<24 {
			continue
		}
		if err := result("symmetric_state_options_get", errno); err != nil {
			return nil, err
		}
		return room[:n], nil
	}
}

// OptionNumber reads "memory_limit", "ops_limit" or "parallelism" back.
func (s *State) OptionNumber(name string) (uint64, error) {
	var value uint64
	at, length := text(name)
	err := result("symmetric_state_options_get_u64", raw.SymmetricStateOptionsGetU64(uint32(s.object), at, length, unsafe.Pointer(&value)))
	return value, err
}

// Clone makes an independent copy.
func (s *State) Clone() (*State, error) {
	clone := &State{buffer: s.buffer, overhead: s.overhead}
	return made(clone, result("symmetric_state_clone", raw.SymmetricStateClone(uint32(s.object), clone.out())))
}

// Absorb takes in data. ErrOverflow past 64 MiB where an algorithm has to hold all of it.
func (s *State) Absorb(p []byte) error {
	from, size := data(p)
	return result("symmetric_state_absorb", raw.SymmetricStateAbsorb(uint32(s.object), from, size))
}

// Squeeze fills out. More than a digest has is ErrInvalidLength.
func (s *State) Squeeze(out []byte) error {
	from, size := data(out)
	return result("symmetric_state_squeeze", raw.SymmetricStateSqueeze(uint32(s.object), from, size))
}

// SqueezeTag gives the tag of what was absorbed. The state goes on.
func (s *State) SqueezeTag() (*Tag, error) {
	t := new(Tag)
	return made(t, result("symmetric_state_squeeze_tag", raw.SymmetricStateSqueezeTag(uint32(s.object), t.out())))
}

// SqueezeKey derives a key for the named algorithm, which stays in the host.
func (s *State) SqueezeKey(algorithm string) (*SymmetricKey, error) {
	k := new(SymmetricKey)
	at, length := text(algorithm)
	return made(k, result("symmetric_state_squeeze_key", raw.SymmetricStateSqueezeKey(uint32(s.object), at, length, k.out())))
}

// Ratchet makes earlier states of a session unreachable.
func (s *State) Ratchet() error {
	return result("symmetric_state_ratchet", raw.SymmetricStateRatchet(uint32(s.object)))
}

// Write is Absorb.
func (s *State) Write(p []byte) (int, error) { return written(p, s.Absorb(p)) }

// Read is Squeeze. The end is the algorithm's: 255 blocks for HKDF-EXPAND, none for an extendable output.
func (s *State) Read(p []byte) (int, error) { return written(p, s.Squeeze(p)) }

// Close ends the state.
func (s *State) Close() error {
	err := s.end("symmetric_state_close", raw.SymmetricStateClose)
	s.buffer = nil
	return err
}
