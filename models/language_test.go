package models_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAnAccountKeepsItsLanguageAndTheOneBefore(t *testing.T) {
	const none = "none"
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		week := 7 * 24 * time.Hour
		events := func() int {
			t.Helper()
			list, err := s.EventsOfKinds(t.Context(), u.ID, []models.EventFilter{{Kind: models.EventLanguageChanged}}, models.EventCursor{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		set := func(id uuid.UUID, tag string, at time.Time) error {
			e := event(models.EventLanguageChanged, id, at)
			e.Limits = []models.EventLimit{{Most: 3, Within: 24 * time.Hour}}
			return s.SetLanguage(t.Context(), models.LanguageChange{UserID: id, Tag: tag, Since: at.Add(-week), Event: e})
		}
		for _, c := range []struct {
			name, tag string
			at        time.Duration
			former    string
			events    int
		}{
			{"chosen first: before, there was none", "de", 0, "", 1},
			{"chosen again", "de", time.Hour, "", 1},
			{"changed twice in a week", "ja", 2 * time.Hour, "", 2},
			{"changed long after", "fr", week + 2*time.Hour, "ja", 3},
			{"changed shortly after that", "es", 2*week + time.Hour, "ja", 4},
			{"changed back", "ja", 2*week + 2*time.Hour, none, 5},
		} {
			at := noon.Add(c.at)
			if err := set(u.ID, c.tag, at); err != nil {
				t.Fatal(err)
			}
			l, err := s.Languages(t.Context(), u.ID)
			former := none
			if f := l.Former(at.Add(-week)); f != nil {
				former = *f
			}
			if err != nil || l.Language != c.tag || former != c.former || events() != c.events {
				t.Errorf("%s: %+v, %d events (%v)", c.name, l, events(), err)
			}
			if f := l.Former(at.Add(time.Second)); f != nil {
				t.Errorf("%s: a week later the former language is still %q", c.name, *f)
			}
		}
		at := noon.Add(2*week + 3*time.Hour)
		if err := set(u.ID, "ar", at); err != nil {
			t.Fatal(err)
		}
		if err := set(u.ID, "de", at.Add(time.Minute)); !errors.Is(err, models.ErrLimit) {
			t.Errorf("past the limit: %v", err)
		}
		if l, err := s.Languages(t.Context(), u.ID); err != nil || l.Language != "ar" {
			t.Errorf("past the limit it is changed: %+v %v", l, err)
		}
		d := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		if _, owner, err := s.BrowserSession(t.Context(), u.ID, d.ID, d.SecretHash, live(noon)); err != nil || owner.Language != "ar" {
			t.Errorf("the session's owner: %q %v", owner.Language, err)
		}
		if err := set(uuid.New(), "de", noon); err != nil {
			t.Errorf("of an account that is gone: %v", err)
		}
		for _, id := range []uuid.UUID{other.ID, uuid.Nil} {
			if l, err := s.Languages(t.Context(), id); err != nil || l != (models.Languages{}) {
				t.Errorf("%+v %v, want none", l, err)
			}
		}
	})
}
