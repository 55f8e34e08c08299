package catalog

import (
	"errors"
	"strings"
	"testing"
)

// sources are small catalogues in which each message is of another sort.
const source = `{
	"a.plain": "Save",
	"a.count": {"description": "x", "one": "{count} device", "other": "{count} devices"},
	"a.silent": {"one": "It is signed out.", "other": "They are signed out."},
	"a.name": "Sign out “{device}”?",
	"a.brand": "New to {brand}?",
	"a.rich": "<link>Change it</link> {device} <when/>"
}`

// fits is a good translation of them.
const fits = `{
	"a.plain": "Speichern",
	"a.count": {"one": "Ein Gerät", "other": "{count} Geräte"},
	"a.silent": {"one": "Es ist abgemeldet.", "other": "Sie sind abgemeldet."},
	"a.name": "{device} abmelden?",
	"a.brand": "Neu bei {brand}?",
	"a.rich": "<when/> {device} <link>ändern</link>"
}`

// checked are the faults of a translation, those of reading it included.
func checked(t *testing.T, tag, original, translation string) string {
	t.Helper()
	from, err := ReadFile("en", []byte(original))
	if err != nil {
		return err.Error()
	}
	to, err := ReadFile(tag, []byte(translation))
	if err != nil {
		return err.Error()
	}
	if err := errors.Join(from.Check(from), to.Check(from)); err != nil {
		return err.Error()
	}
	return ""
}

func TestAGoodTranslationHasNoFault(t *testing.T) {
	if got := checked(t, "de", source, fits); got != "" {
		t.Error(got)
	}
	for tag, forms := range map[string]string{
		"ja": `{"other": "{count}台"}`,
		"fr": `{"one": "{count} appareil", "other": "{count} appareils"}`,
		"ar": `{"zero": "لا أجهزة", "one": "جهاز", "two": "جهازان", "few": "{count} أجهزة", "many": "{count} جهازًا", "other": "{count} جهاز"}`,
	} {
		if got := checked(t, tag, source, `{"a.count": `+forms+`}`); got != "" {
			t.Errorf("%s: %s", tag, got)
		}
	}
}

