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

// MaxOffered is how many devices are offered, at most, where one must make room for a sign-in.
const MaxOffered = 20

// FullError says that a sign-in has proved all that it must and was refused because the account has too many devices. With the challenge,
// the new device can take the place of one of them.
type FullError struct {
	Challenge string
	ExpiresIn time.Duration
	Devices   []models.Device // of the app's client, longest unseen first

	refusal error
}

func (e *FullError) Error() string { return e.refusal.Error() }

// Unwrap returns the error for people.
func (e *FullError) Unwrap() error { return e.refusal }

// Refused is a sign-in of an app that was refused because the account has too many devices.
type Refused struct {
	User   models.User
	Kept   Kept
	Method models.SignInMethod  // how the owner was verified
	Factor *models.FactorUse    // the second factor or passkey that was verified, and is not used up; nil: none was asked for
	First  *models.ChallengeUse // the challenge that it answered, which is not used up either; nil: there was none
	Live   models.Liveness
	From   auth.Caller
	Spend  []models.Budget // each counts the sign-in
	Cause  error
}

// keptFactor is a verified factor without what its use writes beside it. Its field names are stored.
type keptFactor struct {
	ID             uuid.UUID
	Kind           models.FactorKind
	Step, MaxWrong int64 `json:",omitempty"`
	SignCount      int64 `json:",omitempty"`
	BackedUp       bool  `json:",omitempty"`
}

// keptUse is a models.ChallengeUse of a sign-in. Its field names are stored.
type keptUse struct {
	Hash      []byte
	Purpose   string
	Answer    []byte
	ExpiresAt time.Time
	Sealed    bool
}

// OfferReplacement returns a FullError, or the cause if the account has no live device of the client to offer. It returns the errors of
// Ask as well. Call it only after everything that the sign-in must prove: it tells about devices.
func (s *Service) OfferReplacement(ctx context.Context, r Refused) error {
	devices, err := s.store.LiveDevicesOfClient(ctx, r.User.ID, r.Kept.ClientID, r.Live, MaxOffered)
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		return r.Cause
	}
	now := s.clock.Now()
	p := pendingStep{Kept: r.Kept, Verified: r.User.PasswordHash, Version: r.User.FactorsVersion, Method: r.Method, IP: r.From.Address(), Agent: r.From.UserAgent}
	if f := r.Factor; f != nil {
		p.Factor = &keptFactor{ID: f.ID, Kind: f.Kind, Step: f.Step, MaxWrong: f.MaxWrong, SignCount: f.SignCount, BackedUp: f.BackedUp}
	}
	if r.First != nil {
		p.First = &keptUse{Hash: r.First.Hash, Purpose: r.First.Purpose, Answer: r.First.Answer, ExpiresAt: r.First.ExpiresAt, Sealed: r.First.Sealed}
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep a sign-in: %w", err)
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	verified := p.Verified
	if r.Method == models.ByPasskey {
		verified = "" // no password was checked
	}
	err = s.gate.Query(ctx, func() error {
		return s.store.AddChallenge(ctx, models.Challenge{
			Hash: hash[:], UserID: r.User.ID, Purpose: string(AppReplace), Data: s.sealer.Seal(sealedRow(hash[:]), data), CreatedAt: now, ExpiresAt: now.Add(AppLife),
		}, verified, p.Version, r.Spend, nil)
	})
	switch {
	case errors.Is(err, models.ErrSpent):
		return auth.RateLimited("sign_ins", ratelimit.AttemptWindow)
	case errors.Is(err, models.ErrChanged):
		return r.Cause
	case err != nil:
		return err
	}
	return &FullError{base64.RawURLEncoding.EncodeToString(secret[:]), AppLife, devices, r.Cause}
}

// Replacing is a sign-in that goes on in the place of another device.
type Replacing struct {
	Checked
	HasFactor bool                 // Use is to be used with the sign-in
	First     *models.ChallengeUse // the one that the factor answered: it must not sign in once more
	ProvedAt  time.Time

	challenge string
}

// CheckReplacement checks the challenge of a FullError. It is not used up yet. replace is the device to sign out: it becomes part of what
// the use records. CheckReplacement returns KindInvalidChallenge, KindInvalidProof or KindUnavailable.
func (s *Service) CheckReplacement(ctx context.Context, challenge string, replace uuid.UUID, from auth.Caller) (ok Replacing, err error) {
	hash, err := secretHash(challenge)
	if err != nil {
		return ok, err
	}
	leave, err := s.gate.Admit(from)
	if err != nil {
		return ok, err
	}
	defer leave()
	c, err := s.try(ctx, AppReplace, hash)
	if err != nil {
		return ok, err
	}
	user, p, err := s.openStep(ctx, c)
	if err != nil {
		return ok, err
	}
	if err := p.belongsTo(Answer{From: from}); err != nil {
		return ok, err
	}
	facts, err := s.factsOf(ctx, user, p.ClientID, from)
	if err != nil {
		return ok, err
	}
	answer := sha256.Sum256(replace[:])
	ok = Replacing{
		Checked: Checked{
			User: user, Kept: p.Kept, Allowed: facts.Allowed, Method: p.Method,
			UsedUp: models.ChallengeUse{Hash: hash, Purpose: string(AppReplace), Answer: answer[:], ExpiresAt: c.ExpiresAt},
		},
		ProvedAt: c.CreatedAt, challenge: challenge,
	}
	if f := p.First; f != nil {
		ok.First = &models.ChallengeUse{Hash: f.Hash, Purpose: f.Purpose, Answer: f.Answer, ExpiresAt: f.ExpiresAt, Sealed: f.Sealed}
	}
	if f := p.Factor; f != nil {
		ok.HasFactor = true
		ok.Use = models.FactorUse{ID: f.ID, Kind: f.Kind, Step: f.Step, MaxWrong: f.MaxWrong, SignCount: f.SignCount, BackedUp: f.BackedUp, At: s.clock.Now()}
		if f.Kind == models.FactorRecoveryCode {
			ok.Use = s.recoveryUse(user.ID, f.ID, from)
		}
	}
	return ok, nil
}

// StillFull is the FullError of a replacement that was refused for the same cause. Its challenge is that of the first.
func (s *Service) StillFull(ctx context.Context, r Replacing, live models.Liveness, cause error) error {
	devices, err := s.store.LiveDevicesOfClient(ctx, r.User.ID, r.Kept.ClientID, live, MaxOffered)
	if err != nil {
		return err
	}
	return &FullError{r.challenge, r.UsedUp.ExpiresAt.Sub(s.clock.Now()), devices, cause}
}
