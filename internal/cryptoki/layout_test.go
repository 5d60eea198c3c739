package cryptoki

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// The numbers are sizeof and offsetof of the C header on x86-64, which those of arm64 are equal to.
func TestStructuresAreLaidOutAsInC(t *testing.T) {
	for name, sizes := range map[string][2]uintptr{
		"CK_INFO":                       {unsafe.Sizeof(cInfo{}), 88},
		"CK_INFO.libraryVersion":        {unsafe.Offsetof(cInfo{}.library), 80},
		"CK_SLOT_INFO":                  {unsafe.Sizeof(cSlotInfo{}), 112},
		"CK_SLOT_INFO.flags":            {unsafe.Offsetof(cSlotInfo{}.flags), 96},
		"CK_TOKEN_INFO":                 {unsafe.Sizeof(cTokenInfo{}), 208},
		"CK_TOKEN_INFO.flags":           {unsafe.Offsetof(cTokenInfo{}.flags), 96},
		"CK_TOKEN_INFO.ulMaxPinLen":     {unsafe.Offsetof(cTokenInfo{}.maxPIN), 136},
		"CK_TOKEN_INFO.hardwareVersion": {unsafe.Offsetof(cTokenInfo{}.hardware), 184},
		"CK_C_INITIALIZE_ARGS":          {unsafe.Sizeof(initializeArgs{}), 48},
		"CK_C_INITIALIZE_ARGS.flags":    {unsafe.Offsetof(initializeArgs{}.flags), 32},
		"CK_INTERFACE":                  {unsafe.Sizeof(cInterface{}), 24},
		"CK_FUNCTION_LIST":              {unsafe.Sizeof(functionList{}), 552},
		"CK_FUNCTION_LIST.C_Initialize": {unsafe.Offsetof(functionList{}.functions), 8},
		"CK_FUNCTION_LIST_3_0, in part": {unsafe.Sizeof(functionList3{}), 584},
	} {
		if sizes[0] != sizes[1] {
			t.Errorf("%s: %d; in C %d", name, sizes[0], sizes[1])
		}
	}
}

func TestEveryFunctionHasItsName(t *testing.T) {
	for f, name := range map[function]string{
		fnInitialize: "C_Initialize", fnOpenSession: "C_OpenSession", fnEncrypt: "C_Encrypt", fnSign: "C_Sign",
		fnDeriveKey: "C_DeriveKey", fnWaitForSlotEvent: "C_WaitForSlotEvent", fnSessionCancel: "C_SessionCancel",
	} {
		if f.String() != name {
			t.Errorf("%d: %s; want %s", f, f, name)
		}
	}
	for f := range functionCount {
		if !strings.HasPrefix(f.String(), "C_") {
			t.Errorf("%d: %q", f, f)
		}
	}
}

func TestAFrameIsWipedAndGivesZeros(t *testing.T) {
	f := makeFrame(8)
	var taken [][]byte
	for _, n := range []int{0, 1, 8, 9, 1000} {
		p := f.put([]byte(strings.Repeat("x", n)))
		if len(p) != n || addressOf(p) == 0 || addressOf(p)%wordSize != 0 {
			t.Errorf("%d bytes at %x", len(p), addressOf(p))
		}
		taken = append(taken, p)
	}
	f.words[7] = 1 // beyond what a module was given
	f.reset()
	for _, p := range taken {
		if strings.ContainsRune(string(p), 'x') {
			t.Errorf("%d bytes were not wiped", len(p))
		}
	}
	for i, word := range f.take(8) {
		if word != 0 {
			t.Errorf("word %d is %x", i, word)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("label           "))
	f.Add([]byte("caf\xc3\xa9 \xff\x00rest"))
	f.Add([]byte("\xe2\x80\xae\x1b[31m"))
	f.Fuzz(func(t *testing.T, field []byte) {
		s := text(field)
		if len(s) > len(field) || !utf8.ValidString(s) || strings.HasSuffix(s, " ") {
			t.Errorf("%q from %q", s, field)
		}
		for _, r := range s {
			if !unicode.IsPrint(r) {
				t.Errorf("%q in %q", r, s)
			}
		}
	})
}
