package web

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

func fuzzDecode(mediaType string, body []byte) (params, error) {
	r, err := http.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", mediaType)
	return decode(r, []string{formType, jsonType}, fuzzWanted...)
}

// compare holds a decoder against a reference that is slow and simple. Members that are absent and empty are the same.
func compare(t *testing.T, body []byte, got params, err error, want params, ok bool) {
	t.Helper()
	if (err == nil) != ok {
		t.Fatalf("%q: %v, %v; the reference says %v, %v", body, got, err, want, ok)
	}
	if err != nil {
		if answer, known := err.(*httpError); !known || answer.status != http.StatusBadRequest || !utf8.ValidString(answer.message) { //nolint:errorlint // the type itself is promised
			t.Fatalf("%q: %v", body, err)
		}
		return
	}
	maps.DeleteFunc(got, func(_, v string) bool { return v == "" })
	if !maps.Equal(got, want) {
		t.Fatalf("%q: %v, the reference says %v", body, got, want)
	}
	for name, value := range got {
		if !slices.Contains(fuzzWanted, name) || !utf8.ValidString(value) {
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
		got, err := fuzzDecode(formType, body)
		want, ok := formReference(string(body))
		compare(t, body, got, err, want, ok)
	})
}

func formReference(body string) (params, bool) {
	p, seen := params{}, map[string]bool{}
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
		`{"email":"a" "password":"b"}`, `{"email"}`, `{email:"a"}`, `{"x":1e999}`, "\ufeff{}", "\ufeff\ufeff{}", `{"x":1,"x":2}`, ` { "email" : "a" } `, `{"x":[[[[[[[[]]]]]]]]}`, `{"email":"a\u0000"}`, "{\"email\":\"\xff\"}", `{"":1,"":2}`, `{"a":1]`, `{"x":1e}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fuzzDecode(jsonType, body)
		want, ok := jsonReference(body)
		compare(t, body, got, err, want, ok)
	})
}

func jsonReference(body []byte) (params, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	var object map[string]json.RawMessage
	if !utf8.Valid(body) || !json.Valid(body) || json.Unmarshal(body, &object) != nil || object == nil {
		return nil, false
	}
	for _, name := range fuzzWanted {
		if topMembers(body, name) > 1 {
			return nil, false // a map holds a repeated member once
		}
	}
	p := params{}
	for name, raw := range object {
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

// topMembers counts the members of the outermost object of a well-formed text that have a name.
func topMembers(body []byte, name string) (n int) {
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
		case c == ':' && depth == 1 && last == name:
			n++
		}
	}
	return n
}
