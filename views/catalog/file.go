package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// message is a message of one language.
type message struct {
	description string
	forms       forms        // a message without plural forms has Other alone
	rules       language.Tag // whose plural rules the forms follow
}

// forms are a list, because a map would take ten times the memory for the one form that most messages have.
type forms []formed

type formed struct {
	form  plural.Form
	nodes []node
}

// of returns the text in a form, or nil.
func (f forms) of(form plural.Form) []node {
	for _, one := range f {
		if one.form == form {
			return one.nodes
		}
	}
	return nil
}

// plural says that a number chooses among several forms, or would in another language.
func (m message) plural() bool {
	return len(m.forms) > 1 || m.saysCount()
}

var formNames = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

func formName(f plural.Form) string {
	for name, form := range formNames {
		if form == f {
			return name
		}
	}
	return ""
}

// File is the catalogue of one language.
type File struct {
	Language string // a BCP 47 tag
	messages map[string]message
}

// Keys lists the messages, sorted.
func (f *File) Keys() []string { return slices.Sorted(maps.Keys(f.messages)) }

// ReadFile parses the JSON of a language. The error lists every fault that the file has by itself: the message, then what is wrong.
func ReadFile(tag string, data []byte) (*File, error) {
	rules, err := language.Parse(tag)
	if err != nil {
		return nil, fmt.Errorf("%s.json: %w", tag, err)
	}
	f := &File{Language: tag, messages: map[string]message{}}
	var faults []error
	entries, err := object(data)
	if err != nil {
		return nil, fmt.Errorf("%s.json: %w", tag, err)
	}
	for _, e := range entries {
		m, err := readMessage(e.value)
		if !goodKey.MatchString(e.key) {
			err = errors.New("a key is group.message, of small letters, digits and _")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s.json: %s: %w", tag, e.key, err))
			continue
		}
		m.rules = rules
		f.messages[e.key] = m
	}
	return f, errors.Join(faults...)
}

var goodKey = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)

func readMessage(raw json.RawMessage) (message, error) {
	var m message
	entries := []entry{{"other", raw}}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		var err error
		if entries, err = object(raw); err != nil {
			return m, err
		}
	}
	for _, e := range entries {
		var s string
		if err := json.Unmarshal(e.value, &s); err != nil {
			return m, fmt.Errorf("%s: %w", e.key, err)
		}
		if e.key == "description" {
			m.description = s
			continue
		}
		form, ok := formNames[e.key]
		if !ok {
			return m, fmt.Errorf("%q is neither a plural form nor the description", e.key)
		}
		if strings.TrimSpace(s) == "" {
			return m, fmt.Errorf("%s: is empty", e.key)
		}
		nodes, err := parse(s)
		if err == nil {
			_, err = params(nodes)
		}
		if err != nil {
			return m, fmt.Errorf("%s: %w", e.key, err)
		}
		m.forms = append(m.forms, formed{form, nodes})
	}
	if m.forms.of(plural.Other) == nil {
		return m, errors.New("the form other is missing")
	}
	return m, nil
}

type entry struct {
	key   string
	value json.RawMessage
}

// object reads a JSON object in its order. Unlike json.Unmarshal it refuses a key that stands there twice.
func object(data []byte) ([]entry, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("no JSON object")
	}
	var list []entry
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("JSON: %w", err)
		}
		e := entry{key: fmt.Sprint(t)}
		if err := d.Decode(&e.value); err != nil {
			return nil, fmt.Errorf("JSON after %q: %w", e.key, err)
		}
		if slices.ContainsFunc(list, func(other entry) bool { return other.key == e.key }) {
			return nil, fmt.Errorf("%s: stands there twice", e.key)
		}
		list = append(list, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return list, nil
}
