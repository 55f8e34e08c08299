package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// onLocalhost gives a site a host name, which passkeys need. The tests reach the site under it: see eachLocal.
func onLocalhost(a *services.Config, w *web.Config) {
	for _, text := range []*string{&a.Issuer, &a.Origin, &a.StatusURL, &w.BaseURL} {
		*text = localhost(*text)
	}
}

func localhost(text string) string { return strings.Replace(text, "127.0.0.1", "localhost", 1) }

// eachLocal is each for sites with passkeys.
func eachLocal(t *testing.T, fn func(t *testing.T, s *site), changes ...func(*services.Config, *web.Config)) {
	t.Helper()
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newSite(t, databaseURL, append(changes, onLocalhost)...)
		s.URL = localhost(s.URL)
		fn(t, s)
	})
}

// keychain is a person's authenticator with one passkey: it answers the options that pages and the API hand out.
type keychain struct {
	t      testing.TB
	party  virtualwebauthn.RelyingParty
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

// keychain is a new one for this site.
func (s *site) keychain() *keychain {
	s.t.Helper()
	base, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return &keychain{
		t: s.t, party: virtualwebauthn.RelyingParty{ID: base.Hostname(), Name: "Latchkey", Origin: s.URL},
		device: virtualwebauthn.NewAuthenticator(), key: newPasskeyKey(s.t),
	}
}

// newPasskeyKey makes a key whose coordinates have no leading zero: the virtual authenticator would leave it out, and about one test in
// 128 would fail.
func newPasskeyKey(t testing.TB) virtualwebauthn.Credential {
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

// create answers PublicKeyCredentialCreationOptionsJSON with RegistrationResponseJSON, and keeps the account's handle.
func (k *keychain) create(options string) string {
	k.t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil {
		k.t.Fatalf("%v: %s", err, options)
	}
	made := virtualwebauthn.CreateAttestationResponse(k.party, k.device, k.key, *parsed)
	k.device.Options.UserHandle = []byte(parsed.UserID)
	return made
}

// answer answers PublicKeyCredentialRequestOptionsJSON with AuthenticationResponseJSON.
func (k *keychain) answer(options string) string {
	k.t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(options)
	if err != nil {
		k.t.Fatalf("%v: %s", err, options)
	}
	k.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(k.party, k.device, k.key, *parsed)
}

// confirm answers the passkey ceremony of a form for a sensitive act: what the form sends instead of a password.
func (k *keychain) confirm(form screen) url.Values {
	k.t.Helper()
	return url.Values{
		"passkey":   {k.answer(form.one("div", "id", "passkey").attr("data-options"))},
		"challenge": {form.one("input", "name", "challenge").attr("value")},
	}
}

// addPasskey adds a passkey on the page for it. confirm is how the person confirms it: the password, or what else the form needs.
func (b *browser) addPasskey(confirm url.Values) *keychain {
	b.t.Helper()
	k := b.keychain()
	form := b.shown("/security/passkeys").one("form", "action", "/security/passkeys")
	values := url.Values{
		"new_passkey": {k.create(form.one("div", "id", "new_passkey").attr("data-options"))}, "new_challenge": {form.one("input", "name", "new_challenge").attr("value")},
	}
	for name, value := range confirm {
		values[name] = value
	}
	if r := b.post("/security/passkeys", values); r.status != http.StatusSeeOther {
		b.t.Fatalf("add a passkey: %d %s", r.status, r.body)
	}
	return k
}

func TestAKeychainSignsIn(t *testing.T) {
	eachLocal(t, func(t *testing.T, s *site) {
		k := s.signedIn().addPasskey(url.Values{"current_password": {adaPassword}})

		alone := s.browser()
		form := alone.shown("/login").one("form", "action", "/login/passkey")
		answer := k.confirm(form)
		alone.expect(alone.post("/login/passkey", answer), http.StatusSeeOther, "/devices")
		alone.shown("/devices")
		if r := s.browser().post("/login/passkey", answer); r.status != http.StatusConflict && r.status != http.StatusUnprocessableEntity {
			t.Errorf("the same answer in another browser: %d", r.status)
		}

		second := s.browser()
		form = second.passwordRight("")
		second.expect(second.post("/login/verify", url.Values{
			"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"passkey"},
			"passkey": {k.answer(form.one("div", "id", "passkey").attr("data-options"))},
		}), http.StatusSeeOther, "/devices")
	})
}
