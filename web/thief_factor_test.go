package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/models"
)

// contains finds words in a text, however its lines are broken.
func contains(text, words string) bool {
	return strings.Contains(strings.Join(strings.Fields(text), " "), words)
}

// bySubject are the mails that arrive now, by their subjects.
func (s *postOffice) bySubject() map[string]mail.Message {
	s.t.Helper()
	list := map[string]mail.Message{}
	for _, m := range s.mails() {
		list[m.Subject] = m
	}
	return list
}

// resetByMail chooses a new password by mail, and returns the mail about it.
func (s *postOffice) resetByMail(password string) mail.Message {
	s.t.Helper()
	b := s.browser()
	b.forget(adaEmail)
	b.opened(s.link(s.bySubject()["Choose a new password"]))
	b.expect(b.choose(password), http.StatusSeeOther, "/login")
	return s.bySubject()["Your password was changed"]
}

// stands checks whether the account has a second factor.
func (s *site) stands(what string, second bool) {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), adaEmail)
	if err != nil || u.SecondFactor != second {
		s.t.Errorf("%s: second factor %v, %v", what, u.SecondFactor, err)
	}
}

// The thief has the password, and adds an authenticator app to keep the owner out. The owner, who has the mailbox, gets in; the thief
// does not.
func TestAThiefsFactorIsNotTheThiefsLock(t *testing.T) {
	for name, ownerActs := range map[string]func(s *postOffice, mails map[string]mail.Message){
		"the owner resets the password by mail": func(s *postOffice, _ map[string]mail.Message) {
			if m := s.resetByMail(newPassword); !contains(m.Text, "Your authenticator app and recovery codes were removed.") {
				s.t.Errorf("the mail does not say what went: %s", m.Text)
			}
		},
		"the owner uses the link about the app": func(s *postOffice, mails map[string]mail.Message) {
			b := s.browser()
			page := b.opened(s.link(mails["An authenticator app was added to your account"]))
			if text := page.one("form", "class", "card").text(); !contains(text, "an authenticator app was added. This removes it and any passkeys, authenticator apps and recovery codes added after it.") {
				s.t.Errorf("the page says %s", text)
			}
			b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
			if text := b.told(b.links["/not-me"], "Signed out. Your password is now locked.").text(); !contains(text, "Your authenticator app and recovery codes were removed.") {
				s.t.Errorf("the page says %s", text)
			}
			s.stands("the link about the app", false)
			s.resetByMail(newPassword)
		},
		"the owner uses the link about the sign-in": func(s *postOffice, mails map[string]mail.Message) {
			b := s.browser()
			b.opened(s.link(mails["New sign-in: Chrome on Android"]))
			b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
			s.stands("the link about the sign-in", false)
			s.resetByMail(newPassword)
		},
	} {
		t.Run(name, func(t *testing.T) {
			posted(t, func(t *testing.T, s *postOffice) {
				s.signedIn()
				s.mails()
				s.clock.Advance(time.Hour)
				thief := s.browser()
				thief.agent = pixel
				thief.signIn(adaEmail, adaPassword)
				app := thief.addApp(adaPassword)
				codes := thief.post("/security/codes", url.Values{"current_password": {adaPassword}, "code": {app.next(s.site)}})
				if codes.status != http.StatusOK {
					t.Fatalf("recovery codes: %d %s", codes.status, codes.body)
				}
				s.stands("the thief's app", true)
				mails := s.bySubject()
				s.clock.Advance(6 * 24 * time.Hour)

				ownerActs(s, mails)

				s.stands("at the end", false)
				owner := s.browser()
				owner.signIn(adaEmail, newPassword)
				if text := owner.shown("/activity").text(); !contains(text, "The authenticator app and the recovery codes were removed in case they weren’t yours.") {
					t.Errorf("the activity does not say what went: %s", text)
				}
				if r := thief.get("/devices"); r.status != http.StatusSeeOther {
					t.Errorf("the thief's browser: %d", r.status)
				}
				if r := thief.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}); r.status == http.StatusSeeOther {
					t.Errorf("the old password leads to %q", r.header.Get("Location"))
				}
			})
		})
	}
}

// A thief of the mailbox gets a new password, but not past a factor that the owner has had for long.
func TestAMailboxThiefIsStoppedByAnOldFactor(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		s.clock.Advance(30 * 24 * time.Hour)
		s.mails()
		if m := s.resetByMail(newPassword); strings.Contains(m.Text, "removed") {
			t.Errorf("the mail says that something was removed: %s", m.Text)
		}
		s.stands("after the reset", true)
		thief := s.browser()
		thief.agent = pixel
		thief.expect(thief.post("/login", url.Values{"email": {adaEmail}, "password": {newPassword}}), http.StatusSeeOther, "/login/verify")
		if r := thief.get("/devices"); r.status != http.StatusSeeOther {
			t.Errorf("the thief sees the devices: %d", r.status)
		}
		b := s.browser()
		b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {newPassword}}), http.StatusSeeOther, "/login/verify")
		form := b.shown("/login/verify").one("form", "action", "/login/verify")
		b.expect(b.post("/login/verify", url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "code": {app.next(s.site)}}), http.StatusSeeOther, "/devices")
	})
}

