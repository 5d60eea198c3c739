package wire

import (
	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
)

// AppendMessage appends a control message's bytes to dst. Messages beyond MaxControl bytes are ErrQuotaExceeded, and dst
// comes back as it was.
func AppendMessage(dst []byte, op Op, m proto.Message) ([]byte, error) {
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return dst, claviger.WrapError(claviger.ErrInvalidArgument, op.String(), err)
	}
	if n := len(out) - len(dst); n > MaxControl {
		return dst, claviger.Errorf(claviger.ErrQuotaExceeded, op.String(), "message of %d bytes; the limit is %d", n, MaxControl)
	}
	return out, nil
}

// ParseMessage reads a control message into m, which keeps no reference to body. Fields that it does not know come from
// a later version and are dropped. The error is ErrInvalidFormat.
func ParseMessage(body []byte, op Op, m proto.Message) error {
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, m); err != nil {
		return claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "body is not a %s", m.ProtoReflect().Descriptor().Name())
	}
	return nil
}
