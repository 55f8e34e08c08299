package services_test

import (
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/logout"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A person who signs an app out does not want a page of the app to sign it in again without a click (prompt=none). An app that signs
// itself out, and one whose end no one decided, keeps its consent.
func TestAnAppThatWasSignedOutMustAskAgain(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		silent := func(changes ...string) any {
			t.Helper()
			_, err := v.Grants.Silent(t.Context(), v.request(t, append([]string{"prompt", "none"}, changes...)...), v.here(t), "Notes", v.laptop)
			return refused(err)
		}
		other := []string{"client_id", "other"}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			name  string
			end   func(app token.Answer)
			keeps bool
			all   bool // the consents of other apps end as well
		}{
			{name: "from the list of devices", end: func(app token.Answer) {
				_, err := v.Devices.Revoke(t.Context(), v.here(t), app.DeviceID.String(), v.laptop)
				check(err)
			}},
			{name: "among selected devices", end: func(app token.Answer) {
				_, err := v.Devices.RevokeSelected(t.Context(), v.here(t), []string{app.DeviceID.String()}, v.laptop)
				check(err)
			}},
			{name: "with all other devices", all: true, end: func(token.Answer) {
				_, err := v.Devices.RevokeOthers(t.Context(), v.here(t), v.laptop)
				check(err)
			}},
			{name: "by an operator", all: true, end: func(token.Answer) {
				_, err := v.Operator.SignOutUser(t.Context(), adaEmail)
				check(err)
			}},
			{name: "with the account", all: true, end: func(token.Answer) {
				_, err := v.Operator.Disable(t.Context(), adaEmail)
				check(err)
				check(v.Operator.Enable(t.Context(), adaEmail))
			}},
			{name: "with the password", all: true, end: func(token.Answer) {
				_, err := v.Operator.SetPassword(t.Context(), adaEmail, adaPassword)
				check(err)
			}},
			{name: "after a theft", end: func(app token.Answer) {
				first := app.RefreshToken
				for range 3 {
					next, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: app.RefreshToken, Client: client.Identity{ID: "notes"}, From: v.phone})
					check(err)
					app = next
				}
				_, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: first, Client: client.Identity{ID: "notes"}, From: at("203.0.113.9")})
				if auth.AsError(err).Reason != token.ReasonReused {
					t.Errorf("a dead token: %v", err)
				}
			}},
			{name: "by the app itself", keeps: true, end: func(app token.Answer) {
				check(v.Tokens.Revoke(t.Context(), token.RefreshRequest{Token: app.RefreshToken, Client: client.Identity{ID: "notes"}, From: v.phone}))
			}},
			{name: "by a sign-out that the app asked for", keeps: true, end: func(app token.Answer) {
				ended, err := v.Logout.End(t.Context(), logout.Request{IDTokenHint: app.IDToken}, v.here(t), logout.Ends{App: true}, v.laptop)
				if err != nil || ended.App == nil {
					t.Errorf("%+v %v", ended, err)
				}
			}},
		} {
			v.advance(ratelimit.AttemptWindow) // an account's codes are limited
			v.signIn(t, v.laptop)
			app := v.redeem(t, v.given(t))
			v.given(t, other...)
			if got := silent(); got != nil {
				t.Fatalf("before %s: %v", c.name, got)
			}
			pending, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none"), v.here(t), "Notes", v.laptop)
			check(err)
			c.end(app)
			if _, err := v.Grants.Redeem(t.Context(), v.redemption(pending.Text)); (err == nil) != c.keeps {
				t.Errorf("%s: a code that was given before is redeemed: %v", c.name, err)
			}
			if !v.isOut(app.RefreshToken) && c.name != "after a theft" {
				t.Errorf("%s: the app is still signed in", c.name)
			}
			v.signIn(t, v.laptop)
			want := any("interaction_required")
			if c.keeps {
				want = nil
			}
			if got := silent(); got != want {
				t.Errorf("%s: %v, want %v", c.name, got, want)
			}
			if got := silent(other...); (got != nil) != c.all {
				t.Errorf("%s: another app: %v", c.name, got)
			}
		}
	})
}

// A request without a page that is under way while its app is signed out neither signs the app in nor brings the consent back.
func TestASilentSignInDoesNotOutrunASignOut(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		for range 10 {
			v.advance(ratelimit.AttemptWindow)
			v.signIn(t, v.laptop)
			app, by := v.redeem(t, v.given(t)), v.here(t)
			q := v.request(t, "prompt", "none")
			var code grant.Code
			var both sync.WaitGroup
			both.Go(func() { code, _ = v.Grants.Silent(t.Context(), q, by, "Notes", v.laptop) })
			both.Go(func() {
				if _, err := v.Devices.Revoke(t.Context(), by, app.DeviceID.String(), v.laptop); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if code.Text != "" {
				if _, err := v.Grants.Redeem(t.Context(), v.redemption(code.Text)); err == nil {
					t.Error("the code outlives the sign-out")
				}
			}
			if _, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none"), v.here(t), "Notes", v.laptop); refused(err) != "interaction_required" {
				t.Errorf("the consent came back: %v", err)
			}
		}
	})
}

// A person who approved a television and takes fright signs everything out: the television is not signed in afterwards.
func TestAnApprovedTelevisionIsSignedOutBeforeItsFirstPoll(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		codes := d.start()
		d.approve(codes.UserCode)
		if _, err := d.Devices.RevokeOthers(t.Context(), d.ada, at(couch)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.poll(codes.DeviceCode, at(abroad)); refused(err) != "access_denied" {
			t.Errorf("polled afterwards: %v", err)
		}
	})
}

// Another app under the id of one that was removed has no consent.
func TestAClientsConsentsEndWithIt(t *testing.T) {
	v := newVisitor(t, openStore(t))
	v.given(t)
	v.advance(time.Second)
	if err := v.Clients.Remove(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Clients.Add(t.Context(), client.Registration{Name: "Other notes", ID: "notes", RedirectURIs: []string{notesURI}}); err != nil {
		t.Fatal(err)
	}
	v.advance(client.ReadEvery)
	if _, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none"), v.here(t), "Notes", v.laptop); refused(err) != "interaction_required" {
		t.Errorf("%v", err)
	}
}
