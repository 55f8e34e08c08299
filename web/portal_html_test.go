package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/models"
)

// screen is a part of a page: an element and what stands in it.
type screen struct {
	t testing.TB
	n *html.Node
}

// screen reads the answer as a page of the portal.
func (r reply) screen(t testing.TB) screen {
	t.Helper()
	if got := r.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Fatalf("%d: the answer is %q, not a page: %s", r.status, got, r.body)
	}
	n, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return screen{t, n}
}

// all lists the elements of a kind that have the attributes given as name, value pairs. A value of "*" takes any, a
// class is one of the element's, and an empty tag is any element.
func (s screen) all(tag string, pairs ...string) []screen {
	var found []screen
	for d := range s.n.Descendants() {
		if d.Type != html.ElementNode || tag != "" && d.Data != tag {
			continue
		}
		fits := true
		for pair := range slices.Chunk(pairs, 2) {
			got, ok := screen{s.t, d}.lookup(pair[0])
			if pair[0] == "class" {
				fits = fits && slices.Contains(strings.Fields(got), pair[1])
				continue
			}
			fits = fits && ok && (pair[1] == "*" || got == pair[1])
		}
		if fits {
			found = append(found, screen{s.t, d})
		}
	}
	return found
}

// one is all where exactly one element is expected.
func (s screen) one(tag string, pairs ...string) screen {
	s.t.Helper()
	found := s.all(tag, pairs...)
	if len(found) != 1 {
		s.t.Fatalf("%d elements <%s %q>, want 1, in %q", len(found), tag, pairs, s.text())
	}
	return found[0]
}

func (s screen) none(tag string, pairs ...string) {
	s.t.Helper()
	if found := s.all(tag, pairs...); len(found) != 0 {
		s.t.Errorf("%d elements <%s %q>, want none: %q", len(found), tag, pairs, found[0].text())
	}
}

func (s screen) lookup(name string) (string, bool) {
	for _, a := range s.n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func (s screen) attr(name string) string {
	got, _ := s.lookup(name)
	return got
}

// text is what stands in an element, with white space collapsed.
func (s screen) text() string {
	var b strings.Builder
	for d := range s.n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// says checks a text.
func (s screen) says(want string) {
	s.t.Helper()
	if got := s.text(); got != want {
		s.t.Errorf("<%s> says %q, want %q", s.n.Data, got, want)
	}
}

// texts lists what the elements of a kind say.
func (s screen) texts(tag string, pairs ...string) []string {
	var list []string
	for _, e := range s.all(tag, pairs...) {
		list = append(list, e.text())
	}
	return list
}

// shown follows a path that must answer with a page.
func (b *browser) shown(path string) screen {
	b.t.Helper()
	r := b.get(path)
	if r.status != http.StatusOK {
		b.t.Fatalf("GET %s: %d to %q\n%s", path, r.status, r.header.Get("Location"), r.body)
	}
	return r.screen(b.t)
}

// told follows a path, where a message must wait.
func (b *browser) told(path, message string) screen {
	b.t.Helper()
	page := b.shown(path)
	page.one("div", "class", "notice", "tabindex", "-1").one("p", "class", "notice-text").says(message)
	return page
}

func (b *browser) signIn(email, password string) {
	b.t.Helper()
	b.expect(b.post("/login", url.Values{"email": {email}, "password": {password}}), http.StatusSeeOther, "/devices")
}

// cookie is a cookie that the browser holds, or nil.
func (b *browser) cookie(name string) *http.Cookie {
	b.t.Helper()
	base, err := url.Parse(b.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(base) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// live finds a person's device that is not revoked, by its name.
func (s *site) live(email, name string) models.Device {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := s.store.LiveDevices(s.t.Context(), u.ID, models.Liveness{Now: s.clock.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range list {
		if d.Name == name {
			return d
		}
	}
	s.t.Fatalf("%s has no live device %q", email, name)
	return models.Device{}
}

// dump is everything in the database, but for when and where devices were last seen.
func (s *site) dump() string {
	s.t.Helper()
	var out []string
	for _, table := range []string{"users", "devices", "events", "attempts", "known_places", "clients", "signing_keys", "one_time_tokens", "former_addresses"} {
		rows, err := s.store.Pools()[0].QueryContext(s.t.Context(), "SELECT * FROM "+table)
		if err != nil {
			s.t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			s.t.Fatal(err)
		}
		for rows.Next() {
			values, targets := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				targets[i] = &values[i]
			}
			if err := rows.Scan(targets...); err != nil {
				s.t.Fatal(err)
			}
			line := table
			for i, name := range names {
				if name != "last_seen_at" && name != "last_ip" {
					line += fmt.Sprintf(" %s=%v", name, values[i])
				}
			}
			out = append(out, line)
		}
		if err := rows.Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// unchanged checks that what is done changes nothing in the database.
func (s *site) unchanged(what string, do func()) {
	s.t.Helper()
	before := s.dump()
	do()
	if after := s.dump(); after != before {
		s.t.Errorf("%s changed the database from\n%s\nto\n%s", what, before, after)
	}
}

// route is one line of the table in routes.go: read there, so that a route that is added is tested too.
type route struct{ method, path, guard string }

var routeLine = regexp.MustCompile(`"(GET|POST|PATCH|DELETE) (/\S*)":\s+s\.(\w+)`)

// pages lists the portal's routes with a method; id stands in for {id}.
func pages(t *testing.T, method, id string) []route {
	t.Helper()
	table, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var list []route
	for _, m := range routeLine.FindAllStringSubmatch(string(table), -1) {
		guard := m[3]
		switch guard { // with a password of its owner's choice, and no factor to set up, they are the same
		case "anyPassword", "setUp":
			guard = "signedIn"
		case "anyPasswordForm", "setUpForm":
			guard = "form"
		}
		if r := (route{m[1], m[2], guard}); r.method == method && (r.guard == "page" || r.guard == "signedIn" || r.guard == "form") {
			r.path = strings.NewReplacer("{id}", id, "{$}", "", "{link}", "AAAAAAAAAAAAAAAA").Replace(r.path)
			list = append(list, r)
		}
	}
	if len(list) < 6 {
		t.Fatalf("only %d %s routes were found in routes.go", len(list), method)
	}
	return list
}
