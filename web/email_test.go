package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/auth/token"
	"latchkey/models"
)

const (
	newEmail = "Ada@new.example.net"
	eveEmail = "eve@example.com"
)

// move asks for another address.
func (b *browser) move(email, password string) reply {
	b.t.Helper()
	return b.post("/security/email", url.Values{"email": {email}, "password": {password}})
}

// settle confirms the new address on the page that its link has opened.
func (b *browser) settle(password string) reply {
	b.t.Helper()
	return b.post("/email/confirm", url.Values{"password": {password}})
}

// moving asks for another address, past the limits, and returns the link that confirms it.
func (s *postOffice) moving(b *browser, email, password string) string {
	s.t.Helper()
	s.clock.Advance(15 * time.Minute)
	s.mails()
	b.expect(b.move(email, password), http.StatusSeeOther, "/security")
	m := s.mail()
	if m.Subject != "Confirm your new e-mail address" || !strings.EqualFold(m.To, strings.TrimSpace(email)) {
		s.t.Errorf("to %q: %q", m.To, m.Subject)
	}
	return s.link(m)
}

// moved changes the address, and returns the mails to the old and the new one.
func (s *postOffice) moved(b *browser, email, password string) (left, news mail.Message) {
	s.t.Helper()
	link, other := s.moving(b, email, password), s.browser()
	other.opened(link)
	other.expect(other.settle(password), http.StatusSeeOther, "/security")
	list := slices.DeleteFunc(s.mails(), again)
	if len(list) != 2 {
		s.t.Fatalf("%d mails: %+v", len(list), list)
	}
	if strings.EqualFold(list[0].To, email) {
		list[0], list[1] = list[1], list[0]
	}
	return list[0], list[1]
}

// again tells a mail with a fresh way back to an older address.
func again(m mail.Message) bool { return strings.Contains(m.Text, "was changed again") }

// email is ada's address.
func (s *site) email() string {
	s.t.Helper()
	var email string
	if err := s.store.Pools()[0].QueryRowContext(s.t.Context(), "SELECT email FROM users WHERE email_key <> '"+eveEmail+"'").Scan(&email); err != nil {
		s.t.Fatal(err)
	}
	return email
}

func TestAnAddressIsChangedFromTheMailToTheNewOne(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		home, p := s.signedIn(), s.login("phone")
		s.mails()
		form := home.shown("/security/email").one("form", "action", "/security/email", "method", "post")
		form.one("input", "name", "email", "type", "email", "value", "")
		form.one("input", "name", "password", "type", "password", "autocomplete", "current-password")
		home.expect(home.move(" "+newEmail+" ", adaPassword), http.StatusSeeOther, "/security")
		home.told("/security", "We’ve e-mailed a link to "+newEmail+". Open it to finish the change.")
		m := s.mail()
		if m.To != newEmail || m.Subject != "Confirm your new e-mail address" || strings.Contains(m.Text+m.HTML, adaEmail) || !strings.Contains(m.Text, "127.0.0.1") {
			t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
		}
		if r := s.tryLogin(newEmail, adaPassword, "x"); r.status != http.StatusUnauthorized {
			t.Errorf("an address that nobody confirmed opens: %d", r.status)
		}
		s.browser().forget(adaEmail)
		reset := s.link(s.mail())
		link, b := s.link(m), s.browser() // a browser that is not signed in
		s.unchanged("looking at the link", func() {
			for range 3 {
				s.browser().get(link)
				form := b.opened(link).one("form", "action", b.links["/email/confirm"])
				if got := form.texts("dd"); len(got) != 2 || got[0] != adaEmail || got[1] != newEmail {
					t.Errorf("the page shows %q", got)
				}
				form.one("input", "name", "password", "autocomplete", "current-password")
				form.one("a", "href", "/devices/revoke-others")
			}
			if r := b.post("/email/confirm", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); r.status != http.StatusForbidden {
				t.Errorf("from another site: %d", r.status)
			}
		})
		for _, guess := range []string{"", "another person's words"} { // of a stranger, in whose mailbox a mistyped address lies
			if r := b.settle(guess); r.status != http.StatusUnprocessableEntity || s.email() != adaEmail {
				t.Errorf("with the password %q: %d, and the address is %s", guess, r.status, s.email())
			}
		}
		b.shown("/email/confirm").one("form", "action", b.links["/email/confirm"])
		b.expect(b.settle(adaPassword), http.StatusSeeOther, "/security")
		b.expect(b.get("/security"), http.StatusSeeOther, "/login?next=%2Fsecurity")
		b.told("/login?next=%2Fsecurity", "You’ve changed your e-mail address to "+newEmail+". Use it to sign in from now on.")
		s.clock.Advance(10 * time.Minute)
		s.unchanged("used links", func() {
			b.dead("pressed twice", "/email/confirm")
			s.browser().dead("followed again", link)
			s.browser().dead("the link to a new password that went to the old address", reset)
		})
		// Who was signed in still is, under the new address.
		home.shown("/devices").one("p", "class", "whose").says("Signed in as " + newEmail)
		s.refreshed(p.refresh)
		if r := s.tryLogin(adaEmail, adaPassword, "x"); r.status != http.StatusUnauthorized {
			t.Errorf("the old address opens: %d", r.status)
		}
		list := s.mails()
		if len(list) != 2 || list[0].Subject != "Your e-mail address was changed" || list[1].Subject != "This is now your account’s e-mail address" {
			t.Fatalf("%+v", list)
		}
		for _, m := range list {
			if strings.Contains(m.Text, "token=") != (m.To == adaEmail) || (m.To == adaEmail) == strings.Contains(m.Text, newEmail) {
				t.Errorf("to %q:\n%s", m.To, m.Text)
			}
		}
		s.browser().signIn(newEmail, adaPassword) // where she is known: no mail tells of it
		if list := s.mails(); len(list) > 0 && !strings.HasPrefix(list[0].Subject, "New sign-in") || len(list) > 0 && list[0].To != newEmail {
			t.Errorf("%+v", list)
		}
		s.browser().forget(adaEmail)
		if list := s.mails(); len(list) != 0 {
			t.Errorf("a mail to the old address: %+v", list)
		}
		s.browser().forget(newEmail)
		if m := s.mail(); m.To != newEmail {
			t.Errorf("to %q", m.To)
		}
		s.clock.Advance(time.Second)
		texts := strings.Join(home.shown("/activity?kind=account").texts("p", "class", "event-text"), "|")
		if !strings.Contains(texts, "You asked to change your e-mail address.") || !strings.Contains(texts, "Your e-mail address was changed") {
			t.Errorf("the activity says %q", texts)
		}
		s.quiet(link, adaEmail, newEmail)
	})
}

