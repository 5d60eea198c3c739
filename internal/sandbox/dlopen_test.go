package sandbox

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// dlopen loads a library and calls a function of it, as a worker that loads a module does.
func dlopen(library string) string {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return err.Error()
	}
	var cosine func(float64) float64
	purego.RegisterLibFunc(&cosine, handle, "cos")
	if got := cosine(0); got != 1 {
		return fmt.Sprint(got)
	}
	return "ok"
}
