package main

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/auth/stats"
	"latchkey/models/modelstest"
)

// What PostgreSQL did and could not tell, and what never reached it: the server says "try again", the same request
// then gives what it would have given, and nothing happens twice.
func TestCrashOfTheConnectionToPostgreSQLAtEveryStep(t *testing.T) {
	direct := modelstest.Postgres(t)
	wire, through := newCrashWire(t, direct)
	s := newCrashSite(t, direct, through, "LATCHKEY_DB_CONNS=2")
	s.crashPortal(nil)
	db := crashLook(t, direct)
	eventually(t, time.Minute, "the past days are counted, whose commits would be cut", func() bool {
		return crashNumber(t, db, "SELECT count(*) FROM counted_days WHERE counted_at IS NOT NULL") >= stats.Days-2 // until two o'clock, yesterday is not over
	})
	events := func(kind, id string) int64 {
		return crashNumber(t, db, "SELECT count(*) FROM events WHERE kind = '"+kind+"' AND device_id = '"+id+"'")
	}
	generation := func(c *crashClient) int64 {
		return crashNumber(t, db, "SELECT generation FROM devices WHERE id = '"+c.id+"'")
	}
	const rotation, commit = "UPDATE devices SET\n\tgeneration", "commit"
	for name, cut := range map[string]crashCut{"before": crashBefore, "after": crashAfter, "half": crashHalf} {
		did := int64(1) // what was done although the answer was lost
		if cut == crashBefore {
			did = 0
		}
		// once sends a request whose statement is cut: it must not be answered for good.
		once := func(t *testing.T, text string, client *http.Client, method, path, body string, headers ...string) {
			t.Helper()
			wire.arm(cut, text)
			if r, err := s.ask(client, method, path, body, headers...); err != nil || r.status != http.StatusServiceUnavailable {
				t.Errorf("%s: %v, %d; it cannot know whether it was done", path, err, r.status)
			}
		}
		refreshed := func(c *crashClient) {
			t.Helper()
			if !c.refresh() {
				t.Errorf("device %s cannot refresh", c.id)
			}
		}
		t.Run("a refresh "+name, func(t *testing.T) {
			c := s.crashSignIn(nil, "phone")
			for range 3 {
				g := generation(c)
				once(t, rotation, s.apps, http.MethodPost, "/oauth/token", refreshForm(c.stored()))
				if got := generation(c); got != g+did {
					t.Errorf("generation %d after %d", got, g)
				}
				refreshed(c)
				refreshed(c)
			}
		})
		t.Run("a revocation "+name, func(t *testing.T) {
			c := s.crashSignIn(nil, "phone")
			form := url.Values{"token": {c.stored()}}.Encode()
			once(t, commit, s.apps, http.MethodPost, "/oauth/revoke", form)
			if got := events("sign_out", c.id); got != did {
				t.Errorf("%d events", got)
			}
			s.mustAsk(s.apps, http.MethodPost, "/oauth/revoke", form, []int{http.StatusOK})
			if got := events("sign_out", c.id); got != 1 {
				t.Errorf("%d events after the second try", got)
			}
			s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(c.stored()), []int{http.StatusBadRequest})
		})
		t.Run("a revocation's event "+name, func(t *testing.T) { // within the transaction: nothing is done without it
			c := s.crashSignIn(nil, "phone")
			once(t, `INSERT INTO "events"`, s.apps, http.MethodPost, "/oauth/revoke", url.Values{"token": {c.stored()}}.Encode())
			if got := events("sign_out", c.id); got != 0 {
				t.Errorf("%d events", got)
			}
			refreshed(c)
		})
		t.Run("a revocation on the portal "+name, func(t *testing.T) {
			c := s.crashSignIn(nil, "phone")
			form := "account=" + s.account()
			once(t, commit, s.browser, http.MethodPost, "/devices/"+c.id+"/revoke", form)
			s.mustAsk(s.browser, http.MethodPost, "/devices/"+c.id+"/revoke", form, []int{http.StatusSeeOther})
			if got := events("device_revoked", c.id); got != 1 {
				t.Errorf("%d events", got)
			}
			s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(c.stored()), []int{http.StatusBadRequest})
		})
		t.Run("a sign-in "+name, func(t *testing.T) {
			devices := crashNumber(t, db, "SELECT count(*) FROM devices")
			body := `{"email":"` + crashEmail + `","password":"` + crashPassword + `","device_name":"tablet"}`
			once(t, commit, s.apps, http.MethodPost, "/api/login", body, "Content-Type", "application/json")
			if got := crashNumber(t, db, "SELECT count(*) FROM devices"); got != devices+did {
				t.Errorf("%d devices after %d", got, devices)
			}
		})
		t.Run("a theft's discovery "+name, func(t *testing.T) {
			c := s.crashSignIn(nil, "phone")
			dead := c.stored()
			refreshed(c)
			refreshed(c)
			once(t, commit, s.apps, http.MethodPost, "/oauth/token", refreshForm(dead))
			r := s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(dead), []int{http.StatusBadRequest})
			want := map[int64]string{0: "reused", 1: "revoked"}[did]
			if r.field("reason") != want || events("device_reused", c.id) != 1 {
				t.Errorf("%s, want %s; %d events", r.body, want, events("device_reused", c.id))
			}
		})
		t.Run("a restored device "+name, func(t *testing.T) {
			c := s.crashSignIn(nil, "phone")
			for range 3 {
				refreshed(c)
			}
			if _, err := db.Exec("UPDATE devices SET base = 1, floor = 2, generation = 2 WHERE id = '" + c.id + "'"); err != nil {
				t.Fatal(err)
			}
			once(t, commit, s.apps, http.MethodPost, "/oauth/token", refreshForm(c.stored()))
			refreshed(c)
			refreshed(c)
			if got := events("device_restored", c.id); got != 1 {
				t.Errorf("%d events", got)
			}
		})
		t.Run("the note of a fork "+name, func(t *testing.T) { // the one event on a best effort
			c := s.crashSignIn(nil, "phone")
			base := c.stored()
			refreshed(c)
			time.Sleep(40 * time.Millisecond) // past the retry window
			wire.arm(cut, commit)
			s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(base), []int{http.StatusOK})
			if got := events("device_forked", c.id); got != did {
				t.Errorf("%d events", got)
			}
			refreshed(c)
		})
	}
	s.stop()
	s.audit(true, 3)
}

