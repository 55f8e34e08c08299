package services_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/ratelimit"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// with returns a caller with a browser's mark.
func with(mark, ip string) auth.Caller {
	from := at(ip)
	from.Browser = mark
	return from
}

// enter signs in on a browser and returns the kind of the error, or -1.
func (d *desk) enter(t *testing.T, password string, from auth.Caller) auth.Kind {
	t.Helper()
	_, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: password, From: from})
	if err == nil {
		return -1
	}
	return auth.AsError(err).Kind
}

// attacked uses up the account's limit from many networks.
func (d *desk) attacked(t *testing.T) {
	t.Helper()
	d.attackedFrom(t, "198.51.100.")
	if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.99")); kind != auth.KindRateLimited {
		t.Fatalf("the account's limit does not hold: %v", kind)
	}
}

// attackedFrom makes failures from the networks of a /24.
func (d *desk) attackedFrom(t *testing.T, network string) {
	t.Helper()
	d.fail(t, ratelimit.MaxUserFailures, adaEmail, func(i int) auth.Caller { return at(fmt.Sprint(network, i/10)) })
}

// resetBy chooses a new password by mail.
func (d *desk) resetBy(t *testing.T, link, password string, from auth.Caller) {
	t.Helper()
	if err := d.Accounts.ResetPassword(t.Context(), link, password, from); err != nil {
		t.Fatal(err)
	}
}

func TestWhoSetsANewPasswordIsNotLockedOutByStrangers(t *testing.T) {
	const fresh = "another fine day"
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		d.attacked(t)
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		list, _ := d.told(t, server, &seen)
		d.resetBy(t, list[0].Link, fresh, with("hers", "192.0.2.1"))
		if kind := d.try(t, adaEmail, fresh, at("203.0.113.9")); kind != -1 {
			t.Errorf("from elsewhere, with the counts begun again: %v", kind)
		}
		d.attackedFrom(t, "198.51.101.") // before she signs in: it is the reset that makes her known
		for name, c := range map[string]struct {
			from auth.Caller
			want auth.Kind
		}{
			"the browser that set it, elsewhere": {with("hers", "203.0.113.1"), -1}, "a phone in the same house": {at("192.0.2.1"), -1},
			"somebody else": {at("203.0.113.2"), auth.KindRateLimited},
		} {
			if kind := d.try(t, adaEmail, fresh, c.from); kind != c.want {
				t.Errorf("%s: %v, want %v", name, kind, c.want)
			}
		}
	})
}

func TestTheBrowserThatTookAnAddressBackOrSignedUpIsKnown(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		his := d.browse(t, "his", "198.51.100.7")
		d.told(t, server, &seen)
		if err := d.Addresses.Ask(t.Context(), his, address.Request{Email: "thief@evil.example", Confirmation: confirmed(adaPassword, at("198.51.100.7"))}); err != nil {
			t.Fatal(err)
		}
		list, _ := d.told(t, server, &seen)
		if _, err := d.Addresses.Confirm(t.Context(), list[0].Link, adaPassword, at("198.51.100.7")); err != nil {
			t.Fatal(err)
		}
		list, _ = d.told(t, server, &seen)
		for _, l := range list {
			if l.Link != "" {
				if _, err := d.Addresses.Undo(t.Context(), l.Link, with("hers", "192.0.2.1")); err != nil {
					t.Fatal(err)
				}
			}
		}
		known := func(from auth.Caller) bool {
			yes, err := store.KnownOrigin(t.Context(), d.ada.ID, d.Limits.Origins(from), d.now().Add(-ratelimit.KnownFor))
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		if !known(with("hers", "203.0.113.1")) || !known(at("192.0.2.1")) || known(with("his", "198.51.100.7")) {
			t.Errorf("after the undo: her browser %v, her network %v, his %v", known(with("hers", "203.0.113.1")), known(at("192.0.2.1")), known(with("his", "198.51.100.7")))
		}
		d.told(t, server, &seen)
		if err := d.Accounts.Signup(t.Context(), account.SignupRequest{Email: "new@example.com", Password: adaPassword, From: at("192.0.2.50")}); err != nil {
			t.Fatal(err)
		}
		list, _ = d.told(t, server, &seen)
		if _, _, err := d.Accounts.ConfirmSignup(t.Context(), list[0].Link, browser.Login{Password: adaPassword, From: with("new", "192.0.2.50")}); err != nil {
			t.Fatal(err)
		}
		d.fail(t, ratelimit.MaxUserFailures, "new@example.com", func(i int) auth.Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		if kind := d.try(t, "new@example.com", adaPassword, with("new", "203.0.113.3")); kind != -1 {
			t.Errorf("the browser that signed up: %v", kind)
		}
	})
}

// Wrong passwords from the owner's own network, or of others behind the same address, do not lock out the owner's browser.
func TestAKnownBrowserPassesTheLimitsOfItsNetwork(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		d.fail(t, ratelimit.MaxPairFailures, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Errorf("her network alone passes ten failures: %v", kind)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Errorf("her browser after ten failures: %v", kind)
		}
		for i := range 8 {
			d.fail(t, 5, fmt.Sprintf("invented%d@example.com", i), same("192.0.2.1"))
		}
		if kind := d.try(t, "invented@example.com", "not the password", at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Fatalf("the network's limit does not hold: %v", kind)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Errorf("her browser after fifty failures: %v", kind)
		}
	})
}

// At the limit of a network, the response must not reveal which accounts signed in there.
func TestAtANetworksLimitKnownAndUnknownAccountsAreAlike(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		w := &work{}
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(sql string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.statements = append(w.statements, sql)
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if _, err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := newDesk(t, store)
		if _, err := d.Operator.AddUser(t.Context(), "stranger@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		for i := range 10 {
			d.fail(t, 5, fmt.Sprintf("invented%d@example.com", i), same("192.0.2.1"))
		}
		d.advance(time.Minute)
		for _, email := range []string{adaEmail, "stranger@example.com"} { // both have sign-ins in progress, which must not show either
			d.fail(t, ratelimit.MaxUserFailures, email, func(i int) auth.Caller { return at(fmt.Sprintf("198.51.100.%d", i/3)) })
		}
		before := d.eventsOf(t, d.ada.ID)
		var first *auth.Error
		var statements []string
		for _, email := range []string{adaEmail, "nobody@example.com", "stranger@example.com", "invented1@example.com"} {
			for _, password := range []string{adaPassword, "not the password"} {
				w.take()
				_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: email, Password: password, DeviceName: "phone", From: at("192.0.2.1")})
				_, sent := w.take()
				var refusal *auth.Error
				if !errors.As(err, &refusal) || refusal.Kind != auth.KindRateLimited {
					t.Fatalf("%s: %v", email, err)
				}
				if first == nil {
					first, statements = refusal, sent
				}
				if diff := cmp.Diff(first, refusal) + cmp.Diff(statements, sent); diff != "" {
					t.Errorf("%s with %q: %s", email, password, diff)
				}
			}
		}
		if after := d.eventsOf(t, d.ada.ID); len(after) != len(before) {
			t.Errorf("%d events became %d", len(before), len(after))
		}
	})
}
