package web_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

// searched sends the search form, and returns where it leads.
func (b *browser) searched(t *testing.T, form url.Values) string {
	t.Helper()
	r := b.post("/support", form)
	to := r.header.Get("Location")
	if r.status != http.StatusSeeOther || !strings.HasPrefix(to, "/support?search=") {
		t.Fatalf("%d to %q\n%s", r.status, to, r.body)
	}
	return to
}

// held is what a URL of the desk says to those who keep it: as it is, and decoded.
func held(t *testing.T, path string) string {
	t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	all := path
	for _, values := range u.Query() {
		for _, value := range values {
			raw, _ := base64.RawURLEncoding.DecodeString(value)
			all += " " + value + " " + string(raw)
		}
	}
	return strings.ToLower(all)
}

func TestASearchTravelsSealedWithTheReasonForItsLooks(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam, ada := s.desk(), s.signedIn()
		s.login("phone")
		s.clock.Advance(time.Minute)
		front := sam.shown("/support")
		front.one("input", "name", "q", "autofocus", "*")
		form := front.one("form", "class", "desk-search")
		form.one("input", "name", "account")
		results := sam.searched(t, url.Values{"q": {" ADA@example.com"}, "kind": {"app"}, "reason": {" Ticket 4711 "}})
		page := sam.shown(results)
		page.one("input", "name", "q", "value", "ADA@example.com")
		page.one("input", "name", "reason", "value", "Ticket 4711")
		page.one("p", "class", "desk-chosen").says("Filtered: apps")
		page.one("form", "class", "desk-search").one("blockquote").says("Ticket 4711")
		page.none("input", "name", "q", "autofocus", "*")
		page.one("h2", "id", "found", "autofocus", "*").says("Found 1 person")
		look := page.one("tr", "class", "desk-person").one("a").attr("href")
		for _, path := range []string{results, look} {
			if said := held(t, path); strings.Contains(said, "ada@") || strings.Contains(said, "4711") {
				t.Errorf("a URL tells %s", said)
			}
		}
		s.clock.Advance(time.Minute)
		person := sam.shown(look)
		s.clock.Advance(time.Minute)
		person.one("h1").says(adaEmail)
		back := person.one("p", "class", "desk-back").one("a").attr("href")
		if got := sam.shown(back).one("tr", "class", "desk-person").one("bdi").text(); got != adaEmail {
			t.Errorf("the way back leads to %q", got)
		}
		if own, theirs := s.eventsOf(samEmail), s.eventsOf(adaEmail); own[1].Kind != models.EventSupportLooked || own[1].Reason != "Ticket 4711" || theirs[0].Reason != "Ticket 4711" || theirs[0].Detail != "" {
			t.Errorf("the looks: %+v %+v", own[1], theirs[0])
		}
		for _, b := range []*browser{ada, sam} {
			for _, row := range b.shown("/activity").all("li", "class", "event") {
				if strings.Contains(row.one("p", "class", "event-text").text(), "ooked at") {
					row.one("div", "class", "event-reason").one("p").says("Reason given by support:")
					row.one("blockquote").one("bdi").says("Ticket 4711")
				}
			}
		}
		if r := ada.download(adaPassword); !strings.Contains(r.body, `"reason":"Ticket 4711"`) || !strings.Contains(r.body, `"kind":"sign_in"`) {
			t.Errorf("the reason is not in ada's data: %d", r.status)
		}
		s.clock.Advance(time.Minute)
		for _, link := range person.one("nav", "class", "filters").all("a") { // which are looks, too: for the same reason
			sam.shown(link.attr("href")).one("p", "class", "desk-back")
		}
		if n := len(s.eventsOf(adaEmail)); countReason(s.eventsOf(adaEmail), "Ticket 4711") != 7 {
			t.Errorf("%d of %d events have the reason", countReason(s.eventsOf(adaEmail), "Ticket 4711"), n)
		}

		// A trail is its member's own, and one that cannot be read finds no one.
		tea := s.browser()
		if _, err := s.auth.Operator.AddUser(t.Context(), "tea@example.com", samPassword, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		tea.signIn("tea@example.com", samPassword)
		ada.shown("/devices") // the download has renewed her cookie
		s.unchanged("a search that cannot be opened", func() {
			for _, c := range []struct {
				b    *browser
				path string
			}{{tea, results}, {sam, results[:len(results)-2]}, {sam, "/support?search=x"}, {sam, "/support?search=" + strings.Repeat("A", 9000)}, {sam, "/support?q=ada&search=%00"}} {
				if r := c.b.get(c.path); r.status != http.StatusNotFound || strings.Contains(r.body, adaEmail) {
					t.Errorf("%.40s: %d", c.path, r.status)
				} else {
					r.screen(t).one("p", "class", "problem").says("This search can’t be opened any more. Please search again.")
				}
			}
			for name, r := range map[string]reply{
				"of another account": sam.post("/support", url.Values{"q": {"ada"}, "account": {s.userID(adaEmail)}}),
				"by another site":    sam.post("/support", url.Values{"q": {"ada"}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"),
				"by a user":          ada.post("/support", url.Values{"q": {"ada"}}),
			} {
				if want := map[string]int{"of another account": 409, "by another site": 403, "by a user": 404}[name]; r.status != want {
					t.Errorf("a form %s: %d, want %d", name, r.status, want)
				}
			}
		})
		s.clock.Advance(time.Minute)
		sam.shown(s.lookURL(adaEmail)+"?search=x").none("p", "class", "desk-back")
		if e := s.eventsOf(adaEmail)[0]; e.Kind != models.EventSeenBySupport || e.Reason != "" {
			t.Errorf("a look without a reason: %+v", e)
		}
	})
}

// countReason counts the acts with a reason, which may share an event.
func countReason(list []models.Event, reason string) (n int64) {
	for _, e := range list {
		if e.Reason == reason {
			n += 1 + e.More
		}
	}
	return n
}

// A reason that is left in the form from the last search must not be told to the next person.
func TestAReasonBelongsToItsSearch(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		s.addUser(eveEmail, evePassword)
		again := func(page screen, change url.Values) screen {
			t.Helper()
			form := page.one("form", "class", "desk-search")
			values := url.Values{"q": {form.one("input", "name", "q").attr("value")}, "reason": {form.one("input", "name", "reason").attr("value")}}
			for _, hidden := range form.all("input", "type", "hidden") {
				values.Set(hidden.attr("name"), hidden.attr("value"))
			}
			for name, value := range change {
				values[name] = value
			}
			return sam.shown(sam.searched(t, values))
		}
		first := sam.shown(sam.searched(t, url.Values{"q": {adaEmail}, "reason": {"Ticket 4711"}}))
		for _, c := range []struct {
			name, want string
			change     url.Values
			dropped    bool
		}{
			{"another filter", "Ticket 4711", url.Values{"live": {"live"}}, false},
			{"the same text in capitals", "Ticket 4711", url.Values{"q": {" ADA@example.com"}}, false},
			{"another text", "", url.Values{"q": {eveEmail}}, true},
			{"another text and another reason", "Ticket 4712", url.Values{"q": {eveEmail}, "reason": {"Ticket 4712"}}, false},
			{"another text and no reason", "", url.Values{"q": {eveEmail}, "reason": {""}}, false},
		} {
			page := again(first, c.change)
			if got := page.one("input", "name", "reason").attr("value"); got != c.want || (len(page.all("p", "class", "desk-dropped")) > 0) != c.dropped {
				t.Errorf("%s: the reason is %q, want %q", c.name, got, c.want)
			}
			if quoted := page.all("blockquote"); (len(quoted) > 0) != (c.want != "") {
				t.Errorf("%s: %d reasons are shown", c.name, len(quoted))
			}
		}
		s.clock.Advance(time.Minute)
		dropped := again(first, url.Values{"q": {eveEmail}})
		sam.shown(dropped.one("tr", "class", "desk-person").one("a").attr("href")).one("form", "class", "desk-look").one("strong").says("No reason given")
		if e := s.eventsOf(eveEmail)[0]; e.Kind != models.EventSeenBySupport || e.Reason != "" {
			t.Errorf("eve is told ada's reason: %+v", e)
		}
		page := again(dropped, url.Values{"reason": {"Ticket 4711"}}) // typed again
		if got := page.one("input", "name", "reason").attr("value"); got != "Ticket 4711" {
			t.Errorf("a reason that was typed again is %q", got)
		}
	})
}

