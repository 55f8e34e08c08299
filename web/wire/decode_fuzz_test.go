package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var fuzzWanted = []string{"email", "password", "name"}

// fuzzObject is wanted as a JSON object, where the body is JSON.
const fuzzObject = "credential"

func fuzzDecode(mediaType string, body []byte) (Params, error) {
	r, err := http.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", mediaType)
	wanted := slices.Clone(fuzzWanted)
	if mediaType == JSONType {
		wanted = append(wanted, fuzzObject+ObjectMark)
	}
	return Decode(r, []string{FormType, JSONType}, wanted...)
}

// compare holds a decoder against a reference that is slow and simple. Members that are absent and empty are the same.
func compare(t *testing.T, body []byte, got Params, err error, want Params, ok bool) {
	t.Helper()
	if (err == nil) != ok {
		t.Fatalf("%q: %v, %v; the reference says %v, %v", body, got, err, want, ok)
	}
	if err != nil {
		if answer, known := err.(*Error); !known || answer.Status != http.StatusBadRequest || !utf8.ValidString(answer.Message) { //nolint:errorlint // the type itself is promised
			t.Fatalf("%q: %v", body, err)
		}
		return
	}
	maps.DeleteFunc(got, func(_, v string) bool { return v == "" })
	if !maps.Equal(got, want) {
		t.Fatalf("%q: %v, the reference says %v", body, got, want)
	}
	for name, value := range got {
		if !slices.Contains(fuzzWanted, name) && name != fuzzObject || !utf8.ValidString(value) {
			t.Fatalf("%q: %q is %q", body, name, value)
		}
	}
}

func FuzzDecodeForm(f *testing.F) {
	for _, body := range []string{"", "&&", "email=a&password=b", "email=a&email=a", "email=a;password=b", "email=%", "email=%ff", "email=%00", "x=%ff&x=1",
		"%65mail=a&email=b", "email", "=a&=b", "email=a+b%20c", "unknown=1&unknown=2", "email=\xff", "email=a&&", "email==", "%zz=a", "email=a\r\n", "email=a%0A\n", "\n", "email=a\n&password=b"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fuzzDecode(FormType, body)
		want, ok := formReference(string(body))
		compare(t, body, got, err, want, ok)
	})
}

func formReference(body string) (Params, bool) {
	p, seen := Params{}, map[string]bool{}
	if !utf8.ValidString(body) {
		return nil, false
	}
	for pair := range strings.SplitSeq(strings.TrimRight(strings.TrimPrefix(body, "\ufeff"), "\r\n"), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil || strings.Contains(pair, ";") {
			return nil, false
		}
		if slices.Contains(fuzzWanted, name) {
			if !utf8.ValidString(value) || seen[name] {
				return nil, false
			}
			if seen[name] = true; value != "" {
				p[name] = value
			}
		}
	}
	return p, true
}

func FuzzDecodeJSON(f *testing.F) {
	for _, body := range []string{"", "{}", "[]", "null", `"a"`, `{"email":"a","password":"b"}`, `{"email":"a","email":"a"}`, `{"email":"a","Email":"b"}`, `{"email":null}`,
		`{"email":1}`, `{"email":["a"]}`, `{"x":{"email":"a","email":"b"}}`, `{"email":"a"} {}`, `{"email":"a"}x`, `{"email":"a",}`, `{"email":"\ud800"}`, `{"\u0065mail":"a","email":"b"}`,
		`{"email":"a" "password":"b"}`, `{"email"}`, `{email:"a"}`, `{"x":1e999}`, "\ufeff{}", "\ufeff\ufeff{}", `{"x":1,"x":2}`, ` { "email" : "a" } `, `{"x":[[[[[[[[]]]]]]]]}`, `{"email":"a\u0000"}`, "{\"email\":\"\xff\"}", `{"":1,"":2}`, `{"a":1]`, `{"x":1e}`,
		`{"credential":{"id":"a","response":{"x":[1,{"y":null}]}}}`, `{"credential":{}}`, `{"credential{}":"a"}`, `{"credential":null}`, `{"credential":"{}"}`, `{"credential":[{}]}`, `{"credential":1}`,
		`{"credential":{"id":1,"id":2}}`, `{"credential":{"id":1,"ID":2}}`, `{"credential":{"k":1,"\u212a":2}}`, `{"credential":{"a":{"b":1},"c":[{"b":1,"B":2}]}}`, `{"credential":{"a":{"b":1},"b":{"b":1}}}`,
		`{"credential":{},"credential":{}}`, `{"credential":{}} {}`, `{"credential":{"a":1e999}}`, `{"credential":{"a":"\ud800","\ud800":1,"\udfff":1}}`, `{"credential":{"":1,"":2}}`,
		`{"credential":` + strings.Repeat(`{"a":`, 15) + `{}` + strings.Repeat(`}`, 15) + `}`, `{"credential":` + strings.Repeat(`{"a":`, 16) + `{}` + strings.Repeat(`}`, 16) + `}`,
		`{"credential":{"a":` + strings.Repeat(`[`, 15) + strings.Repeat(`]`, 15) + `}}`, `{"credential":{"a":` + strings.Repeat(`[`, 16) + strings.Repeat(`]`, 16) + `}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fuzzDecode(JSONType, body)
		want, ok := jsonReference(body)
		compare(t, body, got, err, want, ok)
	})
}

func jsonReference(body []byte) (Params, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	var object map[string]json.RawMessage
	if !utf8.Valid(body) || !json.Valid(body) || json.Unmarshal(body, &object) != nil || object == nil {
		return nil, false
	}
	for _, name := range append([]string{fuzzObject}, fuzzWanted...) {
		if len(topMembers(body, func(other string) bool { return other == name })) > 1 {
			return nil, false // a map holds a repeated member once
		}
	}
	p := Params{}
	for name, raw := range object {
		if name == fuzzObject && string(raw) != "null" {
			if raw[0] != '{' || !objectReference(raw, maxObjectDepth) {
				return nil, false
			}
			p[name] = string(raw)
			continue
		}
		if !slices.Contains(fuzzWanted, name) || string(raw) == "null" {
			continue
		}
		var value any
		if json.Unmarshal(raw, &value) != nil {
			return nil, false
		}
		text, ok := value.(string)
		if !ok {
			return nil, false
		}
		if text != "" {
			p[name] = text
		}
	}
	return p, true
}

// objectReference reports whether no object within the value has a name twice, in any case, and whether it nests at most that deep.
func objectReference(value []byte, depth int) bool {
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case value[0] != '{' && value[0] != '[':
		return true
	case depth == 0:
		return false
	case value[0] == '[' && json.Unmarshal(value, &list) != nil, value[0] == '{' && json.Unmarshal(value, &object) != nil:
		return false
	}
	names := topMembers(value, func(string) bool { return value[0] == '{' })
	for i, name := range names {
		if slices.ContainsFunc(names[i+1:], func(other string) bool { return strings.EqualFold(name, other) }) {
			return false
		}
	}
	for _, inner := range slices.AppendSeq(list, maps.Values(object)) {
		if !objectReference(inner, depth-1) {
			return false
		}
	}
	return true
}

// topMembers lists the names, as far as they are wanted, of the members of the outermost object of a well-formed text.
func topMembers(body []byte, wanted func(string) bool) (names []string) {
	depth, quoted, began := 0, false, 0
	var last string // the string that ended last
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; quoted {
				began = i
			} else if json.Unmarshal(body[began:i+1], &last) != nil {
				last = ""
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1 && wanted(last):
			names = append(names, last)
		}
	}
	return names
}
