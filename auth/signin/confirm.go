package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/recovery"
	"latchkey/models"
)

// ConfirmLife is how long a page for a sensitive act may offer the passkey before it must be loaded again.
const ConfirmLife = 30 * time.Minute

const purposeConfirm = "confirmation"

// Confirmation is how a signed-in person shows, with a sensitive act, that it is them: a passkey alone, or the password with a code
// where the account has a second factor, or the password alone where it has none.
type Confirmation struct {
	Password  string
	Code      string // of the authenticator app, or a recovery code
	Passkey   []byte // AuthenticationResponseJSON; then the password and the code are not looked at
	Challenge string // of ConfirmOptions.Passkey
	Ticket    string // of a set-up of the second factor, where it replaces the rest: see factor.SetUpTicket
	From      auth.Caller
}

// ConfirmOptions is what the form of a sensitive act asks for.
type ConfirmOptions struct {
	SecondFactor bool // the password alone is not enough
	HasCode      bool // a code can be typed
	HasApp       bool // it can be that of an authenticator app
	Passkey      *PasskeyStart
}

// Confirmed is a checked confirmation. The act uses Proof up in its own transaction, and then calls FinishConfirmation.
type Confirmed struct {
	Factor models.Factor // the zero Factor: with the password alone
	Method models.SignInMethod
	Proof  models.Proof

	counted []models.Counter // wrong codes counted in advance
}

// StartConfirm returns what the form of a sensitive act asks for.
func (s *Service) StartConfirm(ctx context.Context, user models.User) (o ConfirmOptions, err error) {
	if !user.SecondFactor {
		return o, nil
	}
	factors, err := s.store.Factors(ctx, user.ID)
	if err != nil {
		return o, err
	}
	o.SecondFactor = true
	for _, m := range s.methodsOf(factors) {
		o.HasCode, o.HasApp = o.HasCode || m != StepPasskey, o.HasApp || m == StepTOTP
	}
	known := Passkeys(factors)
	if len(known) == 0 || !s.HasPasskeys() {
		return o, nil
	}
	start, err := s.seal(passkeyStart{Purpose: purposeConfirm, User: user.ID[:]}, known, ConfirmLife)
	o.Passkey = &start
	return o, err
}

// ConfirmFields is which fields of a form hold a confirmation's parts, for errors about them.
type ConfirmFields struct{ Password, Code string }

// Check checks the form of a confirmation, before anything is counted.
func (c Confirmation) Check(bad *auth.Fields, user models.User, f ConfirmFields) {
	if len(c.Passkey) > 0 {
		return
	}
	bad.Text(f.Password, c.Password, auth.MaxPassword)
	if user.SecondFactor {
		bad.Text(f.Code, strings.TrimSpace(c.Code), maxCode)
	}
}

// Confirm checks a confirmation and uses it up by itself, for acts whose transaction does not. The browser gets a new secret for its
// cookie, which Session.Keep takes. Confirm returns the errors of CheckConfirmation and FinishConfirmation.
func (s *Service) Confirm(ctx context.Context, by *browser.Session, c Confirmation) (Confirmed, error) {
	done, err := s.CheckConfirmation(ctx, by, c)
	if err != nil {
		return done, err
	}
	if done.Proof.Factor != nil {
		err = s.store.UseFactor(ctx, by.User.ID, done.Proof.Version, *done.Proof.Factor, done.Proof.Challenge)
	}
	return done, s.FinishConfirmation(ctx, by, done, err)
}

// CheckConfirmation checks a confirmation and leaves its use to the act. It returns KindWrongPassword, KindInvalidCode,
// KindInvalidChallenge, KindRateLimited or KindUnavailable.
func (s *Service) CheckConfirmation(ctx context.Context, by *browser.Session, c Confirmation) (done Confirmed, err error) {
	if len(c.Passkey) > 0 {
		done, err = s.confirmWithPasskey(ctx, by.User, c)
	} else if err = s.passwords.Confirm(ctx, by.User, c.Password, c.From); err == nil {
		done.Method = models.ByPassword
		if by.User.SecondFactor {
			done, err = s.confirmWithCode(ctx, by.User, c)
		}
	}
	done.Proof.Version = by.User.FactorsVersion
	return done, err
}

