package services_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// idToken reads an ID token with the server's own keys, as RFC 7517 publishes them.
func (v *visitor) idToken(t *testing.T, text string) (claims jwt.MapClaims, header map[string]any) {
	t.Helper()
	document, err := v.Keys.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid, X string } }
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	parsed, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(set.Keys, func(k struct{ Kid, X string }) bool { return k.Kid == parsed.Header["kid"] }) {
		t.Errorf("the key %v is not published", parsed.Header["kid"])
	}
	claims, _ = parsed.Claims.(jwt.MapClaims)
	return claims, parsed.Header
}

func TestAnIDTokenSaysWhoSignedInAndHow(t *testing.T) {
	v := newVisitor(t, openStore(t))
	signedIn := float64(v.now().Unix())
	v.advance(5 * 60e9)
	answer := v.redeem(t, v.given(t, "scope", "openid"))
	claims, header := v.idToken(t, answer.IDToken)
	want := jwt.MapClaims{
		"iss": "https://id.example.com", "sub": v.ada.ID.String(), "aud": "notes", "iat": float64(v.now().Unix()), "exp": float64(v.now().Unix() + 900), "auth_time": signedIn, "nonce": "n-1",
		"acr": "aal1", "amr": []any{"pwd"}, "sid": answer.DeviceID.String(),
	}
	if header["alg"] != "EdDSA" || header["typ"] != "JWT" || len(claims) != len(want) {
		t.Errorf("%v %v", header, claims)
	}
	for name, value := range want {
		got, _ := json.Marshal(claims[name])
		if wanted, _ := json.Marshal(value); string(got) != string(wanted) {
			t.Errorf("%s: %s, want %s", name, got, wanted)
		}
	}
	if _, err := v.Tokens.Verify(answer.IDToken); err == nil {
		t.Error("the ID token passes for an access token")
	}
	claims, _ = v.idToken(t, v.redeem(t, v.given(t, "nonce", "", "scope", "email openid")).IDToken)
	if _, ok := claims["nonce"]; ok || claims["email"] != adaEmail || claims["email_verified"] != false {
		t.Errorf("%v", claims)
	}
	for _, scope := range []string{"", "email", "offline_access"} {
		if answer := v.redeem(t, v.given(t, "scope", scope)); answer.IDToken != "" || answer.Scope != scope {
			t.Errorf("scope %q: %+v", scope, answer)
		}
	}
}

func TestAnIDTokenClaimsEveryWayToSignIn(t *testing.T) {
	v := newVisitor(t, openStore(t))
	ways := slices.Sorted(maps.Keys(claimedBy))
	for _, way := range ways {
		n, _ := v.Tokens.NewDevice(token.Verified{User: v.ada}, models.KindApp, v.phone, 1e15)
		n.Device.ClientID, n.Device.SignedInBy, n.Device.ProvedBy, n.FreeName = "notes", way, way, func(func(string) bool) string { return string(way) + "." }
		d, err := v.Tokens.AddDevice(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		text, err := v.Tokens.MintID(t.Context(), d, token.IDClaims{})
		if err != nil {
			t.Fatal(err)
		}
		claims, _ := v.idToken(t, text)
		amr := []string{}
		list, _ := claims["amr"].([]any)
		for _, one := range list {
			amr = append(amr, one.(string))
		}
		acr, _ := claims["acr"].(string)
		_, dated := claims["auth_time"]
		if want := claimedBy[way]; acr != want.acr || !slices.Equal(amr, append([]string{}, want.amr...)) || dated != (way != "") {
			t.Errorf("%s: %v", way, claims)
		}
	}
}

// email_verified follows the links that the owner opened.
func TestAnAddressIsVerifiedByItsLink(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		server, seen := v.post(t), 0
		verified := func(email string) bool {
			t.Helper()
			u, err := v.Operator.FindUser(t.Context(), email)
			if err != nil {
				t.Fatal(err)
			}
			return u.EmailVerified
		}
		link := func() string {
			t.Helper()
			list, kinds := v.told(t, server, &seen)
			for _, l := range list {
				if l.Link != "" {
					return l.Link
				}
			}
			t.Fatalf("no link: %s", kinds)
			return ""
		}
		if verified(adaEmail) {
			t.Error("an address that an operator typed")
		}
		if err := v.Accounts.RequestPasswordReset(t.Context(), adaEmail, v.laptop); err != nil {
			t.Fatal(err)
		}
		if err := v.Accounts.ResetPassword(t.Context(), link(), "another fine day", v.laptop); err != nil || !verified(adaEmail) {
			t.Errorf("a reset by mail: %v", err)
		}
		v.told(t, server, &seen)
		key, err := v.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: "another fine day", From: v.laptop})
		if err != nil {
			t.Fatal(err)
		}
		v.told(t, server, &seen)
		if err := v.Operator.SetEmail(t.Context(), adaEmail, "ada@new.example.com"); err != nil || verified("ada@new.example.com") {
			t.Errorf("an operator's change: %v", err)
		}
		v.told(t, server, &seen)
		ask := address.Request{Email: "ada@own.example.com", Confirmation: confirmed("another fine day", v.laptop)}
		if err := v.Addresses.Ask(t.Context(), v.session(t, key, v.laptop), ask); err != nil || verified("ada@new.example.com") {
			t.Fatal(err)
		}
		if _, err := v.Addresses.Confirm(t.Context(), link(), "another fine day", v.laptop); err != nil || !verified("ada@own.example.com") {
			t.Errorf("a change by its owner: %v", err)
		}
		if _, err := v.Addresses.Undo(t.Context(), link(), v.laptop); err != nil || !verified("ada@new.example.com") {
			t.Errorf("taken back by its link: %v", err)
		}
		v.told(t, server, &seen)
		if err := v.Accounts.Signup(t.Context(), account.SignupRequest{Email: "eve@example.com", Password: adaPassword, From: v.phone}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Accounts.ConfirmSignup(t.Context(), link(), browser.Login{Password: adaPassword, From: v.phone}); err != nil || !verified("eve@example.com") {
			t.Errorf("a sign-up: %v", err)
		}
		if _, err := v.Operator.AddInvited(t.Context(), "bob@example.com", models.RoleUser); err != nil || verified("bob@example.com") {
			t.Errorf("an invitation that waits: %v", err)
		}
		if _, err := v.Accounts.AcceptInvitation(t.Context(), link(), browser.Login{Password: adaPassword, From: v.phone}); err != nil || !verified("bob@example.com") {
			t.Errorf("an invitation: %v", err)
		}
	})
}
