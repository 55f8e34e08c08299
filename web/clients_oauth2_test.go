package web_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/web"
)

// Go's own OAuth client stays signed in by nothing but the metadata and its first refresh token.
func TestGolangOAuth2StaysSignedInForFiftyRotations(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{
		"client_id in the body": oauth2.AuthStyleInParams, "client_id in the header": oauth2.AuthStyleInHeader, "whichever works": oauth2.AuthStyleAutoDetect,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				first := s.login("phone")
				var found struct {
					Token string `json:"token_endpoint"`
				}
				if err := json.Unmarshal([]byte(s.request(http.MethodGet, "/.well-known/oauth-authorization-server", "").body), &found); err != nil {
					t.Fatal(err)
				}
				c := oauth2.Config{ClientID: "app", Endpoint: oauth2.Endpoint{TokenURL: found.Token, AuthStyle: style}}
				source := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: first.refresh})
				seen := map[string]bool{first.refresh: true}
				var last *oauth2.Token
				for i := range 50 {
					s.clock.Advance(5 * time.Second)
					token, err := source.Token()
					if err != nil {
						t.Fatalf("rotation %d: %v", i, err)
					}
					if seen[token.RefreshToken] || token.Type() != "Bearer" || token.Extra("device_id") != first.id {
						t.Fatalf("rotation %d: %+v", i, token)
					}
					seen[token.RefreshToken], last = true, token
					if status := whoamiBy(t, s, oauth2.StaticTokenSource(token)); status != http.StatusOK {
						t.Fatalf("rotation %d: whoami %d", i, status)
					}
				}
				if _, got := parse(t, last.RefreshToken); got.Generation != 51 {
					t.Errorf("generation %d after fifty rotations", got.Generation)
				}
				next := s.refreshed(last.RefreshToken)
				s.refused(first.refresh, token.ReasonReused)
				s.refused(next.refresh, token.ReasonRevoked)
			}, func(a *services.Config, _ *web.Config) {
				a.AccessTTL = 5 * time.Second // oauth2 takes a token for expired ten seconds before it is: it refreshes every time
			})
		})
	}
}

// whoamiBy asks with the HTTP client that oauth2 makes.
func whoamiBy(t *testing.T, s *site, source oauth2.TokenSource) int {
	t.Helper()
	r, err := oauth2.NewClient(t.Context(), source).Get(s.URL + "/api/whoami")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// What oauth2 makes of a refusal is what the guide tells developers to look at.
func TestGolangOAuth2ReadsRefusals(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		s.postForm("/oauth/revoke", map[string][]string{"token": {p.refresh}})
		c := oauth2.Config{ClientID: "app", Endpoint: oauth2.Endpoint{TokenURL: s.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams}}
		_, err := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: p.refresh}).Token()
		var refusal *oauth2.RetrieveError
		if !errors.As(err, &refusal) || refusal.ErrorCode != "invalid_grant" || refusal.ErrorDescription != "The device was signed out." || refusal.Response.StatusCode != http.StatusBadRequest {
			t.Errorf("%v", err)
		}
	})
}
