package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
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
	From      auth.Caller
}

// ConfirmOptions is what the form of a sensitive act asks for.
type ConfirmOptions struct {
	SecondFactor bool // the password alone is not enough
	HasCode      bool // a code can be typed
	Passkey      *PasskeyStart
}

// Confirmed is how a person confirmed an act.
type Confirmed struct {
	Factor models.Factor // the zero Factor: with the password alone
	Method models.SignInMethod
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
		o.HasCode = o.HasCode || m != StepPasskey
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

// Confirm checks a confirmation and uses it up. The browser gets a new secret for its cookie, which Session.Keep takes. Confirm
// returns KindWrongPassword, KindInvalidCode, KindInvalidChallenge, KindRateLimited or KindUnavailable.
func (s *Service) Confirm(ctx context.Context, by *Session, c Confirmation) (Confirmed, error) {
	done, err := s.confirm(ctx, by.User, c)
	if err != nil {
		return done, err
	}
	return done, s.renew(ctx, by, done.Method)
}

func (s *Service) confirm(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	if len(c.Passkey) > 0 {
		return s.confirmWithPasskey(ctx, user, c)
	}
	if err := s.ConfirmPassword(ctx, user, c.Password, c.From); err != nil {
		return done, err
	}
	if !user.SecondFactor {
		return Confirmed{Method: models.ByPassword}, nil
	}
	return s.confirmWithCode(ctx, user, c)
}

func (s *Service) confirmWithPasskey(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	p, err := s.unseal(purposeConfirm, c.Challenge)
	if err != nil {
		return done, err
	}
	if string(p.User) != string(user.ID[:]) {
		return done, errInvalidChallenge
	}
	factors, err := s.store.Factors(ctx, user.ID)
	if err != nil {
		return done, err
	}
	f, use, err := s.checkPasskey(ctx, user, factors, p.Session, c.Passkey)
	if err != nil {
		return done, err
	}
	hash, _, err := s.challengeOf(c.Challenge)
	if err != nil {
		return done, err
	}
	err = s.useFactor(ctx, user, use, &models.ChallengeUse{Hash: hash, Purpose: purposeConfirm, ExpiresAt: p.Until, Sealed: true}, c.From)
	return Confirmed{Factor: f, Method: models.ByPasskey}, err
}

func (s *Service) confirmWithCode(ctx context.Context, user models.User, c Confirmation) (done Confirmed, err error) {
	factors, err := s.store.Factors(ctx, user.ID)
	if err != nil {
		return done, err
	}
	if _, isRecovery := recovery.Normalise(c.Code); isRecovery {
		f, use, err := checkRecoveryCode(factors, c.Code, s.clock.Now())
		if err == nil {
			err = s.useFactor(ctx, user, use, nil, c.From)
		}
		return Confirmed{Factor: f, Method: models.ByPasswordRecoveryCode}, err
	}
	known, _, err := s.knownBy(ctx, user, "", c.From)
	if err != nil {
		return done, err
	}
	f, use, counted, err := s.checkTOTP(ctx, user, factors, c.Code, known, c.From)
	if err != nil {
		return done, err
	}
	if err = s.useFactor(ctx, user, use, nil, c.From); !errors.Is(err, models.ErrUsed) {
		s.limits.GiveBack(ctx, counted)
	}
	return Confirmed{Factor: f, Method: models.ByPasswordTOTP}, err
}

// useFactor uses a right answer up by itself.
func (s *Service) useFactor(ctx context.Context, user models.User, use models.FactorUse, c *models.ChallengeUse, from auth.Caller) error {
	if use.Kind == models.FactorRecoveryCode {
		use.Event, use.Mail = s.recoveryCodeUsed(user, from)
	}
	err := s.store.UseFactor(ctx, user.ID, user.FactorsVersion, use, c)
	switch {
	case errors.Is(err, models.ErrUsed):
		return errWrongCode(err)
	case errors.Is(err, models.ErrChanged):
		return invalidChallenge(err)
	}
	if err == nil {
		s.notify.Wake()
	}
	return err
}

// renew gives the browser of a session a new secret. Its former one is good until shortly after the first use of the new one, so
// that a lost answer signs no one out.
func (s *Service) renew(ctx context.Context, by *Session, method models.SignInMethod) error {
	var secret [devicetoken.SecretSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	key := models.DeviceKey{UserID: by.User.ID, ID: by.Device.ID}
	err := s.store.RenewBrowserSecret(ctx, key, by.secretHash, devicetoken.SecretHash(secret), method, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return nil // another request renewed it
	}
	if err == nil && by.Keep != nil {
		by.Keep(BrowserKey{UserID: key.UserID, DeviceID: key.ID, Secret: secret})
	}
	return err
}
