package confirm

import (
	"context"
	"errors"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/passwordcheck"
	"latchkey/models"
)

// Confirmation is how a signed-in person shows, with a sensitive act, that it is them: a passkey alone, or the password with a code
// where the account has a second factor, or the password alone where it has none.
type Confirmation struct {
	Password  string
	Code      string // of the authenticator app, or a recovery code
	Passkey   []byte // AuthenticationResponseJSON; then the password and the code are not looked at
	Challenge string // of Options.Passkey
	Ticket    string // of a set-up of the second factor, where it replaces the rest: see factor.SetUpTicket
	From      auth.Caller
}

// Options is what the form of a sensitive act asks for.
type Options struct {
	SecondFactor bool // the password alone is not enough
	HasCode      bool // a code can be typed
	HasApp       bool // it can be that of an authenticator app
	Passkey      *challenge.PasskeyStart
}

// Confirmed is a checked confirmation. The act uses Proof up in its own transaction, and then calls Finish.
type Confirmed struct {
	Factor models.Factor // the zero Factor: with the password alone
	Method models.SignInMethod
	Proof  models.Proof

	counted []models.Counter // wrong codes counted in advance
}

// Options returns what the form of a sensitive act asks for.
func (s *Service) Options(ctx context.Context, user models.User) (o Options, err error) {
	if !user.SecondFactor {
		return o, nil
	}
	factors, err := s.store.Factors(ctx, user.ID)
	if err != nil {
		return o, err
	}
	o.SecondFactor = true
	for _, m := range s.challenges.Methods(factors) {
		o.HasCode, o.HasApp = o.HasCode || m != challenge.MethodPasskey, o.HasApp || m == challenge.MethodTOTP
	}
	known := challenge.Passkeys(factors)
	if len(known) == 0 || !s.challenges.HasPasskeys() {
		return o, nil
	}
	start, err := s.challenges.Start(challenge.Ceremony{Purpose: challenge.BrowserAct, User: user.ID, Passkeys: known})
	o.Passkey = &start
	return o, err
}

// Fields is which fields of a form hold a confirmation's parts, for errors about them.
type Fields struct{ Password, Code string }

// CheckForm checks the form of a confirmation, before anything is counted.
func (c Confirmation) CheckForm(bad *auth.Fields, user models.User, f Fields) {
	if len(c.Passkey) > 0 {
		return
	}
	bad.Text(f.Password, c.Password, auth.MaxPassword)
	if user.SecondFactor {
		bad.Text(f.Code, strings.TrimSpace(c.Code), challenge.MaxCode)
	}
}

// Confirm checks a confirmation and uses it up by itself, for acts whose transaction does not. The browser gets a new secret for its
// cookie, which Session.Keep takes. Confirm returns the errors of Check and Finish.
func (s *Service) Confirm(ctx context.Context, by *browser.Session, c Confirmation) (Confirmed, error) {
	done, err := s.Check(ctx, by, c)
	if err != nil {
		return done, err
	}
	if done.Proof.Factor != nil {
		err = s.store.UseFactor(ctx, by.User.ID, done.Proof.Version, *done.Proof.Factor, done.Proof.Challenge)
	}
	return done, s.Finish(ctx, by, done, err)
}

// Check checks a confirmation and leaves its use to the act. It returns KindWrongPassword, KindInvalidCode,
// KindInvalidChallenge, KindRateLimited or KindUnavailable.
func (s *Service) Check(ctx context.Context, by *browser.Session, c Confirmation) (done Confirmed, err error) {
	if len(c.Passkey) > 0 {
		done, err = s.checkPasskey(ctx, by.User, c)
	} else if err = s.passwords.Confirm(ctx, by.User, c.Password, c.From); err == nil {
		done.Method = models.ByPassword
		if by.User.SecondFactor {
			done, err = s.checkCode(ctx, by.User, c)
		}
	}
	done.Proof.Verified, done.Proof.Version = by.User.PasswordHash, by.User.FactorsVersion
	return done, err
}

// Finish ends a confirmation after its act, whose transaction returned err. When that was nil the browser gets a new secret.
// Otherwise Finish returns KindInvalidCode when the code was used before, KindInvalidChallenge when the passkey's challenge
// was, KindWrongPassword or KindInvalidChallenge when the account has changed, and any other error as it is.
func (s *Service) Finish(ctx context.Context, by *browser.Session, done Confirmed, err error) error {
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
		return stale(err)
	case used:
		return challenge.WrongCode(err)
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

// stale refuses the challenge of a page that cannot be used any more.
func stale(cause error) error {
	return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "This page was open for too long, or it was sent twice. Try the passkey again.", Cause: cause, OfPasskey: true}
}

func (s *Service) checkPasskey(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	ok, err := s.challenges.CheckPasskey(ctx, user, c.Challenge, c.Passkey)
	switch {
	case err != nil && auth.AsError(err).Kind == auth.KindInvalidChallenge:
		return done, stale(err)
	case err != nil:
		return done, err
	case user.LockedAt != nil:
		return done, passwordcheck.ErrLocked
	}
	return Confirmed{Factor: ok.Factor, Method: ok.Method, Proof: models.Proof{Factor: &ok.Use, Challenge: &ok.UsedUp}}, nil
}

func (s *Service) checkCode(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	ok, err := s.challenges.CheckCode(ctx, user, c.Code, c.From)
	switch {
	case errors.Is(err, models.ErrChanged):
		return done, passwordChanged(err)
	case err != nil:
		return done, err
	}
	return Confirmed{Factor: ok.Factor, Method: ok.Method, Proof: models.Proof{Factor: &ok.Use}, counted: ok.Counted}, nil
}
