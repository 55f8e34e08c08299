package challenge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/passkey"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Answer is what a person answers to a challenge.
type Answer struct {
	Challenge  string // of a SecondStep, or of a PasskeyStart
	Method     Method
	Code       string
	Credential []byte // of a passkey: AuthenticationResponseJSON (WebAuthn Level 3 §5.1)
	From       auth.Caller
	Confirms   uuid.UUID // the device of an app that confirms an act; zero: a sign-in
}

// Checked is a right answer. The caller uses it up in the transaction of the act that it allows.
type Checked struct {
	User    models.User
	Kept    Kept // what the challenge kept
	Allowed bool // the app may sign in
	Method  models.SignInMethod
	Factor  models.Factor
	Use     models.FactorUse
	UsedUp  models.ChallengeUse
	Counted []models.Counter // wrong codes counted in advance: the caller's transaction takes them back, or the caller calls GiveBack
}

// Check checks everything about an answer. A right one is not used up yet. Check returns KindInvalidRequest, KindInvalidCode,
// KindInvalidChallenge, KindInvalidProof, KindAccountDisabled, KindRateLimited or KindUnavailable.
func (s *Service) Check(ctx context.Context, purpose Purpose, a Answer) (ok Checked, err error) {
	ok, err = s.check(ctx, purpose, a)
	s.count(a.SignInMethod(), err)
	return ok, err
}

func (s *Service) check(ctx context.Context, purpose Purpose, a Answer) (ok Checked, err error) {
	hash, sealed, err := hashOf(a.Challenge)
	if err != nil {
		return ok, err
	}
	if sealed {
		return s.checkPasskeyStart(ctx, purpose, hash, a)
	}
	if err := checkFields(a); err != nil {
		return ok, err
	}
	leave, err := s.gate.Admit(a.From)
	if err != nil {
		return ok, err
	}
	defer leave()
	c, err := s.try(ctx, purpose, hash)
	if err != nil {
		return ok, err
	}
	var p pendingStep
	if ok.User, p, err = s.openStep(ctx, c); err != nil {
		return ok, err
	}
	ok.Kept = p.Kept
	if err := p.belongsTo(a); err != nil {
		return ok, err
	}
	ok.UsedUp = models.ChallengeUse{Hash: hash, Purpose: string(purpose), Answer: answerHash(a), ExpiresAt: c.ExpiresAt}
	facts, err := s.factsOf(ctx, ok.User, p.ClientID, a.From)
	if err != nil {
		return ok, err
	}
	ok.Allowed = facts.Allowed
	factors, err := s.Factors(ctx, ok.User.ID)
	if err != nil {
		return ok, err
	}
	switch a.Method {
	case MethodPasskey:
		ok.Method = models.ByPasswordPasskey
		ok.Factor, ok.Use, err = s.checkPasskey(ctx, purpose, ok.User, factors, p.Passkey, a.Credential)
	case MethodTOTP:
		ok.Method = models.ByPasswordTOTP
		ok.Factor, ok.Use, ok.Counted, err = s.checkTOTP(ctx, ok.User, factors, a.Code, ratelimit.KnownBy(facts), a.From)
	case MethodRecoveryCode:
		ok.Method = models.ByPasswordRecoveryCode
		ok.Factor, ok.Use, err = s.checkRecoveryCode(ok.User, factors, a.Code, a.From)
	}
	if err != nil {
		return ok, s.wrongAnswer(ctx, ok.User, c, a, err)
	}
	return ok, nil
}

// try counts an answer to a challenge and returns the challenge, or KindInvalidChallenge after MaxTries.
func (s *Service) try(ctx context.Context, purpose Purpose, hash []byte) (c models.Challenge, err error) {
	err = s.gate.Query(ctx, func() error {
		c, err = s.store.TryChallenge(ctx, string(purpose), hash, s.clock.Now(), MaxTries)
		return err
	})
	if errors.Is(err, models.ErrNotFound) {
		return c, Invalid(err)
	}
	return c, err
}

// belongsTo checks that an answer comes from where the challenge was given: from the same key and, for a confirmation, from the same
// device. Check calls it before it looks at the code, so that a stolen challenge tells nothing about codes.
func (p pendingStep) belongsTo(a Answer) error {
	switch {
	case p.Confirms != a.Confirms:
		return errInvalid
	case p.JKT != a.From.JKT:
		return auth.Refuse(auth.KindInvalidProof, "The key must be the one that the first request proved.")
	}
	return nil
}

// checkFields checks the form of an answer.
func checkFields(a Answer) error {
	var bad auth.Fields
	if !slices.Contains([]Method{MethodPasskey, MethodTOTP, MethodRecoveryCode}, a.Method) {
		bad.Refuse("method", "One of passkey, totp and recovery_code.")
	}
	switch {
	case a.Method == MethodPasskey && len(a.Credential) == 0:
		bad.Refuse("credential", "This is required.")
	case a.Method == MethodPasskey && len(a.Credential) > passkey.MaxBody:
		bad.Refuse("credential", fmt.Sprintf("At most %d bytes.", passkey.MaxBody))
	}
	if a.Method != MethodPasskey {
		bad.Text("code", strings.TrimSpace(a.Code), MaxCode)
	}
	return bad.Err()
}

// MaxCode is how many characters a code may have, with spaces and hyphens.
const MaxCode = 64

// answerHash tells one answer from another.
func answerHash(a Answer) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(a.Method), []byte(strings.TrimSpace(a.Code)), a.Credential} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return h.Sum(nil)
}

// wrongAnswer returns the refusal of a wrong answer with the number of tries that are left. After the last one it tells the owner:
// the person who gives wrong codes has the password.
func (s *Service) wrongAnswer(ctx context.Context, user models.User, c models.Challenge, a Answer, err error) error {
	own := auth.AsError(err)
	if own.Kind != auth.KindInvalidCode {
		return err
	}
	own.Counted, own.AttemptsLeft = true, max(0, MaxTries-c.Attempts)
	if own.AttemptsLeft == 0 {
		if err := s.stepMissed(ctx, user, a.From); err != nil {
			return err
		}
	}
	return auth.About(user.ID, own)
}

// AnsweredBefore returns the browser that this answer has signed in already, if it was sent before.
func (s *Service) AnsweredBefore(ctx context.Context, a Answer) (device models.DeviceKey, ok bool) {
	hash, _, err := hashOf(a.Challenge)
	if err != nil {
		return device, false
	}
	c, err := s.store.FindChallenge(ctx, string(BrowserSignIn), hash, s.clock.Now())
	if err != nil || c.UsedAt == nil || !c.DeviceID.Valid || string(c.Answer) != string(answerHash(a)) {
		return device, false
	}
	return models.DeviceKey{UserID: c.UserID, ID: c.DeviceID.UUID}, true
}
