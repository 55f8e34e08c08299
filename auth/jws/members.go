package jws

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// encoding/json accepts "EXP" for exp and the last of two equal names, and costs more than everything else in a verification except
// the signature. This parser accepts each name in its exact spelling, and once.
const (
	maxMembers = 64     // of one object
	maxDepth   = 10_000 // nested objects and lists, as in encoding/json
	bad        = -1     // position that stands for invalid JSON (RFC 8259)
)

// ErrJSON says that a text is not the expected JSON.
var ErrJSON = errors.New("not the JSON that was expected")

// Members calls visit with the name and the text of each member of a JSON object, in one pass. It may call visit before it finds
// that the text is invalid, so use what visit did only if Members returns nil. Names are compared exactly and must be unique (RFC
// 7519 §4 permits this).
func Members(object []byte, visit func(name, value string) error) error {
	if !utf8.Valid(object) {
		return ErrJSON
	}
	return Walk(string(object), visit)
}

// Walk is Members for a text that is known to be UTF-8.
func Walk(s string, visit func(name, value string) error) error {
	i := skip(s, 0)
	if at(s, i) != '{' {
		return ErrJSON
	}
	var seen [maxMembers]string
	n := 0
	for i = skip(s, i+1); at(s, i) != '}'; n++ {
		if n > 0 {
			if at(s, i) != ',' {
				return ErrJSON
			}
			i = skip(s, i+1)
		}
		end := stringEnd(s, i)
		if end == bad || n == maxMembers {
			return ErrJSON
		}
		name, err := Text(s[i:end])
		if err != nil || slices.Contains(seen[:n], name) {
			return ErrJSON
		}
		seen[n] = name
		if i = skip(s, end); at(s, i) != ':' {
			return ErrJSON
		}
		i = skip(s, i+1)
		if end = valueEnd(s, i, 1); end == bad {
			return ErrJSON
		}
		if err := visit(name, s[i:end]); err != nil {
			return err
		}
		i = skip(s, end)
	}
	if skip(s, i+1) != len(s) {
		return ErrJSON
	}
	return nil
}

// at returns a byte of s, or 0 past its end. JSON contains no 0.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// skip returns the position of the first byte that is not white space, from i on.
func skip(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// valueEnd returns where the JSON value that begins at i ends, or bad.
func valueEnd(s string, i, depth int) int {
	switch c := at(s, i); {
	case c == '"':
		return stringEnd(s, i)
	case c == '{', c == '[':
		return groupEnd(s, i, depth)
	case c == '-', c >= '0' && c <= '9':
		return numberEnd(s, i)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s[min(i, len(s)):], word) {
			return i + len(word)
		}
	}
	return bad
}

// groupEnd is valueEnd for an object or a list.
func groupEnd(s string, i, depth int) int {
	closing := byte('}')
	if s[i] == '[' {
		closing = ']'
	}
	if depth == maxDepth {
		return bad
	}
	i = skip(s, i+1)
	if at(s, i) == closing {
		return i + 1
	}
	for {
		if closing == '}' {
			end := stringEnd(s, i)
			if end == bad {
				return bad
			}
			if i = skip(s, end); at(s, i) != ':' {
				return bad
			}
			i = skip(s, i+1)
		}
		end := valueEnd(s, i, depth+1)
		if end == bad {
			return bad
		}
		switch i = skip(s, end); at(s, i) {
		case closing:
			return i + 1
		case ',':
			i = skip(s, i+1)
		default:
			return bad
		}
	}
}

// stringEnd is valueEnd for a string.
func stringEnd(s string, i int) int {
	if at(s, i) != '"' {
		return bad
	}
	for i++; i < len(s); i++ {
		c := s[i]
		if c > '\\' || c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		switch c {
		case '"':
			return i + 1
		case '\\':
			i++
			if at(s, i) == 'u' {
				for range 4 {
					if i++; !isHex(at(s, i)) {
						return bad
					}
				}
			} else if strings.IndexByte(`"\/bfnrt`, at(s, i)) < 0 {
				return bad
			}
		default:
			return bad
		}
	}
	return bad
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// numberEnd is valueEnd for a number.
func numberEnd(s string, i int) int {
	if at(s, i) == '-' {
		i++
	}
	if at(s, i) == '0' {
		i++
	} else if i = digits(s, i); i == bad {
		return bad
	}
	if at(s, i) == '.' {
		if i = digits(s, i+1); i == bad {
			return bad
		}
	}
	if c := at(s, i); c == 'e' || c == 'E' {
		i++
		if c = at(s, i); c == '+' || c == '-' {
			i++
		}
		i = digits(s, i)
	}
	return i
}

// digits returns where one or more digits end, or bad.
func digits(s string, i int) int {
	start := i
	for c := at(s, i); c >= '0' && c <= '9'; c = at(s, i) {
		i++
	}
	if i == start {
		return bad
	}
	return i
}

// Text parses a JSON string.
func Text(value string) (string, error) {
	if len(value) < 2 || value[0] != '"' {
		return "", ErrJSON
	}
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], nil
	}
	var text string
	if err := json.Unmarshal([]byte(value), &text); err != nil {
		return "", ErrJSON
	}
	return text, nil
}

// Time parses a NumericDate (RFC 7519 §2) between 1970 and 9999.
func Time(value string) (time.Time, error) {
	const year10000 = 253402300800
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		precise, err := strconv.ParseFloat(value, 64)
		if err != nil || !(precise > 0 && precise < year10000) {
			return time.Time{}, ErrJSON
		}
		return time.UnixMilli(int64(precise * 1000)), nil
	}
	if seconds <= 0 || seconds >= year10000 {
		return time.Time{}, ErrJSON
	}
	return time.Unix(seconds, 0), nil
}
