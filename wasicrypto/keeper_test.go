package wasicrypto

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/symmetric"
)

// keeper is a Managed in memory that keeps its contract with real keys: the host's own behaviour is tested on it, without a daemon. What
// it counts and the faults that can be set are for tests.
type keeper struct {
	mu    sync.Mutex
	keys  map[string][]*claviger.ManagedMaterial // by identifier, then version - 1; nil is invalidated
	notes map[string][]*claviger.Secret          // the same for secrets
	now   uint64
	fails error // what every change answers, if not nil
	gone  error // what Ping answers
	open  int   // managed keys that are not closed
}

func newKeeper() *keeper {
	return &keeper{keys: map[string][]*claviger.ManagedMaterial{}, notes: map[string][]*claviger.Secret{}, now: 1000}
}

// stored gives how many identifiers there are.
func (k *keeper) stored() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys) + len(k.notes)
}

func (k *keeper) opened() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open
}

var errGone = claviger.Errorf(claviger.ErrSecretNotFound, "keeper", "not here")

// pick finds a version of what an identifier stands for.
func pick[T any](all []*T, version uint64) (*T, uint64, error) {
	if version == claviger.LatestVersion {
		version = uint64(len(all))
	}
	if version < 1 || version > uint64(len(all)) || all[version-1] == nil {
		return nil, 0, errGone
	}
	return all[version-1], version, nil
}

// live reports whether a version is left.
func live[T any](all []*T) bool { return slices.ContainsFunc(all, func(v *T) bool { return v != nil }) }

// invalidate removes one version or all.
func invalidate[T any](all []*T, version uint64) error {
	if version == claviger.AllVersions {
		if !live(all) {
			return errGone
		}
		clear(all)
		return nil
	}
	if _, n, err := pick(all, version); err != nil {
		return err
	} else {
		all[n-1] = nil
	}
	return nil
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func (k *keeper) Ping(context.Context) error { return k.gone }

func (k *keeper) GenerateKey(ctx context.Context, t claviger.GuestType, name claviger.Algorithm, o claviger.ManagedOptions) (claviger.ManagedKey, error) {
	g, ok := algorithm.LookupGuest(t, string(name))
	if !ok {
		return nil, claviger.ErrUnsupportedAlgorithm
	}
	var key []byte
	var err error
	if t == claviger.GuestSymmetric {
		key, err = symmetric.GenerateKey(g)
	} else {
		var pair crypto.PrivateKey
		if pair, err = g.Key.GeneratePair(); err == nil {
			key, err = g.Key.MarshalPrivate(pair)
		}
	}
	if err != nil {
		return nil, err
	}
	return k.StoreKey(ctx, claviger.ManagedMaterial{Type: t, Algorithm: g.Name, Key: key, Exportable: o.Exportable})
}

func (k *keeper) StoreKey(_ context.Context, m claviger.ManagedMaterial) (claviger.ManagedKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.add(newID(), m)
}

func (k *keeper) ReplaceKey(_ context.Context, id string, m claviger.ManagedMaterial) (claviger.ManagedKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !live(k.keys[id]) {
		return nil, errGone
	}
	return k.add(id, m)
}

func (k *keeper) ReplaceKeyWith(ctx context.Context, id string, with claviger.ManagedKey) (claviger.ManagedKey, error) {
	return k.ReplaceKey(ctx, id, with.(*kept).material)
}

func (k *keeper) add(id string, m claviger.ManagedMaterial) (claviger.ManagedKey, error) {
	if k.fails != nil {
		return nil, k.fails
	}
	m.Key = slices.Clone(m.Key)
	k.keys[id] = append(k.keys[id], &m)
	k.open++
	return newKept(k, id, uint64(len(k.keys[id])), m), nil
}

func (k *keeper) OpenKey(_ context.Context, id string, version uint64) (claviger.ManagedKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m, n, err := pick(k.keys[id], version)
	if err != nil {
		return nil, err
	}
	k.open++
	return newKept(k, id, n, *m), nil
}

func (k *keeper) InvalidateKey(_ context.Context, id string, version uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return invalidate(k.keys[id], version)
}

func (k *keeper) Put(_ context.Context, secret []byte, expires uint64) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails != nil {
		return "", k.fails
	}
	id := newID()
	k.notes[id] = []*claviger.Secret{{Value: slices.Clone(secret), Version: 1, Expires: expires}}
	return id, nil
}

