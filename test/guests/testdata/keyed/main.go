// Command keyed is a guest for tests that uses keys. It does what its arguments say, one after the other, and writes a
// line for each. No key is closed unless a word says so.
//
//	make ALGORITHM           makes a managed key that may be exported, and uses it: "made ID ERROR"
//	store ALGORITHM MASKED   imports a symmetric key and stores it: "made ID ERROR"
//	use ALGORITHM ID         uses a managed key for what its algorithm is for, three times: "used ERROR"
//	export ALGORITHM ID      takes a managed key out, and keeps its bytes: "export ERROR"
//	local ALGORITHM MASKED   imports a symmetric key and uses it three times: "local ERROR"
//	hold ALGORITHM MASKED    imports a symmetric key and takes it out again, but uses it for nothing: "hold ERROR"
//	close                    closes every local key and state: "closed ERROR"
//	mine N ALGORITHM...      makes N managed keys, signs with each and finds it again: "mine ERROR ID ID..."
//	fill                     makes managed keys until it is refused: "full N ERROR"
//	wait                     says "waiting", and waits for a line
//
// A masked key is hexadecimal, each byte of it xored with 0xA5, so that the key is in no argument.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/claviger/claviger/guest"
)

func main() {
	manager, err := guest.OpenSecretsManager()
	g := &keyed{manager: manager, words: os.Args[1:], input: bufio.NewReader(os.Stdin)}
	for len(g.words) > 0 {
		word := g.next()
		if err != nil && !slices.Contains([]string{"local", "hold", "close", "wait"}, word) {
			fmt.Println("manager", err)
			os.Exit(1)
		}
		g.do(word)
	}
}

// keyed is the guest: what is left to do, and what it has opened.
type keyed struct {
	manager  *guest.SecretsManager
	words    []string
	input    *bufio.Reader
	open     []interface{ Close() error } // local keys and states
	exported [][]byte                     // managed keys' bytes, which are in this guest's memory until it ends
}

func (g *keyed) next() string {
	word := g.words[0]
	g.words = g.words[1:]
	return word
}

func (g *keyed) do(word string) {
	switch word {
	case "make":
		algorithm := g.next()
		id, err := g.make(algorithm)
		if err == nil {
			err = g.use(algorithm, id)
		}
		fmt.Println("made", id, err)
	case "store":
		id, err := g.store(g.next(), g.next())
		fmt.Println("made", id, err)
	case "use":
		fmt.Println("used", g.use(g.next(), g.next()))
	case "export":
		fmt.Println("export", g.export(g.next(), g.next()))
	case "local":
		fmt.Println("local", g.local(g.next(), g.next()))
	case "hold":
		fmt.Println("hold", g.hold(g.next(), g.next()))
	case "close":
		var err error
		for _, c := range g.open {
			err = errors.Join(err, c.Close())
		}
		g.open = nil
		fmt.Println("closed", err)
	case "mine":
		ids, err := g.mine(g.next())
		fmt.Println("mine", err, strings.Join(ids, " "))
	case "fill":
		fmt.Println(g.fill())
	case "wait":
		fmt.Println("waiting")
		_, _ = g.input.ReadString('\n') // an end of the input is a line too
	default:
		fmt.Println("unknown word", word)
		os.Exit(1)
	}
}

// family gives the family of a pair's algorithm, and whether it is one.
func family(algorithm string) (f guest.Family, pair bool) {
	switch {
	case algorithm == "X25519" || strings.HasPrefix(algorithm, "ML-KEM"):
		return guest.KeyExchange, true
	case algorithm == "Ed25519" || strings.HasPrefix(algorithm, "ML-DSA") || strings.HasPrefix(algorithm, "RSA") || strings.HasPrefix(algorithm, "ECDSA"):
		return guest.Signatures, true
	}
	return 0, false
}

func (g *keyed) make(algorithm string) (id string, err error) {
	c := guest.ManagedConfig{Exportable: true}
	if f, pair := family(algorithm); pair {
		k, err := g.manager.GenerateKeyPair(f, algorithm, c)
		if err != nil {
			return "", err
		}
		id, _, err = k.ID()
		return id, err
	}
	k, err := g.manager.GenerateSymmetricKey(algorithm, c)
	if err != nil {
		return "", err
	}
	id, _, err = k.ID()
	return id, err
}

