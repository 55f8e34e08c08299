package token

import (
	"fmt"
	"strings"
	"unicode"

	"latchkey/auth"
)

// FreeName numbers a wanted name until it is free: "phone", "phone (2)", "phone (3)". The name is cut so that the
// whole stays within 64 characters. It asks at most once more than there are names.
func FreeName(want string) func(taken func(string) bool) string {
	return func(taken func(string) bool) string {
		name := want
		for n := 2; taken(name); n++ {
			number := fmt.Sprintf(" (%d)", n)
			stem := []rune(want)
			if most := auth.MaxDeviceName - len(number); len(stem) > most {
				stem = []rune(strings.TrimRightFunc(string(stem[:most]), unicode.IsSpace))
			}
			name = string(stem) + number
		}
		return name
	}
}
