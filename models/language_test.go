package models_test

import (
	"testing"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAnAccountKeepsItsLanguage(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		for _, tag := range []string{"de", "de", "pt-BR"} {
			if err := s.SetLanguage(t.Context(), u.ID, tag); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Language(t.Context(), u.ID); err != nil || got != tag {
				t.Errorf("%q %v, want %q", got, err, tag)
			}
		}
		d := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		if _, owner, err := s.BrowserSession(t.Context(), u.ID, d.ID, d.SecretHash, live(noon)); err != nil || owner.Language != "pt-BR" {
			t.Errorf("the session's owner: %q %v", owner.Language, err)
		}
		if err := s.SetLanguage(t.Context(), uuid.New(), "de"); err != nil {
			t.Errorf("of an account that is gone: %v", err)
		}
		for _, id := range []uuid.UUID{other.ID, uuid.Nil} {
			if got, err := s.Language(t.Context(), id); err != nil || got != "" {
				t.Errorf("%q %v, want none", got, err)
			}
		}
	})
}
