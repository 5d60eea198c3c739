package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// completionTime is how long the shell waits for the daemon's names. Where nobody listens it does not wait.
const completionTime = 300 * time.Millisecond

// noFiles keeps the shell from offering files where none makes sense.
const noFiles = cobra.ShellCompDirectiveNoFileComp

// question asks the daemon for words. One may have a description, behind a tab.
type question func(ctx context.Context, s *client.Stack) ([]string, error)

// place is where words are offered: the arguments of commands, or the value of a flag that they have.
type place struct {
	commands string // with a comma and a space between them
	flag     string // "" for the arguments
	words    cobra.CompletionFunc
}

// prepareCompletion gives the tree of commands what the shell's completion needs, when it is the shell that asks.
func (a *app) prepareCompletion(cmd *cobra.Command, _ []string) {
	if cmd.Name() != cobra.ShellCompRequestCmd {
		return
	}
	root := cmd.Root()
	describe(root)
	for _, p := range append(a.argumentPlaces(), a.flagPlaces()...) {
		for path := range strings.SplitSeq(p.commands, ", ") {
			p.complete(root, path)
		}
	}
}

// complete has one command offer the words of the place.
func (p place) complete(root *cobra.Command, path string) {
	cmd, _, err := root.Find(strings.Fields(path))
	if err != nil || commandName(cmd) != path {
		panic("no command " + path) // the tables and the tree are made by the same program
	}
	if p.flag == "" {
		cmd.ValidArgsFunction = p.words
		return
	}
	if err := cmd.RegisterFlagCompletionFunc(p.flag, p.words); err != nil {
		panic(err) // likewise
	}
}

// describe readies a command, and all below it, for being offered: usages become descriptions, without the marks of their
// placeholders, and a command without arguments takes no files. The tree is good for no help afterwards.
func describe(cmd *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	cmd.Flags().VisitAll(plain)
	cmd.PersistentFlags().VisitAll(plain)
	if cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, " ") {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, below := range cmd.Commands() {
		describe(below)
	}
}

// argumentPlaces lists the commands whose arguments are names.
func (a *app) argumentPlaces() []place {
	key := a.ask(noFiles, slotsOf(claviger.TypeKeySlot))
	cert := a.ask(noFiles, slotsOf(claviger.TypeCertSlot))
	return []place{
		arguments("slot info, slot generate, slot rotate, slot clear, slot public, slot adopt", key),
		arguments("slot import", key, files),
		arguments("slot objects, providers", a.ask(noFiles, providerNames)),
		arguments("cert export, cert clear", cert),
		arguments("cert import, cert crl import", cert, files),
		arguments("cert info, cert verify", a.ask(cobra.ShellCompDirectiveDefault, slotsOf(claviger.TypeCertSlot))),
		arguments("hash", a.ask(noFiles, algorithmsThat("hash")), files),
		arguments("algorithms", a.ask(noFiles, algorithmsThat())),
		arguments("random, secret get, secret invalidate, secret key destroy", cobra.NoFileCompletions),
		arguments("secret replace", cobra.NoFileCompletions, files),
	}
}

// arguments is the place of the arguments of commands.
func arguments(commands string, words ...cobra.CompletionFunc) place {
	return place{commands, "", inOrder(words)}
}

// flagPlaces lists the flags whose values are names, or words from a short list.
func (a *app) flagPlaces() []place {
	key, cert := slotsOf(claviger.TypeKeySlot), slotsOf(claviger.TypeCertSlot)
	return []place{
		{"sign, verify, mac, encrypt, decrypt", "key", a.ask(noFiles, key)},
		{"cert verify", "trust-store", a.ask(noFiles, slotsOf(claviger.TypeTrustStore))},
		{"cert verify", "chain", a.ask(cobra.ShellCompDirectiveDefault, cert)},
		{"slot import", "certificate-slot", a.ask(noFiles, cert)},
		{"hash, mac, encrypt, decrypt, sign, verify, random, slot generate, slot rotate, slot import", "provider",
			a.ask(noFiles, providerChoices, providerKinds()...)},
		{"mac", "algorithm", a.ask(noFiles, algorithmsThat("mac"))},
		{"sign", "algorithm", a.ask(noFiles, algorithmsThat("sign"))},
		{"verify", "algorithm", a.ask(noFiles, algorithmsThat("verify"))},
		{"slot generate, slot rotate", "algorithm", a.ask(noFiles, algorithmsThat("generate"))},
		{"slot import", "algorithm", a.ask(noFiles, algorithmsThat("import"))},
		{"slot objects", "algorithm", a.ask(noFiles, algorithmsThat("generate", "import"))},
		{"encrypt", "raw", a.ask(noFiles, algorithmsThat("encrypt"))},
		{"decrypt", "raw", a.ask(noFiles, algorithmsThat("decrypt"))},
		{"algorithms", "operation", fixed(operations()...)},
		{"slot public", "format", fixed("pem", "der", "raw")},
		{"slot import", "format", fixed("pem", "der", "pkcs12", "raw")},
		{"cert export", "format", fixed("pem", "der")},
		{"slot import, slot adopt", "permissions", completePermissions},
	}
}

