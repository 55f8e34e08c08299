package views

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/views/catalog"
)

// linkLike is what a mail program could make a link of.
var linkLike = regexp.MustCompile(`(?i)://|www\.|mailto:|\S@\S|[\p{L}\p{N}]\.\p{L}{2}`)

// Forgers send mails about incidents. People tell ours by its having no links, in any language, and whatever links the operator has set.
func TestAMailAboutAnIncidentHasNoLinks(t *testing.T) {
	for _, language := range catalog.Complete {
		say, ok := catalog.In(language)
		if !ok {
			t.Fatal(language)
		}
		for _, locked := range []bool{false, true} {
			m := Mail{
				Say: say.Named("Acme"), Brand: SampleBrand(Assets{}), Kind: "incident", To: "leila@example.org", At: mailMoment, Base: "https://id.example.org",
				Devices: 3, Locked: locked, Words: "We are sorry.",
			}
			doc := render(t, HTMLMail(m))
			for part, shown := range map[string]string{"the text": m.Text(), "the HTML": strings.Join(texts(find(doc, "body")[0]), "\n"), "the subject": m.Subject()} {
				if found := linkLike.FindString(shown); found != "" {
					t.Errorf("%s, %s: %q in %s", language, part, found, shown)
				}
				if !strings.Contains(shown, "Acme") {
					t.Errorf("%s: %s does not say which service", language, part)
				}
				if part != "the subject" && (!strings.Contains(shown, m.Words) || !strings.Contains(shown, "3")) {
					t.Errorf("%s: %s does not tell what happened: %s", language, part, shown)
				}
			}
			if links := find(doc, "a"); len(links) > 0 {
				t.Errorf("%s: a link to %s", language, value(links[0], "href"))
			}
			if got := strings.Contains(flat(m), strings.Join(strings.Fields(say.LoginForgot()), " ")); got != locked {
				t.Errorf("%s: it tells of a forgotten password: %v, locked: %v\n%s", language, got, locked, m.Text())
			}
		}
	}
}

// texts are the texts of a document, each piece of its own.
func texts(n *html.Node) (list []string) {
	if n.Type == html.TextNode {
		list = append(list, n.Data)
	}
	for child := range n.ChildNodes() {
		list = append(list, texts(child)...)
	}
	return list
}
