package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// comeAgain checks that a refusal says when to come again.
func (r reply) comeAgain(t *testing.T) {
	t.Helper()
	if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 60 {
		t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
	}
}

func TestAServerOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	cluster := modelstest.StartCluster(t)
	database := cluster.URL("latchkey")
	launchWithInput(t, on(database), password, "user", "add", ada, "--password-stdin")
	s := serve(t, database, nil)
	device := login(t, s.URL(), ada, password, "phone").want(t, 200)
	device = refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
	browser := signedInBrowser(t, s.URL())

	for range 2 { // the second time finds whatever the first one broke
		if err := cluster.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		outage(t, s, browser, device)
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "ready again", func() bool { return get(t, s.URL()+"/readyz").status == 200 })
		device = refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
		send(t, browser, http.MethodGet, s.URL()+"/devices", "").want(t, 200)
		login(t, s.URL(), ada, password, "tablet").want(t, 200)
	}
	activity := send(t, browser, http.MethodGet, s.URL()+"/activity", "").want(t, 200)
	if strings.Contains(activity.body, "copied") || strings.Contains(activity.body, "reuse") {
		t.Error("the outage looks like theft in the activity")
	}
	for _, pool := range s.store.Pools() {
		if stats := pool.Stats(); stats.InUse != 0 {
			t.Errorf("%d connections are lost", stats.InUse)
		}
	}
}

// outage is how the server looks while its database is down.
func outage(t *testing.T, s server, browser *http.Client, device reply) {
	t.Helper()
	get(t, s.URL()+"/healthz").want(t, 200, "status", "ok")
	// The database is asked at most once a second, however many ask us.
	eventually(t, time.Minute, "not ready", func() bool { return get(t, s.URL()+"/readyz").status == 503 })
	get(t, s.URL()+"/readyz").want(t, 503, "code", "unavailable").comeAgain(t)
	for range 3 { // as often as a client likes
		refresh(t, s.URL(), device.field("refresh_token")).want(t, 503, "error", "temporarily_unavailable").comeAgain(t)
	}
	refresh(t, s.URL(), "garbage").want(t, 400, "error", "invalid_grant", "reason", "malformed") // needs no database
	answer := login(t, s.URL(), ada, password, "phone").want(t, 503, "code", "unavailable")
	answer.comeAgain(t)
	if kind := answer.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("Content-Type %q", kind)
	}
	page := send(t, browser, http.MethodGet, s.URL()+"/devices", "").want(t, 503)
	page.comeAgain(t)
	if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || strings.Contains(page.body, "127.0.0.1") || len(page.header.Values("Set-Cookie")) > 0 {
		t.Errorf("the page, which must neither tell the database's address nor sign the browser out: %v\n%s", page.header, page.body)
	}
	revoke(t, s.URL(), device.field("refresh_token")).want(t, 503, "error", "temporarily_unavailable").comeAgain(t)
	whoami(t, s.URL(), device.field("access_token")).want(t, 200)
	get(t, s.URL()+"/api/devices", "Authorization", "Bearer "+device.field("access_token")).want(t, 503, "code", "unavailable")
	get(t, s.URL()+"/.well-known/jwks.json").want(t, 200)
	get(t, s.URL()+"/login").want(t, 200)
}