// inOrder completes each argument by the function of its place. Where the usage says that the last one may be repeated, it is.
func inOrder(words []cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		i := len(args)
		if strings.HasSuffix(cmd.Use, "...]") {
			i = min(i, len(words)-1)
		}
		if i >= len(words) {
			return nil, noFiles
		}
		return words[i](cmd, args, typed)
	}
}

// files leaves it to the shell to offer files.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// fixed offers words that need no daemon.
func fixed(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return fitting(words, typed), noFiles
	}
}

// ask offers what the daemon that the flags name answers, behind words that are there without it.
func (a *app) ask(files cobra.ShellCompDirective, q question, words ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return fitting(append(words[:len(words):len(words)], a.answer(cmd.Context(), q)...), typed), files
	}
}

// answer gives the daemon's answer, and nothing if there is none within completionTime: an error would be in the way of who
// is typing.
func (a *app) answer(ctx context.Context, q question) []string {
	c, err := a.clientConfig()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	stack, err := client.Dial(ctx, c)
	if err != nil {
		return nil
	}
	defer stack.Close()
	words, err := q(ctx, stack)
	if err != nil {
		return nil
	}
	return words
}

// fitting gives the words that begin with what was typed, in either case: the shell decides whether that is enough.
func fitting(words []string, typed string) []string {
	var fit []string
	for _, w := range words {
		if len(w) >= len(typed) && strings.EqualFold(w[:len(typed)], typed) {
			fit = append(fit, w)
		}
	}
	return fit
}

// slotsOf asks for the names of one type that the caller can resolve. What is in a slot is its description.
func slotsOf(t claviger.ResourceType) question {
	return func(ctx context.Context, s *client.Stack) ([]string, error) {
		slots, err := s.Slots(ctx)
		var words []string
		for _, slot := range slots {
			if slot.Type == t {
				words = append(words, cobra.CompletionWithDesc(slot.Name, slotContents(slot)))
			}
		}
		return words, err
	}
}

// slotContents describes a slot in a few words; a trust store has none.
func slotContents(slot client.NamedSlot) string {
	switch {
	case slot.Type == claviger.TypeTrustStore:
		return ""
	case slot.Info.Algorithm == "":
		return slot.Info.State.String()
	}
	return string(slot.Info.Algorithm) + ", " + slot.Info.State.String()
}

// algorithmsThat asks for the algorithms that do one of the operations; without any for all.
func algorithmsThat(operations ...string) question {
	return func(ctx context.Context, s *client.Stack) ([]string, error) {
		c, err := s.Capabilities(ctx)
		var words []string
		for _, i := range c.Algorithms {
			does := func(operation string) bool { return slices.Contains(i.Operations, operation) }
			if len(operations) == 0 || slices.ContainsFunc(operations, does) {
				words = append(words, string(i.Name))
			}
		}
		return words, err
	}
}

// providerNames asks for the names of the providers.
func providerNames(ctx context.Context, s *client.Stack) ([]string, error) {
	infos, err := s.Providers(ctx)
	var words []string
	for _, p := range infos {
		words = append(words, cobra.CompletionWithDesc(p.Name, p.Kind.String()))
	}
	return words, err
}

// providerChoices asks for the providers as --provider names them.
func providerChoices(ctx context.Context, s *client.Stack) ([]string, error) {
	infos, err := s.Providers(ctx)
	var words []string
	for _, p := range infos {
		words = append(words, providerChoice(p))
	}
	return words, err
}

// providerChoice is a provider's name, or its number if --provider would take the name for something else.
func providerChoice(p claviger.ProviderInfo) string {
	var at client.ProviderSelector
	if err := (providerValue{&at}).Set(p.Name); err != nil || at.Name != p.Name {
		return cobra.CompletionWithDesc(strconv.Itoa(int(p.ID)), p.Name)
	}
	return cobra.CompletionWithDesc(p.Name, p.Kind.String())
}

// completePermissions offers the words of --permissions for the last one of the list, less those that it has already. No space
// follows, because another word may.
func completePermissions(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	end := strings.LastIndexAny(typed, ",|") + 1
	before, last := typed[:end], typed[end:]
	given := make(map[string]bool)
	for word := range strings.FieldsFuncSeq(before, func(r rune) bool { return r == ',' || r == '|' }) {
		given[strings.ToLower(strings.TrimSpace(word))] = true
	}
	var words []string
	for _, w := range fitting(permissionList(), last) {
		if !given[w] {
			words = append(words, before+w)
		}
	}
	return words, noFiles | cobra.ShellCompDirectiveNoSpace
}

// permissionList lists the words that claviger.ParsePermission reads.
func permissionList() []string {
	return append(claviger.AllPermissions.Words(), "none", "all", "data-protection", "authentication", "full-lifecycle")
}
