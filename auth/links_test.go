package auth

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail/mailtest"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// moveAda changes ada's address by mail, and returns the link to the address that she leaves, "" when there is none.
func (d *desk) moveAda(t *testing.T, server *mailtest.Server, seen *int, by *Session, to string) (undo string) {
	t.Helper()
	user, err := d.store.UserByID(t.Context(), d.ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	by.User = user
	d.advance(16 * time.Minute)
	if err := d.AskEmailChange(t.Context(), by, EmailRequest{Email: to, Password: adaPassword, From: at("198.51.100.7")}); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.toldAll(t, server, seen) {
		if l.Kind == LetterEmailConfirm {
			if _, err := d.ConfirmEmailChange(t.Context(), l.Link, adaPassword, at("198.51.100.7")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, l := range d.toldAll(t, server, seen) {
		if l.Kind == LetterEmailChanged && l.To == user.Email {
			undo = l.Link
		}
	}
	return undo
}

func (d *desk) toldAll(t *testing.T, server *mailtest.Server, seen *int) []Letter {
	t.Helper()
	list, _ := d.told(t, server, seen)
	return list
}

// A request that read the account just before it was disabled may write its link just after.
func TestALinkWrittenAsItsAccountIsDisabledIsDead(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		link, secret := newLink(d.ada.ID, linkReset, "x", d.now(), ResetLife)
		link.Box = mailedTo(d.ada.EmailKey)
		if _, err := d.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if err := store.AddNotice(t.Context(), d.notice(d.ada.ID, letter(LetterReset, at("192.0.2.1"), d.now()), link)); err != nil {
			t.Fatal(err)
		}
		dead := func(when string) {
			t.Helper()
			if _, err := d.FindReset(t.Context(), secret); AsError(err).Kind != KindDeadLink {
				t.Errorf("%s: %v", when, err)
			}
		}
		dead("while it is disabled")
		if err := d.Enable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		dead("once it is enabled again")
	})
}

// An alarm's link lives its seven days, but no longer than the address it went to, or that address's way back.
func TestAnAlarmLinkLivesAsLongAsItsAddress(t *testing.T) {
	const evil = "evil@example.net"
	for name, c := range map[string]struct {
		then func(t *testing.T, d *desk, by *Session, move func(to string) string)
		want Kind // -1: it works
	}{
		"nothing":                         {func(*testing.T, *desk, *Session, func(string) string) {}, -1},
		"the address is left for another": {func(_ *testing.T, _ *desk, _ *Session, move func(string) string) { move(evil) }, -1},
		"a thief goes on from address to address for six days": {func(_ *testing.T, d *desk, _ *Session, move func(string) string) {
			move(evil)
			d.advance(6 * 24 * time.Hour)
			move("evil2@example.net")
		}, -1},
		"a thief takes an address of his own back": {func(t *testing.T, d *desk, _ *Session, move func(string) string) {
			move(evil)
			if _, err := d.UndoEmailChange(t.Context(), move("evil2@example.net"), at("198.51.100.7")); err != nil {
				t.Fatal(err)
			}
		}, -1},
		"a new password": {func(t *testing.T, d *desk, by *Session, _ func(string) string) {
			if _, err := d.ChangePassword(t.Context(), by, PasswordChange{Current: adaPassword, New: "another fine day", From: at("198.51.100.7")}); err != nil {
				t.Fatal(err)
			}
		}, -1},
		"an operator gives the account another address": {func(t *testing.T, d *desk, _ *Session, _ func(string) string) {
			if err := d.SetEmail(t.Context(), adaEmail, "ada@new.example.net"); err != nil {
				t.Fatal(err)
			}
		}, KindDeadLink},
		"an operator does so after it was left": {func(t *testing.T, d *desk, _ *Session, move func(string) string) {
			move(evil)
			if err := d.SetEmail(t.Context(), evil, "ada@new.example.net"); err != nil {
				t.Fatal(err)
			}
		}, KindDeadLink},
		"the way back to the address ends": {func(t *testing.T, d *desk, _ *Session, move func(string) string) {
			move(evil)
			if _, err := d.store.Pools()[0].ExecContext(t.Context(), "DELETE FROM former_addresses"); err != nil {
				t.Fatal(err)
			}
		}, KindDeadLink},
		"the account is disabled for a while": {func(t *testing.T, d *desk, _ *Session, _ func(string) string) {
			if _, err := d.Disable(t.Context(), adaEmail); err != nil {
				t.Fatal(err)
			}
			if err := d.Enable(t.Context(), adaEmail); err != nil {
				t.Fatal(err)
			}
		}, KindDeadLink},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				server, hers, _, link := d.startled(t, store)
				seen := 0
				d.told(t, server, &seen)
				c.then(t, d, hers, func(to string) string { return d.moveAda(t, server, &seen, hers, to) })
				_, found := d.FindAlarm(t.Context(), link)
				_, err := d.AnswerAlarm(t.Context(), link, at("192.0.2.1"))
				got := Kind(-1)
				if err != nil {
					got = AsError(err).Kind
				}
				if got != c.want || (found == nil) != (err == nil) {
					t.Errorf("looked at: %v, used: %v", found, err)
				}
			})
		})
	}
}

