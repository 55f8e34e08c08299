package challenge

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/recovery"
	"latchkey/auth/totp"
	"latchkey/models"
)

// MaxWrongInRow is how many wrong codes in a row close an authenticator app. It opens again when a passkey or a recovery code is
// used, when the password is changed, or when a browser that the account knows gives a right code.
const MaxWrongInRow = 30

// WrongCode refuses every wrong answer of the second step.
func WrongCode(cause error) error {
	return &auth.Error{Kind: auth.KindInvalidCode, Message: "That code is wrong or was already used. Try again.", Cause: cause}
}

// checkTOTP checks the code of an authenticator app within the limits. A right code is not used up yet, and counts as a wrong
// one until the caller takes the count back.
func (s *Service) checkTOTP(ctx context.Context, user models.User, factors []models.Factor, code string, known ratelimit.Known, from auth.Caller) (
	f models.Factor, use models.FactorUse, counted []models.Counter, err error,
) {
	at := slices.IndexFunc(factors, func(f models.Factor) bool { return f.Kind == models.FactorTOTP })
	if at < 0 {
		return f, use, nil, WrongCode(nil)
	}
	f = factors[at]
	if f.Wrong >= MaxWrongInRow && !known.Browser {
		return f, use, nil, &auth.Error{
			Kind: auth.KindInvalidCode, Message: "Too many wrong codes were entered, so codes from your authenticator app don’t work here for now. Use a passkey or a recovery code, or a browser you’ve signed in with before.",
		}
	}
	secret, _, err := totp.Open(s.sealer, user.ID, f.Data)
	if err != nil {
		return f, use, nil, err
	}
	if counted, err = s.limits.ReserveCode(ctx, user.ID, known.Any()); err != nil {
		return f, use, nil, err
	}
	now := s.clock.Now()
	step, ok := totp.Check(secret, code, now, f.LastStep)
	if !ok {
		return f, use, nil, s.wrongCode(ctx, user, f, from)
	}
	use = models.FactorUse{ID: f.ID, Kind: f.Kind, Step: step, MaxWrong: MaxWrongInRow, At: now}
	if known.Browser {
		use.MaxWrong = 0
	}
	return f, use, counted, nil
}

// wrongCode records a wrong code. If that closes the authenticator app, it also writes an event and a mail to the owner.
func (s *Service) wrongCode(ctx context.Context, user models.User, f models.Factor, from auth.Caller) error {
	now := s.clock.Now()
	e := auth.NewEvent(models.EventCodeFailed, user.ID, from, now)
	e.Actor = models.ActorSystem // the person is unknown
	if err := s.store.AddEvent(ctx, e); err != nil {
		return err
	}
	wrong, err := s.store.CountWrongCode(ctx, user.ID, now)
	if err != nil {
		return err
	}
	if wrong == MaxWrongInRow {
		e := auth.NewEvent(models.EventFactorClosed, user.ID, from, now)
		e.Actor, e.DeviceName = models.ActorSystem, f.Name
		l := notify.NewNotification(notify.KindFactorClosed, from, now)
		if err := s.store.AddEventAndMail(ctx, e, s.notify.ComposeNotMe(user.ID, l, "")); err != nil {
			return err
		}
		s.notify.Wake()
	}
	return WrongCode(nil)
}

// checkRecoveryCode finds the recovery code that was typed. It has more bits than anyone can guess, so only the challenge limits
// how often it is tried. Its use writes an event and a mail.
func (s *Service) checkRecoveryCode(user models.User, factors []models.Factor, typed string, from auth.Caller) (f models.Factor, use models.FactorUse, err error) {
	code, ok := recovery.Normalise(typed)
	if !ok {
		return f, use, WrongCode(nil)
	}
	hash := recovery.Hash(code)
	at := slices.IndexFunc(factors, func(f models.Factor) bool {
		return f.Kind == models.FactorRecoveryCode && f.UsedAt == nil && bytes.Equal(f.Credential, hash)
	})
	if at < 0 {
		return f, use, WrongCode(nil)
	}
	return factors[at], s.recoveryUse(user.ID, factors[at].ID, from), nil
}

// recoveryUse is the use of a recovery code, with its event and mail.
func (s *Service) recoveryUse(user, code uuid.UUID, from auth.Caller) models.FactorUse {
	now := s.clock.Now()
	e := auth.NewEvent(models.EventRecoveryCodeUsed, user, from, now)
	mail := s.notify.ComposeNotMe(user, notify.NewNotification(notify.KindRecoveryCodeUsed, from, now), "")
	return models.FactorUse{ID: code, Kind: models.FactorRecoveryCode, At: now, Event: &e, Mail: mail}
}

// CheckCode checks the code with which a signed-in person confirms an act on the portal, whose password was right: one of the
// authenticator app, or a recovery code. It returns KindInvalidCode, KindRateLimited, KindUnavailable, or models.ErrChanged if the
// password has changed since the account was read. Perhaps the same form was sent twice; then its code must not count as a wrong one.
func (s *Service) CheckCode(ctx context.Context, user models.User, code string, from auth.Caller) (ok Checked, err error) {
	ok, err = s.checkCode(ctx, user, code, from)
	if _, isRecovery := recovery.Normalise(code); isRecovery {
		s.count(models.ByPasswordRecoveryCode, err)
	} else {
		s.count(models.ByPasswordTOTP, err)
	}
	return ok, auth.About(user.ID, err)
}

func (s *Service) checkCode(ctx context.Context, user models.User, code string, from auth.Caller) (ok Checked, err error) {
	facts, err := s.factsOf(ctx, user, "", from)
	if err != nil {
		return ok, err
	}
	if facts.User.PasswordHash != user.PasswordHash {
		return ok, models.ErrChanged
	}
	factors, err := s.Factors(ctx, user.ID)
	if err != nil {
		return ok, err
	}
	ok.User = user
	if _, isRecovery := recovery.Normalise(code); isRecovery {
		ok.Method = models.ByPasswordRecoveryCode
		ok.Factor, ok.Use, err = s.checkRecoveryCode(user, factors, code, from)
	} else {
		ok.Method = models.ByPasswordTOTP
		ok.Factor, ok.Use, ok.Counted, err = s.checkTOTP(ctx, user, factors, code, ratelimit.KnownBy(facts), from)
	}
	return ok, err
}
