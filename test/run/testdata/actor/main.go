// Command actor is a guest for tests: it does what its arguments say, one after the other, and writes a line for each.
//
//	put TEXT           stores a secret: "put ERRNO ID"
//	get ID             reads its latest version: "get ERRNO TEXT"
//	key                makes a managed key: "key ERRNO ID"
//	mac ID             authenticates nothing under the latest version of a managed key: "mac ERRNO TAG"
//	open               opens the secrets manager: "open ERRNO"
//	hold               makes a managed key and a state on it, and keeps them and the manager open: "hold ERRNO ID"
//	held               uses that manager, that key and that state: "held ERRNO ERRNO ERRNO"
//	local              digests nothing, which needs no keeper: "local ERRNO"
//	args, env          what the guest was given
//	cat                copies standard input
//	line               waits for a line of standard input
//	read, list FILE    what is in a file or a directory, or the error
//	write FILE         writes to a file: "write ERROR"
//	exit STATUS        ends
//	trap, loop, sleep  goes wrong, computes for ever, sleeps for ever
//	grow               takes memory until there is none
package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

func main() {
	args := os.Args[1:]
	next := func() string {
		if len(args) == 0 {
			return ""
		}
		word := args[0]
		args = args[1:]
		return word
	}
	input := bufio.NewReader(os.Stdin)
	var kept held
	for len(args) > 0 {
		switch word := next(); word {
		case "put":
			fmt.Println(put(next()))
		case "get":
			fmt.Println(get(next()))
		case "key":
			fmt.Println(key())
		case "mac":
			fmt.Println(mac(next()))
		case "open":
			_, errno := manager()
			fmt.Println("open", errno)
		case "hold":
			fmt.Println(kept.hold())
		case "held":
			fmt.Println(kept.use())
		case "local":
			fmt.Println("local", local())
		case "args":
			fmt.Printf("%q\n", os.Args)
		case "env":
			fmt.Printf("%q\n", os.Environ())
		case "cat":
			_, err := io.Copy(os.Stdout, input)
			fmt.Fprintln(os.Stderr, "cat", err)
		case "line":
			line, err := input.ReadString('\n')
			fmt.Printf("line %q %v\n", line, err)
		case "read":
			text, err := os.ReadFile(next())
			fmt.Printf("read %q %v\n", text, err)
		case "list":
			list, err := os.ReadDir(next())
			fmt.Println("list", list, err)
		case "write":
			fmt.Println("write", os.WriteFile(next(), []byte("written"), 0o600))
		default:
			end(word, next)
		}
	}
}

// end does what ends the guest, in one way or another.
func end(word string, next func() string) {
	switch word {
	case "exit":
		status, _ := strconv.Atoi(next())
		os.Exit(status)
	case "trap":
		trap(0)
	case "loop":
		for n := 0; ; n++ {
			if n < 0 {
				fmt.Println(n)
			}
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "grow":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
		}
	default:
		fmt.Println("unknown word", word)
		os.Exit(99)
	}
}

// trap calls itself until the stack is used up.
//
//go:noinline
func trap(n int) int { return trap(n+1) + 1 }

// manager opens the secrets manager.
func manager() (handle, errno uint32) {
	none := raw.Optional{Tag: raw.None}
	errno = raw.SecretsManagerOpen(unsafe.Pointer(&none), unsafe.Pointer(&handle))
	return handle, errno
}

func put(secret string) string {
	m, errno := manager()
	id := make([]byte, 32)
	if errno == 0 {
		errno = raw.ExternalSecretStore(m, text(secret), uint32(len(secret)), math.MaxUint64, unsafe.Pointer(&id[0]), 32)
	}
	return fmt.Sprintf("put %d %s", errno, strings.TrimRight(string(id), "\x00"))
}

func get(id string) string {
	m, errno := manager()
	var output, length uint32
	if errno == 0 {
		errno = raw.ExternalSecretFromID(m, text(id), uint32(len(id)), raw.VersionLatest, unsafe.Pointer(&output))
	}
	secret := make([]byte, 100)
	if errno == 0 {
		errno = raw.ArrayOutputPull(output, unsafe.Pointer(&secret[0]), 100, unsafe.Pointer(&length))
	}
	return fmt.Sprintf("get %d %s", errno, secret[:length])
}

func key() string {
	m, errno := manager()
	none, name := raw.Optional{Tag: raw.None}, "HMAC/SHA-256"
	var made, length uint32
	var version uint64
	id := make([]byte, 32)
	if errno == 0 {
		errno = raw.SymmetricKeyGenerateManaged(m, text(name), uint32(len(name)), unsafe.Pointer(&none), unsafe.Pointer(&made))
	}
	if errno == 0 {
		errno = raw.SymmetricKeyID(made, unsafe.Pointer(&id[0]), 32, unsafe.Pointer(&length), unsafe.Pointer(&version))
	}
	return fmt.Sprintf("key %d %s", errno, id[:length])
}

func mac(id string) string {
	m, errno := manager()
	none, name := raw.Optional{Tag: raw.None}, "HMAC/SHA-256"
	var found raw.Optional
	var state, tag, length uint32
	if errno == 0 {
		errno = raw.SymmetricKeyFromID(m, text(id), uint32(len(id)), raw.VersionLatest, unsafe.Pointer(&found.Handle))
	}
	if errno == 0 {
		errno = raw.SymmetricStateOpen(text(name), uint32(len(name)), unsafe.Pointer(&found), unsafe.Pointer(&none), unsafe.Pointer(&state))
	}
	if errno == 0 {
		errno = raw.SymmetricStateSqueezeTag(state, unsafe.Pointer(&tag))
	}
	sum := make([]byte, 32)
	if errno == 0 {
		errno = raw.SymmetricTagPull(tag, unsafe.Pointer(&sum[0]), 32, unsafe.Pointer(&length))
	}
	return fmt.Sprintf("mac %d %x", errno, sum[:length])
}

// text gives the address of a string's bytes.
func text(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }
