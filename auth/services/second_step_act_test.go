package services_test

import (
	"testing"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/confirm"
	"latchkey/auth/ratelimit"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A right code does not count as a wrong one when its act is refused for another reason: here, because the new password is too simple.
func TestARefusedActGivesItsCodeBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		from := at("192.0.2.1")
		key, _ := d.browser(t, adaEmail, adaPassword)
		secret := d.addApp(t, from)
		by := d.session(t, key, from)
		d.advance(step)
		change := account.PasswordChange{Confirmation: confirm.Confirmation{Password: adaPassword, Code: d.code(t, secret), From: from}, New: "Summer2026!!"}
		for n := range ratelimit.MaxWrongCodes + 1 {
			if _, err := d.Accounts.ChangePassword(t.Context(), by, change); auth.AsError(err).Kind != auth.KindInvalidRequest {
				t.Fatalf("try %d: %v", n+1, err)
			}
		}
		change.New = "another fine day"
		if _, err := d.Accounts.ChangePassword(t.Context(), by, change); err != nil {
			t.Errorf("the code, which no act has used: %v", err)
		}
	})
}
