package tokens

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

// reached lists the functions of the module that misbehave in the matrix, and the drills that call them.
func reached() map[string][]string {
	return map[string][]string{
		"C_SignInit": {"sign", "code stream"}, "C_Sign": {"sign"}, "C_SignUpdate": {"code stream"}, "C_SignFinal": {"code stream"},
		"C_VerifyInit": {"verify"}, "C_Verify": {"verify"},
		"C_EncryptInit": {"seal"}, "C_Encrypt": {"seal"}, "C_DecryptInit": {"open"}, "C_Decrypt": {"open"},
		"C_DigestInit": {"digest stream"}, "C_Digest": {"digest"}, "C_DigestUpdate": {"digest stream"}, "C_DigestFinal": {"digest stream"},
		"C_GenerateRandom": {"random"}, "C_GenerateKeyPair": {"generate pair"}, "C_GenerateKey": {"generate"}, "C_CreateObject": {"import"},
		"C_DeriveKey": {"agree"}, "C_CopyObject": {"into slot"}, "C_DestroyObject": {"clear"},
		"C_FindObjectsInit": {"open", "clear"}, "C_FindObjects": {"open", "clear"}, "C_FindObjectsFinal": {"open", "clear"},
		"C_GetAttributeValue": {"open", "generate pair", "into slot"}, "C_OpenSession": {"many streams", "start"},
		"C_Initialize": {"start"}, "C_GetInfo": {"start"}, "C_GetSlotList": {"start"}, "C_GetTokenInfo": {"start"}, "C_Login": {"start"},
		"C_GetMechanismList": {"start"}, "C_GetMechanismInfo": {"start"}, "C_GetFunctionList": {"start"},
		"*": {"sign", "open", "start"},
	}
}

// spared are functions whose like is in the matrix. Where the worker is started again after each misbehaviour they are left to the
// rounds, and so is every drill of a function but the first.
func spared() []string {
	return []string{"*", "C_VerifyInit", "C_Verify", "C_Digest", "C_FindObjectsFinal", "C_GetInfo", "C_GetMechanismInfo", "C_GetFunctionList"}
}

// verdict says what callers may be told when the module misbehaves. What they are given as a result has to be right, whatever it is that
// misbehaves, but for what only the token can know.
type verdict struct {
	codes []claviger.Code
	own   bool // what the operation says of a token that says no is right as well
	fails bool // the operation cannot succeed as long as this goes on
	ends  bool // it ends the worker
}

// verdicts are those of all behaviours.
func verdicts() map[string]verdict {
	const away, busy, late = claviger.ErrProviderNotAvailable, claviger.ErrProviderBusy, claviger.ErrOperationTimedOut
	const gone, other, unknown = claviger.ErrResourceNotFound, claviger.ErrIncompatibleKeyType, claviger.ErrUnsupportedAlgorithm
	codes := func(list ...claviger.Code) []claviger.Code { return list }
	return map[string]verdict{
		"sleep":           {codes: codes(away, late), fails: true, ends: true},
		"slow":            {},
		"crash":           {codes: codes(away), fails: true, ends: true},
		"exit":            {codes: codes(away), fails: true, ends: true},
		"device-removed":  {codes: codes(away), fails: true, ends: true},
		"token-absent":    {codes: codes(away), fails: true, ends: true},
		"session-lost":    {codes: codes(away), own: true, ends: true},
		"session-count":   {codes: codes(busy)},
		"general-error":   {own: true, fails: true},
		"function-failed": {own: true, fails: true},
		"length":          {own: true},
		"huge":            {own: true},
		"garbage":         {codes: codes(away, gone, other, unknown), own: true},
		"forget":          {codes: codes(away, gone), own: true},
	}
}

// tokensWord tells whether what a drill is given may be anything when a function gives garbage: a result of the right length, or a
// handle of another object, that only the token itself could find out.
func tokensWord(behaviour string) bool { return behaviour == "garbage" }

// misleads tells whether a worker that starts meanwhile may believe of the token what is not so. It does until its next start.
func misleads(function, behaviour string) bool { return behaviour == "garbage" && atStart(function) }

// atStart tells whether a function is called while a worker starts.
func atStart(function string) bool { return slices.Contains(reached()[function], "start") }

// answer is what a drill has come to.
type answer struct {
	d        drill
	err      error
	took     time.Duration
	deadline time.Duration // after which a timer beside the call rang
}

// late tells whether the answer has come after its deadline.
func (a answer) late() bool { return a.took > a.deadline+allowance }

// may tells whether an answer is right under commands: the behaviours of all that misbehaves at the same time.
func (a answer) may(behaviours ...string) bool {
	if a.err == nil {
		return true
	}
	if w := (wrongResult{}); errors.As(a.err, &w) {
		return slices.ContainsFunc(behaviours, tokensWord)
	}
	if errors.Is(a.err, claviger.ErrOperationTimedOut) && a.took >= a.deadline-allowance {
		return true
	}
	for _, name := range behaviours {
		v := verdicts()[name]
		if v.own && slices.Contains(a.d.failed, claviger.CodeOf(a.err)) || slices.Contains(v.codes, claviger.CodeOf(a.err)) {
			return true
		}
	}
	return false
}

// hold fails the test for an answer that is not right.
func (a answer) hold(t testing.TB, what string, behaviours ...string) {
	t.Helper()
	if !a.may(behaviours...) {
		t.Errorf("%s: %s: got %v", what, a.d.name, a.err)
	}
	if a.late() {
		t.Errorf("%s: %s: answered after %v, the deadline was %v: %v", what, a.d.name, a.took, a.deadline, a.err)
	}
}
