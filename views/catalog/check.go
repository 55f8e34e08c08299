package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// numbersTried are the numbers for which plural rules are asked: no language tells larger whole numbers apart, but for those that
// treat a million in a way of its own.
const numbersTried = 200

// formOf is the plural form of a whole number (CLDR cardinal rules).
func formOf(rules language.Tag, n int) plural.Form {
	return plural.Cardinal.MatchPlural(rules, max(n, -n), 0, 0, 0, 0)
}

// formsOf lists the forms that whole numbers have in a language, and for each how many of the numbers tried have it.
func formsOf(rules language.Tag) map[plural.Form]int {
	forms := map[plural.Form]int{}
	for n := range numbersTried {
		forms[formOf(rules, n)]++
	}
	return forms
}

// Check compares a language with the source, which may be compared with itself. The error lists each fault: the file, the message
// and what is wrong. A message that is missing is no fault here (see Missing).
func (f *File) Check(source *File) error {
	var faults []error
	for _, key := range f.Keys() {
		m := f.messages[key]
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%s.json: %s: %w", f.Language, key, fmt.Errorf(format, args...)))
		}
		original, ok := source.messages[key]
		if !ok {
			fault("%s.json has no such message", source.Language)
			continue
		}
		if f != source && m.description != "" {
			fault("the description belongs into %s.json", source.Language)
		}
		m.checkForms(original.plural(), fault)
		want, err := original.params()
		if err != nil {
			fault("%w", err)
		}
		for _, one := range m.forms {
			if strings.Contains(strings.ToLower(written(one.nodes)), strings.ToLower(DefaultBrand)) {
				fault("%s: the name of the service is {brand}", formName(one.form))
			}
			got, _ := params(one.nodes)
			compare(formName(one.form), got, want, !original.saysCount() || m.mayLeaveOut(one.form), fault)
		}
	}
	return errors.Join(faults...)
}

func (m message) checkForms(isPlural bool, fault func(string, ...any)) {
	need := map[plural.Form]int{plural.Other: 1}
	if isPlural {
		need = formsOf(m.rules)
		need[plural.Other]++ // the fall-back of every language
	}
	for name, form := range formNames {
		switch {
		case need[form] > 0 && m.forms.of(form) == nil:
			fault("the plural form %s is missing", name)
		case need[form] == 0 && m.forms.of(form) != nil && !isPlural:
			fault("the form %s: the source has no plural", name)
		case need[form] == 0 && m.forms.of(form) != nil:
			fault("the form %s: no whole number has it in this language", name)
		}
	}
}

// mayLeaveOut says that a form stands for one number alone ("the other device"), and so need not name it.
func (m message) mayLeaveOut(form plural.Form) bool {
	return form != plural.Other && formsOf(m.rules)[form] == 1
}

// saysCount says that the number which chooses the form is part of the sentence.
func (m message) saysCount() bool {
	list, _ := params(m.forms.of(plural.Other))
	return slices.Contains(list, param{"count", number})
}

func compare(form string, got, want []param, countMayGo bool, fault func(string, ...any)) {
	for _, p := range want {
		if !slices.Contains(got, p) && (p.kind != number || !countMayGo) {
			fault("%s: %s is missing", form, p)
		}
	}
	for _, p := range got {
		if !slices.Contains(want, p) {
			fault("%s: %s is not in the source", form, p)
		}
	}
}

// params are what the message's method takes: the count first, also where the plural forms do not say it, then the order of the text.
func (m message) params() ([]param, error) {
	list, err := params(m.forms.of(plural.Other))
	count := param{"count", number}
	switch i := slices.Index(list, count); {
	case i > 0:
		list = slices.Insert(slices.Delete(list, i, i+1), 0, count)
	case i < 0 && len(m.forms) > 1:
		list = slices.Insert(list, 0, count)
	}
	return list, err
}

// Missing lists the messages of the source that the language does not have.
func (f *File) Missing(source *File) []string {
	return slices.DeleteFunc(source.Keys(), func(key string) bool { _, ok := f.messages[key]; return ok })
}
