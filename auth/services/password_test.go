package services_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// passwordRefused gives the sentence about the one field that was refused.
func passwordRefused(err error) (field, sentence string) {
	refusal := auth.AsError(err)
	if err == nil || refusal.Kind != auth.KindInvalidRequest || len(refusal.Fields) != 1 {
		return "", ""
	}
	return refusal.Fields[0].Field, refusal.Fields[0].Detail
}

// Every way to a new password judges how soon it would be guessed, and a refused one changes nothing.
func TestEveryNewPasswordIsJudged(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.Mail = &taking{} })
		_, by := d.browser(t, adaEmail, adaPassword)
		link, secret := notify.NewLink(d.ada.ID, notify.LinkPasswordReset, models.NewID(d.now()).String(), d.now(), notify.ResetLife)
		link.Payload = mailedTo(d.ada.EmailKey)
		if err := d.store.AddMail(t.Context(), d.resetLinkOf(link)); err != nil {
			t.Fatal(err)
		}
		ways := map[string]struct {
			field string
			set   func(password string) error
		}{
			"sign-up": {"password", func(p string) error {
				return d.Accounts.Signup(t.Context(), account.SignupRequest{Email: "ada@example.org", Password: p, From: at("192.0.2.7")})
			}},
			"change": {"new_password", func(p string) error {
				return second(d.Accounts.ChangePassword(t.Context(), by, account.PasswordChange{Confirmation: confirmed(adaPassword, at("192.0.2.1")), New: p}))
			}},
			"reset": {"new_password", func(p string) error { return d.Accounts.ResetPassword(t.Context(), secret, p, at("192.0.2.1")) }},
			"user add": {"password", func(p string) error {
				return second(d.Operator.AddUser(t.Context(), "ada@example.org", p, models.RoleUser))
			}},
			"set-password": {"password", func(p string) error { return second(d.Operator.SetPassword(t.Context(), adaEmail, p)) }},
		}
		for name, way := range ways {
			for password, about := range map[string]string{
				"Summer2026!!": "several words", "aaaaaaaaaaaa": "repeat", "Latchkey2026": "name of this service", "adaexample12": "e-mail address", "password1234": "first that attackers try",
			} {
				if field, sentence := passwordRefused(way.set(password)); field != way.field || !strings.Contains(sentence, about) {
					t.Errorf("%s with %q: %s: %q", name, password, field, sentence)
				}
			}
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Errorf("a refused password took the old one away: %v", kind)
		}
		for _, name := range []string{"sign-up", "user add", "reset", "set-password"} {
			if err := ways[name].set("correct horse battery staple"); err != nil {
				t.Errorf("%s: four words are refused: %v", name, err)
			}
			if _, err := store.UserByEmail(t.Context(), "ada@example.org"); name == "user add" && err != nil {
				t.Error(err)
			}
		}
	})
}

// A password that was chosen before it would have been refused opens its account as ever.
func TestAnOldPasswordIsNeverRefusedAtSignIn(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for _, old := range []string{"password1234", "Summer2026!!", "short"} {
			hash, err := d.Hasher.Hash(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.ChangePassword(t.Context(), models.PasswordChange{
				UserID: d.ada.ID, Hash: hash, At: d.now(), By: models.ActorOperator, Event: auth.NewEvent(models.EventPasswordReset, d.ada.ID, auth.Caller{}, d.now()),
			}); err != nil {
				t.Fatal(err)
			}
			if kind := d.try(t, adaEmail, old, at("192.0.2.1")); kind != -1 {
				t.Errorf("%q is refused to an app: %v", old, kind)
			}
			d.browser(t, adaEmail, old)
		}
	})
}

