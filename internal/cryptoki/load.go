package cryptoki

import (
	"path/filepath"
	"runtime"
	"strings"
	"structs"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/claviger/claviger"
)

// Module is a module that was loaded and initialised. Its methods may be called by many goroutines at once.
type Module struct {
	version   Version                // of the function list in use
	functions [functionCount]uintptr // 0 where the module has none
	closed    atomic.Bool
}

// initializeArgs is CK_C_INITIALIZE_ARGS.
type initializeArgs struct {
	_        structs.HostLayout
	mutexes  [4]uintptr // our own mutex functions: none
	flags    uint
	reserved uintptr
}

// osLocking is CKF_OS_LOCKING_OK: calls come from many threads, and the module locks by the system's means.
const osLocking = 2

// functionList is CK_FUNCTION_LIST, and functionList3 is CK_FUNCTION_LIST_3_0 as far as it is used here. The padding
// between version and pointers is the compiler's, as in C.
type functionList struct {
	_         structs.HostLayout
	version   Version
	functions [functionCount2]uintptr
}

type functionList3 struct {
	_         structs.HostLayout
	version   Version
	functions [functionCount]uintptr
}

// cInterface is CK_INTERFACE. The list is read only once its version is known.
type cInterface struct {
	_     structs.HostLayout
	name  uintptr
	list  unsafe.Pointer
	flags uint
}

// Open loads the module at path, which must be absolute so that no search path has a say, and initialises it for calls
// from many threads (C_Initialize with CKF_OS_LOCKING_OK). It uses the interface "PKCS 11" of a module that has
// C_GetInterface, and otherwise C_GetFunctionList (PKCS #11 3.1 section 5.4). The library runs code of its own
// while it is loaded, and stays mapped until the process ends, also after an error or Close.
//
// The error is claviger.ErrInvalidArgument for a path, claviger.ErrProviderNotAvailable for a library that cannot be
// loaded or is no module, and else a CallError. ErrCryptokiAlreadyInitialized means that something else in this
// process uses the module, with sessions and a login that would be shared; it is not used then.
func Open(path string) (*Module, error) {
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "module", "path %q is not absolute", path)
	}
	// dlerror speaks of the thread's last error.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "module", "%s", printable(err.Error()))
	}
	m := new(Module)
	if !m.load3(library) {
		if err := m.load2(library, path); err != nil {
			return nil, err
		}
	}
	g := &gate{module: m}
	args := &initializeArgs{flags: osLocking}
	if err := g.call(fnInitialize, uintptr(unsafe.Pointer(args)), 0, 0, 0, 0); err != nil {
		return nil, err
	}
	return m, nil
}

// load3 takes the functions from C_GetInterface and reports whether it could: a module that has it and no interface
// of 3.x is asked the old way.
func (m *Module) load3(library uintptr) bool {
	entry, err := purego.Dlsym(library, fnGetInterface.String())
	if err != nil {
		return false
	}
	name := []byte("PKCS 11\x00")
	found := new(*cInterface)
	rv, _, _ := purego.SyscallN(entry, uintptr(unsafe.Pointer(&name[0])), 0, uintptr(unsafe.Pointer(found)), 0)
	if rv != 0 || *found == nil || (*found).list == nil {
		return false
	}
	list := (*found).list
	if (*Version)(list).Major != 3 {
		return false
	}
	m.version = *(*Version)(list)
	m.functions = (*functionList3)(list).functions
	return true
}

// load2 takes the functions from C_GetFunctionList. The list is one of 2.x even if its version says 3.
func (m *Module) load2(library uintptr, path string) error {
	entry, err := purego.Dlsym(library, fnGetFunctionList.String())
	if err != nil {
		return claviger.Errorf(claviger.ErrProviderNotAvailable, "module", "%q is not a PKCS #11 module: it has no C_GetFunctionList", path)
	}
	list := new(*functionList)
	if rv, _, _ := purego.SyscallN(entry, uintptr(unsafe.Pointer(list))); rv != 0 {
		return &CallError{Function: fnGetFunctionList.String(), Code: Error(rv)}
	}
	if *list == nil {
		return implausible(fnGetFunctionList, "no list")
	}
	m.version = (*list).version
	if m.version.Major != 2 && m.version.Major != 3 {
		return implausible(fnGetFunctionList, "a list of version %s", m.version)
	}
	copy(m.functions[:], (*list).functions[:])
	return nil
}

// Close finalises the module (C_Finalize), which ends all its sessions and logins. No other call may be under way; each
// later one is ErrCryptokiNotInitialized. Closing again does nothing.
func (m *Module) Close() error {
	if m.closed.Load() {
		return nil
	}
	g := &gate{module: m}
	err := g.call(fnFinalize, 0, 0, 0, 0, 0)
	m.closed.Store(true)
	return err
}
