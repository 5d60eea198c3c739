// Package client uses keys that a Claviger daemon keeps. A program never holds them: it names a
// key slot, makes an operation context on it and sends the data through.
//
//	stack, err := client.Dial(ctx, client.Config{})          // the link to the daemon
//	cc, err := stack.CryptoContext()                         // a scope: closing it releases all that it made
//	slot, err := cc.KeySlot(ctx, "PreDeployedSlot")          // a name becomes a handle, once
//	enc, err := cc.NewCipher(ctx, client.CipherConfig{Algorithm: "AES-256-CBC", Key: slot})
//	ciphertext, err := enc.Encrypt(ctx, nil, iv, plaintext)  // one round trip
//
// # Contexts
//
// An operation context works on a message in parts (Init, Update, Finalize; Reset discards and
// is legal at any time) or on a whole one by a single call (Sum, Encrypt, Decrypt, Seal, Open,
// Sign, Verify). Output is appended to the dst slice that the caller passes, which may be nil;
// on an error the result is nil. Input slices belong to the caller again as soon as the call
// has returned, and must not overlap dst.
//
// # Concurrency
//
// Stack, CryptoContext, Key, the slots, the managers and the one-call methods are safe for
// concurrent use. A message in parts belongs to one goroutine: a second call that finds the
// stream in use gets ErrInvalidOperation.
//
// # Time
//
// Each call ends at the earliest of the deadline of its context.Context and the Timeout of the
// operation context, else of the stack, else of the daemon. The error is then
// ErrOperationTimedOut, which also matches context.DeadlineExceeded, and the operation context
// stays in its error state: all but Close is ErrInvalidOperation. The same holds for a call
// whose context.Context was cancelled.
//
// Close takes no context.Context. That of an operation context, what its adapters made
// included, ends at that context's Timeout, that of a CryptoContext, a Key or a Certificate at
// the stack's; where that is NoTimeout, after 5 seconds. What is closed cannot be used again
// even if the answer is ErrOperationTimedOut; the daemon releases it when it gets to it, at the
// latest with the link.
//
// # Errors
//
// Every error is a *claviger.Error with a code: errors.Is(err, claviger.ErrKeySlotEmpty). A
// wrong signature is not an error but false. When the link to the daemon breaks, every call
// from then on is ErrConnectionFailed; dial again. After Stack.Close every call is
// ErrUninitializedStack, after the Close of a context ErrContextAlreadyDestroyed, with a closed
// Key or Certificate ErrResourceNotFound.
package client
