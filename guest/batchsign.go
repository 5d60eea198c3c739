package guest

import "github.com/claviger/claviger/guest/raw"

// Signed is the result of one signature of a batch: a signature, which the caller closes, or an error.
type Signed struct {
	Signature *Signature
	Err       error
}

// BatchSign is Signer.Sign of several signers of one algorithm, with one result for each, in order. An error of the whole
// means that there are no signatures at all.
func BatchSign(signers []*Signer) ([]Signed, error) {
	states, results := make([]uint32, len(signers)), make([]raw.Result, len(signers))
	for i, s := range signers {
		states[i] = uint32(s.object)
	}
	if err := call("batch_signature_state_sign", raw.BatchSignatureStateSign, states, results); err != nil {
		return nil, err
	}
	all := make([]Signed, len(results))
	for i, r := range results {
		all[i].Err = result("signature_state_sign", uint32(r.Errno))
		if all[i].Err == nil {
			all[i].Signature = &Signature{object(r.Value)}
		}
	}
	return all, nil
}

// Verification is one verification of a batch: is Signature one of what was written to Verifier?
type Verification struct {
	Verifier  *Verifier
	Signature *Signature
}

// BatchVerify is Verifier.Verify of several of one algorithm, with one error for each, in order: nil for a genuine signature,
// ErrVerificationFailed for another one. The second error is of the batch as a whole.
func BatchVerify(batch []Verification) ([]error, error) {
	records, results := make([]raw.VerifyRecord, len(batch)), make([]raw.Errno, len(batch))
	for i, v := range batch {
		records[i] = raw.VerifyRecord{State: uint32(v.Verifier.object), Signature: uint32(v.Signature.object)}
	}
	if err := call("batch_signature_state_verify", raw.BatchSignatureStateVerify, records, results); err != nil {
		return nil, err
	}
	all := make([]error, len(results))
	for i, errno := range results {
		all[i] = result("signature_verification_state_verify", uint32(errno))
	}
	return all, nil
}
