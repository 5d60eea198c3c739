package cryptoki_test

import (
	"bytes"
	"errors"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
)

// The ways in which testdata/hostile.c lies, by slot.
const (
	honest cryptoki.SlotID = iota + 1
	overlong
	enormous
	neverEnough
	wantsAll
	wantsLess
	noHandles
	failsLate
	grows
	ownIV
	noSession
	grew
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails unless err is the expected one.
func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want %v", what, err, want)
	}
}

// build compiles the hostile module with the flags, and gives its path.
func build(t testing.TB, flags ...string) string {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler cc to build the hostile module with")
	}
	path := filepath.Join(t.TempDir(), "hostile.so")
	args := append([]string{"-shared", "-fPIC", "-O1", "-o", path, "testdata/hostile.c"}, flags...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// hostile opens the hostile module.
func hostile(t testing.TB, flags ...string) *cryptoki.Module {
	t.Helper()
	m, err := cryptoki.Open(build(t, flags...))
	ok(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// session opens a session that lies in one way.
func session(t testing.TB, m *cryptoki.Module, how cryptoki.SlotID) *cryptoki.Session {
	t.Helper()
	s, err := m.OpenSession(how, true)
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

var plain = cryptoki.Plain(cryptoki.MechECDSA)

// outputs are all calls that give an output.
var outputs = map[string]func(s *cryptoki.Session, dst []byte) ([]byte, error){
	"Encrypt": func(s *cryptoki.Session, dst []byte) ([]byte, error) {
		return s.Encrypt(dst, plain, 1, []byte("x"), 64)
	},
	"Decrypt": func(s *cryptoki.Session, dst []byte) ([]byte, error) {
		return s.Decrypt(dst, plain, 1, []byte("x"), 64)
	},
	"Sign":          func(s *cryptoki.Session, dst []byte) ([]byte, error) { return s.Sign(dst, plain, 1, []byte("x"), 64) },
	"Digest":        func(s *cryptoki.Session, dst []byte) ([]byte, error) { return s.Digest(dst, plain, []byte("x"), 64) },
	"EncryptUpdate": func(s *cryptoki.Session, dst []byte) ([]byte, error) { return s.EncryptUpdate(dst, nil, 64) },
	"DecryptUpdate": func(s *cryptoki.Session, dst []byte) ([]byte, error) { return s.DecryptUpdate(dst, nil, 64) },
	"EncryptFinal": func(s *cryptoki.Session, dst []byte) ([]byte, error) {
		return s.EncryptFinal(dst, errOr(s.EncryptInit(plain, 1), 64))
	},
	"DecryptFinal": func(s *cryptoki.Session, dst []byte) ([]byte, error) {
		return s.DecryptFinal(dst, errOr(s.DecryptInit(plain, 1), 64))
	},
	"DigestFinal": func(s *cryptoki.Session, dst []byte) ([]byte, error) {
		return s.DigestFinal(dst, errOr(s.DigestInit(plain), 64))
	},
	"SignFinal": func(s *cryptoki.Session, dst []byte) ([]byte, error) {
		return s.SignFinal(dst, errOr(s.SignInit(plain, 1), 64))
	},
}

// errOr gives n, and a hint that is refused after an error.
func errOr(err error, n int) int {
	if err != nil {
		return -1
	}
	return n
}

func TestLengthsBeyondTheBufferAreRefused(t *testing.T) {
	m := hostile(t)
	for _, how := range []cryptoki.SlotID{overlong, enormous, neverEnough, wantsAll, wantsLess} {
		s := session(t, m, how)
		for name, call := range outputs {
			out, err := call(s, []byte("before"))
			wants(t, name, err, cryptoki.ErrImplausible)
			if out != nil {
				t.Errorf("%s with lie %d: %d bytes of output", name, how, len(out))
			}
		}
	}
}

func TestOutputIsAppendedAndGrowsOnRequest(t *testing.T) {
	m := hostile(t)
	for how, want := range map[cryptoki.SlotID][]byte{
		honest: bytes.Repeat([]byte{0xAB}, 64), grows: bytes.Repeat([]byte{0xCD}, 300),
	} {
		s := session(t, m, how)
		for name, call := range outputs {
			out, err := call(s, []byte("before"))
			ok(t, err)
			if rest, found := bytes.CutPrefix(out, []byte("before")); !found || !bytes.Equal(rest, want) {
				t.Errorf("%s: %x", name, out)
			}
		}
	}
}

func TestOutputOfAFailedCallIsWiped(t *testing.T) {
	s := session(t, hostile(t), failsLate)
	for name, call := range outputs {
		dst := make([]byte, 8, 128)
		_, err := call(s, dst)
		wants(t, name, err, cryptoki.ErrGeneralError)
		if !bytes.Equal(dst[:128], make([]byte, 128)) {
			t.Errorf("%s left %x", name, dst[:128])
		}
	}
	random := bytes.Repeat([]byte{1}, 32)
	wants(t, "Random", s.Random(random), cryptoki.ErrGeneralError)
	if !bytes.Equal(random, make([]byte, 32)) {
		t.Errorf("Random left %x", random)
	}
}

func TestHintsHaveLimits(t *testing.T) {
	s := session(t, hostile(t), honest)
	for _, hint := range []int{-1, math.MinInt, math.MaxInt, 65<<20 + 1} {
		_, err := s.Sign(nil, plain, 1, nil, hint)
		wants(t, "Sign", err, cryptoki.ErrArgumentsBad)
	}
}

func TestCountsOfSlotsAndMechanismsAreJudged(t *testing.T) {
	m := hostile(t)
	for _, present := range []bool{true, false} {
		_, err := m.Slots(present)
		wants(t, "Slots", err, cryptoki.ErrImplausible)
	}
	_, err := m.Mechanisms(enormous)
	wants(t, "Mechanisms", err, cryptoki.ErrImplausible)
	_, err = m.Mechanisms(overlong)
	wants(t, "Mechanisms", err, cryptoki.ErrImplausible)
	_, err = m.Mechanisms(neverEnough)
	wants(t, "Mechanisms", err, cryptoki.ErrBufferTooSmall)
	got, err := m.Mechanisms(honest)
	ok(t, err)
	if len(got) != 2 || got[0] != cryptoki.MechECDSA || got[1] != cryptoki.MechAESGCM {
		t.Errorf("mechanisms %v", got)
	}
}

func TestObjectsAreJudged(t *testing.T) {
	m := hostile(t)
	for how, want := range map[cryptoki.SlotID]error{
		overlong: cryptoki.ErrImplausible, enormous: cryptoki.ErrImplausible, noHandles: cryptoki.ErrImplausible,
	} {
		_, err := session(t, m, how).FindObjects(nil, 100)
		wants(t, "FindObjects", err, want)
	}
	// This search would never end by itself.
	found, err := session(t, m, honest).FindObjects(nil, 1000)
	ok(t, err)
	if len(found) != 1000 {
		t.Errorf("%d objects", len(found))
	}
}

func TestAHandleOfZeroIsNoObject(t *testing.T) {
	m := hostile(t)
	s := session(t, m, noHandles)
	_, err := s.CreateObject(nil)
	wants(t, "CreateObject", err, cryptoki.ErrImplausible)
	_, err = s.CopyObject(1, nil)
	wants(t, "CopyObject", err, cryptoki.ErrImplausible)
	_, err = s.GenerateKey(plain, nil)
	wants(t, "GenerateKey", err, cryptoki.ErrImplausible)
	_, err = s.DeriveKey(plain, 1, nil)
	wants(t, "DeriveKey", err, cryptoki.ErrImplausible)
	_, _, err = s.GenerateKeyPair(plain, nil, nil)
	wants(t, "GenerateKeyPair", err, cryptoki.ErrImplausible)
	_, err = m.OpenSession(noSession, false)
	wants(t, "OpenSession", err, cryptoki.ErrImplausible)
}

func TestAttributesAreJudged(t *testing.T) {
	m := hostile(t)
	types := []cryptoki.AttributeType{cryptoki.AttrLabel, cryptoki.AttrValue, cryptoki.AttrID}
	for how, want := range map[cryptoki.SlotID]error{
		overlong: cryptoki.ErrImplausible, enormous: cryptoki.ErrImplausible,
		neverEnough: cryptoki.ErrImplausible, grew: cryptoki.ErrBufferTooSmall,
	} {
		got, err := session(t, m, how).GetAttributes(1, types)
		wants(t, "GetAttributes", err, want)
		if err != nil && got != nil {
			t.Errorf("lie %d: an answer beside an error", how)
		}
	}
	_, err := session(t, m, honest).GetAttributes(1, make([]cryptoki.AttributeType, 65))
	wants(t, "GetAttributes", err, cryptoki.ErrArgumentsBad)
	// Here the module also overwrites types and addresses.
	for _, how := range []cryptoki.SlotID{honest, failsLate} {
		got, err := session(t, m, how).GetAttributes(1, types)
		ok(t, err)
		if !bytes.Equal(got[0].Value, bytes.Repeat([]byte{0x5a}, 8)) || got[1].Value != nil {
			t.Errorf("lie %d: %x", how, [][]byte{got[0].Value, got[1].Value})
		}
		if empty := got[2].Value; len(empty) != 0 || (empty == nil) != (how == honest) {
			t.Errorf("lie %d: empty value %v", how, empty)
		}
	}
}

func TestTextIsCleaned(t *testing.T) {
	m := hostile(t)
	info, err := m.Info()
	ok(t, err)
	if info.Manufacturer != "café ??[31m?" || info.Description != "xxxx" {
		t.Errorf("%+v", info)
	}
	if info.Library != (cryptoki.Version{Major: 9, Minor: 1}) || info.Cryptoki.String() != "2.40" {
		t.Errorf("%+v", info)
	}
	token, err := m.TokenInfo(honest)
	ok(t, err)
	if token.Label != string(bytes.Repeat([]byte("?"), 32)) || token.MaxSessions != 0 || token.MaxRWSessions != 0 || token.MaxPIN != 0 {
		t.Errorf("%+v", token)
	}
}

func TestTheNonceOfTheTokenIsShown(t *testing.T) {
	m := hostile(t)
	nonce := []byte("twelve bytes")
	for how, want := range map[cryptoki.SlotID][]byte{honest: nonce, ownIV: bytes.Repeat([]byte{0x77}, 12)} {
		for _, gcm := range []cryptoki.Mechanism{cryptoki.GCM(nonce, []byte("a"), 16), cryptoki.GCMWithoutBits(nonce, nil, 16)} {
			s := session(t, m, how)
			_, err := s.Encrypt(nil, gcm, 1, []byte("x"), 64)
			ok(t, err)
			if !bytes.Equal(s.IV(), want) {
				t.Errorf("lie %d: nonce %x", how, s.IV())
			}
		}
	}
	if string(nonce) != "twelve bytes" {
		t.Errorf("the caller's nonce was changed to %x", nonce)
	}
}

func TestMissingFunctionsAreNotSupported(t *testing.T) {
	m := hostile(t, "-DNULLS")
	_, err := m.Slots(false)
	wants(t, "Slots", err, cryptoki.ErrFunctionNotSupported)
	s := session(t, m, honest)
	_, err = s.Sign(nil, plain, 1, nil, 64)
	wants(t, "Sign", err, cryptoki.ErrFunctionNotSupported)
	_, err = s.FindObjects(nil, 1)
	wants(t, "FindObjects", err, cryptoki.ErrFunctionNotSupported)
	_, _, err = s.GenerateKeyPair(plain, nil, nil)
	wants(t, "GenerateKeyPair", err, cryptoki.ErrFunctionNotSupported)
	wants(t, "Login", s.Login([]byte("1234")), cryptoki.ErrFunctionNotSupported)
}

func TestOpenRefusesWhatIsNoModule(t *testing.T) {
	for _, path := range []string{"", "libc.so.6", "/lib/x\x00y"} {
		_, err := cryptoki.Open(path)
		wants(t, path, err, claviger.ErrInvalidArgument)
	}
	_, err := cryptoki.Open(filepath.Join(t.TempDir(), "nowhere.so"))
	wants(t, "missing file", err, claviger.ErrProviderNotAvailable)
	_, err = cryptoki.Open(build(t, "-DC_GetFunctionList=other"))
	wants(t, "no C_GetFunctionList", err, claviger.ErrProviderNotAvailable)
	for _, flag := range []string{"-DNOLIST", "-DVERSION=0", "-DVERSION=77"} {
		_, err := cryptoki.Open(build(t, flag))
		wants(t, flag, err, cryptoki.ErrImplausible)
	}
}

func TestInterfaceOfVersion3IsPreferred(t *testing.T) {
	for want, flags := range map[cryptoki.Version][]string{
		{Major: 3}: {"-DINTERFACE", "-DVERSION=3"},
		{Major: 2}: {"-DINTERFACE", "-DVERSION=2"},
	} {
		info, err := hostile(t, flags...).Info()
		ok(t, err)
		if info.Interface != want {
			t.Errorf("%v: list of version %v", flags, info.Interface)
		}
	}
}

func TestCancelEndsAnOperation(t *testing.T) {
	operations := []cryptoki.Operation{cryptoki.Encrypting, cryptoki.Decrypting, cryptoki.Digesting, cryptoki.Signing, cryptoki.Verifying}
	for name, flags := range map[string][]string{"by finishing": nil, "by C_SessionCancel": {"-DINTERFACE", "-DVERSION=3"}} {
		m := hostile(t, flags...)
		var refusal error
		if flags == nil {
			refusal = cryptoki.ErrOperationCancelFailed
		}
		s := session(t, m, honest)
		for _, operation := range operations {
			ok(t, s.SignInit(plain, 1))
			ok(t, s.Cancel(operation))
			_, err := s.SignFinal(nil, 64)
			wants(t, name, err, cryptoki.ErrOperationNotInitialized)
		}
		wants(t, name, session(t, m, overlong).Cancel(cryptoki.Signing), cryptoki.ErrOperationCancelFailed)
		wants(t, name, session(t, m, failsLate).Cancel(cryptoki.Signing), refusal)
		wants(t, name, s.Cancel(0), cryptoki.ErrArgumentsBad)
	}
}

func TestAfterCloseNothingReachesTheModule(t *testing.T) {
	m := hostile(t)
	s := session(t, m, honest)
	ok(t, s.Close())
	ok(t, s.Close())
	_, err := s.Sign(nil, plain, 1, nil, 64)
	wants(t, "Sign", err, cryptoki.ErrSessionClosed)
	_, err = s.DeriveKey(plain, 1, nil)
	wants(t, "DeriveKey", err, cryptoki.ErrSessionClosed)
	_, _, err = s.GenerateKeyPair(plain, nil, nil)
	wants(t, "GenerateKeyPair", err, cryptoki.ErrSessionClosed)

	left := session(t, m, honest)
	ok(t, m.Close())
	ok(t, m.Close())
	wants(t, "Logout", left.Logout(), cryptoki.ErrCryptokiNotInitialized)
	_, err = m.Info()
	wants(t, "Info", err, cryptoki.ErrCryptokiNotInitialized)
}

func TestASmallOperationDoesNotAllocate(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates on its own account")
	}
	s := session(t, hostile(t), honest)
	data, signature := make([]byte, 32), make([]byte, 0, 64)
	gcm, nonce := cryptoki.Mechanism{}, make([]byte, 12)
	allocations := testing.AllocsPerRun(1000, func() {
		_, err := s.Sign(signature, plain, 1, data, 64)
		ok(t, err)
		gcm = cryptoki.GCM(nonce, data, 16)
		_, err = s.Encrypt(signature, gcm, 1, data, 64)
		ok(t, err)
		ok(t, s.Verify(plain, 1, data, signature))
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
