package confirm

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/passwordcheck"
	"latchkey/models"
)

// Confirmation is what a signed-in person sends with a sensitive act to prove who they are: a passkey; the password and a code; or, if
// the account has no second factor, the password alone.
type Confirmation struct {
	Password  string
	Code      string // of the authenticator app, or a recovery code
	Passkey   []byte // AuthenticationResponseJSON; if there is one, Password and Code are ignored
	Challenge string // that of Options.Passkey, sent back
	Ticket    string // of the set-up of a second factor, where it replaces all of the above: see factor.SetUpTicket
	From      auth.Caller

	PasswordField string // the form's name of Password, for problems with it; empty: current_password
}

// Options is what the form of a sensitive act asks for.
type Options struct {
	SecondFactor bool // the password alone is not enough
	HasCode      bool // a code can be typed
	HasApp       bool // the code can be that of an authenticator app
	HasRecovery  bool // the code can be a recovery code
	Passkey      *challenge.PasskeyStart
}

// None reports whether no confirmation is possible: the account has a second factor, and none that can be asked for.
func (o Options) None() bool { return o.SecondFactor && !o.HasCode && o.Passkey == nil }

// Options returns what the form of a sensitive act asks for.
func (s *Service) Options(ctx context.Context, user models.User) (Options, error) {
	return s.OptionsWithout(ctx, user, func(models.Factor) bool { return false })
}

// OptionsWithout is Options for an act that some factors cannot confirm. Where no other is left, the account has a second factor, and neither a code
// nor a passkey is asked for: the act cannot be confirmed.
func (s *Service) OptionsWithout(ctx context.Context, user models.User, not func(models.Factor) bool) (o Options, err error) {
	if !user.SecondFactor {
		return o, nil
	}
	factors, err := s.store.Factors(ctx, user.ID)
	if err != nil {
		return o, err
	}
	factors = slices.DeleteFunc(factors, not)
	o.SecondFactor = true
	for _, m := range s.challenges.Methods(factors) {
		o.HasCode, o.HasApp = o.HasCode || m != challenge.MethodPasskey, o.HasApp || m == challenge.MethodTOTP
		o.HasRecovery = o.HasRecovery || m == challenge.MethodRecoveryCode
	}
	known := challenge.Passkeys(factors)
	if len(known) == 0 || !s.challenges.HasPasskeys() {
		return o, nil
	}
	start, err := s.challenges.Start(challenge.Ceremony{Purpose: challenge.BrowserAct, User: user.ID, Passkeys: known})
	o.Passkey = &start
	return o, err
}

// CheckForm checks the form of a confirmation, before anything is counted. The code's field is "code".
func (c Confirmation) CheckForm(bad *auth.Fields, user models.User) {
	if len(c.Passkey) > 0 {
		return
	}
	bad.Text(cmp.Or(c.PasswordField, "current_password"), c.Password, auth.MaxPassword)
	if user.SecondFactor {
		bad.Text("code", strings.TrimSpace(c.Code), challenge.MaxCode)
	}
}

// Act checks a confirmation and then runs a sensitive act. act passes the proof to the store, and the transaction that makes the change
// also uses the proof up. So a refused act leaves the code good, and one code never confirms two acts. After the act the browser gets a
// new secret for its cookie, which Act passes to Session.Keep.
//
// Act returns KindInvalidRequest of the form's fields, KindWrongPassword, KindInvalidCode, KindInvalidChallenge, KindRateLimited or
// KindUnavailable without running the act. Of the act's errors it turns models.ErrUsed and models.ErrChanged into KindInvalidCode,
// KindInvalidChallenge or KindWrongPassword, and returns any other as it is.
func (s *Service) Act(ctx context.Context, by *browser.Session, c Confirmation, act func(models.Proof) error) error {
	_, err := s.confirmed(ctx, by, c, act)
	return err
}

// Confirmed says what confirmed an act.
type Confirmed struct {
	Factor models.Factor // the zero Factor: the password alone
	Method models.SignInMethod
}

