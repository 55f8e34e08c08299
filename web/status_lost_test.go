package web_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
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

// Ways to sign out a phone, the latest token that its thief may have, and the event that tells that it is out again.
var lostWays = map[string]struct {
	out  func(s *site, p phone) (latest string)
	kind models.EventKind
}{
	"by the app itself": {func(s *site, p phone) string {
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		return p.refresh
	}, models.EventDeviceRevoked},
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

// A database that fell back in a failover does not make this process forget a theft: the device is revoked again. after is how much later
// the standby takes over: a revocation of the last seconds is missed at once, an earlier one within ten minutes.
func TestARevocationThatTheDatabaseLostIsMadeAgain(t *testing.T) {
	for name, way := range lostWays {
		for _, after := range []time.Duration{2 * time.Second, 10 * time.Minute} {
			t.Run(name+" "+after.String(), func(t *testing.T) {
				each(t, func(t *testing.T, s *site) {
					p, kept := s.login("phone"), s.login("tablet")
					latest := way.out(s, p)
					var watching sync.WaitGroup
					ctx, stop := context.WithCancel(t.Context())
					defer watching.Wait()
					defer stop()
					watching.Go(func() { s.auth.Revocations.Watch(ctx) })
					time.Sleep(2500 * time.Millisecond) // it reads every second
					s.lose(p.id)
					s.clock.Advance(after)
					for end := time.Now().Add(time.Minute); s.unrevoked(p.id); time.Sleep(100 * time.Millisecond) {
						if time.Now().After(end) {
							t.Fatal("the device is live again")
						}
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
						if e.DeviceID.UUID.String() == p.id && e.Kind == way.kind && e.Actor == models.ActorSystem {
							n++
						}
					}
					if err != nil || n != 1 {
						t.Errorf("%d events tell of it, %v", n, err)
					}
				})
			})
		}
	}
}

// unrevoked reports whether a device's row says that it is not revoked.
func (s *site) unrevoked(id string) bool {
	s.t.Helper()
	var n int
	if err := s.store.Pools()[0].QueryRowContext(s.t.Context(), "SELECT count(*) FROM devices WHERE id = '"+id+"' AND revoked_at IS NULL").Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n > 0
}

// A browser that made room for another, or only aged, would end again by itself: there is nothing to make again.
func TestAnEndWithoutAnActIsNotMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		if _, err := s.store.Pools()[0].ExecContext(t.Context(), "UPDATE devices SET revoke_reason = 'idle' WHERE id = '"+p.id+"'"); err != nil {
			t.Fatal(err)
		}
		var watching sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		watching.Go(func() { s.auth.Revocations.Watch(ctx) })
		time.Sleep(2500 * time.Millisecond)
		s.lose(p.id)
		s.clock.Advance(10 * time.Minute)
		time.Sleep(2500 * time.Millisecond)
		stop()
		watching.Wait()
		if !s.unrevoked(p.id) {
			t.Error("the device was revoked again")
		}
	})
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
