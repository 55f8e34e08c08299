package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

func TestEightMigrationsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, database string) {
		var children []*child
		for range 8 {
			children = append(children, launch(t, on(database), "migrate"))
		}
		applied := 0
		for _, c := range children {
			o := c.end(t, 2*time.Minute)
			if o.code != 0 || o.stderr != "" {
				t.Errorf("exit %d: %s", o.code, o.stderr)
			}
			switch {
			case strings.HasPrefix(o.stdout, "Applied "):
				applied++
			case !strings.HasPrefix(o.stdout, "The schema is up to date"):
				t.Errorf("printed %q", o.stdout)
			}
		}
		if applied != 1 {
			t.Errorf("%d of 8 say that they applied the migrations", applied)
		}
	})
}

func TestEightServersAtOnceShareTheirKeys(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	var children []*child
	for range 8 {
		children = append(children, launch(t, on(database, "LATCHKEY_DB_CONNS=4", "LATCHKEY_ISSUER=https://id.example.org"), "serve"))
	}
	for _, c := range children {
		get(t, c.url(t)+"/readyz").want(t, 200, "status", "ready")
	}
	launchWithInput(t, on(database), password, "user", "add", ada, "--password-stdin")
	for i, c := range children {
		token := login(t, c.url(t), ada, password, fmt.Sprint("phone ", i)).want(t, 200).field("access_token")
		for _, other := range children {
			whoami(t, other.url(t), token).want(t, 200)
		}
	}
	// A replica that was early may miss a key that another one made, until it reads the keys again.
	eventually(t, time.Minute, "all publish the same keys", func() bool {
		published := map[string]bool{}
		for _, c := range children {
			published[get(t, c.url(t)+"/.well-known/jwks.json").want(t, 200).body] = true
		}
		return len(published) == 1
	})
}

func TestReplicasShareNothingButTheDatabase(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		named := func(s *Settings) { s.Issuer = "https://id.example.org" }
		one, two := serve(t, database, named), serve(t, database, named)
		addUser(t, database, ada)
		device := login(t, one.URL(), ada, password, "phone").want(t, 200)
		whoami(t, two.URL(), device.field("access_token")).want(t, 200, "device_name", "phone")
		device = refresh(t, two.URL(), device.field("refresh_token")).want(t, 200)
		browser := signedInBrowser(t, two.URL())

		revoke(t, one.URL(), device.field("refresh_token")).want(t, 200)
		refresh(t, two.URL(), device.field("refresh_token")).want(t, 400, "error", "invalid_grant", "reason", "revoked")
		get(t, two.URL()+"/api/devices", "Authorization", "Bearer "+device.field("access_token")).want(t, 401, "code", "invalid_token")

		send(t, browser, "GET", one.URL()+"/devices", "").want(t, 200)
		must(t, database, "", "user", "sign-out", ada)
		send(t, browser, "GET", two.URL()+"/devices", "").want(t, 303)
	})
}

// What one replica revokes the other refuses, by the status lists alone: whoami asks no database.
func TestARevocationReachesTheOtherReplicasLists(t *testing.T) {
	database := modelstest.Postgres(t)
	addUser(t, database, ada)
	named := func(s *Settings) { s.Issuer, s.Audience = "https://id.example.org", "https://id.example.org" }
	one, two := serve(t, database, named), serve(t, database, named)
	for range 3 {
		device := login(t, one.URL(), ada, password, "phone").want(t, 200)
		whoami(t, two.URL(), device.field("access_token")).want(t, 200)
		before := get(t, two.URL()+"/statuslists/0").want(t, 200).body
		revoke(t, one.URL(), device.field("refresh_token")).want(t, 200)
		began := time.Now()
		eventually(t, time.Minute, "the other replica publishes the revocation", func() bool {
			return get(t, two.URL()+"/statuslists/0").want(t, 200).body != before
		})
		t.Logf("published by the other replica after %v", time.Since(began).Round(time.Millisecond))
		whoami(t, two.URL(), device.field("access_token")).want(t, 401, "code", "invalid_token")
	}
}
