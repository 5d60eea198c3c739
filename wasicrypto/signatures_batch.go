package wasicrypto

import "github.com/claviger/claviger"

// signatureBatchFunctions is wasi_ephemeral_crypto_signatures_batch. The records are those of
// batch: a signature_state and (signature, errno), a signature_verification_state with a
// signature and an errno.
func signatureBatchFunctions() []function {
	return []function{
		{"batch_signature_state_sign", "iii", batch[*signState](1, size64, stateSign)},
		{"batch_signature_state_verify", "iii", batch[*verifyState](2, size16, stateVerify)},
	}
}

func (s *signState) algorithm() claviger.Algorithm { return s.private.guest.Name }

func (s *verifyState) algorithm() claviger.Algorithm { return s.public.guest.Name }
