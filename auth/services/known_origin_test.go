package services_test

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/seal"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// After a thief has signed in with a browser, the account knows it. Each of these acts makes him a stranger again: his next sign-in
// is reported, and the account's limit applies to his network.
func TestWhatTakesAnAccountBackForgetsWhereItWasAtHome(t *testing.T) {
	newNotMeLink := func(t *testing.T, d *desk, server *mailtest.Server, seen *int) string {
		t.Helper()
		list, _ := d.told(t, server, seen)
		if len(list) == 0 {
			t.Fatal("no mail")
		}
		return list[len(list)-1].Link
	}
	for name, takeBack := range map[string]func(t *testing.T, d *desk, server *mailtest.Server, his *browser.Session, notMe string, seen *int){
		"a new password by mail": func(t *testing.T, d *desk, server *mailtest.Server, _ *browser.Session, _ string, seen *int) {
			if err := d.Accounts.RequestPasswordReset(t.Context(), d.ada.Email, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
			if err := d.Accounts.ResetPassword(t.Context(), newNotMeLink(t, d, server, seen), "another fine day", at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
		},
		"this wasn't me": func(t *testing.T, d *desk, _ *mailtest.Server, _ *browser.Session, notMe string, _ *int) {
			if _, err := d.Accounts.AnswerNotMe(t.Context(), notMe, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
		},
		"an address taken back": func(t *testing.T, d *desk, server *mailtest.Server, his *browser.Session, _ string, seen *int) {
			if err := d.Addresses.Ask(t.Context(), his, address.Request{Email: "thief@evil.example", Confirmation: confirmed(adaPassword, at("198.51.100.7"))}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Addresses.Confirm(t.Context(), newNotMeLink(t, d, server, seen), adaPassword, at("198.51.100.7")); err != nil {
				t.Fatal(err)
			}
			list, _ := d.told(t, server, seen)
			for _, l := range list {
				if l.Link != "" {
					if _, err := d.Addresses.Undo(t.Context(), l.Link, at("192.0.2.1")); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				server := d.post(t)
				var seen int
				d.browse(t, "hers", "192.0.2.1")
				his := d.browse(t, "his", "198.51.100.7")
				notMe := newNotMeLink(t, d, server, &seen)
				d.browse(t, "his", "198.51.100.7")
				if _, kinds := d.told(t, server, &seen); kinds != "" {
					t.Fatalf("a browser that is known is told of: %s", kinds)
				}
				home := func() bool {
					from := at("198.51.100.7")
					from.Browser = "his"
					yes, err := store.KnownOrigin(t.Context(), d.ada.ID, d.Limits.Origins(from), d.now().Add(-ratelimit.KnownFor))
					if err != nil {
						t.Fatal(err)
					}
					return yes
				}
				if !home() {
					t.Fatal("his place is not known")
				}
				takeBack(t, d, server, his, notMe, &seen)
				if home() {
					t.Error("he is still at home in the account")
				}
				d.told(t, server, &seen)
				if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil { // he knows it again
					t.Fatal(err)
				}
				d.told(t, server, &seen)
				d.advance(time.Minute)
				d.browse(t, "his", "198.51.100.7")
				if _, kinds := d.told(t, server, &seen); kinds != "new_device" {
					t.Errorf("his next sign-in: %q", kinds)
				}
			})
		})
	}
}

func TestANewPasswordEndsTheLinksToOne(t *testing.T) {
	for name, change := range map[string]func(d *desk, by *browser.Session) error{
		"by its owner": func(d *desk, by *browser.Session) error {
			_, err := d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(adaPassword, at("192.0.2.1")), New: "another fine day"})
			return err
		},
		"by an operator": func(d *desk, _ *browser.Session) error {
			_, err := d.Operator.SetPassword(t.Context(), adaEmail, "another fine day")
			return err
		},
		"by another link": func(d *desk, _ *browser.Session) error {
			return d.Accounts.ResetPassword(t.Context(), d.forgotten(t), "another fine day", at("192.0.2.1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				server := d.post(t)
				var seen int
				by := d.browse(t, "hers", "192.0.2.1")
				if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("198.51.100.7")); err != nil {
					t.Fatal(err)
				}
				list, kinds := d.told(t, server, &seen)
				if kinds != "password_reset" {
					t.Fatal(kinds)
				}
				if _, err := d.Accounts.FindPasswordReset(t.Context(), list[0].Link); err != nil {
					t.Fatal(err)
				}
				if err := change(d, by); err != nil {
					t.Fatal(err)
				}
				if _, err := d.Accounts.FindPasswordReset(t.Context(), list[0].Link); auth.AsError(err).Kind != auth.KindDeadLink {
					t.Errorf("looked at: %v", err)
				}
				if err := d.Accounts.ResetPassword(t.Context(), list[0].Link, "the thief's own words", at("198.51.100.7")); auth.AsError(err).Kind != auth.KindDeadLink {
					t.Errorf("used: %v", err)
				}
				if kind := d.try(t, adaEmail, "another fine day", at("192.0.2.1")); kind != -1 {
					t.Errorf("the new password: %v", kind)
				}
			})
		})
	}
}

