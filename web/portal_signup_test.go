package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/web"
)

// signUp asks for an account and returns the link that confirms it.
func (s *postOffice) signUp(b *browser, email, password, next string) string {
	s.t.Helper()
	s.mails()
	b.expect(b.post("/signup", url.Values{"email": {email}, "password": {password}, "next": {next}}), http.StatusSeeOther, "/signup/sent")
	m := s.mail()
	if m.Subject != "Confirm your e-mail address" || !strings.EqualFold(m.To, strings.TrimSpace(email)) {
		s.t.Errorf("to %q: %q", m.To, m.Subject)
	}
	return s.link(m)
}

func (b *browser) confirm(password string) reply {
	b.t.Helper()
	return b.post("/signup/confirm", url.Values{"password": {password}})
}

func TestSigningUpMakesAnAccountOnceItsAddressIsConfirmed(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.browser()
		form := b.shown("/signup").one("form", "method", "post", "action", "/signup")
		form.one("input", "name", "email", "type", "email", "value", "")
		form.one("input", "name", "password", "type", "password", "minlength", "12")
		link := s.signUp(b, " Bea@Example.com ", "nobody would guess it", "/security")
		b.shown("/signup/sent").one("h1").says("Check your e-mail")
		if r := b.post("/login", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}); r.status != http.StatusUnprocessableEntity {
			t.Errorf("an account that nobody confirmed opens: %d", r.status)
		}
		s.unchanged("looking at the link", func() {
			for range 3 {
				s.browser().get(link)
				b.opened(link).one("form", "action", b.links["/signup/confirm"]).one("input", "autocomplete", "username", "value", "Bea@Example.com")
			}
		})
		r := b.confirm("another person's words")
		if r.status != http.StatusUnprocessableEntity {
			t.Fatalf("another password: %d", r.status)
		}
		r.screen(t).one("p", "id", "password-problem").says("That’s not your password. Try again.")
		b.expect(b.confirm("nobody would guess it"), http.StatusSeeOther, "/security")
		part := b.do(http.MethodGet, "/devices?q=x", nil, "Sec-Fetch-Dest", "empty") // a script's search leaves the message for the next page
		part.screen(t).none("div", "class", "notice-success")
		page := b.shown("/devices")
		page.one("p", "class", "whose").says("Signed in as Bea@Example.com")
		page.one("section", "aria-labelledby", "this-device")
		welcome := page.one("div", "class", "notice-success")
		welcome.one("p", "class", "notice-text").says("Welcome! Your account is ready.")
		welcome.one("a", "href", "/security/setup").says("Set up two-step sign-in")
		b.shown("/devices").none("div", "class", "notice-success")
		if got := b.shown("/activity").texts("p", "class", "event-text"); len(got) != 2 ||
			!slices.Contains(got, "Your account was created.") || !slices.Contains(got, "Signed in on “Firefox on Linux”.") {
			t.Errorf("the activity says %q", got)
		}
		s.browser().signIn("bea@EXAMPLE.com", "nobody would guess it")
		s.clock.Advance(10 * time.Minute)
		s.unchanged("used links", func() {
			s.browser().dead("used", link)
			b.dead("pressed twice", "/signup/confirm")
		})
	})
}

// A stranger signs up with another person's e-mail address. The victim who follows the link gets no account whose password the
// stranger knows, and the address stays free for its owner.
func TestSomebodyElsesAddressIsNotTakenByAskingForIt(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		theirs := s.signUp(s.browser(), "bea@example.com", evePassword, "")
		hers := s.signUp(s.browser(), "Bea@example.com", "nobody would guess it", "")
		bea := s.browser()
		bea.opened(theirs)
		if r := bea.confirm("nobody would guess it"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the stranger's link: %d", r.status)
		}
		bea.opened(hers)
		bea.expect(bea.confirm("nobody would guess it"), http.StatusSeeOther, "/devices")
		stranger := s.browser()
		stranger.get(theirs)
		s.unchanged("a second account with one address", func() { stranger.expect(stranger.confirm(evePassword), http.StatusSeeOther, "/login") })
		if r := s.tryLogin("bea@example.com", evePassword, "phone"); r.status != http.StatusUnauthorized {
			t.Errorf("the stranger's password opens: %d", r.status)
		}
	})
}

func TestASignUpThatIsNotConfirmedInTimeIsForgotten(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		link := s.signUp(s.browser(), "bea@example.com", "nobody would guess it", "")
		s.browser().dead("truncated", link[:len(link)-1])
		s.browser().dead("of another purpose", strings.Replace(link, "/signup/confirm", "/reset", 1))
		s.clock.Advance(notify.SignupLife)
		s.browser().dead("a day old", link)
		s.clock.Advance(time.Second)
		if _, err := s.auth.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := s.dump(); strings.Contains(left, "one_time_tokens") || strings.Count(left, "users ") != 1 {
			t.Errorf("something is left:\n%s", left)
		}
	})
}

