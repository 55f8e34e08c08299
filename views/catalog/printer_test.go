package catalog

import (
	"context"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/a-h/templ"
	"golang.org/x/text/language"
)

// speaker is a printer of a catalogue that a test makes.
func speaker(t *testing.T, tag, catalogue string) Printer {
	t.Helper()
	f, err := ReadFile(tag, []byte(catalogue))
	if err != nil {
		t.Fatal(err)
	}
	return Printer{tongue: &tongue{tag: language.MustParse(tag), messages: f.messages}}
}

func shown(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func bold(inside templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "<b>")
		_ = inside.Render(ctx, w)
		_, err := io.WriteString(w, "</b>")
		return err
	})
}

func TestPluralFormsFollowTheLanguage(t *testing.T) {
	ar := speaker(t, "ar", `{"a.b": {"zero": "0", "one": "1", "two": "2", "few": "{count} f", "many": "{count} m", "other": "{count} o"}}`)
	fr := speaker(t, "fr", `{"a.b": {"one": "{count} appareil", "other": "{count} appareils"}}`)
	ja := speaker(t, "ja", `{"a.b": {"other": "{count}台"}}`)
	for _, c := range []struct {
		p    Printer
		n    int
		want string
	}{
		{ar, 0, "0"}, {ar, 1, "1"}, {ar, 2, "2"}, {ar, 3, "3 f"}, {ar, 11, "11 m"}, {ar, 100, "100 o"}, {ar, 103, "103 f"},
		{fr, 0, "0 appareil"}, {fr, 1, "1 appareil"}, {fr, 2, "2 appareils"}, {ja, 1, "1台"},
	} {
		if got := c.p.text("a.b", args{"count": c.n}); got != c.want {
			t.Errorf("%s, %d: %q, want %q", c.p.Tag(), c.n, got, c.want)
		}
	}
}

func TestWhatALanguageLacksIsSaidInEnglish(t *testing.T) {
	ja := speaker(t, "ja", `{"layout.skip": "本文へ"}`)
	if got := ja.LayoutSkip() + ja.ActSave() + ja.OthersSubmit(1); got != "本文へSaveSign out 1 device" {
		t.Errorf("%q", got)
	}
	if got := From(With(t.Context(), ja)).LayoutSkip() + From(t.Context()).LayoutSkip(); got != "本文へSkip to main content" {
		t.Errorf("by context: %q", got)
	}
}

// A translation may change the order of names. No name becomes markup, or takes the place of another.
func TestSentencesKeepTheirNames(t *testing.T) {
	const evil = `<b>%s{device}`
	de := speaker(t, "de", `{"a.b": "„{new_name}“ statt „{name}“ ({longest})", "a.c": "<link>Ändern & {device}</link> <when/>"}`)
	s := de.sentence("a.b", args{"name": evil, "new_name": "neu", "longest": "%s"})
	if want := "„<bdi>neu</bdi>“ statt „<bdi>&lt;b&gt;%s{device}</bdi>“ (%\u2060s)"; shown(t, s) != want {
		t.Errorf("%s, want %s", shown(t, s), want)
	}
	if want := "„neu“ statt „" + evil + "“ (%\u2060s)"; s.String() != want {
		t.Errorf("%s, want %s", s, want)
	}
	got := shown(t, de.rich("a.c", args{"link": Tag(bold), "device": evil, "when": templ.Raw("<time>")}))
	if want := "<b>Ändern &amp; <bdi>&lt;b&gt;%s{device}</bdi></b> <time>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := shown(t, de.rich("a.c", args{"link": Tag(nil), "device": "\u200b"})); got != "Ändern &amp; <bdi>(invisible name)</bdi> " {
		t.Errorf("without its parts: %s", got)
	}
}

// The name that the operator gave the service is no argument: the printer knows it. It never becomes markup, and is isolated.
func TestTheBrandComesWithThePrinter(t *testing.T) {
	const evil = `<b>"A&B" {device}%s`
	de := speaker(t, "de", `{"a.b": "Codes von {brand} für {email}", "a.c": "<link>Neu bei {brand}?</link>", "errors.x": "Kein Konto bei {brand}."}`)
	named := de.Named(evil)
	values := args{"email": "a@b.example", "link": Tag(bold)}
	for what, c := range map[string]struct{ got, want string }{
		"a sentence":            {shown(t, named.sentence("a.b", values)), `Codes von <bdi>&lt;b&gt;&#34;A&amp;B&#34; {device}%s</bdi> für <bdi>a@b.example</bdi>`},
		"its text":              {named.sentence("a.b", values).String(), `Codes von ` + evil + ` für a@b.example`},
		"a component":           {shown(t, named.rich("a.c", values)), `<b>Neu bei <bdi>&lt;b&gt;&#34;A&amp;B&#34; {device}%s</bdi>?</b>`},
		"a plain text":          {named.text("errors.x", nil), "Kein Konto bei " + evil + "."},
		"a sentence without it": {de.sentence("a.b", values).String(), "Codes von Latchkey für a@b.example"},
		"the zero printer":      {Printer{}.Brand(), "Latchkey"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", what, c.got, c.want)
		}
	}
	for brand, want := range map[string]string{
		"": "latchkey-x.txt", "Acme": "acme-x.txt", "A/../B \\ “C”\u200d.exe": "a-b-c-exe-x.txt", "Müller & Söhne": "müller-söhne-x.txt", "🏝️": "x.txt", "★": "x.txt", "متجر": "متجر-x.txt",
	} {
		if got := de.Named(brand).FileName("x.txt"); got != want {
			t.Errorf("%q: the file %q, want %q", brand, got, want)
		}
	}
	if de.Branded() || !named.Branded() {
		t.Error("which has a name?")
	}
	choice, err := NewChoice(nil, []string{"en", PseudoLong})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(choice.Named("Acme").Offered(), choice.Named("Acme").Pick(""), choice.Named("Acme").Pick("", PseudoLong)) {
		if p.Brand() != "Acme" {
			t.Errorf("%s: a choice with a name says %q", p.Tag(), p.Brand())
		}
	}
	if got := choice.Pick("").Brand(); got != "Latchkey" {
		t.Errorf("the choice without a name says %q", got)
	}
}

