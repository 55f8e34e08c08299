package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/passkey"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// How long the second step of a sign-in may take, and how often it may be tried.
const (
	BrowserStepLife = 10 * time.Minute
	AppStepLife     = 5 * time.Minute
	MaxStepTries    = 5
)

// StepMethod is a way to take the second step. The words are part of the API.
type StepMethod string

// The methods, in the order in which they are offered.
const (
	StepPasskey  StepMethod = "passkey"
	StepTOTP     StepMethod = "totp"
	StepRecovery StepMethod = "recovery_code"
)

// SecondStep is what a person must still show after the right password.
type SecondStep struct {
	Challenge string // the secret that names this sign-in
	ID        string // its public id, for forms
	User      uuid.UUID
	Methods   []StepMethod
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

// The purposes of challenges. The words are stored.
const (
	purposeBrowser = "browser_sign_in"
	purposeApp     = "app_sign_in"
)

// stepLife is how long the second step of each purpose may take.
var stepLife = map[string]time.Duration{purposeBrowser: BrowserStepLife, purposeApp: AppStepLife, purposeAppConfirm: AppStepLife}

// pendingStep is what a sign-in keeps until its second step. It is sealed with the challenge. Its field names are stored.
type pendingStep struct {
	Verified string // the password hash that was checked
	Rehashed string `json:",omitempty"`
	Version  int64  // of the factors
	Device   string `json:",omitempty"` // the name that the app asked for
	ClientID string `json:",omitempty"`
	JKT      string `json:",omitempty"`

	Confirms uuid.UUID `json:",omitzero"` // of a confirmation: the app's device

	Passkey []byte `json:",omitempty"` // the session of the ceremony
	Options []byte `json:",omitempty"` // its options, for a page that is loaded again

	// From where the sign-in came, for a mail about it if the second step is not taken.
	Browser []byte `json:",omitempty"` // ratelimit.BrowserOrigin
	IP      string `json:",omitempty"`
	Agent   string `json:",omitempty"`
}

// askSecondStep keeps the sign-in until its second step, counts it under the account's budget, and returns a StepError.
func (s *Service) askSecondStep(ctx context.Context, c *passwordcheck.Check, v token.Verified, a attempt, p pendingStep) error {
	p.Rehashed = v.Rehashed
	p.Browser, p.IP, p.Agent = s.limits.BrowserOrigin(a.From), a.From.Address(), a.From.UserAgent
	factors, err := s.factorsOf(ctx, v.User.ID)
	if err != nil {
		return err
	}
	spend, uncount := c.Budgets()
	err = s.addStep(ctx, newStep{v.User, factors, a.purpose, p, spend, uncount})
	if auth.AsError(err).Kind == auth.KindSecondFactor || errors.Is(err, models.ErrUnavailable) {
		c.TakenBack()
	}
	return err
}

// newStep is what waits for a second step after the right password.
type newStep struct {
	user    models.User
	factors []models.Factor
	purpose string
	pending pendingStep
	spend   []models.Budget  // each counts it
	uncount []models.Counter // failures counted in advance, taken back
}

// addStep writes the challenge of a second step and returns a StepError.
func (s *Service) addStep(ctx context.Context, n newStep) (err error) {
	now, user, p := s.clock.Now(), n.user, n.pending
	p.Verified, p.Version = user.PasswordHash, user.FactorsVersion
	step := SecondStep{
		User: user.ID, Methods: s.methodsOf(n.factors), Closed: isClosed(n.factors), CanTrust: s.config.SecondFactor.MayTrustBrowsers(user), ExpiresAt: now.Add(stepLife[n.purpose]),
	}
	if known := Passkeys(n.factors); len(known) > 0 && s.HasPasskeys() {
		if step.PublicKey, p.Passkey, err = s.passkeys.Request(known, now); err != nil {
			return err
		}
		p.Options = step.PublicKey
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	step.Challenge = base64.RawURLEncoding.EncodeToString(secret[:])
	step.ID = stepID(hash[:])
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep a sign-in: %w", err)
	}
	err = s.gate.Query(ctx, func() error {
		return s.store.AddChallenge(ctx, models.Challenge{
			Hash: hash[:], UserID: user.ID, Purpose: n.purpose, Data: s.sealer.Seal(challengeRow(hash[:]), data), CreatedAt: now, ExpiresAt: step.ExpiresAt,
		}, p.Verified, p.Version, n.spend, n.uncount)
	})
	switch {
	case errors.Is(err, models.ErrSpent):
		return auth.RateLimited(ratelimit.AttemptWindow)
	case errors.Is(err, models.ErrChanged):
		return &auth.Error{Kind: auth.ErrBadCredentials.Kind, Message: auth.ErrBadCredentials.Message, Cause: err}
	case err != nil:
		return err
	}
	return &StepError{step, &auth.Error{Kind: auth.KindSecondFactor, Message: "The password is right. Now take the second step."}}
}

// FindStep reads the second step of a browser that waits, for its page. It returns KindInvalidChallenge if there is none.
func (s *Service) FindStep(ctx context.Context, challenge string) (SecondStep, error) {
	hash, err := challengeHash(challenge)
	if err != nil {
		return SecondStep{}, err
	}
	c, err := s.store.FindChallenge(ctx, purposeBrowser, hash, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) || err == nil && c.UsedAt != nil {
		return SecondStep{}, errInvalidChallenge
	}
	if err != nil {
		return SecondStep{}, err
	}
	user, p, err := s.openStep(ctx, c)
	if err != nil {
		return SecondStep{}, err
	}
	factors, err := s.factorsOf(ctx, user.ID)
	if err != nil {
		return SecondStep{}, err
	}
	return SecondStep{
		Challenge: challenge, ID: stepID(hash), User: user.ID, Methods: s.methodsOf(factors), PublicKey: p.Options, Closed: isClosed(factors), CanTrust: s.config.SecondFactor.MayTrustBrowsers(user),
		ExpiresAt: c.ExpiresAt,
	}, nil
}

// openStep opens a challenge and checks that its account is still what it was when the password was checked.
func (s *Service) openStep(ctx context.Context, c models.Challenge) (user models.User, p pendingStep, err error) {
	data, _, err := s.sealer.Open(challengeRow(c.Hash), c.Data)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		return user, p, invalidChallenge(err)
	}
	user, err = s.store.UserByID(ctx, c.UserID)
	if errors.Is(err, models.ErrNotFound) {
		return user, p, invalidChallenge(err)
	}
	if err == nil && (user.PasswordHash != p.Verified || user.FactorsVersion != p.Version || user.LockedAt != nil || user.DisabledAt != nil) {
		return user, p, errInvalidChallenge
	}
	return user, p, err
}

