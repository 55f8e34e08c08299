package services_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// told returns the mails that arrived since the last call, and their kinds.
func (d *desk) told(t *testing.T, server *mailtest.Server, seen *int) (list []notify.Notification, kinds string) {
	t.Helper()
	d.sendAll(t)
	all, _ := mailsTaken(t, server)
	list, *seen = all[*seen:], len(all)
	var names []string
	for _, l := range list {
		names = append(names, string(l.Kind))
	}
	return list, strings.Join(names, " ")
}

// browse signs ada in on a browser with a mark of its own.
func (d *desk) browse(t *testing.T, mark, ip string) *browser.Session {
	t.Helper()
	from := at(ip)
	from.Browser = mark
	key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
	if err != nil {
		t.Fatal(err)
	}
	by, err := d.Browsers.Authenticate(t.Context(), key, from)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

func (d *desk) app(t *testing.T, name string) token.Answer {
	t.Helper()
	answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: name, From: at("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestTheOwnerIsToldOfWhatAThiefWouldDo(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		var by *browser.Session
		var phone token.Answer
		for _, step := range []struct {
			name string
			do   func()
			want string
		}{
			{"the first sign-in of the account", func() { by = d.browse(t, "the laptop's mark", "192.0.2.1") }, ""},
			{"the same browser once more", func() { by = d.browse(t, "the laptop's mark", "203.0.113.9") }, ""},
			{"another browser at the same place", func() { d.browse(t, "another mark", "192.0.2.1") }, "new_device"},
			{"a browser that keeps no mark", func() { d.browse(t, "", "192.0.2.1") }, "new_device"},
			{"an app", func() { phone = d.app(t, "phone") }, "new_device"},
			{"a wrong password", func() { d.try(t, adaEmail, "a guess", at("192.0.2.1")) }, ""},
			{"a refresh", func() {
				if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: phone.RefreshToken, From: at("192.0.2.1")}); err != nil {
					t.Fatal(err)
				}
			}, ""},
			{"a copied token", func() {
				d.advance(time.Minute)
				next, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: phone.RefreshToken, From: at("198.51.100.7")})
				if err == nil {
					next, err = d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: next.RefreshToken, From: at("198.51.100.7")})
				}
				if err != nil || next.RefreshToken == "" {
					t.Fatal(err)
				}
				if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: phone.RefreshToken, From: at("192.0.2.1")}); auth.AsError(err).Reason != token.ReasonReused {
					t.Fatal(err)
				}
			}, "device_reused"},
			{"the dead token again", func() {
				_, _ = d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: phone.RefreshToken, From: at("192.0.2.1")})
			}, ""},
			{"a change of password that is refused", func() {
				_, _ = d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed("a guess", at("192.0.2.1")), New: "another fine day"})
			}, ""},
			{"a change of password", func() {
				if _, err := d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(adaPassword, at("192.0.2.1")), New: "another fine day"}); err != nil {
					t.Fatal(err)
				}
			}, "password_changed"},
			{"an operator's new password", func() {
				if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
					t.Fatal(err)
				}
			}, "password_changed"},
			{"a return after everything was forgotten", func() {
				d.advance(notify.AlertsEvery) // otherwise a summary would report it
				for _, table := range []string{"devices", "known_places", "events"} {
					if _, err := store.Pools()[0].ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
						t.Fatal(err)
					}
				}
				d.app(t, "phone")
			}, "new_device"},
			{"a closed account", func() {
				if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
					t.Fatal(err)
				}
			}, "account_disabled"},
			{"a closed account, once more", func() { _, _ = d.Operator.Disable(t.Context(), adaEmail) }, ""},
		} {
			step.do()
			if got, kinds := d.told(t, server, &seen); kinds != step.want {
				t.Errorf("%s: %q, want %q", step.name, kinds, step.want)
			} else if kinds != "" && (got[0].To != adaEmail || got[0].At != d.now() || (got[0].Link == "") != (kinds == "account_disabled")) {
				t.Errorf("%s: %+v", step.name, got[0])
			}
			d.advance(time.Second)
		}
	})
}