// FinishConfirmation ends a confirmation after its act, whose transaction returned err. When that was nil the browser gets a new secret.
// Otherwise FinishConfirmation returns KindInvalidCode when the code was used before, KindInvalidChallenge when the passkey's challenge
// was, KindWrongPassword or KindInvalidChallenge when the account has changed, and any other error as it is.
func (s *Service) FinishConfirmation(ctx context.Context, by *browser.Session, done Confirmed, err error) error {
	var own *auth.Error
	used := errors.Is(err, models.ErrUsed)
	if len(done.counted) > 0 && !used {
		s.limits.GiveBack(ctx, done.counted)
	}
	switch {
	case err == nil:
		s.browsers.Renew(ctx, by, done.Method)
		s.notify.Wake()
		return nil
	case errors.As(err, &own):
		return err
	case used && done.Proof.Challenge != nil:
		return staleConfirm(err)
	case used:
		return errWrongCode(err)
	case errors.Is(err, models.ErrChanged) && done.Proof.Factor == nil:
		return passwordChanged(err)
	case errors.Is(err, models.ErrChanged):
		return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "Your account has changed since you opened this page. Please try again.", Cause: err}
	}
	return err
}

func passwordChanged(cause error) error {
	return &auth.Error{Kind: auth.KindWrongPassword, Message: "Your password has changed since you opened this page.", Cause: cause}
}

// staleConfirm refuses the challenge of a page that cannot be used any more.
func staleConfirm(cause error) error {
	return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "This page was open for too long, or it was sent twice. Try the passkey again.", Cause: cause, OfPasskey: true}
}

func (s *Service) confirmWithPasskey(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	p, err := s.unseal(purposeConfirm, c.Challenge)
	if err != nil {
		return done, staleConfirm(err)
	}
	if string(p.User) != string(user.ID[:]) {
		return done, staleConfirm(nil)
	}
	hash, _, err := s.challengeOf(c.Challenge)
	if err != nil {
		return done, staleConfirm(err)
	}
	factors, err := s.factorsOf(ctx, user.ID)
	if err != nil {
		return done, err
	}
	f, use, err := s.checkPasskey(ctx, purposeConfirm, user, factors, p.Session, c.Passkey)
	if err != nil {
		return done, err
	}
	if user.LockedAt != nil {
		return done, passwordcheck.ErrLocked
	}
	usedUp := models.ChallengeUse{Hash: hash, Purpose: purposeConfirm, ExpiresAt: p.Until, Sealed: true}
	return Confirmed{Factor: f, Method: models.ByPasskey, Proof: models.Proof{Factor: &use, Challenge: &usedUp}}, nil
}

func (s *Service) confirmWithCode(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	facts, err := s.factsOf(ctx, user, "", c.From)
	if err != nil {
		return done, err
	}
	if facts.User.PasswordHash != user.PasswordHash { // perhaps by the same form, sent twice: its code is not a wrong one
		return done, passwordChanged(models.ErrChanged)
	}
	factors, err := s.factorsOf(ctx, user.ID)
	if err != nil {
		return done, err
	}
	var use models.FactorUse
	if _, isRecovery := recovery.Normalise(c.Code); isRecovery {
		done.Method = models.ByPasswordRecoveryCode
		if done.Factor, use, err = checkRecoveryCode(factors, c.Code, s.clock.Now()); err == nil {
			use.Event, use.Mail = s.recoveryCodeUsed(user, c.From)
		}
	} else {
		done.Method = models.ByPasswordTOTP
		done.Factor, use, done.counted, err = s.checkTOTP(ctx, user, factors, c.Code, ratelimit.KnownBy(facts), c.From)
	}
	done.Proof.Factor = &use
	return done, err
}
