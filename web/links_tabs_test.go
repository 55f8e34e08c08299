package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

// tabOf follows a link from a mail to its page, and returns where that page's form goes.
func (b *browser) tabOf(link string) (action string) {
	b.t.Helper()
	r := b.get(link)
	if r.status == http.StatusSeeOther {
		r = b.get(r.header.Get("Location"))
	}
	if r.status != http.StatusOK {
		b.t.Fatalf("%s: %d %s", link, r.status, r.body)
	}
	return r.screen(b.t).one("form", "method", "post").attr("action")
}

// answer is what a person fills into the form of any link.
func answer(password string) url.Values {
	return url.Values{"password": {password}, "new_password": {newPassword}}
}

// Two people's links in two tabs of one browser: the form of the first tab acts on the first account, the second on the second.
func TestEveryLinksPageActsOnItsOwnAccount(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		adas, b := k.made(s, adaEmail, adaPassword), s.browser()
		s.clock.Advance(time.Minute)
		s.mails()
		eves := k.made(s, eveEmail, evePassword)
		first := b.tabOf(adas)
		second := b.tabOf(eves)
		acted := func() (emails string) {
			rows, err := s.store.Pools()[0].QueryContext(t.Context(), "SELECT u.email FROM events e JOIN users u ON u.id = e.user_id WHERE e.kind = '"+string(k.act)+"' AND e.actor = 'owner' ORDER BY e.at, u.email")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
				var email string
				if err := rows.Scan(&email); err != nil {
					t.Fatal(err)
				}
				emails += email + " "
			}
			return emails
		}
		before := acted()
		if r := b.post(first, answer(adaPassword)); r.status != http.StatusSeeOther {
			t.Errorf("the first tab: %d %s", r.status, r.body)
		}
		if got := strings.TrimPrefix(acted(), before); !strings.Contains(got, adaEmail) || strings.Contains(got, eveEmail) {
			t.Errorf("the first tab acted on %q", got)
		}
		s.clock.Advance(time.Second)
		if r := b.post(second, answer(evePassword)); r.status != http.StatusSeeOther {
			t.Errorf("the second tab: %d %s", r.status, r.body)
		}
		if got := strings.TrimPrefix(acted(), before); !strings.Contains(got, adaEmail) || !strings.Contains(got, eveEmail) {
			t.Errorf("both tabs acted on %q", got)
		}
	})
}

// A page's address without the secret shows nothing and does nothing, also to a browser that holds another link of the kind.
func TestALinksPageNeedsItsSecret(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		adas := k.made(s, adaEmail, adaPassword)
		s.clock.Advance(time.Minute)
		s.mails()
		eves := k.made(s, eveEmail, evePassword)
		page := s.browser().tabOf(adas)
		_, secret, _ := strings.Cut(adas, "?token=")
		if strings.Contains(page, secret) || strings.Contains(page, secret[:8]) {
			t.Errorf("the page's address %q tells the secret", page)
		}
		foreign, blank := s.browser(), s.browser()
		foreign.tabOf(eves)
		s.unchanged("a page without its secret", func() {
			for what, b := range map[string]*browser{"a browser with another link": foreign, "a browser with none": blank} {
				for method, r := range map[string]reply{"GET": b.get(page), "POST": b.post(page, answer(adaPassword)), "its second step": b.post(page+"/password", nil)} {
					noStep := strings.HasSuffix(method, "step") && r.status == http.StatusNotFound
					if r.status != http.StatusGone && !noStep || strings.Contains(r.body, "ada") || strings.Contains(r.body, "a…") {
						t.Errorf("%s, %s: %d %s", what, method, r.status, r.body)
					}
				}
			}
			for _, id := range []string{"x", strings.Repeat("A", 16), secret, url.PathEscape(evil), "%00", strings.Repeat("A", 4000)} {
				if r := foreign.get(page[:strings.LastIndex(page, "/")+1] + id); r.status != http.StatusGone {
					t.Errorf("the page %.20q: %d", id, r.status)
				}
			}
		})
	})
}

// Garbage sets no cookie; real links share one cookie for each kind, which drops the oldest.
func TestLinksDoNotCrowdOutTheSession(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		site, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		size := func(path string) (n int) {
			site.Path = path
			for _, c := range b.client.Jar.Cookies(site) {
				n += len(c.Name) + len(c.Value) + 3
			}
			return n
		}
		before := size("/reset")
		for i := range 300 {
			b.get("/reset?token=" + strings.Repeat("A", 40) + string(rune('A'+i%26)) + "AA")
			b.get("/not-me?token=" + strings.Repeat("x", i))
		}
		if got := size("/reset"); got > before || size("/not-me") > before {
			t.Errorf("garbage makes the cookies grow from %d to %d bytes", before, got)
		}
		b.shown("/devices")
		var pages []string
		for range 9 {
			s.clock.Advance(16 * time.Minute)
			s.browser().forget(adaEmail)
			link := s.link(s.mail())
			s.clock.Advance(-16 * time.Minute)
			s.exec("DELETE FROM attempts")
			pages = append(pages, b.tabOf(link))
		}
		if got := size("/reset") - before; got > 1500 || size("/devices") > before {
			t.Errorf("eight links take %d bytes at their page, and %d at others", got, size("/devices")-before)
		}
		if r := b.get(pages[0]); r.status != http.StatusGone {
			t.Errorf("a ninth link keeps the first: %d", r.status)
		}
		for _, page := range pages[1:] {
			b.shown(page)
		}
		b.shown("/devices")
	})
}

