package web_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// postOffice is a site whose mails go to a real mail server, over STARTTLS and with a login.
type postOffice struct {
	*site
	server *mailtest.Server
	seen   int
}

// posted is each for a service with mail.
func posted(t *testing.T, fn func(t *testing.T, s *postOffice), changes ...func(*services.Config, *web.Config)) {
	t.Helper()
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) { fn(t, newPostOffice(t, databaseURL, changes...)) })
}

func newPostOffice(t *testing.T, databaseURL string, changes ...func(*services.Config, *web.Config)) *postOffice {
	t.Helper()
	server := mailtest.Start(t, false)
	from, err := mail.ParseFrom("Latchkey <no-reply@id.example.com>")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := mail.NewSMTP("smtp://latchkey:a%20word%20for%20the%20mail%20server@"+mailtest.Name, from)
	if err != nil {
		t.Fatal(err)
	}
	sender.TLS, sender.Timeout = &tls.Config{RootCAs: server.Roots}, time.Minute
	sender.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Address)
	}
	changes = append(changes, func(a *services.Config, w *web.Config) {
		if a.Mail = sender; a.Render == nil {
			a.Render = web.MailRenderer(w.BaseURL)
		}
	})
	return &postOffice{site: newSite(t, databaseURL, changes...), server: server}
}

// mails are those that arrive now, read as their reader's program does.
func (s *postOffice) mails() (list []mail.Message) {
	s.t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = s.auth.Notify.SendMails(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	all := s.server.Mails()
	for _, m := range all[s.seen:] {
		if !m.TLS || m.User != mailtest.User {
			s.t.Errorf("a mail that came in the clear or without a login: %+v", m)
		}
		parsed, err := mail.Parse(m.Data)
		if err != nil {
			s.t.Fatal(err)
		}
		if parsed.Text == "" || parsed.HTML == "" || parsed.Subject == "" || parsed.To != m.To {
			s.t.Errorf("a part is missing: %+v", parsed)
		}
		list = append(list, parsed)
	}
	s.seen = len(all)
	return list
}

// mail is the one mail that arrives now.
func (s *postOffice) mail() mail.Message {
	s.t.Helper()
	list := s.mails()
	if len(list) != 1 {
		s.t.Fatalf("%d mails arrive, want 1: %+v", len(list), list)
	}
	return list[0]
}

var linkInText = regexp.MustCompile(`(?m)^(https?://\S+\?token=\S+)$`)

// link is the link in a mail's text, without the origin, which must be the portal's. The other part must hold it too.
func (s *postOffice) link(m mail.Message) string {
	s.t.Helper()
	found := linkInText.FindAllString(m.Text, -1)
	if len(found) != 1 || !strings.HasPrefix(found[0], s.URL+"/") || !strings.Contains(m.HTML, `href="`+found[0]+`"`) {
		s.t.Fatalf("links %q in %s", found, m.Text)
	}
	return strings.TrimPrefix(found[0], s.URL)
}

// opened follows a link from a mail: the secret leaves the address, and the link's own page is shown.
func (b *browser) opened(link string) screen {
	b.t.Helper()
	path, secret, _ := strings.Cut(link, "?token=")
	r := b.get(link)
	page := r.header.Get("Location")
	if r.status != http.StatusSeeOther || page != path+"/"+notify.LinkID(secret) || r.header.Get("Referrer-Policy") != "no-referrer" || r.header.Get("Cache-Control") != "no-store" {
		b.t.Errorf("%s: %d %v", path, r.status, r.header)
	}
	shown := b.get(page)
	if policy := shown.header.Get("Referrer-Policy"); policy != "same-origin" {
		b.t.Errorf("%s: Referrer-Policy %q: the form would be posted without an Origin", path, policy)
	}
	return b.shown(page)
}

// dead checks that a link leads to a page that says so, keeps nothing in the browser, and that its form does nothing.
func (b *browser) dead(what, link string) {
	b.t.Helper()
	path, _, _ := strings.Cut(link, "?")
	r := b.get(link)
	if set := strings.Join(r.header.Values("Set-Cookie"), " "); strings.Contains(set, "latchkey-links") && r.status != http.StatusSeeOther {
		b.t.Errorf("%s: sets %q", what, set)
	}
	if r.status == http.StatusSeeOther {
		r = b.get(path)
	}
	for method, r := range map[string]reply{"GET": r, "POST": b.post(path, url.Values{"password": {"nobody would guess it"}, "new_password": {"nobody would guess it"}})} {
		if r.status != http.StatusGone {
			b.t.Errorf("%s: %s %d", what, method, r.status)
			continue
		}
		page := r.screen(b.t)
		if h1 := page.one("h1").text(); h1 != "This link doesn’t work" && h1 != "Open the link in the e-mail again" {
			b.t.Errorf("%s: %s says %q", what, method, h1)
		}
		page.one("a", "class", "button")
	}
}

func TestAStolenPhoneIsSignedOutFromTheMail(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		home := s.signedIn()
		if list := s.mails(); len(list) != 0 {
			t.Fatalf("a mail about the first sign-in: %+v", list)
		}
		thief := s.login("his \u2028phone\u202e")
		m := s.mail()
		if m.To != adaEmail || m.Subject != "New sign-in to your account" {
			t.Errorf("to %q: %q", m.To, m.Subject)
		}
		for _, said := range []string{"his phone", "23 November 2026, 12:00:00 UTC", "127.0.0.1", adaEmail, "It signs out this device and every device that signed in after it"} {
			if !strings.Contains(strings.Join(strings.Fields(m.Text), " "), said) {
				t.Errorf("the text does not say %q:\n%s", said, m.Text)
			}
		}
		link, b := s.link(m), s.browser() // somewhere she is not signed in
		s.unchanged("looking at the link", func() {
			for range 3 {
				s.browser().get(link)
				b.opened(link).one("form", "action", b.links["/not-me"], "method", "post")
			}
		})
		page := b.shown("/not-me")
		if !strings.Contains(page.one("form").text(), "signed in. This signs it out and locks your password.") {
			t.Errorf("the page does not name the device: %q", page.one("form").text())
		}
		cookie := b.post("/not-me", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		if cookie.status != http.StatusForbidden {
			t.Errorf("from another site: %d", cookie.status)
		}
		b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
		b.told("/not-me", "Signed out. Your password is now locked.").one("h1").says("Your password is locked")
		s.refused(thief.refresh, token.ReasonRevoked)
		if r := s.tryLogin(adaEmail, adaPassword, "his phone"); r.status != http.StatusUnauthorized || r.text(t, "detail") != s.tryLogin(adaEmail, "a guess", "x").text(t, "detail") {
			t.Errorf("the password opens: %d %s", r.status, r.body)
		}
		home.shown("/devices")
		s.clock.Advance(10 * time.Minute)
		b.dead("pressed twice", "/not-me")
		b.dead("followed again", link)
		s.clock.Advance(time.Second)
		texts := home.shown("/activity").texts("p", "class", "event-text")
		if !strings.Contains(strings.Join(texts, "|"), "The “This wasn’t me” link in an e-mail signed out") ||
			!strings.Contains(strings.Join(texts, "|"), "Someone tried to sign in with your password, but it’s locked.") {
			t.Errorf("the activity says %q", texts)
		}
		if secret := link[strings.Index(link, "=")+1:]; strings.Contains(s.log.String(), secret) {
			t.Error("the log holds the link")
		}
	})
}