func TestWithoutMailNothingWaits(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.browse(t, "a", "192.0.2.1")
		d.app(t, "phone")
		if n := d.waiting(t, store); n != 0 {
			t.Errorf("%d mails wait for nobody", n)
		}
	})
}

// unfamiliarSignIn signs ada in on a device that stays and on one that is not hers, and returns the link "This wasn't me" about the
// second.
func (d *desk) unfamiliarSignIn(t *testing.T, store *models.Store) (server *mailtest.Server, hers *browser.Session, his token.Answer, link string) {
	t.Helper()
	server = d.post(t)
	hers, his = d.browse(t, "the laptop's mark", "192.0.2.1"), d.app(t, "his phone")
	var seen int
	list, kinds := d.told(t, server, &seen)
	if kinds != "new_device" {
		t.Fatal(kinds)
	}
	return server, hers, his, list[0].Link
}

func (d *desk) isOut(presented string) bool {
	_, err := d.Tokens.Refresh(context.Background(), token.RefreshRequest{Token: presented, From: at("192.0.2.1")})
	return auth.AsError(err).Reason == token.ReasonRevoked
}

func TestThisWasntMeSignsTheDeviceOutAndLocksThePassword(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, hers, his, link := d.unfamiliarSignIn(t, store)
		for range 3 { // a mail scanner follows the link
			if got, err := d.Accounts.FindNotMe(t.Context(), link); err != nil || got.DeviceName != "his phone" {
				t.Fatal(got, err)
			}
		}
		if done, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); err != nil || done.Revoked != 1 {
			t.Fatal(done.Revoked, err)
		}
		if !d.isOut(his.RefreshToken) {
			t.Error("his phone goes on")
		}
		if list, err := d.Devices.List(t.Context(), hers); err != nil || len(list) != 1 {
			t.Errorf("her own browser: %v, %v", list, err)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("the right password: %v", kind)
		}
		if kind := d.try(t, adaEmail, "a guess", at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("a wrong password: %v", kind)
		}
		by, err := store.UserByID(t.Context(), hers.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		hers.User = by
		if _, err := d.Accounts.ChangePassword(t.Context(), hers, account.PasswordChange{Confirmation: confirmed(adaPassword, at("192.0.2.1")), New: "another fine day"}); auth.AsError(err).Kind != auth.KindWrongPassword {
			t.Errorf("a locked password makes a new one: %v", err)
		}
		if got := d.kinds(t, store); !strings.Contains(got, "password_locked/") || !strings.Contains(got, "sign_in_failed/"+passwordcheck.LockedDetail) {
			t.Errorf("events %s", got)
		}
		if _, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindUsedLink {
			t.Errorf("a second press: %v", err)
		}
		d.advance(models.UsedLinkLife)
		if _, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("a press ten minutes later: %v", err)
		}
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Errorf("after an operator's reset: %v", kind)
		}
	})
}

// No mail reports the second sign-in from the thief's browser, because its mark is known since the first.
func TestThisWasntMeReachesWhatTheThiefDidNext(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		signIn := func(ip, mark string) browser.Key {
			t.Helper()
			from := at(ip)
			from.Browser = mark
			key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
			if err != nil {
				t.Fatal(err)
			}
			d.advance(3 * time.Minute) // too late for a form that is sent twice
			return key
		}
		hers := signIn("192.0.2.1", "hers")
		first, second := signIn("198.51.100.7", "his"), signIn("198.51.100.7", "his")
		d.sendAll(t)
		list, _ := mailsTaken(t, server)
		if len(list) != 1 {
			t.Fatalf("%d mails", len(list))
		}
		if done, err := d.Accounts.AnswerNotMe(t.Context(), list[0].Link, at("192.0.2.1")); err != nil || done.Revoked != 2 {
			t.Errorf("%d devices, %v", done.Revoked, err)
		}
		for name, key := range map[string]browser.Key{"first": first, "second": second} {
			if _, err := d.Browsers.Authenticate(t.Context(), key, at("198.51.100.7")); auth.AsError(err).Kind != auth.KindSignedOut {
				t.Errorf("his %s sign-in: %v", name, err)
			}
		}
		if _, err := d.Browsers.Authenticate(t.Context(), hers, at("192.0.2.1")); err != nil {
			t.Errorf("hers: %v", err)
		}
	})
}

