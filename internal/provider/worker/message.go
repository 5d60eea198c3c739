package worker

import (
	"encoding/binary"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// A frame is
//
//	offset  bytes  content
//	0       4      n, length of the body, little-endian
//	4       8      number of the call; a reply has its request's
//	12      n      body
//
// The body of a request is its verb, its target and result numbers, and its fields in the order of the struct; that of a
// reply its status and its fields. Numbers are little-endian, a field of bytes is its length in 4 bytes and then itself.
const (
	frameHeader = 12
	maxBody     = 65 << 20 // bytes: the longest message of an operation, and what goes with it
)

// verb is what a request asks for.
type verb uint8

const (
	verbOpen   verb = iota + 1 // data: settings; the reply's data: a provider.Lock in JSON
	verbUnlock                 // data: the PIN; the reply's data: an inventory in JSON
	verbOneShot
	verbBegin
	verbUpdate
	verbFinish
	verbReset
	verbCloseStream
	verbGenerate
	verbImport
	verbLoad
	verbKeyOp
	verbExport
	verbBlob
	verbCloseKey
	verbObjects // the reply's data: []provider.Object in JSON
	verbDestroy
	verbCount
)

// request is a call of the worker. The zero value of a field means that it is not needed.
type request struct {
	verb   verb
	target uint64 // number of the key or stream that is meant; 0 is the provider
	result uint64 // number by which the key or stream that is made is known from now on
	op     provider.Op
	params provider.Params // Other stays nil
	spec   provider.Spec
	tag    provider.Tag
	data   []byte
}

// status is how a call ended.
type status uint8

const (
	statusOK       status = iota
	statusError           // code, op and detail say what
	statusMismatch        // provider.ErrMismatch
	statusPIN             // provider.ErrPIN
	statusLost            // provider.ErrLost: the worker is of no use any longer
	statusCount
)

// reply is an answer of the worker.
type reply struct {
	status     status
	code       claviger.Code
	op, detail string
	spec       provider.Spec // of a key that was made
	bits       uint32
	public     []byte // of a key that was made: its public half
	extra      []byte // what a KeyOp gives beside the key
	data       []byte
}

// appendRequest appends a frame.
func appendRequest(dst []byte, id uint64, r *request) []byte {
	dst, start := appendHeader(dst, id)
	dst = append(dst, byte(r.verb))
	dst = binary.LittleEndian.AppendUint64(dst, r.target)
	dst = binary.LittleEndian.AppendUint64(dst, r.result)
	dst = append(dst, byte(r.op))
	dst = appendParams(dst, &r.params)
	dst = appendSpec(dst, r.spec)
	dst = appendText(dst, r.tag.Label)
	dst = appendBytes(dst, r.tag.ID)
	dst = appendBytes(dst, r.data)
	return seal(dst, start)
}

// appendReply appends a frame.
func appendReply(dst []byte, id uint64, r *reply) []byte {
	dst, start := appendHeader(dst, id)
	dst = append(dst, byte(r.status))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.code))
	dst = appendText(dst, r.op)
	dst = appendText(dst, r.detail)
	dst = appendSpec(dst, r.spec)
	dst = binary.LittleEndian.AppendUint32(dst, r.bits)
	dst = appendBytes(dst, r.public)
	dst = appendBytes(dst, r.extra)
	dst = appendBytes(dst, r.data)
	return seal(dst, start)
}

// fixedSize is more than the bytes of a frame beside those of its fields.
const fixedSize = 256

// requestSize is at least the length of a request's frame.
func requestSize(r *request) int {
	p := &r.params
	n := fixedSize + len(r.data) + len(r.tag.Label) + len(r.tag.ID) + len(r.spec.Algorithm) +
		len(p.Algorithm) + len(p.IV) + len(p.AAD) + len(p.Signature) + len(p.Peer) + len(p.Lane) + len(p.Result.Algorithm)
	if p.KDF != nil {
		n += len(p.KDF.Algorithm) + len(p.KDF.Salt) + len(p.KDF.Info)
	}
	return n
}

// listSize is the longest reply in bytes to the requests that are rare: inventories and lists of objects.
const listSize = 4 << 20

// replyLimit is the most bytes that the reply to a request may have. Outputs are about as long as their inputs.
func replyLimit(r *request) int {
	const around = 64 << 10 // texts, public halves, signatures, tags
	switch r.verb {
	case verbOpen, verbUnlock, verbObjects:
		return listSize
	}
	return min(len(r.data)+max(r.params.Size, 0)+around, maxBody)
}

