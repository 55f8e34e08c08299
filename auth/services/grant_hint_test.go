package services_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/models"
)

// An ID token says which person an app expects (OpenID Connect Core §3.1.2.1).
func TestAHintNamesThePersonWhomAnAppExpects(t *testing.T) {
	v := newVisitor(t, openStore(t))
	app := v.redeem(t, v.given(t))
	eve, err := v.Operator.AddUser(t.Context(), "eve@example.com", memberPassword, models.RoleUser)
	if err != nil {
		t.Fatal(err)
	}
	hers := v.desk.idToken(t, eve.ID, "notes", app.DeviceID)
	claims := v.idClaims(v.ada.ID, "notes", app.DeviceID)
	claims["iss"] = "https://another.example"
	foreign := v.idTokenOf(t, "JWT", claims)
	v.advance(v.config.AccessTTL + time.Minute) // an ID token may be old
	v.signIn(t, v.laptop)
	push := func(hint string) any {
		_, err := v.Grants.Push(t.Context(), asking("id_token_hint", hint), client.Identity{ID: "notes"}, token.Proof{})
		return refused(err)
	}
	for name, hint := range map[string]string{
		"of another server": foreign, "of another app": v.desk.idToken(t, v.ada.ID, "board", app.DeviceID), "an access token": app.AccessToken, "a text": "x",
		"without its signature": app.IDToken[:strings.LastIndex(app.IDToken, ".")+1], "too long": strings.Repeat("x", 9<<10), "two": app.IDToken + " " + app.IDToken,
		"of another type": v.idTokenOf(t, "logout+jwt", v.idClaims(v.ada.ID, "notes", app.DeviceID)),
	} {
		r, err := v.Grants.Check(t.Context(), asking("id_token_hint", hint))
		if refused(err) != "invalid_request" || r.State != "st" || push(hint) != "invalid_request" {
			t.Errorf("a hint that is %s: %v", name, err)
		}
	}
	if got := push(app.IDToken); got != nil {
		t.Errorf("a hint that is pushed: %v", got)
	}

	silent := func(by *browser.Session, hint string) any {
		t.Helper()
		_, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none", "id_token_hint", hint), by, "Notes", v.laptop)
		return refused(err)
	}
	for name, c := range map[string]struct{ got, want any }{
		"the person herself": {silent(v.here(t), app.IDToken), nil},
		"another person":     {silent(v.here(t), hers), "login_required"},
		"no one":             {silent(nil, app.IDToken), "login_required"},
	} {
		if c.got != c.want {
			t.Errorf("%s is signed in: %v, want %v", name, c.got, c.want)
		}
	}

	// With a page, the other account gets no code, whatever its form says.
	if _, err := v.approve(t.Context(), v.here(t), v.request(t, "id_token_hint", app.IDToken).Text); err != nil {
		t.Error(err)
	}
	q := v.request(t, "id_token_hint", hers)
	if q.Expects(v.here(t)) {
		t.Error("ada is taken for eve")
	}
	if _, err := v.approve(t.Context(), v.here(t), q.Text); refused(err) != "login_required" {
		t.Errorf("another account approves: %v", err)
	}
	key, err := v.SignIn.LoginBrowser(t.Context(), browser.Login{Email: "eve@example.com", Password: memberPassword, From: v.laptop})
	if err != nil {
		t.Fatal(err)
	}
	by := v.session(t, key, v.laptop)
	if _, err := v.Grants.Approve(t.Context(), by, grant.Approval{Sealed: q.Text, DeviceName: "x", From: v.laptop}); err != nil || !q.Expects(by) {
		t.Errorf("the person who is expected: %v", err)
	}
}
