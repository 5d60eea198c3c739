package server_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha3"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// shared is a region that the test keeps open.
type shared struct {
	t      testing.TB
	fd     int
	size   int
	handle uint64
}

// share makes a region of n bytes that begins with a message.
func (c *raw) share(n int, message []byte) *shared {
	c.t.Helper()
	r := &shared{t: c.t, fd: memfd(c.t, int64(n), unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL), size: n}
	c.t.Cleanup(func() { _ = unix.Close(r.fd) })
	_, err := unix.Pwrite(r.fd, message, 0)
	ok(c.t, err)
	c.id++
	c.sendFDs(frame(wire.OpRegion, wire.FlagFD, c.id, 0, number(uint64(n))), r.fd)
	_, body, err := c.receive()
	ok(c.t, err)
	r.handle, err = wire.ParseNumber(body)
	ok(c.t, err)
	return r
}

// data makes a data call and gives its output, which r holds if it came by region; r is nil for a call without one.
func (c *raw) data(op wire.Op, r *shared, d wire.Data) ([]byte, error) {
	c.t.Helper()
	flags := wire.Flags(0)
	if r != nil {
		flags, d.Region.Handle = wire.FlagRegion, r.handle
	}
	c.send(op, flags, d.Append(nil, flags))
	h, body, err := c.receive()
	if err != nil || h.Flags&wire.FlagRegion == 0 {
		return body, err
	}
	n, err := wire.ParseNumber(body)
	ok(c.t, err)
	out := make([]byte, n)
	_, err = unix.Pread(r.fd, out, int64(d.Region.Out))
	return out, err
}

// open makes a context, with a key of zeros or a new pair where one is named.
func (c *raw) open(q *pb.CreateContextRequest, key claviger.Algorithm) uint64 {
	c.t.Helper()
	var made pb.KeyReply
	switch key {
	case "":
	case "AES-256":
		ok(c.t, c.control(wire.OpImport, &pb.ImportRequest{Algorithm: string(key), Format: uint32(claviger.Raw), Data: make([]byte, 32)}, &made))
	default:
		ok(c.t, c.control(wire.OpGenerate, &pb.GenerateRequest{Algorithm: string(key)}, &made))
	}
	q.Key = made.Handle
	var r pb.CreateContextReply
	ok(c.t, c.control(wire.OpCreateContext, q, &r))
	return r.Handle
}

// zeros is the block cipher under a key of zeros.
func zeros(t testing.TB) cipher.Block {
	t.Helper()
	b, err := aes.NewCipher(make([]byte, 32))
	ok(t, err)
	return b
}

// sealed is AES-256-GCM under a key and a nonce of zeros.
func sealed(t testing.TB, message []byte) []byte {
	t.Helper()
	g, err := cipher.NewGCM(zeros(t))
	ok(t, err)
	return g.Seal(nil, make([]byte, 12), message, nil)
}

// TestARefusedUpdateChangesNothing: the message ends as what was taken before, and can go on.
func TestARefusedUpdateChangesNothing(t *testing.T) {
	for _, c := range []struct {
		name          string
		limits        session.Limits
		first, second int
		want          claviger.Code
	}{
		{"over the tenant's bytes", session.Limits{HeldBytes: 2 << 20}, 512 << 10, 1 << 20, claviger.ErrQuotaExceeded},
		{"over the longest message", session.Limits{}, 63<<20 + 512<<10, 1 << 20, claviger.ErrInvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := greeted(t, servertest.Start(t, servertest.Config{Limits: c.limits}).Path)
			h := conn.open(&pb.CreateContextRequest{Kind: uint32(claviger.AEADContext), Algorithm: "AES-256-GCM"}, "AES-256")
			message := bytes.Repeat([]byte("message "), (c.first+1)/8+1)[:c.first+1]
			r := conn.share(c.first+1<<20, message)
			update := func(at, n int) error {
				_, err := conn.data(wire.OpUpdate, r, wire.Data{Handle: h, Region: wire.RegionRef{In: uint64(at), Length: uint64(n)}})
				return err
			}
			_, err := conn.data(wire.OpInit, nil, wire.Data{Handle: h, First: make([]byte, 12)})
			ok(t, err)
			ok(t, update(0, c.first))
			if err := update(0, c.second); claviger.CodeOf(err) != c.want {
				t.Fatalf("the second part: %v", err)
			}
			ok(t, update(c.first, 1))
			out, err := conn.data(wire.OpFinalize, r, wire.Data{Handle: h})
			if err != nil || !bytes.Equal(out, sealed(t, message)) {
				t.Errorf("%d bytes of another message, %v", len(out), err)
			}
			eventually(t, "nothing is held", func() bool { return conn.status().HeldBytes == 0 })
		})
	}
}

// torn is a provider whose streams refuse their nth part.
type torn struct {
	provider.Provider
	n int
}

func (p torn) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	s, err := p.Provider.Begin(ctx, op, params)
	return &tornStream{s, p.n}, err
}

type tornStream struct {
	provider.Stream
	left int
}

func (s *tornStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if s.left--; s.left == 0 {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, "update", "no more")
	}
	return s.Stream.Update(ctx, dst, in)
}