// replySize is at least the length of a reply's frame.
func replySize(r *reply) int {
	return fixedSize + len(r.op) + len(r.detail) + len(r.spec.Algorithm) + len(r.public) + len(r.extra) + len(r.data)
}

func appendHeader(dst []byte, id uint64) (out []byte, start int) {
	start = len(dst)
	dst = append(dst, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint64(dst, id), start
}

// seal writes the body's length into the header of the frame that begins at start.
func seal(dst []byte, start int) []byte {
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-frameHeader))
	return dst
}

func appendParams(dst []byte, p *provider.Params) []byte {
	dst = appendText(dst, string(p.Algorithm))
	dst = appendBytes(dst, p.IV)
	dst = appendBytes(dst, p.AAD)
	dst = appendBytes(dst, p.Signature)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.Size))
	dst = append(dst, flag(p.DER))
	dst = appendBytes(dst, p.Peer)
	dst = appendText(dst, p.Lane)
	dst = append(dst, flag(p.KDF != nil))
	if p.KDF != nil {
		dst = appendText(dst, string(p.KDF.Algorithm))
		dst = appendBytes(dst, p.KDF.Salt)
		dst = appendBytes(dst, p.KDF.Info)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(p.KDF.Size))
	}
	return appendSpec(dst, p.Result)
}

func appendSpec(dst []byte, s provider.Spec) []byte {
	return append(appendText(dst, string(s.Algorithm)), byte(s.Class))
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(b))), b...)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// errFrame is a body that is not in the form above.
var errFrame = errors.New("a frame is not in its form")

// parser takes a body apart. It keeps the first error, and gives parts of the body, not copies.
type parser struct {
	rest []byte
	bad  bool
}

// parseRequest reads a request's body, parts of which the request then refers to.
func parseRequest(body []byte, r *request) error {
	p := parser{rest: body}
	r.verb = verb(p.byte())
	r.target, r.result = p.uint64(), p.uint64()
	r.op = provider.Op(p.byte())
	p.params(&r.params)
	r.spec = p.spec()
	r.tag = provider.Tag{Label: p.text(), ID: p.bytes()}
	r.data = p.bytes()
	if p.bad || len(p.rest) != 0 || r.verb == 0 || r.verb >= verbCount {
		return errFrame
	}
	return nil
}

// parseReply reads a reply's body, parts of which the reply then refers to.
func parseReply(body []byte, r *reply) error {
	p := parser{rest: body}
	r.status = status(p.byte())
	r.code = claviger.Code(p.uint32())
	r.op, r.detail = p.text(), p.text()
	r.spec = p.spec()
	r.bits = p.uint32()
	r.public, r.extra, r.data = p.bytes(), p.bytes(), p.bytes()
	if p.bad || len(p.rest) != 0 || r.status >= statusCount || r.status != statusOK && r.code == 0 && r.status != statusMismatch {
		return errFrame
	}
	return nil
}

func (p *parser) params(out *provider.Params) {
	out.Algorithm = claviger.Algorithm(p.text())
	out.IV, out.AAD, out.Signature = p.bytes(), p.bytes(), p.bytes()
	out.Size = int(p.uint32())
	out.DER = p.flag()
	out.Peer = p.bytes()
	out.Lane = p.text()
	if p.flag() {
		out.KDF = &provider.KDF{Algorithm: claviger.Algorithm(p.text()), Salt: p.bytes(), Info: p.bytes(), Size: int(p.uint32())}
	}
	out.Result = p.spec()
}

func (p *parser) spec() provider.Spec {
	return provider.Spec{Algorithm: claviger.Algorithm(p.text()), Class: claviger.KeyClass(p.byte())}
}

// take gives the next n bytes.
func (p *parser) take(n int) []byte {
	if n < 0 || n > len(p.rest) {
		p.bad, p.rest = true, nil
		return nil
	}
	out := p.rest[:n:n]
	p.rest = p.rest[n:]
	return out
}

func (p *parser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) flag() bool {
	b := p.byte()
	p.bad = p.bad || b > 1
	return b == 1
}

func (p *parser) uint32() uint32 {
	if b := p.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (p *parser) uint64() uint64 {
	if b := p.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// bytes gives a field; nil for an empty one.
func (p *parser) bytes() []byte {
	n := p.uint32()
	if n == 0 {
		return nil
	}
	if n > maxBody {
		p.bad = true
		return nil
	}
	return p.take(int(n))
}

func (p *parser) text() string { return string(p.bytes()) }
