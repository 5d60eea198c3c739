package cryptoki

import "unsafe"

// frame is memory for structures that hold pointers to further memory: templates and mechanisms. It holds words, not
// Go pointers, so that the garbage collector never follows an address that a module may have overwritten; the frame
// itself keeps the memory alive. The heap does not move, so an address stays good until reset.
type frame struct {
	words []uint   // the frame's own memory, made once
	used  int      // how many of words are taken
	more  [][]uint // what did not fit, until reset
}

// wordSize is the size of a CK_ULONG, and of a pointer, in bytes.
const wordSize = 8

// makeFrame makes a frame in which the given number of words costs no further allocation.
func makeFrame(words int) frame { return frame{words: make([]uint, words)} }

// take gives n zero words, at least one.
func (f *frame) take(n int) []uint {
	n = max(n, 1)
	if n > len(f.words)-f.used {
		words := make([]uint, n)
		f.more = append(f.more, words)
		return words
	}
	words := f.words[f.used : f.used+n : f.used+n]
	f.used += n
	clear(words) // a module may have written beyond what was taken before
	return words
}

// takeBytes gives n zero bytes that start at a word.
func (f *frame) takeBytes(n int) []byte {
	words := f.take((n + wordSize - 1) / wordSize)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*wordSize)[:n]
}

// put copies p into the frame and gives the copy. The copy of nothing has an address too, because modules differ
// about NULL with a length of zero.
func (f *frame) put(p []byte) []byte {
	place := f.takeBytes(len(p))
	copy(place, p)
	return place
}

// reset wipes what was taken and makes it free again. It must not be called while a module works with the frame.
func (f *frame) reset() {
	clear(f.words[:f.used])
	for _, words := range f.more {
		clear(words)
	}
	f.used, f.more = 0, nil
}

// addressOf is the address of the first byte of memory that a frame holds.
func addressOf(p []byte) uint { return uint(uintptr(unsafe.Pointer(unsafe.SliceData(p)))) }

// addressOfWords is addressOf for words.
func addressOfWords(p []uint) uint { return uint(uintptr(unsafe.Pointer(unsafe.SliceData(p)))) }