// Answers are lost at random on both sides of the server; and one database takes a statement and says nothing more.
func TestCrashOfAnswers(t *testing.T) {
	t.Run("at random, sqlite", func(t *testing.T) {
		t.Parallel()
		url := modelstest.SQLite(t)
		crashAtRandom(t, url, url, nil)
	})
	t.Run("at random, postgres", func(t *testing.T) {
		t.Parallel()
		direct := modelstest.Postgres(t)
		wire, through := newCrashWire(t, direct)
		crashAtRandom(t, direct, through, wire)
		t.Logf("cut before, after and amid: %d, %d, %d", wire.cuts[crashBefore].Load(), wire.cuts[crashAfter].Load(), wire.cuts[crashHalf].Load())
	})
	t.Run("for ever, postgres", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("takes as long as a write may")
		}
		crashSilence(t)
	})
}

func crashAtRandom(t *testing.T, direct, through string, wire *crashWire) {
	t.Helper()
	s := newCrashSite(t, direct, through)
	thief := newCrashThief(t, func() string { return *s.at.Load() })
	s.via.Store(&thief.address)
	db := crashLook(t, direct)
	stop := s.load(8, 5*time.Millisecond)
	thief.chance.Store(50)
	if wire != nil {
		wire.random(0.03)
	}
	lost := func() bool { return thief.stolen.Load() > 0 && (wire == nil || wire.cuts[crashAfter].Load() > 0) }
	for i := 0; i < crashCount(3, 1, 240) || !lost() && i < 40; i++ {
		time.Sleep(500*time.Millisecond + rand.N(200*time.Millisecond))
		s.compare(db)
	}
	stop() // the answers go on getting lost
	s.stop()
	s.audit(false, 0)
	if !lost() {
		t.Error("no answer was lost")
	}
}

// crashSilence: the server gives up before its client does, and the token is good.
func crashSilence(t *testing.T) {
	t.Helper()
	direct := modelstest.Postgres(t)
	wire, through := newCrashWire(t, direct)
	s := newCrashSite(t, direct, through)
	c := s.crashSignIn(nil, "phone")
	wire.arm(crashStall, "UPDATE devices SET\n\tgeneration")
	began := time.Now()
	if c.refresh() || c.signedOut() {
		t.Error("answered, though nobody can know whether it was done")
	}
	if took := time.Since(began); took > time.Minute || s.tally.unavailable.Load() != 1 {
		t.Errorf("after %s: %s", took, &s.tally)
	}
	c.goesOn()
	s.stop()
	s.audit(false, 0)
}
