package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/services"
	"latchkey/auth/statuslist"
	"latchkey/models"
	"latchkey/web"
)

// status reads where an access token says that its status stands.
func (p phone) status(t *testing.T) statuslist.Reference {
	t.Helper()
	var claims struct {
		jwt.RegisteredClaims
		Status *statuslist.Status `json:"status"`
	}
	if _, _, err := jwt.NewParser().ParseUnverified(p.access, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Status == nil {
		t.Fatal("the access token has no status")
	}
	return claims.Status.StatusList
}

// list fetches a status list and checks it as a resource server does, but for its time.
func (s *site) list(uri string) (statuslist.Claims, statuslist.Bits) {
	s.t.Helper()
	r := s.request(http.MethodGet, strings.TrimPrefix(uri, s.URL), "")
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/statuslist+jwt" {
		s.t.Fatalf("%s: %d %s %s", uri, r.status, r.header.Get("Content-Type"), r.body)
	}
	var claims statuslist.Claims
	token, err := jwt.NewParser(jwt.WithTimeFunc(s.clock.Now), jwt.WithSubject(uri), jwt.WithExpirationRequired(), jwt.WithValidMethods([]string{"ES256"})).
		ParseWithClaims(r.body, &claims, func(*jwt.Token) (any, error) { return signingKey(s.t, s).Public(), nil })
	if err != nil || token.Header["typ"] != "statuslist+jwt" || token.Header["kid"] != signingKey(s.t, s).ID {
		s.t.Fatalf("%v, header %v", err, token.Header)
	}
	bits, err := statuslist.Decode(claims.StatusList.List, 1<<20)
	if err != nil {
		s.t.Fatal(err)
	}
	return claims, bits
}

func count(bits statuslist.Bits) (n int) {
	for i := range bits.Len() {
		if bits.Get(i) {
			n++
		}
	}
	return n
}

func TestARevokedDeviceIsInTheStatusListASecondLater(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		stolen, kept := s.login("phone"), s.login("tablet")
		place, other := stolen.status(t), kept.status(t)
		if place.URI != s.URL+"/statuslists/0" || other.URI != place.URI || other.Index == place.Index {
			t.Fatalf("places %+v and %+v", place, other)
		}
		if again := s.refreshed(stolen.refresh); again.status(t) != place {
			t.Errorf("a refresh moved the place to %+v", again.status(t))
		}
		before, bits := s.list(place.URI)
		if bits.Len() != 1<<20 || count(bits) != 0 || before.StatusList.Bits != 1 || before.TTL != 30 ||
			!before.IssuedAt.Equal(s.clock.Now()) || before.ExpiresAt.Sub(before.IssuedAt.Time) != 16*time.Minute {
			t.Errorf("before: %d of %d bits, %+v", count(bits), bits.Len(), before)
		}
		s.clock.Advance(time.Millisecond)
		if r := s.request(http.MethodDelete, "/api/devices/current", "", bearer(stolen.access)...); r.status != http.StatusNoContent {
			t.Fatalf("sign out: %d %s", r.status, r.body)
		}
		s.clock.Advance(time.Second)
		_, bits = s.list(place.URI)
		if !bits.Get(place.Index) || bits.Get(other.Index) || count(bits) != 1 {
			t.Errorf("after: %d bits, the stolen one's %v, the other's %v", count(bits), bits.Get(place.Index), bits.Get(other.Index))
		}
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(stolen.access)...); r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_token" {
			t.Errorf("whoami of the revoked device: %d %s", r.status, r.body)
		}
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(kept.access)...); r.status != http.StatusOK {
			t.Errorf("whoami of the other: %d %s", r.status, r.body)
		}
	})
}

