package pkcs11

import (
	"fmt"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// place is a slot with a token in it.
type place struct {
	slot cryptoki.SlotID
	info cryptoki.TokenInfo
}

// String names the token.
func (p place) String() string { return fmt.Sprintf("token %q serial %s", p.info.Label, p.info.Serial) }

// same reports whether it is the token that p was: initialised, and by label and serial number.
func (p place) same(was place) bool {
	return p.info.Flags.Has(cryptoki.FlagTokenInitialized) && p.info.Label == was.info.Label && p.info.Serial == was.info.Serial
}

// choose finds the one token that is meant, and that it can be used.
func (c Config) choose(module *cryptoki.Module) (place, error) {
	const op = "open"
	if c.named() > 1 {
		return place{}, unavailable(op, "the token is named by one of label, serial number and slot, not by several")
	}
	there, err := places(module)
	if err != nil {
		return place{}, unavailable(op, "module %s: %v", c.Module, err)
	}
	var fit []place
	for _, p := range there {
		if c.means(p) {
			fit = append(fit, p)
		}
	}
	switch {
	case len(there) == 0:
		return place{}, unavailable(op, "no slot of module %s has a token", c.Module)
	case len(fit) == 0:
		return place{}, unavailable(op, "%s; there are: %s", c.missing(), list(there))
	case len(fit) > 1:
		return place{}, unavailable(op, "several tokens fit: %s; name one by its %s", list(fit), c.closer())
	}
	return fit[0], fit[0].ready(op)
}

func (c Config) named() int {
	n := 0
	for _, given := range []bool{c.TokenLabel != "", c.Serial != "", c.Slot != nil} {
		if given {
			n++
		}
	}
	return n
}

// means reports whether a token may be the configured one. Without a name it is whichever is initialised.
func (c Config) means(p place) bool {
	switch {
	case c.Slot != nil:
		return uint64(p.slot) == *c.Slot
	case c.Serial != "":
		return p.info.Serial == c.Serial
	case c.TokenLabel != "":
		return p.info.Label == c.TokenLabel
	}
	return p.info.Flags.Has(cryptoki.FlagTokenInitialized)
}

func (c Config) missing() string {
	switch {
	case c.Slot != nil:
		return fmt.Sprintf("no token in slot %d", *c.Slot)
	case c.Serial != "":
		return fmt.Sprintf("no token has the serial number %q", claviger.Clip(c.Serial))
	case c.TokenLabel != "":
		return fmt.Sprintf("no token has the label %q", claviger.Clip(c.TokenLabel))
	}
	return "no token is initialised"
}

// closer says by what a token can be named that has not been one of several.
func (c Config) closer() string {
	switch {
	case c.Serial != "":
		return "slot"
	case c.TokenLabel != "":
		return "serial number or slot"
	}
	return "label, serial number or slot"
}

// places lists the slots with tokens that can be asked.
func places(module *cryptoki.Module) ([]place, error) {
	slots, err := module.Slots(true)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, slot := range slots {
		if info, err := module.TokenInfo(slot); err == nil {
			all = append(all, place{slot, info})
		}
	}
	return all, nil
}

// shown is how many tokens a message names.
const shown = 8

// list names tokens.
func list(places []place) string {
	var names []string
	for i, p := range places {
		if i == shown {
			names = append(names, fmt.Sprintf("%d more", len(places)-shown))
			break
		}
		name := p.String()
		if !p.info.Flags.Has(cryptoki.FlagTokenInitialized) {
			name = "a token that is not initialised"
		}
		names = append(names, fmt.Sprintf("%s in slot %d", name, p.slot))
	}
	return strings.Join(names, ", ")
}

// ready reports why nobody could log in, as far as the token tells beforehand.
func (p place) ready(op string) error {
	flags := p.info.Flags
	switch {
	case !flags.Has(cryptoki.FlagTokenInitialized):
		return unavailable(op, "the token in slot %d is not initialised", p.slot)
	case !flags.Has(cryptoki.FlagLoginRequired):
		return nil
	case flags.Has(cryptoki.FlagUserPINLocked):
		return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: op, Err: provider.ErrPIN,
			Detail: fmt.Sprintf("%s has locked its user PIN after too many wrong ones; its security officer can set another", p)}
	case !flags.Has(cryptoki.FlagUserPINInitialized):
		return unavailable(op, "%s has no user PIN yet; its security officer sets one", p)
	}
	return nil
}
