package main

import (
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/guestfs"
)

// wasmPage is the unit of a module's memory, in bytes (WebAssembly core specification 2.0, 4.2.8).
const wasmPage = 64 << 10

// maxPages is the most memory that a module can address.
const maxPages = 1 << 16

// parseMemory reads --memory into pages, rounding down.
func parseMemory(word string) (uint32, error) {
	number, shift := strings.TrimSpace(word), 0
	for suffix, by := range map[string]int{"kib": 10, "mib": 20, "gib": 30} {
		if n := len(number) - len(suffix); n > 0 && strings.EqualFold(number[n:], suffix) {
			number, shift = strings.TrimSpace(number[:n]), by
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 33)
	if err != nil || n > maxPages*wasmPage>>shift {
		return 0, usagef("--memory %q is no size up to 4GiB; 64MiB is one", claviger.Clip(word))
	}
	pages := n << shift / wasmPage
	if pages == 0 {
		return 0, usagef("--memory %q is less than one page of 64KiB", claviger.Clip(word))
	}
	return uint32(pages), nil
}

// parseEnv reads the --env flags into names and values. A name without a value has the one of this process; one that this
// process has not is left out.
func parseEnv(words []string) ([][2]string, error) {
	var list [][2]string
	for _, word := range words {
		key, value, given := strings.Cut(word, "=")
		if key == "" || strings.ContainsRune(word, 0) {
			return nil, usagef("--env %q has no name", claviger.Clip(word))
		}
		if !given {
			if value, given = os.LookupEnv(key); !given {
				continue
			}
		}
		list = append(list, [2]string{key, value})
	}
	return list, nil
}

// openMount reads a --dir and opens its directory. The last colon parts HOST from GUEST, so that HOST may hold one if
// GUEST is given.
func openMount(word string) (mount, error) {
	rest, readOnly := strings.CutSuffix(word, ":ro")
	host, at := rest, rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		host, at = rest[:i], rest[i+1:]
	}
	at = path.Clean(at)
	switch {
	case host == "" || rest == "" || strings.HasSuffix(rest, ":"):
		return mount{}, usagef("--dir %q is not HOST[:GUEST][:ro]", claviger.Clip(word))
	case at == ".." || strings.HasPrefix(at, "../"):
		return mount{}, usagef("--dir %q: the guest cannot call it %q; say HOST:GUEST", claviger.Clip(word), claviger.Clip(at))
	}
	dir, err := guestfs.Open(host, readOnly)
	return mount{dir: dir, host: host, at: path.Join("/", at), readOnly: readOnly}, err
}
