package services_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/confirm"
	"latchkey/auth/factor"
	"latchkey/auth/signin"
	"latchkey/models"
)

// session is ada's sign-in on a browser.
func (d *desk) session(t *testing.T, key browser.Key, from auth.Caller) *browser.Session {
	t.Helper()
	by, err := d.Browsers.Authenticate(t.Context(), key, from)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// addApp sets up ada's authenticator app in a browser, and returns what makes its codes.
func (d *desk) addApp(t *testing.T, from auth.Caller) (secret string) {
	t.Helper()
	key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
	if err != nil {
		t.Fatal(err)
	}
	by := d.session(t, key, from)
	app, err := d.Factors.StartApp(by)
	if err != nil {
		t.Fatal(err)
	}
	secret = strings.ReplaceAll(app.Secret, " ", "")
	_, err = d.Factors.AddApp(t.Context(), by, factor.NewApp{
		Act: factor.Act{Confirmation: confirm.Confirmation{Password: adaPassword, From: from}}, Sealed: app.Sealed, Code: d.code(t, secret), From: from,
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (d *desk) code(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, d.now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// begin gives ada's password, and returns the challenge of the second step.
func (d *desk) begin(t *testing.T, from auth.Caller) string {
	t.Helper()
	_, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
	var step *challenge.StepError
	if !errors.As(err, &step) {
		t.Fatalf("the password alone: %v", err)
	}
	return step.Challenge
}

// finish takes the second step with a code, and returns the kind of the error, or -1.
func (d *desk) finish(t *testing.T, waiting, code string, from auth.Caller) auth.Kind {
	t.Helper()
	_, err := d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: waiting, Method: challenge.MethodTOTP, Code: code, From: from}})
	if err == nil {
		return -1
	}
	return auth.AsError(err).Kind
}

// factorsOf are ada's factors as they are stored.
func (d *desk) factorsOf(t *testing.T) []models.Factor {
	t.Helper()
	list, err := d.store.Factors(t.Context(), d.ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const step = 30 * time.Second
