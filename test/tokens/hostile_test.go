package tokens

import (
	"strings"
	"syscall"
	"testing"
)

// opened gives a hostile module in front of a token, and a process that has a session with it, is logged in and has a key.
func opened(t *testing.T, all bool) (*Hostile, *probe) {
	t.Helper()
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	h.LogAll = all
	return h, use(t, h, k)
}

func use(t *testing.T, h *Hostile, k *Token) *probe {
	t.Helper()
	p := startProbe(t, h.Path, append(h.Env(), k.Env()...)...)
	p.do("init", "init 0x0", "slots", "slots 0x0 2", "token", "token 0x0 "+k.Label, "open", "open 0x0",
		"login "+k.PIN, "login 0x0", "generate", "generate 0x0")
	return p
}

// digested is what the probe answers where SHA-256 of "abc" is what it should be (FIPS 180-4).
const digested = "digest 0x0 32 32 ba78"

// TestItForwardsWhatItIsNotToldToSpoil holds that a process sees no difference without a command, and none with one for something else.
func TestItForwardsWhatItIsNotToldToSpoil(t *testing.T) {
	h, p := opened(t, false)
	for range 2 {
		p.do("digest", digested, "encrypt", "encrypt 0x0", "find", "find 0x0 1", "attribute", "attribute 0x0 5 1", "session", "session 0x0 1")
		h.Command("C_Sign crash", "C_WrapKey garbage", "C_DigestKey sleep 1", "* slow 3")
	}
	p.do("close", "close 0x0", "final", "final 0x0")
}

// TestACodeIsAnsweredWhereItIsDue holds which calls each of the commands reaches that are a code.
func TestACodeIsAnsweredWhereItIsDue(t *testing.T) {
	for _, c := range []struct {
		command string
		words   []string
	}{
		{"* device-removed", []string{"session", "session 0x32 0", "slots", "slots 0x0 2", "open", "open 0x32", "digest", "digest 0x32 0 64 0000"}},
		{"* token-absent", []string{"token", "token 0xe0", "slots", "slots 0x0 2", "find", "find 0xe0 0"}},
		{"* session-lost", []string{"session", "session 0xb3 0", "find", "find 0xb3 0", "token", "token 0x0 claviger-test"}},
		{"* session-count", []string{"open", "open 0xb1", "session", "session 0x0 1"}},
		{"* pin-incorrect", []string{"login x", "login 0xa0", "digest", digested}},
		{"* pin-locked", []string{"login x", "login 0xa4", "digest", digested}},
		{"C_Digest pin-locked", []string{"digest", "digest 0xa4 0 64 0000", "login 0000", "login 0x100"}},
		{"* general-error", []string{"init", "init 0x5", "slots", "slots 0x5 64"}},
		{"C_FindObjectsInit function-failed", []string{"find", "find 0x6 0", "encrypt", "encrypt 0x0"}},
		{"C_EncryptInit 0x80000001", []string{"encrypt", "encrypt 0x80000001", "find", "find 0x0 1"}},
		{"* forget", []string{"find", "find 0x0 0", "encrypt", "encrypt 0x60", "attribute", "attribute 0x82 64 0", "session", "session 0x0 1"}},
		{"C_FindObjects forget", []string{"find", "find 0x0 0", "encrypt", "encrypt 0x0"}},
	} {
		t.Run(c.command, func(t *testing.T) {
			h, p := opened(t, false)
			h.Command(c.command)
			p.do(c.words...)
		})
	}
}

// TestACommandAppliesAsOftenAsItSays holds that a count is kept over processes, begins anew with each Command, and that commands are
// taken in order.
func TestACommandAppliesAsOftenAsItSays(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	p := use(t, h, k)
	for range 2 {
		h.Command("C_GetSessionInfo session-lost 2", "* general-error 1")
		p.do("session", "session 0xb3 0", "session", "session 0xb3 0", "find", "find 0x5 0", "session", "session 0x0 1", "find", "find 0x0 1")
	}
	h.Command("C_GetSessionInfo exit 1")
	p.say("session")
	p.ended()
	p = use(t, h, k)
	p.do("session", "session 0x0 1")
}

