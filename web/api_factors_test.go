package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"latchkey/auth"
	sessions "latchkey/auth/browser" // browser is a type of these tests
	"latchkey/auth/challenge"
	"latchkey/auth/confirm"
	"latchkey/auth/factor"
	"latchkey/auth/signin"
)

// factorOwner is a person in a browser of theirs, from where they manage their factors.
type factorOwner struct {
	*site
	password string
	key      sessions.Key
	from     auth.Caller
}

// owner is ada.
func (s *site) owner() *factorOwner {
	s.t.Helper()
	return s.ownerOf(adaEmail, adaPassword)
}

// ownerOf signs a person in who has no second factor yet.
func (s *site) ownerOf(email, password string) *factorOwner {
	s.t.Helper()
	o := &factorOwner{site: s, password: password, from: auth.Caller{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: firefox}}
	var err error
	if o.key, err = s.auth.SignIn.LoginBrowser(s.t.Context(), sessions.Login{Email: email, Password: password, From: o.from}); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (o *factorOwner) session() *sessions.Session {
	o.t.Helper()
	by, err := o.auth.Browsers.Authenticate(o.t.Context(), o.key, o.from)
	if err != nil {
		o.t.Fatal(err)
	}
	return by
}

// confirmed is an act that the person confirms with the password and, with a second factor, a code.
func (o *factorOwner) confirmed(code string) factor.Act {
	return factor.Act{Confirmation: confirm.Confirmation{Password: o.password, Code: code, From: o.from}}
}

// addAuthenticator gives the person an authenticator app. Its first code is used.
func (o *factorOwner) addAuthenticator() authenticator {
	o.t.Helper()
	app, err := o.auth.Factors.StartApp(o.session())
	if err != nil {
		o.t.Fatal(err)
	}
	a := authenticator{strings.ReplaceAll(app.Secret, " ", "")}
	if _, err := o.auth.Factors.AddApp(o.t.Context(), o.session(), factor.NewApp{Act: o.confirmed(""), Sealed: app.Sealed, Code: a.code(o.site), From: o.from}); err != nil {
		o.t.Fatal(err)
	}
	return a
}

// addRecoveryCodes gives the person recovery codes, on the page that follows the first factor.
func (o *factorOwner) addRecoveryCodes() []string {
	o.t.Helper()
	ticket, err := o.auth.Factors.CodesTicket(o.key.UserID, o.key.DeviceID)
	if err != nil {
		o.t.Fatal(err)
	}
	codes, err := o.auth.Factors.NewCodes(o.t.Context(), o.session(), confirm.Confirmation{Ticket: ticket}, o.from)
	if err != nil {
		o.t.Fatal(err)
	}
	return codes
}

// phonePasskey is a person's device that holds one passkey.
type phonePasskey struct {
	s      *site
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
	party  virtualwebauthn.RelyingParty
}

// newPasskey makes a passkey of an account that is not registered. Its key has no leading zeros, which the virtual authenticator
// would leave out.
func (s *site) newPasskey(user [16]byte) *phonePasskey {
	s.t.Helper()
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			s.t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			s.t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		encoded, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			s.t.Fatal(err)
		}
		return &phonePasskey{
			s, virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: user[:]}),
			virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, encoded),
			virtualwebauthn.RelyingParty{ID: "localhost", Name: "Latchkey", Origin: s.URL},
		}
	}
}

// addPasskey gives the person a passkey.
func (o *factorOwner) addPasskey(code string) *phonePasskey {
	o.t.Helper()
	p := o.newPasskey(o.session().User.ID)
	start, err := o.auth.Factors.StartPasskey(o.t.Context(), o.session())
	if err != nil {
		o.t.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(start.PublicKey))
	if err != nil {
		o.t.Fatal(err)
	}
	made := virtualwebauthn.CreateAttestationResponse(p.party, p.device, p.key, *options)
	_, err = o.auth.Factors.AddPasskey(o.t.Context(), o.session(), factor.NewPasskey{
		Act: o.confirmed(code), Credential: []byte(made), Challenge: start.Challenge, From: o.from,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// answer is what the passkey says to the public_key of a reply.
func (p *phonePasskey) answer(r reply) json.RawMessage {
	p.s.t.Helper()
	options, err := json.Marshal(r.json(p.s.t)["public_key"])
	if err != nil {
		p.s.t.Fatal(err)
	}
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		p.s.t.Fatalf("%v: %s", err, r.body)
	}
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(p.party, p.device, p.key, *parsed))
}

// eachNamed is each for sites with a host name, which are asked at their address.
func eachNamed(t *testing.T, fn func(t *testing.T, s *site)) {
	t.Helper()
	each(t, fn, onLocalhost)
}

// half gives the right password on an app of an account with a second factor.
func (s *site) half(name string, headers ...string) reply {
	s.t.Helper()
	r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": name}, headers...)
	if r.status != http.StatusForbidden || r.text(s.t, "code") != "second_factor_required" || r.text(s.t, "challenge") == "" {
		s.t.Fatalf("the right password: %d %s", r.status, r.body)
	}
	return r
}

// step answers a challenge with a code.
func (s *site) step(challenge, method, code string, headers ...string) reply {
	s.t.Helper()
	return s.postJSON("/api/login/factor", map[string]string{"challenge": challenge, "method": method, "code": code}, headers...)
}

// stepWith answers a challenge with a passkey.
func (s *site) stepWith(path, challenge string, credential json.RawMessage, headers ...string) reply {
	s.t.Helper()
	return s.postJSON(path, map[string]any{"challenge": challenge, "method": "passkey", "credential": credential}, headers...)
}

// wants checks a refusal of the API.
func (r reply) wants(t testing.TB, what string, status int, code string) {
	t.Helper()
	if r.status != status || r.text(t, "code") != code {
		t.Errorf("%s: %d %s, want %d %s", what, r.status, r.body, status, code)
	}
}

// proved are the claims of an access token about its owner.
type proved struct {
	AuthTime int64    `json:"auth_time"`
	AMR      []string `json:"amr"`
	ACR      string   `json:"acr"`
}

func (p phone) proved(t testing.TB) (claims proved) {
	t.Helper()
	parts := strings.Split(p.access, ".")
	if len(parts) != 3 {
		t.Fatalf("no access token: %q", p.access)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// browserChallenge gives the right password in a browser and returns the challenge in its cookie.
func (s *site) browserChallenge() string {
	s.t.Helper()
	_, err := s.auth.SignIn.LoginBrowser(s.t.Context(), sessions.Login{Email: adaEmail, Password: adaPassword, From: auth.Caller{Browser: "mark"}})
	var step *challenge.StepError
	if !errors.As(err, &step) {
		s.t.Fatal(err)
	}
	return step.Challenge
}

// refusedInBrowser presents a challenge to the portal.
func (s *site) refusedInBrowser(what string, a challenge.Answer) {
	s.t.Helper()
	if _, err := s.auth.SignIn.FinishBrowser(s.t.Context(), signin.BrowserAnswer{Answer: a}); auth.AsError(err).Kind != auth.KindInvalidChallenge {
		s.t.Errorf("%s, to the portal: %v", what, err)
	}
}