// quiet checks that neither the log nor the activity holds what belongs into neither.
func (s *postOffice) quiet(links ...string) {
	s.t.Helper()
	var events string
	for line := range strings.Lines(s.dump()) {
		if strings.HasPrefix(line, "events ") {
			events += line
		}
	}
	for _, text := range links {
		_, secret, found := strings.Cut(text, "token=")
		if !found {
			secret = text
		}
		if strings.Contains(s.log.String(), secret) || strings.Contains(events, secret) {
			s.t.Errorf("the log or the activity holds %q", secret)
		}
	}
}

func TestAStolenAddressIsTakenBackFromTheMailToTheOldOne(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		home, thief, p := s.signedIn(), s.signedIn(), s.login("phone")
		s.mails()
		left, _ := s.moved(thief, "thief@evil.example", adaPassword)
		if left.To != adaEmail || !strings.Contains(left.Text, "t…@evil.example") || !strings.Contains(strings.Join(strings.Fields(left.Text), " "), "30 November 2026") {
			t.Errorf("to %q:\n%s", left.To, left.Text)
		}
		// The thief goes on: a new password, another address that waits, and a link to a new password.
		s.clock.Advance(time.Minute)
		thief.expect(thief.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {newPassword}}), http.StatusSeeOther, "/devices")
		waits := s.moving(thief, "thief@elsewhere.example", newPassword)
		s.browser().forget("thief@evil.example")
		reset := s.link(s.mail())
		s.clock.Advance(6 * 24 * time.Hour)
		link, b := s.link(left), s.browser()
		s.unchanged("looking at the link", func() {
			for range 3 {
				s.browser().get(link)
				b.opened(link).one("form", "action", b.links["/email/undo"]).one("bdi").says(adaEmail)
			}
			if r := b.post("/email/undo", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); r.status != http.StatusForbidden {
				t.Errorf("from another site: %d", r.status)
			}
		})
		thief.signIn("thief@evil.example", newPassword)
		s.mails()
		b.expect(b.post("/email/undo", nil), http.StatusSeeOther, b.links["/email/undo"])
		locked := b.told("/email/undo", "Your e-mail address is "+adaEmail+" again.")
		locked.one("p", "class", "notice-detail").says("Every device was signed out, and your password is locked.")
		locked.one("h1").says("Your password is locked")
		s.clock.Advance(10 * time.Minute)
		s.unchanged("used links", func() {
			b.dead("pressed twice", "/email/undo")
			s.browser().dead("followed again", link)
			s.browser().dead("the thief's next address", waits)
			s.browser().dead("the thief's new password", reset)
		})
		for name, out := range map[string]*browser{"hers": home, "the thief's": thief} {
			if r := out.get("/devices"); r.status != http.StatusSeeOther {
				t.Errorf("%s: %d", name, r.status)
			}
		}
		s.refused(p.refresh, token.ReasonRevoked)
		for _, email := range []string{adaEmail, "thief@evil.example"} {
			for _, password := range []string{adaPassword, newPassword} {
				if r := s.tryLogin(email, password, "x"); r.status != http.StatusUnauthorized {
					t.Errorf("%s with %s: %d", email, password, r.status)
				}
			}
		}
		list := s.mails()
		if len(list) != 2 || list[0].To == list[1].To {
			t.Fatalf("%+v", list)
		}
		for _, m := range list {
			want := map[string]string{adaEmail: "Your e-mail address was restored", "thief@evil.example": "This e-mail address was removed from an account"}[m.To]
			if m.Subject != want || strings.Contains(m.Text, "token=") || m.To != adaEmail && (strings.Contains(m.Text, adaEmail) || strings.Contains(m.Text, "IP address")) {
				t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
			}
		}
		s.browser().forget("thief@evil.example")
		if list := s.mails(); len(list) != 0 {
			t.Errorf("the thief gets a mail: %+v", list)
		}
		b.forget(adaEmail)
		b.opened(s.link(s.mail()))
		b.expect(b.choose("her own words again"), http.StatusSeeOther, "/login")
		b.signIn(adaEmail, "her own words again")
		if got := b.shown("/activity?kind=warnings").texts("p", "class", "event-text"); !strings.Contains(strings.Join(got, "|"), "Your previous e-mail address was restored") {
			t.Errorf("the warnings say %q", got)
		}
		s.quiet(link, adaEmail, "thief@evil.example")
	})
}

