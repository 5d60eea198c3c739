package session

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// TestWhatAnInputLeavesBehindIsNoPartOfAnother: the beginning of an input that was given up, by the caller or by a refusal
// between its parts, is forgotten when another input begins.
func TestWhatAnInputLeavesBehindIsNoPartOfAnother(t *testing.T) {
	r := newRig(t, Limits{HeldBytes: 8 << 20}).withSecrets(t)
	s := r.session(t, alice)
	key := s.managedKey(t, symmetric, "AES-256-GCM").Handle
	seal := func(abandoned ...[]byte) []byte {
		t.Helper()
		state := s.stateOf(t, key, make([]byte, 12))
		defer s.free(t, state)
		var ahead uint64
		for _, part := range abandoned {
			if _, err := s.run(t, state, pb.StateVerb_STATE_HOLD, part, ahead); err != nil {
				fails(t, "beyond the tenant's bytes", err, claviger.ErrQuotaExceeded)
				break
			}
			ahead += uint64(len(part))
		}
		reply, err := s.run(t, state, pb.StateVerb_STATE_ENCRYPT, []byte("message"), 0)
		ok(t, err)
		return reply.Secret
	}
	want, big := seal(), make([]byte, 3<<20)
	if got := seal([]byte("left behind")); !bytes.Equal(got, want) {
		t.Errorf("after an input that was given up %d bytes are sealed, want %d", len(got), len(want))
	}
	if got := seal(big, big, big); !bytes.Equal(got, want) {
		t.Errorf("after an input that was refused %d bytes are sealed, want %d", len(got), len(want))
	}
	state := s.stateOf(t, key, make([]byte, 12))
	_, err := s.run(t, state, pb.StateVerb_STATE_HOLD, []byte("part"), 0)
	ok(t, err)
	for range 2 { // the first forgets what was held
		_, err = s.run(t, state, pb.StateVerb_STATE_ENCRYPT, []byte("message"), 5)
		fails(t, "an input that lacks a part", err, claviger.ErrInvalidOperation)
	}
	_, err = s.run(t, state, pb.StateVerb_STATE_HOLD, []byte("part"), 4)
	fails(t, "a part of an input that has not begun", err, claviger.ErrInvalidOperation)
}

// TestAllThatAStateKeepsIsCharged: its options and a copy of its key as well as what it absorbs.
func TestAllThatAStateKeepsIsCharged(t *testing.T) {
	s := newRig(t, Limits{HeldBytes: 3 << 20}).withSecrets(t).session(t, alice)
	big := make([]byte, 1<<20)
	key := s.managedKey(t, symmetric, "HKDF-EXTRACT/SHA-256", make([]byte, 8192)...).Handle
	var open []uint64
	for _, o := range []*pb.OpenStateRequest{{Context: big}, {Salt: big}} {
		o.Key = key
		made, err := s.OpenState(t.Context(), o)
		ok(t, err)
		open = append(open, made.Handle)
	}
	if n := s.tenant.held.Load(); n < 2*(8192+1<<20) {
		t.Errorf("two states with options of 1 MiB are charged as %d bytes", n)
	}
	_, err := s.OpenState(t.Context(), &pb.OpenStateRequest{Key: key, Context: big})
	fails(t, "options beyond the tenant's bytes", err, claviger.ErrQuotaExceeded)
	_, err = s.run(t, open[0], pb.StateVerb_STATE_CLONE, nil, 0)
	fails(t, "a copy beyond the tenant's bytes", err, claviger.ErrQuotaExceeded)
	_, err = s.run(t, open[0], pb.StateVerb_STATE_ABSORB, big, 0)
	fails(t, "a salt beyond the tenant's bytes", err, claviger.ErrQuotaExceeded)
	s.free(t, open...)
	if n := s.tenant.held.Load(); n != 0 {
		t.Errorf("after the release %d bytes are charged", n)
	}
}

// TestAnOutputIsWholeWhateverComesNext: the part that is on its way is not wiped by a verb that forgets the rest.
func TestAnOutputIsWholeWhateverComesNext(t *testing.T) {
	s := newRig(t, Limits{}).withSecrets(t).session(t, alice)
	key := s.managedKey(t, symmetric, "AES-256-CTR").Handle
	state := s.stateOf(t, key, make([]byte, 16))
	reply, err := s.run(t, state, pb.StateVerb_STATE_SQUEEZE, nil, 2*statePart)
	ok(t, err)
	given := bytes.Clone(reply.Secret)
	_, err = s.run(t, state, pb.StateVerb_STATE_MAX_TAG_LEN, nil, 0)
	ok(t, err)
	if !bytes.Equal(reply.Secret, given) {
		t.Error("a part that was given is wiped under who sends it")
	}
	s.free(t, state)
	if !bytes.Equal(reply.Secret, given) {
		t.Error("a part that was given is wiped by the release")
	}
}