// The thief changes the address, and then adds a factor. The undo gives the address back without the thief's factor.
func TestAnUndoRemovesTheThiefsFactor(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.signedIn()
		thief := s.browser()
		thief.agent = pixel
		thief.signIn(adaEmail, adaPassword)
		left, _ := s.moved(thief, newEmail, adaPassword)
		s.clock.Advance(5 * 24 * time.Hour)
		thief = s.browser()
		thief.agent = pixel
		thief.expect(thief.post("/login", url.Values{"email": {newEmail}, "password": {adaPassword}}), http.StatusSeeOther, "/devices")
		thief.addApp(adaPassword)
		s.mails()
		b := s.browser()
		b.opened(s.link(left))
		b.expect(b.post("/email/undo", nil), http.StatusSeeOther, b.links["/email/undo"])
		b.shown(b.links["/email/undo"])
		s.stands("after the undo", false)
		if m := s.bySubject()["Your e-mail address was restored"]; !contains(m.Text, "Your authenticator app was removed.") {
			t.Errorf("the mail does not say what went: %s", m.Text)
		}
	})
}

// Every mail with a link leads somewhere: a mail whose link has no path is never sent.
func TestMailsAboutFactorsArrive(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		r := owner.post("/security/codes", url.Values{"current_password": {adaPassword}, "code": {app.next(s.site)}})
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		code := shownCode.FindString(r.body)
		b := s.browser()
		form := b.passwordRight("")
		answer := url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"recovery_code"}, "code": {code}}
		b.expect(b.post("/login/verify", answer), http.StatusSeeOther, "/devices")
		mails := s.bySubject()
		owner.expect(owner.post("/security/app/remove", url.Values{"current_password": {adaPassword}, "code": {app.next(s.site)}}), http.StatusSeeOther, "/security/app")
		maps.Copy(mails, s.bySubject())
		for subject, says := range map[string]string{
			"An authenticator app was added to your account": "This wasn’t me",
			"Your account has new recovery codes":            "removes these codes",
			"A recovery code was used (9 left)":              "9 codes left",
			"Your authenticator app was removed":             "This wasn’t me",
		} {
			m, ok := mails[subject]
			if !ok || !contains(m.Text, says) || !strings.Contains(m.Text, "/not-me?token=") {
				t.Errorf("%q does not say %q: %s", subject, says, m.Text)
			}
		}
		if kinds := s.eventsOf(adaEmail); slices.ContainsFunc(kinds, func(e models.Event) bool { return e.Kind == models.EventMailFailed }) {
			t.Error("a mail failed")
		}
	})
}

// A new name needs a confirmation, and the owner gets to know both names: swapped names make people remove the wrong passkey.
func TestTheMailAboutARenamedPasskeySaysBothNames(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		owner := &owner{browser: s.signedIn(), email: adaEmail, password: adaPassword}
		owner.key = owner.addPasskey(url.Values{"current_password": {adaPassword}, "name": {"blue key"}})
		s.mails()
		page := newestPasskey("/rename")(owner)
		rename := func(name string) reply {
			form := owner.shown(page).one("form", "action", page)
			form.one("input", "name", "name", "required", "*")
			values := owner.key.confirm(form)
			values.Set("name", name)
			return owner.post(page, values)
		}
		for _, name := range []string{"", strings.Repeat("x", 65)} {
			if r := rename(name); r.status != http.StatusUnprocessableEntity || len(r.screen(t).all("p", "id", "name-problem")) != 1 {
				t.Errorf("%q: %d", name, r.status)
			}
		}
		owner.expect(rename("Work phone"), http.StatusSeeOther, "/security/passkeys")
		if m := s.bySubject()["Passkey renamed to “Work phone”"]; !contains(m.Text, "blue key") || !contains(m.Text, "Work phone") || !strings.Contains(m.Text, "/not-me?token=") || !contains(m.Text, "This wasn’t me") {
			t.Errorf("the mail says %s", m.Text)
		}
		if r := owner.get("/security/passkeys/" + noDevice + "/rename"); r.status != http.StatusNotFound {
			t.Errorf("no passkey: %d", r.status)
		}
		owner.expect(rename("Work phone"), http.StatusSeeOther, "/security/passkeys")
		if list := s.mails(); len(list) > 0 {
			t.Errorf("the same name again: a mail %q", list[0].Subject)
		}
	})
}
