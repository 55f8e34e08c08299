package web_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/models"
)

// lose takes the revocation of a device out of the database, as when an asynchronous standby takes over that had not heard of it.
func (s *site) lose(id string) {
	s.t.Helper()
	for _, statement := range []string{
		"UPDATE devices SET revoked_at = NULL, revoked_by = '', revoke_reason = '' WHERE id = '" + id + "'",
		"DELETE FROM events WHERE device_id = '" + id + "' AND kind <> 'sign_in'",
	} {
		if _, err := s.store.Pools()[0].ExecContext(s.t.Context(), statement); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Ways to sign out a phone, the latest token that its thief may have, and the event that tells of it.
var lostWays = map[string]struct {
	out  func(s *site, p phone) (latest string)
	kind models.EventKind
}{
	"by the app itself": {func(s *site, p phone) string {
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		return p.refresh
	}, models.EventSignOut},
	"in the portal": {func(s *site, p phone) string {
		b := s.signedIn()
		b.expect(b.post("/devices/"+p.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		return p.refresh
	}, models.EventDeviceRevoked},
	"for a theft": {func(s *site, p phone) string {
		next := s.refreshed(p.refresh)
		s.clock.Advance(time.Minute)
		latest := s.refreshed(s.refreshed(next.refresh).refresh)
		s.refused(p.refresh, "reused")
		return latest.refresh
	}, models.EventDeviceReused},
}

// A database that fell back in a failover does not make this process forget a theft: the bit stays set, and the device is revoked again.
func TestARevocationThatTheDatabaseLostIsMadeAgain(t *testing.T) {
	for name, way := range lostWays {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				p, kept := s.login("phone"), s.login("tablet")
				latest := way.out(s, p)
				load := func(ctx context.Context) error { return s.auth.Tokens.LoadStatus(ctx) }
				s.clock.Advance(time.Second)
				if err := load(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.lose(p.id)
				gone, cancel := context.WithCancel(t.Context())
				cancel()
				s.clock.Advance(20 * time.Second) // the primary fails, a standby takes over
				if load(gone) == nil {
					t.Fatal("a read with a context that ended succeeded")
				}
				s.clock.Advance(time.Second)
				if err := load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, bits := s.list(p.status(t).URI); !bits.Get(p.status(t).Index) || count(bits) != 1 {
					t.Errorf("the bit: %v of %d", bits.Get(p.status(t).Index), count(bits))
				}
				s.refused(latest, "revoked")
				s.refreshed(kept.refresh)
				ada, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
				if err != nil {
					t.Fatal(err)
				}
				list, err := s.store.Events(t.Context(), ada.ID, models.EventCursor{}, 10)
				n := 0
				for _, e := range list {
					if e.DeviceID.UUID.String() == p.id && e.Kind == way.kind {
						n++
					}
				}
				if err != nil || n != 1 {
					t.Errorf("%d events tell of it, %v", n, err)
				}
				s.clock.Advance(time.Second)
				if err := load(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// Also where there is no row to revoke again, the bit stays for as long as an access token can live, and not for ever.
func TestABitStaysSetWhateverTheDatabaseSaysLater(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		place := p.status(t)
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		s.clock.Advance(time.Second)
		s.list(place.URI)
		for _, statement := range []string{"DELETE FROM devices WHERE id = '" + p.id + "'", "DELETE FROM status_indexes"} {
			if _, err := s.store.Pools()[0].ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			s.clock.Advance(5 * time.Minute)
			if _, bits := s.list(place.URI); !bits.Get(place.Index) {
				t.Fatal("a bit was cleared while an access token could live")
			}
		}
		for range 4 {
			s.clock.Advance(12 * time.Minute)
			s.list(place.URI)
		}
		if _, bits := s.list(place.URI); bits.Get(place.Index) {
			t.Error("the bit is still set")
		}
	})
}
