package services_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A thief does everything as often as an account may. The owner can do it again after setting a new password.
func TestANewPasswordGivesTheOwnerTheActsThatAThiefUsedUp(t *testing.T) {
	const fresh = "another fine day"
	for how, set := range map[string]func(t *testing.T, d *desk, by *browser.Session) error{
		"in the portal": func(t *testing.T, d *desk, by *browser.Session) error {
			return second(d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(adaPassword, at("192.0.2.1")), New: fresh}))
		},
		"by mail": func(t *testing.T, d *desk, _ *browser.Session) error {
			link, secret := notify.NewLink(d.ada.ID, notify.LinkPasswordReset, models.NewID(d.now()).String(), d.now(), notify.ResetLife)
			link.Payload = mailedTo(d.ada.EmailKey)
			if err := d.store.AddMail(t.Context(), d.resetLinkOf(link)); err != nil {
				t.Fatal(err)
			}
			return d.Accounts.ResetPassword(t.Context(), secret, fresh, at("192.0.2.1"))
		},
		"by an operator": func(t *testing.T, d *desk, _ *browser.Session) error {
			return second(d.Operator.SetPassword(t.Context(), adaEmail, fresh))
		},
	} {
		for _, pause := range []time.Duration{0, time.Second} {
			if pause == 0 && how != "in the portal" {
				continue
			}
			t.Run(fmt.Sprint(how, " after ", pause), func(t *testing.T) {
				modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
					d := newDesk(t, store)
					d.change(t, func(c *services.Config) { c.Mail = &taking{} })
					_, thief := d.browser(t, adaEmail, adaPassword)
					n := 0
					acts := map[string]func(by *browser.Session, password string) error{
						"rename": func(by *browser.Session, _ string) error {
							return second(d.Devices.Rename(t.Context(), by, by.Device.ID.String(), fmt.Sprint("name ", n), at("192.0.2.1")))
						},
						"download": func(by *browser.Session, password string) error {
							data, err := d.Exports.Start(t.Context(), by, confirmed(password, at("192.0.2.1")))
							if err == nil {
								data.Close()
							}
							return err
						},
						"address": func(by *browser.Session, password string) error {
							return d.Addresses.Ask(t.Context(), by, address.Request{Email: fmt.Sprintf("box%d@example.org", n), Confirmation: confirmed(password, at(fmt.Sprintf("192.0.3.%d", n%250)))})
						},
					}
					may := map[string]int{"rename": 20, "download": 3, "address": 2}
					for name, act := range acts {
						for range 21 {
							n++
							if act(thief, adaPassword) != nil {
								break
							}
						}
						if err := act(thief, adaPassword); auth.AsError(err).Kind != auth.KindRateLimited {
							t.Fatalf("%s: the thief is not stopped: %v", name, err)
						}
					}
					d.advance(pause)
					if err := set(t, d, thief); err != nil {
						t.Fatal(err)
					}
					d.advance(pause)
					_, by := d.browser(t, adaEmail, fresh)
					for name, act := range acts {
						for i := range may[name] {
							n++
							if err := act(by, fresh); err != nil {
								t.Fatalf("%s %d of the owner: %v", name, i+1, err)
							}
						}
						n++
						if err := act(by, fresh); name != "address" && auth.AsError(err).Kind != auth.KindRateLimited {
							t.Errorf("%s without end: %v", name, err)
						}
					}
				})
			})
		}
	}
}

// resetLinkOf makes the link of a password reset, so that the test need not read the mail.
func (d *desk) resetLinkOf(link models.OneTime) models.MailWithLinks {
	return d.Notify.ComposeTo("-", d.ada.ID, notify.Notification{Kind: notify.KindNone, At: d.now()}, link)
}

// The limit on changes of password begins again only after a password set by mail or by an operator. Otherwise it would have no
// end.
func TestChangesOfThePasswordStartAgainWhenItWasSetByMail(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		key, by := d.browser(t, adaEmail, adaPassword)
		is, next := adaPassword, "another fine day"
		change := func() error {
			d.advance(time.Minute)
			err := second(d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(is, at("192.0.2.1")), New: next}))
			if again, seen := d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1")); err == nil && seen == nil {
				by, is, next = again, next, is
			}
			return err
		}
		changes := func() (n int) {
			for ; n < 60; n++ {
				if err := change(); err != nil {
					if auth.AsError(err).Kind != auth.KindRateLimited {
						t.Fatal(err)
					}
					return n
				}
			}
			return n
		}
		if n := changes(); n != 50 {
			t.Errorf("%d changes", n)
		}
		total := 0
		for range 25 {
			d.advance(time.Minute)
			if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
				t.Fatal(err)
			}
			key, by = d.browser(t, adaEmail, adaPassword)
			is, next = adaPassword, "another fine day"
			n := changes()
			if total += n; n != 5 && total < 100 {
				t.Fatalf("%d changes after %d", n, total)
			}
		}
		if total != 100 {
			t.Errorf("%d changes after passwords that an operator set", total)
		}
	})
}
