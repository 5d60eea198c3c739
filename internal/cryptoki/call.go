package cryptoki

import (
	"runtime"

	"github.com/ebitengine/purego"
)

// maxArguments is the most that a function of the standard takes here: eight, by C_GenerateKeyPair. purego allows 32.
const maxArguments = 8

// gate makes C calls, one at a time. The arguments lie in the gate because a slice of them that is made for each call
// would be an allocation for each call; functions that take fewer arguments never see the zeros that follow. Measured
// on this path, purego.SyscallN costs a fifth of a function made by purego.RegisterFunc.
type gate struct {
	module    *Module
	arguments [maxArguments]uintptr
}

// call calls f with up to five arguments. An argument that is a pointer must be converted in the call's own argument
// list: the directive makes the compiler put what it points to on the heap and hold it until call returns.
//
//go:uintptrescapes
func (g *gate) call(f function, a1, a2, a3, a4, a5 uintptr) error {
	g.arguments = [maxArguments]uintptr{a1, a2, a3, a4, a5}
	return g.run(f)
}

// call8 is call with eight arguments.
//
//go:uintptrescapes
func (g *gate) call8(f function, a1, a2, a3, a4, a5, a6, a7, a8 uintptr) error {
	g.arguments = [maxArguments]uintptr{a1, a2, a3, a4, a5, a6, a7, a8}
	return g.run(f)
}

// run calls f with the arguments in the gate. A function that the module does not have is ErrFunctionNotSupported, and
// after Close every one is ErrCryptokiNotInitialized.
func (g *gate) run(f function) error {
	address := g.module.functions[f]
	switch {
	case g.module.closed.Load():
		return &CallError{Function: f.String(), Code: ErrCryptokiNotInitialized}
	case address == 0:
		return &CallError{Function: f.String(), Code: ErrFunctionNotSupported}
	}
	rv, _, _ := purego.SyscallN(address, g.arguments[:]...)
	runtime.KeepAlive(g)
	if rv != 0 {
		return &CallError{Function: f.String(), Code: Error(rv)}
	}
	return nil
}
