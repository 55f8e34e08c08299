package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"latchkey/auth/account"
	"latchkey/auth/device"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/token"
	"latchkey/models"
)

func TestEveryKindOfEventIsASentence(t *testing.T) {
	kinds := map[models.EventKind]bool{}
	for _, kind := range models.EventKinds {
		kinds[kind] = true
	}
	cases := []eventSentence{
		{models.EventAccountCreated, models.ActorOwner, "", "Your account was created.", false},
		{models.EventSignIn, models.ActorOwner, "", "Signed in on “phone”.", false},
		{models.EventSignInFailed, models.ActorSystem, "", "A sign-in with a wrong password failed.", true},
		{models.EventPasswordFailed, models.ActorOwner, "", "A wrong password was given where your password was asked for again.", true},
		{models.EventSignOut, models.ActorOwner, string(models.RevokedBySignOut), "“phone” signed out.", false},
		{models.EventSignOut, models.ActorOwner, string(models.RevokedByReplace), "“phone” was signed out by a new sign-in in the same browser.", false},
		{models.EventDeviceRevoked, models.ActorOwner, string(models.RevokedByOwner), "You signed out “phone”.", false},
		{models.EventDeviceRevoked, models.ActorSystem, string(models.RevokedByLimit), "“phone” was signed out to make room: too many browsers were signed in.", false},
		{models.EventDevicesRevoked, models.ActorOwner, string(models.RevokedByOwner), "You signed out all other devices.", false},
		{models.EventDevicesRevoked, models.ActorOperator, string(models.RevokedByOperator), "An administrator signed out all your devices.", false},
		{models.EventDeviceRenamed, models.ActorOwner, "tablet", "You renamed “phone” to “tablet”.", false},
		{models.EventDeviceReused, models.ActorSystem, string(models.RevokedByReuse), "A sign-in on “phone” may have been copied, so we signed it out.", true},
		{models.EventDeviceForked, models.ActorSystem, token.ForkDetail, "“phone” lost the answer to a renewal and asked again.", false},
		{models.EventDeviceForked, models.ActorSystem, token.ForkWarnDetail, "“phone” lost the answer to its renewal several times. If its connection is good, sign it out and in again.", true},
		{models.EventDeviceRestored, models.ActorSystem, "", "“phone” was signed in by a token newer than our records, after a restore of the database.", false},
		{models.EventPasswordChanged, models.ActorOwner, "", "You changed your password. All other devices were signed out.", false},
		{models.EventPasswordReset, models.ActorOperator, "", "An administrator set a new password. All devices were signed out.", false},
		{models.EventPasswordReset, models.ActorOwner, "", "You chose a new password by the link in a mail. All devices were signed out.", false},
		{models.EventPasswordReset, models.ActorOwner, account.FirstPasswordDetail, "You chose your first password by the link in the invitation.", false},
		{models.EventInvited, models.ActorOperator, "", "An administrator mailed you a link to choose your first password.", false},
		{models.EventRoleChanged, models.ActorOperator, models.RoleSupport, "An administrator changed what your account may do.", false},
		{models.EventDisabled, models.ActorOperator, "", "An administrator disabled your account. All devices were signed out.", false},
		{models.EventSupportSearched, models.ActorSupport, "leila · apps", "You searched for “leila · apps” as support.", false},
		{models.EventSupportLooked, models.ActorSupport, noDevice, "You looked at the devices and activity of account " + noDevice + " as support.", false},
		{models.EventSeenBySupport, models.ActorSupport, "", "Support looked at your devices and activity.", false},
		{models.EventEnabled, models.ActorOperator, "", "An administrator enabled your account again.", false},
		{models.EventSignInFailed, models.ActorSystem, passwordcheck.LockedDetail, "A sign-in with the right password was refused, because your password is locked.", true},
		{models.EventLocked, models.ActorOwner, "", "“phone” was signed out and your password locked, by the link “This wasn’t me” in a mail.", true},
		{models.EventLocked, models.ActorOwner, "0", "“phone” was signed out and your password locked, by the link “This wasn’t me” in a mail.", true},
		{models.EventLocked, models.ActorOwner, "1", "“phone” and 1 device that signed in after it were signed out and your password locked, by the link “This wasn’t me” in a mail.", true},
		{models.EventLocked, models.ActorOwner, "2", "“phone” and 2 devices that signed in after it were signed out and your password locked, by the link “This wasn’t me” in a mail.", true},
		{models.EventEmailAsked, models.ActorOwner, "", "You asked for another e-mail address. It counts once the link in the mail to it is used.", false},
		{models.EventEmailChanged, models.ActorOwner, "", "Your e-mail address was changed, by the link in the mail to the new one.", false},
		{models.EventEmailChanged, models.ActorOperator, "", "An administrator changed your e-mail address.", false},
		{models.EventEmailRestored, models.ActorOwner, "", "Your former e-mail address was restored by the link in the mail to it. All devices were signed out and your password locked.", true},
		{models.EventMailFailed, models.ActorSystem, "new_device", "A mail to you could not be delivered. Is your e-mail address right?", true},
		{models.EventLanguageChanged, models.ActorOwner, "en", "You changed the language of your account to English.", false},
		{models.EventLanguageChanged, models.ActorOwner, "tlh", "You changed the language of your account to tlh.", false},
		{models.EventWaysBackEnded, models.ActorOwner, "", "You ended the links that could take your account back to newer e-mail addresses.", false},
		{models.EventDataDownloaded, models.ActorOwner, "", "Everything that is kept of your account was downloaded on “phone”.", false},
		{models.EventAccountDeleted, models.ActorOwner, "", "Your account was deleted.", false},
	}
	factors := []eventSentence{
		{models.EventFactorAdded, models.ActorOwner, "passkey", "You added the passkey “phone”.", false},
		{models.EventFactorAdded, models.ActorOwner, "totp", "You added an authenticator app.", false},
		{models.EventFactorAdded, models.ActorOwner, "later", "You added a way to sign in.", false},
		{models.EventFactorRemoved, models.ActorOwner, "passkey", "The passkey “phone” was removed.", false},
		{models.EventFactorRemoved, models.ActorOwner, "totp", "The authenticator app was removed.", false},
		{models.EventFactorRenamed, models.ActorOwner, "passkey", "You renamed a passkey to “phone”.", false},
		{models.EventFactorRenamed, models.ActorOwner, "totp", "You renamed your authenticator app to “phone”.", false},
		{models.EventFactorClosed, models.ActorSystem, "totp", "There were 30 wrong codes in a row, so codes from your authenticator app do not work in new browsers for now. To accept them again, sign in with a passkey or a recovery code, or with a right code in a browser that you have used before.", true},
		{models.EventFactorsReset, models.ActorOperator, "", "An administrator removed your passkeys, your authenticator app and your recovery codes.", false},
		{models.EventRecoveryCodesMade, models.ActorOwner, "", "You made new recovery codes. Earlier ones do not work any more.", false},
		{models.EventRecoveryCodeUsed, models.ActorOwner, "", "A recovery code was used.", true},
		{models.EventCodeFailed, models.ActorSystem, "", "A wrong code was entered.", true},
		{models.EventSecondStepMissed, models.ActorSystem, "", "The right password was entered, but not the second step. If it was not you, change your password.", true},
		{models.EventBrowserTrusted, models.ActorOwner, "", "You trusted the browser “phone”: it signs in without the second step for 30 days.", false},
		{models.EventBrowserUntrusted, models.ActorOwner, "", "You stopped trusting the browser “phone”. It asks for the second step again.", false},
		{models.EventConfirmed, models.ActorOwner, "", "You confirmed on “phone” that it is you.", false},
	}
	for _, list := range [][]eventSentence{cases, factors} { // a page of the activity is shorter than all of them
		for _, c := range list {
			delete(kinds, c.kind)
		}
		eventsAreSentences(t, list)
	}
	if len(kinds) > 0 {
		t.Errorf("no sentence was asked for: %v", kinds)
	}
}

