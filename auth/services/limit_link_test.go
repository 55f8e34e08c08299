package services_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// Strangers who use up the quotas of an address do not stop the holder of a link that was mailed to it.

func TestStrangersCannotStopASignupFromBeingConfirmed(t *testing.T) {
	const email = "new@example.com"
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		if err := d.Accounts.Signup(t.Context(), account.SignupRequest{Email: email, Password: adaPassword, From: at("192.0.2.50")}); err != nil {
			t.Fatal(err)
		}
		link := d.toldAll(t, server, &seen)[0].Link
		d.fail(t, ratelimit.MaxUserFailures, email, func(i int) auth.Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		confirm := func(password string, from auth.Caller) auth.Kind {
			_, _, err := d.Accounts.ConfirmSignup(t.Context(), link, browser.Login{Password: password, From: from})
			if err == nil {
				return -1
			}
			return auth.AsError(err).Kind
		}
		for i := range ratelimit.MaxUserFailures {
			if kind := confirm("a wrong password", with("", fmt.Sprintf("203.0.113.%d", i/10))); kind != auth.KindWrongPassword {
				t.Fatalf("guess %d: %v", i+1, kind)
			}
		}
		if kind := confirm(adaPassword, with("", "203.0.113.200")); kind != auth.KindRateLimited {
			t.Errorf("past a hundred guesses with the link: %v", kind)
		}
		d.advance(ratelimit.AttemptWindow)
		d.fail(t, ratelimit.MaxUserFailures, email, func(i int) auth.Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		if kind := confirm(adaPassword, with("new", "192.0.2.50")); kind != -1 {
			t.Errorf("after a hundred failures of strangers: %v", kind)
		}
	})
}

func TestStrangersCannotKeepAnOwnerFromTheMailThatUnlocks(t *testing.T) {
	ask := func(t *testing.T, d *desk) { // up to the quota of this address
		t.Helper()
		for i := range ratelimit.MaxForgotten + 1 {
			err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at(fmt.Sprintf("198.51.100.%d", i)))
			if i < ratelimit.MaxForgotten && err != nil || i == ratelimit.MaxForgotten && auth.AsError(err).Kind != auth.KindRateLimited {
				t.Fatal(i, err)
			}
		}
	}
	for name, c := range map[string]func(t *testing.T, d *desk, server *mailtest.Server, seen *int) (again func() error){
		"this wasn't me": func(t *testing.T, d *desk, server *mailtest.Server, seen *int) func() error {
			d.browse(t, "hers", "192.0.2.1")
			d.browse(t, "his", "198.51.100.7")
			notMe := d.toldAll(t, server, seen)[0].Link
			ask(t, d)
			if _, err := d.Accounts.AnswerNotMe(t.Context(), notMe, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
			return func() error { return d.Accounts.ResetAfterNotMe(t.Context(), notMe, at("192.0.2.1")) }
		},
		"an address taken back": func(t *testing.T, d *desk, server *mailtest.Server, seen *int) func() error {
			undo := d.moveAda(t, server, seen, d.browse(t, "his", "198.51.100.7"), "thief@evil.example")
			ask(t, d) // for an address that the account does not have now: nothing is mailed
			if _, err := d.Addresses.Undo(t.Context(), undo, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
			return func() error { return d.Addresses.ResetAfterUndo(t.Context(), undo, at("192.0.2.1")) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				server := d.post(t)
				var seen int
				again := c(t, d, server, &seen)
				d.toldAll(t, server, &seen)
				for i := range ratelimit.MaxForgotten {
					if err := again(); err != nil {
						t.Fatalf("time %d: %v", i+1, err)
					}
				}
				if list := d.toldAll(t, server, &seen); len(list) != ratelimit.MaxForgotten || list[0].Kind != notify.KindPasswordReset {
					t.Errorf("%d mails", len(list))
				}
				if err := again(); auth.AsError(err).Kind != auth.KindRateLimited {
					t.Errorf("once more: %v", err)
				}
			})
		})
	}
}

// The link of a password reset must not allow to keep the hashing busy: the account's current password is refused, and the link
// stays good.
func TestALinkToANewPasswordIsTriedOneAtATimeAndNotForEver(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		link := d.toldAll(t, server, &seen)[0].Link
		reset := func(password string, network int) auth.Kind {
			err := d.Accounts.ResetPassword(t.Context(), link, password, at(fmt.Sprintf("198.51.100.%d", network)))
			if err == nil {
				return -1
			}
			return auth.AsError(err).Kind
		}
		derive := d.Hasher.Derive
		entered, goOn := d.held(t, "")
		first := make(chan auth.Kind, 1)
		go func() { first <- reset(adaPassword, 1) }()
		next(t, entered)
		d.Slots.Patience = time.Microsecond
		second := make(chan auth.Kind, 1)
		go func() { second <- reset(adaPassword, 2) }()
		select {
		case kind := <-second:
			if kind != auth.KindUnavailable {
				t.Errorf("a second try beside the first: %v", kind)
			}
		case <-entered:
			t.Error("a second try is hashed beside the first")
		}
		goOn()
		if kind := next(t, first); kind != auth.KindInvalidRequest {
			t.Errorf("the password that the account has: %v", kind)
		}
		d.Hasher.Derive = derive
		d.Slots.Patience = time.Minute
		for i := 1; i < ratelimit.MaxResetTries; i++ {
			if kind := reset(adaPassword, i); kind != auth.KindInvalidRequest {
				t.Fatalf("try %d: %v", i+1, kind)
			}
		}
		if kind := reset(adaPassword, 200); kind != auth.KindRateLimited {
			t.Errorf("past the limit: %v", kind)
		}
		d.advance(ratelimit.AttemptWindow)
		if kind := reset("another fine day", 201); kind != -1 {
			t.Errorf("in the next window: %v", kind)
		}
	})
}

func TestOneAccountLeavesAMailboxesLastMailToOthers(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		if _, err := d.Operator.AddUser(t.Context(), "eve@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		ask := func(email, to string) auth.Kind {
			_, by := d.browser(t, email, adaPassword)
			err := d.Addresses.Ask(t.Context(), by, address.Request{Email: to, Confirmation: confirmed(adaPassword, at("192.0.2.1"))})
			if err == nil {
				return -1
			}
			return auth.AsError(err).Kind
		}
		for i, c := range []struct {
			account, to string
			want        auth.Kind
		}{
			{"eve@example.com", "new+1@example.com", -1}, {"eve@example.com", "new+2@example.com", -1},
			{"eve@example.com", "new+3@example.com", auth.KindRateLimited}, {adaEmail, "new@example.com", -1}, {adaEmail, "new@example.com", auth.KindRateLimited},
		} {
			if kind := ask(c.account, c.to); kind != c.want {
				t.Errorf("ask %d: %v", i+1, kind)
			}
		}
	})
}