func TestPseudoLanguages(t *testing.T) {
	long, _ := In(PseudoLong)
	back, _ := In(PseudoRightToLeft)
	var en Printer
	if long.RightToLeft() || en.RightToLeft() || !back.RightToLeft() {
		t.Error("the directions are wrong")
	}
	for _, s := range []string{en.LoginLead(), en.ActSave(), en.LayoutSkip()} {
		n, more := utf8.RuneCountInString(s), utf8.RuneCountInString(lengthened(s))
		if strings.ContainsFunc(lengthened(s), func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) || more*10 < n*13 {
			t.Errorf("%q becomes %q", s, lengthened(s))
		}
	}
	if got := long.OthersSubmit(3); !strings.Contains(got, "3") || got == en.OthersSubmit(3) {
		t.Errorf("a plural becomes %q", got)
	}
	if _, ok := In("tlh"); ok {
		t.Error("there is a language without a file")
	}
}

func TestErrorsAreFoundByTheirEnglish(t *testing.T) {
	long, _ := In(PseudoLong)
	const known = "The e-mail address or password is wrong."
	if got := long.Error(known); got != lengthened(known) {
		t.Errorf("%q", got)
	}
	if got := long.Error("An account can have at most 10 passkeys. Remove one first."); !strings.Contains(got, "10") || !strings.Contains(got, lengthened("Remove one first.")) {
		t.Errorf("with a number: %q", got)
	}
	if got := (Printer{}).Error(known); got != known {
		t.Errorf("in English: %q", got)
	}
	if got := long.Error("Unheard of."); got != "Unheard of." || ErrorKey("Unheard of.") != "" || ErrorKey(known) == "" {
		t.Errorf("an unknown error: %q", got)
	}
}

func TestChoice(t *testing.T) {
	valid := []string{"en", "ar-XB", "en-XA"} // any that exist
	if _, err := NewChoice([]string{"en", "xx"}, valid); err == nil || !strings.Contains(err.Error(), `"xx" is not one of en, ar-XB, en-XA`) {
		t.Errorf("%v", err)
	}
	c, err := NewChoice([]string{" ar-XB", "en", "en"}, valid)
	if err != nil || len(c.Offered()) != 2 {
		t.Fatalf("%d are offered: %v", len(c.Offered()), err)
	}
	for _, x := range []struct{ accept, chosen, want string }{
		{"", "", "ar-XB"}, {"en-GB,en;q=0.9", "", "en"}, {"ja, en;q=0.5", "", "en"}, {"ja", "", "ar-XB"}, {"en", "ar-XB", "ar-XB"}, {"en", "xx", "en"},
		{"en", "en-XA", "en"}, {";;;q=", "", "ar-XB"}, {strings.Repeat("en,", 1000), "", "ar-XB"},
	} {
		if got := c.Pick(x.accept, x.chosen).Tag().String(); got != x.want {
			t.Errorf("%.20q, chosen %q: %s, want %s", x.accept, x.chosen, got, x.want)
		}
	}
	if all, err := NewChoice(nil, Complete); err != nil || len(all.Offered()) != len(Complete) {
		t.Errorf("without a limit: %v", err)
	}
}

// The names that auth gives to browsers and apps follow the reader's language. Names that people give stay, however they look.
func TestNamesOfBrowsersAreInTheReadersLanguage(t *testing.T) {
	german, _ := In("de")
	for name, want := range map[string]string{
		"Firefox on Linux": "Firefox unter Linux", "Firefox on Linux (2)": "Firefox unter Linux (2)", "Samsung Browser on Windows Phone": "Samsung Browser unter Windows Phone",
		"Unknown browser": "Unbekannter Browser", "Unknown browser (13)": "Unbekannter Browser (13)",
		"on Linux": "on Linux", "My Unknown browser": "My Unknown browser", "Firefox on Linux, my own": "Firefox on Linux, my own", "phone (2)": "phone (2)", "": "",
	} {
		if got := german.Program(name); got != want {
			t.Errorf("%q is %q in German, want %q", name, got, want)
		}
		if got := (Printer{}).Program(name); got != name {
			t.Errorf("%q is %q in English", name, got)
		}
		if got := german.EventSignIn(name).String(); !strings.Contains(got, want) {
			t.Errorf("%q in a sentence: %q", name, got)
		}
	}
	arabic, _ := In("ar")
	if got := arabic.Program("Firefox on Linux"); !strings.HasPrefix(got, "\u200f") { // it begins with a word that would turn it
		t.Errorf("%q begins at the left in Arabic", got)
	}
}
