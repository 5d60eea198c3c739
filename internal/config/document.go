package config

import (
	"bytes"
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// value is a TOML value with its place. Only the field that fits the kind is set.
type value struct {
	at    place
	kind  unstable.Kind
	text  string // strings: what they say; other scalars: how they are written
	items []*value
	table *table
}

// table is a TOML table, its entries by name.
type table struct {
	at      place
	inline  bool // complete where it stands
	order   []string
	entries map[string]*entry
}

// entry is a key of a table, with the key's place.
type entry struct {
	at    place
	value *value
}

// newTable makes an empty table that stands at a place.
func newTable(at place) *table { return &table{at: at, entries: make(map[string]*entry)} }

// put adds an entry under a name that t does not have yet.
func (t *table) put(name string, e *entry) {
	t.order = append(t.order, name)
	t.entries[name] = e
}

// builder makes the tree of a document that the decoder has found to be right: no key twice, no table reopened.
type builder struct {
	parser  unstable.Parser
	lines   []int // offset of each line's first byte
	current *table
	root    *table
}

// errShape cannot happen after the decoder's own check; it stands where the tree would otherwise be wrong.
var errShape = errors.New("a key stands for two things")

// document reads TOML into a tree. If the text is not TOML, it complains and returns nil. The decoder that knows all
// rules of TOML runs first and finds what is not TOML; the second pass only adds places.
func (c *checker) document(data []byte) *table {
	data = bytes.Clone(data)
	var anything map[string]any
	if err := toml.Unmarshal(data, &anything); err != nil {
		at := place{1, 1}
		var de *toml.DecodeError
		if errors.As(err, &de) {
			at.line, at.column = de.Position()
		}
		c.complain(at, "syntax", "%s", strings.TrimPrefix(err.Error(), "toml: "))
		return nil
	}
	b := &builder{root: newTable(place{1, 1})}
	if err := b.build(data); err != nil {
		c.complain(place{1, 1}, "syntax", "%s", strings.TrimPrefix(err.Error(), "toml: "))
		return nil
	}
	return b.root
}

// build parses all expressions of data, which must stay unchanged: nodes point into it.
func (b *builder) build(data []byte) error {
	b.lines = []int{0}
	for i, ch := range data {
		if ch == '\n' {
			b.lines = append(b.lines, i+1)
		}
	}
	b.current = b.root
	b.parser.Reset(data)
	for b.parser.NextExpression() {
		if err := b.expression(b.parser.Expression()); err != nil {
			return err
		}
	}
	return b.parser.Error()
}

// expression adds one header or one key and value (TOML 1.1, "Table", "Array of Tables", "Key/Value Pair"). A [header]
// of a table that a deeper header has made before moves the table's place to itself.
func (b *builder) expression(n *unstable.Node) error {
	switch n.Kind {
	case unstable.Table:
		t, last, at, err := b.descend(b.root, n)
		if err != nil {
			return err
		}
		if e := t.entries[last]; e != nil { // made by a deeper header before
			b.current = e.value.table
			b.current.at = at
		} else {
			b.current = newTable(at)
			t.put(last, &entry{at: at, value: &value{at: at, kind: unstable.Table, table: b.current}})
		}
	case unstable.ArrayTable:
		t, last, at, err := b.descend(b.root, n)
		if err != nil {
			return err
		}
		e := t.entries[last]
		if e == nil {
			e = &entry{at: at, value: &value{at: at, kind: unstable.ArrayTable}}
			t.put(last, e)
		}
		b.current = newTable(at)
		e.value.items = append(e.value.items, &value{at: at, kind: unstable.Table, table: b.current})
	case unstable.KeyValue:
		return b.keyValue(b.current, n)
	}
	if b.current == nil {
		return errShape
	}
	return nil
}

// descend walks the key of n from t to the table that holds its last part, which it returns with its place. Tables on
// the way that are missing are made.
func (b *builder) descend(t *table, n *unstable.Node) (*table, string, place, error) {
	key := n.Key()
	key.Next()
	for !key.IsLast() {
		at := b.place(key.Node(), t.at)
		name := string(key.Node().Data)
		e := t.entries[name]
		switch {
		case e == nil:
			next := newTable(at)
			t.put(name, &entry{at: at, value: &value{at: at, kind: unstable.Table, table: next}})
			t = next
		case e.value.table != nil && !e.value.table.inline:
			t = e.value.table
		case e.value.kind == unstable.ArrayTable:
			t = e.value.items[len(e.value.items)-1].table
		default:
			return nil, "", at, errShape
		}
		key.Next()
	}
	return t, string(key.Node().Data), b.place(key.Node(), t.at), nil
}

// keyValue adds a key, dotted or not, and its value to t.
func (b *builder) keyValue(t *table, n *unstable.Node) error {
	t, last, at, err := b.descend(t, n)
	if err != nil {
		return err
	}
	if t.entries[last] != nil {
		return errShape
	}
	v, err := b.value(n.Value(), at)
	if err != nil {
		return err
	}
	t.put(last, &entry{at: at, value: v})
	return nil
}

// value makes a value of a node; near is the place of its key, for nodes that have none of their own.
func (b *builder) value(n *unstable.Node, near place) (*value, error) {
	v := &value{at: b.place(n, near), kind: n.Kind, text: string(n.Data)}
	switch n.Kind {
	case unstable.Array:
		for it := n.Children(); it.Next(); {
			item, err := b.value(it.Node(), v.at)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
	case unstable.InlineTable:
		v.table = newTable(v.at)
		for it := n.Children(); it.Next(); {
			if err := b.keyValue(v.table, it.Node()); err != nil {
				return nil, err
			}
		}
		v.table.inline = true
	}
	return v, nil
}

// place gives where a node stands; nodes without a range of their own stand where near is.
func (b *builder) place(n *unstable.Node, near place) place {
	if n.Raw.Length == 0 {
		return near
	}
	offset := int(n.Raw.Offset)
	low, high := 0, len(b.lines)
	for high-low > 1 {
		if mid := (low + high) / 2; b.lines[mid] <= offset {
			low = mid
		} else {
			high = mid
		}
	}
	return place{line: low + 1, column: offset - b.lines[low] + 1}
}
