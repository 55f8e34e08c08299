package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

// facts are the lines of a person's summary, by their labels.
func facts(page screen) map[string]string {
	list := map[string]string{}
	for _, f := range page.one("dl", "class", "desk-summary").all("div") {
		list[f.one("dt").text()] = f.one("dd").text()
	}
	return list
}

func TestAPersonsPageBeginsWithASummary(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		want := func(when string, lines map[string]string) {
			t.Helper()
			got := facts(sam.shown(s.lookURL(adaEmail)))
			for label, text := range lines {
				if got[label] != text {
					t.Errorf("%s: %s is %q, want %q", when, label, got[label], text)
				}
			}
		}
		want("a new account", map[string]string{
			"Signed in": "Not signed in anywhere", "Last sign-in": "None on record", "Last failed sign-in": "None on record", "Trusted browsers": "None", "Pending change of e-mail address": "No", "Warnings in the last 30 days": "None", "Account": "Active", "Password": "Not locked. Last changed 23 November 2026, 12:00:00 UTC",
			"Second step": "None, password only", "E-mail address": "Set by an administrator, not confirmed by mail", "Language": "Not chosen, so the browser decides",
		})
		ada := s.signedIn()
		ada.addApp(adaPassword)
		s.clock.Advance(2 * time.Hour)
		sam.signIn(samEmail, samPassword) // the staff's sign-ins idle out
		exec := func(statement string) {
			t.Helper()
			if _, err := s.store.Pools()[0].ExecContext(t.Context(), statement+" WHERE email = '"+adaEmail+"'"); err != nil {
				t.Fatal(err)
			}
		}
		exec("UPDATE users SET language = 'en'")
		user := s.live(adaEmail, "Firefox on Linux").UserID
		event := func(kind models.EventKind, actor, detail string, ago time.Duration) {
			s.addEvent(models.Event{UserID: user, At: s.clock.Now().Add(-ago), Kind: kind, Actor: actor, Detail: detail})
		}
		const day = 24 * time.Hour
		event(models.EventSignInFailed, models.ActorSystem, "", time.Hour)
		event(models.EventDeviceForked, models.ActorSystem, "", time.Hour) // no warning without its detail
		event(models.EventDeviceReused, models.ActorSystem, "", 30*day-time.Second)
		event(models.EventDeviceReused, models.ActorSystem, "", 30*day)
		event(models.EventPasswordReset, models.ActorOwner, "", time.Hour)
		want("with a history", map[string]string{
			"Signed in": "On 1 device", "Last sign-in": "23 November 2026, 12:00:00 UTC with a password on Firefox on Linux from 127.0.0.1", "Last failed sign-in": "23 November 2026, 13:00:00 UTC from an unknown IP address", "Warnings in the last 30 days": "2", "Second step": "Authenticator app, 0 recovery codes left",
			"E-mail address": "Confirmed by mail", "Language": "English",
		})
		for range 31 {
			if _, err := s.store.CountWrongCode(t.Context(), user, s.clock.Now()); err != nil {
				t.Fatal(err)
			}
		}
		for range 101 {
			event(models.EventCodeFailed, models.ActorSystem, "", time.Minute)
		}
		event(models.EventEmailChanged, models.ActorOperator, "", time.Minute)
		exec("UPDATE users SET locked_at = created_at, disabled_at = created_at")
		want("locked and disabled", map[string]string{
			"Warnings in the last 30 days": "100 or more", "Account": "Disabled since 23 November 2026, 12:00:00 UTC", "Password": "Locked since 23 November 2026, 12:00:00 UTC, until a new password is chosen",
			"Second step": "Authenticator app (paused after too many wrong codes), 0 recovery codes left", "E-mail address": "Set by an administrator, not confirmed by mail",
		})
		event(models.EventEmailRestored, models.ActorOwner, "", 0)
		exec("UPDATE users SET invited_at = password_changed_at, disabled_at = NULL, locked_at = NULL")
		want("invited", map[string]string{"Account": "Invited 23 November 2026, 12:00:00 UTC", "Password": "Not chosen yet", "E-mail address": "Confirmed by mail"})
	})
}

func TestThePersonsActivityIsFilteredByKind(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		s.login("phone")
		user := s.live(adaEmail, "phone").UserID
		for i := range 60 {
			for _, kind := range []models.EventKind{models.EventSignInFailed, models.EventDeviceRenamed} {
				s.addEvent(models.Event{UserID: user, At: s.clock.Now().Add(time.Duration(i) * time.Second), Kind: kind, Actor: models.ActorOwner, DeviceName: "x", Detail: "y"})
			}
		}
		s.clock.Advance(20 * time.Minute)
		says := map[string]string{"Warnings": "wrong password", "Sign-ins": "ign", "Devices": "enamed", "Account": "Support viewed", "Support": "Support viewed"}
		page := sam.shown(s.lookURL(adaEmail))
		list := page.one("nav", "class", "filters").all("a")
		if list[0].attr("aria-current") != "true" || len(list) != len(says)+1 {
			t.Fatalf("%d filters", len(list))
		}
		for _, link := range list[1:] {
			s.clock.Advance(time.Minute)
			page := sam.shown(link.attr("href"))
			page.one("nav", "class", "filters").one("a", "aria-current", "true").says(link.text())
			texts := page.texts("p", "class", "event-text")
			for _, text := range texts {
				if !strings.Contains(text, says[link.text()]) && !strings.Contains(text, "account was created") {
					t.Errorf("%s shows %q", link.text(), text)
				}
			}
			if link.text() == "Warnings" {
				older := page.one("section", "aria-labelledby", "activity").one("a", "rel", "next").attr("href")
				if u, err := url.Parse(older); err != nil || len(texts) != 50 || u.Query().Get("kind") != "warnings" {
					t.Errorf("%d warnings, then %s", len(texts), older)
				}
				if n := len(sam.shown(older).texts("p", "class", "event-text")); n != 10 {
					t.Errorf("%d older warnings", n)
				}
			}
		}
		sam.shown(s.lookURL(adaEmail)+"?kind=nonsense").one("nav", "class", "filters").one("a", "aria-current", "true").says("All")
		if n := countLooks(s.eventsOf(adaEmail)); n != 8 {
			t.Errorf("%d looks are recorded", n)
		}
	})
}
