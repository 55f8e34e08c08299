package main

import (
	"regexp"
	"strings"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

var setUpCode = regexp.MustCompile(`(?m)^Set-up code: ([0-9A-Z-]{24,})$`)

// What an operator needs on the first day, without mail: the password of the first member of the staff, and the code for a second step.
func TestStaffGetACodeWhereNoMailIsSent(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		must(t, url, "", "migrate")
		printed := must(t, url, "", "user", "add", "sam@example.org", "--role", "support")
		if !printedPassword.MatchString(printed) || !setUpCode.MatchString(printed) {
			t.Errorf("no password or no code: %q", printed)
		}
		if printed := must(t, url, password, "user", "add", ada, "--password-stdin"); setUpCode.MatchString(printed) {
			t.Errorf("a code for an account of no staff: %q", printed)
		}
		if printed := must(t, url, "", "user", "set-role", ada, "support"); !setUpCode.MatchString(printed) {
			t.Errorf("no code for a new role: %q", printed)
		}
		t.Setenv("LATCHKEY_SECOND_FACTOR", "optional")
		if printed := must(t, url, password, "user", "add", "bea@example.org", "--role", "support", "--password-stdin"); setUpCode.MatchString(printed) {
			t.Errorf("a code where none is needed: %q", printed)
		}
		t.Setenv("LATCHKEY_SECOND_FACTOR", "required")
		t.Setenv("LATCHKEY_SMTP_URL", "smtp://localhost:1")
		t.Setenv("LATCHKEY_MAIL_FROM", "no-reply@id.example.com")
		if printed := must(t, url, password, "user", "add", "leo@example.org", "--role", "support", "--password-stdin"); setUpCode.MatchString(printed) {
			t.Errorf("a code beside the mails: %q", printed)
		}
	})
}

func TestUserResetFactorsSaysWhatItRemoved(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		command(t, url, "", "user", "reset-factors", "nobody@example.org").refuses(t, 1, "nobody@example.org")
		command(t, url, "", "user", "reset-factors").refuses(t, 2, "<email>")
		if printed := must(t, url, "", "user", "reset-factors", ada); !strings.Contains(printed, "there was nothing to remove") || setUpCode.MatchString(printed) {
			t.Errorf("%q", printed)
		}
		u, err := s.Services.Operator.FindUser(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.store.AddFactors(t.Context(), models.FactorAddition{
			UserID: u.ID, Version: u.FactorsVersion, At: u.CreatedAt, Event: models.Event{UserID: u.ID, At: u.CreatedAt, Kind: models.EventFactorAdded, Actor: models.ActorOwner},
			Add: []models.Factor{{Kind: models.FactorPasskey, Credential: []byte{1}}, {Kind: models.FactorPasskey, Credential: []byte{2}}, {Kind: models.FactorTOTP}, {Kind: models.FactorRecoveryCode, Credential: []byte{3}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		listed := must(t, url, "", "user", "list", "--json")
		if !strings.Contains(listed, `"second_factor":true`) {
			t.Errorf("the list does not tell the second factor: %s", listed)
		}
		login(t, s.URL(), ada, password, "phone").want(t, 403, "code", "second_factor_required")
		printed := must(t, url, "", "user", "reset-factors", strings.ToUpper(ada))
		if !strings.Contains(printed, "removed 2 passkeys, the authenticator app, the recovery codes.") {
			t.Errorf("%q", printed)
		}
		login(t, s.URL(), ada, password, "phone").want(t, 200)
		must(t, url, "", "user", "set-role", ada, "support")
		if printed := must(t, url, "", "user", "reset-factors", ada); !setUpCode.MatchString(printed) {
			t.Errorf("no code for the staff: %q", printed)
		}
		list, err := s.store.Events(t.Context(), u.ID, models.EventCursor{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		resets := 0
		for _, e := range list {
			if e.Kind == models.EventFactorsReset && e.Actor == models.ActorOperator {
				resets++
			}
		}
		if resets != 1 {
			t.Errorf("%d events of resets", resets)
		}
	})
}
