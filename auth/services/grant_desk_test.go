package services_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// The apps that tests of sign-in through the browser register.
const (
	notesURI  = "https://notes.example/cb"
	nativeURI = "http://127.0.0.1/cb"
	schemeURI = "com.example.notes:/cb"
	boardURI  = "https://board.example/cb" // of a client with SSO
)

var grantVerifier = strings.Repeat("verifier~", 5)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// visitor is ada in a browser, and the network of the apps that she signs in.
type visitor struct {
	*desk
	laptop, phone auth.Caller
	key           browser.Key
}

func newVisitor(t *testing.T, store *models.Store) *visitor {
	t.Helper()
	return (&visitor{desk: newDesk(t, store)}).enter(t)
}

// enter registers the apps, and signs ada in.
func (v *visitor) enter(t *testing.T) *visitor {
	t.Helper()
	v.laptop, v.phone = at("192.0.2.1"), at("192.0.2.2")
	v.laptop.Browser, v.laptop.UserAgent = "the laptop's mark", "a browser"
	for _, r := range []client.Registration{
		{Name: "Notes", ID: "notes", RedirectURIs: []string{notesURI, nativeURI, schemeURI}},
		{Name: "Board", ID: "board", RedirectURIs: []string{boardURI}, SSO: true},
		{Name: "Other", ID: "other", RedirectURIs: []string{notesURI}},
	} {
		if _, err := v.Clients.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	v.signIn(t, v.laptop)
	return v
}

// signIn signs ada in on a browser with her password.
func (v *visitor) signIn(t *testing.T, from auth.Caller) {
	t.Helper()
	var err error
	if v.key, err = v.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from}); err != nil {
		t.Fatal(err)
	}
}

// here is the session of the browser that signed in last.
func (v *visitor) here(t *testing.T) *browser.Session {
	t.Helper()
	return v.session(t, v.key, v.laptop)
}

// asking are the parameters of a request of notes with changes; an empty value leaves one out.
func asking(changes ...string) grant.Params {
	p := map[string]string{
		"response_type": "code", "client_id": "notes", "redirect_uri": notesURI, "state": "st", "scope": "openid email offline_access", "nonce": "n-1",
		"code_challenge": challengeOf(grantVerifier), "code_challenge_method": "S256",
	}
	for i := 0; i < len(changes); i += 2 {
		p[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(p, func(_, value string) bool { return value == "" })
	return grant.Params{Values: p}
}

// request checks and seals a request.
func (v *visitor) request(t *testing.T, changes ...string) grant.Sealed {
	t.Helper()
	r, err := v.Grants.Check(t.Context(), asking(changes...))
	if err != nil {
		t.Fatal(err)
	}
	q, err := v.Grants.Seal(r)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// approve approves a request with the session alone.
func (v *visitor) approve(ctx context.Context, by *browser.Session, sealed string) (grant.Code, error) {
	return v.Grants.Approve(ctx, by, grant.Approval{Sealed: sealed, DeviceName: "Notes on the laptop", From: v.laptop})
}

// given returns a code for a new request.
func (v *visitor) given(t *testing.T, changes ...string) string {
	t.Helper()
	code, err := v.approve(t.Context(), v.here(t), v.request(t, changes...).Text)
	if err != nil {
		t.Fatal(err)
	}
	return code.Text
}

// redemption redeems a code of notes from the phone.
func (v *visitor) redemption(code string) grant.Redemption {
	return grant.Redemption{Code: code, RedirectURI: notesURI, Verifier: grantVerifier, Client: client.Identity{ID: "notes"}, From: v.phone}
}

func (v *visitor) redeem(t *testing.T, code string) token.Answer {
	t.Helper()
	answer, err := v.Grants.Redeem(t.Context(), v.redemption(code))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// apps are ada's live apps.
func (v *visitor) apps(t *testing.T) (live []models.Device) {
	t.Helper()
	all, err := v.store.LiveDevices(t.Context(), v.ada.ID, v.live())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Kind == models.KindApp {
			live = append(live, d)
		}
	}
	return live
}

// refused is the kind of an error, the code of a refusal at the redirect URI, or nil.
func refused(err error) any {
	refusal := (*grant.Refusal)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return refusal.Code
	}
	return auth.AsError(err).Kind
}

// openStore is a store on SQLite, for what storage has no part in.
func openStore(t *testing.T) *models.Store {
	t.Helper()
	store, err := models.Open(t.Context(), models.Config{URL: modelstest.MigratedSQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
