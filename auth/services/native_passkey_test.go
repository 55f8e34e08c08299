package services_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/passkey"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const passkeyHost = "id.example.com" // of the desk's issuer

// holder is an authenticator with a passkey of ada's.
type holder struct {
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

// addPasskey gives ada a passkey.
func (d *desk) addPasskey(t *testing.T) holder {
	t.Helper()
	h := holder{virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: d.ada.ID[:]}), newPasskeyKey(t)}
	ceremonies, err := passkey.New(passkey.Config{ID: passkeyHost, Name: "Latchkey", Origins: []string{"https://" + passkeyHost}})
	if err != nil {
		t.Fatal(err)
	}
	options, session, err := ceremonies.Creation(passkey.User{ID: d.ada.ID, Name: adaEmail, DisplayName: adaEmail}, nil, d.now())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	answer := virtualwebauthn.CreateAttestationResponse(virtualwebauthn.RelyingParty{ID: passkeyHost, Origin: "https://" + passkeyHost}, h.device, h.key, *parsed)
	made, err := ceremonies.FinishCreation(passkey.User{ID: d.ada.ID, Name: adaEmail, DisplayName: adaEmail}, session, []byte(answer), d.now())
	if err != nil {
		t.Fatal(err)
	}
	record, err := made.Record()
	if err != nil {
		t.Fatal(err)
	}
	ada, err := d.store.UserByID(t.Context(), d.ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	event := auth.NewEvent(models.EventFactorAdded, d.ada.ID, at("192.0.2.1"), d.now())
	_, err = d.store.AddFactors(t.Context(), models.FactorAddition{
		UserID: d.ada.ID, Version: ada.FactorsVersion, At: d.now(), Event: event, Add: []models.Factor{{Kind: models.FactorPasskey, Name: "phone", Credential: made.ID, Data: record}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newPasskeyKey makes a key whose coordinates have no leading zero, which the virtual authenticator would leave out.
func newPasskeyKey(t *testing.T) virtualwebauthn.Credential {
	t.Helper()
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		encoded, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, encoded)
	}
}

// answer answers the options of a ceremony from an origin.
func (h holder) answer(t *testing.T, options json.RawMessage, origin string) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(virtualwebauthn.CreateAssertionResponse(virtualwebauthn.RelyingParty{ID: passkeyHost, Origin: origin}, h.device, h.key, *parsed))
}

// originOf is the origin of an Android app with a certificate.
func originOf(t *testing.T, digits string) string {
	t.Helper()
	sum, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return passkey.AndroidOrigin([32]byte(sum))
}

func TestRegisteredAndroidAppsSignInWithPasskeys(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		h := d.addPasskey(t)
		if _, err := d.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes", AndroidApps: []string{"com.example.notes=" + notesColons}}); err != nil {
			t.Fatal(err)
		}
		from := at("192.0.2.1")
		alone := func(origin string) error {
			start, err := d.SignIn.StartPasskeyApp(t.Context(), signin.AppStart{DeviceName: "phone", ClientID: "notes", From: from})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := d.SignIn.FinishApp(t.Context(), challenge.Answer{Challenge: start.Challenge, Method: challenge.MethodPasskey, Credential: h.answer(t, start.PublicKey, origin), From: from}, token.Proof{})
			if err == nil {
				if claims, err := d.Tokens.Verify(answer.AccessToken); err != nil || claims.ACR != "aal2" || claims.AuthTime != d.now().Unix() || claims.AMR[0] != "pop" {
					t.Errorf("%s: %+v, %v", origin, claims, err)
				}
			}
			return err
		}
		second := func(origin string) error {
			_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", ClientID: "notes", From: from})
			var step *challenge.StepError
			if !errors.As(err, &step) {
				t.Fatal(err)
			}
			_, err = d.SignIn.FinishApp(t.Context(), challenge.Answer{Challenge: step.Challenge, Method: challenge.MethodPasskey, Credential: h.answer(t, step.PublicKey, origin), From: from}, token.Proof{})
			return err
		}
		portal := func(origin string) error {
			start, err := d.SignIn.StartPasskey()
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: start.Challenge, Method: challenge.MethodPasskey, Credential: h.answer(t, start.PublicKey, origin), From: from}})
			return err
		}
		portalSecond := func(origin string) error {
			_, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from})
			var step *challenge.StepError
			if !errors.As(err, &step) {
				t.Fatal(err)
			}
			_, err = d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: step.Challenge, Method: challenge.MethodPasskey, Credential: h.answer(t, step.PublicKey, origin), From: from}})
			return err
		}
		confirm := func(origin string) error {
			start, err := d.SignIn.StartPasskey()
			if err != nil {
				t.Fatal(err)
			}
			key, err := d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: start.Challenge, Method: challenge.MethodPasskey, Credential: h.answer(t, start.PublicKey, "https://"+passkeyHost), From: from}})
			if err != nil {
				t.Fatal(err)
			}
			session, err := d.Browsers.Authenticate(t.Context(), key, from)
			if err != nil {
				t.Fatal(err)
			}
			options, err := d.Confirm.Options(t.Context(), session.User)
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.Confirm.Confirm(t.Context(), session, confirm.Confirmation{Challenge: options.Passkey.Challenge, Passkey: h.answer(t, options.Passkey.PublicKey, origin), From: from})
			return err
		}
		web, app, stranger := "https://"+passkeyHost, originOf(t, notesDigits), originOf(t, other)
		for name, test := range map[string]struct {
			finish func(origin string) error
			app    bool
		}{
			"an app, alone": {alone, true}, "an app, second step": {second, true},
			"the portal, alone": {portal, false}, "the portal, second step": {portalSecond, false}, "the portal, confirmation": {confirm, false},
		} {
			d.advance(time.Minute)
			if err := test.finish(web); err != nil {
				t.Errorf("%s, by a page: %v", name, err)
			}
			if err := test.finish(app); (err == nil) != test.app || err != nil && auth.AsError(err).Kind != auth.KindInvalidCode {
				t.Errorf("%s, by a registered app: %v", name, err)
			}
			if err := test.finish(stranger); err == nil || auth.AsError(err).Kind != auth.KindInvalidCode {
				t.Errorf("%s, by another app: %v", name, err)
			}
		}
		if err := d.Clients.Remove(t.Context(), "notes"); err != nil {
			t.Fatal(err)
		}
		if err := alone(app); err == nil || auth.AsError(err).Kind != auth.KindInvalidCode {
			t.Errorf("an app that is registered no more: %v", err)
		}
	})
}
