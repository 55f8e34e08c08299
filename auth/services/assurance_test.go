package services_test

import (
	"os"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// claimedBy is what access tokens say about each way to sign in and to confirm (RFC 8176, RFC 9470 §6.1).
var claimedBy = map[models.SignInMethod]struct {
	acr string
	amr []string
}{
	models.ByPassword:               {"aal1", []string{"pwd"}},
	models.BySignUp:                 {"aal1", []string{"pwd"}},
	models.ByInvitation:             {"aal1", []string{"pwd"}},
	models.ByPasswordTrustedBrowser: {"aal1", []string{"pwd"}},
	models.ByPasswordTOTP:           {"aal2", []string{"pwd", "otp", "mfa"}},
	models.ByPasswordRecoveryCode:   {"aal2", []string{"pwd", "otp", "mfa"}},
	models.ByPasswordPasskey:        {"aal2", []string{"pwd", "pop", "user", "mfa"}},
	models.ByPasskey:                {"aal2", []string{"pop", "user", "mfa"}},
	"":                              {}, // an earlier release
}

func TestEveryWayToSignInIsClaimed(t *testing.T) {
	source, err := os.ReadFile("../../models/device_proof.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`SignInMethod = "(.*)"`).FindAllSubmatch(source, -1)
	if len(found) < 8 {
		t.Fatalf("%d ways found", len(found))
	}
	for _, way := range found {
		if _, ok := claimedBy[models.SignInMethod(way[1])]; !ok {
			t.Errorf("%s is not tested", way[1])
		}
	}
}

// eachCounted is modelstest.Each with a count of statements.
func eachCounted(t *testing.T, fn func(t *testing.T, store *models.Store, statements *atomic.Int64)) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		var n atomic.Int64
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(string) { n.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if _, err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		fn(t, store, &n)
	})
}

func TestAccessTokensTellHowAndWhenAPersonProvedWhoTheyAre(t *testing.T) {
	eachCounted(t, func(t *testing.T, store *models.Store, statements *atomic.Int64) {
		d := newDesk(t, store)
		check := func(when string, answer token.Answer, way models.SignInMethod, at time.Time) {
			t.Helper()
			claims, err := d.Tokens.Verify(answer.AccessToken)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			want, seconds := claimedBy[way], at.Unix()
			if way == "" {
				seconds = 0
			}
			if claims.ACR != want.acr || !slices.Equal(claims.AMR, want.amr) || claims.AuthTime != seconds {
				t.Errorf("%s: acr %q, amr %q, auth_time %d; want %q, %q, %d", when, claims.ACR, claims.AMR, claims.AuthTime, want.acr, want.amr, seconds)
			}
		}
		refresh := func(presented string, usual bool) token.Answer {
			t.Helper()
			if _, err := d.Clients.Apps(t.Context()); err != nil { // the clients are read at most every 10 seconds, not with every refresh
				t.Fatal(err)
			}
			before := statements.Load()
			answer, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: presented, From: at("192.0.2.1")})
			if n := statements.Load() - before; err != nil || usual && n != 1 {
				t.Fatalf("a refresh: %d statements, %v", n, err)
			}
			return answer
		}
		for way := range claimedBy {
			signedIn := d.now()
			n, secret := d.Tokens.NewDevice(token.Verified{User: d.ada}, models.KindApp, at("192.0.2.1"), 24*time.Hour)
			n.FreeName, n.Device.SignedInBy, n.Device.ProvedBy = token.FreeName("phone"), way, way
			device, err := d.Tokens.AddDevice(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := d.Tokens.Issue(t.Context(), device, secret, "")
			if err != nil {
				t.Fatal(err)
			}
			check(string(way)+", signed in", answer, way, signedIn)
			lost := answer
			d.advance(10 * time.Minute)
			answer = refresh(answer.RefreshToken, true)
			check(string(way)+", refreshed", answer, way, signedIn)
			check(string(way)+", the same answer again", refresh(lost.RefreshToken, true), way, signedIn)
			d.advance(time.Hour)
			check(string(way)+", a fork", refresh(lost.RefreshToken, false), way, signedIn)

			d.advance(time.Minute + 700*time.Millisecond)
			confirmed := d.now()
			err = store.ConfirmApp(t.Context(), models.AppConfirmation{
				Device: models.DeviceKey{UserID: d.ada.ID, ID: device.ID}, Method: models.ByPasskey, Version: d.ada.FactorsVersion,
				Issued: models.Challenge{Hash: []byte("confirmed " + string(way)), UserID: d.ada.ID, Purpose: "test", CreatedAt: confirmed, ExpiresAt: confirmed.Add(time.Minute)},
				Event:  auth.NewEvent(models.EventConfirmed, d.ada.ID, auth.Caller{}, confirmed),
			})
			if err != nil {
				t.Fatal(err)
			}
			d.advance(10 * time.Minute)
			answer = refresh(answer.RefreshToken, true)
			check(string(way)+", confirmed", answer, models.ByPasskey, confirmed)
			d.advance(10 * time.Minute)
			check(string(way)+", confirmed and refreshed", refresh(answer.RefreshToken, true), models.ByPasskey, confirmed)
		}
	})
}