// A thief's next act sends her another mail, which must not end the earlier link.
func TestLinksAboutEveryDeviceStandBesideEachOther(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		for _, password := range []string{"another fine day", "and yet another one"} {
			if _, err := d.Operator.SetPassword(t.Context(), adaEmail, password); err != nil {
				t.Fatal(err)
			}
			d.advance(time.Second)
		}
		d.sendAll(t)
		list, _ := mailsTaken(t, server)
		if len(list) != 2 {
			t.Fatalf("%d mails", len(list))
		}
		for _, l := range list {
			if got, err := d.Accounts.FindNotMe(t.Context(), l.Link); err != nil || got.DeviceName != "" {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
}

func TestTheLinkOfAChangedPasswordSignsEveryDeviceOut(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server, hers, his, _ := d.unfamiliarSignIn(t, store)
		seen := len(server.Mails())
		if _, err := d.Accounts.ChangePassword(t.Context(), hers, account.PasswordChange{Confirmation: confirmed(adaPassword, at("192.0.2.66")), New: "another fine day"}); err != nil {
			t.Fatal(err)
		}
		list, kinds := d.told(t, server, &seen)
		if kinds != "password_changed" {
			t.Fatal(kinds)
		}
		if done, err := d.Accounts.AnswerNotMe(t.Context(), list[0].Link, at("192.0.2.1")); err != nil || done.Revoked != 1 {
			t.Fatal(done.Revoked, err)
		}
		if _, err := store.LiveDevice(t.Context(), hers.User.ID, hers.Device.ID, d.live()); !errors.Is(err, models.ErrNotFound) || !d.isOut(his.RefreshToken) {
			t.Errorf("a device goes on: %v", err)
		}
		if kind := d.try(t, adaEmail, "another fine day", at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("the thief's password: %v", kind)
		}
	})
}

func TestALinkThatIsNoGoodChangesNothing(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, _, his, link := d.unfamiliarSignIn(t, store)
		for name, bad := range map[string]string{
			"nothing": "", "garbage": "x", "truncated": link[:len(link)-1], "longer": link + "A", "another": strings.Repeat("A", len(link)),
			"decorated": " " + link, "padded": link + "=", "a device token": his.RefreshToken, "endless": strings.Repeat("A", 1<<16),
		} {
			_, found := d.Accounts.FindNotMe(t.Context(), bad)
			if _, err := d.Accounts.AnswerNotMe(t.Context(), bad, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindDeadLink || auth.AsError(found).Kind != auth.KindDeadLink {
				t.Errorf("%s: %v, %v", name, found, err)
			}
		}
		d.advance(notify.NotMeLife)
		if _, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("a week later: %v", err)
		}
		d.advance(-time.Second)
		if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("of a closed account: %v", err)
		}
		if got := d.kinds(t, store); strings.Contains(got, "password_locked") {
			t.Errorf("events %s", got)
		}
		if err := d.Operator.Enable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("of an account that was closed for a while: %v", err)
		}
	})
}

func TestOfTwentyAnswersAtOnceOneCounts(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, _, _, link := d.unfamiliarSignIn(t, store)
		var won atomic.Int64
		var all sync.WaitGroup
		gate := make(chan struct{})
		for range 20 {
			all.Go(func() {
				<-gate
				_, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1"))
				if err == nil {
					won.Add(1)
				} else if auth.AsError(err).Kind != auth.KindUsedLink {
					t.Error(err)
				}
			})
		}
		close(gate)
		all.Wait()
		if got := strings.Count(d.kinds(t, store), "password_locked"); won.Load() != 1 || got != 1 {
			t.Errorf("%d won, %d events", won.Load(), got)
		}
	})
}
