// Package turboshake is TurboSHAKE128 and TurboSHAKE256, and the tree hashes KT128 and KT256 (KangarooTwelve) on top of
// them, as RFC 9861 has them. Time depends on lengths alone.
package turboshake

import "encoding/binary"

// The rates of the two functions in bytes (RFC 9861 section 2.2).
const (
	rate128 = 168
	rate256 = 136
)

// DomainDefault is the domain separation byte of plain use (RFC 9861 section 2.1).
const DomainDefault = 0x1f

// State takes a message by Write and then gives output by Read, as much as is asked for. After the first Read another
// Write panics until Reset. Not safe for concurrent use. A copy of the value is a copy of the state.
type State struct {
	a       [25]uint64
	rate    int
	at      int // bytes taken or given of the current block
	domain  byte
	reading bool
}

// New128 makes TurboSHAKE128. The domain separation byte is 0x01 to 0x7f; others panic.
func New128(domain byte) *State { return newState(rate128, domain) }

// New256 makes TurboSHAKE256; domain as for New128.
func New256(domain byte) *State { return newState(rate256, domain) }

func newState(rate int, domain byte) *State {
	if domain == 0 || domain > 0x7f {
		panic("turboshake: a domain separation byte is 0x01 to 0x7f")
	}
	return &State{rate: rate, domain: domain}
}

// BlockSize gives the rate in bytes.
func (s *State) BlockSize() int { return s.rate }

// Reset forgets the message.
func (s *State) Reset() { s.a, s.at, s.reading = [25]uint64{}, 0, false }

// Clone copies the state.
func (s *State) Clone() *State {
	c := *s
	return &c
}

// add puts one byte into the block.
func (s *State) add(b byte, at int) { s.a[at/8] ^= uint64(b) << (8 * (at % 8)) }

// Write takes the next part of the message; it never fails.
func (s *State) Write(p []byte) (int, error) {
	if s.reading {
		panic("turboshake: written to after output was read")
	}
	total := len(p)
	for len(p) > 0 {
		if s.at%8 == 0 && len(p) >= 8 && s.at+8 <= s.rate {
			s.a[s.at/8] ^= binary.LittleEndian.Uint64(p)
			s.at, p = s.at+8, p[8:]
		} else {
			s.add(p[0], s.at)
			s.at, p = s.at+1, p[1:]
		}
		if s.at == s.rate {
			permute(&s.a)
			s.at = 0
		}
	}
	return total, nil
}

// Read fills p with the next output; it never fails.
func (s *State) Read(p []byte) (int, error) {
	if !s.reading {
		s.add(s.domain, s.at)
		s.add(0x80, s.rate-1)
		permute(&s.a)
		s.at, s.reading = 0, true
	}
	for i := range p {
		if s.at == s.rate {
			permute(&s.a)
			s.at = 0
		}
		p[i] = byte(s.a[s.at/8] >> (8 * (s.at % 8)))
		s.at++
	}
	return len(p), nil
}