var errInvalidChallenge = &auth.Error{Kind: auth.KindInvalidChallenge, Message: "This sign-in took too long, was used already, or was ended. Please sign in again."}

func invalidChallenge(cause error) error {
	return &auth.Error{Kind: errInvalidChallenge.Kind, Message: errInvalidChallenge.Message, Cause: cause}
}

// challengeHash parses the secret of a challenge and returns its hash, or KindInvalidChallenge without any query.
func challengeHash(challenge string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(raw) != 32 || len(challenge) != base64.RawURLEncoding.EncodedLen(32) {
		return nil, errInvalidChallenge // the cause would repeat the client's text
	}
	hash := sha256.Sum256(raw)
	return hash[:], nil
}

// StepID returns the public id of a challenge, or "" for a malformed one. It reveals nothing about the challenge.
func StepID(challenge string) string {
	hash, err := challengeHash(challenge)
	if err != nil {
		return ""
	}
	return stepID(hash)
}

func stepID(hash []byte) string {
	id := sha256.Sum256(append([]byte("step id\x00"), hash...))
	return base64.RawURLEncoding.EncodeToString(id[:12])
}

func challengeRow(hash []byte) []byte { return append([]byte("challenge\x00"), hash...) }

func (s *Service) factorsOf(ctx context.Context, user uuid.UUID) (list []models.Factor, err error) {
	err = s.gate.Query(ctx, func() error {
		list, err = s.store.Factors(ctx, user)
		return err
	})
	return list, err
}

// methodsOf returns the ways in which an account can take the second step.
func (s *Service) methodsOf(factors []models.Factor) []StepMethod {
	methods := []StepMethod{}
	has := func(kind models.FactorKind) bool {
		return slices.ContainsFunc(factors, func(f models.Factor) bool {
			return f.Kind == kind && (kind != models.FactorRecoveryCode || f.UsedAt == nil)
		})
	}
	if s.HasPasskeys() && has(models.FactorPasskey) {
		methods = append(methods, StepPasskey)
	}
	if has(models.FactorTOTP) {
		methods = append(methods, StepTOTP)
	}
	if has(models.FactorRecoveryCode) {
		methods = append(methods, StepRecovery)
	}
	return methods
}

// Passkeys returns the account's passkeys in the form that ceremonies take.
func Passkeys(factors []models.Factor) (list []passkey.Credential) {
	for _, f := range factors {
		if f.Kind != models.FactorPasskey {
			continue
		}
		c, err := passkey.FromRecord(f.Credential, f.Data, f.SignCount, f.BackedUp)
		if err == nil {
			list = append(list, c)
		}
	}
	return list
}

func isClosed(factors []models.Factor) bool {
	return slices.ContainsFunc(factors, func(f models.Factor) bool { return f.Kind == models.FactorTOTP && f.Wrong >= MaxWrongInRow })
}