// TestACommandEndsOrHoldsAProcess holds what becomes of a process in a call that does not come back.
func TestACommandEndsOrHoldsAProcess(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		ended   func(*Hostile, *probe) bool
	}{
		"crash": {"C_Digest crash", func(_ *Hostile, p *probe) bool { return p.ended().Signal() == syscall.SIGSEGV }},
		"exit":  {"C_Digest exit", func(_ *Hostile, p *probe) bool { return p.ended().ExitStatus() == 3 }},
		"sleep": {"C_Digest sleep", func(h *Hostile, p *probe) bool {
			h.Await("C_Digest", 1)
			h.Command() // no way back for a call that sleeps
			_ = p.cmd.Process.Kill()
			return p.ended().Signal() == syscall.SIGKILL
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h, p := opened(t, true)
			h.Command(c.command)
			p.say("digest")
			if !c.ended(h, p) {
				t.Errorf("it ended as %v", p.cmd.ProcessState)
			}
			if n := h.Calls("C_Digest"); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	}
}

// TestLengthsLie holds that a length is longer than the buffer, and one that was only asked for honest or absurd.
func TestLengthsLie(t *testing.T) {
	h, p := opened(t, false)
	const huge = "1099511627776"
	for _, c := range []struct{ command, word, want string }{
		{"* length", "digest", "digest 0x0 32 65 ba78"},
		{"* huge", "digest", "digest 0x0 " + huge + " " + huge + " ba78"},
		{"C_Digest huge 1", "digest", "digest 0x0 " + huge + " 32 ba78"},
		{"* length", "slots", "slots 0x0 65"},
		{"* length", "find", "find 0x0 65"},
		{"* length", "attribute", "attribute 0x0 65 1"},
		{"* huge", "attribute", "attribute 0x0 " + huge + " " + huge},
	} {
		h.Command(c.command)
		if got := p.answer(c.word); got != c.want {
			t.Errorf("%s: %q, want %q", c.command, got, c.want)
		}
	}
}

// TestGarbageIsASuccess holds that calls succeed whatever the module behind says, and that what they give changes each time.
func TestGarbageIsASuccess(t *testing.T) {
	h, p := opened(t, false)
	h.Command("* garbage")
	p.do("login 0000", "login 0x0", "close", "close 0x0", "close", "close 0x0")
	for _, word := range []string{"digest", "token", "slots", "find", "attribute", "session"} {
		seen := make(map[string]bool)
		for range 40 {
			got := p.answer(word)
			if !strings.HasPrefix(got, word+" 0x0 ") {
				t.Fatalf("%s: %q is no success", word, got)
			}
			seen[got] = true
		}
		if len(seen) < 4 {
			t.Errorf("%s: only %d different answers", word, len(seen))
		}
	}
}

// TestTheLogCounts holds what the log counts: calls whatever became of them, and sessions that the module behind has open.
func TestTheLogCounts(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	p := use(t, h, k)
	counts := func(where string, want map[string]int) {
		t.Helper()
		for name, n := range want {
			got := h.OpenSessions()
			if name != "open" {
				got = h.Calls(name)
			}
			if got != n {
				t.Errorf("%s: %s is %d, want %d", where, name, got, n)
			}
		}
	}
	counts("at first", map[string]int{"C_Initialize": 1, "C_OpenSession": 1, "C_Login": 1, "C_FindObjectsInit": 0, "C_Digest": 0, "open": 1})
	p.do("login 0000", "login 0x100", "find", "find 0x0 1", "find", "find 0x0 1", "digest", digested, "open", "open 0x0")
	counts("in between", map[string]int{"C_Login": 2, "C_FindObjectsInit": 2, "C_Digest": 0, "open": 2})
	h.Command("* session-leak 1", "C_OpenSession session-count")
	p.do("close", "close 0x0", "open", "open 0xb1")
	counts("with a leak", map[string]int{"C_CloseSession": 1, "C_OpenSession": 3, "open": 2})
	p.do("close", "close 0x0")
	counts("closed", map[string]int{"C_CloseSession": 2, "open": 1})
	h.Command()
	use(t, h, k)
	counts("another process", map[string]int{"C_Initialize": 2, "open": 1})
	h.Reset()
	counts("anew", map[string]int{"C_Initialize": 0, "C_CloseSession": 0, "open": 0})
	p.do("open", "open 0x0", "find", "find 0x0 1", "final", "final 0x0")
	counts("behind that", map[string]int{"C_FindObjectsInit": 1, "C_Finalize": 1, "C_GetSlotList": 0, "open": 0})
}

// TestEveryCallIsCountedIfWanted holds that LogAll counts functions of all kinds.
func TestEveryCallIsCountedIfWanted(t *testing.T) {
	h, p := opened(t, true)
	p.do("digest", digested)
	for name, want := range map[string]int{"C_GetFunctionList": 1, "C_GetSlotList": 1, "C_GenerateKey": 1, "C_DigestInit": 1, "C_Digest": 2, "C_Login": 1} {
		if got := h.Calls(name); got != want {
			t.Errorf("%s: %d calls, want %d", name, got, want)
		}
	}
}

// TestACommandThatMeansNothingIsRefused holds that no test tells a module something that it does not understand.
func TestACommandThatMeansNothingIsRefused(t *testing.T) {
	for line, good := range map[string]bool{
		"* sleep": true, "C_Login pin-locked 3": true, "C_GetFunctionList crash": true, "C_WaitForSlotEvent 0x00000054": true, "C_Sign huge 1": true,
		"": false, "*": false, "sleep": false, "C_Lgoin sleep": false, "C_Login asleep": false, "C_Login sleep 0": false, "C_Login sleep x": false,
		"C_Login sleep 1 2": false, "C_Login 0x": false, "C_Login 0xg": false, "C_GetInterface sleep": false, "* C_Login": false,
	} {
		if err := check(line); (err == nil) != good {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestTheListOfFunctionsIsTheStandards holds that the layout has the 68 functions of PKCS #11 2.40, first to last.
func TestTheListOfFunctionsIsTheStandards(t *testing.T) {
	names := functions()
	if len(names) != 68 || names[0] != "C_Initialize" || names[3] != "C_GetFunctionList" || names[67] != "C_WaitForSlotEvent" {
		t.Errorf("%d functions: %q", len(names), names)
	}
	if n := len(behaviours()); n != 17 {
		t.Errorf("%d behaviours, want 17", n)
	}
}