// Confirm checks a confirmation and uses it up by itself, for acts whose transaction does not. It returns the errors of Act.
func (s *Service) Confirm(ctx context.Context, by *browser.Session, c Confirmation) (Confirmed, error) {
	return s.confirmed(ctx, by, c, func(p models.Proof) error {
		if p.Factor == nil {
			return nil
		}
		return s.store.UseFactor(ctx, by.User.ID, p.Version, *p.Factor, p.Challenge)
	})
}

func (s *Service) confirmed(ctx context.Context, by *browser.Session, c Confirmation, act func(models.Proof) error) (Confirmed, error) {
	var bad auth.Fields
	c.CheckForm(&bad, by.User)
	if err := bad.Err(); err != nil {
		return Confirmed{}, err
	}
	ok, err := s.check(ctx, by.User, c)
	if err != nil {
		return Confirmed{}, err
	}
	ok.proof.Verified, ok.proof.Version, ok.proof.Method = by.User.PasswordHash, by.User.FactorsVersion, ok.Method
	err = act(ok.proof)
	if len(ok.counted) > 0 && !errors.Is(err, models.ErrUsed) {
		s.limits.GiveBack(ctx, ok.counted)
	}
	if err != nil {
		return Confirmed{}, whyNot(ok.proof, err)
	}
	s.browsers.Renew(ctx, by, ok.Method)
	s.notify.Wake()
	return ok.Confirmed, nil
}

// checked is a right confirmation.
type checked struct {
	Confirmed
	proof   models.Proof
	counted []models.Counter // wrong codes counted in advance
}

func (s *Service) check(ctx context.Context, user models.User, c Confirmation) (checked, error) {
	if len(c.Passkey) > 0 {
		return s.checkPasskey(ctx, user, c)
	}
	if err := s.passwords.Confirm(ctx, user, c.Password, c.From); err != nil {
		return checked{}, err
	}
	if user.SecondFactor {
		return s.checkCode(ctx, user, c)
	}
	return checked{Confirmed: Confirmed{Method: models.ByPassword}}, nil
}

// whyNot says why an act failed whose confirmation was right.
func whyNot(p models.Proof, err error) error {
	var own *auth.Error
	used := errors.Is(err, models.ErrUsed)
	switch {
	case errors.As(err, &own):
		return err
	case used && p.Challenge != nil:
		return stale(err)
	case used:
		return challenge.WrongCode(err)
	case errors.Is(err, models.ErrChanged) && p.Factor == nil:
		return passwordChanged(err)
	case errors.Is(err, models.ErrChanged):
		return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "Your account has changed since you opened this page. Please try again.", Cause: err}
	}
	return err
}

func passwordChanged(cause error) error {
	return &auth.Error{Kind: auth.KindWrongPassword, Message: "Your password has changed since you opened this page. Please try again.", Cause: cause}
}

// stale refuses the challenge of a page that cannot be used any more.
func stale(cause error) error {
	return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "This page was open too long or was submitted twice. Try the passkey again.", Cause: cause, OfPasskey: true}
}

func (s *Service) checkPasskey(ctx context.Context, user models.User, c Confirmation) (done checked, err error) {
	ok, err := s.challenges.CheckPasskey(ctx, user, c.Challenge, c.Passkey)
	switch {
	case err != nil && auth.AsError(err).Kind == auth.KindInvalidChallenge:
		return done, stale(err)
	case err != nil:
		return done, err
	case user.LockedAt != nil:
		return done, passwordcheck.ErrLocked
	}
	return checked{Confirmed{ok.Factor, ok.Method}, models.Proof{Factor: &ok.Use, Challenge: &ok.UsedUp}, nil}, nil
}

func (s *Service) checkCode(ctx context.Context, user models.User, c Confirmation) (done checked, err error) {
	ok, err := s.challenges.CheckCode(ctx, user, c.Code, c.From)
	switch {
	case errors.Is(err, models.ErrChanged):
		return done, passwordChanged(err)
	case err != nil:
		return done, err
	}
	return checked{Confirmed{ok.Factor, ok.Method}, models.Proof{Factor: &ok.Use}, ok.Counted}, nil
}
