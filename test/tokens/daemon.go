package tokens

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// Numbers of a rig's providers. The first is named "token", the second "software".
const (
	TokenID    = 2
	SoftwareID = 5
)

// Options say what daemon with a token is wanted. The zero value is one that runs as daemontest's daemons do, over an empty token of
// SoftHSM, with a worker that is shut in by all that there is, and the slots that DefaultSlots gives.
type Options struct {
	Token     *Token            // nil: an empty one of SoftHSM
	Hostile   *Hostile          // in front of the token's module; nil: nothing is
	Module    string            // path of the module; "" is that of Hostile, else that of Token
	Selector  string            // which token, as the configuration says it: `serial = "..."`; "" is the label of Token
	Sandbox   string            // "" is "required"
	Sessions  int               // 0 is left to the daemon
	HangAfter time.Duration     // 0 is left to the daemon
	Env       map[string]string // of the worker, beside what Token and Hostile need
	Root      bool              // the daemon runs as root; the test must do so too
	User      int               // uid of the worker, for a daemon that is root; 0 is the daemon's own
	Slots     []Slot            // nil is DefaultSlots
	Daemon    string            // further lines of the [daemon] table
	Fields    string            // further lines of the token's [[provider]] table
	Config    string            // further tables
	Resources string            // further lines of the [app.resources] table
}

// Slot is a key slot of a rig. The test's own user resolves it by its name, and may write it in every way.
type Slot struct {
	Name       string
	Algorithm  string
	Providers  []string
	Operations []string
}

// DefaultSlots gives the slots of a rig: of "token/..." the token is the one provider, of "pair/..." it is the primary one beside
// software, of "soft/..." it is the second, and of "software/..." it is none.
func DefaultSlots() []Slot {
	token, pair, soft, software := []string{"token"}, []string{"token", "software"}, []string{"software", "token"}, []string{"software"}
	sign, crypt := []string{"sign", "verify"}, []string{"encrypt", "decrypt"}
	return []Slot{
		{"token/signing", "ECDSA-P256", token, sign},
		{"token/rsa", "RSA-2048", token, append(sign, crypt...)},
		{"token/data", "AES-256", token, crypt},
		{"token/new", "AES-256", token, crypt},
		{"token/agree", "ECDH-P256", token, []string{"agree"}},
		{"token/mac", "HMAC-SHA-256", token, []string{"mac"}},
		{"pair/signing", "ECDSA-P256", pair, sign},
		{"pair/data", "AES-256", pair, crypt},
		{"soft/data", "AES-256", soft, crypt},
		{"software/signing", "ECDSA-P256", software, sign},
		{"software/data", "AES-256", software, crypt},
	}
}

// Rig is a running daemon with a token.
type Rig struct {
	*daemontest.Daemon
	Token   *Token
	Hostile *Hostile // nil if none was wanted
	Worker  int      // uid of the worker
	Text    string   // of the configuration, as daemontest takes it
	user    int      // whom the daemon runs as
}

// Start starts a daemon with a token as it is wanted. The test fails if it does not serve, and is skipped where something is missing
// that it needs. All of it ends with the test.
func Start(t testing.TB, o Options) *Rig {
	t.Helper()
	r := Prepare(t, o)
	r.Serve(t)
	return r
}

// Serve starts the daemon of a rig that Prepare has made.
func (r *Rig) Serve(t testing.TB) {
	t.Helper()
	r.Daemon = daemontest.StartAs(t, r.Text, r.user)
}

// Prepare makes all of a Rig but its daemon.
func Prepare(t testing.TB, o Options) *Rig {
	t.Helper()
	if o.Root || o.User != 0 {
		daemontest.NeedRoot(t)
	}
	if o.Token == nil {
		o.Token = SoftHSM(t)
	}
	r := &Rig{Token: o.Token, Hostile: o.Hostile, user: o.daemon()}
	if r.Worker = o.User; o.User == 0 {
		r.Worker = r.user
	}
	if r.user != os.Getuid() || r.Worker != os.Getuid() {
		o.Token.Give(t, r.user, r.Worker)
	}
	if o.Hostile != nil && r.Worker != os.Getuid() {
		o.Hostile.Give(r.Worker)
	}
	r.Text = o.text()
	return r
}

// daemon is whom the daemon runs as.
func (o Options) daemon() int {
	if os.Getuid() == 0 && !o.Root {
		return daemontest.DaemonUID
	}
	return os.Getuid()
}

// text is the configuration.
func (o Options) text() string {
	if o.Slots == nil {
		o.Slots = DefaultSlots()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[daemon]\nsocket = \"{{.Socket}}\"\nstore = \"{{.Dir}}/store.db\"\n%s\n", o.Daemon)
	fmt.Fprint(&b, "[keeper]\nkind = \"file\"\npath = \"{{.Dir}}/store.key\"\n\n[admin]\nuids = [{{.Self}}]\n\n")
	o.provider(&b)
	fmt.Fprintf(&b, "[[provider]]\nid = %d\nname = \"software\"\nkind = \"software\"\n\n%s\n", SoftwareID, o.Config)
	for _, s := range o.Slots {
		fmt.Fprintf(&b, "[[slot]]\nname = %q\nalgorithm = %q\nproviders = %s\noperations = %s\n\n", s.Name, s.Algorithm, list(s.Providers), list(s.Operations))
	}
	fmt.Fprint(&b, "[[app]]\nname = \"test\"\nuid = {{.Self}}\n[app.resources]\n")
	for _, s := range o.Slots {
		fmt.Fprintf(&b, "%q = { slot = %q, write = [\"generate\", \"import\", \"persist\", \"clear\"] }\n", s.Name, s.Name)
	}
	fmt.Fprintln(&b, o.Resources)
	return b.String()
}

// provider writes the token's table.
func (o Options) provider(b *strings.Builder) {
	module, write, env := o.Token.Module, []string{o.Token.Store}, o.Token.Env()
	if h := o.Hostile; h != nil {
		module, write, env = h.Path, append(write, h.Dir), append(env, h.Env()...)
	}
	if o.Module != "" {
		module = o.Module
	}
	if o.Selector == "" {
		o.Selector = "token = " + strconv.Quote(o.Token.Label)
	}
	if o.Sandbox == "" {
		o.Sandbox = "required"
	}
	for _, name := range slices.Sorted(maps.Keys(o.Env)) {
		env = append(env, name+"="+o.Env[name])
	}
	fmt.Fprintf(b, "[[provider]]\nid = %d\nname = \"token\"\nkind = \"pkcs11\"\nmodule = %q\n%s\npin_file = %q\nsandbox = %q\n", TokenID, module,
		o.Selector, o.Token.PINFile, o.Sandbox)
	fmt.Fprintf(b, "read = [%q]\nwrite = %s\n", o.Token.Config, list(write))
	if o.Sessions != 0 {
		fmt.Fprintf(b, "sessions = %d\n", o.Sessions)
	}
	if o.HangAfter != 0 {
		fmt.Fprintf(b, "hang_after = %q\n", o.HangAfter)
	}
	if o.User != 0 {
		fmt.Fprintf(b, "user = %d\n", o.User)
	}
	for i, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		env[i] = fmt.Sprintf("%s = %q", name, value)
	}
	fmt.Fprintf(b, "env = { %s }\n%s\n", strings.Join(env, ", "), o.Fields)
}

// list writes an array of strings as TOML does.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
