package resource

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// encoding/json takes "EXP" for exp and the last of two equal names, and costs more than the rest of a verification but the
// signature. Here each name counts as it is written, and once.

const maxMembers = 64 // of one object

var errJSON = errors.New("not the JSON that was expected")

// members calls visit with the name and the text of each member of a JSON object. Names are exact, and unique (RFC 7519
// §4 lets a parser insist on that).
func members(object []byte, visit func(name, value string) error) error {
	if !json.Valid(object) || !utf8.Valid(object) {
		return errJSON
	}
	return walk(string(object), visit)
}

// walk is members for a text that is known to be valid JSON.
func walk(s string, visit func(name, value string) error) error {
	s = strings.Trim(s, space)
	if s == "" || s[0] != '{' {
		return errJSON
	}
	var seen [maxMembers]string
	for i, n := skip(s, 1), 0; s[i] != '}'; n++ {
		end := i + valueLen(s[i:])
		name, err := unquote(s[i:end])
		if err != nil || n == maxMembers {
			return errJSON
		}
		for _, before := range seen[:n] {
			if name == before {
				return errJSON
			}
		}
		seen[n] = name
		i = skip(s, skip(s, end)+1) // past the colon
		end = i + valueLen(s[i:])
		if err := visit(name, s[i:end]); err != nil {
			return err
		}
		if i = skip(s, end); s[i] == ',' {
			i = skip(s, i+1)
		}
	}
	return nil
}

const space = " \t\r\n"

// skip is where the next letter that is no space stands, from i on.
func skip(s string, i int) int {
	for i < len(s) && strings.IndexByte(space, s[i]) >= 0 {
		i++
	}
	return i
}

// valueLen is the length of the JSON value that a valid text begins with.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ',', ' ', '\t', '\r', '\n', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// unquote reads a JSON string.
func unquote(value string) (string, error) {
	if len(value) < 2 || value[0] != '"' {
		return "", errJSON
	}
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], nil
	}
	var text string
	if err := json.Unmarshal([]byte(value), &text); err != nil {
		return "", errJSON
	}
	return text, nil
}

// instant reads a NumericDate (RFC 7519 §2) between 1970 and 9999.
func instant(value string) (time.Time, error) {
	const year10000 = 253402300800
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		precise, err := strconv.ParseFloat(value, 64)
		if err != nil || !(precise > 0 && precise < year10000) {
			return time.Time{}, errJSON
		}
		return time.UnixMilli(int64(precise * 1000)), nil
	}
	if seconds <= 0 || seconds >= year10000 {
		return time.Time{}, errJSON
	}
	return time.Unix(seconds, 0), nil
}
