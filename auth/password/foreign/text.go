package foreign

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// number parses a decimal number without a sign or leading zeros, up to nine digits.
func number(name, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || len(text) > 9 || strconv.Itoa(n) != text || n < 0 {
		return 0, fmt.Errorf("%w: %s is not a number of up to nine digits", ErrMalformed, name) // not err: it quotes the text
	}
	return n, nil
}

// numbers parses "a=1,b=2" with exactly these names in this order.
func numbers(text string, names ...string) ([]int, error) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return nil, fmt.Errorf("%w: the parameters are not %s", ErrMalformed, strings.Join(names, ", "))
	}
	list := make([]int, len(names))
	for i, name := range names {
		value, ok := strings.CutPrefix(parts[i], name+"=")
		if !ok {
			return nil, fmt.Errorf("%w: the parameters are not %s", ErrMalformed, strings.Join(names, ", "))
		}
		var err error
		if list[i], err = number(name, value); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// decode decodes base64 of the usual alphabet, with or without padding. Line breaks and trailing bits are malformed.
func decode(name, text string) ([]byte, error) {
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(text, "=") {
		encoding = base64.StdEncoding
	}
	b, err := encoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%w: the %s is not base64", ErrMalformed, name)
	}
	return b, nil
}

// saltAndKey decodes "salt$key".
func saltAndKey(text string) (salt, key []byte, err error) {
	first, second, ok := strings.Cut(text, "$")
	if !ok {
		return nil, nil, fmt.Errorf("%w: it has no key", ErrMalformed)
	}
	if salt, err = decode("salt", first); err != nil {
		return nil, nil, err
	}
	key, err = decode("key", second)
	return salt, key, err
}