// Each fault is made in the good translation, and named with its file and message.
func TestEveryFaultOfATranslationIsNamed(t *testing.T) {
	for _, c := range []struct{ tag, old, new, want string }{
		{"de", `"a.plain"`, `"a.plane"`, `de.json: a.plane: en.json has no such message`},
		{"de", `"a.name"`, `"a.plain"`, `a.plain: stands there twice`},
		{"de", `"a.name"`, `"name"`, `de.json: name: a key is group.message`},
		{"de", `"a.name"`, `"a.Name"`, `de.json: a.Name: a key is`},
		{"de", `{device} abmelden?`, `Abmelden?`, `de.json: a.name: other: {device} is missing`},
		{"de", `{device} abmelden?`, `{device} {email} abmelden?`, `de.json: a.name: other: {email} is not in the source`},
		{"de", `{device} abmelden?`, `{Device} abmelden?`, `de.json: a.name: other: "{Device} abmelden?" is no {placeholder}`},
		{"de", `{device} abmelden?`, `{gerät} abmelden?`, `is no {placeholder}`},
		{"de", `{device} abmelden?`, `{gadget} abmelden?`, `{gadget} is not in the list of placeholders`},
		{"de", `{device} abmelden?`, `{device abmelden?`, `is no {placeholder}`},
		{"de", `{device} abmelden?`, `<device/> abmelden?`, `<device/> is not in the source`},
		{"de", `{device} abmelden?`, `%s abmelden?`, `names stand in braces`},
		{"de", `bei {brand}?`, `hier?`, `de.json: a.brand: other: {brand} is missing`},
		{"de", `bei {brand}?`, `bei latchKey?`, `de.json: a.brand: other: the name of the service is {brand}`},
		{"de", `Speichern`, `<b>Latchkey</b>`, `de.json: a.plain: other: the name of the service is {brand}`},
		{"de", `Speichern`, ``, `de.json: a.plain: other: is empty`},
		{"de", `Speichern`, `<b>Speichern</b>`, `de.json: a.plain: other: <b> is not in the source`},
		{"de", `Speichern`, `a < b`, `is no {placeholder}, <tag>`},
		{"de", `Speichern`, `<a href=x>`, `is no {placeholder}, <tag>`},
		{"de", `"Speichern"`, `{"one": "Speichern", "other": "x"}`, `de.json: a.plain: the form one: the source has no plural`},
		{"de", `"Speichern"`, `{"description": "x", "other": "x"}`, `the description belongs into en.json`},
		{"de", `"Speichern"`, `7`, `de.json: a.plain: other: json`},
		{"de", `</link>`, `</link`, `is no {placeholder}, <tag>`},
		{"de", `</link>`, ``, `de.json: a.rich: other: <link> is not closed`},
		{"de", `<link>ändern</link>`, `</link>ändern<link>`, `</link> closes no <link>`},
		{"de", `<link>ändern</link>`, `<link>ändern</strong>`, `</strong> closes no <strong>`},
		{"de", `<link>ändern</link>`, `ändern`, `<link> is missing`},
		{"de", `<when/>`, ``, `<when/> is missing`},
		{"de", `<when/>`, `</when/>`, `</when/> is no tag`},
		{"de", `"one": "Ein Gerät", `, ``, `de.json: a.count: the plural form one is missing`},
		{"de", `"other": "{count} Geräte"`, `"few": "{count} Geräte"`, `the form other is missing`},
		{"de", `"one": "Ein Gerät"`, `"one": "Ein Gerät", "few": "{count}"`, `the form few: no whole number has it in this language`},
		{"de", `"one": "Ein Gerät"`, `"single": "Ein Gerät"`, `"single" is neither a plural form nor`},
		{"de", `{"one": "Es ist abgemeldet.", "other": "Sie sind abgemeldet."}`, `"Abgemeldet."`, `de.json: a.silent: the plural form one is missing`},
		{"de", `{count} Geräte`, `Geräte`, `de.json: a.count: other: {count} is missing`},
		{"fr", `Speichern`, `Enregistrer`, `fr.json: a.count: one: {count} is missing`}, // it stands for 0, too
		{"ar", `Speichern`, `حفظ`, `ar.json: a.count: the plural form few is missing`},
		{"ja", `Speichern`, `保存`, `ja.json: a.count: the form one: no whole number has it`},
	} {
		broken := strings.Replace(fits, c.old, c.new, 1)
		if broken == fits {
			t.Fatalf("%q is not there", c.old)
		}
		if got := checked(t, c.tag, source, broken); !strings.Contains(got, c.want) {
			t.Errorf("%s, %q for %q: want %q, got %q", c.tag, c.new, c.old, c.want, got)
		}
	}
	for _, c := range []struct{ original, want string }{
		{`{"a.b": "{count} devices"}`, "en.json: a.b: the plural form one is missing"},
		{`{"a.b": "<device/> {device}"}`, `en.json: a.b: other: "device" is used in two ways`},
		{`["a"]`, "no JSON object"}, {`{"a.b": "x"} {}`, "something follows"}, {`{"a.b": "x"`, "JSON"},
	} {
		if got := checked(t, "de", c.original, `{}`); !strings.Contains(got, c.want) {
			t.Errorf("%s: want %q, got %q", c.original, c.want, got)
		}
	}
}

func TestMissingMessagesAreListed(t *testing.T) {
	en, _ := ReadFile("en", []byte(source))
	de, _ := ReadFile("de", []byte(`{"a.plain": "Speichern", "a.count": {"one": "{count}", "other": "{count}"}}`))
	if got := strings.Join(de.Missing(en), " "); got != "a.brand a.name a.rich a.silent" {
		t.Errorf("missing: %q", got)
	}
}
