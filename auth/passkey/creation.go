package passkey

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// algorithms are those that authenticators sign with, the preferred one first (Level 3, section 5.4): ES256 is what all of them know.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256}, // older Windows Hello
}

// Creation begins adding a passkey. The options are a PublicKeyCredentialCreationOptionsJSON, for
// PublicKeyCredential.parseCreationOptionsFromJSON. An authenticator that holds one of the known credentials refuses to make another.
func (c *Ceremonies) Creation(user User, known []Credential, now time.Time) (options json.RawMessage, session []byte, err error) {
	creation, begun, err := c.library.BeginRegistration(account{User: user},
		webauthn.WithCredentialParameters(algorithms), webauthn.WithExclusions(descriptors(known)))
	if err != nil {
		return nil, nil, fmt.Errorf("beginning to add a passkey: %w", err)
	}
	return c.begin(creation.Response, ceremony{Kind: creationKind, Challenge: begun.Challenge, User: user.ID[:]}, now)
}

// FinishCreation checks the new passkey that an authenticator made, and returns it. The session must come from Creation for the same
// user. The caller refuses a credential that the account has already: the check of the authenticator can be left out by an attacker. It
// returns ErrExpired after Config.Life.
func (c *Ceremonies) FinishCreation(user User, session, body []byte, now time.Time) (Credential, error) {
	s, err := openSession(session, creationKind, now)
	if err != nil {
		return Credential{}, err
	}
	if len(body) > MaxBody {
		return Credential{}, errTooLong
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(body)
	if err != nil {
		return Credential{}, failure("reading a new passkey", err)
	}
	made, err := c.library.CreateCredential(account{User: user}, webauthn.SessionData{
		Challenge: s.Challenge, UserID: s.User, UserVerification: protocol.VerificationRequired, CredParams: algorithms,
	}, parsed)
	if err != nil {
		return Credential{}, failure("checking a new passkey", err)
	}
	return newCredential(made)
}
