// Package claviger is the dictionary that every room of Claviger speaks: names, algorithms, permissions, states,
// codes and errors. It does no I/O, holds no secret and imports nothing else of the module.
//
// Claviger is a keeper of keys. One daemon holds keys, certificates and secrets; programs use them over a unix
// socket (package client) or inside their own process (package embedded) without ever holding them. The words:
//
//   - A resource is what a program's configuration calls by a name of up to [MaxName] bytes: a key slot, a
//     certificate slot, a trust store. A name is resolved once; after that a handle stands for it.
//   - A key slot is a durable place for one key. It has an algorithm, permissions, providers, and versions.
//   - A key is live: generated, agreed, imported or loaded from a slot. It is ephemeral until it is persisted.
//   - A provider is a place where keys live and work. It has a configured number.
//   - A [Permission] is the set of operations that a key may serve.
//   - A [Code] says what went wrong. It travels, it is itself an error, and errors.Is matches it on both sides
//     of the socket.
//
// All types here are plain values: they may be copied and compared, and used by many goroutines at once.
package claviger
