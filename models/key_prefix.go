package models

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// NameKey returns the form of a device name that searches use: composed (NFC), in lower case, without invisible format characters
// such as zero-width ones and direction marks.
func NameKey(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
	return strings.TrimSpace(strings.ToLower(norm.NFC.String(name)))
}

// KeyPrefix selects keys by their folded beginning. With Whole, Text is the complete key. No character is a wildcard.
type KeyPrefix struct {
	Text  string
	Whole bool
}

// where returns a condition that is a range of the column's index. LIKE would need different escapes and indexes on the two
// databases, and could not use the index for a value that is unknown when the statement is prepared.
func (k KeyPrefix) where(column string) (string, []any) {
	if k.Whole {
		return column + " = ?", []any{k.Text}
	}
	if end := successor(k.Text); end != "" {
		return column + " >= ? AND " + column + " < ?", []any{k.Text, end}
	}
	return column + " >= ?", []any{k.Text}
}

// successor returns the smallest text, in byte order, that is greater than every text with the prefix s. It returns "" when no text
// is.
func successor(s string) string {
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		switch {
		case r == 0xD7FF:
			return s + "\uE000" // after the surrogates, which are not characters
		case r < utf8.MaxRune:
			return s + string(r+1)
		}
	}
	return ""
}
