package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"latchkey/auth/account"
	"latchkey/auth/device"
	"latchkey/auth/incident"
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
		{models.EventSignInFailed, models.ActorSystem, "", "Someone tried to sign in with a wrong password.", true},
		{models.EventPasswordFailed, models.ActorOwner, "", "A wrong password was entered to confirm it was you.", true},
		{models.EventSignOut, models.ActorOwner, string(models.RevokedBySignOut), "“phone” signed out.", false},
		{models.EventSignOut, models.ActorOwner, string(models.RevokedByReplace), "“phone” was signed out when you signed in again in the same browser.", false},
		{models.EventDeviceRevoked, models.ActorOwner, string(models.RevokedByOwner), "You signed out “phone”.", false},
		{models.EventDeviceRevoked, models.ActorSystem, string(models.RevokedByLimit), "“phone” was signed out because too many browsers were signed in.", false},
		{models.EventDeviceRevoked, models.ActorSystem, string(models.RevokedForRoom), "“phone” was signed out to make room for a new sign-in.", false},
		{models.EventDeviceRevoked, models.ActorOwner, string(models.RevokedForRoom), "“phone” was signed out to make room for a new sign-in.", false},
		{models.EventDevicesRevoked, models.ActorOwner, string(models.RevokedByOwner), "You signed out all other devices.", false},
		{models.EventDevicesRevoked, models.ActorOperator, string(models.RevokedByOperator), "An administrator signed out all your devices.", false},
		{models.EventIncident, models.ActorOperator, "", "After a security incident, an administrator signed out 1 of your devices.", true},
		{models.EventIncident, models.ActorOperator, incident.LockedDetail, "After a security incident, an administrator signed out 1 of your devices and locked your password.", true},
		{models.EventDevicesRevokedSince, models.ActorOwner, "later=1", "You signed out “phone” and 1 device that signed in after it.", false},
		{models.EventDevicesRevokedSince, models.ActorOwner, "later=3 trusted=1 passkeys=2 app codes", "You signed out “phone” and 3 devices that signed in after it.", false},
		{models.EventDevicesRevokedSince, models.ActorOwner, "later=0 trusted=1", "You signed out “phone” and ended everything since.", false},
		{models.EventDeviceRevoked, models.ActorOperator, string(models.RevokedByOperator), "An administrator signed out “phone”.", false},
		{models.EventDeviceRevoked, models.ActorSystem, string(models.RevokedByOwner), "“phone” was signed out again after a failure of the database.", false},
		{models.EventDetailsChanged, models.ActorOperator, "", "An administrator’s system changed what it keeps about your account.", false},
		{models.EventResetSent, models.ActorOperator, "", "An administrator had a link e-mailed to you to choose a new password.", false},
		{models.EventPasswordChangeRequired, models.ActorOperator, "", "An administrator asked you to choose a new password.", false},
		{models.EventPasswordDropped, models.ActorSystem, "", "Your old password no longer works, because it was stored in an outdated way and hadn’t been used here. Choose a new one to sign in with a password.", false},
		{models.EventDeviceRenamed, models.ActorOwner, "tablet", "You renamed “phone” to “tablet”.", false},
		{models.EventDeviceReused, models.ActorSystem, string(models.RevokedByReuse), "A sign-in on “phone” may have been copied, so we signed it out.", true},
		{models.EventDeviceForked, models.ActorSystem, token.ForkDetail, "“phone” missed a reply from us and asked again.", false},
		{models.EventDeviceForked, models.ActorSystem, token.ForkWarnDetail, "“phone” keeps repeating the same request. If its internet connection works, sign it out, then sign in on it again.", true},
		{models.EventDeviceRestored, models.ActorSystem, "", "“phone” stayed signed in after our data was restored from a backup.", false},
		{models.EventDeviceReplaced, models.ActorOwner, string(models.RevokedByNewSignIn), "“phone” was signed out when the app signed in again on the same phone.", false},
		{models.EventInstallationShared, models.ActorOwner, "tablet", "“phone” and “tablet” look like two phones with the same copy of an app, such as from a restored backup. Both stay signed in.", false},
		{models.EventPasswordChanged, models.ActorOwner, "", "You changed your password. All other devices were signed out.", false},
		{models.EventPasswordReset, models.ActorOperator, "", "An administrator set a new password for you. All devices were signed out.", false},
		{models.EventPasswordReset, models.ActorOwner, "", "You chose a new password with the link in an e-mail. All devices were signed out.", false},
		{models.EventPasswordReset, models.ActorOwner, account.FirstPasswordDetail, "You chose your first password with the link in your invitation.", false},
		{models.EventInvited, models.ActorOperator, "", "An administrator e-mailed you a link to choose your first password.", false},
		{models.EventRoleChanged, models.ActorOperator, models.RoleSupport, "An administrator changed what your account can do.", false},
		{models.EventDisabled, models.ActorOperator, "", "An administrator disabled your account and signed out all devices.", false},
		{models.EventSupportSearched, models.ActorSupport, "leila · apps", "As support, you searched for “leila · apps”.", false},
		{models.EventSupportLooked, models.ActorSupport, noDevice, "As support, you viewed the devices and activity of account " + noDevice + ".", false},
		{models.EventSeenBySupport, models.ActorSupport, "", "Support viewed your devices and activity.", false},
		{models.EventEnabled, models.ActorOperator, "", "An administrator enabled your account again.", false},
		{models.EventSignInFailed, models.ActorSystem, passwordcheck.LockedDetail, "Someone tried to sign in with your password, but it’s locked.", true},
		{models.EventLocked, models.ActorOwner, "", "The “This wasn’t me” link in an e-mail signed out “phone” and locked your password.", true},
		{models.EventLocked, models.ActorOwner, "0", "The “This wasn’t me” link in an e-mail signed out “phone” and locked your password.", true},
		{models.EventLocked, models.ActorOwner, "1", "The “This wasn’t me” link in an e-mail signed out “phone” and 1 device that signed in after it, and locked your password.", true},
		{models.EventLocked, models.ActorOwner, "2", "The “This wasn’t me” link in an e-mail signed out “phone” and 2 devices that signed in after it, and locked your password.", true},
		{models.EventEmailCancelled, models.ActorOwner, "", "You cancelled a change of your e-mail address before it was confirmed.", false},
		{models.EventEmailAsked, models.ActorOwner, "", "You asked to change your e-mail address. It changes once you confirm with the link we sent to the new one.", false},
		{models.EventEmailChanged, models.ActorOwner, "", "Your e-mail address was changed with the link we sent to the new one.", false},
		{models.EventEmailChanged, models.ActorOperator, "", "An administrator changed your e-mail address.", false},
		{models.EventEmailRestored, models.ActorOwner, "", "Your previous e-mail address was restored with the link we sent to it. All devices were signed out and your password was locked.", true},
		{models.EventMailFailed, models.ActorSystem, "new_device", "An e-mail to you couldn’t be delivered. Check that your e-mail address is correct.", true},
		{models.EventLanguageChanged, models.ActorOwner, "en", "You changed the language of your account to English.", false},
		{models.EventLanguageChanged, models.ActorOwner, "tlh", "You changed the language of your account to tlh.", false},
		{models.EventWaysBackEnded, models.ActorOwner, "", "You turned off the links to newer e-mail addresses.", false},
		{models.EventDataDownloaded, models.ActorOwner, "", "A copy of all your data was downloaded on “phone”.", false},
		{models.EventAccountDeleted, models.ActorOwner, "", "Your account was deleted.", false},
	}
	factors := []eventSentence{
		{models.EventFactorAdded, models.ActorOwner, "passkey", "You added the passkey “phone”.", false},
		{models.EventFactorAdded, models.ActorOwner, "totp", "You added an authenticator app.", false},
		{models.EventFactorAdded, models.ActorOwner, "later", "You added a way to sign in.", false},
		{models.EventFactorRemoved, models.ActorOwner, "passkey", "The passkey “phone” was removed.", false},
		{models.EventFactorRemoved, models.ActorOwner, "totp", "Your authenticator app was removed.", false},
		{models.EventFactorRenamed, models.ActorOwner, "passkey", "You renamed a passkey to “phone”.", false},
		{models.EventFactorRenamed, models.ActorOwner, "totp", "You renamed your authenticator app to “phone”.", false},
		{models.EventFactorClosed, models.ActorSystem, "totp", "After 30 wrong codes in a row, codes from your authenticator app stopped working in new browsers. To use codes again, sign in with a passkey or a recovery code, or enter a correct code in a browser you’ve used before.", true},
		{models.EventFactorsReset, models.ActorOperator, "", "An administrator removed your passkeys, authenticator app and recovery codes.", false},
		{models.EventRecoveryCodesMade, models.ActorOwner, "", "You got new recovery codes. Your old codes no longer work.", false},
		{models.EventRecoveryCodeUsed, models.ActorOwner, "", "A recovery code was used.", true},
		{models.EventCodeFailed, models.ActorSystem, "", "A wrong code was entered.", true},
		{models.EventSecondStepMissed, models.ActorSystem, "", "Your password was entered, but not the second step. If this wasn’t you, change your password.", true},
		{models.EventBrowserTrusted, models.ActorOwner, "", "You trusted the browser “phone” to skip the second step for 30 days.", false},
		{models.EventBrowserUntrusted, models.ActorOwner, "", "You stopped trusting the browser “phone”. It needs the second step again.", false},
		{models.EventConfirmed, models.ActorOwner, "", "You confirmed it was you on “phone”.", false},
	}
	for _, list := range [][]eventSentence{cases[:25], cases[25:], factors} { // a page of the activity is shorter than all of them
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
			row.one("p", "class", "device-facts").says("Chrome on Android 192.0.2.7 new network")
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
		all, alarms := 0, 0
		for path := "/activity"; path != ""; { // there are more kinds than a page has events
			page := b.shown(path)
			all, alarms, path = all+len(page.all("li", "class", "event")), alarms+len(page.all("li", "class", "event-alarm")), ""
			if older := page.all("a", "rel", "next"); len(older) > 0 {
				path = older[0].attr("href")
			}
		}
		sum := 0
		for _, kind := range []string{device.FilterSignIns, device.FilterDevices, device.FilterAccount} {
			page := b.shown("/activity?kind=" + kind)
			page.one("nav", "class", "filters").one("a", "aria-current", "true", "href", "/activity?kind="+kind)
			sum += len(page.all("li", "class", "event"))
		}
		if all != sum {
			t.Errorf("%d events, %d by the filters: a kind has none, or two", all, sum)
		}
		warnings := b.shown("/activity?kind=warnings")
		if n, want := len(warnings.all("li", "class", "event")), alarms; n != want || want < 4 || len(warnings.all("li", "class", "event-alarm")) != n {
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
