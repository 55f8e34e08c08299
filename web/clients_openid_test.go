package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// byRealTime lets libraries judge tokens by the machine's clock.
func byRealTime(a *services.Config, _ *web.Config) {
	a.Now, a.Elapsed = time.Now, nil
}

// approves follows an authorization request as ada does in her browser, and returns what her browser carries to the app.
func (b *browser) approves(address string) *url.URL {
	b.t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	page := b.get(at.RequestURI()).header.Get("Location")
	b.shown(page)
	back, err := url.Parse(b.allows(page).header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		b.t.Fatalf("%s: %v", back, err)
	}
	return back
}

// x/oauth2 with go-oidc, as their guides have it: discovery, PKCE, the ID token, user info, a refresh.
func TestGoOIDCSignsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		provider, err := oidc.NewProvider(t.Context(), s.config.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		c := oauth2.Config{ClientID: "notes", RedirectURL: notesURI, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "email"}}
		verifier := oauth2.GenerateVerifier()
		back := s.signedIn().approves(c.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce"), oauth2.SetAuthURLParam("login_hint", adaEmail)))
		if q := back.Query(); q.Get("state") != "state" || q.Get("iss") != s.config.Issuer {
			t.Errorf("%v", q)
		}
		signedIn, err := c.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := signedIn.Extra("id_token").(string)
		id, err := provider.Verifier(&oidc.Config{ClientID: "notes"}).Verify(t.Context(), raw)
		if err != nil || id.Nonce != "nonce" || id.Subject == "" {
			t.Fatalf("%+v %v", id, err)
		}
		source := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: signedIn.RefreshToken})
		info, err := provider.UserInfo(t.Context(), source)
		if err != nil || info.Subject != id.Subject || info.Email != adaEmail || info.EmailVerified {
			t.Errorf("%+v %v", info, err)
		}
		if _, err := provider.Verifier(&oidc.Config{ClientID: "other"}).Verify(t.Context(), raw); err == nil {
			t.Error("another client takes the ID token")
		}
	}, byRealTime)
}

// zitadel/oidc as a relying party, with an issuer that has a path.
func TestZitadelSignsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		added, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes", Confidential: true, RedirectURIs: []string{notesURI}})
		if err != nil {
			t.Fatal(err)
		}
		party, err := rp.NewRelyingPartyOIDC(t.Context(), s.config.Issuer, "notes", added.Secret, notesURI, []string{zitadel.ScopeOpenID, zitadel.ScopeEmail, zitadel.ScopeOfflineAccess})
		if err != nil {
			t.Fatal(err)
		}
		verifier := oauth2.GenerateVerifier()
		back := s.signedIn().approves(rp.AuthURL("state", party, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier))))
		tokens, err := rp.CodeExchange[*zitadel.IDTokenClaims](t.Context(), back.Query().Get("code"), party, rp.WithCodeVerifier(verifier))
		if err != nil || tokens.IDTokenClaims.Email != adaEmail || tokens.IDTokenClaims.AuthenticationContextClassReference != "aal1" {
			t.Fatalf("%+v %v", tokens, err)
		}
		info, err := rp.Userinfo[*zitadel.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.GetSubject(), party)
		if err != nil || info.Email != adaEmail {
			t.Errorf("%+v %v", info, err)
		}
		again, err := rp.RefreshTokens[*zitadel.IDTokenClaims](t.Context(), party, tokens.RefreshToken, "", "")
		if err != nil && again == nil || again.AccessToken == "" || again.RefreshToken == tokens.RefreshToken {
			t.Errorf("%+v %v", again, err)
		}
	}, byRealTime, func(a *services.Config, _ *web.Config) { a.Issuer += "/tenant" })
}

// npmClients is the folder of the libraries from npm, and of the scripts that use them.
const npmClients = "testdata/clients"

// needNode skips without Node.js and the libraries from npm, but never in CI.
func needNode(t *testing.T) (node string) {
	t.Helper()
	node, err := exec.LookPath("node")
	for _, library := range []string{"openid-client", "oauth4webapi", "typescript", "jose"} {
		if err == nil {
			_, err = os.Stat(filepath.Join(npmClients, "node_modules", library))
		}
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the libraries from npm are missing: npm ci --prefix web/%s: %v", npmClients, err)
		}
		t.Skipf("the libraries from npm were NOT tested: npm ci --prefix web/%s: %v", npmClients, err)
	}
	return node
}

// person answers for the person: what an app sends them to comes to the URL as "to", and the answer is what their browser carries back.
func (s *site) person() string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(s.signedIn().follows(r.URL.Query().Get("to")))
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}

// follows does at an address what ada does there when an app sends her: she signs the app in, lets a television in, or signs out of app and
// browser. It returns where she is led.
func (b *browser) follows(address string) string {
	b.t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	switch at.Path {
	case "/device":
		return b.letsIn(at)
	case "/oauth/logout":
		form := at.Query()
		form.Set("end", "both")
		b.asksLogout(at.Query())
		return b.post("/oauth/logout", form).header.Get("Location")
	}
	return b.approves(address).String()
}

// letsIn approves the code of a television, which its link fills in.
func (b *browser) letsIn(at *url.URL) string {
	b.t.Helper()
	ask := b.post("/device", filled(b.shown(at.RequestURI()).one("form", "action", "/device"), "")).header.Get("Location")
	form := filled(b.shown(ask).one("form", "action", "/device"), adaPassword)
	form.Set("choice", "allow")
	b.expect(b.post("/device", form), http.StatusSeeOther, ask)
	return b.URL + ask
}

// addNotesEverywhere registers an app that signs in through the browser and by a television's code, and that people can sign out of.
func (s *site) addNotesEverywhere() {
	s.t.Helper()
	_, err := s.auth.Clients.Add(s.t.Context(), client.Registration{Name: "Notes", ID: "notes", RedirectURIs: []string{notesURI, "https://notes.example.com/cb"}, PostLogoutURIs: []string{bye}, DeviceGrant: true})
	if err != nil {
		s.t.Fatal(err)
	}
}

// openid-client and oauth4webapi from npm, unchanged: code, PKCE and DPoP, user info, a refresh, a sign-out, the device grant.
func TestLibrariesFromNPMSignIn(t *testing.T) {
	node := needNode(t)
	s := newSite(t, modelstest.MigratedSQLite(t), byRealTime)
	s.addNotesEverywhere()
	person := s.person()
	for _, script := range []string{"openid-client.mjs", "oauth4webapi.mjs"} {
		t.Run(script, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			run := exec.CommandContext(ctx, node, script, s.config.Issuer, person, notesURI, adaEmail, bye)
			run.Dir = npmClients
			if output, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}
