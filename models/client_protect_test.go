package models_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// The devices of a client that must authenticate are refused to other requests, and nothing happens to them.
func TestDevicesOfAProtectedClientAreLeftAlone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		exec(t, s, "UPDATE devices SET client_id = 'a.b%_' WHERE id = ?", d.ID)
		by := func(generation int64, at time.Time, protected ...string) models.Rotation {
			r := present(d, generation, at)
			r.ClientID, r.Protected = "", protected
			return r
		}
		for g := range int64(3) {
			rotate(t, s, by(g+1, noon.Add(time.Minute)))
		}
		before := device(t, s, d)
		for _, g := range []int64{before.Generation, 1, before.Generation + 9} { // a living one, an old one, one from the future
			if got := rotate(t, s, by(g, noon.Add(time.Hour), "x", "a.b%_", "y")); got.Outcome != models.Unauthenticated || got.Device.ClientID != "" {
				t.Errorf("generation %d: %+v", g, got)
			}
		}
		e := event(models.EventSignOut, u.ID, noon)
		if err := s.RevokeBySecret(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, secretOf(d.ID), "", []string{"a.b%_"}, e); !errors.Is(err, models.ErrProtected) {
			t.Errorf("revocation: %v", err)
		}
		if err := s.RevokeBySecret(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, secretOf(d.ID), "other", nil, e); !errors.Is(err, models.ErrOtherClient) {
			t.Errorf("revocation by another client: %v", err)
		}
		if err := s.RevokeBySecret(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, []byte("wrong"), "other", []string{"a.b%_"}, e); err != nil {
			t.Errorf("an unknown token: %v", err)
		}
		if after := device(t, s, d); after.RevokedAt != nil || after.Generation != before.Generation || !after.LastSeenAt.Equal(before.LastSeenAt) {
			t.Errorf("%+v", after)
		}
		g := before.Generation
		for _, others := range [][]string{nil, {"a"}, {"a.b"}, {"a.b%_c", "b%_", "axb%_", "A.B%_"}} { // ids that only look like it
			if got := rotate(t, s, by(g, noon.Add(2*time.Hour), others...)); got.Outcome != models.Rotated {
				t.Errorf("%q: %+v", others, got)
			}
			g++
		}
		if err := s.RevokeBySecret(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, secretOf(d.ID), "a.b%_", []string{"x"}, e); err != nil || device(t, s, d).RevokedAt == nil {
			t.Errorf("its own client: %v", err)
		}
	})
}
