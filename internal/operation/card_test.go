package operation

import (
	"bytes"
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/secmem"
)

// card is a device whose keys are software's and lie in a map; a blob is the object's name in it, which ends with the public half.
type card struct {
	destroying func() // runs once in Destroy; nil: nothing
	provider.Provider
	objects map[string]cardObject
	away    bool
	unseen  bool // nobody has noticed that it is away
	mute    bool // its names do not tell public halves
	lost    bool // what was not made to last is gone
	serial  int
}

type cardObject struct {
	tag     provider.Tag
	key     []byte // software's blob
	spec    provider.Spec
	foreign bool // was there before
}

func newCard() *card { return &card{Provider: software.New(), objects: make(map[string]cardObject)} }

var errAway = claviger.Errorf(claviger.ErrProviderNotAvailable, "card", "the card is not in its reader")

// Health tells whether the card is there.
func (c *card) Health() provider.Health {
	return provider.Health{Available: !c.away || c.unseen, Reason: "the card is not in its reader"}
}

func (c *card) wrap(k provider.Key, err error) (provider.Key, error) {
	if err != nil {
		return nil, err
	}
	return cardKey{k, c}, nil
}

// Generate makes a key that does not last yet.
func (c *card) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	if c.away {
		return nil, errAway
	}
	return c.wrap(c.Provider.Generate(ctx, spec))
}

// Import takes a key that does not last yet.
func (c *card) Import(ctx context.Context, spec provider.Spec, material []byte) (provider.Key, error) {
	if c.away {
		return nil, errAway
	}
	return c.wrap(c.Provider.Import(ctx, spec, material))
}

// Load finds an object.
func (c *card) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	o, ok := c.objects[string(blob)]
	if c.away || !ok {
		return nil, errAway
	}
	return c.wrap(c.Provider.Load(ctx, o.key))
}

// Objects lists what fits.
func (c *card) Objects(_ context.Context, q provider.Query) ([]provider.Object, error) {
	if c.away {
		return nil, errAway
	}
	var list []provider.Object
	for name, o := range c.objects {
		if q.Label != "" && q.Label != o.tag.Label || q.ID != nil && !bytes.Equal(q.ID, o.tag.ID) || q.Algorithm != "" && q.Algorithm != o.spec.Algorithm {
			continue
		}
		list = append(list, provider.Object{Spec: o.spec, Label: o.tag.Label, ID: o.tag.ID, Blob: []byte(name)})
	}
	return list, nil
}

// Destroy removes an object that it made.
func (c *card) Destroy(_ context.Context, blob []byte) error {
	if c.away {
		return errAway
	}
	if meanwhile := c.destroying; meanwhile != nil {
		c.destroying = nil
		meanwhile()
	}
	if !c.objects[string(blob)].foreign {
		delete(c.objects, string(blob))
	}
	return nil
}

// PublicOf reads the public half in a name.
func (c *card) PublicOf(blob []byte) []byte {
	if _, spki, _ := bytes.Cut(blob, []byte(":")); len(spki) > 0 {
		return bytes.Clone(spki)
	}
	return nil
}

// put makes an object.
func (c *card) put(k provider.Key, tag provider.Tag, foreign bool) (string, error) {
	inner, err := k.Blob(context.Background(), provider.Tag{})
	if err != nil {
		return "", err
	}
	defer inner.Close()
	c.serial++
	name := "object " + number(uint64(c.serial)) + ":"
	if spki, err := k.Public(); err == nil && !c.mute {
		name += string(spki)
	}
	c.objects[name] = cardObject{tag, bytes.Clone(inner.Bytes()), k.Spec(), foreign}
	return name, nil
}

type cardKey struct {
	provider.Key
	card *card
}

// Lost reports whether the card has lost what was not made to last.
func (k cardKey) Lost() bool { return k.card.lost }

// OneShot refuses what was lost.
func (k cardKey) OneShot(ctx context.Context, op provider.Op, p *provider.Params, dst, in []byte) ([]byte, error) {
	if k.card.lost {
		return dst, errAway
	}
	return k.Key.OneShot(ctx, op, p, dst, in)
}

// Export is not what a card does.
func (k cardKey) Export(context.Context) (*secmem.Bytes, error) {
	return nil, claviger.Errorf(claviger.ErrKeyNotExportable, "export", "the card keeps its keys")
}

// Blob makes an object.
func (k cardKey) Blob(_ context.Context, tag provider.Tag) (*secmem.Bytes, error) {
	name, err := k.card.put(k.Key, tag, false)
	if err != nil {
		return nil, err
	}
	return secmem.From([]byte(name))
}
