package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/client"
	"latchkey/auth/token"
)

func (s *site) loginBy(client, name string, secret ...string) reply {
	s.t.Helper()
	body := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": name, "client_secret": strings.Join(secret, "")}
	if client != "" {
		body["client_id"] = client
	}
	return s.postJSON("/api/login", body)
}

// clientOf is the client_id that an access token carries.
func clientOf(t *testing.T, access string) any {
	t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(access, claims); err != nil {
		t.Fatal(err)
	}
	return claims["client_id"]
}

func TestAnyAppMaySignInWhileNoneIsRegistered(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for client, want := range map[string]string{"": "app", "notes-android": "notes-android", "ключ": "ключ"} {
			r := s.loginBy(client, "phone")
			if r.status != http.StatusOK || clientOf(t, newPhone(t, r).access) != want {
				t.Errorf("%q: %d %s", client, r.status, r.body)
			}
		}
	})
}

func TestOnlyRegisteredAppsSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		notes, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes"})
		if err != nil {
			t.Fatal(err)
		}
		for _, stranger := range []string{"", "app", "notes", notes.ID + "x"} {
			r := s.loginBy(stranger, "phone")
			var problem struct {
				Code   string
				Errors []struct{ Field, Detail string }
			}
			if err := json.Unmarshal([]byte(r.body), &problem); err != nil {
				t.Fatal(err)
			}
			if r.status != http.StatusUnprocessableEntity || problem.Code != "invalid_request" || len(problem.Errors) != 1 ||
				problem.Errors[0].Field != "client_id" || problem.Errors[0].Detail == "" {
				t.Errorf("%q: %d %s", stranger, r.status, r.body)
			}
		}
		if r := s.tryLogin(adaEmail, "wrong", "phone"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("a stranger learns whether a password is right: %d %s", r.status, r.body)
		}
		if r := s.loginBy(notes.ID, "phone"); r.status != http.StatusOK {
			t.Errorf("the registered app: %d %s", r.status, r.body)
		}
		s.signedIn() // the portal is no client
	})
}

func TestTheClientIsWhereverTheDeviceIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		notes, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes"})
		if err != nil {
			t.Fatal(err)
		}
		p := newPhone(t, s.loginBy(notes.ID, "phone"))
		next := s.refreshed(p.refresh)
		if clientOf(t, p.access) != notes.ID || clientOf(t, next.access) != notes.ID {
			t.Errorf("the tokens carry %v and %v", clientOf(t, p.access), clientOf(t, next.access))
		}
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(next.access)...); r.text(t, "client_id") != notes.ID {
			t.Errorf("whoami: %s", r.body)
		}
		list := s.request(http.MethodGet, "/api/devices", "", bearer(next.access)...).json(t)["devices"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["client_id"] != notes.ID {
			t.Errorf("devices: %v", list)
		}
	})
}

func TestARefreshUnderAnotherClientIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := newPhone(t, s.loginBy("notes", "phone"))
		form := func(client string) url.Values {
			return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}, "client_id": {client}}
		}
		if r := s.postForm("/oauth/token", form("mail")); r.text(t, "error") != "invalid_grant" || r.text(t, "reason") != token.ReasonUnknownDevice {
			t.Errorf("another client: %d %s", r.status, r.body)
		}
		if r := s.postForm("/oauth/token", form("notes")); r.status != http.StatusOK {
			t.Errorf("its own: %d %s", r.status, r.body)
		}
	})
}

func TestDevicesOutliveTheRegistrationOfTheirApp(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		notes, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Mail"}); err != nil {
			t.Fatal(err)
		}
		p := newPhone(t, s.loginBy(notes.ID, "phone"))
		if err := s.auth.Clients.Remove(t.Context(), notes.ID); err != nil {
			t.Fatal(err)
		}
		if r := s.loginBy(notes.ID, "tablet"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("sign-in after the removal: %d %s", r.status, r.body)
		}
		p = s.refreshed(s.refreshed(p.refresh).refresh)
		if clientOf(t, p.access) != notes.ID {
			t.Errorf("client_id %v", clientOf(t, p.access))
		}
		s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}})
		s.refused(p.refresh, token.ReasonRevoked)
	})
}
