package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/claviger/claviger"
)

const (
	errorFixed = 6 // code and length of the op text
	maxErrorOp = claviger.MaxName
)

// AppendError appends the body of an error reply to dst: code u32, length of the op text u16, op text, detail; at most
// MaxErrorLen bytes, cut between characters. An err without a code becomes ErrInternal without any text, because nobody
// has vouched for what its text holds; a context's cancellation becomes ErrOperationFailed.
func AppendError(dst []byte, op Op, err error) []byte {
	e := describe(op, err)
	text := cut(e.Op, maxErrorOp)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.Code))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
	dst = append(dst, text...)
	return append(dst, cut(e.Detail, MaxErrorLen-errorFixed-len(text))...)
}

func describe(op Op, err error) claviger.Error {
	if e, ok := errors.AsType[*claviger.Error](err); ok && e.Code != 0 {
		return claviger.Error{Code: e.Code, Op: e.Op, Detail: e.Detail}
	}
	if errors.Is(err, context.Canceled) {
		return claviger.Error{Code: claviger.ErrOperationFailed, Op: op.String(), Detail: "given up by the caller"}
	}
	return claviger.Error{Code: claviger.CodeOf(err), Op: op.String()}
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// ParseError reads the body of an error reply. The second error, ErrInvalidFormat, is for a body that is none.
func ParseError(body []byte) (*claviger.Error, error) {
	if len(body) < errorFixed || len(body) > MaxErrorLen {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "reply", "error body of %d bytes; it has %d to %d", len(body), errorFixed, MaxErrorLen)
	}
	code := claviger.Code(binary.LittleEndian.Uint32(body))
	n := int(binary.LittleEndian.Uint16(body[4:]))
	text := body[errorFixed:]
	if code == 0 || n > len(text) || n > maxErrorOp || !utf8.Valid(text[:n]) || !utf8.Valid(text[n:]) {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "reply", "error body with code %#x and an operation of %d bytes", uint32(code), n)
	}
	return &claviger.Error{Code: code, Op: string(text[:n]), Detail: string(text[n:])}, nil
}
