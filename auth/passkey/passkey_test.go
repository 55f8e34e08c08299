package passkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"

	"latchkey/auth/passkey"
)

const (
	domain    = "id.example.com"
	webOrigin = "https://id.example.com"
	appOrigin = "android:apk-key-hash:NsP8oSGCG4Z2kUIpHjTYN7hk1aCQlwvTzUnkTmF_tWU"
	timeout   = 5 * time.Minute
)

var (
	now  = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	site = virtualwebauthn.RelyingParty{ID: domain, Name: "Latchkey", Origin: webOrigin}
	ada  = passkey.User{ID: uuid.MustParse("0198a3b2-7c4d-7e5f-8a6b-1c2d3e4f5a6b"), Name: "ada@example.com", DisplayName: "Ada"}
	bob  = passkey.User{ID: uuid.MustParse("0198a3b2-7c4d-7e5f-8a6b-000000000b0b"), Name: "bob@example.com", DisplayName: "Bob"}
)

func newSite(t testing.TB) *passkey.Ceremonies {
	t.Helper()
	c, err := passkey.New(passkey.Config{ID: domain, Name: "Latchkey", Origins: []string{webOrigin, appOrigin}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// person is a user with an authenticator that holds one passkey.
type person struct {
	user   passkey.User
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
	stored passkey.Credential
}

// newKey makes a key whose coordinates have no leading zero: the virtual authenticator would leave it out, and about one test in 128
// would fail.
func newKey(t testing.TB) virtualwebauthn.Credential {
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

func newPerson(t testing.TB, user passkey.User) person {
	t.Helper()
	return person{user: user, device: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: user.ID[:]}), key: newKey(t)}
}

// create answers the options of Creation.
func (p person) create(t testing.TB, from virtualwebauthn.RelyingParty, options json.RawMessage) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(virtualwebauthn.CreateAttestationResponse(from, p.device, p.key, *parsed))
}

// answer answers the options of Request.
func (p person) answer(t testing.TB, from virtualwebauthn.RelyingParty, options json.RawMessage) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(virtualwebauthn.CreateAssertionResponse(from, p.device, p.key, *parsed))
}

func begin(t testing.TB, c *passkey.Ceremonies, known ...passkey.Credential) (options json.RawMessage, session []byte) {
	t.Helper()
	options, session, err := c.Request(known, now)
	if err != nil {
		t.Fatal(err)
	}
	return options, session
}

func beginCreation(t testing.TB, c *passkey.Ceremonies, user passkey.User, known ...passkey.Credential) (options json.RawMessage, session []byte) {
	t.Helper()
	options, session, err := c.Creation(user, known, now)
	if err != nil {
		t.Fatal(err)
	}
	return options, session
}

// register gives a new person a passkey, and stores it as the database would.
func register(t testing.TB, c *passkey.Ceremonies, p person) person {
	t.Helper()
	options, session := beginCreation(t, c, p.user)
	made, err := c.FinishCreation(p.user, session, p.create(t, site, options), now)
	if err != nil {
		t.Fatal(err)
	}
	p.stored = reload(t, made)
	return p
}

// reload writes a credential to the columns of the database and reads it back.
func reload(t testing.TB, c passkey.Credential) passkey.Credential {
	t.Helper()
	record, err := c.Record()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := passkey.FromRecord(c.ID, record, c.SignCount, c.BackedUp)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// edit changes the JSON of a body.
func edit(t testing.TB, body []byte, change func(credential, response map[string]any)) []byte {
	t.Helper()
	var credential map[string]any
	if err := json.Unmarshal(body, &credential); err != nil {
		t.Fatal(err)
	}
	change(credential, credential["response"].(map[string]any))
	edited, err := json.Marshal(credential)
	if err != nil {
		t.Fatal(err)
	}
	return edited
}