// What comes into a mailbox that the owner left behind them by going back works no more.
func TestAThiefsMailboxHoldsNoAlarmOnceTheOwnerIsBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		by, seen := d.browse(t, "his", "198.51.100.7"), 0
		d.moveAda(t, server, &seen, by, "evil@example.net")
		if _, err := d.Login(t.Context(), LoginRequest{Email: "evil@example.net", Password: adaPassword, DeviceName: "phone", From: at("203.0.113.5")}); err != nil {
			t.Fatal(err)
		}
		var alarm string
		for _, l := range d.toldAll(t, server, &seen) {
			if l.Kind == LetterNewDevice {
				alarm = l.Link
			}
		}
		if _, err := d.FindAlarm(t.Context(), alarm); err != nil {
			t.Fatal(err)
		}
		d.moveAda(t, server, &seen, by, adaEmail)
		if _, err := d.AnswerAlarm(t.Context(), alarm, at("198.51.100.7")); AsError(err).Kind != KindDeadLink {
			t.Errorf("the thief locks the account: %v", err)
		}
	})
}

func TestALinksPublicIDIsNeitherItsSecretNorItsHash(t *testing.T) {
	link, secret := newLink(models.NewID(time.Unix(0, 0)), linkReset, "", time.Unix(0, 0), time.Hour)
	_, other := newLink(models.NewID(time.Unix(0, 0)), linkReset, "", time.Unix(0, 0), time.Hour)
	id := LinkID(secret)
	if len(id) != 16 || id != LinkID(secret) || id == LinkID(other) || LinkID("x") != "" || LinkID("") != "" {
		t.Errorf("%q, %q, %q", id, LinkID(other), LinkID("x"))
	}
	if hash, err := linkHash(secret); err != nil || string(hash) != string(link.Hash) || LinkID(secret) == secret[:16] {
		t.Error(err)
	}
	if shown := base64.RawURLEncoding.EncodeToString(link.Hash); strings.Contains(shown, id) {
		t.Error("the id is a part of what the database holds")
	}
	if _, err := linkHash(id); err == nil {
		t.Error("the id passes for a secret")
	}
}

// One link has one spelling: others would each take a place among the links that a browser keeps.
func TestALinksSecretHasOneSpelling(t *testing.T) {
	_, secret := newLink(models.NewID(time.Unix(0, 0)), linkReset, "", time.Unix(0, 0), time.Hour)
	for _, other := range []string{
		"\n" + secret, secret + "\n", secret + "\r\n", secret[:20] + "\n" + secret[20:], secret + strings.Repeat("\n", 3000), secret + "=", " " + secret,
	} {
		if _, err := linkHash(other); err == nil || LinkID(other) != "" {
			t.Errorf("%q passes for %q", other[:min(len(other), 60)], secret)
		}
	}
}
