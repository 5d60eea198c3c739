package main

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

func signatureExport(signature, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SignatureExport(signature, encoding, to) })
}

func signatureImport(algorithm string, encoded []byte, encoding uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 {
		return raw.SignatureImport(letters(algorithm), length(algorithm), start(encoded), size(encoded), encoding, to)
	})
}

func signatureStateOpen(pair uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SignatureStateOpen(pair, to) })
}

func signatureStateUpdate(state uint32, input []byte) errno {
	return errno(raw.SignatureStateUpdate(state, start(input), size(input)))
}

func signatureStateSign(state uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SignatureStateSign(state, to) })
}

func signatureStateClose(h uint32) errno { return errno(raw.SignatureStateClose(h)) }

func verificationStateOpen(public uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.SignatureVerificationStateOpen(public, to) })
}

func verificationStateUpdate(state uint32, input []byte) errno {
	return errno(raw.SignatureVerificationStateUpdate(state, start(input), size(input)))
}

func verificationStateVerify(state, signature uint32) errno {
	return errno(raw.SignatureVerificationStateVerify(state, signature))
}

func verificationStateClose(h uint32) errno { return errno(raw.SignatureVerificationStateClose(h)) }

func signatureClose(h uint32) errno { return errno(raw.SignatureClose(h)) }