func TestEveryWayOutLeadsIntoTheStatusList(t *testing.T) {
	ways := map[string]func(t *testing.T, s *site, p phone){
		"by the app itself": func(_ *testing.T, s *site, p phone) { s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}}) },
		"in the portal": func(_ *testing.T, s *site, p phone) {
			b := s.signedIn()
			b.expect(b.post("/devices/"+p.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		},
		"with all others": func(_ *testing.T, s *site, _ phone) {
			b := s.signedIn()
			b.expect(b.post("/devices/revoke-others", nil), http.StatusSeeOther, "/devices")
		},
		"with the password": func(t *testing.T, s *site, _ phone) {
			if _, err := s.auth.Operator.SetPassword(t.Context(), adaEmail, "quite another password"); err != nil {
				t.Fatal(err)
			}
		},
		"for its token came back": func(_ *testing.T, s *site, p phone) {
			next := s.refreshed(p.refresh)
			s.clock.Advance(time.Minute)
			s.refreshed(s.refreshed(next.refresh).refresh)
			s.refused(p.refresh, "reused")
		},
		"with the account": func(t *testing.T, s *site, _ phone) {
			if _, err := s.auth.Operator.Disable(t.Context(), adaEmail); err != nil {
				t.Fatal(err)
			}
		},
		"by the operator, with everybody": func(t *testing.T, s *site, _ phone) {
			if _, err := s.auth.Operator.SignOutEverybody(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	}
	each(t, func(t *testing.T, s *site) {
		for name, out := range ways {
			if err := s.auth.Operator.Enable(t.Context(), adaEmail); err != nil {
				t.Fatal(err)
			}
			if _, err := s.auth.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
				t.Fatal(err)
			}
			p := s.login("phone")
			out(t, s, p)
			s.clock.Advance(time.Second)
			if _, bits := s.list(p.status(t).URI); !bits.Get(p.status(t).Index) {
				t.Errorf("%s: the bit is not set", name)
			}
		}
	})
}

func TestAStatusListIsCheapToAskForAgain(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		get := func(headers ...string) reply { return s.request(http.MethodGet, "/statuslists/0", "", headers...) }
		first := get()
		tag := first.header.Get("ETag")
		if first.header.Get("Cache-Control") != "public, no-cache" || !strings.HasPrefix(tag, `"`) {
			t.Errorf("headers %v", first.header)
		}
		s.statements.Store(0)
		for range 20 {
			if again := get(); again.body != first.body || again.header.Get("ETag") != tag {
				t.Fatal("the same list is signed again")
			}
		}
		if n := s.statements.Load(); n != 0 {
			t.Errorf("twenty requests within a second made %d statements", n)
		}
		s.clock.Advance(29 * time.Second)
		for _, named := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if r := get("If-None-Match", named); r.status != http.StatusNotModified || r.body != "" || r.header.Get("ETag") != tag {
				t.Errorf("If-None-Match: %s: %d %q", named, r.status, r.body)
			}
		}
		if n := s.statements.Load(); n != 2 {
			t.Errorf("a look at what was revoked made %d statements", n)
		}
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		s.clock.Advance(time.Second)
		if r := get("If-None-Match", tag); r.status != http.StatusOK || r.header.Get("ETag") == tag {
			t.Errorf("after a revocation: %d, ETag %s", r.status, r.header.Get("ETag"))
		}
		tag = get().header.Get("ETag")
		s.clock.Advance(30 * time.Second)
		if get().header.Get("ETag") == tag {
			t.Error("a list older than its ttl is served as it was")
		}
	})
}

func TestStatusListsThatDoNotExistAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, id := range []string{"1", "-1", "00", "0x0", "", "0/0", "9223372036854775808", "abc", "%00", "..%2f0"} {
			r := s.request(http.MethodGet, "/statuslists/"+id, "")
			if r.status != http.StatusNotFound || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%q: %d %s", id, r.status, r.header.Get("Content-Type"))
			}
		}
	})
}

