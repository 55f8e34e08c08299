package services_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// moveAda changes ada's address by mail and returns the link in the mail to the old address, or "" if it has none.
func (d *desk) moveAda(t *testing.T, server *mailtest.Server, seen *int, by *browser.Session, to string) (undo string) {
	t.Helper()
	user, err := d.store.UserByID(t.Context(), d.ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	by.User = user
	d.advance(16 * time.Minute)
	if err := d.Addresses.Ask(t.Context(), by, address.Request{Email: to, Confirmation: confirmed(adaPassword, at("198.51.100.7"))}); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.toldAll(t, server, seen) {
		if l.Kind == notify.KindEmailConfirm {
			if _, err := d.Addresses.Confirm(t.Context(), l.Link, adaPassword, at("198.51.100.7")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, l := range d.toldAll(t, server, seen) {
		if l.Kind == notify.KindEmailChanged && l.To == user.Email {
			undo = l.Link
		}
	}
	return undo
}

func (d *desk) toldAll(t *testing.T, server *mailtest.Server, seen *int) []notify.Notification {
	t.Helper()
	list, _ := d.told(t, server, seen)
	return list
}

// A request that read the account just before it was disabled may write its link just after.
func TestALinkWrittenAsItsAccountIsDisabledIsDead(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		link, secret := notify.NewLink(d.ada.ID, notify.LinkPasswordReset, "x", d.now(), notify.ResetLife)
		link.Payload = mailedTo(d.ada.EmailKey)
		if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if err := store.AddMail(t.Context(), d.Notify.Compose(d.ada.ID, notify.NewNotification(notify.KindPasswordReset, at("192.0.2.1"), d.now()), link)); err != nil {
			t.Fatal(err)
		}
		dead := func(when string) {
			t.Helper()
			if _, err := d.Accounts.FindPasswordReset(t.Context(), secret); auth.AsError(err).Kind != auth.KindDeadLink {
				t.Errorf("%s: %v", when, err)
			}
		}
		dead("while it is disabled")
		if err := d.Operator.Enable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		dead("once it is enabled again")
	})
}

// A link "This wasn't me" is good for seven days, but not longer than the address that it went to, or that address's way back.
func TestAnAlarmLinkLivesAsLongAsItsAddress(t *testing.T) {
	const evil = "evil@example.net"
	for name, c := range map[string]struct {
		then func(t *testing.T, d *desk, by *browser.Session, move func(to string) string)
		want auth.Kind // -1: it works
	}{
		"nothing":                         {func(*testing.T, *desk, *browser.Session, func(string) string) {}, -1},
		"the address is left for another": {func(_ *testing.T, _ *desk, _ *browser.Session, move func(string) string) { move(evil) }, -1},
		"a thief goes on from address to address for six days": {func(_ *testing.T, d *desk, _ *browser.Session, move func(string) string) {
			move(evil)
			d.advance(6 * 24 * time.Hour)
			move("evil2@example.net")
		}, -1},
		"a thief takes an address of his own back": {func(t *testing.T, d *desk, _ *browser.Session, move func(string) string) {
			move(evil)
			if _, err := d.Addresses.Undo(t.Context(), move("evil2@example.net"), at("198.51.100.7")); err != nil {
				t.Fatal(err)
			}
		}, -1},
		"a new password": {func(t *testing.T, d *desk, by *browser.Session, _ func(string) string) {
			if _, err := d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(adaPassword, at("198.51.100.7")), New: "another fine day"}); err != nil {
				t.Fatal(err)
			}
		}, -1},
		"an operator gives the account another address": {func(t *testing.T, d *desk, _ *browser.Session, _ func(string) string) {
			if err := d.Operator.SetEmail(t.Context(), adaEmail, "ada@new.example.net"); err != nil {
				t.Fatal(err)
			}
		}, auth.KindDeadLink},
		"an operator does so after it was left": {func(t *testing.T, d *desk, _ *browser.Session, move func(string) string) {
			move(evil)
			if err := d.Operator.SetEmail(t.Context(), evil, "ada@new.example.net"); err != nil {
				t.Fatal(err)
			}
		}, auth.KindDeadLink},
		"the way back to the address ends": {func(t *testing.T, d *desk, _ *browser.Session, move func(string) string) {
			move(evil)
			if _, err := d.store.Pools()[0].ExecContext(t.Context(), "DELETE FROM former_addresses"); err != nil {
				t.Fatal(err)
			}
		}, auth.KindDeadLink},
		"the account is disabled for a while": {func(t *testing.T, d *desk, _ *browser.Session, _ func(string) string) {
			if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
				t.Fatal(err)
			}
			if err := d.Operator.Enable(t.Context(), adaEmail); err != nil {
				t.Fatal(err)
			}
		}, auth.KindDeadLink},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				server, hers, _, link := d.unfamiliarSignIn(t, store)
				seen := 0
				d.told(t, server, &seen)
				c.then(t, d, hers, func(to string) string { return d.moveAda(t, server, &seen, hers, to) })
				_, found := d.Accounts.FindNotMe(t.Context(), link)
				_, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1"))
				got := auth.Kind(-1)
				if err != nil {
					got = auth.AsError(err).Kind
				}
				if got != c.want || (found == nil) != (err == nil) {
					t.Errorf("looked at: %v, used: %v", found, err)
				}
			})
		})
	}
}

