package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"latchkey/auth/keyring"
)

// FuzzVerify: nothing that was not signed is accepted, and every refusal is of a kind.
func FuzzVerify(f *testing.F) {
	i := newIssuer(f, keyring.EdDSA)
	v := i.verifier(nil)
	good := i.token(nil)
	f.Add(good, uint16(3), byte(1))
	f.Add("..", uint16(0), byte(0))
	f.Add("a.b", uint16(1), byte('.'))
	f.Add("eyJhbGciOiJub25lIn0.e30.", uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, token string, at uint16, with byte) {
		altered := []byte(good)
		altered[int(at)%len(good)] = with
		for _, text := range []string{token, string(altered)} {
			c, err := v.Verify(t.Context(), text)
			switch {
			case text == good && err != nil, text != good && !errors.Is(err, ErrInvalidToken), (c == nil) != (err != nil):
				t.Fatalf("%q: %+v, %v", text, c, err)
			}
		}
	})
}

// FuzzMembers: what is read from an object is what encoding/json reads from it, name by name.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, ` { "a" : { "b" : [ 1 , "}" ] } , "c" : "\"\\" } `, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[]`, `{"a":"\ud800"}`, "{\"\xff\":1}", `{"":null}`, `{"a":-1.5e3,"b":true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		got := map[string]string{}
		err := members(object, func(name, value string) error {
			if _, twice := got[name]; twice {
				t.Fatalf("%q: %q twice", object, name)
			}
			got[name] = value
			return nil
		})
		if err != nil {
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
