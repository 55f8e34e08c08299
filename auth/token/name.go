package token

import (
	"fmt"
	"strings"
	"unicode"

	"latchkey/auth"
)

// FreeName returns a function that numbers the name want until taken reports false: "phone", "phone (2)", "phone (3)". It shortens
// the name to keep the result within auth.MaxDeviceName characters. It calls taken at most once more than there are names.
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