// After the owner went back to a former address, links in the mailbox that they left are dead.
func TestAThiefsMailboxHoldsNoAlarmOnceTheOwnerIsBack(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		by, seen := d.browse(t, "his", "198.51.100.7"), 0
		d.moveAda(t, server, &seen, by, "evil@example.net")
		if _, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: "evil@example.net", Password: adaPassword, DeviceName: "phone", From: at("203.0.113.5")}); err != nil {
			t.Fatal(err)
		}
		var notMe string
		for _, l := range d.toldAll(t, server, &seen) {
			if l.Kind == notify.KindNewDevice {
				notMe = l.Link
			}
		}
		if _, err := d.Accounts.FindNotMe(t.Context(), notMe); err != nil {
			t.Fatal(err)
		}
		d.moveAda(t, server, &seen, by, adaEmail)
		if _, err := d.Accounts.AnswerNotMe(t.Context(), notMe, at("198.51.100.7")); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("the thief locks the account: %v", err)
		}
	})
}

func TestALinksPublicIDIsNeitherItsSecretNorItsHash(t *testing.T) {
	link, secret := notify.NewLink(models.NewID(time.Unix(0, 0)), notify.LinkPasswordReset, "", time.Unix(0, 0), time.Hour)
	_, other := notify.NewLink(models.NewID(time.Unix(0, 0)), notify.LinkPasswordReset, "", time.Unix(0, 0), time.Hour)
	id := notify.LinkID(secret)
	if len(id) != 16 || id != notify.LinkID(secret) || id == notify.LinkID(other) || notify.LinkID("x") != "" || notify.LinkID("") != "" {
		t.Errorf("%q, %q, %q", id, notify.LinkID(other), notify.LinkID("x"))
	}
	if hash, err := notify.LinkHash(secret); err != nil || string(hash) != string(link.Hash) || notify.LinkID(secret) == secret[:16] {
		t.Error(err)
	}
	if shown := base64.RawURLEncoding.EncodeToString(link.Hash); strings.Contains(shown, id) {
		t.Error("the id is a part of what the database holds")
	}
	if _, err := notify.LinkHash(id); err == nil {
		t.Error("the id passes for a secret")
	}
}

// Each link has one spelling. Others would each take a place among the links that a browser keeps.
func TestALinksSecretHasOneSpelling(t *testing.T) {
	_, secret := notify.NewLink(models.NewID(time.Unix(0, 0)), notify.LinkPasswordReset, "", time.Unix(0, 0), time.Hour)
	for _, other := range []string{
		"\n" + secret, secret + "\n", secret + "\r\n", secret[:20] + "\n" + secret[20:], secret + strings.Repeat("\n", 3000), secret + "=", " " + secret,
	} {
		if _, err := notify.LinkHash(other); err == nil || notify.LinkID(other) != "" {
			t.Errorf("%q passes for %q", other[:min(len(other), 60)], secret)
		}
	}
}
