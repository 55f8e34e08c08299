package grant

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// ProofLife is how old the latest proof of a browser's user may be when an app signs in through it. A client with SSO asks for no proof.
const ProofLife = 15 * time.Minute

// NeedsProof reports whether the person must confirm who they are before a client signs in through their browser.
func (s *Service) NeedsProof(r Request, c models.Client, by *browser.Session) bool {
	proved := by.Device.Proved()
	switch {
	case !c.SSO && !s.within(proved, ProofLife):
		return true
	case r.MaxAge != nil && !s.within(proved, time.Duration(*r.MaxAge)*time.Second):
		return true
	case r.Asks(PromptLogin) && !proved.After(r.At):
		return true
	}
	return by.User.SecondFactor && slices.Contains(r.ACR, token.TwoFactors) && !slices.Contains(r.ACR, token.OneFactor) && token.LevelOf(by.Device) != token.TwoFactors
}

// Code is a code that was given, for the client's redirect URI.
type Code struct {
	Request Request
	Text    string
}

// Approval is a person's approval of a request.
type Approval struct {
	Sealed       string // the request's Sealed.Text
	DeviceName   string
	Replace      string               // the id of the device that the app takes the place of; needed where Room says so
	Confirmation confirm.Confirmation // needed where NeedsProof says so
	From         auth.Caller
}

// Approve gives the client a code, and remembers that it may sign in in this browser. The same approval, sent twice, gets the same code.
// It returns the errors of Open; a *Refusal with login_required if the app expects another person; KindInvalidRequest of device_name, of replace and of the confirmation's fields;
// KindTooManyDevices where no device can make room; the other errors of confirm.Act; and KindRateLimited after too many codes.
func (s *Service) Approve(ctx context.Context, by *browser.Session, a Approval) (Code, error) {
	q, err := s.reopen(ctx, a.Sealed)
	if err == nil && !q.Expects(by) { // the page does not offer it
		err = q.refuse("login_required", "Another person is signed in.")
	}
	if err != nil {
		return Code{}, err
	}
	if code, ok, err := s.givenBefore(ctx, q, by); ok || err != nil {
		return code, err
	}
	c, err := s.Client(ctx, q.Request)
	if err != nil {
		return Code{}, err
	}
	var bad auth.Fields
	name, problem := auth.DeviceName(a.DeviceName)
	bad.Refuse("device_name", problem)
	leave, err := s.makesRoom(ctx, &bad, by, c.ID, a.Replace)
	if err != nil {
		return Code{}, err
	}
	ask := s.NeedsProof(q.Request, c, by)
	if ask {
		a.Confirmation.CheckForm(&bad, by.User)
	}
	if err := bad.Err(); err != nil {
		return Code{}, err
	}
	give := func(p models.Proof, at time.Time) (err error) {
		return s.give(ctx, q, by, given{name: name, leave: leave, proof: p, proved: at, from: a.From, consents: s.consents(q.Request, c, a.From)})
	}
	if ask {
		err = s.confirm.Act(ctx, by, a.Confirmation, func(p models.Proof) error { return give(p, s.clock.Now()) })
	} else {
		err = give(sessionProof(by), by.Device.Proved())
	}
	if errors.Is(err, models.ErrUsed) { // the same approval came twice at once, or what confirmed it was used before
		if code, ok, err := s.givenBefore(ctx, q, by); ok || err != nil {
			return code, err
		}
		if !ask { // the request has reached its end just now
			err = q.refuse(ErrRequestURI, "This request is too old: start a new one.")
		}
	}
	return s.codeGiven(q, by, err)
}

// codeGiven is the code that give wrote, unless it returned an error.
func (s *Service) codeGiven(q Sealed, by *browser.Session, err error) (Code, error) {
	if err != nil {
		return Code{}, err
	}
	return Code{q.Request, s.codesFor(q, by)[0]}, nil
}

// sessionProof is the proof of a person whose session is enough.
func sessionProof(by *browser.Session) models.Proof {
	return models.Proof{Verified: by.User.PasswordHash, Version: by.User.FactorsVersion, Method: by.Device.ProvedBy}
}

// Deny refuses a request in the name of the person. It returns the errors of Open, and a *Refusal with access_denied.
func (s *Service) Deny(ctx context.Context, sealed string) error {
	q, err := s.Open(ctx, sealed)
	if err != nil {
		return err
	}
	return q.refuse("access_denied", "The person declined.")
}

// Silent answers a request with prompt=none (OpenID Connect Core §3.1.2.1). by is the browser's session, or nil. It gives a
// code without a page only to a client that this account has approved in this browser before, and only for an https redirect URI: any
// program can claim another one (RFC 8252 §8.6). Otherwise, and where Room is full, it returns a *Refusal with login_required or interaction_required, or with
// temporarily_unavailable past a limit or without the database.
func (s *Service) Silent(ctx context.Context, q Sealed, by *browser.Session, name string, from auth.Caller) (Code, error) {
	err := s.giveSilently(ctx, q, by, name, from)
	var refusal *Refusal
	switch kind := auth.AsError(err).Kind; {
	case err == nil, errors.As(err, &refusal):
	case errors.Is(err, models.ErrUsed): // a pushed request came twice at once
		err = q.refuse(ErrRequestURI, "This request was answered already: start a new one.")
	case kind == auth.KindInvalidChallenge:
		err = q.refuse("login_required", "The account has changed.")
	case kind == auth.KindRateLimited, kind == auth.KindUnavailable:
		err = q.refuse("temporarily_unavailable", "Try again later.")
	}
	return s.codeGiven(q, by, err)
}

