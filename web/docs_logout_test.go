package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/views"
	"latchkey/web"
)

const loggedOut = "http://schemas.openid.net/event/backchannel-logout"

// checkLogoutToken returns who was signed out: sub is the person, sid the device. keys are those of
// jwks_uri, fetched again when a token names a key that is not among them.
func checkLogoutToken(text string, keys jose.JSONWebKeySet, issuer, clientID string) (sub, sid string, err error) {
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return "", "", err
	}
	var claims jwt.Claims
	var more struct {
		SessionID string                     `json:"sid"`
		Events    map[string]json.RawMessage `json:"events"`
		Nonce     any                        `json:"nonce"`
	}
	if err := token.Claims(keys, &claims, &more); err != nil { // finds the key by its kid
		return "", "", err
	}
	if err := claims.Validate(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{clientID}}); err != nil {
		return "", "", err
	}
	typ, _ := token.Headers[0].ExtraHeaders[jose.HeaderType].(string)
	if more.Events[loggedOut] == nil || more.Nonce != nil || claims.Expiry == nil || typ != "logout+jwt" {
		return "", "", errors.New("not a logout token")
	}
	return claims.Subject, more.SessionID, nil
}

// What /docs shows is what runs here.
func TestTheDocumentedCheckTakesLogoutTokensOnly(t *testing.T) {
	source, err := os.ReadFile("docs_logout_test.go")
	if err != nil || !strings.Contains(string(source), views.LogoutTokenGo+"\n") {
		t.Errorf("/docs shows other code than this file has (%v)", err)
	}
	var sent []string
	each(t, func(t *testing.T, s *site) {
		sent = nil
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes", BackchannelLogoutURI: "https://notes.example.com/out"}); err != nil {
			t.Fatal(err)
		}
		app := s.notesOn("Pixel 9")
		hint := s.idToken(app)
		if r := s.request(http.MethodDelete, "/api/devices/current", "", bearer(app.access)...); r.status != http.StatusNoContent {
			t.Fatal(r.status)
		}
		if err := s.auth.Logout.SendNotices(t.Context()); err != nil || len(sent) != 1 {
			t.Fatalf("%d tokens (%v)", len(sent), err)
		}
		keys := josePublished(t, s)
		if sub, sid, err := checkLogoutToken(sent[0], keys, s.URL, "notes"); err != nil || sid != app.id || sub == "" {
			t.Errorf("%s %s %v", sub, sid, err)
		}
		for name, c := range map[string]struct{ token, issuer, client string }{
			"for another client": {sent[0], s.URL, "other"}, "of another issuer": {sent[0], "https://evil.example", "notes"},
			"an ID token": {hint, s.URL, "notes"}, "an access token": {app.access, s.URL, "notes"}, "changed": {sent[0][:len(sent[0])-4] + "AAAA", s.URL, "notes"},
		} {
			if _, _, err := checkLogoutToken(c.token, keys, c.issuer, c.client); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
	}, func(a *services.Config, _ *web.Config) {
		a.Now = time.Now // the check goes by the true time
		a.PostLogout = func(_ context.Context, _, token string) (int, error) {
			sent = append(sent, token)
			return http.StatusOK, nil
		}
	})
}
