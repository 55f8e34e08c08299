package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// Each refresh leaves from where and by what program it was; the event of a reuse keeps what its caller made of that.
func TestAReuseIsToldByTheLatestRefresh(t *testing.T) {
	const away = "203.0.113.9"
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addForked(t, s, u, three, nil)
		at := noon
		refresh := func(generation int64, ip, agent string, want models.Outcome) models.RotateResult {
			t.Helper()
			at = at.Add(time.Second)
			r := present(d, generation, at)
			r.IP, r.UserAgent = ip, agent
			r.Reused = func(before models.Device) (*models.Reuse, models.MailWithLinks) {
				last, lastAgent := before.LastRefresh()
				return &models.Reuse{SignedInIP: before.CreatedIP, Uses: []models.TokenUse{{IP: last, UserAgent: lastAgent}, {IP: ip, UserAgent: agent}}}, models.MailWithLinks{}
			}
			got := rotate(t, s, r)
			if got.Outcome != want {
				t.Fatalf("outcome %d, want %d", got.Outcome, want)
			}
			return got
		}
		by := func(ip, agent string) {
			t.Helper()
			if gotIP, gotAgent := device(t, s, d).LastRefresh(); gotIP != ip || gotAgent != agent {
				t.Errorf("the latest refresh was from %q by %q, want %q by %q", gotIP, gotAgent, ip, agent)
			}
		}
		by(home, "") // a row of an earlier release
		refresh(8, away, "<“thief”> 📱", models.Rotated)
		by(away, "<“thief”> 📱")
		refresh(8, away, "repeats/2", models.Repeated)
		by(away, "repeats/2")
		refresh(8, home, "forks/3", models.Forked)
		by(home, "forks/3")
		refresh(10, "", "behind a proxy", models.Rotated)
		by("", "behind a proxy")
		exec(t, s, "UPDATE devices SET generation = generation + 1, floor = generation + 1, base = 11, last_seen_at = ?, last_ip = ?, rotated_at = ? WHERE id = ?",
			at.Add(time.Second), away, at.Add(time.Second), d.ID.String()) // a refresh by a replica of an earlier release
		by(away, "")
		at = at.Add(time.Minute)
		refresh(90, away, "restores/4", models.Restored)
		by(away, "restores/4")
		refresh(8, home, "old", models.Reused)
		by(away, "restores/4")

		want := &models.Reuse{SignedInIP: home, Uses: []models.TokenUse{{IP: away, UserAgent: "restores/4"}, {IP: home, UserAgent: "old"}}}
		warnings := []models.EventFilter{{Kind: models.EventDeviceReused}}
		ofKind, err := s.EventsOfKinds(t.Context(), u.ID, warnings, models.EventCursor{}, 9)
		if err != nil {
			t.Fatal(err)
		}
		for where, list := range map[string][]models.Event{"all": events(t, s, u.ID)[:1], "of its kind": ofKind} {
			if diff := cmp.Diff(want, list[0].Reuse); diff != "" || list[0].IP != home {
				t.Errorf("%s: %s", where, diff)
			}
		}
		if n := count(t, s, "SELECT count(*) FROM events WHERE reuse IS NOT NULL"); n != 1 {
			t.Errorf("%d events have uses", n)
		}
		if err := s.DeleteUser(t.Context(), deletion(u, at)); err != nil {
			t.Fatal(err)
		}
		if done, err := s.FinishDeletion(t.Context(), u.ID, []string{u.EmailKey}); !done || err != nil {
			t.Fatal(done, err)
		}
		if n := count(t, s, "SELECT count(*) FROM events WHERE kind = 'device_reused' AND reuse IS NULL AND ip = '' AND "+ofNoAccount); n != 1 {
			t.Errorf("%d anonymous events of the theft", n)
		}
		if n := count(t, s, "SELECT count(*) FROM events WHERE reuse IS NOT NULL"); n != 0 {
			t.Error("the uses outlive the account")
		}
	})
}
