package main

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"latchkey/models"
)

// crashPortal signs the owner in on the portal.
func (s *crashSite) crashPortal(done <-chan struct{}) {
	form := url.Values{"email": {crashEmail}, "password": {crashPassword}}.Encode()
	if r, ok := s.persist(done, s.browser, http.MethodPost, "/login", form); ok && r.status != http.StatusSeeOther {
		s.t.Errorf("sign in on the portal: %d %s", r.status, r.body)
	}
}

// revoking signs devices in, refreshes each once and revokes it in one of three ways, until done is closed. What was
// acknowledged is written down.
func (s *crashSite) revoking(done <-chan struct{}) {
	for i := 0; ; i++ {
		victim := s.crashSignIn(done, "stolen")
		if victim == nil {
			return
		}
		victim.refresh()
		if !s.revoke(done, victim, i) {
			return
		}
		select {
		case <-done:
			return
		case <-time.After(s.calm):
		}
	}
}

// revoke repeats one revocation until it is acknowledged: by the device itself (RFC 7009, and the resource API), or
// by its owner on the portal.
func (s *crashSite) revoke(done <-chan struct{}, victim *crashClient, way int) bool {
	var r reply
	var ok bool
	var want []int
	if way %= 3; way == 1 && victim.email != crashEmail { // the portal is its owner's
		way = 0
	}
	switch way {
	case 0:
		r, ok = s.persist(done, s.apps, http.MethodPost, "/oauth/revoke", url.Values{"token": {victim.stored()}}.Encode())
		want = []int{http.StatusOK}
	case 1:
		r, ok = s.persist(done, s.browser, http.MethodPost, "/devices/"+victim.id+"/revoke", "account="+s.account())
		want = []int{http.StatusSeeOther}
	case 2:
		r, ok = s.persist(done, s.apps, http.MethodDelete, "/api/devices/current", "", "Authorization", "Bearer "+victim.access)
		want = []int{http.StatusNoContent, http.StatusUnauthorized} // 401: it was done, and the answer was lost
	}
	if !ok {
		return false
	}
	if !slices.Contains(want, r.status) || way == 1 && r.header.Get("Location") != "/devices" {
		s.t.Errorf("revocation %d: %d to %q: %s", way, r.status, r.header.Get("Location"), r.body)
		return false
	}
	if r.status == http.StatusUnauthorized && s.proxied { // a failover can undo what was done and not acknowledged
		return true
	}
	s.tally.revocations.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acknowledged = append(s.acknowledged, victim.stored())
	return true
}

// holds presents the tokens of the latest n acknowledged revocations: each must still be refused as revoked.
func (s *crashSite) holds(n int) {
	s.t.Helper()
	if s.lossy {
		return
	}
	s.mu.Lock()
	tokens := slices.Clone(s.acknowledged[max(0, len(s.acknowledged)-n):])
	s.mu.Unlock()
	for _, token := range tokens {
		r := s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(token), []int{http.StatusOK, http.StatusBadRequest})
		if r.status == http.StatusOK || r.field("reason") != "revoked" {
			s.tally.undone.Add(1)
			s.t.Errorf("an acknowledged revocation is undone: %d, reason %q", r.status, r.field("reason"))
		}
	}
}

// crashLook opens the database beside the program.
func crashLook(t *testing.T, url string) *sql.DB {
	t.Helper()
	store, err := models.Open(t.Context(), models.Config{URL: url, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.Pools()[0]
}

func crashNumber(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// compare looks for clients that know more than the database: an answer that was given before it was committed. It
// counts the clients that know less.
func (s *crashSite) compare(db *sql.DB) {
	s.t.Helper()
	for _, c := range s.clients {
		known := c.generation() // before the row is read: the client may work on
		row := crashNumber(s.t, db, "SELECT generation FROM devices WHERE id = '"+c.id+"'")
		if row < known {
			s.t.Errorf("device %s was answered generation %d, and the database has %d: answered before it was committed", c.id, known, row)
		}
		if row > known {
			s.tally.ahead.Add(1)
		}
	}
}

// audit checks what must be true of the rows whatever happened, that only so many devices were taken for stolen, and
// that none was ahead of the database, unless that was put back.
func (s *crashSite) audit(restored bool, stolen int64) {
	s.t.Helper()
	db := crashLook(s.t, s.direct)
	for what, query := range map[string]string{
		"devices without exactly one sign-in event": `SELECT count(*) FROM devices d WHERE 1 <>
			(SELECT count(*) FROM events e WHERE e.user_id = d.user_id AND e.device_id = d.id AND e.kind = 'sign_in')`,
		"sign-in events without a device": `SELECT count(*) FROM events e WHERE e.kind = 'sign_in' AND NOT EXISTS
			(SELECT 1 FROM devices d WHERE e.user_id = d.user_id AND e.device_id = d.id)`,
		"devices without exactly one event of their revocation": `SELECT count(*) FROM devices d WHERE
			CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END <>
			(SELECT count(*) FROM events e WHERE e.user_id = d.user_id AND e.device_id = d.id AND e.kind IN ('sign_out', 'device_revoked', 'device_reused'))`,
		"rows that break the fork rule": `SELECT count(*) FROM devices WHERE NOT (base < floor AND floor <= generation)`,
		"names that two live ones share": `SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT user_id, name FROM devices WHERE revoked_at IS NULL) AS known)
			FROM devices WHERE revoked_at IS NULL`,
	} {
		if n := crashNumber(s.t, db, query); n != 0 {
			s.t.Errorf("%d %s", n, what)
		}
	}
	if n := crashNumber(s.t, db, `SELECT count(*) FROM events WHERE kind = 'device_reused'`); n != stolen {
		s.t.Errorf("%d devices were taken for stolen, and %d were", n, stolen)
	}
	if n := crashNumber(s.t, db, `SELECT count(*) FROM events WHERE kind = 'device_restored'`); !restored && n != 0 {
		s.t.Errorf("%d devices were ahead of a database that nobody put back: they were answered before the commit", n)
	}
	lost := s.tally.lost.Load() + s.tally.unavailable.Load()
	forks := crashNumber(s.t, db, `SELECT count(*) FROM events WHERE kind = 'device_forked'`)
	if forks > lost {
		s.t.Errorf("%d forks, but only %d answers were lost", forks, lost)
	}
	s.t.Logf("%s; %d forks", &s.tally, forks)
}