// Browsers post "Origin: null" from a page that forbids a Referer, so no page with a form may. Other origins are refused, whatever
// stands between the browser and us.
func TestAFormIsTakenFromItsOwnOriginOnly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		form := url.Values{"email": {"nobody@example.com"}, "password": {"nobody would guess it"}}.Encode()
		for _, c := range []struct {
			name, base, host string
			headers          []string
			want             bool
		}{
			{"the same host over http", "http://id.example.com", "id.example.com", []string{"Origin", "http://id.example.com"}, true},
			{"the same host and port over http", "http://id.example.com:8080", "id.example.com:8080", []string{"Origin", "http://id.example.com:8080"}, true},
			{"another port", "http://id.example.com:8080", "id.example.com:8080", []string{"Origin", "http://id.example.com:9090"}, false},
			{"null", "http://id.example.com", "id.example.com", []string{"Origin", "null"}, false},
			{"another host", "http://id.example.com", "id.example.com", []string{"Origin", "http://evil.example"}, false},
			{"a sibling", "http://id.example.com", "id.example.com", []string{"Origin", "http://www.example.com"}, false},
			{"https behind a proxy that passes the host on", "https://id.example.com", "id.example.com", []string{"Origin", "https://id.example.com"}, true},
			{"https behind a proxy that does not", "https://id.example.com", "10.0.0.7:8080", []string{"Origin", "https://id.example.com"}, true},
			{"https, from a page over http", "https://id.example.com", "id.example.com", []string{"Origin", "http://id.example.com"}, false},
			{"https, from another host", "https://id.example.com", "10.0.0.7:8080", []string{"Origin", "https://evil.example"}, false},
			{"https, null", "https://id.example.com", "id.example.com", []string{"Origin", "null"}, false},
			{"Fetch Metadata, same origin", "https://id.example.com", "10.0.0.7:8080", []string{"Origin", "https://id.example.com", "Sec-Fetch-Site", "same-origin"}, true},
			{"Fetch Metadata, a sibling", "https://id.example.com", "id.example.com", []string{"Origin", "https://www.example.com", "Sec-Fetch-Site", "same-site"}, false},
			{"a program", "https://id.example.com", "id.example.com", nil, true},
		} {
			got := s.sentTo(c.base, c.host, form, c.headers...)
			if (got != http.StatusForbidden) != c.want {
				t.Errorf("%s: %d", c.name, got)
			}
		}
	})
}

// A link requested before an account was disabled is dead after it is enabled; the way back to an address only rested.
func TestDisablingEndsEveryLinkButTheWayBack(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		link := k.made(s, adaEmail, adaPassword)
		if k.act == models.EventAccountCreated {
			return // of no account yet
		}
		open := s.browser()
		action := open.tabOf(link)
		if _, err := s.auth.Operator.Disable(t.Context(), s.email()); err != nil {
			t.Fatal(err)
		}
		if r := open.post(action, answer(adaPassword)); r.status != http.StatusGone {
			t.Errorf("while it is disabled: %d", r.status)
		}
		if err := s.auth.Operator.Enable(t.Context(), s.email()); err != nil {
			t.Fatal(err)
		}
		want := http.StatusGone
		if k.act == models.EventEmailRestored {
			want = http.StatusSeeOther
		}
		if r := open.post(action, answer(adaPassword)); r.status != want {
			t.Errorf("once it is enabled again: %d, want %d", r.status, want)
		}
	})
}

// The browser in which a link was used is known to the account from then on, even one that never saw the sign-in form.
func TestTheBrowserThatUsedALinkIsKnown(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		if k.act != models.EventPasswordReset && k.act != models.EventEmailRestored {
			return
		}
		b := s.browser()
		if r := b.post(b.tabOf(k.made(s, adaEmail, adaPassword)), answer(adaPassword)); r.status != http.StatusSeeOther {
			t.Fatalf("%d %s", r.status, r.body)
		}
		var places int
		if err := s.store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM known_places").Scan(&places); err != nil {
			t.Fatal(err)
		}
		if places != 2 {
			t.Errorf("the account knows %d places, want the browser and its network", places)
		}
	})
}
