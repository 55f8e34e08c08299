package services_test

import (
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/factor"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// Where a second factor is required, the thief with the password and the owner sign in at about the same time. The owner is the first to
// set one up. The thief's own sign-in must not make recovery codes for it.
func TestASignInConfirmsASetUpAndNotTheCodesAfterAnothers(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.SecondFactor = auth.FactorRequired })
		signedIn := func(from auth.Caller) (*browser.Session, string) {
			t.Helper()
			key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
			if err != nil {
				t.Fatal(err)
			}
			ticket, err := d.Factors.SetUpTicket(key.UserID, key.DeviceID)
			if err != nil {
				t.Fatal(err)
			}
			return d.session(t, key, from), ticket
		}
		home, away := mark("192.0.2.1", "the owner's mark"), mark("198.51.100.1", "the thief's mark")
		thief, stolen := signedIn(away)
		owner, ticket := signedIn(home)
		app, err := d.Factors.StartApp(owner)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Factors.AddApp(t.Context(), owner, factor.NewApp{
			Act: factor.Act{Confirmation: confirm.Confirmation{Ticket: ticket, From: home}}, Sealed: app.Sealed,
			Code: d.code(t, strings.ReplaceAll(app.Secret, " ", "")), From: home,
		})
		if err != nil {
			t.Fatal(err)
		}
		again := func(by *browser.Session) *browser.Session { // as the next request reads it
			u, err := d.store.UserByID(t.Context(), d.ada.ID)
			if err != nil {
				t.Fatal(err)
			}
			fresh := *by
			fresh.User = u
			return &fresh
		}
		for who, c := range map[string]confirm.Confirmation{"the ticket of the sign-in": {Ticket: stolen, From: away}, "nothing": {From: away}} {
			if codes, err := d.Factors.NewCodes(t.Context(), again(thief), c, away); err == nil {
				t.Errorf("the thief has %d recovery codes with %s", len(codes), who)
			}
		}
		ticket, err = d.Factors.CodesTicket(owner.User.ID, owner.Device.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Factors.NewCodes(t.Context(), again(thief), confirm.Confirmation{Ticket: ticket, From: away}, away); err == nil {
			t.Error("the owner's ticket works in the thief's browser")
		}
		if codes, err := d.Factors.NewCodes(t.Context(), again(owner), confirm.Confirmation{Ticket: ticket, From: home}, home); err != nil || len(codes) != 10 {
			t.Errorf("the owner has %d codes: %v", len(codes), err)
		}
	})
}