type eventSentence struct {
	kind                models.EventKind
	actor, detail, want string
	alarm               bool
}

func eventsAreSentences(t *testing.T, cases []eventSentence) {
	t.Helper()
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		owner := s.live(adaEmail, "Firefox on Linux").UserID
		for i, c := range cases {
			s.addEvent(models.Event{UserID: owner, At: s.clock.Now().Add(time.Duration(i+1) * time.Minute), Kind: c.kind, Actor: c.actor,
				DeviceName: "phone", Detail: c.detail, IP: "192.0.2.7", UserAgent: pixel})
		}
		s.clock.Advance(time.Hour)
		rows := b.shown("/activity").all("li", "class", "event")
		if len(rows) != len(cases)+2 {
			t.Fatalf("%d events", len(rows))
		}
		slices.Reverse(rows)
		for i, c := range cases {
			row := rows[i+2] // after the account's own and the sign-in
			want := c.want
			if c.alarm {
				want = "Warning: " + want
			}
			row.one("p", "class", "event-text").says(want)
			row.one("p", "class", "device-facts").says("Chrome on Android 192.0.2.7")
			row.one("time", "datetime", s.clock.Now().Add(time.Duration(i+1)*time.Minute-time.Hour).Format(time.RFC3339))
		}
		told := b.shown("/activity").texts("p", "class", "event-text")
		toSupport := s.desk().shown("/support/users/"+owner.String()).texts("p", "class", "event-text")
		if n := len(cases); len(toSupport) < n || !slices.Equal(toSupport[len(toSupport)-n:], told[len(told)-n:]) {
			t.Errorf("support sees\n%q, the owner\n%q", toSupport, told)
		}
	})
}

