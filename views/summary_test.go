package views

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A summary leads to every field that was refused and calls it as the form does; the title says first that something is wrong. No
// other page says that.
func TestASummaryNamesTheFieldsThatItLeadsTo(t *testing.T) {
	summaries, links := 0, 0
	for _, s := range Gallery(testAssets) {
		doc := render(t, s.Component)
		refused := find(doc, "div", "aria-labelledby", "refused", "tabindex", "-1")
		if got := strings.HasPrefix(text(one(t, doc, "title")), "Error: "); got != (len(refused) > 0) {
			t.Errorf("%s: %d summaries, and the title is %q", s.Name, len(refused), text(one(t, doc, "title")))
		}
		for _, summary := range refused {
			summaries++
			led := map[string]bool{}
			for _, a := range find(summary, "a", "href", "*") {
				links++
				id := strings.TrimPrefix(value(a, "href"), "#")
				led[id] = true
				if want := strings.TrimSuffix(labelOf(t, doc, id), " (optional)") + ": " + text(one(t, doc, "p", "id", id+"-problem")); text(a) != want {
					t.Errorf("%s: the link to %q says\n%s, want\n%s", s.Name, id, text(a), want)
				}
			}
			for _, p := range find(doc, "p", "class", "problem") {
				if id := strings.TrimSuffix(value(p, "id"), "-problem"); !led[id] {
					t.Errorf("%s: the summary does not lead to %q", s.Name, id)
				}
			}
			heading := find(summary, "h2")
			if (len(led) > 0) != (len(heading) == 1) || len(heading) == 1 && !led["passkey"] && text(heading[0]) != "Please check the fields below" {
				t.Errorf("%s: %d fields are led to, under %d headings", s.Name, len(led), len(heading))
			}
		}
	}
	if summaries < 20 || links < 30 {
		t.Errorf("%d summaries with %d links were looked at", summaries, links)
	}
}

// labelOf is what the page calls a field, a group of fields, or the part with its button.
func labelOf(t *testing.T, doc *html.Node, id string) string {
	t.Helper()
	if labels := find(doc, "label", "for", id); len(labels) == 1 {
		return text(labels[0])
	}
	if groups := find(doc, "fieldset", "id", id); len(groups) == 1 {
		return text(one(t, groups[0], "legend"))
	}
	return text(one(t, one(t, doc, "div", "id", id), "button"))
}
