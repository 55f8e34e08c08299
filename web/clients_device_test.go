package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// proving is how an app with x/oauth2 adds DPoP, which the library does not know: each request gets a proof, and goes out again when the
// server asks for a nonce (RFC 9449 §8).
type proving struct {
	key   *ecdsa.PrivateKey
	nonce string
}

func (p *proving) RoundTrip(r *http.Request) (*http.Response, error) {
	for again := true; ; again = false {
		proof, err := p.proof(r)
		if err != nil {
			return nil, err
		}
		sent := r.Clone(r.Context())
		sent.Header.Set("DPoP", proof)
		if r.GetBody != nil {
			if sent.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		answer, err := http.DefaultTransport.RoundTrip(sent)
		if err != nil || answer.Header.Get("DPoP-Nonce") == "" {
			return answer, err
		}
		p.nonce = answer.Header.Get("DPoP-Nonce")
		if answer.StatusCode < http.StatusBadRequest || !again {
			return answer, nil
		}
		_ = answer.Body.Close()
	}
}

func (p *proving) proof(r *http.Request) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		return "", err
	}
	claims := map[string]any{"jti": rand.Text(), "htm": r.Method, "htu": r.URL.Scheme + "://" + r.URL.Host + r.URL.Path, "iat": jwt.NewNumericDate(time.Now()), "nonce": p.nonce}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP "); ok {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// x/oauth2 with go-oidc and a transport that proves a key: the code, a television's code, refreshes and user info.
func TestGolangOAuth2ProvesAKey(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t), byRealTime, func(a *services.Config, _ *web.Config) { a.NonceRequired, a.DPoPRequired = true, true })
	s.addNotesEverywhere()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: &proving{key: key}})
	provider, err := oidc.NewProvider(ctx, s.config.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	c := oauth2.Config{ClientID: "notes", RedirectURL: notesURI, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "email"}}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInParams

	verifier := oauth2.GenerateVerifier()
	back := s.signedIn().approves(c.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	app, err := c.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	codes, err := c.DeviceAuth(ctx, oauth2.SetAuthURLParam("device_name", "Living room"))
	if err != nil || codes.Interval != 5 {
		t.Fatalf("%+v %v", codes, err)
	}
	s.signedIn().follows(codes.VerificationURIComplete)
	codes.Interval = 1 // the first poll finds the approval
	television, err := c.DeviceAccessToken(ctx, codes)
	if err != nil || television.Extra("device_name") != "Living room" {
		t.Fatalf("%+v %v", television, err)
	}
	for name, signedIn := range map[string]*oauth2.Token{"app": app, "television": television} {
		if raw, _ := signedIn.Extra("id_token").(string); signedIn.TokenType != "DPoP" {
			t.Errorf("%s: %s", name, signedIn.TokenType)
		} else if _, err := provider.Verifier(&oidc.Config{ClientID: "notes"}).Verify(ctx, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: signedIn.RefreshToken}).Token()
		if err != nil || again.RefreshToken == signedIn.RefreshToken {
			t.Fatalf("%s: %+v %v", name, again, err)
		}
		if info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(again)); err != nil || info.Email != adaEmail {
			t.Errorf("%s: %+v %v", name, info, err)
		}
		if _, err := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: again.RefreshToken}).Token(); err == nil {
			t.Errorf("%s: refreshed without the key", name)
		}
	}
}

// zitadel/oidc signs a television in with a confidential client, and sends its person to the sign-out.
func TestZitadelSignsATelevisionInAndOut(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t), byRealTime)
	added, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes", Confidential: true, RedirectURIs: []string{notesURI}, PostLogoutURIs: []string{bye}, DeviceGrant: true})
	if err != nil {
		t.Fatal(err)
	}
	scopes := []string{zitadel.ScopeOpenID, zitadel.ScopeEmail}
	party, err := rp.NewRelyingPartyOIDC(t.Context(), s.config.Issuer, "notes", added.Secret, notesURI, scopes)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := rp.DeviceAuthorization(t.Context(), scopes, party, nil)
	if err != nil || codes.Interval != 5 {
		t.Fatalf("%+v %v", codes, err)
	}
	b := s.signedIn()
	b.follows(codes.VerificationURIComplete)
	tokens, err := rp.DeviceAccessToken(t.Context(), codes.DeviceCode, time.Second, party) // the first poll finds the approval
	if err != nil {
		t.Fatal(err)
	}
	claims, err := rp.VerifyTokens[*zitadel.IDTokenClaims](t.Context(), tokens.AccessToken, tokens.IDToken, party.IDTokenVerifier())
	if err != nil || claims.Email != adaEmail {
		t.Errorf("%+v %v", claims, err)
	}
	page, err := rp.EndSession(t.Context(), party, tokens.IDToken, bye, "state", "", nil)
	if err != nil || page == nil || page.Path != "/oauth/logout" {
		t.Fatalf("%v %v", page, err)
	}
	if got := b.follows(page.String()); got != bye+"?state=state" {
		t.Errorf("led to %s", got)
	}
	if _, err := rp.RefreshTokens[*zitadel.IDTokenClaims](t.Context(), party, tokens.RefreshToken, "", ""); err == nil {
		t.Error("the app is signed in still")
	}
}
