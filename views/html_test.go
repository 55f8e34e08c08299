package views

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

func render(t *testing.T, c templ.Component) *html.Node {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return parse(t, b.String())
}

func parse(t *testing.T, text string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// find lists the elements of a kind, in document order, that have all the attributes
// given as name, value pairs; a value of "*" takes any. An empty tag is any element.
func find(n *html.Node, tag string, pairs ...string) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type != html.ElementNode || tag != "" && d.Data != tag {
			continue
		}
		fits := true
		for pair := range slices.Chunk(pairs, 2) {
			value, ok := attr(d, pair[0])
			fits = fits && ok && (pair[1] == "*" || value == pair[1])
		}
		if fits {
			found = append(found, d)
		}
	}
	return found
}

// one is find where exactly one element is expected.
func one(t *testing.T, n *html.Node, tag string, pairs ...string) *html.Node {
	t.Helper()
	found := find(n, tag, pairs...)
	if len(found) != 1 {
		t.Fatalf("%d elements <%s %q>, want 1", len(found), tag, pairs)
	}
	return found[0]
}

// none fails when there is such an element.
func none(t *testing.T, n *html.Node, tag string, pairs ...string) {
	t.Helper()
	if found := find(n, tag, pairs...); len(found) != 0 {
		t.Errorf("%d elements <%s %q>, want none", len(found), tag, pairs)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// value is attr where absence is the empty string.
func value(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

// text is what stands in a node, with white space collapsed.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// under is the nearest enclosing element of a kind, or nil.
func under(n *html.Node, tag string) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && p.Data == tag {
			return p
		}
	}
	return nil
}