// mailedTo returns the payload of a password reset's link: a hash of its address.
func mailedTo(emailKey string) []byte {
	hash := sha256.Sum256([]byte(emailKey))
	return hash[:]
}

// forgotten writes the link of a password reset and returns its secret, without sending the mail.
func (d *desk) forgotten(t *testing.T) (secret string) {
	t.Helper()
	n := d.Accounts.PasswordResetMail(d.ada, true, at("192.0.2.1"))
	if err := d.store.AddMail(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	mailKeys, err := seal.Keys([][]byte{testSecret}, "mail")
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.New(mailKeys)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := sealer.Open(append([]byte("mail\x00"), n.Mail.ID[:]...), n.Mail.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	var l notify.Notification
	if err := json.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	return l.Link
}

// A stranger who requests a link must not end the owner's link.
func TestANewerLinkToANewPasswordEndsNoOlderOne(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		older := d.forgotten(t)
		d.advance(time.Minute)
		newer := d.forgotten(t)
		for name, link := range map[string]string{"the older": older, "the newer": newer} {
			if _, err := d.Accounts.FindPasswordReset(t.Context(), link); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		d.advance(notify.ResetLife - time.Minute)
		if _, err := d.Accounts.FindPasswordReset(t.Context(), older); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("past its time: %v", err)
		}
		if err := d.Accounts.ResetPassword(t.Context(), newer, "another fine day", at("192.0.2.1")); err != nil {
			t.Errorf("the newer, then: %v", err)
		}
	})
}

// A link of a password reset is dead if it was written at the moment when the account left its address.
func TestALinkToANewPasswordBelongsToTheAddressItWasMailedTo(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		before := d.ada
		if err := d.Operator.SetEmail(t.Context(), adaEmail, "ada@new.example.net"); err != nil {
			t.Fatal(err)
		}
		var seen int
		d.told(t, server, &seen)
		if err := store.AddMail(t.Context(), d.Accounts.PasswordResetMail(before, true, at("192.0.2.1"))); err != nil { // read before, written after
			t.Fatal(err)
		}
		list, _ := d.told(t, server, &seen)
		if _, err := d.Accounts.FindPasswordReset(t.Context(), list[0].Link); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("looked at: %v", err)
		}
		if err := d.Accounts.ResetPassword(t.Context(), list[0].Link, "another fine day", at("192.0.2.1")); auth.AsError(err).Kind != auth.KindDeadLink {
			t.Errorf("used: %v", err)
		}
		hash, err := notify.LinkHash(list[0].Link)
		if err != nil {
			t.Fatal(err)
		}
		reset := models.PasswordReset{Purpose: notify.LinkPasswordReset, Link: hash, UserID: d.ada.ID, EmailKey: before.EmailKey, PasswordHash: "x", At: d.now(), Event: auth.NewEvent(models.EventPasswordReset, d.ada.ID, at("192.0.2.1"), d.now())}
		if _, err := store.ResetPassword(t.Context(), reset); err == nil {
			t.Error("the store takes it")
		}
	})
}
