package server

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// row is one control operation: where it runs, whether what it does outlives the session, and how it is called.
type row struct {
	pooled  bool // may take long, or wait for a device or the disk
	stored  bool // pooled where many calls wait for the disk together, which makes one commit of them
	durable bool // after a timeout its outcome is unknown
	first   bool // only the session's first request may be one
	call    func(ctx context.Context, s *session.Session, body, dst []byte) ([]byte, []uint64, error)
	brief   func(s *session.Session, body []byte) bool // of a pooled one: this call is short; nil for never
}

// Where and how lasting.
const (
	inline  = 0
	pooled  = 1
	durable = 2
	stored  = 3 // durable too
)

// control makes the row of a session's method.
func control[Q any, P interface {
	*Q
	proto.Message
}, R proto.Message](op wire.Op, kind int, method func(*session.Session, context.Context, P) (R, error)) *row {
	return &row{pooled: kind != inline, stored: kind == stored, durable: kind >= durable, call: func(ctx context.Context, s *session.Session, body, dst []byte) ([]byte, []uint64, error) {
		request := P(new(Q))
		if err := wire.ParseMessage(body, op, request); err != nil {
			return dst, nil, err
		}
		reply, err := method(s, ctx, request)
		if err != nil {
			return dst, nil, err
		}
		out, err := wire.AppendMessage(dst, op, reply)
		wipe(reply)
		return out, made(reply), err
	}}
}

// opening makes a row of one that only a session's first request may be.
func opening(r *row) *row {
	r.first = true
	return r
}

// verb makes the row of a session's method whose result is a key. It is durable and pooled, but what the session calls
// short runs where it arrived.
func verb[Q any, P interface {
	*Q
	proto.Message
	session.KeyVerb
}, R proto.Message](op wire.Op, do provider.Op, method func(*session.Session, context.Context, P) (R, error)) *row {
	r := control(op, durable, method)
	r.brief = func(s *session.Session, body []byte) bool {
		request := P(new(Q))
		return wire.ParseMessage(body, op, request) == nil && s.VerbCost(do, request) == provider.Inline
	}
	return r
}

// wipe clears what a reply held of a secret or a key, once it has been written.
func wipe(reply proto.Message) {
	switch r := reply.(type) {
	case *pb.StateReply:
		secmem.Wipe(r.Secret)
		secmem.Wipe(r.Tag)
	case interface{ GetSecret() []byte }:
		secmem.Wipe(r.GetSecret())
	case *pb.ExportReply:
		secmem.Wipe(r.Data)
	}
}

// made lists the handles that a reply gives to the caller.
func made(reply proto.Message) []uint64 {
	switch r := reply.(type) {
	case interface{ GetHandle() uint64 }:
		if h := r.GetHandle(); h != 0 {
			return []uint64{h}
		}
	case interface{ GetHandles() []uint64 }:
		return r.GetHandles()
	case interface{ GetKey() *pb.KeyReply }:
		if h := r.GetKey().GetHandle(); h != 0 {
			return []uint64{h}
		}
	}
	return nil
}