// use does three times what a managed key is for.
func (g *keyed) use(algorithm, id string) error {
	if _, pair := family(algorithm); !pair {
		k, err := g.manager.SymmetricKey(id, guest.Latest)
		if err != nil {
			return err
		}
		return g.thrice(func() error { return g.symmetric(algorithm, k) })
	}
	k, err := g.manager.KeyPair(id, guest.Latest)
	if err != nil {
		return err
	}
	return g.thrice(func() error { return pair(algorithm, k) })
}

func (g *keyed) thrice(do func() error) error {
	for range 3 {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func (g *keyed) export(algorithm, id string) error {
	if _, pair := family(algorithm); !pair {
		k, err := g.manager.SymmetricKey(id, guest.Latest)
		if err != nil {
			return err
		}
		exported, err := k.Export()
		g.exported = append(g.exported, exported)
		return err
	}
	k, err := g.manager.KeyPair(id, guest.Latest)
	if err != nil {
		return err
	}
	exported, err := k.Export(guest.PKCS8)
	g.exported = append(g.exported, exported)
	return err
}

// pair signs, agrees or decapsulates with a pair, and holds the result against its public half.
func pair(algorithm string, k *guest.KeyPair) error {
	public, err := k.PublicKey()
	if err != nil {
		return err
	}
	if f, _ := family(algorithm); f == guest.Signatures {
		signature, err := k.Sign([]byte("a message"))
		if err != nil {
			return err
		}
		return public.Verify(algorithm, []byte("a message"), signature)
	}
	secret, err := k.SecretKey()
	if err != nil {
		return err
	}
	if algorithm != "X25519" {
		want, encapsulated, err := public.Encapsulate()
		if err != nil {
			return err
		}
		got, err := secret.Decapsulate(encapsulated)
		return same(got, want, err)
	}
	return agree(secret, public)
}

// agree agrees with a pair of the guest's own, from both sides.
func agree(secret *guest.SecretKey, public *guest.PublicKey) error {
	own, err := guest.GenerateKeyPair(guest.KeyExchange, "X25519")
	if err != nil {
		return err
	}
	ownSecret, err := own.SecretKey()
	if err != nil {
		return err
	}
	ownPublic, err := own.PublicKey()
	if err != nil {
		return err
	}
	want, err := ownSecret.Agree(public)
	if err != nil {
		return err
	}
	got, err := secret.Agree(ownPublic)
	return same(got, want, err)
}

func same(got, want []byte, err error) error {
	if err == nil && !bytes.Equal(got, want) {
		return errors.New("another result")
	}
	return err
}

// mine makes keys for ECDSA, and finds and uses each again when all are made.
func (g *keyed) mine(count string) (ids []string, err error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil, err
	}
	publics := make(map[string][]byte)
	for range n {
		k, err := g.manager.GenerateKeyPair(guest.Signatures, "ECDSA_P256_SHA256", guest.ManagedConfig{})
		if err != nil {
			return ids, err
		}
		id, _, err := k.ID()
		if err != nil {
			return ids, err
		}
		if publics[id], err = publicOf(k); err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		k, err := g.manager.KeyPair(id, guest.Latest)
		if err != nil {
			return ids, err
		}
		public, err := publicOf(k)
		if err := errors.Join(same(public, publics[id], err), pair("ECDSA_P256_SHA256", k), k.Close()); err != nil {
			return ids, err
		}
	}
	return ids, nil
}

func publicOf(k *guest.KeyPair) ([]byte, error) {
	p, err := k.PublicKey()
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.Export(guest.PKCS8)
}

// fill stores keys until it is refused.
func (g *keyed) fill() string {
	for n := 0; ; n++ {
		k, err := g.manager.GenerateSymmetricKey("AES-128-GCM", guest.ManagedConfig{})
		if err != nil {
			return fmt.Sprintf("full %d %v", n, err)
		}
		if err := k.Close(); err != nil {
			return fmt.Sprint("full ", err)
		}
	}
}