// Whether an address has an account shows neither in the answer, nor in its cookies, nor in what it costs.
func TestSigningUpTellsNobodyWhoHasAnAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		type cost struct {
			status              int
			location, body, set string
			statements          int64
		}
		ask := func(email string) cost {
			before := s.statements.Load()
			r := s.browser().post("/signup", url.Values{"email": {email}, "password": {"nobody would guess it"}})
			return cost{r.status, r.header.Get("Location"), r.body, strings.Join(r.header.Values("Set-Cookie"), ""), s.statements.Load() - before}
		}
		unknown := ask("bea@example.com")
		if known := ask(strings.ToUpper(adaEmail)); known != unknown || unknown.status != http.StatusSeeOther {
			t.Errorf("known %+v, unknown %+v", known, unknown)
		}
		list := s.mails()
		if len(list) != 2 || list[1].Subject != "You already have an account" || strings.Contains(list[1].Text, "token=") {
			t.Errorf("%+v", list)
		}
		for _, email := range []string{adaEmail, "bea@example.com"} {
			ask(email)
			ask(email)
			if got := ask(email); got.status != http.StatusTooManyRequests {
				t.Errorf("a fourth mail to %s: %d", email, got.status)
			}
		}
	})
}

func TestARefusedSignUpSaysWhyBesideTheFieldAndKeepsTheAddress(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		for name, c := range map[string]struct {
			email, password, field, problem string
			status                          int
		}{
			"no domain":              {"bea@-example.com", "nobody would guess it", "email", "This e-mail address can’t receive e-mail. Check the part after the @.", http.StatusUnprocessableEntity},
			"letters mail knows not": {"béa@example.com", "nobody would guess it", "email", "This e-mail address can’t receive e-mail. Use only plain letters, digits and symbols before the @.", http.StatusUnprocessableEntity},
			"no address":             {"bea@", "nobody would guess it", "email", "This isn’t a valid e-mail address. Enter one like name@example.com.", http.StatusUnprocessableEntity},
			"a display name":         {"Bea <bea@example.com>", "nobody would guess it", "email", "This isn’t a valid e-mail address. Enter one like name@example.com.", http.StatusUnprocessableEntity},
			"a short password":       {"bea@example.com", "dkfjghtiruw", "password", "Use at least 12 characters.", http.StatusUnprocessableEntity},
			"a common password":      {"bea@example.com", "qwertyuiop123", "password", "Choose another password. This one is among the first that attackers try.", http.StatusUnprocessableEntity},
			"one's own address":      {"bea@example.com", "BEA@example.com", "password", "Choose a password that isn’t your e-mail address.", http.StatusUnprocessableEntity},
			"a control character":    {"bea@example.com", "nobody would\tguess it", "password", "Choose a password without control characters, such as tabs and line breaks.", http.StatusUnprocessableEntity},
			"a very long password":   {"bea@example.com", strings.Repeat("long ", 60), "password", "Use at most 256 characters.", http.StatusUnprocessableEntity},
			"no password":            {"bea@example.com", "", "password", "This is required.", http.StatusUnprocessableEntity},
		} {
			r := b.post("/signup", url.Values{"email": {c.email}, "password": {c.password}, "next": {"/security"}})
			if r.status != c.status || c.password != "" && c.password != "BEA@example.com" && strings.Contains(r.body, c.password) {
				t.Errorf("%s: %d, want %d, and no password in %s", name, r.status, c.status, r.body)
			}
			page := r.screen(t)
			page.one("input", "name", "email", "value", c.email)
			page.one("input", "name", "next", "value", "/security")
			page.none("input", "type", "password", "value", "*")
			field := page.one("input", "aria-invalid", "true")
			if field.attr("name") != c.field || !strings.Contains(field.attr("aria-describedby"), c.field+"-problem") {
				t.Errorf("%s: the problem is at %q", name, field.attr("name"))
			}
			page.one("p", "id", c.field+"-problem").says(c.problem)
			page.one("div", "class", "notice-error", "tabindex", "-1")
		}
		if b.cookie("latchkey") != nil {
			t.Error("somebody whose sign-up was refused is signed in")
		}
		if n := strings.Count(s.dump(), "users "); n != 1 {
			t.Errorf("there are %d accounts", n)
		}
	})
}

func TestWithSignUpClosedThereIsNoSuchPage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		b.shown("/login").none("a", "href", "/signup")
		s.unchanged("a closed sign-up", func() {
			for _, r := range []reply{b.get("/signup"), b.post("/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}})} {
				if r.status != http.StatusNotFound {
					t.Errorf("%d", r.status)
				}
				r.screen(t).one("h1").says("We couldn’t find that")
			}
		})
	}, func(a *services.Config, _ *web.Config) { a.SignupOpen = false })
}

func TestSigningUpWhereSomebodyIsSignedInEndsTheirSignIn(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		old := b.cookie("latchkey").Value
		b.opened(s.signUp(b, "bea@example.com", "nobody would guess it", ""))
		b.shown("/devices") // ada is still signed in
		b.expect(b.confirm("nobody would guess it"), http.StatusSeeOther, "/devices")
		if r := s.browser().do(http.MethodGet, "/devices", nil, "Cookie", "latchkey="+old); r.status != http.StatusSeeOther {
			t.Errorf("ada's sign-in goes on: %d", r.status)
		}
	})
}
