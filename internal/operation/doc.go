// Package operation holds the verbs: what can be done with keys, slots, contexts and certificates. It knows no
// callers, no handles and no frames. Every verb demands a policy.Grant, so that a check that was forgotten does not
// compile, and demands of it what the verb itself needs; who the caller is has been settled above.
//
// An [Engine] holds the providers and the store. A [Key] is a live key, counted by reference. A [Context] is one
// operation with its state machine. Everything here is safe for concurrent use unless its comment says otherwise.
//
// The order of checks when a key is put to use is: permission, then algorithm and key type, then provider. A missing
// permission is ErrKeyOperationNotPermitted even where the algorithm would not fit either.
package operation
