package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger/wasicrypto"
)

// Modules of wasi-crypto that the guest of the benchmark imports.
const (
	wasiAsymmetric = "wasi_ephemeral_crypto_asymmetric_common"
	wasiSymmetric  = "wasi_ephemeral_crypto_symmetric"
	wasiSignatures = "wasi_ephemeral_crypto_signatures"
	wasiCommon     = "wasi_ephemeral_crypto_common"
)

// Where things stand in the guest's memory. Handles have 4 bytes.
const (
	atNone    = 0x100 // an absent optional handle
	atHash    = 0x110 // "SHA-256"
	atSign    = 0x120 // "ECDSA_P256_SHA256"
	atOpen    = 0x200 // a state that stays open
	atState   = 0x204 // a state of one digest or signature
	atPair    = 0x208
	atOutput  = 0x20C // an array_output
	atResult  = 0x210 // a signature
	atSize    = 0x214
	atDigest  = 0x300 // 32 bytes
	atMessage = 0x400 // 1 KiB
)

const (
	nameHash = "SHA-256"
	nameSign = "ECDSA_P256_SHA256"
	signSize = 32 // bytes of the message that is signed
	kibibyte = 1 << 10
)

// routines are what the guest does: setting up, and the work that is measured.
func routines() []routine {
	hash := func(to uint32) hostCall {
		return hostCall{wasiSymmetric, "symmetric_state_open", []hostArg{number(atHash), number(uint32(len(nameHash))), number(atNone), number(atNone), number(to)}}
	}
	absorb := func(state uint32) hostCall {
		return hostCall{wasiSymmetric, "symmetric_state_absorb", []hostArg{at(state), number(atMessage), number(kibibyte)}}
	}
	squeeze := func(state uint32) hostCall {
		return hostCall{wasiSymmetric, "symmetric_state_squeeze", []hostArg{at(state), number(atDigest), number(sha256.Size)}}
	}
	return []routine{
		{"setup", []hostCall{
			hash(atOpen),
			{wasiAsymmetric, "keypair_generate", []hostArg{number(0), number(atSign), number(uint32(len(nameSign))), number(atNone), number(atPair)}},
			{wasiAsymmetric, "keypair_export", []hostArg{at(atPair), number(1), number(atOutput)}}, // PKCS #8
		}},
		{"call", []hostCall{{wasiCommon, "array_output_len", []hostArg{at(atOutput), number(atSize)}}}},
		{"digest", []hostCall{absorb(atOpen), squeeze(atOpen)}},
		{"fresh", []hostCall{hash(atState), absorb(atState), squeeze(atState), {wasiSymmetric, "symmetric_state_close", []hostArg{at(atState)}}}},
		{"sign", []hostCall{
			{wasiSignatures, "signature_state_open", []hostArg{at(atPair), number(atState)}},
			{wasiSignatures, "signature_state_update", []hostArg{at(atState), number(atMessage), number(signSize)}},
			{wasiSignatures, "signature_state_sign", []hostArg{at(atState), number(atResult)}},
			{wasiSignatures, "signature_state_close", []hostArg{at(atState)}},
			{wasiSignatures, "signature_close", []hostArg{at(atResult)}},
		}},
	}
}

// wasm measures what a guest pays for a call of the host, against the same work in this process and inside a guest.
func (a *app) wasm(ctx context.Context, f benchFlags) error {
	b := &bench{ctx: ctx, flags: f, out: json.NewEncoder(a.stdout)}
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	host, err := wasicrypto.Instantiate(ctx, r, wasicrypto.Config{})
	if err != nil {
		return err
	}
	defer host.Close(ctx)
	guest, err := callingGuest(ctx, r)
	if err != nil {
		return err
	}
	if err := b.againstProcess(guest); err != nil {
		return err
	}
	inside, err := goGuest(ctx, r)
	if err != nil {
		fmt.Fprintf(a.stderr, "wasm: no figures against the same work inside a guest, which takes a Go toolchain to make: %v\n", err)
		return nil
	}
	return b.againstGuest(guest, inside)
}