func TestWithoutStatusListsTokensNameNone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(p.access, claims); err != nil || claims["status"] != nil {
			t.Errorf("%v, status %v", err, claims["status"])
		}
		if r := s.request(http.MethodGet, "/statuslists/0", ""); r.status != http.StatusNotFound {
			t.Errorf("the list: %d", r.status)
		}
		if bound := s.auth.Revocations.Bound(); bound != 15*time.Minute {
			t.Errorf("the bound is %v", bound)
		}
	}, func(a *services.Config, _ *web.Config) { a.StatusTTL = 0 })
}

func TestAListThatMayLackARevocationIsNotServed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if r := s.request(http.MethodGet, "/statuslists/0", ""); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		if r := s.request(http.MethodGet, "/statuslists/0", ""); r.status != http.StatusOK {
			t.Errorf("within the second of the last look: %d %s", r.status, r.body)
		}
		s.clock.Advance(time.Second)
		r := s.request(http.MethodGet, "/statuslists/0", "")
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || !json.Valid([]byte(r.body)) {
			t.Errorf("later: %d %s", r.status, r.body)
		}
	})
}

// Two services on one database: what one revokes, the other publishes.
func TestARevocationElsewhereIsPublishedHereASecondLater(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ada, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := models.Event{UserID: ada.ID, Kind: models.EventDeviceRevoked, Actor: models.ActorOwner, Detail: string(models.RevokedByOwner)}
		for _, c := range []struct {
			name   string
			behind time.Duration // of the other's clock, and of its commit
		}{{"at once", 0}, {"with a commit five seconds late and a clock five seconds slow", 10 * time.Second}} {
			p := s.login(c.name)
			place := p.status(t)
			s.clock.Advance(20 * time.Second)
			s.list(place.URI)
			elsewhere.At = s.clock.Now().Add(-c.behind)
			elsewhere.ID = models.NewID(elsewhere.At)
			if _, err := s.store.RevokeOthers(t.Context(), elsewhere.UserID, elsewhere.ID, elsewhere); err != nil {
				t.Fatal(err)
			}
			s.clock.Advance(time.Second)
			if _, bits := s.list(place.URI); !bits.Get(place.Index) {
				t.Errorf("%s: the bit is not set", c.name)
			}
		}
	})
}

func TestABitIsClearedOnceNoAccessTokenCanLive(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		s.clock.Advance(24 * time.Hour) // the longest life that an access token can be given
		later := s.login("phone")
		s.postForm("/oauth/revoke", url.Values{"token": {later.refresh}})
		s.clock.Advance(time.Second)
		if _, bits := s.list(p.status(t).URI); !bits.Get(p.status(t).Index) || !bits.Get(later.status(t).Index) {
			t.Error("a bit was cleared too early")
		}
		s.clock.Advance(2 * time.Hour)
		if _, bits := s.list(p.status(t).URI); bits.Get(p.status(t).Index) || !bits.Get(later.status(t).Index) {
			t.Error("the wrong bits were cleared")
		}
	})
}

// While the database takes nothing, load balancers are told, and resource servers still get all that they need to judge tokens.
func TestWhatResourceServersReadIsServedWhileWritesFail(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		reference := p.status(t)
		for _, statement := range map[string][]string{
			"sqlite":   {"PRAGMA query_only = 1"},
			"postgres": {"DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$", "SET default_transaction_read_only = on"},
		}[s.store.Dialect()] {
			if _, err := s.store.Pools()[0].ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.request(http.MethodGet, "/readyz", ""); r.status != http.StatusServiceUnavailable {
			t.Errorf("ready: %d", r.status)
		}
		for range 2 { // from memory, and after a look at the database
			for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/healthz", "/openapi.yaml"} {
				if r := s.request(http.MethodGet, path, ""); r.status != http.StatusOK || r.body == "" {
					t.Errorf("%s: %d %s", path, r.status, r.body)
				}
			}
			if _, bits := s.list(reference.URI); bits.Get(reference.Index) {
				t.Error("the phone is revoked")
			}
			s.clock.Advance(time.Hour)
		}
	})
}
