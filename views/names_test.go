package views

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestNamesStandIsolatedInTheirSentence(t *testing.T) {
	for _, c := range []struct {
		text  string
		names []string
		want  string
	}{
		{"Signed in on “%s”.", []string{"phone"}, "Signed in on “<bdi>phone</bdi>”."},
		{"You renamed “%s” to “%s”.", []string{"%s", hostile}, "You renamed “<bdi>%s</bdi>” to “<bdi>&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;</bdi>”."},
		{"100 %s", nil, "100 %s"},
		{"<b> & “%s”", []string{override}, "&lt;b&gt; &amp; “<bdi>" + override + "</bdi>”"},
		{"%s on Monday", []string{"a\u2069\u202eb"}, `<bdi class="turning">` + "a\u2069\u202eb</bdi> on Monday"},
		{"%s on Monday", []string{"a\u202eb\u2066"}, `<bdi class="turning">` + "a\u202eb\u2066</bdi> on Monday"},
		{"%s on Monday", []string{"a\u2029\u202eb"}, `<bdi class="turning">` + "a\u2029\u202eb</bdi> on Monday"},
		{"%s", []string{""}, "<bdi>(invisible name)</bdi>"},
	} {
		var b strings.Builder
		if err := said(c.text, c.names).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("%q with %q: %s, want %s", c.text, c.names, b.String(), c.want)
		}
	}
}

func TestNoNameIsInvisible(t *testing.T) {
	for _, name := range []string{"", " ", "\u200b", "\u200b\u200d\u2060\ufeff", "\u202e\u2066", "\u00ad", "\u3164", "\u2800", "\u115f\u1160", "\u00a0\u2003", "\u0301", "\U0001d159", "\U00013441", "\U000e0020\U000e007f", "\u2065"} {
		if english.Visible(name) == name {
			t.Errorf("%+q is shown as it is: as nothing", name)
		}
	}
	for _, name := range []string{"a", "\u200ba", "é", "e\u0301", "手机", emoji, rightToLeft, override, "·", "½", "🔒"} {
		if english.Visible(name) != name {
			t.Errorf("%q is shown as %q", name, english.Visible(name))
		}
	}
}

// Where a hostile text is shown, it is alone in its isolation: nothing of ours can be turned around by it.
func TestTextsThatTurnWritingAroundAreIsolatedEverywhere(t *testing.T) {
	shown := 0
	for _, s := range Gallery(testAssets) {
		for n := range render(t, s.Component).Descendants() {
			if n.Type != html.TextNode || !strings.Contains(n.Data, "\u202e") && !strings.Contains(n.Data, rightToLeft) {
				continue
			}
			shown++
			if n.Parent.Data == "title" && strings.HasSuffix(n.Data, " · "+rightToLeft) {
				continue // an operator's name, which turns nothing around, at the end
			}
			if n.Parent.Data != "bdi" {
				t.Errorf("%s: %q stands in <%s>", s.Name, n.Data, n.Parent.Data)
			}
		}
	}
	if shown < 10 {
		t.Errorf("only %d such texts are shown", shown)
	}
}

func TestNoTextLeavesItsIsolationOnAPage(t *testing.T) {
	tried := 0
	for _, s := range Gallery(testAssets) {
		for n := range render(t, s.Component).Descendants() {
			if n.Type != html.TextNode || !strings.ContainsAny(n.Data, "\u2029\u2066\u2067\u2068\u2069") || n.Parent.Parent.Data == "code" {
				continue
			}
			tried++
			for up := n.Parent; up.Data != "body"; up = up.Parent {
				if class, _ := attr(up, "class"); class == "turning" || class == "sr-only" { // what is not seen turns nothing around
					n = nil
					break
				}
			}
			if n != nil {
				t.Errorf("%s: %+q stands in <%s>", s.Name, n.Data, n.Parent.Data)
			}
		}
	}
	if tried < 12 {
		t.Errorf("only %d texts of the gallery try it", tried)
	}
}

func TestNoTextLeavesItsIsolationInAMail(t *testing.T) {
	for name, want := range map[string]string{
		"phone": "phone", "a\u2069\u202eb": "\u2068a\u2069\u202eb", "a\u202eb\u2067\u2066": "a\u202eb\u2067\u2066\u2069\u2069",
		"\u2069\u2066a\u2069\u2069\u2068b": "\u2068\u2068\u2069\u2066a\u2069\u2069\u2068b\u2069", "a\u2029\u202eb": "a \u202eb", override: override,
	} {
		if got := contained(name); got != want {
			t.Errorf("%+q becomes %+q, want %+q", name, got, want)
		}
	}
	tried := 0
	for _, s := range Mails() {
		for n := range render(t, s.Component).Descendants() {
			if n.Type == html.TextNode && strings.Contains(n.Data, "\u2069") {
				if tried++; contained(n.Data) != n.Data {
					t.Errorf("%s: %+q", s.Name, n.Data)
				}
			}
		}
	}
	if tried < 2 {
		t.Errorf("only %d texts of the mails try it", tried)
	}
}
