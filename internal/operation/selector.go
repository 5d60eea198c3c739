package operation

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// Selector is a wish for a provider. At most one field is set; the zero value leaves the choice to the engine.
type Selector struct {
	ID   claviger.ProviderID
	Kind claviger.ProviderKind
	Name string
}

// none reports whether nothing is asked for.
func (s Selector) none() bool { return s == Selector{} }

// check refuses a selector with more than one field set or an unknown kind.
func (s Selector) check(op string) error {
	set := 0
	for _, is := range []bool{s.ID != 0, s.Kind != 0, s.Name != ""} {
		if is {
			set++
		}
	}
	if set > 1 || s.Kind > claviger.SoftwarePreferred {
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "a provider is chosen by its number, its kind or its name, and by one of them only")
	}
	return nil
}

// matches reports whether m is what is asked for; the Preferred kinds match their kind.
func (s Selector) matches(m *member) bool {
	switch {
	case s.ID != 0:
		return m.ID == s.ID
	case s.Name != "":
		return m.Name == s.Name
	case s.Kind == claviger.Hardware, s.Kind == claviger.HardwarePreferred:
		return m.Kind == claviger.Hardware
	case s.Kind == claviger.Software, s.Kind == claviger.SoftwarePreferred:
		return m.Kind == claviger.Software
	}
	return true
}

// must reports whether a wish that cannot be met is an error.
func (s Selector) must() bool {
	return s.Kind != claviger.HardwarePreferred && s.Kind != claviger.SoftwarePreferred
}

// work is what a provider is looked for: an operation with a key algorithm ("" for none).
type work mechanismID

// pick chooses the provider for work among candidates, the first that fits. A wish for a preferred kind goes elsewhere also where
// that kind is away; without a wish, and with any other, a device that is away is an error and never silently another. Candidates are those where the key can
// go, in order of preference. An unknown number, name or kind, or a provider that is not open, is
// ErrProviderNotAvailable; one where the key cannot go ErrCrossProviderIncompatible; one without the mechanism, or no
// provider with it, ErrUnsupportedAlgorithm.
func (e *Engine) pick(op string, s Selector, candidates []*member, w work) (*member, provider.Mechanism, error) {
	if err := s.check(op); err != nil {
		return nil, provider.Mechanism{}, err
	}
	if s.none() {
		if err := firstUnknown(op, candidates, w); err != nil {
			return nil, provider.Mechanism{}, err
		}
	}
	if m, row, ok := choose(candidates, w, func(m *member) bool { return s.matches(m) && (s.must() || m.health().Available) }); ok {
		return m, row, nil
	}
	if !s.none() && s.must() {
		return nil, provider.Mechanism{}, e.unmet(op, s, candidates, w)
	}
	if m, row, ok := choose(candidates, w, func(m *member) bool { return m.health().Available }); ok {
		return m, row, nil
	}
	if m, row, ok := choose(candidates, w, func(*member) bool { return true }); ok {
		return m, row, nil // it is away, and says so when it is used
	}
	for _, m := range candidates {
		if err := m.available(op); err != nil {
			return nil, provider.Mechanism{}, err
		}
	}
	where := "no provider"
	if len(candidates) < len(e.members) {
		where = "no provider that the key can be used in"
	}
	return nil, provider.Mechanism{}, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "%s offers %s", where, w)
}

// firstUnknown refuses to pass over a device of which is not known yet what it offers, because it has not been reached: what
// it may be the first choice for must not go elsewhere unasked.
func firstUnknown(op string, candidates []*member, w work) error {
	for _, m := range candidates {
		if _, ok := m.offer().rows[mechanismID(w)]; ok {
			return nil
		}
		if err := m.available(op); err != nil && m.Provider != nil {
			return err
		}
	}
	return nil
}

// choose gives the first candidate that offers the work and fits.
func choose(candidates []*member, w work, fits func(*member) bool) (*member, provider.Mechanism, bool) {
	for _, m := range candidates {
		if row, ok := m.offer().rows[mechanismID(w)]; ok && fits(m) {
			return m, row, true
		}
	}
	return nil, provider.Mechanism{}, false
}

// unmet says why a selector found nothing.
func (e *Engine) unmet(op string, s Selector, candidates []*member, w work) error {
	for _, m := range candidates {
		if s.matches(m) {
			if err := m.available(op); err != nil {
				return err
			}
			return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "provider %d (%s) does not offer %s", m.ID, m.Name, w)
		}
	}
	for _, m := range e.members {
		if s.matches(m) {
			return claviger.Errorf(claviger.ErrCrossProviderIncompatible, op, "the key cannot be used in provider %d (%s)", m.ID, m.Name)
		}
	}
	return claviger.Errorf(claviger.ErrProviderNotAvailable, op, "no provider %s is configured", s)
}

// String names what is asked for.
func (s Selector) String() string {
	switch {
	case s.ID != 0:
		return "with the number " + number(uint64(s.ID))
	case s.Name != "":
		return "named " + claviger.Clip(s.Name)
	}
	return "of the kind " + s.Kind.String()
}

// String reads "encrypt with AES-256-CBC".
func (w work) String() string {
	text := w.op.String() + " with " + string(w.alg)
	if w.key != "" && w.key != w.alg {
		text += " for " + string(w.key) + " keys"
	}
	return text
}
