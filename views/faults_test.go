package views

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// faults lists what no page may have, whatever its data.
func faults(doc *html.Node) []string {
	f := &finder{}
	f.structure(doc)
	f.injection(doc)
	f.forms(doc)
	f.references(doc)
	return f.found
}

type finder struct{ found []string }

func (f *finder) add(format string, args ...any) {
	f.found = append(f.found, fmt.Sprintf(format, args...))
}

func (f *finder) structure(doc *html.Node) {
	if n := len(find(doc, "h1")); n != 1 {
		f.add("%d h1", n)
	}
	if n := len(find(doc, "main")); n != 1 {
		f.add("%d main", n)
	}
	if len(find(doc, "html", "lang", "en")) != 1 {
		f.add("no language")
	}
	for _, title := range find(doc, "title") {
		if s := text(title); !strings.HasSuffix(s, " · "+service(doc)) || strings.HasPrefix(s, "·") {
			f.add("title %q", s)
		}
	}
	for _, stamp := range find(doc, "time") {
		if _, err := time.Parse(time.RFC3339, value(stamp, "datetime")); err != nil || !strings.HasSuffix(value(stamp, "title"), "UTC") && (!slices.Contains([]string{"exact", "deadline"}, value(stamp, "data-when")) || !strings.HasSuffix(text(stamp), "UTC")) {
			f.add("time without its exact moment: %v", stamp.Attr)
		}
		if !slices.Contains([]string{"ago", "until", "day", "clock", "exact", "deadline"}, value(stamp, "data-when")) {
			f.add("time that no script can say in the reader's zone: %v", stamp.Attr)
		}
	}
	for _, d := range append(find(doc, "a"), find(doc, "button")...) {
		if text(d) == "" && len(find(d, "img", "alt", "*")) == 0 {
			f.add("%s without words", d.Data)
		}
	}
	if leak := regexp.MustCompile(`@\w+\(`).FindString(text(doc)); leak != "" {
		f.add("template code shown: %s", leak)
	}
}

// service is what the page calls the service, at its top.
func service(doc *html.Node) string {
	for _, logo := range find(doc, "img", "class", "logo") {
		return value(logo, "alt")
	}
	for _, name := range find(doc, "span", "class", "brand-name") {
		return text(name)
	}
	return "Latchkey"
}

// injection finds what the content security policy forbids and what hostile text would make.
func (f *finder) injection(doc *html.Node) {
	for _, script := range find(doc, "script") {
		if !strings.HasPrefix(value(script, "src"), "/static/") || text(script) != "" || under(script, "head") == nil {
			f.add("<script> that is not ours: %v %q", script.Attr, text(script))
		}
	}
	for _, img := range find(doc, "img") { // a QR code, drawn by us
		if value(img, "class") == "logo" && strings.HasPrefix(value(img, "src"), "/static/") && value(img, "alt") != "" {
			continue
		}
		if !strings.HasPrefix(value(img, "src"), "data:image/png;base64,") || value(img, "alt") == "" {
			f.add("<img> that is not ours: %v", img.Attr)
		}
	}
	for _, tag := range []string{"style", "iframe", "object", "embed", "base"} {
		if len(find(doc, tag)) > 0 {
			f.add("<%s>", tag)
		}
	}
	for _, d := range find(doc, "") {
		for _, a := range d.Attr {
			link := (a.Key == "href" || a.Key == "action" || a.Key == "src") && d.Data != "img"
			if link && (strings.HasPrefix(a.Val, "data:text/plain;charset=utf-8,") && value(d, "download") != "" || strings.HasPrefix(a.Val, "otpauth://totp/")) {
				continue
			}
			if d.Data == "a" && (strings.HasPrefix(a.Val, "https://brand.example/") || a.Val == "mailto:help@brand.example") {
				continue // the operator's own pages
			}
			if d.Data == "a" && (strings.HasPrefix(a.Val, "https://notes.example.com/bye?") || a.Val == "com.example.notes:/bye") {
				continue // where an app asked to go, which is verified
			}
			if d.Data == "form" && a.Key == "action" && a.Val == "https://notes.example.com/cb" {
				continue // likewise, with the answer in a form
			}
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				f.add("attribute %s on <%s>", a.Key, d.Data)
			case link && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "about:invalid"):
				f.add("%s=%q leads elsewhere", a.Key, a.Val)
			case link && strings.HasPrefix(a.Val, "//"):
				f.add("%s=%q leads to another host", a.Key, a.Val)
			}
		}
	}
}