// callingGuest instantiates the guest that has the host do the work, and sets it up.
func callingGuest(ctx context.Context, r wazero.Runtime) (api.Module, error) {
	guest, err := r.InstantiateWithConfig(ctx, assemble(routines()), wazero.NewModuleConfig().WithName("calling"))
	if err != nil {
		return nil, err
	}
	for address, bytes := range map[uint32]string{atNone: "\x01", atHash: nameHash, atSign: nameSign} {
		if !guest.Memory().WriteString(address, bytes) {
			return nil, errors.New("the guest has no memory")
		}
	}
	return guest, repeat(ctx, guest, "setup")(1)
}

// againstProcess compares host calls with the same work in this process.
func (b *bench) againstProcess(guest api.Module) error {
	const budget = 100 // ns
	if err := b.compare("wasm: host call that finds a handle and a view (array_output_len)", "100 ns", "<= 1", nanoseconds,
		b.mean(1000, repeat(b.ctx, guest, "call")), func(time.Duration) (float64, error) { return budget, nil }); err != nil {
		return err
	}
	data := make([]byte, kibibyte)
	digest := b.mean(100, looped(func() error { sha256.Sum256(data); return nil }))
	if err := b.compare("wasm: SHA-256 of 1 KiB, absorb and squeeze on an open state", "in process, Go", "<= 1.2", nanoseconds,
		b.mean(100, repeat(b.ctx, guest, "digest")), digest); err != nil {
		return err
	}
	if err := b.compare("wasm: SHA-256 of 1 KiB, open, absorb, squeeze, close", "in process, Go", "", nanoseconds,
		b.mean(100, repeat(b.ctx, guest, "fresh")), digest); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return b.compare("wasm: ECDSA P-256 sign, open, update, sign, close, close", "in process, Go", "<= 1.1", nanoseconds,
		b.mean(10, repeat(b.ctx, guest, "sign")), b.mean(10, looped(func() error {
			digest := sha256.Sum256(data[:signSize])
			_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
			return err
		})))
}

// againstGuest compares host calls with the same work in a guest that was compiled from Go.
func (b *bench) againstGuest(guest, inside api.Module) error {
	const peer = "inside a guest, Go"
	if err := b.compare("wasm: SHA-256 of 1 KiB, open, absorb, squeeze, close", peer, "", nanoseconds,
		b.mean(100, repeat(b.ctx, guest, "fresh")), b.mean(100, repeat(b.ctx, inside, "sha256"))); err != nil {
		return err
	}
	return b.compare("wasm: ECDSA P-256 sign, open, update, sign, close, close", peer, "", nanoseconds,
		b.mean(10, repeat(b.ctx, guest, "sign")), b.mean(10, repeat(b.ctx, inside, "sign")))
}

// repeat gives a function that has a guest do its routine n times. Any errno but success is an error.
func repeat(ctx context.Context, guest api.Module, name string) func(n int) error {
	f := guest.ExportedFunction(name)
	stack := make([]uint64, 1)
	return func(n int) error {
		stack[0] = uint64(n)
		if err := f.CallWithStack(ctx, stack); err != nil {
			return err
		}
		if uint32(stack[0]) != 0 {
			return fmt.Errorf("guest %s: errno %d", name, uint32(stack[0]))
		}
		return nil
	}
}

// looped does the same in this process.
func looped(work func() error) func(n int) error {
	return func(n int) error {
		for range n {
			if err := work(); err != nil {
				return err
			}
		}
		return nil
	}
}

// mean is the time of one of n pieces of work that are done together, in nanoseconds: the median over as many such
// rows as fit into the span.
func (b *bench) mean(n int, work func(n int) error) side {
	return func(span time.Duration) (float64, error) {
		var all []float64
		for begin := time.Now(); time.Since(begin) < span; {
			start := time.Now()
			if err := work(n); err != nil {
				return 0, err
			}
			all = append(all, float64(time.Since(start))/float64(n))
		}
		slices.Sort(all)
		return all[len(all)/2], nil
	}
}

func nanoseconds(ns float64) string {
	if ns >= 1e4 {
		return microseconds(ns)
	}
	return fmt.Sprintf("%.0f ns", ns)
}
