package guest

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// Item is one symmetric operation of a batch. Each has its own State, and its own result: Err, or the fields that the
// function names.
type Item struct {
	State *State
	Data  []byte // what goes in; stays the caller's
	Tag   []byte // goes into BatchDecryptDetached, comes from BatchEncryptDetached and BatchSqueezeTag
	Out   []byte // what comes; BatchSqueeze fills it and the others make it new
	Err   error
}

// A batch is one call of the host instead of many, which saves the way there and back; the work is the same and in order.
// Every batch function gives an error when the batch as a whole was refused, and then no result of an item counts.
// The items of a batch are of one algorithm: ErrUnsupportedFeature if not.

// In a batch the host finds memory by addresses inside records (raw.CryptRecord and its kin). Go may move a stack, so all
// memory that a record names is pinned until the call has ended.

// BatchSqueeze is State.Squeeze into each item's Out, which the caller makes as long as it wants the output.
func BatchSqueeze(items []Item) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	records, results := make([]raw.SqueezeRecord, len(items)), make([]raw.Errno, len(items))
	for i := range items {
		at, length := pinned(&pins, items[i].Out)
		records[i] = raw.SqueezeRecord{State: uint32(items[i].State.object), Out: at, OutLen: length}
	}
	err := call("batch_symmetric_state_squeeze", raw.BatchSymmetricStateSqueeze, records, results)
	if err != nil {
		return err
	}
	for i, errno := range results {
		items[i].Err = result("symmetric_state_squeeze", uint32(errno))
	}
	return nil
}

// BatchSqueezeTag is State.SqueezeTag; the bytes are each item's Tag. To compare tags in the host use Tag.Verify one by one.
func BatchSqueezeTag(items []Item) error {
	states, results := make([]uint32, len(items)), make([]raw.Result, len(items))
	for i := range items {
		states[i] = uint32(items[i].State.object)
	}
	err := call("batch_symmetric_state_squeeze_tag", raw.BatchSymmetricStateSqueezeTag, states, results)
	if err != nil {
		return err
	}
	for i, r := range results {
		items[i].Tag, items[i].Err = tagOf(r, "symmetric_state_squeeze_tag")
	}
	return nil
}

// BatchEncrypt is State.Encrypt of each item's Data, with the tag at the end of Out.
func BatchEncrypt(items []Item) error {
	return crypt("symmetric_state_encrypt", raw.BatchSymmetricStateEncrypt, items, 1)
}

// BatchDecrypt is State.Decrypt of each item's Data. An item that fails with ErrInvalidTag does not touch the others.
func BatchDecrypt(items []Item) error {
	if err := crypt("symmetric_state_decrypt", raw.BatchSymmetricStateDecrypt, items, -1); err != nil {
		return err
	}
	for i := range items {
		if item := &items[i]; errors.Is(item.Err, ErrOverflow) {
			item.Out, item.Err = item.State.Decrypt(nil, item.Data) // padded: it wants more room
		}
	}
	return nil
}

// BatchEncryptDetached is State.EncryptDetached of each item's Data; the bytes of the tag are its Tag.
func BatchEncryptDetached(items []Item) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	records, results := make([]raw.CryptRecord, len(items)), make([]raw.Result, len(items))
	for i := range items {
		records[i] = record(&pins, &items[i], len(items[i].Data))
	}
	err := call("batch_symmetric_state_encrypt_detached", raw.BatchSymmetricStateEncryptDetached, records, results)
	if err != nil {
		return err
	}
	for i, r := range results {
		items[i].Tag, items[i].Err = tagOf(r, "symmetric_state_encrypt_detached")
	}
	return nil
}

// BatchDecryptDetached is State.DecryptDetached of each item's Data and Tag.
func BatchDecryptDetached(items []Item) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	records, results := make([]raw.OpenRecord, len(items)), make([]raw.Result, len(items))
	for i := range items {
		r := record(&pins, &items[i], len(items[i].Data))
		at, length := pinned(&pins, items[i].Tag)
		records[i] = raw.OpenRecord{State: r.State, Out: r.Out, OutLen: r.OutLen, Data: r.Data, DataLen: r.DataLen, Tag: at, TagLen: length}
	}
	err := call("batch_symmetric_state_decrypt_detached", raw.BatchSymmetricStateDecryptDetached, records, results)
	if err != nil {
		return err
	}
	lengths(items, results, "symmetric_state_decrypt_detached")
	return nil
}

// crypt is encryption with an attached tag and, with sign -1, its opposite.
func crypt(name string, fn func(_ unsafe.Pointer, _ uint32, _ unsafe.Pointer) uint32, items []Item, sign int) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	records, results := make([]raw.CryptRecord, len(items)), make([]raw.Result, len(items))
	for i := range items {
		overhead, err := items[i].State.MaxTagLen()
		if err != nil {
			overhead = 0 // the host tells the item what is wrong with its state
		}
		records[i] = record(&pins, &items[i], max(0, len(items[i].Data)+sign*overhead))
	}
	if err := call("batch_"+name, fn, records, results); err != nil {
		return err
	}
	lengths(items, results, name)
	return nil
}

// record makes room for an item's output and pins it with the input.
func record(pins *runtime.Pinner, item *Item, room int) raw.CryptRecord {
	item.Out = make([]byte, room)
	out, outLen := pinned(pins, item.Out)
	from, size := pinned(pins, item.Data)
	return raw.CryptRecord{State: uint32(item.State.object), Out: out, OutLen: outLen, Data: from, DataLen: size}
}

// pinned gives address and length of memory that stays where it is until pins lets go.
func pinned(pins *runtime.Pinner, b []byte) (at, length uint32) {
	if len(b) == 0 {
		return 0, 0
	}
	pins.Pin(&b[0])
	return raw.Address(unsafe.Pointer(&b[0])), uint32(len(b))
}

// call hands records to a batch function, which writes one result for each.
func call[In, Out any](name string, fn func(_ unsafe.Pointer, _ uint32, _ unsafe.Pointer) uint32, in []In, out []Out) error {
	return result(name, fn(unsafe.Pointer(unsafe.SliceData(in)), uint32(len(in)), unsafe.Pointer(unsafe.SliceData(out))))
}

// lengths cuts each item's output to what the host wrote.
func lengths(items []Item, results []raw.Result, name string) {
	for i, r := range results {
		items[i].Err = result(name, uint32(r.Errno))
		items[i].Out, _ = kept(items[i].Out, 0, r.Value, items[i].Err)
	}
}

// tagOf takes the bytes out of a tag.
func tagOf(r raw.Result, name string) ([]byte, error) {
	if err := result(name, uint32(r.Errno)); err != nil {
		return nil, err
	}
	return (&Tag{object(r.Value)}).Bytes()
}
