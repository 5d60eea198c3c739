package session

import (
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/secmem"
	pb "github.com/claviger/claviger/proto"
)

// Bounds of a symmetric state in bytes.
const (
	stateFootprint = 4 << 10  // what a state takes by itself, about
	statePart      = 1 << 20  // most of an input or output that one message carries
	stateWhole     = 64 << 20 // most that is held of one input or output
	stateTag       = 64       // by how much ciphertext with its tag may be longer than its plaintext
)

// heldState is a symmetric state with the beginning of the next input and the rest of the last output, where they are
// too long for one message. All of it is charged to the tenant's held bytes.
type heldState struct {
	tenant *tenant
	closed atomic.Bool // released; whoever is last in the state wipes it

	busy    sync.Mutex // held by the call that runs; guards the rest
	state   *operation.GuestState
	wiped   bool
	charged int64 // in all
	input   []byte
	output  []byte
	given   int // bytes of output that were given
	room    int // bytes charged for output
}

// release wipes the state, or leaves that to the call that is running.
func (h *heldState) release(*tenant) {
	h.closed.Store(true)
	h.settle()
}

// settle wipes a state that was released, unless a call is running, which will do it.
func (h *heldState) settle() {
	if !h.closed.Load() || !h.busy.TryLock() {
		return
	}
	defer h.busy.Unlock()
	if h.wiped {
		return
	}
	h.wiped = true
	h.dropInput()
	h.dropOutput()
	h.uncharge(int(h.charged))
	h.state.Close()
}

// enter makes a call the only one: a second is ErrInvalidOperation. The caller calls leave.
func (h *heldState) enter(op string) error {
	if !h.busy.TryLock() {
		return claviger.Errorf(claviger.ErrInvalidOperation, op, "the state is busy with another call; it belongs to one caller at a time")
	}
	if h.closed.Load() {
		h.leave()
		return notFound(op)
	}
	return nil
}

// leave ends what enter began.
func (h *heldState) leave() {
	h.busy.Unlock()
	h.settle()
}

// charge reserves n bytes for the state: ErrQuotaExceeded.
func (h *heldState) charge(n int) error {
	err := h.tenant.Reserve(int64(n))
	if err == nil {
		h.charged += int64(n)
	}
	return err
}

// uncharge gives n bytes back.
func (h *heldState) uncharge(n int) {
	h.tenant.Unreserve(int64(n))
	h.charged -= int64(n)
}

// hold appends data to the input. Buffers that have become too small are wiped. Over the limit it is ErrQuotaExceeded.
func (h *heldState) hold(data []byte) error {
	n := len(h.input) + len(data)
	if n > stateWhole+stateTag {
		return claviger.Errorf(claviger.ErrQuotaExceeded, "state", "an input of %d bytes; the limit is %d", n, stateWhole)
	}
	if n > cap(h.input) {
		size := min(max(n, 2*cap(h.input)), stateWhole+stateTag)
		if err := h.charge(size); err != nil {
			return err
		}
		grown := append(make([]byte, 0, size), h.input...)
		h.dropInput()
		h.input = grown[:len(grown):size]
	}
	h.input = append(h.input, data...)
	return nil
}

// goOn makes sure that the first bytes of an input are those that are held, and no others: what an input that was given up has
// left is forgotten. ErrInvalidOperation if what is held is not all that went ahead.
func (h *heldState) goOn(ahead uint64) error {
	n := uint64(len(h.input))
	if n == ahead {
		return nil
	}
	h.dropInput()
	if ahead == 0 {
		return nil
	}
	return claviger.Errorf(claviger.ErrInvalidOperation, "state", "%d bytes of the input are held, not %d: it begins anew", n, ahead)
}

// whole gives the input of a verb: what went ahead, and then data. It is valid until dropInput.
func (h *heldState) whole(data []byte, ahead uint64) ([]byte, error) {
	if err := h.goOn(ahead); err != nil {
		return nil, err
	}
	if len(h.input) == 0 {
		return data, nil
	}
	err := h.hold(data)
	return h.input, err
}

// dropInput wipes what was held.
func (h *heldState) dropInput() {
	h.uncharge(cap(h.input))
	secmem.Wipe(h.input[:cap(h.input)])
	h.input = nil
}

// reserve charges the room for an output of up to n bytes, until it has been given.
func (h *heldState) reserve(n int) error {
	err := h.charge(n)
	if err == nil {
		h.room += n
	}
	return err
}

// give answers with the first part of an output, which it takes over.
func (h *heldState) give(out []byte) *pb.StateReply {
	h.output, h.given = out, 0
	return h.take(statePart)
}

// take gives the next part of the output, of up to n bytes. Who sends it wipes it.
func (h *heldState) take(n int) *pb.StateReply {
	part := h.output[h.given:min(h.given+n, len(h.output))]
	h.given += len(part)
	left := len(h.output) - h.given
	if left == 0 {
		h.dropOutput()
	}
	return &pb.StateReply{Secret: part, Left: uint64(left)}
}

// dropOutput wipes what is left of the output. What was given is with who sends it, perhaps at this moment.
func (h *heldState) dropOutput() {
	secmem.Wipe(h.output[h.given:])
	h.output, h.given = nil, 0
	h.uncharge(h.room)
	h.room = 0
}
