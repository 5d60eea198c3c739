package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Secret is one version, read.
type Secret struct {
	Value   []byte // the receiver's, who wipes it (secmem.Wipe)
	Version uint64
	Expires uint64 // seconds since 1970
}

// Format writes version and expiry, never the value, for every verb and flag of package fmt.
func (s Secret) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "version %d of a secret of %d bytes, expires %d", s.Version, len(s.Value), s.Expires)
}

// Get reads a version of a secret, or the latest one (claviger.LatestVersion). ErrSecretNotFound for what is unknown,
// another tenant's, invalidated or swept, and for the other reserved versions; ErrSecretExpired for what is over. What
// was once said to be expired by the trusted clock stays so, whatever happens to the wall clock.
func (m *Manager) Get(ctx context.Context, g policy.Grant, id []byte, version uint64) (Secret, error) {
	return m.get(ctx, "get secret", g, store.KindSecret, id, version)
}

// get reads a version of an object.
func (m *Manager) get(ctx context.Context, op string, g policy.Grant, kind store.Kind, id []byte, version uint64) (Secret, error) {
	name, err := g.Tenant(op)
	if err != nil {
		return Secret{}, err
	}
	o, ok := parseObject(kind, id)
	if !ok {
		return Secret{}, errNotFound(op)
	}
	var s Secret
	err = m.store.View(func(tx *store.Tx) error {
		t, found, err := lookup(tx, name)
		if err != nil {
			return err
		}
		if !found || m.check(op, name) != nil {
			return errNotFound(op)
		}
		s, err = readVersion(tx, op, t, o, version)
		return err
	})
	if err != nil {
		return Secret{}, err
	}
	if m.over(ctx, s.Expires) {
		secmem.Wipe(s.Value)
		return Secret{}, errExpired(op)
	}
	return s, nil
}

// readVersion reads a version, whether or not it has expired.
func readVersion(tx *store.Tx, op string, t tenantID, o object, version uint64) (Secret, error) {
	if version == claviger.LatestVersion {
		h, err := read(tx, o.head(t), headSchema, decodeHead)
		if absent(err) {
			return Secret{}, errNotFound(op)
		}
		if err != nil {
			return Secret{}, err
		}
		version = h.latest
	}
	if version == 0 || version >= claviger.UnspecifiedVersion {
		return Secret{}, errNotFound(op)
	}
	key := o.value(t, version)
	r, err := tx.Get(key)
	if absent(err) {
		return Secret{}, errNotFound(op)
	}
	if err != nil {
		return Secret{}, err
	}
	expires, value, ok := decodeValue(r.Value)
	if r.Schema != valueSchema || !ok {
		secmem.Wipe(r.Value)
		return Secret{}, errNewer(key)
	}
	return Secret{Value: value, Version: version, Expires: expires}, nil
}

// over tells whether something has expired. When that follows from the trusted time, the time is made durable first,
// so that no later start can take it back; a medium that refuses makes nothing readable.
func (m *Manager) over(ctx context.Context, expires uint64) bool {
	now := m.clock.look()
	if !expired(now.now, expires) {
		return false
	}
	if expired(now.steady, expires) && !expired(m.clock.kept(), expires) {
		_ = m.clock.persist(ctx)
	}
	return true
}

// Bounds of a page of a list.
const (
	MaxPage   = 1000    // secrets
	pageBytes = 1 << 20 // of the message that it becomes, about
)

// ListQuery says what to list.
type ListQuery struct {
	All   bool   // of all tenants, retired ones included: for an administrator
	After string // where the last page ended; "" at first
	Max   int    // secrets on the page; 0 or more than MaxPage is MaxPage
}

// List gives a page of what is stored: identifiers, versions and expiry, no secret. next is the After of the next page,
// "" when there is none. Secrets are ordered by owner, then identifier. Without All the grant is a tenant's, with it an
// administrator's. A head that does not open is left out; the store names it.
func (m *Manager) List(g policy.Grant, q ListQuery) (page []claviger.SecretInfo, next string, err error) {
	const op = "list secrets"
	name, err := "", error(nil)
	if q.All {
		err = g.DemandAdmin(op)
	} else {
		name, err = g.Tenant(op)
	}
	if err != nil {
		return nil, "", err
	}
	if q.Max <= 0 || q.Max > MaxPage {
		q.Max = MaxPage
	}
	l := &lister{kind: store.KindSecret, now: m.clock.look().now, after: q.After, max: q.Max}
	err = m.store.View(func(tx *store.Tx) error { return m.fill(tx, op, name, l) })
	return l.page, l.next, err
}

// fill lets a lister go through the objects of the tenant of that name, or of all for "".
func (m *Manager) fill(tx *store.Tx, op, name string, l *lister) error {
	list, err := m.listed(tx, op, name)
	for _, a := range list {
		if err == nil && !l.full() {
			err = l.tenant(tx, a)
		}
	}
	return err
}

// listed gives the tenant of that name, or all for "".
func (m *Manager) listed(tx *store.Tx, op, name string) ([]*account, error) {
	if name == "" {
		return owners(tx)
	}
	t, found, err := lookup(tx, name)
	if err != nil || !found || m.check(op, name) != nil {
		return nil, err
	}
	a, err := accountOf(tx, t)
	return []*account{a}, err
}

// lister fills one page.
type lister struct {
	kind   store.Kind
	now    uint64
	after  string // name of the last head's record on the page before
	max    int
	page   []claviger.SecretInfo
	weight int
	next   string
}

func (l *lister) full() bool { return l.next != "" }

// tenant adds the objects of one tenant that come after the page before.
func (l *lister) tenant(tx *store.Tx, a *account) error {
	prefix := a.id.String() + "/"
	for part := range parts {
		begin := prefix + partName(part)
		if begin < l.after && !strings.HasPrefix(l.after, begin) {
			continue
		}
		if err := l.part(tx, a, begin); err != nil || l.full() {
			return err
		}
	}
	return nil
}

// part adds the objects whose records' names begin with a prefix.
func (l *lister) part(tx *store.Tx, a *account, prefix string) error {
	for key, err := range tx.Keys(l.kind, prefix) {
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return err
		}
		if err != nil || key.Version != 0 || key.Name <= l.after {
			continue
		}
		h, err := read(tx, key, headSchema, decodeHead)
		if errors.Is(err, store.ErrDamaged) || err == nil && len(h.kept) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		weight := 256 + 32*len(h.kept)
		if len(l.page) == l.max || len(l.page) > 0 && l.weight+weight > pageBytes {
			last := l.page[len(l.page)-1]
			l.next = last.TenantID + "/" + last.ID
			return nil
		}
		l.weight += weight
		l.page = append(l.page, l.describe(a, key.Name, h))
	}
	return nil
}

// describe says what a head says.
func (l *lister) describe(a *account, name string, h head) claviger.SecretInfo {
	info := claviger.SecretInfo{ID: name[idLength+1:], Tenant: a.name, TenantID: a.id.String(), Retired: a.retired != 0, Latest: h.latest}
	for _, e := range h.kept {
		info.Versions = append(info.Versions, claviger.SecretVersion{Version: e.version, Expires: e.expires, Size: int(e.size), Expired: expired(l.now, e.expires)})
	}
	return info
}