// rows is the dispatch table. It never changes.
var rows = map[wire.Op]*row{
	wire.OpBecomeGuest:   opening(control(wire.OpBecomeGuest, inline, (*session.Session).BecomeGuest)),
	wire.OpResolve:       control(wire.OpResolve, inline, (*session.Session).Resolve),
	wire.OpRelease:       control(wire.OpRelease, inline, (*session.Session).Release),
	wire.OpCreateContext: control(wire.OpCreateContext, pooled, (*session.Session).CreateContext),

	wire.OpGenerate:    control(wire.OpGenerate, durable, (*session.Session).Generate),
	wire.OpImport:      control(wire.OpImport, durable, (*session.Session).Import),
	wire.OpPersist:     control(wire.OpPersist, durable, (*session.Session).Persist),
	wire.OpLoad:        control(wire.OpLoad, pooled, (*session.Session).Load),
	wire.OpClear:       control(wire.OpClear, durable, (*session.Session).Clear),
	wire.OpExport:      control(wire.OpExport, pooled, (*session.Session).Export),
	wire.OpPublicKey:   control(wire.OpPublicKey, pooled, (*session.Session).PublicKey),
	wire.OpKeyInfo:     control(wire.OpKeyInfo, inline, (*session.Session).KeyInfo),
	wire.OpSlotInfo:    control(wire.OpSlotInfo, inline, (*session.Session).SlotInfo),
	wire.OpAgree:       verb(wire.OpAgree, provider.Agree, (*session.Session).Agree),
	wire.OpDerive:      verb(wire.OpDerive, provider.Derive, (*session.Session).Derive),
	wire.OpEncapsulate: verb(wire.OpEncapsulate, provider.Encapsulate, (*session.Session).Encapsulate),
	wire.OpDecapsulate: verb(wire.OpDecapsulate, provider.Decapsulate, (*session.Session).Decapsulate),
	wire.OpAdopt:       control(wire.OpAdopt, durable, (*session.Session).Adopt),

	wire.OpParseCertificate:  control(wire.OpParseCertificate, pooled, (*session.Session).ParseCertificate),
	wire.OpSaveCertificate:   control(wire.OpSaveCertificate, durable, (*session.Session).SaveCertificate),
	wire.OpLoadCertificate:   control(wire.OpLoadCertificate, pooled, (*session.Session).LoadCertificate),
	wire.OpClearCertificate:  control(wire.OpClearCertificate, durable, (*session.Session).ClearCertificate),
	wire.OpCertificateInfo:   control(wire.OpCertificateInfo, pooled, (*session.Session).CertificateInfo),
	wire.OpExportCertificate: control(wire.OpExportCertificate, pooled, (*session.Session).ExportCertificate),
	wire.OpImportCRL:         control(wire.OpImportCRL, durable, (*session.Session).ImportCrl),
	wire.OpCertificateKey:    control(wire.OpCertificateKey, pooled, (*session.Session).CertificateKey),
	wire.OpTrustStoreMembers: control(wire.OpTrustStoreMembers, pooled, (*session.Session).TrustStoreMembers),
	wire.OpVerifyCertificate: control(wire.OpVerifyCertificate, pooled, (*session.Session).VerifyCertificate),

	wire.OpCapabilities: control(wire.OpCapabilities, inline, (*session.Session).Capabilities),
	wire.OpStatus:       control(wire.OpStatus, inline, (*session.Session).Status),
	wire.OpListSlots:    control(wire.OpListSlots, pooled, (*session.Session).ListSlots),
	wire.OpReload:       control(wire.OpReload, durable, (*session.Session).Reload),
	wire.OpCompact:      control(wire.OpCompact, durable, (*session.Session).Compact),
	wire.OpObjects:      control(wire.OpObjects, pooled, (*session.Session).Objects),

	wire.OpPutSecret:         control(wire.OpPutSecret, stored, (*session.Session).PutSecret),
	wire.OpReplaceSecret:     control(wire.OpReplaceSecret, stored, (*session.Session).ReplaceSecret),
	wire.OpGetSecret:         control(wire.OpGetSecret, pooled, (*session.Session).GetSecret),
	wire.OpListSecrets:       control(wire.OpListSecrets, pooled, (*session.Session).ListSecrets),
	wire.OpInvalidateSecret:  control(wire.OpInvalidateSecret, stored, (*session.Session).InvalidateSecret),
	wire.OpSealCapsule:       control(wire.OpSealCapsule, pooled, (*session.Session).SealCapsule),
	wire.OpOpenCapsule:       control(wire.OpOpenCapsule, pooled, (*session.Session).OpenCapsule),
	wire.OpRotateCapsuleKey:  control(wire.OpRotateCapsuleKey, stored, (*session.Session).RotateCapsuleKey),
	wire.OpDestroyCapsuleKey: control(wire.OpDestroyCapsuleKey, stored, (*session.Session).DestroyCapsuleKey),

	wire.OpMakeManaged:       control(wire.OpMakeManaged, durable, (*session.Session).MakeManaged),
	wire.OpReplaceManaged:    control(wire.OpReplaceManaged, durable, (*session.Session).ReplaceManaged),
	wire.OpOpenManaged:       control(wire.OpOpenManaged, pooled, (*session.Session).OpenManaged),
	wire.OpInvalidateManaged: control(wire.OpInvalidateManaged, stored, (*session.Session).InvalidateManaged),
	wire.OpListManaged:       control(wire.OpListManaged, pooled, (*session.Session).ListManaged),
	wire.OpOpenState:         control(wire.OpOpenState, pooled, (*session.Session).OpenState),
	wire.OpRunState:          control(wire.OpRunState, pooled, (*session.Session).RunState),
}

// control answers a control operation here, or gives it to the pool. The request's bytes are wiped, because they may
// hold a key.
func (c *conn) control(h wire.Header, body []byte) {
	r := rows[h.Op]
	switch {
	case r == nil:
		c.fail(h, claviger.Errorf(claviger.ErrUnsupportedOperation, "frame", "operation %#x is not known", uint16(h.Op)))
		return
	case r.first && !c.opens():
		c.fail(h, claviger.Errorf(claviger.ErrInvalidOperation, h.Op.String(), "only the first request of a session may be this, of at most %d bytes", largeInput))
		clear(body)
		return
	case r.pooled && (r.brief == nil || len(body) > provider.InlineBytes || !r.brief(c.peer.sess, body)):
		c.enqueue(&job{header: h, body: body, row: r})
		clear(body)
		return
	}
	start := len(c.out)
	deadline := c.deadlineOf(h)
	out, made, err := c.srv.runControl(c.peer.ctx, c.peer, r, h, body, append(c.out, make([]byte, wire.HeaderSize)...))
	clear(body)
	c.now = c.srv.clock()
	c.out = out
	switch {
	case c.now > deadline:
		c.peer.discard(made)
		c.late(h, 0, start)
	case err != nil:
		c.out = appendFailure(out[:start], h, err)
	default:
		c.calls.remember(h.ID, made)
		c.out = seal(out, start, h, wire.FlagReply)
	}
}

// opens reports whether the frame in hand is the one that follows the hello: nothing runs for the session, and nothing
// but its first connection is charged to its tenant.
func (c *conn) opens() bool {
	return c.founder && c.frames == 2 && c.charged == 0
}

// runControl runs a control operation and appends its reply to dst. made lists the handles that it gave out. A panic
// below becomes ErrInternal.
func (s *Server) runControl(ctx context.Context, p *peer, r *row, h wire.Header, body, dst []byte) (out []byte, made []uint64, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, made, err = dst, nil, s.fault(h)
		}
	}()
	return r.call(ctx, p.sess, body, dst)
}
