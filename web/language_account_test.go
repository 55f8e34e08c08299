package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/web"
)

// readIn fails unless a mail is in the language.
func readIn(t *testing.T, what string, m mail.Message, tag string) {
	t.Helper()
	if !strings.Contains(m.HTML, `<html lang="`+tag+`"`) {
		t.Errorf("%s: the mail %q is not in %s", what, m.Subject, tag)
	}
}

func TestTheAccountKeepsTheLanguageThatItsOwnerChose(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		if err := s.portal.Offer("en", "ar-XB", "en-XA"); err != nil {
			t.Fatal(err)
		}
		spoken := func(what string, b *browser, path, accept, want string) {
			t.Helper()
			r := b.do(http.MethodGet, path, nil, "Accept-Language", accept)
			if got := r.header.Get("Content-Language"); got != want {
				t.Errorf("%s: %s is in %q, want %q", what, path, got, want)
			}
		}
		kept := func(what, email, want string) {
			t.Helper()
			u, err := s.auth.Operator.FindUser(t.Context(), email)
			if err != nil || u.Language != want {
				t.Errorf("%s: the account's language is %q, want %q (%v)", what, u.Language, want, err)
			}
		}
		b := s.signedIn()
		b.expect(b.do(http.MethodPost, "/forgot", url.Values{"email": {adaEmail}}, "Accept-Language", "ar"), http.StatusSeeOther, "/forgot/sent")
		readIn(t, "no language was chosen", s.mail(), "en")
		spoken("nothing was chosen", b, "/devices", "ar", "ar-XB")

		b.expect(b.post("/language", url.Values{"language": {"en-XA"}, "account": {"0192d3c4-0000-7000-8000-000000000001"}}), http.StatusSeeOther, "/")
		kept("chosen on a page of another account", adaEmail, "")
		spoken("chosen on a page of another account", b, "/devices", "ar", "en-XA")
		b.shown("/security").one("form", "action", "/language").one("input", "name", "account", "value", b.account())
		b.expect(b.post("/language", url.Values{"language": {"ar-XB"}, "next": {"/security"}}), http.StatusSeeOther, "/security")
		kept("chosen", adaEmail, "ar-XB")

		other := s.browser()
		other.agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
		other.signIn(adaEmail, adaPassword)
		told := s.mail()
		readIn(t, "a sign-in", told, "ar-XB")
		if !strings.Contains(told.HTML, `<div lang="en" dir="ltr"`) || !strings.Contains(strings.Join(strings.Fields(told.Text), " "), "It signs out this device and every device that signed in after it") || !strings.HasSuffix(told.Subject, " / New sign-in: Safari on macOS") {
			t.Errorf("a sign-in soon after the language was changed is not told in the former one: %s\n%s", told.Subject, told.Text)
		}
		if got := s.acts("language_changed"); got != 1 {
			t.Errorf("%d events of a changed language", got)
		}
		spoken("on another browser", other, "/devices", "en-XA", "ar-XB")
		spoken("an error there", other, "/nowhere", "en-XA", "ar-XB")
		spoken("of a person whom no one knows yet", s.browser(), "/login", "en-XA", "en-XA")
		spoken("the cookie comes first", other, "/devices", "en", "ar-XB")
		if r := other.do(http.MethodGet, "/devices", nil, "Cookie", cookieHeader(other)+"latchkey-language=en-XA"); r.header.Get("Content-Language") != "en-XA" {
			t.Errorf("with the cookie: %q", r.header.Get("Content-Language"))
		}
		if r := other.download(adaPassword); !strings.Contains(r.body, `"language":"ar-XB","former_language":"","language_changed_at":"20`) {
			t.Error("the account's data does not name the language: " + r.body)
		}
		s.mails()
		other.expect(other.leave(adaEmail, adaPassword), http.StatusSeeOther, "/login")
		readIn(t, "the account is gone", s.mail(), "ar-XB")

		reader := s.browser()
		reader.expect(reader.do(http.MethodPost, "/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}, "Accept-Language", "ar"), http.StatusSeeOther, "/signup/sent")
		confirm := s.mail()
		readIn(t, "a sign-up", confirm, "ar-XB")
		reader.opened(s.link(confirm))
		reader.expect(reader.confirm("nobody would guess it"), http.StatusSeeOther, "/devices")
		kept("a sign-up", "bea@example.com", "ar-XB")
		stranger := s.browser()
		stranger.expect(stranger.do(http.MethodPost, "/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}, "Accept-Language", "en-XA"), http.StatusSeeOther, "/signup/sent")
		readIn(t, "a stranger signs the address up", s.mail(), "ar-XB")

		// A mail to an address of another account, or that is kept for one, is in that account's language.
		s.addUser("eve@example.com", evePassword)
		eve := s.browser()
		eve.signIn("eve@example.com", evePassword)
		eve.expect(eve.post("/language", url.Values{"language": {"en-XA"}}), http.StatusSeeOther, "/")
		s.mails()
		ask := func(what string) {
			t.Helper()
			eve.expect(eve.post("/security/email", url.Values{"email": {"bea@example.com"}, "password": {evePassword}}), http.StatusSeeOther, "/security")
			readIn(t, what, s.mail(), "ar-XB")
		}
		ask("another account asks for the address")
		reader.expect(reader.post("/security/email", url.Values{"email": {"bea@example.net"}, "password": {"nobody would guess it"}}), http.StatusSeeOther, "/security")
		link := s.link(s.mail())
		reader.opened(link)
		reader.expect(reader.settle("nobody would guess it"), http.StatusSeeOther, "/security")
		s.mails()
		ask("another account asks for the address that is kept for its former owner")
		s.clock.Advance(time.Hour)
		stranger.expect(stranger.do(http.MethodPost, "/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}, "Accept-Language", "en-XA"), http.StatusSeeOther, "/signup/sent")
		readIn(t, "a stranger signs up the address that is kept for its former owner", s.mail(), "ar-XB")

		// A copied cookie changes the language a few times a day.
		for _, tag := range []string{"en", "en-XA", "en", "en-XA", "en", "en-XA"} {
			reader.expect(reader.post("/language", url.Values{"language": {tag}}), http.StatusSeeOther, "/")
		}
		kept("the sixth change of a day", "bea@example.net", "en")
		spoken("this browser, which its person can still read", reader, "/security", "de", "en-XA")

		s.clock.Advance(8 * 24 * time.Hour)
		s.mails()
		later := s.browser()
		later.agent = firefox
		later.signIn("eve@example.com", evePassword)
		if told := s.mail(); strings.Contains(told.Subject, " / ") {
			t.Errorf("days later a sign-in is still told in the former language: %q", told.Subject)
		}
	}, func(a *services.Config, w *web.Config) {
		a.Render = web.MailRendererIn(w.BaseURL, "en", "ar-XB", "en-XA")
	})
}
