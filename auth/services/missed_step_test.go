package services_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/confirm"
	"latchkey/auth/factor"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// authenticator is ada's authenticator app.
type authenticator struct {
	d      *desk
	secret string
}

// addAuthenticator sets an authenticator app up in a browser of hers.
func (d *desk) addAuthenticator(t *testing.T) authenticator {
	t.Helper()
	by := d.browse(t, "hers", "192.0.2.1")
	app, err := d.Factors.StartApp(by)
	if err != nil {
		t.Fatal(err)
	}
	a := authenticator{d, strings.ReplaceAll(app.Secret, " ", "")}
	act := factor.Act{Confirmation: confirm.Confirmation{Password: adaPassword, From: at("192.0.2.1")}}
	if _, err := d.Factors.AddApp(t.Context(), by, factor.NewApp{Act: act, Sealed: app.Sealed, Code: a.code(t), From: at("192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	d.advance(time.Minute)
	return a
}

// code is what the app shows now.
func (a authenticator) code(t *testing.T) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, a.d.now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// passwordOnly gives the right password in a browser, and no second step. It returns the challenge.
func (d *desk) passwordOnly(t *testing.T, from auth.Caller) string {
	t.Helper()
	_, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
	var step *challenge.StepError
	if !errors.As(err, &step) {
		t.Fatalf("no second step is asked for: %v", err)
	}
	return step.Challenge
}

// appPasswordOnly is passwordOnly for an app.
func (d *desk) appPasswordOnly(t *testing.T, from auth.Caller) string {
	t.Helper()
	_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: from})
	var step *challenge.StepError
	if !errors.As(err, &step) {
		t.Fatalf("no second step is asked for: %v", err)
	}
	return step.Challenge
}

// missed sweeps once the challenges have expired, on two replicas at a time, and returns how many events tell of missed steps.
func (d *desk) missed(t *testing.T) int {
	t.Helper()
	d.advance(challenge.BrowserLife)
	other, err := services.New(d.store, d.config)
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for _, s := range []*services.Services{d.Services, other} {
		both.Go(func() {
			if _, err := s.Challenges.TellMissedSteps(t.Context(), d.now().Add(-24*time.Hour)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	return len(d.adaEvents(t, models.EventSecondStepMissed))
}

func (d *desk) adaEvents(t *testing.T, kind models.EventKind) (list []models.Event) {
	t.Helper()
	all, err := d.store.Events(t.Context(), d.ada.ID, models.EventCursor{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

func TestARightPasswordWithoutASecondStepIsTold(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.otp = d.addAuthenticator(t)
		var seen int
		d.told(t, server, &seen)
		for name, try := range map[string]func(d *desk, from auth.Caller){
			"browser":          func(d *desk, from auth.Caller) { d.passwordOnly(t, from) },
			"app":              func(d *desk, from auth.Caller) { d.appPasswordOnly(t, from) },
			"some wrong codes": func(d *desk, from auth.Caller) { d.wrongCodes(t, d.passwordOnly(t, from), challenge.MaxTries-1, from) },
			"five wrong codes": func(d *desk, from auth.Caller) { d.wrongCodes(t, d.passwordOnly(t, from), challenge.MaxTries, from) },
			"beside the owner's": func(d *desk, from auth.Caller) {
				d.passwordOnly(t, from)
				hers := at("192.0.2.1")
				hers.Browser = "hers"
				if _, err := d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: d.passwordOnly(t, hers), Method: challenge.MethodTOTP, Code: d.otp.code(t), From: hers}}); err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				d.advance(49 * time.Hour)
				d.told(t, server, &seen)
				told := len(d.adaEvents(t, models.EventSecondStepMissed))
				from := at("203.0.113.66")
				from.Browser = "the thief's"
				from.UserAgent = "thief"
				began := d.now()
				try(d, from)
				if n := d.missed(t) - told; n != 1 {
					t.Fatalf("%d events", n)
				}
				if e := d.adaEvents(t, models.EventSecondStepMissed)[0]; e.IP != "203.0.113.66" || e.UserAgent != "thief" || e.Actor != models.ActorSystem {
					t.Errorf("%+v", e)
				}
				var mails int
				list, _ := d.told(t, server, &seen)
				for _, l := range list {
					if l.Kind == "second_step_missed" {
						mails++
						if l.IP != "203.0.113.66" || l.At.Before(began) || l.Link == "" {
							t.Errorf("%+v", l)
						}
					}
				}
				if mails != 1 {
					t.Errorf("%d mails", mails)
				}
				try(d, from)
				if n := d.missed(t) - told; n != 1 {
					t.Errorf("%d events within a day", n)
				}
				d.advance(24 * time.Hour)
				d.passwordOnly(t, from)
				if n := d.missed(t) - told; n != 2 {
					t.Errorf("%d events within two days", n)
				}
			})
		}
	})
}

// The owner who loads the form again, or who signs in with another method in the end, is no thief. Neither is a sign-in that the
// account's change has ended.
func TestASignInThatWasFinishedInAnotherWayIsNotTold(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.otp = d.addAuthenticator(t)
		hers := at("192.0.2.1")
		hers.Browser = "hers"
		for name, act := range map[string]func(t *testing.T, d *desk){
			"the same form": func(t *testing.T, d *desk) { d.finishStep(t, d.passwordOnly(t, hers), hers) },
			"the form, loaded again": func(t *testing.T, d *desk) {
				d.passwordOnly(t, hers)
				d.advance(time.Minute)
				d.finishStep(t, d.passwordOnly(t, hers), hers)
			},
			"the app, once more": func(t *testing.T, d *desk) {
				d.appPasswordOnly(t, at("192.0.2.7"))
				d.advance(time.Minute)
				if _, err := d.SignIn.FinishApp(t.Context(), challenge.Answer{Challenge: d.appPasswordOnly(t, at("192.0.2.7")), Method: challenge.MethodTOTP, Code: d.otp.code(t), From: at("192.0.2.7")}, token.Proof{}); err != nil {
					t.Fatal(err)
				}
			},
			"a new password": func(t *testing.T, d *desk) {
				d.passwordOnly(t, hers)
				if _, err := d.Operator.SetPassword(t.Context(), adaEmail, "another fine day"); err != nil {
					t.Fatal(err)
				}
				if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				d.advance(49 * time.Hour)
				act(t, d)
				if n := d.missed(t); n != 0 {
					t.Errorf("%d events", n)
				}
			})
		}
	})
}

// finishStep takes the second step in a browser.
func (d *desk) finishStep(t *testing.T, waiting string, from auth.Caller) {
	t.Helper()
	if _, err := d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: waiting, Method: challenge.MethodTOTP, Code: d.otp.code(t), From: from}}); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) wrongCodes(t *testing.T, waiting string, n int, from auth.Caller) {
	t.Helper()
	for range n {
		_, err := d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: waiting, Method: challenge.MethodTOTP, Code: "000000", From: from}})
		if auth.AsError(err).Kind != auth.KindInvalidCode {
			t.Fatal(err)
		}
	}
}
