package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/claviger/claviger"
)

// section reads one table. Each method names the key that it asks for; finish complains about all others. A method
// that finds a value of the wrong type or outside its limits complains and answers as if nothing were there.
type section struct {
	c     *checker
	t     *table
	name  string // in complaints; "" for the document
	known []string
	wrong map[string]bool // keys complained about, so that they are not also "missing"
}

// section makes a reader of t; name stands in front of its fields in complaints.
func (c *checker) section(t *table, name string) *section {
	return &section{c: c, t: t, name: name, wrong: make(map[string]bool)}
}

// field gives the full name of a key.
func (s *section) field(key string) string {
	if s.name == "" {
		return key
	}
	return s.name + "." + key
}

// at gives the place of a key's value, or of the table if the key is not there.
func (s *section) at(key string) place {
	if e := s.t.entries[key]; e != nil {
		return e.value.at
	}
	return s.t.at
}

// complain notes that a key's value is wrong or missing, at the value's place or the table's.
func (s *section) complain(key, format string, args ...any) {
	s.wrong[key] = true
	s.c.complain(s.at(key), s.field(key), format, args...)
}

// get gives a key's value if it is there and of one of the kinds; want is what people call them.
func (s *section) get(key, want string, kinds ...unstable.Kind) *value {
	if !slices.Contains(s.known, key) {
		s.known = append(s.known, key)
	}
	s.c.places[s.field(key)] = s.at(key)
	e := s.t.entries[key]
	if e == nil {
		return nil
	}
	if !slices.Contains(kinds, e.value.kind) {
		s.complain(key, "is %s; %s is wanted", kindWords(e.value.kind), want)
		return nil
	}
	return e.value
}

// has reports whether the key is there, right or wrong.
func (s *section) has(key string) bool { return s.t.entries[key] != nil }

// need complains if the key is missing.
func (s *section) need(key, format string, args ...any) {
	if !s.has(key) {
		s.complain(key, format, args...)
	}
}

// text gives a string, "" if it is missing.
func (s *section) text(key string) string {
	v := s.get(key, "a string", unstable.String)
	if v == nil {
		return ""
	}
	if v.text == "" {
		s.complain(key, "is empty")
	}
	return v.text
}

// oneOf gives a string that is one of the words, "" if it is missing or none of them.
func (s *section) oneOf(key string, words ...string) string {
	text := s.text(key)
	if text != "" && !slices.Contains(words, text) {
		s.complain(key, "unknown word %q; known are %s", claviger.Clip(text), strings.Join(words, ", "))
		return ""
	}
	return text
}

// resourceName gives a required name as claviger.CheckName has them.
func (s *section) resourceName(key string) string {
	text := s.text(key)
	if text == "" {
		s.need(key, "is missing")
		return ""
	}
	if err := claviger.CheckName("config", text); err != nil {
		s.complain(key, "%s", reason(err))
		return ""
	}
	return text
}

// integer gives a number from low to high and whether there is one.
func (s *section) integer(key string, low, high int64) (int64, bool) {
	v := s.get(key, "a whole number", unstable.Integer)
	if v == nil {
		return 0, false
	}
	n, ok := parseInteger(v.text)
	if !ok || n < low || n > high {
		s.complain(key, "is %s; %d to %d is allowed", claviger.Clip(v.text), low, high)
		return 0, false
	}
	return n, true
}

// flag gives a boolean, false if it is missing.
func (s *section) flag(key string) bool {
	v := s.get(key, "true or false", unstable.Bool)
	return v != nil && v.text == "true"
}

// duration gives a time such as "5s" from low to high, or fallback if it is missing.
func (s *section) duration(key string, fallback, low, high time.Duration) time.Duration {
	v := s.get(key, `a duration such as "5s"`, unstable.String)
	if v == nil {
		return fallback
	}
	d, err := time.ParseDuration(v.text)
	if err != nil {
		s.complain(key, `%q is no duration; "300ms", "5s", "2m" are`, claviger.Clip(v.text))
		return fallback
	}
	if d < low || d > high {
		s.complain(key, "is %s; %s to %s is allowed", d, low, high)
		return fallback
	}
	return d
}

// words gives the strings of an array and whether the key is there.
func (s *section) words(key string) ([]*value, bool) {
	v := s.get(key, "an array of strings", unstable.Array)
	if v == nil {
		return nil, false
	}
	var list []*value
	for _, item := range v.items {
		if item.kind != unstable.String {
			s.wrong[key] = true
			s.c.complain(item.at, s.field(key), "holds %s; an array of strings is wanted", kindWords(item.kind))
			continue
		}
		list = append(list, item)
	}
	return list, true
}

// list gives the section's tables of a [[key]], each named by its own name field where it has one.
func (s *section) list(key string) []*section {
	v := s.get(key, "a list of tables, each headed [["+key+"]],", unstable.ArrayTable, unstable.Array)
	if v == nil {
		return nil
	}
	var all []*section
	for _, item := range v.items {
		if item.table == nil {
			s.c.complain(item.at, s.field(key), "holds %s; a table is wanted", kindWords(item.kind))
			continue
		}
		name := key
		if e := item.table.entries["name"]; e != nil && e.value.kind == unstable.String {
			name += " " + strconv.Quote(claviger.Clip(e.value.text))
		}
		all = append(all, s.c.section(item.table, name))
	}
	return all
}

// one gives the section of a [key] table; one that is missing is empty and stands at the end of its parent's header.
func (s *section) one(key string) *section {
	v := s.get(key, "a table headed ["+key+"]", unstable.Table, unstable.InlineTable)
	if v == nil {
		return s.c.section(newTable(s.t.at), s.field(key))
	}
	s.c.places[s.field(key)] = v.table.at
	return s.c.section(v.table, s.field(key))
}

// finish complains about every key that nobody asked for.
func (s *section) finish() {
	for _, key := range s.t.order {
		if !slices.Contains(s.known, key) {
			s.c.complain(s.t.entries[key].at, s.field(claviger.Clip(key)), "unknown field; known are %s", strings.Join(s.known, ", "))
		}
	}
}

// parseInteger reads a TOML integer: underscores, a sign, the prefixes 0x, 0o and 0b.
func parseInteger(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimPrefix(text, "+"), "_", ""), 0, 64)
	return n, err == nil && n != math.MinInt64
}

// kindWords says what a kind of value is called.
func kindWords(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a string"
	case unstable.Integer:
		return "a whole number"
	case unstable.Float:
		return "a fraction"
	case unstable.Bool:
		return "true or false"
	case unstable.Array:
		return "an array"
	case unstable.Table, unstable.InlineTable:
		return "a table"
	case unstable.ArrayTable:
		return "a list of tables"
	}
	return "a date or time"
}