func (k *keeper) Replace(_ context.Context, id string, secret []byte, expires uint64) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !live(k.notes[id]) {
		return 0, errGone
	}
	n := uint64(len(k.notes[id]) + 1)
	k.notes[id] = append(k.notes[id], &claviger.Secret{Value: slices.Clone(secret), Version: n, Expires: expires})
	return n, nil
}

func (k *keeper) Get(_ context.Context, id string, version uint64) (claviger.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, _, err := pick(k.notes[id], version)
	if err != nil {
		return claviger.Secret{}, err
	}
	return k.fresh(*s)
}

// fresh copies a secret that has not expired.
func (k *keeper) fresh(s claviger.Secret) (claviger.Secret, error) {
	if s.Expires <= k.now {
		return claviger.Secret{}, claviger.ErrSecretExpired
	}
	s.Value = slices.Clone(s.Value)
	return s, nil
}

func (k *keeper) Invalidate(_ context.Context, id string, version uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return invalidate(k.notes[id], version)
}

// Seal keeps the secret and gives a random ticket for it: no cryptography, for only the host is under test here.
func (k *keeper) Seal(ctx context.Context, secret []byte, expires uint64) ([]byte, error) {
	id, err := k.Put(ctx, secret, expires)
	return []byte("capsule " + id), err
}

func (k *keeper) Open(_ context.Context, capsule []byte) (claviger.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id, ok := strings.CutPrefix(string(capsule), "capsule ")
	if !ok || k.notes[id] == nil {
		return claviger.Secret{}, claviger.ErrSecretVerificationFailed
	}
	return k.fresh(*k.notes[id][0])
}

// kept is a managed key.
type kept struct {
	keeper   *keeper
	id       string
	version  uint64
	material claviger.ManagedMaterial
	guest    *algorithm.Guest
	pair     crypto.PrivateKey // nil if symmetric
	closed   sync.Once
}

func newKept(k *keeper, id string, version uint64, m claviger.ManagedMaterial) *kept {
	g, _ := algorithm.LookupGuest(m.Type, string(m.Algorithm))
	made := &kept{keeper: k, id: id, version: version, material: m, guest: g}
	if m.Type != claviger.GuestSymmetric {
		made.pair, _ = g.Key.ParsePrivate(m.Key)
	}
	return made
}

func (k *kept) ID() string                    { return k.id }
func (k *kept) Version() uint64               { return k.version }
func (k *kept) Type() claviger.GuestType      { return k.material.Type }
func (k *kept) Algorithm() claviger.Algorithm { return k.material.Algorithm }

func (k *kept) Public() []byte {
	if k.pair == nil {
		return nil
	}
	der, _ := k.guest.Key.MarshalPublic(k.guest.Key.PublicOf(k.pair))
	return der
}

func (k *kept) Sign(_ context.Context, message []byte, digested bool) ([]byte, error) {
	if !digested && k.guest.Use.Digest != "" {
		h := k.guest.Use.NewHash()
		h.Write(message)
		message = h.Sum(nil)
	}
	return k.guest.Use.Sign(k.pair, nil, message, false)
}

func (k *kept) Agree(_ context.Context, peer []byte) ([]byte, error) {
	key, err := k.guest.Key.ParsePublic(peer)
	if err != nil {
		return nil, err
	}
	return k.guest.Use.Agree(k.pair, key)
}

func (k *kept) Decapsulate(_ context.Context, ciphertext []byte) ([]byte, error) {
	return k.guest.Use.Decapsulate(k.pair, ciphertext)
}

func (k *kept) OpenState(_ context.Context, o claviger.StateOptions) (claviger.SymmetricState, error) {
	return symmetric.Open(k.guest, k.material.Key, o)
}

func (k *kept) Export(context.Context) ([]byte, error) {
	if !k.material.Exportable {
		return nil, claviger.ErrKeyNotExportable
	}
	return slices.Clone(k.material.Key), nil
}

func (k *kept) Close() error {
	k.closed.Do(func() {
		k.keeper.mu.Lock()
		defer k.keeper.mu.Unlock()
		k.keeper.open--
	})
	return nil
}
