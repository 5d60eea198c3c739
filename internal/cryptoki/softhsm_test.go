package cryptoki_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger/internal/cryptoki"
)

const pin = "1234567"

// softHSM gives the paths of the module and of its tool, and skips without them.
func softHSM(t testing.TB) (module, tool string) {
	t.Helper()
	tool, err := exec.LookPath("softhsm2-util")
	for _, dir := range []string{
		"/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm", "/usr/lib64/softhsm",
		"/usr/lib64/pkcs11", "/usr/local/lib/softhsm", "/usr/lib/pkcs11",
	} {
		module = filepath.Join(dir, "libsofthsm2.so")
		if _, missing := os.Stat(module); err == nil && missing == nil {
			return module, tool
		}
	}
	t.Skip("SoftHSM2 is not installed: libsofthsm2.so and softhsm2-util are needed")
	return "", ""
}

// token makes a new SoftHSM token of its own, opens the module, and gives the token's slot.
func token(t testing.TB) (*cryptoki.Module, cryptoki.SlotID) {
	t.Helper()
	path, tool := softHSM(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	tokens := filepath.Join(dir, "tokens")
	ok(t, os.Mkdir(tokens, 0o700))
	ok(t, os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600))
	// The module reads this with C's getenv, which purego and cgo both let os.Setenv reach.
	t.Setenv("SOFTHSM2_CONF", conf)
	out, err := exec.Command(tool, "--init-token", "--free", "--label", "claviger test", "--so-pin", "12345678", "--pin", pin).CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util: %v: %s", err, out)
	}
	m, err := cryptoki.Open(path)
	ok(t, err)
	t.Cleanup(func() { ok(t, m.Close()) })
	slots, err := m.Slots(true)
	ok(t, err)
	for _, slot := range slots {
		info, err := m.TokenInfo(slot)
		ok(t, err)
		if info.Label == "claviger test" {
			return m, slot
		}
	}
	t.Fatal("the module does not see the token that was made for it")
	return nil, 0
}

// login gives a session in which the user is logged in.
func login(t testing.TB) *cryptoki.Session {
	t.Helper()
	m, slot := token(t)
	s := session(t, m, slot)
	ok(t, s.Login([]byte(pin)))
	return s
}

func TestTheTokenIsDescribed(t *testing.T) {
	m, slot := token(t)
	info, err := m.Info()
	ok(t, err)
	if info.Manufacturer != "SoftHSM" || info.Cryptoki.Major < 2 || info.Interface.Major < 2 {
		t.Errorf("%+v", info)
	}
	slotInfo, err := m.SlotInfo(slot)
	ok(t, err)
	if !slotInfo.Flags.Has(cryptoki.FlagTokenPresent) || slotInfo.Description == "" {
		t.Errorf("%+v", slotInfo)
	}
	tokenInfo, err := m.TokenInfo(slot)
	ok(t, err)
	if !tokenInfo.Flags.Has(cryptoki.FlagLoginRequired|cryptoki.FlagRNG|cryptoki.FlagTokenInitialized) || tokenInfo.MinPIN == 0 ||
		tokenInfo.MaxPIN < tokenInfo.MinPIN || tokenInfo.Serial == "" || tokenInfo.MaxRWSessions != 0 {
		t.Errorf("%+v", tokenInfo)
	}
	all, err := m.Slots(false)
	ok(t, err)
	if len(all) < 2 {
		t.Errorf("slots %v", all)
	}
	mechanisms, err := m.Mechanisms(slot)
	ok(t, err)
	if len(mechanisms) < 10 {
		t.Errorf("mechanisms %v", mechanisms)
	}
	rsa, err := m.MechanismInfo(slot, cryptoki.MechRSAPKCS)
	ok(t, err)
	if !rsa.Flags.Has(cryptoki.FlagSign|cryptoki.FlagDecrypt) || rsa.MaxKeySize < 2048 || rsa.MinKeySize > rsa.MaxKeySize {
		t.Errorf("%+v", rsa)
	}
	_, err = m.MechanismInfo(slot, 0x7fffffff)
	wants(t, "MechanismInfo", err, cryptoki.ErrMechanismInvalid)
	_, err = m.TokenInfo(slot + 1)
	wants(t, "TokenInfo", err, cryptoki.ErrSlotIDInvalid)
}

func TestLoginNeedsThePIN(t *testing.T) {
	m, slot := token(t)
	s := session(t, m, slot)
	err := s.Login([]byte("wrong"))
	wants(t, "Login", err, cryptoki.ErrPINIncorrect)
	if err.Error() != "C_Login: CKR_PIN_INCORRECT" {
		t.Errorf("%q", err)
	}
	_, err = s.GenerateKey(cryptoki.Plain(cryptoki.MechAESKeyGen), []cryptoki.Attribute{
		cryptoki.Ulong(cryptoki.AttrValueLen, 32), cryptoki.Bool(cryptoki.AttrPrivate, true), cryptoki.Bool(cryptoki.AttrToken, true),
	})
	wants(t, "GenerateKey", err, cryptoki.ErrUserNotLoggedIn)
	loggedIn(t, s, false)
	ok(t, s.Login([]byte(pin)))
	loggedIn(t, s, true)
	wants(t, "second Login", s.Login([]byte(pin)), cryptoki.ErrUserAlreadyLoggedIn)
	ok(t, s.Logout())
	loggedIn(t, s, false)
}

// loggedIn fails unless the session says so of its user.
func loggedIn(t *testing.T, s *cryptoki.Session, want bool) {
	t.Helper()
	got, err := s.LoggedIn()
	ok(t, err)
	if got != want {
		t.Errorf("logged in: %v; want %v", got, want)
	}
}

func TestAModuleIsOpenedOnce(t *testing.T) {
	path, _ := softHSM(t)
	m, _ := token(t)
	_, err := cryptoki.Open(path)
	wants(t, "second Open", err, cryptoki.ErrCryptokiAlreadyInitialized)
	_, err = m.Slots(true)
	ok(t, err)
	ok(t, m.Close())
	token(t)
}
