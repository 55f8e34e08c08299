package wire

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"latchkey/auth"
)

// DecodeStrict reads a body of JSON into a struct. Members that it does not have are refused, so that a misspelt one is not lost, and so are repeated
// ones and other types. It returns a refusal for a body that is not well-formed, and KindInvalidRequest of a member.
func DecodeStrict(r *http.Request, into any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if _, charset, err := mediaTypeOf(r, []string{JSONType}); err != nil || charset == anyASCII && !isASCII(body) {
		return wrongMediaType([]string{JSONType}, err)
	}
	if text := bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark)); len(text) == 0 || text[0] != '{' {
		return BadBody("The request body must be one JSON object.", nil)
	}
	err = json.Unmarshal(bytes.TrimPrefix(body, byteOrderMark), into, json.RejectUnknownMembers(true))
	wrong := (*json.SemanticError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && errors.Is(err, json.ErrUnknownName):
		return auth.InvalidField(member(wrong), "There is no such member here.")
	case errors.As(err, &wrong) && wrong.JSONPointer != "":
		return auth.InvalidField(member(wrong), "This has the wrong type.")
	}
	return BadBody("The request body must be one well-formed JSON object.", nil) // the cause would repeat a part of the body
}

func member(e *json.SemanticError) string { return strings.TrimPrefix(string(e.JSONPointer), "/") }

// Maybe is a member of a body that may be absent. A null is there, with the zero value.
type Maybe[T any] struct {
	Set, Null bool
	Value     T
}

// UnmarshalJSON reads a member that is there.
func (m *Maybe[T]) UnmarshalJSON(b []byte) error {
	m.Set = true
	if m.Null = string(b) == "null"; m.Null {
		return nil
	}
	return json.Unmarshal(b, &m.Value)
}

// Pointer returns nil for a member that is absent.
func (m *Maybe[T]) Pointer() *T {
	if !m.Set {
		return nil
	}
	return &m.Value
}
