package models

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// confusablesText is Unicode's table of characters that look alike (UTS #39 §4), as lookalike_table.go writes it. Its
// licence is in confusables.LICENSE.txt.
//
//go:embed confusables.txt
var confusablesText string

// confusables maps a character to the text that represents all characters that look like it, in lower case: 0 looks like O, so it
// maps to o. Characters newer than the table represent themselves.
var confusables = sync.OnceValue(func() map[rune]string {
	table := make(map[rune]string, 6000)
	for line := range strings.Lines(confusablesText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		target, sources, _ := strings.Cut(line, " = ")
		for _, r := range hexRunes(sources) {
			table[r] = string(hexRunes(target))
		}
	}
	for r, like := range table {
		table[r] = replaceAlike(table, strings.ToLower(like)) // M becomes m, which looks like rn
	}
	return table
})

func hexRunes(numbers string) (list []rune) {
	for number := range strings.FieldsSeq(numbers) {
		r, err := strconv.ParseUint(number, 16, 21)
		if err != nil {
			panic("models: confusables.txt: " + err.Error())
		}
		list = append(list, rune(r))
	}
	return list
}

// lookAlikes returns the two forms in which names are compared. Names that have one form in common look the same. The first form is
// normalized (UAX #15, NFKC) and case-folded before look-alikes are replaced, so that phone equals PHONE and рhоnе in Cyrillic
// letters. The second replaces look-alikes first, so that Iris equals lris and Ada's equals Ada´s. Both lack invisible characters.
// Neither is for display.
func lookAlikes(name string) [2]string {
	name = visibleText(name)
	return [2]string{skeleton(foldCase(norm.NFKC.String(name))), skeleton(foldCase(skeleton(name)))}
}

// lookAlikeNames are names by all that they look like.
type lookAlikeNames map[string]bool

func (names lookAlikeNames) add(name string) {
	gaps := strings.ContainsFunc(name, gap)
	for _, form := range lookAlikes(name) {
		names[form] = true
		closed := closeUp(form)
		names[closed] = names[closed] || gaps
	}
}

// have tells whether a name looks like one of them. Some programs draw a filler as a blank, others not at all: with one in either of
// them, names are compared without their blanks too.
func (names lookAlikeNames) have(name string) bool {
	gaps := strings.ContainsFunc(name, gap)
	for _, form := range lookAlikes(name) {
		if names[form] {
			return true
		}
		if held, ok := names[closeUp(form)]; ok && (held || gaps) {
			return true
		}
	}
	return false
}

// closeUp is a form without blanks, told apart from all forms with them.
func closeUp(form string) string { return "\x00" + strings.ReplaceAll(form, " ", "") }

// foldCase is the full case folding of Unicode §3.13: "STRASSE" and "straße" are the same.
func foldCase(s string) string { return visibleText(norm.NFKC.String(cases.Fold().String(s))) }

// skeleton replaces every character by the one that represents its look-alikes (UTS #39 §4, internalSkeleton), in lower case.
func skeleton(s string) string {
	s = norm.NFD.String(replaceAlike(confusables(), norm.NFD.String(s)))
	return strings.Join(strings.Fields(s), " ") // a page shows a run of spaces as one
}

func replaceAlike(table map[rune]string, s string) string {
	var b strings.Builder
	for _, r := range s {
		like, ok := table[r]
		if !ok {
			r = unicode.ToLower(r)
			like, ok = table[r]
		}
		if ok {
			b.WriteString(like)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// visibleText removes invisible characters and replaces every kind of space by ' '.
func visibleText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case ignorable(r):
			return -1
		case unicode.IsSpace(r), blank(r):
			return ' '
		}
		return r
	}, s)
}

// NameIsBlank reports whether a name shows nothing: only white space, invisible characters, and marks without a base letter.
func NameIsBlank(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !IsInvisible(r) && !unicode.IsSpace(r) && !unicode.In(r, unicode.Cc, unicode.M, unicode.Noncharacter_Code_Point)
	})
}

// IsInvisible reports whether a character other than white space is drawn as nothing.
func IsInvisible(r rune) bool { return ignorable(r) || blank(r) }

// ignorable reports whether a character is a Default_Ignorable_Code_Point (DerivedCoreProperties.txt: emoji joiners and selectors,
// direction marks, fillers, tags) or a format character that few programs draw.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// blank reports whether a character is a letter or symbol with an empty glyph: the Braille pattern without dots, the null notehead,
// the blanks of Egyptian hieroglyphs.
func blank(r rune) bool {
	return r == '\u2800' || r == '\U0001d159' || r == '\U00013441' || r == '\U00013442'
}

// gap tells of characters that are drawn as a blank by some programs and as nothing by others: the blanks, and the fillers of Hangul,
// which are ignorable by the standard.
func gap(r rune) bool {
	return blank(r) || r == '\u3164' || r == '\uffa0' || r == '\u115f' || r == '\u1160'
}
