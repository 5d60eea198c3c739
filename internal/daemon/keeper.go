package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/store"
)

// KeeperState says what opens a store.
type KeeperState struct {
	Kind     config.KeeperKind
	Describe string    // one sentence: the place, what it protects against, and what not
	Since    time.Time // when the kind became what opens the store, to the second; zero where nobody noted it
}

// ShowKeeper opens the store of a stopped daemon with the configured keeper and says what that is. It makes and changes
// nothing in the store. A store that a running daemon has is ErrAlreadyInitialized and names the process; a keeper that
// does not open the store, ErrWrapUnwrapFailed.
func ShowKeeper(ctx context.Context, cfg *config.Config) (KeeperState, error) {
	var state KeeperState
	err := withStopped(cfg, "`claviger status` names the keeper of a running daemon", func() error {
		db, err := openKept(ctx, cfg, cfg.Keeper)
		if err != nil {
			return err
		}
		note, err := readNote(db)
		state = KeeperState{Kind: cfg.Keeper.Kind, Describe: db.Keeper()}
		if note.kind == cfg.Keeper.Kind {
			state.Since = note.since
		}
		return errors.Join(err, db.Close())
	})
	return state, err
}

// ChangeKeeper makes next the keeper of the store of a stopped daemon, in place of the configured one; both must be right.
// Durable when it returns; a crash leaves the store with the one or the other. Records are not written, nor is the
// configuration. already means that next had become the keeper before, which a crash may have kept from being said. Errors are
// those of ShowKeeper, and what is wrong with the one keeper or the other; nothing has changed then unless the error is
// ErrPersistFailed.
func ChangeKeeper(ctx context.Context, cfg *config.Config, next config.Keeper) (already bool, err error) {
	if next.Kind == cfg.Keeper.Kind && next.Path == cfg.Keeper.Path && next.Name == cfg.Keeper.Name {
		return false, claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "this is the keeper that %s names already", cfg.File)
	}
	if next.Path == cfg.Daemon.Store {
		return false, claviger.Errorf(claviger.ErrInvalidArgument, "store", "%s is the store", next.Path)
	}
	err = withStopped(cfg, "stop it first", func() error {
		already, err = changeKeeper(ctx, cfg, next)
		return err
	})
	return already, err
}

func changeKeeper(ctx context.Context, cfg *config.Config, next config.Keeper) (already bool, err error) {
	k, err := openKeeper(next)
	if err == nil {
		err = k.Check(ctx)
	}
	if err != nil {
		return false, err
	}
	db, err := openKept(ctx, cfg, cfg.Keeper)
	if errors.Is(err, claviger.ErrWrapUnwrapFailed) {
		if db, newErr := openKept(ctx, cfg, next); newErr == nil {
			return true, db.Close()
		}
	}
	if err != nil {
		return false, err
	}
	note := keeperNote{next.Kind, time.Now()}
	return false, errors.Join(db.Rekey(ctx, k, note.write), db.Close())
}

// withStopped runs fn while no daemon can have the store; hint tells what to do where one has it. The lock is made only
// for the store's owner: a daemon could not take one of another user's.
func withStopped(cfg *config.Config, hint string, fn func() error) error {
	st, err := os.Lstat(cfg.Daemon.Store)
	if errors.Is(err, fs.ErrNotExist) {
		return claviger.Errorf(claviger.ErrResourceNotFound, "store", "there is no store at %s yet; the daemon makes it with the keeper of its configuration", cfg.Daemon.Store)
	}
	if err != nil {
		return claviger.WrapError(claviger.ErrInvalidArgument, "store", err)
	}
	if owner := st.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return claviger.Errorf(claviger.ErrInvalidArgument, "store", "the store at %s is uid %d's; run this as that user", cfg.Daemon.Store, owner)
	}
	held, err := lock(cfg.Daemon.Store + ".lock")
	if errors.Is(err, claviger.ErrAlreadyInitialized) {
		return claviger.Errorf(claviger.ErrAlreadyInitialized, "store", "%s; %s", reason(err), hint)
	}
	if err != nil {
		return err
	}
	return errors.Join(fn(), held.Close())
}

// openKept opens the configured store with a keeper.
func openKept(ctx context.Context, cfg *config.Config, with config.Keeper) (*store.DB, error) {
	with.Create = false
	k, err := openKeeper(with)
	if err != nil {
		return nil, err
	}
	return openStore(ctx, cfg.Daemon.Store, k, true)
}

// keeperNote is what the store remembers of its keeper.
type keeperNote struct {
	kind  config.KeeperKind
	since time.Time
}

// noteSchema is the schema of the note's record: since (8 bytes, seconds since 1970, big-endian), then the kind's name.
const noteSchema = 1

func noteKey() store.Key { return store.Key{Kind: store.KindMeta, Name: "keeper"} }

// encode gives the record's value.
func (n keeperNote) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(n.since.Unix())), n.kind...)
}

// decodeNote is the inverse of encode; the zero note for what encode does not give.
func decodeNote(value []byte) keeperNote {
	if len(value) < 8 {
		return keeperNote{}
	}
	kind := config.KeeperKind(value[8:])
	if !slices.Contains(config.KeeperKinds(), kind) {
		return keeperNote{}
	}
	return keeperNote{kind, time.Unix(int64(binary.BigEndian.Uint64(value)), 0)}
}

// write puts the note into the store.
func (n keeperNote) write(tx *store.Tx) error { return tx.Put(noteKey(), noteSchema, n.encode()) }

// readNote gives the note; the zero note where there is none, or one that does not open or is not understood.
func readNote(db *store.DB) (n keeperNote, err error) {
	err = db.View(func(tx *store.Tx) error {
		r, err := tx.Get(noteKey())
		if errors.Is(err, claviger.ErrResourceNotFound) || errors.Is(err, store.ErrDamaged) {
			return nil
		}
		if err == nil && r.Schema == noteSchema {
			n = decodeNote(r.Value)
		}
		return err
	})
	return n, err
}

// noteKeeper notes a kind of keeper that the store does not know as its own yet: of a new store, or where a key went from
// a file to a credential by the configuration alone.
func noteKeeper(ctx context.Context, db *store.DB, kind config.KeeperKind) error {
	note, err := readNote(db)
	if err != nil || note.kind == kind {
		return err
	}
	return db.Update(ctx, keeperNote{kind, time.Now()}.write)
}
