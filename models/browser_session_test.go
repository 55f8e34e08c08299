package models_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// What a session's owner may do is judged by every column of the account.
func TestABrowserSessionHasItsWholeOwner(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		for i, column := range []string{"email_since", "alerts_seen_at", "locked_at", "invited_at", "generated_at", "language_changed_at", "weak_until"} {
			exec(t, s, "UPDATE users SET "+column+" = ? WHERE id = ?", noon.Add(time.Duration(i)*time.Hour), u.ID)
		}
		exec(t, s, "UPDATE users SET second_factor = ?, email_verified = true, factors_version = 7, language = 'de', former_language = 'fr', external_id = '7', metadata = '{}' WHERE id = ?", true, u.ID)
		want, err := s.UserByID(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		for field, value := range reflect.ValueOf(want).Fields() {
			if value.IsZero() && field.Name != "DisabledAt" { // a disabled account has no session
				t.Errorf("this test sets no %s", field.Name)
			}
		}
		if _, got, err := s.BrowserSession(t.Context(), u.ID, d.ID, d.SecretHash, live(noon)); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%v\n%s", err, cmp.Diff(got, want))
		}
	})
}