func (f *finder) forms(doc *html.Node) {
	for _, form := range find(doc, "form") {
		search := value(form, "method") == "get" && under(form, "search") != nil                               // kept in the URL
		asks := value(form, "method") == "get" && strings.HasPrefix(value(form, "action"), "/devices/revoke-") // leads to a question
		if !search && !asks && value(form, "method") != "post" || value(form, "action") == "" {
			f.add("form that is not a POST with an action: %v", form.Attr)
		}
		// A question that can be answered with yes and no has a button for each.
		if buttons, answers := find(form, "button", "type", "submit"), find(form, "button", "name", "choice"); len(buttons) != 1 && (len(buttons) != 2 || len(answers) != 2) {
			f.add("form %s without its button", value(form, "action"))
		}
	}
	for _, in := range find(doc, "input") {
		kind := value(in, "type")
		if kind == "hidden" {
			continue
		}
		if _, ok := attr(in, "autocomplete"); !ok && kind != "checkbox" && kind != "radio" {
			f.add("input %s without autocomplete", value(in, "id"))
		}
		if kind == "password" && value(in, "value") != "" {
			f.add("a password in the page")
		}
		labels := find(doc, "label", "for", value(in, "id"))
		if value(in, "id") == "" || len(labels) != 1 || text(labels[0]) == "" {
			f.add("input %v without a label", in.Attr)
		}
		if value(in, "aria-invalid") == "true" && value(in, "aria-describedby") == "" {
			f.add("input %s is invalid and nothing says why", value(in, "id"))
		}
	}
}

func (f *finder) references(doc *html.Node) {
	seen := map[string]bool{}
	for _, d := range find(doc, "", "id", "*") {
		id := value(d, "id")
		if id == "" || seen[id] || strings.ContainsAny(id, " \t\n") {
			f.add("id %q is empty, taken or has a space", id)
		}
		seen[id] = true
	}
	for _, key := range []string{"aria-describedby", "aria-labelledby", "for"} {
		for _, d := range find(doc, "", key, "*") {
			for id := range strings.FieldsSeq(value(d, key)) {
				if !seen[id] {
					f.add("%s names %q, which is not there", key, id)
				}
			}
		}
	}
}

// TestFaultsAreFound breaks a sound page in every way that faults knows.
func TestFaultsAreFound(t *testing.T) {
	const sound = `<html lang="en"><title>X · Latchkey</title><main><h1>X</h1>` +
		`<form method="post" action="/x"><label for="i">L</label><input id="i" autocomplete="off"><button type="submit">Go</button></form>` +
		`<a href="/y">Y</a><time datetime="2026-01-02T03:04:05Z" title="at 03:04 UTC" data-when="ago">then</time></main></html>`
	if f := faults(parse(t, sound)); len(f) != 0 {
		t.Fatalf("the sound page has faults: %q", f)
	}
	for _, c := range []struct{ old, new, fault string }{
		{"<h1>X</h1>", "", "0 h1"},
		{"<h1>X</h1>", "<h1>X</h1><h1>Y</h1>", "2 h1"},
		{"<main>", "<div>", "0 main"},
		{` lang="en"`, "", "no language"},
		{"X · Latchkey", " · Latchkey", "title"},
		{"03:04 UTC", "three", "time without"},
		{"2026-01-02T03:04:05Z", "soon", "time without"},
		{` data-when="ago"`, "", "time that no script"},
		{">Y</a>", "></a>", "a without words"},
		{">Y</a>", ">@stamp(t)</a>", "template code"},
		{"<h1>X", "<h1><script>alert(1)</script>X", "<script>"},
		{"<title>", `<script src="/static/x.js">alert(1)</script><title>`, "<script>"},
		{"<title>", `<script src="https://evil.example/x.js"></script><title>`, "<script>"},
		{"<h1>X", "<h1><img src=x>X", "<img>"},
		{"<h1>X", `<h1><img src="data:image/png;base64,AAAA">X`, "<img>"},
		{`"/y"`, `"data:text/html,x"`, "leads elsewhere"},
		{`"/y"`, `"data:text/plain;charset=utf-8,x"`, "leads elsewhere"},
		{"<h1>X", `<h1 style="color:red">X`, "attribute style"},
		{"<h1>X", `<h1 onclick="x()">X`, "attribute onclick"},
		{`"/y"`, `"javascript:alert(1)"`, "leads elsewhere"},
		{`"/y"`, `"https://evil.example"`, "leads elsewhere"},
		{`"/y"`, `"//evil.example"`, "another host"},
		{` action="/x"`, "", "not a POST"},
		{`method="post"`, `method="get"`, "not a POST"},
		{`type="submit"`, `type="button"`, "without its button"},
		{` autocomplete="off"`, "", "without autocomplete"},
		{`<input id`, `<input type="password" value="secret" id`, "a password"},
		{`<label for="i">L</label>`, "", "without a label"},
		{`>L</label>`, "></label>", "without a label"},
		{`<input id`, `<input aria-invalid="true" id`, "nothing says why"},
		{"<h1>", `<h1 id="i">`, "taken"},
		{"<h1>", `<h1 aria-describedby="nobody">`, "not there"},
	} {
		broken := strings.Replace(sound, c.old, c.new, 1)
		if all := strings.Join(faults(parse(t, broken)), "; "); !strings.Contains(all, c.fault) {
			t.Errorf("%q for %q: want %q, got %q", c.new, c.old, c.fault, all)
		}
	}
}
