package catalog

import (
	"fmt"
	"regexp"
	"strings"
)

// kind is what a part of a message is.
type kind int

const (
	text    kind = iota
	number       // {count}: an int
	word         // {duration}: a string of ours
	foreign      // {device}: a string of other people's, shown isolated
	brand        // {brand}: what the operator calls the service: the printer knows it, and shows it isolated
	slot         // <x/>: a component
	tag          // <x>…</x>: a component around the part inside
)

// isolated says that the words of this kind are not ours: a sentence holds them apart.
func (k kind) isolated() bool { return k == foreign || k == brand }

// placeholders has the kind of each value by its name. Messages may use only these names: add a new one here.
var placeholders = map[string]kind{
	"brand": brand,
	"count": number,

	"browser":   word,
	"date":      word,
	"day":       word,
	"duration":  word,
	"field":     word,
	"first":     word,
	"label":     word,
	"language":  word,
	"longest":   word,
	"method":    word,
	"month":     word,
	"number":    word,
	"problem":   word,
	"second":    word,
	"system":    word,
	"time":      word,
	"title":     word,
	"types":     word,
	"unchecked": word,
	"url":       word,
	"weekday":   word,
	"year":      word,

	"address":  foreign,
	"app":      foreign,
	"city":     foreign,
	"country":  foreign,
	"device":   foreign,
	"email":    foreign,
	"factor":   foreign,
	"name":     foreign,
	"new_name": foreign,
	"origin":   foreign,
	"program":  foreign,
}

// node is a part of a message.
type node struct {
	kind   kind
	value  string // of text what it says, otherwise the name
	inside []node // of a tag
}

var marks = regexp.MustCompile(`\{([a-z_]+)\}|<(/?)([a-z_]+)(/?)>`)

// parse reads a text. It refuses what is no mark and looks like one, so that a slip does not become a part of the sentence.
func parse(s string) ([]node, error) {
	type level struct {
		name  string
		nodes []node
	}
	open := []level{{}}
	add := func(n node) { top := &open[len(open)-1]; top.nodes = append(top.nodes, n) }
	plain := func(s string) error {
		if i := strings.IndexAny(s, "{}<>"); i >= 0 {
			return fmt.Errorf("%q is no {placeholder}, <tag> or <slot/>", s[i:])
		}
		if strings.Contains(s, "%s") {
			return fmt.Errorf("%q: names stand in braces", s)
		}
		if s != "" {
			add(node{kind: text, value: s})
		}
		return nil
	}
	at := 0
	for _, m := range marks.FindAllStringSubmatchIndex(s, -1) {
		if err := plain(s[at:m[0]]); err != nil {
			return nil, err
		}
		at = m[1]
		if m[2] >= 0 {
			name := s[m[2]:m[3]]
			k, ok := placeholders[name]
			if !ok {
				return nil, fmt.Errorf("{%s} is not in the list of placeholders", name)
			}
			add(node{kind: k, value: name})
			continue
		}
		closes, name, closed := m[4] < m[5], s[m[6]:m[7]], m[8] < m[9]
		switch {
		case closes && closed:
			return nil, fmt.Errorf("%s is no tag", s[m[0]:m[1]])
		case closed:
			add(node{kind: slot, value: name})
		case closes:
			last := open[len(open)-1]
			if last.name != name {
				return nil, fmt.Errorf("</%s> closes no <%s>", name, name)
			}
			open = open[:len(open)-1]
			add(node{kind: tag, value: name, inside: last.nodes})
		default:
			open = append(open, level{name: name})
		}
	}
	if err := plain(s[at:]); err != nil {
		return nil, err
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("<%s> is not closed", open[len(open)-1].name)
	}
	return open[0].nodes, nil
}

// param is a value that a message needs.
type param struct {
	name string
	kind kind
}

// params lists what a text needs, each once, in the order of the text. It returns an error where one name is used in two ways.
func params(nodes []node) ([]param, error) {
	var list []param
	var walk func([]node) error
	walk = func(nodes []node) error {
		for _, n := range nodes {
			if n.kind == text {
				continue
			}
			known := false
			for _, p := range list {
				if p.name == n.value && p.kind != n.kind {
					return fmt.Errorf("%q is used in two ways", n.value)
				}
				if p.name == n.value {
					known = true
				}
			}
			if !known {
				list = append(list, param{n.value, n.kind})
			}
			if err := walk(n.inside); err != nil {
				return err
			}
		}
		return nil
	}
	return list, walk(nodes)
}

// String is the mark as a message has it.
func (p param) String() string {
	switch p.kind {
	case slot:
		return "<" + p.name + "/>"
	case tag:
		return "<" + p.name + ">"
	default:
		return "{" + p.name + "}"
	}
}
