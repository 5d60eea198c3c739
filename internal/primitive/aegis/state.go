package aegis

// state is the registers S0, S1, ... of a variant, each of degree blocks, one after the other. Names are those of the
// draft: the sections on AEGIS-128L, AEGIS-256, AEGIS-128X and AEGIS-256X describe the same steps for each degree.
type state struct {
	variant Variant
	s       [32]block
}

// The constants C0 and C1, the Fibonacci sequence modulo 256.
func constants() (c0, c1 block) {
	return load([]byte{0x00, 0x01, 0x01, 0x02, 0x03, 0x05, 0x08, 0x0d, 0x15, 0x22, 0x37, 0x59, 0x90, 0xe9, 0x79, 0x62}),
		load([]byte{0xdb, 0x3d, 0x18, 0x55, 0x6d, 0xc2, 0x2f, 0xf1, 0x20, 0x11, 0x31, 0x42, 0x73, 0xb5, 0x28, 0xdd})
}

// at gives block i of register r.
func (s *state) at(r, i int) block { return s.s[r*s.variant.degree+i] }

// init is Init(key, nonce).
func (s *state) init(key, nonce [2]block) {
	c0, c1 := constants()
	k, n := key[0], nonce[0]
	if s.variant.registers == 8 {
		s.fill(k.xor(n), c1, c0, c1, k.xor(n), k.xor(c0), k.xor(c1), k.xor(c0))
		for range 10 {
			s.separate(3, 7)
			s.repeat(n, k)
		}
		return
	}
	kn, kn1 := k.xor(n), key[1].xor(nonce[1])
	s.fill(kn, kn1, c1, c0, k.xor(c0), key[1].xor(c1))
	for range 4 {
		for _, m := range [4]block{k, key[1], kn, kn1} {
			s.separate(3, 5)
			s.repeat(m, block{})
		}
	}
}

// fill sets each register to one block, repeated.
func (s *state) fill(registers ...block) {
	for r, b := range registers {
		for i := range s.variant.degree {
			s.s[r*s.variant.degree+i] = b
		}
	}
}

// separate adds the context of each block to two registers: its number and the last number. AEGIS-128L and AEGIS-256 have
// none.
func (s *state) separate(r1, r2 int) {
	d := s.variant.degree
	for i := range d {
		context := block{lo: uint64(i) | uint64(d-1)<<8}
		s.s[r1*d+i] = s.s[r1*d+i].xor(context)
		s.s[r2*d+i] = s.s[r2*d+i].xor(context)
	}
}

// repeat is Update with the same blocks in all places.
func (s *state) repeat(m0, m1 block) {
	s.update([4]block{m0, m0, m0, m0}, [4]block{m1, m1, m1, m1})
}

// update is Update(M0, M1), for AEGIS-256 Update(M0): each register becomes the AES round of the one before it, added to
// itself.
func (s *state) update(m0, m1 [4]block) {
	d := s.variant.degree
	n := d * s.variant.registers
	var turned [32]block
	for i := 0; i < n; i += 4 {
		group := [4]block(s.s[i : i+4])
		rounds(&group)
		copy(turned[i:], group[:])
	}
	for i := range n {
		s.s[i] = s.s[i].xor(turned[(i+n-d)%n])
	}
	for i := range d {
		s.s[i] = s.s[i].xor(m0[i])
		if s.variant.registers == 8 {
			s.s[4*d+i] = s.s[4*d+i].xor(m1[i])
		}
	}
}

// split reads one rate of bytes as the blocks of one update.
func (s *state) split(in []byte) (m0, m1 [4]block) {
	d := s.variant.degree
	for i := range d {
		m0[i] = load(in[16*i:])
		if s.variant.registers == 8 {
			m1[i] = load(in[16*(d+i):])
		}
	}
	return m0, m1
}

// absorb is Absorb(ai) of one rate of bytes.
func (s *state) absorb(in []byte) { s.update(s.split(in)) }

// stream gives the key stream of one rate of bytes.
func (s *state) stream() (z0, z1 [4]block) {
	for i := range s.variant.degree {
		inner := s.at(2, i).and(s.at(3, i))
		if s.variant.registers == 8 {
			z0[i] = s.at(6, i).xor(s.at(1, i)).xor(inner)
			z1[i] = s.at(2, i).xor(s.at(5, i)).xor(s.at(6, i).and(s.at(7, i)))
		} else {
			z0[i] = s.at(1, i).xor(s.at(4, i)).xor(s.at(5, i)).xor(inner)
		}
	}
	return z0, z1
}

// crypt is Enc, or Dec and DecPartial, in place.
func (s *state) crypt(b []byte, decrypt bool) {
	rate := s.variant.rate()
	var last [128]byte
	for len(b) > 0 {
		part := b
		if len(b) < rate {
			copy(last[:], b)
			part = last[:]
		}
		in0, in1 := s.split(part)
		z0, z1 := s.stream()
		out0, out1 := z0, z1
		for i := range s.variant.degree {
			out0[i], out1[i] = z0[i].xor(in0[i]), z1[i].xor(in1[i])
		}
		s.join(part, out0, out1)
		if len(b) < rate {
			b = b[:copy(b, part)]
			if decrypt { // the message that was encrypted ended in zeros
				clear(part[len(b):])
				out0, out1 = s.split(part)
			}
			rate = len(b)
		}
		if decrypt {
			in0, in1 = out0, out1
		}
		s.update(in0, in1)
		b = b[rate:]
	}
	clear(last[:])
}

// join is the reverse of split.
func (s *state) join(out []byte, m0, m1 [4]block) {
	d := s.variant.degree
	for i := range d {
		m0[i].store(out[16*i:])
		if s.variant.registers == 8 {
			m1[i].store(out[16*(d+i):])
		}
	}
}

// finish is Finalize: it appends a tag of size bytes. Lengths are in bytes.
func (s *state) finish(dst []byte, additional, message, size int) []byte {
	lengths := block{8 * uint64(additional), 8 * uint64(message)}
	from := 3
	if s.variant.registers == 8 {
		from = 2
	}
	var t [4]block
	for i := range s.variant.degree {
		t[i] = s.at(from, i).xor(lengths)
	}
	for range 7 {
		s.update(t, t)
	}
	var tag [LongTag]byte
	if size == ShortTag {
		s.sum(0, min(s.variant.registers, 7)).store(tag[:])
	} else {
		half := s.variant.registers / 2
		s.sum(0, half).store(tag[:])
		s.sum(half, 2*half).store(tag[16:])
	}
	return append(dst, tag[:size]...)
}

// sum adds up all blocks of the registers from one to before the other.
func (s *state) sum(from, to int) (b block) {
	for r := from; r < to; r++ {
		for i := range s.variant.degree {
			b = b.xor(s.at(r, i))
		}
	}
	return b
}
