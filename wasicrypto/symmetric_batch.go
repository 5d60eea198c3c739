package wasicrypto

import (
	"encoding/binary"

	"github.com/claviger/claviger"
)

// symmetricBatchFunctions is wasi_ephemeral_crypto_symmetric_batch.
func symmetricBatchFunctions() []function {
	return []function{
		{"batch_symmetric_state_squeeze", "iii", batch[*symmetricState](3, size16, stateSqueeze)},
		{"batch_symmetric_state_squeeze_tag", "iii", batch[*symmetricState](1, size64, stateSqueezeTag)},
		{"batch_symmetric_state_encrypt", "iii", batch[*symmetricState](5, size64, stateEncrypt)},
		{"batch_symmetric_state_encrypt_detached", "iii", batch[*symmetricState](5, size64, stateEncryptDetached)},
		{"batch_symmetric_state_decrypt", "iii", batch[*symmetricState](5, size64, stateDecrypt)},
		{"batch_symmetric_state_decrypt_detached", "iii", batch[*symmetricState](7, size64, stateDecryptDetached)},
	}
}

// size16 is the size of a result that is an errno alone, in bytes.
const size16 = 2

// named is an object that a batch holds to one algorithm.
type named interface {
	object
	algorithm() claviger.Algorithm
}

func (s *symmetricState) algorithm() claviger.Algorithm { return s.guest.Name }

// batch makes a function (list address, list count, results address) of an operation on objects of type T: each element of the list is the operation's
// arguments, so many words of 32 bits, and each result is an errno, or a word, an errno and two bytes of padding.
//
// The list is copied before the first operation runs; the elements run in order, so that an operation sees in guest memory what those
// before it wrote; all results are written at the end. The function's own errno is success whatever the elements' are,
// unless the lists do not lie in memory (guest_error), are too long to copy (overflow), or name states of several algorithms
// (unsupported_feature); then nothing is done.
func batch[T named](words int, result uint32, run operation) func(*call) errno {
	return func(c *call) errno {
		list, e1 := c.records(0, c.u32(1), uint32(words)*size32)
		results, e2 := c.records(2, c.u32(1), result)
		if e := first(e1, e2); e != success {
			return e
		}
		limit := c.guest.host.config.Limits.Held
		if len(list) > limit || len(results) > limit {
			return overflow
		}
		list = append([]byte{}, list...)
		if e := sameAlgorithm[T](c, list, words); e != success {
			return e
		}
		copy(results, c.runBatch(list, words, result, run))
		return success
	}
}

// records gives the view of count records of a size, whose address is argument i.
func (c *call) records(i int, count, size uint32) ([]byte, errno) {
	n := uint64(count) * uint64(size)
	if n > 1<<32-1 {
		return nil, guestError
	}
	return c.view(c.u32(i), uint32(n))
}

// sameAlgorithm answers unsupported_feature if the objects of type T that the list's elements begin with are not all for one
// algorithm. What is no handle of one is the element's own error.
func sameAlgorithm[T named](c *call, list []byte, words int) errno {
	var all claviger.Algorithm
	for ; len(list) > 0; list = list[words*size32:] {
		e := use(&c.guest.table, binary.LittleEndian.Uint32(list), func(o T) errno {
			if all == "" {
				all = o.algorithm()
			}
			if all != o.algorithm() {
				return unsupportedFeature
			}
			return success
		})
		if e == unsupportedFeature {
			return e
		}
	}
	return success
}

// runBatch runs the operation for each element and gives the encoded results. After the call's context has ended, the
// elements that are left are algorithm_failure.
func (c *call) runBatch(list []byte, words int, result uint32, run operation) []byte {
	element := *c
	element.args = make([]uint64, words)
	results := make([]byte, 0, len(list)/(words*size32)*int(result))
	for ; len(list) > 0; list = list[words*size32:] {
		for i := range element.args {
			element.args[i] = uint64(binary.LittleEndian.Uint32(list[i*size32:]))
		}
		v, e := uint32(0), algorithmFailure
		if c.ctx.Err() == nil {
			v, e = run(&element)
		}
		if result == size64 {
			results = binary.LittleEndian.AppendUint32(results, v)
			results = binary.LittleEndian.AppendUint16(results, uint16(e))
			results = append(results, 0, 0)
		} else {
			results = binary.LittleEndian.AppendUint16(results, uint16(e))
		}
	}
	return results
}