// TestAnUpdateThatFailsHalfwayEndsItsContext: what it has taken is known to nobody, so that no message may end with it.
func TestAnUpdateThatFailsHalfwayEndsItsContext(t *testing.T) {
	for part, want := range map[int]claviger.Code{2: 0, 3: claviger.ErrInvalidOperation, 4: claviger.ErrInvalidOperation} {
		conn := greeted(t, servertest.Start(t, servertest.Config{Provider: torn{software.New(), part}}).Path)
		h := conn.open(&pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHA-256"}, "")
		r := conn.share(600<<10, nil)
		_, err := conn.data(wire.OpInit, nil, wire.Data{Handle: h})
		ok(t, err)
		_, err = conn.data(wire.OpUpdate, nil, wire.Data{Handle: h, Payload: []byte("x")}) // the stream's first part
		ok(t, err)
		_, err = conn.data(wire.OpUpdate, r, wire.Data{Handle: h, Region: wire.RegionRef{Length: 600 << 10}}) // three more
		if claviger.CodeOf(err) != claviger.ErrInvalidArgument {
			t.Fatalf("part %d: %v", part, err)
		}
		digest := sha256.Sum256([]byte("x"))
		out, err := conn.data(wire.OpFinalize, nil, wire.Data{Handle: h})
		if claviger.CodeOf(err) != want || want == 0 && !bytes.Equal(out, digest[:]) {
			t.Errorf("part %d, then Finalize: %x, %v; want code %#x", part, out, err, uint32(want))
		}
	}
}

// TestInsufficientBufferSizeConsumesNothing: the call is made again with as much room as its output takes, and no more.
func TestInsufficientBufferSizeConsumesNothing(t *testing.T) {
	long := bytes.Repeat([]byte("a long message. "), 80<<10/16)
	digest := func(n int) []byte { return sha3.SumSHAKE128(long, n) }
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	for _, c := range []struct {
		name    string
		request *pb.CreateContextRequest
		key     claviger.Algorithm
		nonce   int
		message []byte
		size    int
		want    []byte // its length alone where every call gives another output
	}{
		{"the context's own size", &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHAKE-128", Size: 4096}, "", 0, long, 0, digest(4096)},
		{"a size of the call", &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHAKE-128", Size: 4096}, "", 0, long, 600, digest(600)},
		{"longer than a frame", &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHAKE-128", Size: 100 << 10}, "", 0, long, 0, digest(100 << 10)},
		{"sealed", &pb.CreateContextRequest{Kind: uint32(claviger.AEADContext), Algorithm: "AES-256-GCM"}, "AES-256", 12, long, 0, sealed(t, long)},
		{"opened", &pb.CreateContextRequest{Kind: uint32(claviger.AEADContext), Algorithm: "AES-256-GCM", Direction: uint32(claviger.Decrypting)}, "AES-256", 12, sealed(t, long), 0, long},
		{"signed", &pb.CreateContextRequest{Kind: uint32(claviger.SignContext), Algorithm: "ML-DSA-65"}, "ML-DSA-65", 0, long, 0, make([]byte, 3309)},
	} {
		h, r := conn.open(c.request, c.key), conn.share(256<<10, c.message)
		all := wire.RegionRef{Length: uint64(len(c.message))}
		for _, op := range []wire.Op{wire.OpOneShot, wire.OpFinalize} {
			d := wire.Data{Handle: h, Size: uint32(c.size), First: make([]byte, c.nonce), Region: all}
			if op == wire.OpFinalize {
				_, err := conn.data(wire.OpInit, nil, wire.Data{Handle: h, First: d.First})
				ok(t, err)
				_, err = conn.data(wire.OpUpdate, r, wire.Data{Handle: h, Region: all})
				ok(t, err)
				d.First, d.Region = nil, wire.RegionRef{}
			}
			d.Region.Out = uint64(r.size - len(c.want) + 1)
			if _, err := conn.data(op, r, d); claviger.CodeOf(err) != claviger.ErrInsufficientBufferSize {
				t.Fatalf("%s, %s with a byte too little: %v", c.name, op, err)
			}
			if len(c.want) > wire.MaxData && (op == wire.OpFinalize || c.nonce == 0) {
				if _, err := conn.data(op, nil, wire.Data{Handle: h, First: d.First}); claviger.CodeOf(err) != claviger.ErrInsufficientBufferSize {
					t.Fatalf("%s, %s inline: %v", c.name, op, err)
				}
			}
			d.Region.Out--
			out, err := conn.data(op, r, d)
			if err != nil || len(out) != len(c.want) || c.key != "ML-DSA-65" && !bytes.Equal(out, c.want) {
				t.Errorf("%s, %s with room: %d bytes, %v", c.name, op, len(out), err)
			}
			_, err = unix.Pwrite(r.fd, c.message, 0)
			ok(t, err)
		}
	}
}

// TestAnUpdateWithoutRoomConsumesNothing: a cipher's output goes on where the last one ended.
func TestAnUpdateWithoutRoomConsumesNothing(t *testing.T) {
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	const n = 600<<10 + 5
	message := bytes.Repeat([]byte{0x5a}, n)
	counted := make([]byte, n)
	cipher.NewCTR(zeros(t), make([]byte, 16)).XORKeyStream(counted, message)
	chained := bytes.Clone(message[:n/16*16])
	cipher.NewCBCEncrypter(zeros(t), make([]byte, 16)).CryptBlocks(chained, chained)
	for name, want := range map[string][]byte{"AES-256-CTR": counted, "AES-256-CBC": chained} {
		h, r := conn.open(&pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: name}, "AES-256"), conn.share(2*n, message)
		_, err := conn.data(wire.OpInit, nil, wire.Data{Handle: h, First: make([]byte, 16)})
		ok(t, err)
		d := wire.Data{Handle: h, Region: wire.RegionRef{Length: n, Out: uint64(r.size - len(want) + 1)}}
		if _, err := conn.data(wire.OpUpdate, r, d); claviger.CodeOf(err) != claviger.ErrInsufficientBufferSize {
			t.Fatalf("%s with a byte too little: %v", name, err)
		}
		d.Region.Out--
		if out, err := conn.data(wire.OpUpdate, r, d); err != nil || !bytes.Equal(out, want) {
			t.Errorf("%s with room: %d bytes, %v", name, len(out), err)
		}
	}
}
