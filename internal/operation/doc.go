// Package operation holds the verbs: what can be done with keys, slots, contexts and certificates. It knows no
// callers, no handles and no frames. Every verb demands a policy.Grant, so that a check that was forgotten does not
// compile, and demands of it what the verb itself needs; who the caller is has been settled above.
//
// An [Engine] holds the providers and the store. A [Key] is a live key, counted by reference. A [Context] is one
// operation with its state machine. Everything here is safe for concurrent use unless its comment says otherwise.
//
// The order of checks when a key is put to use is: permission, then algorithm and key type, then provider. A missing
// permission is ErrKeyOperationNotPermitted even where the algorithm would not fit either.
//
// Who owns what: byte slices that go in are the caller's again when a call returns; results are appended to a slice of
// the caller's. A Key is given with one reference, which its receiver releases; a Context holds references of its own.
// Provider keys and blobs never leave this package, but for the blob of a managed key ([Key.Kept]), which package secrets
// seals and keeps.
//
// Durable verbs (Generate, Import, Persist and the key-giving verbs into a slot; Clear; SaveCertificate,
// ClearCertificate, ImportCRL) have taken lasting effect when they return nil. When they return ErrOperationTimedOut
// the text says whether the outcome is unknown.
package operation
