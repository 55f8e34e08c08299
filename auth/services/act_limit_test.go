package services_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/device"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/support"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// countOf returns the number of events of a kind.
func (d *desk) countOf(t *testing.T, user uuid.UUID, kind models.EventKind) (n int) {
	t.Helper()
	list, err := d.store.Events(t.Context(), user, models.EventCursor{}, 2000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestAnAccountRenamesTwentyTimesAnHour(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, by := d.browser(t, adaEmail, adaPassword)
		answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		claims, err := d.Tokens.Verify(answer.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		portal := func(name string) error {
			return second(d.Devices.Rename(t.Context(), by, by.Device.ID.String(), name, at("192.0.2.1")))
		}
		app := func(name string) error {
			_, _, err := d.Devices.RenameByToken(t.Context(), device.TokenAct{Claims: claims, ID: "current", Name: name, From: at("198.51.100.1")})
			return err
		}
		for i := range 20 {
			rename := portal
			if i%2 > 0 {
				rename = app
			}
			if err := rename(fmt.Sprintf("device %d", i)); err != nil {
				t.Fatalf("rename %d: %v", i, err)
			}
			d.advance(time.Minute)
		}
		for name, rename := range map[string]func(string) error{"the portal": portal, "an app": app} {
			e := auth.AsError(rename("one more"))
			if e.Kind != auth.KindRateLimited || e.RetryAfter != 40*time.Minute {
				t.Errorf("%s: kind %d, wait %v", name, e.Kind, e.RetryAfter)
			}
		}
		written := func() string {
			devices, err := store.Devices(t.Context(), d.ada.ID, uuid.Nil, 10)
			user, userErr := store.UserByID(t.Context(), d.ada.ID)
			text, jsonErr := json.Marshal(map[string]any{"devices": devices, "user": user})
			if err := errors.Join(err, userErr, jsonErr); err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		before := written()
		for range 30 { // the names that they have
			if err := portal(" device 18 "); err != nil {
				t.Fatalf("the same name: %v", err)
			}
			if err := app("device 19"); err != nil {
				t.Fatalf("the same name: %v", err)
			}
		}
		if got := written(); got != before || d.countOf(t, d.ada.ID, models.EventDeviceRenamed) != 20 {
			t.Errorf("written: %s, was %s", got, before)
		}
		if _, err := d.Operator.AddUser(t.Context(), "eve@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		_, eve := d.browser(t, "eve@example.com", adaPassword)
		if err := second(d.Devices.Rename(t.Context(), eve, eve.Device.ID.String(), "hers", at("192.0.2.1"))); err != nil {
			t.Errorf("another account: %v", err)
		}
		d.advance(40 * time.Minute)
		if err := app("one more"); err != nil {
			t.Errorf("an hour after the first: %v", err)
		}
		// After a clock that was ahead by a year, no account waits for a year.
		d.advance(365 * 24 * time.Hour)
		_, by = d.browser(t, adaEmail, adaPassword)
		for i := range 20 {
			if err := portal(fmt.Sprintf("next year %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		d.advance(time.Hour - 365*24*time.Hour)
		if err := portal("back again"); err != nil {
			t.Errorf("after the clock was set back: %v", err)
		}
	})
}

// The acts that one account can repeat without a mail or a wrong password write a limited number of events.
func TestActsOfOneAccountAreBounded(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.Mail = &taking{} })
		_, sam := d.staff(t)
		key, by := d.browser(t, adaEmail, adaPassword)
		is, next := adaPassword, "another fine day"
		for _, c := range []struct {
			name  string
			user  uuid.UUID
			kinds []models.EventKind
			most  int
			span  time.Duration
			loud  bool
			act   func(i int) error
		}{
			{"forks", by.User.ID, []models.EventKind{models.EventDeviceForked}, 100, 24 * time.Hour, false, d.forks(t)}, // first: a new password ends the device
			{"downloads", by.User.ID, []models.EventKind{models.EventDataDownloaded}, 20, 24 * time.Hour, true, func(int) error {
				data, err := d.Exports.Start(t.Context(), by, confirmed(adaPassword, at("192.0.2.1")))
				if err == nil {
					data.Close()
				}
				return err
			}},
			{"changes of the password", by.User.ID, []models.EventKind{models.EventPasswordChanged}, 50, 24 * time.Hour, true, func(int) error {
				err := second(d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(is, at("192.0.2.1")), New: next}))
				if again, seen := d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1")); err == nil && seen == nil {
					by, is, next = again, next, is
				}
				return err
			}},
			{"searches and looks", sam.User.ID, []models.EventKind{models.EventSupportSearched, models.EventSupportLooked}, 600, time.Hour, true, func(i int) error {
				if i%2 > 0 {
					return second(d.Support.ViewAccount(t.Context(), sam, support.View{ID: by.User.ID.String(), From: at(fmt.Sprintf("10.0.%d.%d", i/250, i%250))})) // looks from one address share an event
				}
				return second(d.Support.Search(t.Context(), sam, support.Query{Text: "phone", From: at("192.0.2.1")}))
			}},
		} {
			if testing.Short() && c.most > 100 {
				continue
			}
			count := func() (n int) {
				for _, kind := range c.kinds {
					n += d.countOf(t, c.user, kind)
				}
				return n
			}
			for i := range c.most + 3 {
				err := c.act(i)
				if past := i >= c.most && c.loud; past && (auth.AsError(err).Kind != auth.KindRateLimited || auth.AsError(err).RetryAfter != c.span) || !past && err != nil {
					t.Fatalf("%s, %d: %v", c.name, i, err)
				}
			}
			if n := count(); n != c.most {
				t.Errorf("%s: %d events", c.name, n)
			}
		}
	})
}

// forks returns acts that each fork a device's base once more, and then begin a new base.
func (d *desk) forks(t *testing.T) func(int) error {
	t.Helper()
	answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	presented := answer.RefreshToken
	refresh := func(from auth.Caller) (string, error) {
		answer, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: presented, From: from})
		return answer.RefreshToken, err
	}
	return func(int) error {
		if _, err := refresh(at("192.0.2.1")); err != nil {
			return err
		}
		child, err := refresh(at("192.0.2.2"))
		presented = child
		return err
	}
}

func second[T any](_ T, err error) error { return err }

func TestAnAccountAsksForTwentyAddressesADay(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.Mail = &taking{} })
		_, by := d.browser(t, adaEmail, adaPassword)
		ask := func(i int) error {
			return d.Addresses.Ask(t.Context(), by, address.Request{Email: fmt.Sprintf("ada%d@example.org", i), Confirmation: confirmed(adaPassword, at("192.0.2.1"))})
		}
		for i := range 20 {
			if err := ask(i); err != nil {
				t.Fatalf("address %d: %v", i, err)
			}
			d.advance(4 * time.Minute) // 5 in 15 minutes are another limit
		}
		if e := auth.AsError(ask(20)); e.Kind != auth.KindRateLimited || e.RetryAfter != 24*time.Hour-80*time.Minute || d.countOf(t, d.ada.ID, models.EventEmailAsked) != 20 {
			t.Errorf("kind %d, wait %v, %d events", e.Kind, e.RetryAfter, d.countOf(t, d.ada.ID, models.EventEmailAsked))
		}
	})
}