// The estimator takes as long as a hash, so that a stranger must not run more of them than hashes, nor for ever.
func TestJudgingIsBoundedLikeHashing(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.Mail = &taking{} })
		weak := func(ip string) error {
			return d.Accounts.Signup(t.Context(), account.SignupRequest{Email: "new@example.com", Password: "Summer2026!!", From: at(ip)})
		}
		var leave []func()
		for range 8 { // all that one network may have under way
			out, err := d.Gate.Admit(at("192.0.2.1"))
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, out)
		}
		if err := weak("192.0.2.1"); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("outside the gate: %v", err)
		}
		for _, out := range leave {
			out()
		}

		for i := range ratelimit.MaxJudged {
			if field, _ := passwordRefused(weak("192.0.2.1")); field != "password" {
				t.Fatalf("sign-up %d is not refused for its password", i+1)
			}
		}
		if err := weak("192.0.2.1"); auth.AsError(err).Kind != auth.KindRateLimited {
			t.Errorf("one network asks for judgements without end: %v", err)
		}
		if field, _ := passwordRefused(weak("198.51.100.1")); field != "password" {
			t.Error("another network pays for it")
		}
	})
}

// A service for breached passwords that is down locks no one out, and fills neither the log nor the gate.
func TestBreachedPasswordsAreRefusedAndFailuresAreNot(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var log bytes.Buffer
		var asked []string
		answer, away := "", errors.New("away")
		var err error
		d.change(t, func(c *services.Config) {
			c.Mail, c.Logger = &taking{}, slog.New(slog.NewTextHandler(&log, nil))
			c.Breached = func(_ context.Context, prefix string) (string, error) {
				asked = append(asked, prefix)
				return answer, err
			}
		})
		const fresh = "correct horse battery staple" // SHA-1 abf7aad6438836dbe526aa231abde2d0eef74d42
		set := func() error { return second(d.Operator.SetPassword(t.Context(), adaEmail, fresh)) }
		answer = "AD6438836DBE526AA231ABDE2D0EEF74D42:3\r\n"
		if field, sentence := passwordRefused(set()); field != "password" || !strings.Contains(sentence, "data breach") {
			t.Errorf("a breached password: %q %q", field, sentence)
		}
		answer = "AD6438836DBE526AA231ABDE2D0EEF74D42:0\r\n"
		if err := set(); err != nil {
			t.Errorf("padding: %v", err)
		}
		if field, _ := passwordRefused(second(d.Operator.SetPassword(t.Context(), adaEmail, "Summer2026!!"))); field == "" || len(asked) != 2 {
			t.Errorf("a password that is refused anyway is asked for: %q", asked)
		}
		err = away
		for range 3 {
			if err := set(); err != nil {
				t.Errorf("the service is away: %v", err)
			}
		}
		d.advance(time.Minute)
		if err := set(); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "could not be looked up"); n != 2 {
			t.Errorf("%d lines in a minute and a second one:\n%s", n, &log)
		}
		if got, want := d.Accounts.BreachCounts(), (account.BreachCounts{Found: 1, NotFound: 1, Failed: 4}); got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
		if kind := d.try(t, adaEmail, fresh, at("192.0.2.1")); kind != -1 || len(asked) != 6 {
			t.Errorf("sign-in asks, or is refused: %v, %q", kind, asked)
		}
		for _, prefix := range asked {
			if prefix != "ABF7A" {
				t.Errorf("%q leaves", prefix)
			}
		}
	})
}

// What waits for the service waits inside the gate, so that few may.
func TestASlowBreachServiceHoldsFewPlaces(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		release, inside := make(chan struct{}), make(chan struct{}, account.MaxBreachLookups+1)
		d.change(t, func(c *services.Config) {
			c.Mail = &taking{}
			c.Breached = func(context.Context, string) (string, error) {
				inside <- struct{}{}
				<-release
				return "", nil
			}
		})
		judge := func() error { return d.Accounts.JudgePassword(t.Context(), "password", adaEmail, adaPassword) }
		var all sync.WaitGroup
		for range account.MaxBreachLookups {
			all.Go(func() { _ = judge() })
		}
		for range account.MaxBreachLookups {
			<-inside
		}
		if err := judge(); err != nil || len(inside) != 0 {
			t.Errorf("one more waits too, or is refused: %v", err)
		}
		close(release)
		all.Wait()
		if got := d.Accounts.BreachCounts(); got.Failed != 1 || got.NotFound != account.MaxBreachLookups {
			t.Errorf("%+v", got)
		}
	})
}
