package symmetric

import (
	"github.com/claviger/claviger/internal/algorithm"
)

// extending is an extendable-output function. Its output is one string that every squeeze takes the next bytes of; the
// specification forbids to squeeze a copy.
type extending struct {
	unable
	xof       *algorithm.XOF
	squeezing bool // some output was given
}

// newExtending starts with the customization string that the option "context" is, for the functions that take one, and
// with the key of those that take one.
func newExtending(g *algorithm.Guest, key, customization []byte) *extending {
	e := &extending{unable: unable{g}}
	var ok bool
	if key != nil {
		e.xof, ok = g.Use.NewKeyedXOF(key)
	} else {
		e.xof, ok = g.Use.NewNamedXOF(customization)
	}
	if !ok {
		e.xof = g.Use.NewXOF()
	}
	return e
}

// clone copies the place in the output too.
func (e *extending) clone() (verbs, error) {
	x, err := e.xof.Clone()
	if err != nil {
		return nil, errCopy(e.guest)
	}
	return &extending{e.unable, x, e.squeezing}, nil
}

func (e *extending) wipe() { e.xof.Reset() }

// absorb is ErrInvalidOperation after the first squeeze: the message is over then.
func (e *extending) absorb(data []byte) error {
	if e.squeezing {
		return e.refuse("absorb after it was squeezed")
	}
	e.xof.Write(data)
	return nil
}

// squeeze goes on where the last one ended.
func (e *extending) squeeze(out []byte) error {
	if len(out) > 0 {
		e.xof.Read(out)
		e.squeezing = true
	}
	return nil
}