func TestALinkThatIsNoLinkSaysSoOnOnePage(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.login("phone")
		s.login("phone")
		link := s.link(s.mail())
		s.unchanged("links that are none", func() {
			for what, bad := range map[string]string{
				"none": "/not-me", "an empty one": "/not-me?token=", "garbage": "/not-me?token=%00%ff", "truncated": link[:len(link)-2], "longer": link + "x",
				"endless": "/not-me?token=" + strings.Repeat("A", 8000), "another's": "/not-me?token=" + strings.Repeat("A", 43), "hostile": "/not-me?token=" + url.QueryEscape(evil),
			} {
				s.browser().dead(what, bad)
			}
		})
		s.clock.Advance(7 * 24 * time.Hour)
		s.browser().dead("a week old", link)
	})
}

func TestTheDemonstrationShowsItsMails(t *testing.T) {
	var files *mail.Files
	each(t, func(t *testing.T, s *site) {
		s.login("phone")
		s.login(evil)
		if _, err := s.auth.Notify.SendMails(t.Context()); err != nil {
			t.Fatal(err)
		}
		page := s.browser().shown("/gallery/mail")
		page.one("h2").says("New sign-in to your account")
		noInline(t, "the mails", page)
		shown := s.browser().get(page.one("a", "class", "button").attr("href"))
		if shown.status != http.StatusOK || !strings.Contains(shown.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Fatalf("%d %v", shown.status, shown.header)
		}
		shown.screen(t).none("img")
		shown.screen(t).none("script")
		for _, name := range []string{"nothing", "..%2f..%2fsecret", "x.eml"} {
			if r := s.browser().get("/gallery/mail/" + name); r.status != http.StatusNotFound {
				t.Errorf("%s: %d", name, r.status)
			}
		}
	}, func(a *services.Config, w *web.Config) {
		from, err := mail.ParseFrom("no-reply@id.example.com")
		if err != nil {
			t.Fatal(err)
		}
		files = &mail.Files{Folder: t.TempDir(), From: from}
		a.Mail, a.Render, w.Outbox = files, web.MailRenderer(w.BaseURL), files
	})
	each(t, func(t *testing.T, s *site) {
		for _, path := range []string{"/gallery/mail", "/gallery/mail/x"} {
			if r := s.browser().get(path); r.status != http.StatusNotFound {
				t.Errorf("without a demonstration %s is there: %d", path, r.status)
			}
		}
	})
}
