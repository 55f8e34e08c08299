package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Used is what a passkey said of itself when it was used.
type Used struct {
	CredentialID []byte
	SignCount    int64 // what to store: never below the count that was stored
	BackedUp     bool
	// CloneWarning says that the counter did not grow: a copy of the passkey may exist (Level 3, section 6.1.1). Synced passkeys have no
	// counter: theirs stays at zero.
	CloneWarning bool
}

// Request begins a sign-in or a confirmation. The options are a PublicKeyCredentialRequestOptionsJSON, for
// PublicKeyCredential.parseRequestOptionsFromJSON. Only the known credentials may answer; with none, any passkey of the site may, and the
// answer says whose it is.
func (c *Ceremonies) Request(known []Credential, now time.Time) (options json.RawMessage, session []byte, err error) {
	s := ceremony{Kind: requestKind}
	for _, k := range known {
		s.Allowed = append(s.Allowed, k.ID)
	}
	allowed := descriptors(known)
	if len(allowed) == 0 {
		allowed = nil
	}
	request, begun, err := c.library.BeginDiscoverableLogin(webauthn.WithAllowedCredentials(allowed))
	if err != nil {
		return nil, nil, fmt.Errorf("beginning to ask for a passkey: %w", err)
	}
	s.Challenge = begun.Challenge
	return c.begin(request.Response, s, now)
}

// UserHandle reads whose passkey has answered, before anything is verified: the account's UUID, and the credential's ID. The caller loads
// that account and then calls FinishRequest.
func UserHandle(body []byte) (handle [16]byte, credentialID []byte, err error) {
	parsed, err := parseAssertion(body)
	if err != nil {
		return [16]byte{}, nil, err
	}
	if len(parsed.Response.UserHandle) != len(handle) {
		return [16]byte{}, nil, errors.New("reading a passkey's answer: it names no account")
	}
	return [16]byte(parsed.Response.UserHandle), parsed.RawID, nil
}

func parseAssertion(body []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(body) > MaxBody {
		return nil, errTooLong
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(body)
	if err != nil {
		return nil, failure("reading a passkey's answer", err)
	}
	return parsed, nil
}

// FinishRequest checks a passkey's answer. The session must come from Request. Known are all credentials of the account, with their
// stored counters. The answer must name the user; it may leave that out where Request had known credentials. It returns ErrExpired after
// Config.Life.
func (c *Ceremonies) FinishRequest(user User, session, body []byte, known []Credential, now time.Time) (Used, error) {
	s, err := openSession(session, requestKind, now)
	if err != nil {
		return Used{}, err
	}
	parsed, err := parseAssertion(body)
	if err != nil {
		return Used{}, err
	}
	owner := account{User: user, known: known}
	begun := webauthn.SessionData{
		Challenge: s.Challenge, UserVerification: protocol.VerificationRequired, AllowedCredentialIDs: s.Allowed,
	}
	used, err := c.validate(owner, begun, parsed)
	if err != nil {
		return Used{}, failure("checking a passkey's answer", err)
	}
	return Used{
		CredentialID: slices.Clone(used.ID), SignCount: int64(used.Authenticator.SignCount), BackedUp: used.Flags.BackupState,
		CloneWarning: used.Authenticator.CloneWarning,
	}, nil
}

// validate demands the user handle exactly where nothing else says whose passkey was asked for.
func (c *Ceremonies) validate(owner account, begun webauthn.SessionData, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if len(begun.AllowedCredentialIDs) > 0 {
		begun.UserID = owner.ID[:]
		return c.library.ValidateLogin(owner, begun, parsed)
	}
	_, used, err := c.library.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return owner, nil }, begun, parsed)
	return used, err
}