func (s *site) addEvent(e models.Event) {
	s.t.Helper()
	if err := s.store.AddEvent(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
}

func TestActivityIsPagedNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		d := s.live(adaEmail, "Firefox on Linux")
		s.addUser("eve@example.com", evePassword)
		eve, err := s.auth.Operator.FindUser(t.Context(), "eve@example.com")
		if err != nil {
			t.Fatal(err)
		}
		s.addEvent(models.Event{UserID: eve.ID, At: s.clock.Now(), Kind: models.EventSignIn, Actor: models.ActorOwner, DeviceName: "eve's"})
		for i := range 120 {
			if i%4 == 0 {
				s.clock.Advance(7 * time.Hour) // four at each moment, so that pages end between equals
			}
			s.addEvent(models.Event{UserID: d.UserID, At: s.clock.Now(), Kind: models.EventDeviceRenamed, Actor: models.ActorOwner, DeviceName: "x", Detail: fmt.Sprint(i)})
		}
		b.signIn(adaEmail, adaPassword)
		seen := map[string]int{}
		var sizes []int
		last := "9999"
		for path := "/activity"; path != ""; {
			page := b.shown(path)
			rows := page.all("li", "class", "event")
			sizes = append(sizes, len(rows))
			for _, row := range rows {
				seen[row.one("p", "class", "event-text").text()]++
				at := row.one("time").attr("datetime")
				if at > last {
					t.Errorf("%s stands below %s", at, last)
				}
				last = at
			}
			if newest := page.all("a", "rel", "first"); (path == "/activity") != (len(newest) == 0) {
				t.Errorf("%s: %d links to the newest", path, len(newest))
			}
			path = ""
			if older := page.all("a", "rel", "next"); len(older) > 0 {
				path = older[0].attr("href")
			}
		}
		for i := range 120 {
			if text := fmt.Sprintf("You renamed “x” to “%d”.", i); seen[text] != 1 {
				t.Errorf("%q stands there %d times", text, seen[text])
			}
		}
		if want := []int{50, 50, 23}; !slices.Equal(sizes, want) || seen["Your account was created."] != 1 || seen["Signed in on “eve's”."] != 0 {
			t.Errorf("pages of %v, want %v; %v", sizes, want, seen)
		}
	})
}

func TestACursorThatCannotBeReadStartsAtTheNewest(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for _, cursor := range []string{"x", "1-2", "-", "%00", "%ff", "9223372036854775807-" + noDevice, "99999999999999999999999-" + noDevice, "-1-" + noDevice, "0-" + noDevice, "'"} {
			if r := b.get("/activity?before=" + cursor); r.status != http.StatusOK || len(r.screen(t).all("li", "class", "event")) != 2 {
				t.Errorf("before=%s: %d", cursor, r.status)
			}
		}
		b.shown("/activity?before=1-"+noDevice).one("p", "class", "empty")
	})
}

func TestEveryKindOfEventHasItsFilterAndWarningsAreThoseThatAlarm(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		u := s.live(adaEmail, "Firefox on Linux").UserID
		for _, kind := range models.EventKinds {
			s.clock.Advance(time.Second)
			s.addEvent(models.Event{UserID: u, At: s.clock.Now(), Kind: kind, Actor: models.ActorOwner, DeviceName: "phone", Detail: "x"})
		}
		s.addEvent(models.Event{UserID: u, At: s.clock.Now(), Kind: models.EventDeviceForked, Actor: models.ActorSystem, DeviceName: "phone", Detail: token.ForkWarnDetail})
		all := b.shown("/activity")
		sum := 0
		for _, kind := range []string{device.FilterSignIns, device.FilterDevices, device.FilterAccount} {
			page := b.shown("/activity?kind=" + kind)
			page.one("nav", "class", "filters").one("a", "aria-current", "true", "href", "/activity?kind="+kind)
			sum += len(page.all("li", "class", "event"))
		}
		if n := len(all.all("li", "class", "event")); n != sum {
			t.Errorf("%d events, %d by the filters: a kind has none, or two", n, sum)
		}
		warnings := b.shown("/activity?kind=warnings")
		if n, want := len(warnings.all("li", "class", "event")), len(all.all("li", "class", "event-alarm")); n != want || want < 4 || len(warnings.all("li", "class", "event-alarm")) != n {
			t.Errorf("%d warnings, want the %d that alarm", n, want)
		}
		for _, no := range []string{"", "x", "WARNINGS", "%ff", "warnings%00"} {
			b.shown("/activity?kind="+no).one("nav", "class", "filters").one("a", "aria-current", "true", "href", "/activity")
		}
	})
}

func TestPagesOfAFilterStayInIt(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		u := s.live(adaEmail, "Firefox on Linux").UserID
		for i := range 120 {
			s.clock.Advance(time.Minute)
			s.addEvent(models.Event{UserID: u, At: s.clock.Now(), Kind: []models.EventKind{models.EventSignInFailed, models.EventDeviceRenamed}[i%2], Actor: models.ActorOwner})
		}
		b.signIn(adaEmail, adaPassword)
		first := b.shown("/activity?kind=warnings")
		second := b.shown(first.one("a", "rel", "next").attr("href"))
		if n, m := len(first.all("li", "class", "event-alarm")), len(second.all("li", "class", "event-alarm")); n != 50 || m != 10 || len(second.all("li", "class", "event")) != 10 {
			t.Errorf("pages of %d and %d warnings, want 50 and 10", n, m)
		}
		second.none("a", "rel", "next")
		second.one("a", "rel", "first", "href", "/activity?kind=warnings")
	})
}
