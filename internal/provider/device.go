package provider

import (
	"context"
	"errors"

	"github.com/claviger/claviger"
)

// Tag is what a device shows of a lasting key to people who look at it with other tools: in PKCS #11 CKA_LABEL and CKA_ID.
// Providers that keep no objects take no notice of it.
type Tag struct {
	Label string // the slot's name; at most claviger.MaxName bytes
	ID    []byte // random, 16 bytes: names this key material for ever
}

// ObjectProvider is a Provider whose lasting keys are objects of a device, to which blobs refer.
type ObjectProvider interface {
	Provider
	// Objects lists the device's lasting keys that a query fits, 1,000 at most. None is no error.
	Objects(ctx context.Context, q Query) ([]Object, error)
	// Destroy removes the object that a blob of Key.Blob refers to; it has taken effect when it returns nil. An object that is not
	// there any longer is no error, and one that was found by Objects is not removed: it was there before and is somebody's.
	Destroy(ctx context.Context, blob []byte) error
}

// PublicProvider is a Provider that tells the public half of a key from its blob alone, so that what a public half does goes on
// while the device is away.
type PublicProvider interface {
	Provider
	// PublicOf gives the SubjectPublicKeyInfo of the pair, or public key, that a blob of Key.Blob refers to, which the caller owns;
	// nil where the blob does not tell it, and for what is no blob: Load says why. It asks no device and does not wait.
	PublicOf(blob []byte) []byte
}

// Query says which objects are looked for. Zero fields fit everything.
type Query struct {
	Algorithm claviger.Algorithm // key algorithm; what it is to be used as where the object leaves it open (an EC key, a secret)
	Label     string
	ID        []byte
}

// Object is a lasting key of a device.
type Object struct {
	Spec  Spec // Algorithm is "" where neither the object nor the query says it
	Bits  int
	Label string
	ID    []byte
	Blob  []byte // a reference for Load
}

// Health is how a provider is at this moment.
type Health struct {
	Available bool   // calls are worth trying
	Reason    string // for people: why it is not available, and what would help
	Detail    string // for people: what it works with, and how it is confined
	Restarts  uint64 // of its worker process since the daemon started
}

// Mortal is a Key that can be lost while it is open: what it was made of is gone with a worker or a device. Its users get
// errors; whoever needs the key anew makes another one.
type Mortal interface {
	Lost() bool
}

// Reporter is a Provider that can fail and come back while the daemon runs. One that is none is always available.
type Reporter interface {
	Health() Health
}

// parkKey is the context key of WithPark.
type parkKey struct{}

// parking is what WithPark puts into a context.
type parking struct {
	lane string
	park func()
}

// WithPark gives a context with which a provider can say that a call only waits for a device from now on, so that whoever
// runs it need not hold a place for it among those that compute. lane names whose call it is: calls that wait for one device take
// turns by it. park may be called several times, by one goroutine, while the call runs.
func WithPark(ctx context.Context, lane string, park func()) context.Context {
	return context.WithValue(ctx, parkKey{}, parking{lane, park})
}

// Park tells whoever runs the call that it waits for a device from now on. Without WithPark it does nothing.
func Park(ctx context.Context) {
	if p, ok := ctx.Value(parkKey{}).(parking); ok {
		p.park()
	}
}

// Lane tells whose call it is; "" without WithPark.
func Lane(ctx context.Context) string {
	p, _ := ctx.Value(parkKey{}).(parking)
	return p.lane
}

// Device is a place for keys that foreign code reaches, opened in two steps: what must be known before a PIN is tried is known
// after the first. Not safe for concurrent use; the Provider that Unlock gives is.
type Device interface {
	// Open loads the code and finds the device. Errors: ErrProviderNotAvailable, whose text names what is missing.
	Open(ctx context.Context) (Lock, error)
	// Unlock logs in, once, and gives the provider. pin is the caller's again, who wipes it; nil where Lock wants none. A PIN
	// that the device refuses is ErrPIN, and it is never tried a second time in here.
	Unlock(ctx context.Context, pin []byte) (Provider, error)
	// Close gives the device back. The provider must be closed before.
	Close() error
}

// Lock is what a device says of itself before anybody has logged in.
type Lock struct {
	Detail   string // for people: token, serial number, module
	NeedsPIN bool   // a PIN is wanted
	Doubt    bool   // a wrong PIN was given since the last right one, as far as the device tells
	Sessions int    // operations that it takes at once
	Makers   int    // calls that make keys or end them that it takes at once: 2, one of them for lasting keys, or 1
}

// Errors that the two ends of a worker process tell apart beside their codes. They are wrapped by a *claviger.Error.
var (
	// ErrPIN means that the device refused the PIN, or has locked it.
	ErrPIN = errors.New("the device refused the PIN")
	// ErrLost means that the device is gone, or in a state from which only another start of its process gets it back: whoever
	// runs the provider ends it.
	ErrLost = errors.New("the device is lost")
)
