package passkey_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"latchkey/auth/passkey"
)

func rawURL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func TestOptionsForASignIn(t *testing.T) {
	c := newSite(t)
	p := register(t, c, newPerson(t, ada))
	p.stored.Transports = []string{"internal"}
	for name, test := range map[string]struct {
		known []passkey.Credential
		want  map[string]any
	}{
		"with any passkey": {nil, map[string]any{}},
		"with a known one": {[]passkey.Credential{p.stored}, map[string]any{"allowCredentials": []any{
			map[string]any{"type": "public-key", "id": rawURL(p.key.ID), "transports": []any{"internal"}},
		}}},
	} {
		options, _ := begin(t, c, test.known...)
		var got map[string]any
		if err := json.Unmarshal(options, &got); err != nil {
			t.Fatal(err)
		}
		if challenge, _ := got["challenge"].(string); len(challenge) < 43 {
			t.Errorf("%s: challenge %q has less than 32 bytes", name, challenge)
		}
		delete(got, "challenge")
		test.want["rpId"], test.want["userVerification"], test.want["timeout"] = domain, "required", 300000.0
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSignInWithAPasskeyAlone(t *testing.T) {
	c := newSite(t)
	p := register(t, c, newPerson(t, ada))
	options, session := begin(t, c)
	body := p.answer(t, site, options)
	handle, id, err := passkey.UserHandle(body)
	if err != nil || handle != ada.ID || string(id) != string(p.key.ID) {
		t.Fatalf("UserHandle: %x, %x, %v", handle, id, err)
	}
	used, err := c.FinishRequest(ada, session, body, []passkey.Credential{p.stored}, now.Add(timeout-time.Millisecond))
	if diff := cmp.Diff(passkey.Used{CredentialID: p.key.ID}, used); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
}

func TestSecondStepWithAPasskey(t *testing.T) {
	c := newSite(t)
	phone, key := register(t, c, newPerson(t, ada)), register(t, c, newPerson(t, ada))
	both := []passkey.Credential{phone.stored, key.stored}
	for name, handle := range map[string][]byte{"that names the account": ada.ID[:], "that names no account, as old security keys do": nil} {
		key.device.Options.UserHandle = handle
		options, session := begin(t, c, both...)
		used, err := c.FinishRequest(ada, session, key.answer(t, site, options), both, now)
		if err != nil || string(used.CredentialID) != string(key.key.ID) {
			t.Errorf("an answer %s: %+v, %v", name, used, err)
		}
	}
}

func TestAnAppSignsIn(t *testing.T) {
	c := newSite(t)
	p := register(t, c, newPerson(t, ada))
	options, session := begin(t, c)
	app := virtualwebauthn.RelyingParty{ID: domain, Origin: appOrigin}
	if _, err := c.FinishRequest(ada, session, p.answer(t, app, options), []passkey.Credential{p.stored}, now); err != nil {
		t.Error(err)
	}
}

// The list of apps can change while the site runs.
func TestAnAppThatIsNamedLaterSignsIn(t *testing.T) {
	c, err := passkey.New(passkey.Config{ID: domain, Name: "Latchkey", Origins: []string{webOrigin}})
	if err != nil {
		t.Fatal(err)
	}
	p := register(t, c, newPerson(t, ada))
	certificate := sha256.Sum256([]byte("the certificate of an app"))
	other := passkey.AndroidOrigin(sha256.Sum256([]byte("another certificate")))
	withApp, err := c.WithApps([]string{other, passkey.AndroidOrigin(certificate)})
	if err != nil {
		t.Fatal(err)
	}
	without, err := c.WithApps(nil)
	if err != nil {
		t.Fatal(err)
	}
	options, session := begin(t, c)
	for name, test := range map[string]struct {
		by     *passkey.Ceremonies
		origin string
		ok     bool
	}{
		"the app":                       {withApp, "android:apk-key-hash:" + rawURL(certificate[:]), true},
		"the page":                      {withApp, webOrigin, true},
		"the page, without apps":        {without, webOrigin, true},
		"the app, where it is not":      {c, passkey.AndroidOrigin(certificate), false},
		"the app, without apps":         {without, passkey.AndroidOrigin(certificate), false},
		"an app with another key":       {withApp, passkey.AndroidOrigin(sha256.Sum256([]byte("a thief's"))), false},
		"the app, in capitals":          {withApp, strings.ToUpper(passkey.AndroidOrigin(certificate)), false},
		"the app, with padding":         {withApp, passkey.AndroidOrigin(certificate) + "=", false},
		"the app, of another hash":      {withApp, strings.Replace(passkey.AndroidOrigin(certificate), "apk-key-hash", "apk-key-hash-sha256", 1), false},
		"the app, as a page of its own": {withApp, "https://" + rawURL(certificate[:]), false},
	} {
		from := virtualwebauthn.RelyingParty{ID: domain, Origin: test.origin}
		_, err := test.by.FinishRequest(ada, session, p.answer(t, from, options), []passkey.Credential{p.stored}, now)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCounterOfAPasskey(t *testing.T) {
	c := newSite(t)
	p := register(t, c, newPerson(t, ada))
	for name, test := range map[string]struct {
		stored int64
		sent   uint32
		want   int64
		warns  bool
	}{
		"that does not count":            {0, 0, 0, false},
		"that grows":                     {5, 6, 6, false},
		"that jumps to its end":          {5, 1<<32 - 1, 1<<32 - 1, false},
		"that begins to count":           {0, 1, 1, false},
		"that stands still":              {5, 5, 5, true},
		"that decreases":                 {5, 4, 5, true},
		"that returns to zero":           {5, 0, 5, true},
		"that decreases at its very end": {1<<32 - 1, 1<<32 - 2, 1<<32 - 1, true},
	} {
		p.stored.SignCount, p.key.Counter = test.stored, test.sent
		options, session := begin(t, c)
		used, err := c.FinishRequest(ada, session, p.answer(t, site, options), []passkey.Credential{reload(t, p.stored)}, now)
		if err != nil || used.SignCount != test.want || used.CloneWarning != test.warns {
			t.Errorf("%s: got %+v, %v", name, used, err)
		}
	}
}

func TestThatAPasskeyIsBackedUpMayChange(t *testing.T) {
	c := newSite(t)
	p := newPerson(t, ada)
	p.device.Options.BackupEligible = true
	p = register(t, c, p)
	for _, backedUp := range []bool{true, false} {
		p.device.Options.BackupState = backedUp
		options, session := begin(t, c)
		used, err := c.FinishRequest(ada, session, p.answer(t, site, options), []passkey.Credential{p.stored}, now)
		if err != nil || used.BackedUp != backedUp {
			t.Errorf("backed up %v: got %+v, %v", backedUp, used, err)
		}
		p.stored.BackedUp = used.BackedUp
	}
}

// attempt is a sign-in that a test spoils.
type attempt struct {
	p       person
	from    virtualwebauthn.RelyingParty
	user    passkey.User
	known   []passkey.Credential
	options json.RawMessage
	session []byte
	at      time.Time
	change  func(credential, response map[string]any)
}

func TestASignInIsRefused(t *testing.T) {
	c := newSite(t)
	p, other, stranger := register(t, c, newPerson(t, ada)), register(t, c, newPerson(t, ada)), register(t, c, newPerson(t, bob))
	for name, test := range map[string]struct {
		with func(*attempt)
		want string
	}{
		"from another origin":           {func(a *attempt) { a.from.Origin = "https://evil.example" }, "another origin"},
		"from a host below ours":        {func(a *attempt) { a.from.Origin = "https://evil." + domain }, "another origin"},
		"from a host with our name":     {func(a *attempt) { a.from.Origin = webOrigin + ".evil.example" }, "another origin"},
		"from no origin":                {func(a *attempt) { a.from.Origin = "" }, "another origin"},
		"for another RP ID":             {func(a *attempt) { a.from.ID = "evil.example" }, "another relying party ID"},
		"for another challenge":         {func(a *attempt) { a.options, _ = begin(t, c) }, "another challenge"},
		"with a session of creation":    {func(a *attempt) { _, a.session = beginCreation(t, c, ada) }, "no session"},
		"without a session":             {func(a *attempt) { a.session = []byte("null") }, "no session"},
		"too late":                      {func(a *attempt) { a.at = now.Add(timeout) }, passkey.ErrExpired.Error()},
		"without the person":            {func(a *attempt) { a.p.device.Options.UserNotPresent = true }, "not present"},
		"without verification":          {func(a *attempt) { a.p.device.Options.UserNotVerified = true }, "not verified"},
		"for another account":           {func(a *attempt) { a.user = bob }, "another account"},
		"with another's user handle":    {func(a *attempt) { a.p.device.Options.UserHandle = bob.ID[:] }, "another account"},
		"with a short user handle":      {func(a *attempt) { a.p.device.Options.UserHandle = ada.ID[:15] }, "another account"},
		"without a user handle":         {func(a *attempt) { a.p.device.Options.UserHandle = nil }, "names no account"},
		"with a passkey that was ended": {func(a *attempt) { a.known = []passkey.Credential{other.stored} }, "no such passkey"},
		"with no passkey":               {func(a *attempt) { a.known = nil }, "no such passkey"},
		"with the key of another": {func(a *attempt) {
			a.p.key.Key = stranger.key.Key
		}, "signature"},
		"with a passkey that was not asked for": {func(a *attempt) {
			a.options, a.session = begin(t, c, other.stored)
			a.known = []passkey.Credential{p.stored, other.stored}
		}, "not one of the passkeys"},
		"with a session of another account": {func(a *attempt) {
			a.options, a.session = begin(t, c, stranger.stored)
		}, "have changed"},
		"with another's passkey and handle": {func(a *attempt) { a.p = stranger }, "another account"},
		"with a backup-eligible flag that was not there": {func(a *attempt) {
			a.p.device.Options.BackupEligible, a.p.device.Options.BackupState = true, true
		}, "backup-eligible"},
		"without the backup-eligible flag that was there": {func(a *attempt) { a.known[0].BackupEligible = true }, "backup-eligible"},
		"with impossible flags":                           {func(a *attempt) { a.p.device.Options.BackupState = true }, "contradict"},
		"with a changed signature": {func(a *attempt) {
			a.change = func(_, r map[string]any) { r["signature"] = "AAAA" }
		}, "signature"},
		"with authenticator data of its own": {func(a *attempt) {
			a.change = func(_, r map[string]any) { r["authenticatorData"] = counted(r["authenticatorData"].(string)) }
		}, "signature"},
		"from a frame of another site": {func(a *attempt) {
			a.change = func(_, r map[string]any) { r["clientDataJSON"] = framed(t, r["clientDataJSON"].(string)) }
		}, "frame"},
		"with client data of no JSON": {func(a *attempt) {
			a.change = func(_, r map[string]any) { r["clientDataJSON"] = rawURL([]byte("secret")) }
		}, "malformed"},
		"with a wrong type": {func(a *attempt) { a.change = func(c, _ map[string]any) { c["type"] = "" } }, "invalid_request"},
		"with too much": {func(a *attempt) {
			a.change = func(c, _ map[string]any) { c["more"] = strings.Repeat("x", passkey.MaxBody) }
		}, "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			options, session := begin(t, c)
			a := attempt{
				p: p, from: site, user: ada, known: []passkey.Credential{p.stored}, options: options, session: session, at: now,
				change: func(_, _ map[string]any) {},
			}
			test.with(&a)
			body := edit(t, a.p.answer(t, a.from, a.options), a.change)
			used, err := c.FinishRequest(a.user, a.session, body, a.known, a.at)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if diff := cmp.Diff(passkey.Used{}, used); diff != "" {
				t.Errorf("and yet it was used: %s", diff)
			}
			quotesNothing(t, err, body)
		})
	}
}

// counted raises the counter in authenticator data.
func counted(data string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(data)
	raw[36] = 0xff
	return rawURL(raw)
}

// framed says in client data that the page was in a frame.
func framed(t *testing.T, data string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	return rawURL([]byte(strings.TrimSuffix(string(raw), "}") + `,"crossOrigin":true}`))
}

// TestABodyAnswersOneSession replays the body of one sign-in in another.
func TestABodyAnswersOneSession(t *testing.T) {
	c := newSite(t)
	p := register(t, c, newPerson(t, ada))
	known := []passkey.Credential{p.stored}
	options, session := begin(t, c)
	body := p.answer(t, site, options)
	if _, err := c.FinishRequest(ada, session, body, known, now); err != nil {
		t.Fatal(err)
	}
	_, again := begin(t, c)
	if _, err := c.FinishRequest(ada, again, body, known, now); err == nil || !strings.Contains(err.Error(), "another challenge") {
		t.Errorf("got %v", err)
	}
	_, second := begin(t, c, p.stored)
	if _, err := c.FinishRequest(ada, second, body, known, now); err == nil || !strings.Contains(err.Error(), "another challenge") {
		t.Errorf("as a second step: got %v", err)
	}
}

func TestALateAnswerIsToldApart(t *testing.T) {
	c := newSite(t)
	_, session := begin(t, c)
	if _, err := c.FinishRequest(ada, session, nil, nil, now.Add(timeout)); !errors.Is(err, passkey.ErrExpired) {
		t.Errorf("got %v", err)
	}
}
