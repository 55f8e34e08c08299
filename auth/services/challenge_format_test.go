package services_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"latchkey/auth/challenge"
	"latchkey/auth/passkey"
	"latchkey/auth/seal"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// The words in these texts, and what they are bound to, are stored: sign-ins that began before an upgrade end after it.
func TestChallengesThatAnEarlierReleaseSealedAreAnswered(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		from := at("192.0.2.1")
		secret, h := d.addApp(t, from), d.addPasskey(t)
		d.advance(step)
		keys, err := seal.Keys([][]byte{testSecret}, "factors")
		if err != nil {
			t.Fatal(err)
		}
		sealer, err := seal.New(keys)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range d.factorsOf(t) {
			if _, _, err := sealer.Open(append([]byte("totp\x00"), d.ada.ID[:]...), f.Data); f.Kind == models.FactorTOTP && err != nil {
				t.Errorf("the secret of the authenticator app: %v", err)
			}
		}
		waits := func(a challenge.Answer, name string) {
			t.Helper()
			a.From = from
			answer, err := d.SignIn.FinishApp(t.Context(), a, token.Proof{})
			if err != nil || answer.DeviceName != name {
				t.Fatalf("%s: %q, %v", name, answer.DeviceName, err)
			}
			if claims, err := d.Tokens.Verify(answer.AccessToken); err != nil || claims.ClientID != "app" {
				t.Errorf("%s: %+v, %v", name, claims, err)
			}
		}

		ada, err := store.UserByID(t.Context(), d.ada.ID)
		if err != nil {
			t.Fatal(err)
		}
		plain := bytes.Repeat([]byte{7}, 32)
		hash := sha256.Sum256(plain)
		text := fmt.Sprintf(`{"Verified":%q,"Version":%d,"Device":"phone","ClientID":"app","IP":"192.0.2.1","Agent":"test"}`, ada.PasswordHash, ada.FactorsVersion)
		err = store.AddChallenge(t.Context(), models.Challenge{
			Hash: hash[:], UserID: ada.ID, Purpose: "app_sign_in", Data: sealer.Seal(append([]byte("challenge\x00"), hash[:]...), []byte(text)),
			CreatedAt: d.now(), ExpiresAt: d.now().Add(5 * time.Minute),
		}, ada.PasswordHash, ada.FactorsVersion, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		waits(challenge.Answer{Challenge: base64.RawURLEncoding.EncodeToString(plain), Method: challenge.MethodTOTP, Code: d.code(t, secret)}, "phone")

		ceremonies, err := passkey.New(passkey.Config{ID: passkeyHost, Name: "Latchkey", Origins: []string{"https://" + passkeyHost}, Life: challenge.PasskeyLife})
		if err != nil {
			t.Fatal(err)
		}
		options, session, err := ceremonies.Request(nil, d.now())
		if err != nil {
			t.Fatal(err)
		}
		text = fmt.Sprintf(`{"Purpose":"app_sign_in","Session":%q,"Until":%q,"Step":{"Verified":"","Version":0,"Device":"tablet","ClientID":"app"}}`,
			base64.StdEncoding.EncodeToString(session), d.now().Add(5*time.Minute).Format(time.RFC3339Nano))
		start := "s." + base64.RawURLEncoding.EncodeToString(sealer.Seal([]byte("passkey start\x00"), []byte(text)))
		waits(challenge.Answer{Challenge: start, Method: challenge.MethodPasskey, Credential: h.answer(t, options, "https://"+passkeyHost)}, "tablet")
	})
}
