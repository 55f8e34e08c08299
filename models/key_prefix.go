package models

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// NameKey is the form in which device names are searched: composed, lower-case, without the characters that cannot be
// seen (zero-width ones, marks of direction).
func NameKey(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
	return strings.TrimSpace(strings.ToLower(norm.NFC.String(name)))
}

// KeyPrefix is the folded beginning of a key, or with Whole all of it. Nothing in it is a wildcard.
type KeyPrefix struct {
	Text  string
	Whole bool
}

// where is a range of the column's index: LIKE would need its own escapes and index on each database, and would not
// use it for a value that is not known when the statement is prepared.
func (k KeyPrefix) where(column string) (string, []any) {
	if k.Whole {
		return column + " = ?", []any{k.Text}
	}
	if end := successor(k.Text); end != "" {
		return column + " >= ? AND " + column + " < ?", []any{k.Text, end}
	}
	return column + " >= ?", []any{k.Text}
}

// successor is the first text, in order of bytes, behind all that begin with s, or "" when there is none.
func successor(s string) string {
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		switch {
		case r == 0xD7FF:
			return s + "\uE000" // behind the surrogates, which are no characters
		case r < utf8.MaxRune:
			return s + string(r+1)
		}
	}
	return ""
}
