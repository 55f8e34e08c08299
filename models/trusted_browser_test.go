package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// trust signs a browser in and trusts it until a day later.
func trust(t testing.TB, s *models.Store, u models.User, name string, at time.Time) models.TrustedBrowser {
	t.Helper()
	n := signIn(u.ID, models.KindBrowser, name, at)
	n.Trust = &models.TrustedBrowser{ID: models.NewID(at), Hash: hashOf(name), Name: name, CreatedAt: at, CreatedIP: home, ExpiresAt: at.Add(day)}
	add(t, s, n)
	b, err := s.FindTrustedBrowser(t.Context(), u.ID, [][]byte{hashOf("guess"), hashOf(name)}, at)
	if err != nil || b.ID != n.Trust.ID {
		t.Fatalf("%+v, %v", b, err)
	}
	return b
}

func TestATrustedBrowserSignsInUntilItsEnd(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, c := range map[string]struct {
			spoil func(u models.User, b *models.TrustedBrowser, at *time.Time)
			want  error
		}{
			"trusted":        {func(models.User, *models.TrustedBrowser, *time.Time) {}, nil},
			"at its end":     {func(_ models.User, _ *models.TrustedBrowser, at *time.Time) { *at = noon.Add(day) }, models.ErrChanged},
			"an unknown one": {func(_ models.User, b *models.TrustedBrowser, _ *time.Time) { b.ID = uuid.New() }, models.ErrChanged},
			"another account": {func(_ models.User, b *models.TrustedBrowser, _ *time.Time) {
				b.ID = trust(t, s, addUser(t, s), "theirs", noon).ID
			}, models.ErrChanged},
			"ended": {func(u models.User, b *models.TrustedBrowser, _ *time.Time) {
				if err := s.EndTrustedBrowsers(t.Context(), u.ID, &b.ID, event(models.EventBrowserUntrusted, u.ID, noon)); err != nil {
					t.Error(err)
				}
			}, models.ErrChanged},
			// An earlier release changes the password and knows no trusted browsers.
			"before a new password": {func(u models.User, _ *models.TrustedBrowser, _ *time.Time) {
				exec(t, s, "UPDATE users SET password_changed_at = ? WHERE id = ?", noon.Add(time.Microsecond), u.ID.String())
			}, models.ErrChanged},
		} {
			u := addUser(t, s)
			b, at := trust(t, s, u, "browser", noon), noon.Add(day-time.Microsecond)
			c.spoil(u, &b, &at)
			n := signIn(u.ID, models.KindBrowser, "again", at)
			n.Trusted, n.Device.CreatedIP = &b.ID, "192.0.2.9"
			if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			found, err := s.FindTrustedBrowser(t.Context(), u.ID, [][]byte{hashOf("browser")}, at)
			list, err2 := s.TrustedBrowsers(t.Context(), u.ID, at)
			switch name {
			case "an unknown one", "another account": // the account's own one is as it was
			case "trusted":
				if err != nil || err2 != nil || len(list) != 1 || found.UsedAt == nil || !found.UsedAt.Equal(at) || found.UsedIP != "192.0.2.9" {
					t.Errorf("%+v, %v", found, err)
				}
			default:
				if !errors.Is(err, models.ErrNotFound) || err2 != nil || len(list) != 0 {
					t.Errorf("%s: %v, %d listed, %v", name, err, len(list), err2)
				}
			}
		}
	})
}

func TestTrustedBrowsersAreEndedOneByOneOrAll(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		theirs := trust(t, s, other, "theirs", noon)
		var list []models.TrustedBrowser
		for i := range 3 {
			list = append(list, trust(t, s, u, fmt.Sprint("browser ", i), noon.Add(time.Duration(i)*time.Second)))
		}
		at := noon
		end := func(id *uuid.UUID) error {
			at = at.Add(time.Minute)
			return s.EndTrustedBrowsers(t.Context(), u.ID, id, event(models.EventBrowserUntrusted, u.ID, at))
		}
		got, err := s.TrustedBrowsers(t.Context(), u.ID, noon)
		if err != nil || len(got) != 3 || got[0].Name != "browser 2" || got[2].Name != "browser 0" {
			t.Errorf("%+v, %v", got, err)
		}
		if err := end(&list[1].ID); err != nil || eventOf(t, s, u, models.EventBrowserUntrusted).DeviceName != "browser 1" {
			t.Errorf("%v, %+v", err, eventOf(t, s, u, models.EventBrowserUntrusted))
		}
		for name, id := range map[string]uuid.UUID{"once more": list[1].ID, "another account's": theirs.ID} {
			if err := end(&id); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := end(nil); err != nil {
			t.Error(err)
		}
		written := len(events(t, s, u.ID))
		if err := end(nil); err != nil || len(events(t, s, u.ID)) != written || eventOf(t, s, u, models.EventBrowserUntrusted).DeviceName != "" {
			t.Errorf("%v, %d events more", err, len(events(t, s, u.ID))-written)
		}
		if trustOf(t, s, u)[0] != 0 || trustOf(t, s, other)[0] != 1 {
			t.Error("not all and only those of the account are gone")
		}
		gone := models.NewID(noon)
		if err := s.EndTrustedBrowsers(t.Context(), gone, nil, event(models.EventBrowserUntrusted, gone, noon)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("an account that is gone: %v", err)
		}
	})
}

func TestAnAccountKeepsItsLatestTrustedBrowsers(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		const more = 3
		for i := range models.MaxTrustedBrowsers + more {
			n := signIn(u.ID, models.KindBrowser, "browser", noon.Add(time.Duration(i)*time.Second))
			n.Max = 1
			n.Trust = &models.TrustedBrowser{Hash: hashOf(fmt.Sprint(i)), Name: fmt.Sprint(i), CreatedAt: n.Device.CreatedAt, ExpiresAt: noon.Add(30 * day)}
			add(t, s, n)
		}
		list, err := s.TrustedBrowsers(t.Context(), u.ID, noon)
		if err != nil || len(list) != models.MaxTrustedBrowsers || list[len(list)-1].Name != fmt.Sprint(more) {
			t.Errorf("%d, the oldest is %+v, %v", len(list), list[len(list)-1], err)
		}
	})
}
