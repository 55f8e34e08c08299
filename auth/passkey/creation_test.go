package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/auth/passkey"
)

func TestOptionsForANewPasskey(t *testing.T) {
	c := newSite(t)
	old := register(t, c, newPerson(t, ada))
	options, _ := beginCreation(t, c, ada, old.stored)
	var got map[string]any
	if err := json.Unmarshal(options, &got); err != nil {
		t.Fatal(err)
	}
	if challenge, _ := got["challenge"].(string); len(challenge) < 43 {
		t.Errorf("challenge %q has less than 32 bytes", challenge)
	}
	delete(got, "challenge")
	want := map[string]any{
		"rp":   map[string]any{"id": domain, "name": "Latchkey"},
		"user": map[string]any{"id": "AZijsnxNfl-KaxwtPk9aaw", "name": "ada@example.com", "displayName": "Ada"},
		"pubKeyCredParams": []any{
			map[string]any{"type": "public-key", "alg": -7.0},
			map[string]any{"type": "public-key", "alg": -8.0},
			map[string]any{"type": "public-key", "alg": -257.0},
		},
		"timeout":                300000.0,
		"excludeCredentials":     []any{map[string]any{"type": "public-key", "id": rawURL(old.key.ID)}},
		"authenticatorSelection": map[string]any{"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
		"attestation":            "none",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestANewPasskeyIsReadWhole(t *testing.T) {
	c := newSite(t)
	p := newPerson(t, ada)
	p.device.Aaguid = uuid.MustParse("d548826e-79b4-db40-a3d8-11116f7e8349")
	p.device.Options.BackupEligible, p.device.Options.BackupState = true, true
	p.key.Counter = 3
	options, session := beginCreation(t, c, ada)
	body := edit(t, p.create(t, site, options), func(credential, response map[string]any) {
		response["transports"] = []any{"internal", "<script>", "hybrid", "internal", strings.Repeat("x", 1000)}
		credential["clientExtensionResults"] = map[string]any{"credProps": map[string]any{"rk": true}, "unheard-of": 1}
		credential["authenticatorAttachment"] = "platform"
	})
	made, err := c.FinishCreation(ada, session, body, now)
	if err != nil {
		t.Fatal(err)
	}
	want := passkey.Credential{
		ID: p.key.ID, SignCount: 3, BackedUp: true, PublicKey: p.key.Key.AttestationData(), AAGUID: p.device.Aaguid, Attestation: "packed",
		Transports: []string{"hybrid", "internal"}, BackupEligible: true,
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, reload(t, made)); diff != "" {
		t.Errorf("from the database: %s", diff)
	}
	if !passkey.Synced(made) || made.DefaultName() != "Bitwarden" {
		t.Errorf("synced %v, default name %q", passkey.Synced(made), made.DefaultName())
	}
}

// TestANewPasskeyWithoutAttestation sends what browsers send when they are asked for none.
func TestANewPasskeyWithoutAttestation(t *testing.T) {
	c := newSite(t)
	p := newPerson(t, ada)
	p.device.Aaguid = [16]byte{}
	options, session := beginCreation(t, c, ada)
	body := edit(t, p.create(t, site, options), func(_, response map[string]any) {
		raw, err := base64.RawURLEncoding.DecodeString(response["attestationObject"].(string))
		if err != nil {
			t.Fatal(err)
		}
		_, data, ok := bytes.Cut(raw, []byte("\x68authData"))
		if !ok {
			t.Fatal("the attestation object has no authData")
		}
		response["attestationObject"] = rawURL(append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"), data...))
	})
	made, err := c.FinishCreation(ada, session, body, now)
	if err != nil || made.Attestation != "none" || made.DefaultName() != "Passkey" || !bytes.Equal(made.ID, p.key.ID) {
		t.Errorf("got %+v, %v", made, err)
	}
}

func TestAPasskeyBoundToItsDevice(t *testing.T) {
	p := register(t, newSite(t), newPerson(t, ada))
	if passkey.Synced(p.stored) || p.stored.BackedUp || p.stored.DefaultName() != "Passkey" {
		t.Errorf("got %+v, default name %q", p.stored, p.stored.DefaultName())
	}
}

func TestAnAppAddsAPasskey(t *testing.T) {
	c := newSite(t)
	p := newPerson(t, ada)
	options, session := beginCreation(t, c, ada)
	app := virtualwebauthn.RelyingParty{ID: domain, Origin: appOrigin}
	if _, err := c.FinishCreation(ada, session, p.create(t, app, options), now); err != nil {
		t.Error(err)
	}
}

func TestAnRSAKeyIsAccepted(t *testing.T) {
	c := newSite(t)
	p := newPerson(t, ada)
	p.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeRSA)
	p = register(t, c, p)
	options, session := begin(t, c)
	if _, err := c.FinishRequest(ada, session, p.answer(t, site, options), []passkey.Credential{p.stored}, now); err != nil {
		t.Error(err)
	}
}

func TestAnAuthenticatorLearnsWhichPasskeysItHolds(t *testing.T) {
	c := newSite(t)
	p := register(t, c, newPerson(t, ada))
	options, _ := beginCreation(t, c, ada, p.stored)
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	if !p.key.IsExcludedForAttestation(*parsed) {
		t.Error("the passkey that the account has is not excluded")
	}
}

func TestANewPasskeyIsRefused(t *testing.T) {
	c := newSite(t)
	type attempt struct {
		p       person
		from    virtualwebauthn.RelyingParty
		user    passkey.User
		session []byte
		at      time.Time
		change  func(credential, response map[string]any)
	}
	for name, test := range map[string]struct {
		with func(*attempt)
		want string
	}{
		"from another origin":      {func(a *attempt) { a.from.Origin = "https://evil.example" }, "another origin"},
		"from another port":        {func(a *attempt) { a.from.Origin = webOrigin + ":8443" }, "another origin"},
		"from HTTP":                {func(a *attempt) { a.from.Origin = "http://" + domain }, "another origin"},
		"from another app":         {func(a *attempt) { a.from.Origin = strings.ToLower(appOrigin) }, "another origin"},
		"for another RP ID":        {func(a *attempt) { a.from.ID = "example.com" }, "another relying party ID"},
		"for another challenge":    {func(a *attempt) { _, a.session = beginCreation(t, c, ada) }, "another challenge"},
		"for another account":      {func(a *attempt) { a.user = bob }, "another account"},
		"with a sign-in's session": {func(a *attempt) { _, a.session = begin(t, c) }, "no session"},
		"with a forged session":    {func(a *attempt) { a.session = []byte(`{"v":1,"kind":"create","expires":9999999999999}`) }, "no session"},
		"with a later session":     {func(a *attempt) { a.session = bytes.Replace(a.session, []byte(`"v":1`), []byte(`"v":2`), 1) }, "no session"},
		"without a session":        {func(a *attempt) { a.session = nil }, "no session"},
		"too late":                 {func(a *attempt) { a.at = now.Add(timeout) }, passkey.ErrExpired.Error()},
		"without the person":       {func(a *attempt) { a.p.device.Options.UserNotPresent = true }, "not present"},
		"without verification":     {func(a *attempt) { a.p.device.Options.UserNotVerified = true }, "not verified"},
		"with impossible flags":    {func(a *attempt) { a.p.device.Options.BackupState = true }, "contradict"},
		"with a wrong type":        {func(a *attempt) { a.change = func(c, _ map[string]any) { c["type"] = "password" } }, "invalid_request"},
		"with two different IDs":   {func(a *attempt) { a.change = func(c, _ map[string]any) { c["id"], c["rawId"] = "AAAA", "AAAA" } }, "two different IDs"},
		"without attestation":      {func(a *attempt) { a.change = func(_, r map[string]any) { delete(r, "attestationObject") } }, "parse_error"},
		"with too much": {func(a *attempt) {
			a.change = func(c, _ map[string]any) { c["more"] = strings.Repeat("x", passkey.MaxBody) }
		}, "longer"},
		"with a list for an object": {func(a *attempt) { a.change = func(c, _ map[string]any) { c["response"] = []any{"secret"} } }, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			options, session := beginCreation(t, c, ada)
			a := attempt{p: newPerson(t, ada), from: site, user: ada, session: session, at: now, change: func(_, _ map[string]any) {}}
			test.with(&a)
			body := edit(t, a.p.create(t, a.from, options), a.change)
			made, err := c.FinishCreation(a.user, a.session, body, a.at)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if diff := cmp.Diff(passkey.Credential{}, made); diff != "" {
				t.Errorf("and yet a credential: %s", diff)
			}
			quotesNothing(t, err, body)
		})
	}
}

// quotesNothing fails when an error repeats something of a body: a log gets the error.
func quotesNothing(t *testing.T, err error, body []byte) {
	t.Helper()
	if err == nil {
		return
	}
	for _, word := range strings.FieldsFunc(string(body), func(r rune) bool { return strings.ContainsRune(`{}[]":, `, r) }) {
		switch word {
		case "response", "type", "id", "origin", "public-key", "challenge", "signature": // names of fields
			continue
		}
		if len(word) > 3 && strings.Contains(err.Error(), word) {
			t.Errorf("%q quotes %q", err, word)
		}
	}
}
