package views

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/views/catalog"
)

// unconverted are the states of the gallery whose sentences do not all come from the catalogue yet: by the page, or by the whole
// name. An entry that is converted must go; once none is left, so does the list.
var unconverted = []string{
	"activity",
	"devices/a theft",
	"devices/lost answers",
	"devices/thefts and more",
	"letter",
}

// alwaysEnglish are the states that stay English: developers', the demonstration's and the support staff's.
var alwaysEnglish = []string{"docs", "support", "support user", "gallery", "outbox"}

func listed(list []string, name string) bool {
	page, _, _ := strings.Cut(name, "/")
	return slices.Contains(list, page) || slices.Contains(list, name)
}

// latin is a word that the pseudo-language would have written with accents.
var latin = regexp.MustCompile(`[A-Za-z]{2,}`)

var markup = regexp.MustCompile(`</?[a-z][^>]*>`)

// notOurs are words in a page that no catalogue holds: the name of the product, and UTC and the months of dates, which the printer
// does not write yet.
var notOurs = regexp.MustCompile(`Latchkey|UTC|\b(January|February|March|April|May|June|July|August|September|October|November|December)\b`)

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
	left := map[string]bool{}
	for _, s := range append(GalleryIn(p, testAssets), MailsIn(p)...) {
		if listed(alwaysEnglish, s.Name) {
			continue
		}
		var b strings.Builder
		if err := s.Component.Render(catalog.With(t.Context(), p), &b); err != nil {
			t.Fatal(err)
		}
		found := uncatalogued(parse(t, b.String()))
		if !listed(unconverted, s.Name) {
			for _, text := range found {
				t.Errorf("%s: %q is not in the catalogue", s.Name, text)
			}
		} else if len(found) > 0 {
			page, _, _ := strings.Cut(s.Name, "/")
			left[page], left[s.Name] = true, true
		}
	}
	for _, name := range unconverted {
		if !left[name] {
			t.Errorf("%q is converted, or is no state: take it off the list", name)
		}
	}
}

func TestSentencesOutsideTheCatalogueAreFound(t *testing.T) {
	for page, want := range map[string]int{
		"<p>Šåvé <bdi>Pixel</bdi> <code>abc</code> Latchkey</p>": 0, "<p>Save</p>": 1, `<a aria-label="Save">Šåvé</a>`: 1, `<p>Šåvé <b>all</b></p>`: 1,
		`<p title="a@example.org">3 March</p>`: 0, "<bdi><b>Pixel</b></bdi>": 0, "<title>Šåvé · Latchkey</title>": 0, "<title>Save · Latchkey</title>": 1,
	} {
		if got := uncatalogued(parse(t, page)); len(got) != want {
			t.Errorf("%s: %q", page, got)
		}
	}
}

// A page that runs from right to left says so, in its attributes.
func TestPagesSayTheirLanguageAndDirection(t *testing.T) {
	for tag, dir := range map[string]string{catalog.Source: "", catalog.PseudoLong: "", catalog.PseudoRightToLeft: "rtl"} {
		p, _ := catalog.In(tag)
		var b strings.Builder
		if err := Login(LoginPage{Shell: Shell{Title: "x"}}).Render(catalog.With(t.Context(), p), &b); err != nil {
			t.Fatal(err)
		}
		if root := one(t, parse(t, b.String()), "html"); value(root, "lang") != tag || value(root, "dir") != dir {
			t.Errorf("%s: %v", tag, root.Attr)
		}
	}
}
