package views

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/views/catalog"
)

// alwaysEnglish are the states that stay English: developers', the demonstration's and the support staff's.
var alwaysEnglish = []string{"docs", "support", "support user", "gallery", "outbox"}

func staysEnglish(state string) bool {
	page, _, _ := strings.Cut(state, "/")
	return slices.Contains(alwaysEnglish, page)
}

// latin is a word that the pseudo-language would have written with accents.
var latin = regexp.MustCompile(`[A-Za-z]{2,}`)

var markup = regexp.MustCompile(`</?[a-z][^>]*>`)

// notOurs are words that no catalogue holds: the name of the product, addresses and their places, and what people and programs call themselves in a mail.
var notOurs = regexp.MustCompile(`Latchkey|\bid\.example\.org|https?://\S+|\S+@\S+|` + sampleName + `|W{64}|Beach phone|` + longWords + `|[0-9a-f]+(:[0-9a-f]+){4,}|“[^”]*”|Firefox ööñ Linux|Chrome ööñ Android|This redirect_uri is not registered for the app\.|Samsung Browser ööñ Windows Phone|Hamburg, Germany|Lagos, Nigeria|Iceland`)

// spoken are the attributes with words for people, those included that a script shows.
var spoken = []string{
	"aria-label", "alt", "placeholder", "title",
	"data-copied", "data-missing", "data-easy", "data-enough", "data-good",
	"data-unsupported", "data-follow", "data-confirmed", "data-duplicate", "data-failed", "data-slow", "data-cancelled",
}

// uncatalogued lists the texts of a page in the pseudo-language that did not come from the catalogue: visible ones, and those that
// screen readers and tooltips tell. What stands in <bdi> or <code>, or is there to be copied, is no sentence of ours; the name of a
// language stands in that language.
func uncatalogued(doc *html.Node) (found []string) {
	check := func(s string) {
		s = markup.ReplaceAllString(strings.ReplaceAll(s, hostile, ""), "") // <noscript> is read as text
		if latin.MatchString(notOurs.ReplaceAllString(s, "")) {
			found = append(found, strings.Join(strings.Fields(s), " "))
		}
	}
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent != nil && !slices.Contains([]string{"bdi", "code", "option", "script", "style"}, n.Parent.Data) && under(n, "bdi") == nil && under(n, "code") == nil && value(n.Parent, "id") != "all-codes" {
			check(n.Data)
		}
		for _, a := range n.Attr {
			if slices.Contains(spoken, a.Key) && !strings.Contains(a.Val, "@") {
				check(a.Val)
			}
		}
	}
	return found
}

func TestEverySentenceComesFromTheCatalogue(t *testing.T) {
	p, _ := catalog.In(catalog.PseudoLong)
	for _, s := range append(GalleryIn(p, testAssets), MailsIn(p)...) {
		if staysEnglish(s.Name) {
			continue
		}
		var b strings.Builder
		if err := s.Component.Render(catalog.With(t.Context(), p), &b); err != nil {
			t.Fatal(err)
		}
		for _, text := range uncatalogued(parse(t, b.String())) {
			t.Errorf("%s: %q is not in the catalogue", s.Name, text)
		}
	}
}

// A mail's text shows all that its HTML does, also where that stands in a <bdi> with a name.
func TestEveryWordOfAMailComesFromTheCatalogue(t *testing.T) {
	p, _ := catalog.In(catalog.PseudoLong)
	g := gallery{say: p, now: mailMoment}
	for _, c := range g.mails() {
		if strings.Contains(c.name, "hostile") {
			continue
		}
		code := strings.NewReplacer("7QK4-ZD2M", "", "Pixel 9", "", "Work phone", "", strings.Repeat("W", givenLength-1), "", sampleWords, "")
		text := code.Replace(strings.Join(strings.Fields(c.mail.Subject()+"\n"+c.mail.Text()), " "))
		if at := latin.FindStringIndex(notOurs.ReplaceAllString(text, "")); at != nil {
			t.Errorf("%s: %q is not in the catalogue", c.name, notOurs.ReplaceAllString(text, "")[at[0]:])
		}
	}
}

func TestSentencesOutsideTheCatalogueAreFound(t *testing.T) {
	for page, want := range map[string]int{
		"<p>Šåvé <bdi>Pixel</bdi> <code>abc</code> Latchkey</p>": 0, "<p>Save</p>": 1, `<a aria-label="Save">Šåvé</a>`: 1, `<p>Šåvé <b>all</b></p>`: 1,
		`<p title="a@example.org">3 Ɱååŕçĥ</p>`: 0, "<bdi><b>Pixel</b></bdi>": 0, "<title>Šåvé · Latchkey</title>": 0, "<title>Save · Latchkey</title>": 1,
	} {
		if got := uncatalogued(parse(t, page)); len(got) != want {
			t.Errorf("%s: %q", page, got)
		}
	}
}

// A page or a mail that runs from right to left says so, in its attributes; a mail also inside its <body>, for some programs drop the
// rest.
func TestPagesAndMailsSayTheirLanguageAndDirection(t *testing.T) {
	for tag, dir := range map[string]string{catalog.Source: "", catalog.PseudoLong: "", catalog.PseudoRightToLeft: "rtl"} {
		p, _ := catalog.In(tag)
		var b strings.Builder
		if err := Login(LoginPage{Shell: Shell{Title: "x"}}).Render(catalog.With(t.Context(), p), &b); err != nil {
			t.Fatal(err)
		}
		if root := one(t, parse(t, b.String()), "html"); value(root, "lang") != tag || value(root, "dir") != dir {
			t.Errorf("%s: %v", tag, root.Attr)
		}
		mail := render(t, HTMLMail(Mail{Say: p, Kind: "test", At: mailMoment, Base: "https://id.example.org"}))
		root, sheet := one(t, mail, "html"), one(t, mail, "div", "class", "sheet")
		if value(root, "lang") != tag || value(root, "dir") != dir || value(sheet, "dir") != dir {
			t.Errorf("%s: a mail: %v %v", tag, root.Attr, sheet.Attr)
		}
	}
}
