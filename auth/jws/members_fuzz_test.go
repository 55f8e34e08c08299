package jws

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzMembers compares Members with encoding/json, name by name.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, ` { "a" : { "b" : [ 1 , "}" ] } , "c" : "\"\\" } `, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[]`, `{"a":"\ud800"}`, "{\"\xff\":1}", `{"":null}`, `{"a":-1.5e3,"b":true}`, `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":1e+}`, `{"a":0.0E-1,}`, `{"a":[1,]}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\t\"}", `{"a":nul}`, `{"a":[{"b":[[]]}]}x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		got := map[string]string{}
		err := Members(object, func(name, value string) error {
			if _, twice := got[name]; twice {
				t.Fatalf("%q: %q twice", object, name)
			}
			got[name] = value
			return nil
		})
		if err != nil {
			if names, ok := namesOf(object); ok && utf8.Valid(object) && len(names) <= maxMembers && !repeats(names) {
				t.Fatalf("%q was refused", object)
			}
			return
		}
		var wanted map[string]json.RawMessage
		if err := json.Unmarshal(object, &wanted); err != nil || wanted == nil || len(wanted) != len(got) {
			t.Fatalf("%q: %v; %v, %v", object, got, wanted, err)
		}
		for name, value := range wanted {
			if !bytes.Equal([]byte(got[name]), bytes.TrimSpace(value)) {
				t.Fatalf("%q: %q is %q, want %q", object, name, got[name], value)
			}
		}
	})
}

// namesOf parses the names of a JSON object with encoding/json; false: the text is not an object.
func namesOf(object []byte) (names []string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') || !json.Valid(object) {
		return nil, false
	}
	for d.More() {
		name, _ := d.Token()
		text, _ := name.(string)
		names = append(names, text)
		if d.Decode(new(json.RawMessage)) != nil {
			return nil, false
		}
	}
	return names, true
}

func repeats(names []string) bool {
	slices.Sort(names)
	return len(slices.Compact(slices.Clone(names))) != len(names)
}