// The address goes on from A to B to C. Whatever it is by then, the mail to A brings it back to A, and the mail to B is dead.
func TestTheFirstAddressOverrulesThoseAfterIt(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		thief := s.signedIn()
		toA, _ := s.moved(thief, "b@evil.example", adaPassword)
		toB, _ := s.moved(thief, "c@evil.example", adaPassword)
		if toB.To != "b@evil.example" {
			t.Fatal(toB.To)
		}
		a, b := s.link(toA), s.link(toB)
		s.browser().opened(b) // is good until then
		owner := s.browser()
		owner.opened(a)
		owner.expect(owner.post("/email/undo", nil), http.StatusSeeOther, owner.links["/email/undo"])
		if got := s.email(); got != adaEmail {
			t.Errorf("the address is %s", got)
		}
		s.unchanged("a link that was overruled", func() { s.browser().dead("to B", b) })
	})
}

func TestAnOwnerWhoChangesBackGivesTheThiefNoWayToComeAgain(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		s.moved(b, "thief@evil.example", adaPassword)
		left, news := s.moved(b, adaEmail, adaPassword)
		if left.To != "thief@evil.example" || strings.Contains(left.Text, "token=") || news.To != adaEmail {
			t.Errorf("to %q:\n%s", left.To, left.Text)
		}
		b.shown("/devices")
		if got := s.email(); got != adaEmail {
			t.Errorf("the address is %s", got)
		}
	})
}

func TestAnAddressThatWasLeftIsNobodyElses(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		b, eve := s.signedIn(), s.browser()
		eve.signIn(eveEmail, evePassword)
		early := s.moving(eve, "early@example.net", evePassword)
		s.moved(b, "away@example.net", adaPassword)
		s.moved(b, "early@example.net", adaPassword) // what eve's link waits for
		s.moved(b, newEmail, adaPassword)
		wants := func(what string, ask func() reply, subject string) {
			t.Helper()
			s.clock.Advance(15 * time.Minute)
			if r := ask(); r.status != http.StatusSeeOther {
				t.Fatalf("%s: %d", what, r.status)
			}
			m := s.mail()
			if m.Subject != subject || strings.Contains(m.Text, "token=") || !strings.EqualFold(m.To, adaEmail) {
				t.Errorf("%s: to %q: %q", what, m.To, m.Subject)
			}
		}
		signUp := func() reply {
			return s.browser().post("/signup", url.Values{"email": {strings.ToUpper(adaEmail)}, "password": {"nobody would guess it"}})
		}
		wants("a sign-up", signUp, "This e-mail address can’t be used yet")
		wants("another account", func() reply { return eve.move(adaEmail, evePassword) }, "This e-mail address can’t be used yet")
		late := s.browser()
		late.dead("ended by a newer request", early)
		eves := s.moving(eve, "free@example.net", evePassword)
		s.exec("UPDATE former_addresses SET email_key = 'free@example.net' WHERE email_key = 'away@example.net'") // left by now
		late.opened(eves)
		r := late.settle(evePassword)
		if r.status != http.StatusConflict {
			t.Fatalf("a link to an address that is held by now: %d", r.status)
		}
		page := r.screen(t)
		page.one("div", "class", "notice-error", "tabindex", "-1").one("p", "class", "notice-text").says("This e-mail address now belongs to another account or is reserved for one. Nothing was changed.")
		page.none("form", "method", "post")
		if _, err := s.auth.Operator.AddUser(t.Context(), adaEmail, "nobody would guess it", models.RoleUser); auth.AsError(err).Kind != auth.KindEmailTaken {
			t.Errorf("an operator: %v", err)
		}
		s.clock.Advance(notify.EmailUndoLife)
		s.browser().opened(s.signUp(s.browser(), adaEmail, "nobody would guess it", ""))
	})
}

func (s *site) exec(statement string) {
	s.t.Helper()
	if _, err := s.store.Pools()[0].ExecContext(s.t.Context(), statement); err != nil {
		s.t.Fatal(err)
	}
}
