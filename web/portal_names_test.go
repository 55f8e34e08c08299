package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// Every place where a name or a browser's word for itself appears, with what people and attackers put there.
func TestStrangeNamesAreHarmlessInEveryPlace(t *testing.T) {
	for what, name := range map[string]string{
		"markup": evil, "quotes": `"'` + "`", "right to left": "هاتف ليلى", "an override": "Pixel \u202egnp.exe", "an embedding left open": "\u202b\u2067phone",
		"emoji": "🏝️ phone 👩‍👩‍👧‍👦", "zero-width": "ph\u200bo\u2060ne\ufeff", "a format": "%s %d %!x(MISSING) ${7*7} {{7*7}}",
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				b, p := s.signedIn(), s.login(name)
				other := s.browser()
				other.agent = strings.NewReplacer("\u202e", "", "\u202b", "").Replace("Mozilla/5.0 (X11; Linux x86_64; " + name + ") " + name + "/9.0 Firefox/140.0")
				other.signIn(adaEmail, adaPassword)
				s.clock.Advance(time.Minute)
				s.stolen(name + ".")
				tablet := s.login("tablet")
				s.clock.Advance(time.Minute)
				b.expect(b.post("/devices/"+tablet.id+"/rename", url.Values{"name": {name + "!"}}), http.StatusSeeOther, "/devices")

				places := 0
				for _, path := range []string{
					"/devices", "/devices/" + p.id + "/revoke", "/devices/" + p.id + "/revoke?unknown=1", "/devices/" + p.id + "/revoke-since", "/devices/revoke-others", "/activity",
					"/activity?kind=devices", "/activity?kind=" + url.QueryEscape(name) + "&before=" + url.QueryEscape(name),
				} {
					page := b.shown(path)
					noInline(t, path, page)
					n := isolated(t, path, page, name)
					if n == 0 {
						t.Errorf("%s does not show the name", path)
					}
					places += n
				}
				b.post("/devices/"+p.id+"/revoke", nil)
				places += isolated(t, "told", b.told("/devices", fmt.Sprintf("You’ve signed out “%s”.", strings.Join(strings.Fields(name), " "))), name)
				if places < 15 {
					t.Errorf("the name is shown in %d places only", places)
				}
			})
		})
	}
}

// isolated counts the texts of a page that hold the name. Each must stand in its own <bdi>.
func isolated(t *testing.T, where string, page screen, name string) (n int) {
	t.Helper()
	for d := range page.n.Descendants() {
		if d.Type != html.TextNode || !strings.Contains(d.Data, name) {
			continue
		}
		n++
		if d.Parent.Data != "bdi" {
			t.Errorf("%s: %q stands in <%s>", where, d.Data, d.Parent.Data)
		}
	}
	return n
}