// What a member of the staff writes is shown to the owner as other people's words, whatever it is.
func TestAReasonCannotSpeakForUs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam, ada := s.desk(), s.signedIn()
		for _, reason := range []string{
			"”. You were hacked! Call +1 555 0100", evil, "\u202egnp.exe \u2069\u2069 you", "{name} %s <link>", strings.Repeat("ä", 200), "https://evil.example/", `'; DROP TABLE events; --`,
		} {
			s.clock.Advance(time.Minute)
			page := sam.shown(sam.searched(t, url.Values{"q": {adaEmail}, "reason": {reason}}))
			noInline(t, reason, page)
			noInline(t, reason, sam.shown(page.one("tr", "class", "desk-person").one("a").attr("href")))
			if e := s.eventsOf(adaEmail)[0]; e.Reason != reason {
				t.Errorf("%q is kept as %q", reason, e.Reason)
			}
			activity := ada.shown("/activity")
			noInline(t, reason, activity)
			row := activity.all("li", "class", "event")[0]
			row.one("p", "class", "event-text").says("Support viewed your devices and activity.")
			row.one("blockquote").none("a")
			if got := row.one("blockquote").one("bdi").text(); got != strings.Join(strings.Fields(reason), " ") {
				t.Errorf("%q is shown as %q", reason, got)
			}
		}
		s.unchanged("a refused reason", func() {
			for reason, problem := range map[string]string{
				strings.Repeat("ä", 201): "Enter at most 200 characters.", "a\x00b": "Remove control characters", "a\nb": "Remove control characters",
				"\u200b\u2060": "A reason needs at least one visible character.", "he sent lk1.abc": "This looks like a token.", "sent:lk1.abcdef": "This looks like a token.", "(eyJhbGci.e)": "This looks like a token.", "https://id.example.com/reset?token=abc": "This looks like a token.", "eyJhbGciOi": "This looks like a token.",
			} {
				r := sam.post("/support", url.Values{"q": {"ada"}, "kind": {"app"}, "reason": {reason}})
				page := r.screen(t)
				if got := page.one("p", "id", "reason-problem").text(); r.status != http.StatusUnprocessableEntity || !strings.HasPrefix(got, problem) {
					t.Errorf("%q: %d %q", reason, r.status, got)
				}
				page.one("input", "name", "q", "value", "ada")
				page.one("option", "value", "app", "selected", "*")
				page.one("input", "name", "reason", "aria-invalid", "true", "autofocus", "*")
				page.none("p", "id", "q-problem")
			}
		})
		for reason := range map[string]bool{"": true, "  ": true} {
			s.clock.Advance(time.Minute)
			sam.shown(sam.shown(sam.searched(t, url.Values{"q": {adaEmail}, "reason": {reason}})).one("tr", "class", "desk-person").one("a").attr("href"))
			ada.shown("/activity").all("li", "class", "event")[0].none("blockquote")
		}
	})
}
