package challenge

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// How long the second step of a sign-in may take, and how often it may be tried.
const (
	BrowserLife = 10 * time.Minute
	AppLife     = 5 * time.Minute
	MaxTries    = 5
)

// SecondStep is what a person must still show after the right password.
type SecondStep struct {
	Challenge string // the secret that names this sign-in
	ID        string // its public id, for forms
	User      uuid.UUID
	Methods   []Method
	PublicKey json.RawMessage // PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3 §5.1); nil without a passkey
	ExpiresAt time.Time
	Closed    bool // the authenticator app takes no code from unknown browsers, after too many wrong ones
	CanTrust  bool // the browser may be trusted afterwards
}

// StepError says that the password was right and the second step must follow.
type StepError struct {
	SecondStep
	refusal *auth.Error
}

func (e *StepError) Error() string { return e.refusal.Error() }

// Unwrap returns the error for people.
func (e *StepError) Unwrap() error { return e.refusal }

// Purpose is what a challenge allows once it is answered. The words are stored.
type Purpose string

// The purposes.
const (
	BrowserSignIn Purpose = "browser_sign_in"
	AppSignIn     Purpose = "app_sign_in"
	BrowserAct    Purpose = "confirmation"     // a sensitive act on the portal
	AppAct        Purpose = "app_confirmation" // a sensitive act in an app
	AppReplace    Purpose = "app_replace"      // a sign-in in the place of another device
)

// stepLife is how long the second step of each purpose may take. An act on the portal has none.
var stepLife = map[Purpose]time.Duration{BrowserSignIn: BrowserLife, AppSignIn: AppLife, AppAct: AppLife}

// Kept is what a challenge keeps for its caller, who gets it back with the right answer. Its field names are stored.
type Kept struct {
	Rehashed string    `json:",omitempty"` // see token.Verified
	Device   string    `json:",omitempty"` // the name that the app asked for
	ClientID string    `json:",omitempty"`
	JKT      string    `json:",omitempty"` // of the key that must answer
	Confirms uuid.UUID `json:",omitzero"`  // of a confirmation: the app's device

	Installation auth.Installation `json:",omitzero"` // of an app
}

// pendingStep is what a sign-in keeps until its second step. It is sealed with the challenge. Its field names are stored.
type pendingStep struct {
	Kept
	Verified string // the password hash that was checked
	Version  int64  // of the factors

	Passkey []byte `json:",omitempty"` // the session of the ceremony
	Options []byte `json:",omitempty"` // its options, for a page that is loaded again

	// Of AppReplace: how the owner was verified. Factor is used up with the sign-in.
	Method models.SignInMethod `json:",omitempty"`
	Factor *keptFactor         `json:",omitempty"`
	First  *keptUse            `json:",omitempty"` // of the challenge that this factor answered

	// Where the sign-in came from, for the mail about a missed second step.
	Browser []byte `json:",omitempty"` // ratelimit.BrowserOrigin
	IP      string `json:",omitempty"`
	Agent   string `json:",omitempty"`
}

// Step is what waits for a second step after the right password.
type Step struct {
	User    models.User
	Factors []models.Factor
	Purpose Purpose
	Kept    Kept
	From    auth.Caller      // of a sign-in, for the mail about a missed second step
	Spend   []models.Budget  // each counts this step
	Uncount []models.Counter // failures counted in advance, taken back
}

// Ask writes the challenge of a second step and returns a StepError. Otherwise it returns KindRateLimited if a budget is used up,
// KindInvalidCredential with the cause models.ErrChanged if the account has changed since it was read, or KindUnavailable.
func (s *Service) Ask(ctx context.Context, st Step) (err error) {
	now, user := s.clock.Now(), st.User
	p := pendingStep{
		Kept: st.Kept, Verified: user.PasswordHash, Version: user.FactorsVersion,
		Browser: s.limits.BrowserOrigin(st.From), IP: st.From.Address(), Agent: st.From.UserAgent,
	}
	step := SecondStep{
		User: user.ID, Methods: s.Methods(st.Factors), Closed: isClosed(st.Factors), CanTrust: s.policy.MayTrustBrowsers(user), ExpiresAt: now.Add(stepLife[st.Purpose]),
	}
	if known := Passkeys(st.Factors); len(known) > 0 && s.HasPasskeys() {
		if step.PublicKey, p.Passkey, err = s.passkeys.Request(known, now); err != nil {
			return err
		}
		p.Options = step.PublicKey
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	step.Challenge = base64.RawURLEncoding.EncodeToString(secret[:])
	step.ID = publicID(hash[:])
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep a sign-in: %w", err)
	}
	err = s.gate.Query(ctx, func() error {
		return s.store.AddChallenge(ctx, models.Challenge{
			Hash: hash[:], UserID: user.ID, Purpose: string(st.Purpose), Data: s.sealer.Seal(sealedRow(hash[:]), data), CreatedAt: now, ExpiresAt: step.ExpiresAt,
		}, p.Verified, p.Version, st.Spend, st.Uncount)
	})
	switch {
	case errors.Is(err, models.ErrSpent):
		return auth.RateLimited("sign_ins", ratelimit.AttemptWindow)
	case errors.Is(err, models.ErrChanged):
		return &auth.Error{Kind: auth.ErrBadCredentials.Kind, Message: auth.ErrBadCredentials.Message, Cause: err}
	case err != nil:
		return err
	}
	return &StepError{step, &auth.Error{Kind: auth.KindSecondFactor, Message: "The password is right. Now take the second step."}}
}

// Find reads the second step of a browser that waits, for its page. It returns KindInvalidChallenge if no step waits.
func (s *Service) Find(ctx context.Context, challenge string) (SecondStep, error) {
	hash, err := secretHash(challenge)
	if err != nil {
		return SecondStep{}, err
	}
	c, err := s.store.FindChallenge(ctx, string(BrowserSignIn), hash, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) || err == nil && c.UsedAt != nil {
		return SecondStep{}, errInvalid
	}
	if err != nil {
		return SecondStep{}, err
	}
	user, p, err := s.openStep(ctx, c)
	if err != nil {
		return SecondStep{}, err
	}
	factors, err := s.Factors(ctx, user.ID)
	if err != nil {
		return SecondStep{}, err
	}
	return SecondStep{
		Challenge: challenge, ID: publicID(hash), User: user.ID, Methods: s.Methods(factors), PublicKey: p.Options, Closed: isClosed(factors), CanTrust: s.policy.MayTrustBrowsers(user),
		ExpiresAt: c.ExpiresAt,
	}, nil
}

// openStep opens a challenge and checks that its account is still what it was when the password was checked.
func (s *Service) openStep(ctx context.Context, c models.Challenge) (user models.User, p pendingStep, err error) {
	data, _, err := s.sealer.Open(sealedRow(c.Hash), c.Data)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		return user, p, Invalid(err)
	}
	user, err = s.store.UserByID(ctx, c.UserID)
	if errors.Is(err, models.ErrNotFound) {
		return user, p, Invalid(err)
	}
	locked := user.LockedAt != nil && p.Method != models.ByPasskey // a locked password locks no passkey
	if err == nil && (user.PasswordHash != p.Verified || user.FactorsVersion != p.Version || locked || user.DisabledAt != nil) {
		return user, p, errInvalid
	}
	return user, p, err
}