func (s *Service) giveSilently(ctx context.Context, q Sealed, by *browser.Session, name string, from auth.Caller) error {
	c, err := s.Client(ctx, q.Request)
	if err != nil {
		return err
	}
	if by == nil || s.NeedsProof(q.Request, c, by) {
		return q.refuse("login_required", "The person must sign in.")
	}
	use := models.SilentUse{Consents: s.consents(q.Request, c, from), Since: s.clock.Now().Add(-ratelimit.KnownFor)}
	if made := c.CreatedAt.Add(-time.Microsecond); made.After(use.Since) { // another app may have had the id before
		use.Since = made
	}
	known, err := s.store.Consented(ctx, by.User.ID, use)
	hinted := q.Person != "" || q.LoginHint != ""
	switch {
	case err != nil:
		return err
	case hinted && !known, !q.Expects(by), q.LoginHint != "" && !by.Has(q.LoginHint): // an app that the person has not approved here learns nothing of them
		return q.refuse("login_required", "The person must sign in.")
	case by.User.MustChoosePassword(), s.browsers.Config().SecondFactor.MustSetUp(by.User), !strings.HasPrefix(q.RedirectURI, "https://"):
		return q.refuse("interaction_required", "The person must see a page.")
	}
	if known {
		room, roomErr := s.Room(ctx, by, c.ID)
		switch {
		case roomErr != nil:
			return roomErr
		case room.Full:
			return q.refuse("interaction_required", "The person must choose a device to sign out.")
		}
		err = s.give(ctx, q, by, given{name: name, proof: sessionProof(by), proved: by.Device.Proved(), from: from, silent: &use})
	}
	if !known || errors.Is(err, models.ErrNoConsent) {
		return q.refuse("interaction_required", "The person has not approved this app in this browser yet.")
	}
	return err
}

// consents are those that let the client answer a request in a browser: of what it gets then or, where that has no e-mail address, of that with
// the address. The first is the one that an approval gives. A browser without a mark has none.
func (s *Service) consents(r Request, c models.Client, from auth.Caller) []models.Consent {
	mark := s.limits.BrowserOrigin(from)
	if len(mark) == 0 {
		return nil
	}
	read, write := client.OwnDevices(c)
	of := func(email bool) models.Consent {
		hash := sha256.Sum256(fmt.Appendf(bytes.Clone(mark), " %t %t %t", email, read, write))
		return models.Consent{ClientID: r.ClientID, Browser: hash[:]}
	}
	if slices.Contains(r.Scope, ScopeEmail) {
		return []models.Consent{of(true)}
	}
	return []models.Consent{of(false), of(true)}
}

// given is how a code comes to be given.
type given struct {
	name   string    // of the device
	leave  uuid.UUID // the device that it takes the place of; uuid.Nil: there is room
	proof  models.Proof
	proved time.Time // when the owner was verified
	from   auth.Caller

	consents []models.Consent  // of the page that the person saw: the first is remembered
	silent   *models.SilentUse // nil: the person saw a page
}

// keptCode is what a code keeps until it is redeemed. It is sealed in its row; its field names are stored.
type keptCode struct {
	ClientID    string
	RedirectURI string
	Challenge   string
	JKT         string    `json:",omitempty"`
	Nonce       string    `json:",omitempty"`
	Scope       []string  `json:",omitempty"`
	Name        string    // of the device
	Leave       uuid.UUID `json:",omitzero"` // the device that it takes the place of; uuid.Nil: the limits count
	Agent       string    // the browser's User-Agent
	Browser     uuid.UUID
	Verified    string // the password hash of the approval
	Version     int64  // of the factors
	ProvedBy    models.SignInMethod
	ProvedAt    time.Time
	Silent      *models.SilentUse `json:",omitempty"`

	Installation auth.Installation `json:",omitzero"`
}

// give writes the code.
func (s *Service) give(ctx context.Context, q Sealed, by *browser.Session, g given) error {
	now := s.clock.Now()
	hash := codeHash(s.codesFor(q, by)[0])
	data, err := json.Marshal(keptCode{
		ClientID: q.ClientID, RedirectURI: q.RedirectURI, Challenge: q.Challenge, JKT: q.JKT, Nonce: q.Nonce, Scope: q.Scope, Name: g.name,
		Leave: g.leave, Agent: g.from.UserAgent, Browser: by.Device.ID, Verified: g.proof.Verified, Version: g.proof.Version, ProvedBy: g.proof.Method, ProvedAt: g.proved, Silent: g.silent,
		Installation: s.tokens.KeyInstallation(q.Installation, by.User.ID, q.ClientID),
	})
	if err != nil {
		return fmt.Errorf("keep an approval: %w", err)
	}
	n := models.NewCode{
		Code: models.Challenge{
			Hash: hash, UserID: by.User.ID, Purpose: models.PurposeCode, Data: s.sealer.Seal(codeRow(hash), data), CreatedAt: now, ExpiresAt: now.Add(CodeLife),
		},
		Request: models.ChallengeUse{Hash: q.row(), Purpose: purposeRequest, ExpiresAt: q.At.Add(RequestLife), Sealed: true},
		Proof:   g.proof, Spend: s.limits.GrantBudget(by.User.ID), Silent: g.silent,
	}
	if len(g.consents) > 0 {
		n.Consent = &g.consents[0]
	}
	return s.addCode(ctx, n)
}

// addCode writes a code. It returns KindRateLimited after too many codes of the account.
func (s *codes) addCode(ctx context.Context, n models.NewCode) error {
	err := s.gate.Query(ctx, func() error { return s.store.AddCode(ctx, n) })
	switch {
	case errors.Is(err, models.ErrSpent):
		return auth.RateLimited("grants", ratelimit.AttemptWindow)
	case errors.Is(err, models.ErrChanged) && n.Proof.Factor == nil:
		return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "Your account has changed since you opened this page. Please try again.", Cause: err}
	}
	return err
}
