package worker

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// answer is a reply and the bytes that it refers to.
type answer struct {
	reply
	body []byte
}

// release wipes the answer.
func (a *answer) release() { secmem.Wipe(a.body) }

// answered reads a reply's body; an answer that is an error becomes one.
func (l *link) answered(op string, body []byte) (*answer, error) {
	a := &answer{body: body}
	if err := parseReply(body, &a.reply); err != nil {
		l.die(err)
		return nil, l.lost(op)
	}
	if a.status == statusOK {
		l.served.Store(true)
		return a, nil
	}
	defer a.release()
	err := &claviger.Error{Code: a.code, Op: op, Detail: clean(a.detail)}
	if !err.Code.Known() {
		err.Code = claviger.ErrOperationFailed
	}
	switch a.status {
	case statusMismatch:
		return nil, provider.ErrMismatch
	case statusPIN:
		err.Err = provider.ErrPIN
	case statusLost:
		l.die(errors.New(err.Detail))
		err.Err = provider.ErrLost
	}
	return nil, err
}

// maxDetail is the longest text of an error that is taken from a worker, in bytes.
const maxDetail = 500

// clean makes a text of a worker fit for a log: of bounded length, without control characters.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text[:min(len(text), maxDetail)])
}

// ended says what a broken connection to a worker means, or what it did to have it broken.
func ended(err error) error {
	if errors.Is(err, errFrame) || errors.Is(err, errNobody) {
		return err
	}
	return fmt.Errorf("%w (%w)", errGone, err)
}
